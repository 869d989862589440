"""A unit of work: what it is made from, what decides it, and its outcome."""

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
        batch: units of the same batch go to one worker together; empty for units that may go alone.
    """

    stage: str
    name: str
    recipe: Mapping[str, Any]
    inputs: tuple[Path, ...]
    payload: Any
    batch: str = ""


class UnitRecorder(Protocol):
    """What a work function reports the outcome of each unit to."""

    def done(self, unit: Unit, outputs: Sequence[Path]) -> None:
        """The unit's outputs are on disk, complete."""

    def failed(self, unit: Unit, reason: str) -> None:
        """The unit has no result, for a reason in the data that another try would not change."""


class WorkFunction(Protocol):
    """A function of a module (so that other processes find it) that makes units, one or a batch of them."""

    def __call__(self, units: Sequence[Unit], recorder: UnitRecorder) -> None:
        """Make every unit's outputs and report each to `recorder` as it ends."""


@dataclass(frozen=True)
class UnitOutcome:
    """The outcome of a unit: `kept` from an earlier run, `made` now, or `failed` for a reason."""

    unit: Unit
    status: Literal["kept", "made", "failed"]
    reason: str = ""
    outputs: tuple[Path, ...] = ()
