"""Many DCM files: specified from VOIs, inverted, and compared with SPM's results."""

from ._compare import ComparisonReport, SpmComparison, compare_with_spm
from ._invert import FileOutcome, check_folder, invert_files
from ._plan import InversionPlan, is_dcm, read_inputs, remark_lines
from ._specify_group import (
    SPECIFY_COLUMNS,
    ParticipantFolder,
    SpecifiedFile,
    find_participant_folders,
    specify_group,
)
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
    "SPECIFY_COLUMNS",
    "ComparisonReport",
    "FileOutcome",
    "InversionPlan",
    "ParticipantFolder",
    "SpecifiedFile",
    "SpmComparison",
    "check_folder",
    "compare_with_spm",
    "comparison_row",
    "comparison_summary",
    "find_participant_folders",
    "inversion_counts",
    "inversion_json",
    "inversion_row",
    "invert_files",
    "is_dcm",
    "mode_lines",
    "read_inputs",
    "remark_lines",
    "specify_group",
]
