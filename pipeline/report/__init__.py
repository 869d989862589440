"""The report of a study: one page that has everything, answers first."""

from ._page import study_page, study_records
from ._result import Extra, Failure, StudyResult
from ._write import write_report

__all__ = [
    "Extra",
    "Failure",
    "StudyResult",
    "study_page",
    "study_records",
    "write_report",
]
