"""A job: what a worker is handed at once, and what it does with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..common import WriteError
from ._record import Stamp, kept_outputs, stamp, write_record
from ._unit import Ended, Unit, Work


@dataclass(frozen=True)
class Job:
    """Units that are worked off together.

    Fields:
        units: of one stage.
        work: their function.
        folder: of the records.
    """

    units: tuple[Unit, ...]
    work: Work
    folder: Path


@dataclass(eq=False)
class _Recorder:
    """Writes a record for every unit as it ends: what a killed job has finished is not lost."""

    folder: Path
    before: dict[str, list[Stamp]]
    ended: dict[str, Ended] = field(default_factory=dict)

    def done(self, unit: Unit, outputs: Sequence[Path]) -> None:
        """See `Finish`."""
        changed = [
            path for path, was in zip(unit.inputs, self.before[unit.name], strict=True) if was.renewed(path) is None
        ]
        if changed:
            self.failed(unit, f"{changed[0]} changed while it was worked on; run again once nobody writes to it")
            return
        write_record(self.folder, unit, self.before[unit.name], outputs)
        self.ended[unit.name] = Ended(unit, "made", outputs=tuple(outputs))

    def failed(self, unit: Unit, reason: str) -> None:
        """See `Finish`."""
        self.ended[unit.name] = Ended(unit, "failed", " ".join(reason.split()))


def do(job: Job) -> list[Ended]:
    """Work a job off, in the order of its units; what an earlier try has finished is kept.

    Raises whatever the work raises besides `ValueError`, which says that the data are at fault, and errors of reading
    an input that is gone.
    """
    recorder = _Recorder(job.folder, {})
    todo = [unit for unit in job.units if not _finished(unit, recorder)]
    if todo:
        try:
            for unit in todo:
                recorder.before[unit.name] = [stamp(path) for path in unit.inputs]
            job.work(todo, recorder)
        except (ValueError, OSError) as error:
            left = [unit for unit in todo if unit.name not in recorder.ended]
            lost = next((path for unit in left for path in unit.inputs if not path.exists()), None)
            if isinstance(error, WriteError) or (isinstance(error, OSError) and lost is None):
                raise
            if len(left) > 1:  # not known whose data are at fault
                raise RuntimeError(str(error)) from error
            removed = f"{lost} was removed while it was needed; put it back and run again"
            for unit in left:
                recorder.failed(unit, str(error) if lost is None else removed)
    forgotten = [unit.name for unit in job.units if unit.name not in recorder.ended]
    assert not forgotten, f"the work of {job.units[0].stage} said nothing of {forgotten}"
    return [recorder.ended[unit.name] for unit in job.units]


def _finished(unit: Unit, recorder: _Recorder) -> bool:
    outputs = kept_outputs(recorder.folder, unit)
    if outputs is not None:
        recorder.ended[unit.name] = Ended(unit, "made", outputs=outputs)
    return outputs is not None
