"""The statistics around a study: what the arms did to scores, what goes with a measure's change, who was studied."""

from ._changes import MeasureChange, measure_changes
from ._delivery import deliver_statistics
from ._people import StudyPeople, people_of

__all__ = [
    "MeasureChange",
    "StudyPeople",
    "deliver_statistics",
    "measure_changes",
    "people_of",
]
