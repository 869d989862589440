"""Statistics of a study: effects of arms on scores, correlations of measures' changes, and the cohort by arm."""

from ._analysis_report import report_statistics
from ._cohort import ParticipantScores, participant_scores
from ._measure_changes import MeasureChange, measure_changes

__all__ = [
    "MeasureChange",
    "ParticipantScores",
    "measure_changes",
    "participant_scores",
    "report_statistics",
]
