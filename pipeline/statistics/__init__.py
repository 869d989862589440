"""Statistics of a study: effects of arms on scores, correlations of measures' changes, and the cohort by arm."""

from ._measure_changes import MeasureChange, measure_changes
from ._participant_scores import ParticipantScores, participant_scores
from ._statistics_report import report_statistics

__all__ = [
    "MeasureChange",
    "ParticipantScores",
    "measure_changes",
    "participant_scores",
    "report_statistics",
]
