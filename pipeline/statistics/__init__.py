"""The statistics around a study: what the arms did to scores, what goes with a measure's change, who was studied."""

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
