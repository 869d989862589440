"""The statistics around a study: what the arms did to scores, what goes with a measure's change, who was studied."""

from ._cohort import StudyParticipants, study_participants
from ._delivery import deliver_statistics
from ._measure_changes import MeasureChange, measure_changes

__all__ = [
    "MeasureChange",
    "StudyParticipants",
    "deliver_statistics",
    "measure_changes",
    "study_participants",
]
