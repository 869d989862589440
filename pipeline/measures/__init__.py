"""Runs → the tidy table of imaging measures, a row for each participant and session."""

from ._measure_kinds import Measure, motion_name
from ._missing import KIND_NAMES, MeasureChanges, measure_changes, missingness
from ._run_measures import RunMeasures, mean_displacement, measure_run, planned_measures
from ._table import PARTICIPANT, SESSION, WHOLE_SAMPLE, FeatureColumn, FeatureTable, feature_table
from ._table_files import read_features, table_sidecar, write_features

__all__ = [
    "KIND_NAMES",
    "PARTICIPANT",
    "SESSION",
    "WHOLE_SAMPLE",
    "FeatureColumn",
    "FeatureTable",
    "Measure",
    "MeasureChanges",
    "RunMeasures",
    "feature_table",
    "mean_displacement",
    "measure_changes",
    "measure_run",
    "missingness",
    "motion_name",
    "planned_measures",
    "read_features",
    "table_sidecar",
    "write_features",
]
