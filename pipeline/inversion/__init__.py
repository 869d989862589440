"""Inverting many DCM files, and comparing the results with SPM."""

from ._compare import BETTER, MISSED, NOISE, SAME_OPTIMUM, SAME_PATH, Comparison, ComparisonReport, compare
from ._inputs import is_dcm, read_inputs, remark_lines
from ._invert import Outcome, Plan, check_folder, invert_files, result_path

__all__ = [
    "BETTER",
    "MISSED",
    "NOISE",
    "SAME_OPTIMUM",
    "SAME_PATH",
    "Comparison",
    "ComparisonReport",
    "Outcome",
    "Plan",
    "check_folder",
    "compare",
    "invert_files",
    "is_dcm",
    "read_inputs",
    "remark_lines",
    "result_path",
]
