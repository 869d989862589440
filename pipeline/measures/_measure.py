"""One imaging measure: a column of the table."""

from __future__ import annotations

from dataclasses import dataclass

from ..study import Kind

PERCENT = "percent of the run's mean"


@dataclass(frozen=True)
class Measure:
    """What is measured in every session of everybody.

    Fields:
        name: of the column.
        kind: how it comes about.
        task: whose run it is taken from.
        unit: of its values.
        description: what it is, in a sentence.
        target: the region it is about; of a pair, the one that is acted on, or the first.
        source: the other region of a pair, or the input of a DCM that drives the target; empty where there is none.
        of: the contrast, the distance, or field and input of the DCM such as ``B faces``; empty at rest.
    """

    name: str
    kind: Kind
    task: str
    unit: str
    description: str
    target: str
    source: str = ""
    of: str = ""

    @property
    def motion(self) -> str:
        """The column of mean framewise displacement that belongs to it."""
        return motion_name(self.task)


def motion_name(task: str) -> str:
    """Of the column with a task's mean framewise displacement."""
    return f"motion_{task}"
