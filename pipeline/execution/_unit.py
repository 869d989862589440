"""A unit of work: what it is made from, what decides it, and what it leaves on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Unit:
    """One result that is made whole or not at all, such as the extraction of one run.

    Fields:
        stage: such as ``extract``.
        name: unique within its stage, and fit for a file name.
        recipe: everything that decides the result besides the content of `inputs`, as JSON can hold it.
        inputs: files it is made from.
        payload: what the work function needs; goes to other processes.
        together: units of the same word are handed out at once; none for units that may go alone.
    """

    stage: str
    name: str
    recipe: Mapping[str, Any]
    inputs: tuple[Path, ...]
    payload: Any
    together: str = ""


class Finish(Protocol):
    """Told by the work function of each unit it has ended."""

    def done(self, unit: Unit, outputs: Sequence[Path]) -> None:
        """The unit's outputs are on disk, complete."""

    def failed(self, unit: Unit, reason: str) -> None:
        """The unit has no result, for a reason in the data that another try would not change."""


class Work(Protocol):
    """A function of a module (so that other processes find it) that works off units, one or a batch of them."""

    def __call__(self, units: Sequence[Unit], finish: Finish) -> None:
        """Make every unit's outputs and tell `finish` of each as it ends."""


@dataclass(frozen=True)
class Ended:
    """What became of a unit; `kept` from an earlier run, `made` now, or `failed` for a reason."""

    unit: Unit
    how: Literal["kept", "made", "failed"]
    reason: str = ""
    outputs: tuple[Path, ...] = ()
