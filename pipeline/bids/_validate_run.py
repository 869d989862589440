"""One run, from its files' headers: usable, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..study import Study
from ..tables import TableError
from ._check_events import check_events, count_events
from ._confounds import check_confounds, read_confounds
from ._events import read_events
from ._inventory import Absence, ImageRun, Run
from ._locate_files import DatasetFolders, RunFiles, RunProblem, locate_files
from ._readable_files import DataError, Header, check_filled, read_header
from ._timing import RunTiming, TimingNeeds, read_timing


@dataclass(frozen=True)
class RunValidation:
    """What there is of one run of a task in one session of one participant.

    Fields:
        run: None where it cannot be used.
        absence: None where it can.
        remarks: that are good to know.
        events: trial type → how many events, and their median duration, s; as far as they can be read.
    """

    run: Run | None
    absence: Absence | None
    remarks: tuple[str, ...] = ()
    events: Mapping[str, tuple[int, float]] = field(default_factory=dict)


def validate_runs(
    study: Study, derivatives: DatasetFolders, bids: DatasetFolders, participant: str, session: str | None, task: str
) -> list[RunValidation]:
    """Locate the files of all runs of a task in a session, and compare them with each other, headers only.

    One validation a run, or one where there is none; what is wrong with a run makes an `Absence`.
    """
    try:
        found = locate_files(study, derivatives, bids, participant, session, task)
    except DataError as error:
        return [RunValidation(None, Absence(participant, session, task, str(error)))]
    except Exception as error:  # of an unforeseen kind: one run must not end the study
        return [_not_understood(error, participant, session, task)]
    several = len(found) > 1
    return [_validate_run(study, files, participant, session, task, several) for files in found]


def _not_understood(error: Exception, participant: str, session: str | None, task: str) -> RunValidation:
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return RunValidation(None, Absence(participant, session, task, f"its files cannot be understood ({words})"))


def _validate_run(
    study: Study, files: RunFiles | RunProblem, participant: str, session: str | None, task: str, several: bool
) -> RunValidation:
    which = f"run-{files.run}: " if several and files.run is not None else ""
    if isinstance(files, RunProblem):
        return RunValidation(None, Absence(participant, session, task, f"{which}{files.problem}"))
    try:
        check = _RunCheck(study, task, files, several)
        run = check.run(participant, session)
    except Exception as error:  # of an unforeseen kind: one run must not end the study
        return _not_understood(error, participant, session, task)
    if check.problems:
        absence = Absence(participant, session, task, f"{which}{'; '.join(check.problems)}")
        return RunValidation(None, absence, tuple(check.remarks), check.events)
    return RunValidation(run, None, tuple(check.remarks), check.events)


class _RunCheck:
    """The files of one run, read one after the other: `problems` and `remarks` grow, `events` are as in the result."""

    def __init__(self, study: Study, task: str, files: RunFiles, of_several: bool) -> None:
        self.study, self.task, self.files, self.of_several = study, task, files, of_several
        self.problems: list[str] = []
        self.remarks = list(files.remarks)
        self.events: dict[str, tuple[int, float]] = {}

    def run(self, participant: str, session: str | None) -> ImageRun | None:
        """The run; None where image or timing cannot be used."""
        files, bold = self.files, self._read_image()
        timing = self._read_timing(bold)
        undriven = self._read_events(bold, timing)
        if bold is None or timing is None:
            return None
        self.remarks += timing.remarks
        run = ImageRun(
            participant=participant,
            session=session,
            task=self.task,
            run=files.run,
            bold=files.bold,
            brain_mask=files.brain_mask,
            confounds=files.confounds,
            events=files.events,
            sidecars=timing.sidecars,
            repetition_time=timing.repetition_time,
            echo_time=timing.echo_time,
            reference=timing.reference,
            scans=bold.shape[3],
            shape=(bold.shape[0], bold.shape[1], bold.shape[2]),
            affine=tuple(tuple(row) for row in bold.affine.tolist()),
            timed_by=timing.source,
            undriven=undriven,
        )
        self._check_confounds(run)
        return run

    def _read_image(self) -> Header | None:
        """The image's header; None where it cannot be used."""
        image, brain_mask = self.files.bold, self.files.brain_mask
        bold: Header | None = None
        try:
            header = read_header(image)
            if len(header.shape) != 4 or header.shape[3] < 2:
                shape = " × ".join(map(str, header.shape))
                raise DataError(f"{image.name} is {shape}, not three axes and a series of scans")
            bold = header
        except DataError as error:
            self.problems.append(str(error))
        try:
            mask = read_header(brain_mask)
            if len([size for size in mask.shape[3:] if size > 1]):
                raise DataError(f"{brain_mask.name} has {len(mask.shape)} axes; a mask has three")
            if bold is not None and not mask.same_grid(bold):
                raise DataError(f"{brain_mask.name} is on another grid than {image.name}; run fMRIPrep again")
            check_filled(brain_mask, mask)
        except DataError as error:
            self.problems.append(str(error))
        return bold

    def _read_timing(self, bold: Header | None) -> RunTiming | None:
        dcms, settings = self.study.dcms_of(self.task).values(), self.study.tasks[self.task]
        needs = TimingNeeds(
            self.task,
            settings.repetition_time,
            echo_time=any(dcm.echo_time == "scanner" for dcm in dcms),
            reference=not settings.rest,
        )
        try:
            return read_timing(
                self.files.derived, self.files.raw, None if bold is None else bold.repetition_time, needs
            )
        except DataError as error:
            if bold is not None:  # without an image there is a reason already
                self.problems.append(str(error))
            return None

    def _read_events(self, bold: Header | None, timing: RunTiming | None) -> tuple[str, ...]:
        """Inputs of the DCM that have no event."""
        if self.files.events is None:
            return ()
        try:
            events = read_events(self.files.events, self.study.tasks[self.task])
        except TableError as error:
            self.problems.append(str(error))
            return ()
        self.events |= count_events(events)
        if bold is None or timing is None:
            return ()
        check = check_events(
            events, self.study, self.task, bold.shape[3], timing.repetition_time, of_several=self.of_several
        )
        self.problems += check.problems
        self.remarks += check.remarks
        return check.undriven

    def _check_confounds(self, run: ImageRun) -> None:
        try:
            unsure, known = check_confounds(run.confounds, self.study.confounds, run.scans)
            self.remarks += known
            if unsure:
                self.remarks += [line for line in read_confounds(run, self.study).remarks if line not in known]
        except DataError as error:
            self.problems.append(str(error))
