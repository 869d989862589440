"""Calibration of a user's own design: data simulated from it, inverted as it would be, and held against the truth."""

from ._analysis_report import report_calibration
from ._coverage import Coverage, measure_coverage, share
from ._design import CalibrationDesign, Found, GroupQuestion
from ._engine import Engine, mode_engine, study_engine
from ._file_design import read_file_design
from ._models import MARGIN, ModelRecovery, recover_models
from ._power import SIZES, Power, measure_power
from ._run import CalibrationRun, Cell, DataSet, invert_datasets, make_datasets
from ._store import InversionStore, Inverted
from ._study_design import read_study_design

__all__ = [
    "MARGIN",
    "SIZES",
    "CalibrationDesign",
    "CalibrationRun",
    "Cell",
    "Coverage",
    "DataSet",
    "Engine",
    "Found",
    "GroupQuestion",
    "InversionStore",
    "Inverted",
    "ModelRecovery",
    "Power",
    "invert_datasets",
    "make_datasets",
    "measure_coverage",
    "measure_power",
    "mode_engine",
    "read_file_design",
    "read_study_design",
    "recover_models",
    "report_calibration",
    "share",
    "study_engine",
]
