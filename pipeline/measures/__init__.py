"""Runs → the tidy table of imaging measures, a row for each participant and session."""

from ._measure_kinds import Measure
from ._missing import KIND_NAMES, measure_changes, missingness
from ._run_measures import mean_displacement, measure_run, planned_measures
from ._table import PARTICIPANT, SESSION, WHOLE_SAMPLE, FeatureColumn, FeatureTable, feature_table
from ._table_files import read_features, write_features

__all__ = [
    "KIND_NAMES",
    "PARTICIPANT",
    "SESSION",
    "WHOLE_SAMPLE",
    "FeatureColumn",
    "FeatureTable",
    "Measure",
    "feature_table",
    "mean_displacement",
    "measure_changes",
    "measure_run",
    "missingness",
    "planned_measures",
    "read_features",
    "write_features",
]
