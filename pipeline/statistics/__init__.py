"""Statistics of a study: effects of arms on scores, correlations of measures' changes, and the cohort by arm."""

from ._analysis_report import report_statistics
from ._cohort import StudyParticipants, study_participants
from ._measure_changes import MeasureChange, measure_changes

__all__ = [
    "MeasureChange",
    "StudyParticipants",
    "measure_changes",
    "report_statistics",
    "study_participants",
]
