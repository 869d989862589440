"""Runs → the tidy table of imaging measures, a row for each participant and session."""

from ._measure import Measure, motion_name
from ._missing import KINDS, Changes, change, missingness
from ._plan import planned
from ._provenance import WHOLE_SAMPLE
from ._read import read_features
from ._run import Measured, mean_displacement, measure_run
from ._table import PARTICIPANT, SESSION, FeatureColumn, FeatureTable, feature_table
from ._write import sidecar_of, write_features

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
