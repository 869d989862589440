"""Inverting many DCM files, and comparing the results with SPM."""

from ._compare import ComparisonReport, SpmComparison, compare_with_spm
from ._invert import FileOutcome, check_folder, invert_files
from ._plan import InversionPlan, is_dcm, read_inputs, remark_lines
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
    "ComparisonReport",
    "FileOutcome",
    "InversionPlan",
    "SpmComparison",
    "check_folder",
    "compare_with_spm",
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
]
