"""Calibration of a user's own design: data are simulated from it, inverted, and compared with the truth."""

from ._calibration_report import report_calibration
from ._datasets import CalibrationRun, SimulatedDataSet, invert_datasets, make_datasets
from ._inversion_store import InversionMode, InversionStore, mode_from_name, mode_from_study
from ._parameter_recovery import Coverage, measure_coverage, percent_with_error, recover_models
from ._power import USUAL_SIZES, Power, measure_power
from ._read_design import read_file_design, read_study_design
from ._simulation_design import CalibrationDesign, GroupQuestion, RunEstimate

__all__ = [
    "USUAL_SIZES",
    "CalibrationDesign",
    "CalibrationRun",
    "Coverage",
    "GroupQuestion",
    "InversionMode",
    "InversionStore",
    "Power",
    "RunEstimate",
    "SimulatedDataSet",
    "invert_datasets",
    "make_datasets",
    "measure_coverage",
    "measure_power",
    "mode_from_name",
    "mode_from_study",
    "percent_with_error",
    "read_file_design",
    "read_study_design",
    "recover_models",
    "report_calibration",
]
