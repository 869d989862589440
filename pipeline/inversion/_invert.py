"""Inversion of many files: what is already there is kept, what is missing is inverted and written as it finishes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from dcm import (
    Failure,
    Posterior,
    Settings,
    invert_each,
)

from ..common import INVERSION_KEY, UsageError, count_cores
from ..results import ResultFileError, posterior_dataset, read_posterior, write_dataset
from ..spm import DcmFile, write_dcm, written_by_us
from ._plan import InversionPlan


@dataclass(frozen=True, eq=False)
class FileOutcome:
    """What became of one file."""

    file: DcmFile
    result: Posterior | Failure
    settings: Settings
    origin: Literal["inverted", "kept", "redone"]
    note: str = ""  # why an earlier result was not kept

    @property
    def failure(self) -> str:
        """Why there is no result; empty where there is one."""
        return self.result.reason if isinstance(self.result, Failure) else ""


class ProgressCallback(Protocol):
    """Told how far the inversion is."""

    def __call__(self, done: int, total: int) -> None:
        """Inversions done and in all, a start counting as one."""


def invert_files(
    files: Sequence[DcmFile],
    folder: Path,
    plan: InversionPlan,
    on_outcome: Callable[[FileOutcome], None] | None = None,
    on_progress: ProgressCallback | None = None,
) -> list[FileOutcome]:
    """Invert what `folder` does not hold yet, and write ``NAME.nc`` and ``DCM_NAME.mat`` into it.

    Every result is written as it is finished, whole or not at all, so that a run that is killed loses what was under
    way and goes on from there, to the same bytes. Outcomes are in the order of `files`.
    """
    check_folder(files, folder, plan)
    found = {i: _stored_result(file, folder, plan) for i, file in enumerate(files)}
    outcomes: dict[int, FileOutcome] = {}

    def report(place: int, outcome: FileOutcome) -> None:
        outcomes[place] = outcome
        if on_outcome is not None:
            on_outcome(outcome)

    for i, before in found.items():
        if isinstance(before, Posterior):
            if plan.spm_files and not spm_path(folder, files[i]).exists():
                write_dcm(spm_path(folder, files[i]), plan.as_inverted(files[i]), before)
            report(i, FileOutcome(files[i], before, plan.settings_of(files[i]), "kept"))
    missing = {i for i, before in found.items() if not isinstance(before, Posterior)}
    base, total = 0, len(missing) * plan.settings.starts
    for settings, places in _groups(files, plan).items():
        wanted = [member for member, i in enumerate(places) if i in missing]
        if not wanted:
            continue
        subjects = [plan.subject_of(files[i]) for i in places]
        own = len(wanted) * settings.starts

        def watch(done: int, of: int, base: int = base, own: int = own) -> None:
            if on_progress is not None:  # the full equations count a start twice: it is begun by the bilinear ones
                on_progress(base + done * own // max(of, 1), total)

        for member, result in invert_each(subjects, settings, watch, wanted, count_cores()):
            i = places[member]
            note = str(found[i] or "")
            outcome = FileOutcome(files[i], result, settings, "redone" if note else "inverted", note)
            _write(outcome, folder, plan)
            report(i, outcome)
        base += own
        watch(0, 0, base)
    return [outcomes[i] for i in range(len(files))]


def check_folder(files: Sequence[DcmFile], folder: Path, plan: InversionPlan) -> None:
    """Raises `UsageError` where a result would overwrite something that is not an earlier result of the same file."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder} is a file; give a folder")
    for file in files:
        if plan.spm_files and spm_path(folder, file).exists() and not written_by_us(spm_path(folder, file)):
            raise UsageError(
                f"--out {folder} holds {spm_path(folder, file).name}, which effconn did not write and would overwrite; "
                "give another folder"
            )
        if not plan.again and _belongs_to_another(file, folder, plan):
            raise UsageError(
                f"--out {folder} holds {file.name} from another file of that name; give another folder, "
                "rename one of the two, or --force to replace it"
            )


def _belongs_to_another(file: DcmFile, folder: Path, plan: InversionPlan) -> bool:
    """Whether a result of this name was made from other data that lay elsewhere: another participant's, most likely."""
    try:
        _, before = read_posterior(result_path(folder, file))
    except (ResultFileError, OSError):
        return False
    now = plan.attributes(file)
    return before.get("source_sha256") != now["source_sha256"] and before.get("source_place") != now["source_place"]


def result_path(folder: Path, file: DcmFile) -> Path:
    """Where the NetCDF result of a file lies."""
    return folder / f"{file.name}.nc"


def spm_path(folder: Path, file: DcmFile) -> Path:
    """Where the SPM-readable result of a file lies."""
    return folder / f"DCM_{file.name}.mat"


def _stored_result(file: DcmFile, folder: Path, plan: InversionPlan) -> Posterior | str | None:
    """The earlier result where it still holds, why it does not, or None where there is none."""
    path = result_path(folder, file)
    if plan.again or not path.exists():
        return None
    try:
        posterior, attributes = read_posterior(path)
    except ResultFileError as error:
        return f"{str(error).removeprefix(f'{path}: ').split(';')[0]}, so {file.name} was inverted again"
    if attributes.get(INVERSION_KEY) != plan.attributes(file)[INVERSION_KEY]:
        return f"was made from other data, settings or version, so {file.name} was inverted again"
    return posterior


def _groups(files: Sequence[DcmFile], plan: InversionPlan) -> dict[Settings, list[int]]:
    """Files that are inverted in one go: those with equal settings."""
    groups: dict[Settings, list[int]] = defaultdict(list)
    for i, file in enumerate(files):
        groups[plan.settings_of(file)].append(i)
    return groups


def _write(outcome: FileOutcome, folder: Path, plan: InversionPlan) -> None:
    """The SPM file first: a NetCDF file means that the result is complete."""
    file, posterior = plan.as_inverted(outcome.file), outcome.result
    if isinstance(posterior, Failure):
        return
    data, _ = file.data.prepared(file.centre_inputs)
    dataset = posterior_dataset(posterior, name=file.name, attrs=plan.attributes(file), data=data)
    if plan.spm_files:
        write_dcm(spm_path(folder, file), file, posterior)
    elif (stale := spm_path(folder, file)).exists() and written_by_us(stale):
        stale.unlink()  # it is of an earlier inversion
    write_dataset(result_path(folder, file), dataset)
