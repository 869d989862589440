"""The report of a study: one page that has everything, answers first."""

from ._page import study_page, study_records, write_report
from ._study_result import ExtraSection, FailedUnit, StudyResult

__all__ = [
    "ExtraSection",
    "FailedUnit",
    "StudyResult",
    "study_page",
    "study_records",
    "write_report",
]
