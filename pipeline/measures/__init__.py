"""Runs → the tidy table of imaging measures, a row for each participant and session."""

from ._measure_kinds import Measure, motion_name
from ._missing import KINDS, Changes, change, missingness
from ._run_measures import Measured, mean_displacement, measure_run, planned
from ._table import PARTICIPANT, SESSION, WHOLE_SAMPLE, FeatureColumn, FeatureTable, feature_table
from ._table_files import read_features, sidecar_of, write_features

__all__ = [
    "KINDS",
    "PARTICIPANT",
    "SESSION",
    "WHOLE_SAMPLE",
    "Changes",
    "FeatureColumn",
    "FeatureTable",
    "Measure",
    "Measured",
    "change",
    "feature_table",
    "mean_displacement",
    "measure_run",
    "missingness",
    "motion_name",
    "planned",
    "read_features",
    "sidecar_of",
    "write_features",
]
