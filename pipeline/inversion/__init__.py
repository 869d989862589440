"""Inverting many DCM files, and comparing the results with SPM."""

from ._compare import Comparison, ComparisonReport, compare
from ._inputs import is_dcm, read_inputs, remark_lines
from ._invert import Outcome, Plan, check_folder, invert_files, result_path
from ._summary import (
    COMPARISON_COLUMNS,
    INVERSION_COLUMNS,
    comparison_row,
    comparison_summary,
    inversion_counts,
    inversion_json,
    inversion_row,
    mode_lines,
)

__all__ = [
    "COMPARISON_COLUMNS",
    "INVERSION_COLUMNS",
    "Comparison",
    "ComparisonReport",
    "Outcome",
    "Plan",
    "check_folder",
    "compare",
    "comparison_row",
    "comparison_summary",
    "inversion_counts",
    "inversion_json",
    "inversion_row",
    "invert_files",
    "is_dcm",
    "mode_lines",
    "read_inputs",
    "remark_lines",
    "result_path",
]
