"""Runs → the tidy table of imaging measures, a row for each participant and session."""

from ._feature_table import PARTICIPANT, SESSION, WHOLE_SAMPLE, FeatureColumn, FeatureTable, feature_table
from ._measure_kinds import Measure, response_unit
from ._missing import KIND_NAMES, changes_of_measures, missingness, of_session
from ._run_measures import mean_displacement, measure_run, planned_measures
from ._table_files import read_features, write_features

__all__ = [
    "KIND_NAMES",
    "PARTICIPANT",
    "SESSION",
    "WHOLE_SAMPLE",
    "FeatureColumn",
    "FeatureTable",
    "Measure",
    "changes_of_measures",
    "feature_table",
    "mean_displacement",
    "measure_run",
    "missingness",
    "of_session",
    "planned_measures",
    "read_features",
    "response_unit",
    "write_features",
]
