"""What a study has on disk: its participants, the runs that can be used, and everything that is missing, with why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from ..common import LABELS, first_names

_RUN_FIRST = re.compile(r"^run-[A-Za-z0-9]+: ")
_ENTITY = re.compile(r"(?<![A-Za-z0-9])(sub|ses|run)-[A-Za-z0-9]+")  # that differs from run to run


@dataclass(frozen=True)
class Participant:
    """One row of the participants' table that the study uses.

    Fields:
        name: with its prefix, such as ``sub-01``.
        group: one of the study's, an arm in a trial; None where the study has no groups.
        values: the other columns, as text; ``n/a`` where missing.
        scores: the study's scores by name; NaN where missing.
    """

    name: str
    group: str | None
    values: Mapping[str, str]
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Visit:
    """One participant in one session.

    Fields:
        participant, session: ``sub-01`` and ``ses-1``; None where the study has no sessions.
        values: what the table of visits says of it, as text; ``n/a`` where missing.
    """

    participant: str
    session: str | None
    values: Mapping[str, str] = field(hash=False)

    @property
    def label(self) -> str:
        """Such as ``sub-01_ses-1``, or ``sub-01`` where there are no sessions."""
        return visit_label(self.participant, self.session)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run that is complete on disk: an `ImageRun` or a `SeriesRun`.

    Fields:
        participant, session, task: ``sub-01``, ``ses-1`` (None where there are no sessions), and the task's bare name.
        run: the bare label of run-, None where the file has none.
        events: None for rest.
        sidecars: JSON files that repetition and echo time were read from, and other files beside the run.
        repetition_time: s.
        echo_time: s, None where no sidecar says.
        reference: where in a scan slices were corrected to, a fraction of the repetition time; ½ where no sidecar says.
        scans: number of volumes.
        timed_by: what the repetition time was read from.
        undriven: inputs of the DCM that have no event in the run, so that there is no model of it.
    """

    participant: str
    session: str | None
    task: str
    run: str | None
    events: Path | None
    sidecars: tuple[Path, ...]
    repetition_time: float
    echo_time: float | None
    reference: float
    scans: int
    timed_by: str = "the sidecar"
    undriven: tuple[str, ...] = ()

    @property
    def visit(self) -> str:
        """Such as ``sub-01_ses-1``."""
        return visit_label(self.participant, self.session)

    @property
    def label(self) -> str:
        """Such as ``sub-01_ses-1_task-faces``, as at the head of BIDS file names."""
        return f"{self.visit}_task-{self.task}" + (f"_run-{self.run}" if self.run else "")

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file whose content decides what is computed from the run."""
        return (*(() if self.events is None else (self.events,)), *self.sidecars)


@final
@dataclass(frozen=True, kw_only=True)
class ImageRun(Run):
    """A run of preprocessed images.

    Fields:
        bold, brain_mask, confounds: fMRIPrep's files.
        shape: number of voxels along each axis.
        affine: rows of the matrix that takes voxel numbers to mm.
    """

    bold: Path
    brain_mask: Path
    confounds: Path
    shape: tuple[int, int, int]
    affine: tuple[tuple[float, ...], ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file whose content decides what is computed from the run."""
        described = self.confounds.with_suffix(".json")  # says which component is of which mask
        sidecar = (described,) if described.exists() and described not in self.sidecars else ()
        return (self.bold, self.brain_mask, self.confounds, *sidecar, *super().files)


@final
@dataclass(frozen=True, kw_only=True)
class SeriesRun(Run):
    """A run of region series in a file.

    Fields:
        series: the file.
        position: which of the runs in it, from 0.
        kind: table, XCP-D, CONN, NetCDF, NumPy or effconn.
    """

    series: Path
    position: int = 0
    kind: str = "table"

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file whose content decides what is computed from the run."""
        return (self.series, *super().files)


@dataclass(frozen=True)
class Absence:
    """A run that the study asks for and cannot use: what is missing or wrong, and what to do, in one line."""

    participant: str
    session: str | None
    task: str
    problem: str

    @property
    def label(self) -> str:
        """As of a run."""
        return f"{visit_label(self.participant, self.session)}_task-{self.task}"


@dataclass(frozen=True)
class SharedAbsence:
    """Runs that a study lacks for one cause.

    Fields:
        labels: of their visits and task, each once.
        runs: how many there are.
        problem: what is missing or wrong; the parts of file names that differ from run to run are left out.
    """

    labels: tuple[str, ...]
    runs: int
    problem: str

    @property
    def whose(self) -> str:
        """All labels, and the number of runs where it is another: ``sub-01_task-faces, sub-02_task-faces (6 runs)``."""
        return f"{', '.join(self.labels)}{self._counted}"

    @property
    def line(self) -> str:
        """The first labels and the problem."""
        return f"{first_names(self.labels, LABELS)}{self._counted}: {self.problem}"

    @property
    def _counted(self) -> str:
        return f" ({self.runs} runs)" if self.runs > len(self.labels) else ""


def share_absences(absences: Sequence[Absence]) -> list[SharedAbsence]:
    """Absences by their causes, in the order in which causes first come up."""
    about: dict[str, list[Absence]] = {}
    for absence in absences:
        about.setdefault(_cause(absence), []).append(absence)
    return [
        SharedAbsence(
            tuple(dict.fromkeys(absence.label for absence in alike)),
            len(alike),
            cause if len(alike) > 1 else alike[0].problem,
        )
        for cause, alike in about.items()
    ]


def _cause(absence: Absence) -> str:
    """The problem without what differs from run to run: ``sub-…_task-faces_run-…_bold.nii.gz is empty``."""
    return re.sub(r"\S*sub-\S*", lambda name: _ENTITY.sub(r"\1-…", name[0]), _RUN_FIRST.sub("", absence.problem))


@dataclass(frozen=True)
class Inventory:
    """A study's data.

    Fields:
        participants: in the order of their table.
        visits: every participant in every session of the study, whether there are runs or not.
        runs: that can be used, by participant, session, and task.
        absences: that the study goes on without.
        errors: that it cannot go on with; one line each.
        remarks: that are good to know; one line each.
        left_out: participants of the table who are not in the study, and why.
    """

    participants: tuple[Participant, ...]
    runs: tuple[Run, ...]
    absences: tuple[Absence, ...]
    errors: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    visits: tuple[Visit, ...] = ()

    @property
    def image_runs(self) -> tuple[ImageRun, ...]:
        """The runs of images; none in a study of region series."""
        return tuple(run for run in self.runs if isinstance(run, ImageRun))

    @property
    def visit_columns(self) -> tuple[str, ...]:
        """Columns of the table of visits."""
        return tuple(dict.fromkeys(name for visit in self.visits for name in visit.values))


def visit_label(participant: str, session: str | None) -> str:
    """Such as ``sub-01_ses-1``; ``sub-01`` where there are no sessions."""
    return f"{participant}_{session}" if session else participant
