"""Inversion of many files: what is already there is kept, what is missing is inverted and written as it finishes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from dcm import Failure, Integrator, Posterior, Preset, Settings, Subject, invert_each, prior

from ._dataset import to_dataset
from ._dcm_file import DcmFile
from ._dcm_run import EchoTime
from ._provenance import KEY, Attributes, provenance
from ._runtime import UsageError, cores
from ._spm_write import write_dcm, written_by_us
from ._store import ResultFileError, read_result, write_result

NoisePrior = Literal["spm12", "wide"]
WIDE_NOISE_VARIANCE = 1.0  # of a log-precision: the noise's standard deviation is known to a factor of e^½ = 1.6


@dataclass(frozen=True)
class Plan:
    """How to invert a set of files.

    Arguments:
        settings: as `dcm.Settings`; its integrator and max_iterations give way to a file's own where the fields below
            say so. The nonlinear integrator has exact derivatives only.
        preset: the priors.
        noise_prior: prior variance of the noise's log-precisions: 'spm12' as the file says (else 1/128), 'wide' 1.
        echo_time: which echo time the files were read with.
        integrator: None to take what each file needs: 'nonlinear' where it gates connections.
        max_iterations: None for each file's own limit.
        spm_files: whether to write DCM_*.mat files too.
        again: whether to invert anew what is already there.
    """

    settings: Settings = field(default_factory=lambda: Settings("spm12"))
    preset: Preset = "spm12"
    echo_time: EchoTime = "spm12"
    integrator: Integrator | None = None
    max_iterations: int | None = None
    spm_files: bool = True
    again: bool = False
    noise_prior: NoisePrior = "spm12"

    def noise_variance_of(self, file: DcmFile) -> float:
        """Prior variance of the log-precisions of one file's noise."""
        return WIDE_NOISE_VARIANCE if self.noise_prior == "wide" else file.noise_variance

    def settings_of(self, file: DcmFile) -> Settings:
        """The settings for one file."""
        own: Integrator = "nonlinear" if file.spec.d.any() else "bilinear"
        integrator = self.integrator or own
        return replace(
            self.settings,
            integrator=integrator,
            derivatives="exact" if integrator == "nonlinear" else self.settings.derivatives,
            seed=self.settings.seed if self.settings.starts > 1 else 0,
            max_iterations=self.max_iterations or file.max_iterations,
        )

    def attributes(self, file: DcmFile) -> Attributes:
        """What makes a result of this file under this plan."""
        decides = asdict(self.settings_of(file)) | {"prior": self.preset, "echo_time": self.echo_time}
        if (variance := self.noise_variance_of(file)) != file.noise_variance:  # which the source's digest stands for
            decides["noise_variance"] = variance
        return provenance(file.path, file.index, decides)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one file."""

    file: DcmFile
    result: Posterior | Failure
    settings: Settings
    origin: Literal["inverted", "kept", "redone"]
    note: str = ""  # why an earlier result was not kept


class Watcher(Protocol):
    """Told how far the inversion is."""

    def __call__(self, done: int, total: int) -> None:
        """Inversions done and in all, a start counting as one."""


def invert_files(
    files: Sequence[DcmFile],
    folder: Path,
    plan: Plan,
    on_outcome: Callable[[Outcome], None] | None = None,
    on_progress: Watcher | None = None,
) -> list[Outcome]:
    """Invert what `folder` does not hold yet, and write ``NAME.nc`` and ``DCM_NAME.mat`` into it.

    Every result is written as it is finished, whole or not at all, so that a run that is killed loses what was under
    way and goes on from there, to the same bytes. Outcomes are in the order of `files`.
    """
    check_folder(files, folder, plan)
    found = {i: _earlier(file, folder, plan) for i, file in enumerate(files)}
    outcomes: dict[int, Outcome] = {}

    def tell(place: int, outcome: Outcome) -> None:
        outcomes[place] = outcome
        if on_outcome is not None:
            on_outcome(outcome)

    for i, before in found.items():
        if isinstance(before, Posterior):
            if plan.spm_files and not spm_path(folder, files[i]).exists():
                write_dcm(spm_path(folder, files[i]), files[i], before)
            tell(i, Outcome(files[i], before, plan.settings_of(files[i]), "kept"))
    missing = {i for i, before in found.items() if not isinstance(before, Posterior)}
    base, total = 0, len(missing) * plan.settings.starts
    for settings, places in _groups(files, plan).items():
        wanted = [member for member, i in enumerate(places) if i in missing]
        if not wanted:
            continue
        subjects = [_subject(files[i], plan) for i in places]

        def watch(done: int, _: int, base: int = base) -> None:
            if on_progress is not None:
                on_progress(base + done, total)

        for member, result in invert_each(subjects, settings, watch, wanted, cores()):
            i = places[member]
            note = str(found[i] or "")
            outcome = Outcome(files[i], result, settings, "redone" if note else "inverted", note)
            _write(outcome, folder, plan)
            tell(i, outcome)
        base += len(wanted) * settings.starts
        watch(0, 0, base)
    return [outcomes[i] for i in range(len(files))]


def check_folder(files: Sequence[DcmFile], folder: Path, plan: Plan) -> None:
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


def _belongs_to_another(file: DcmFile, folder: Path, plan: Plan) -> bool:
    """Whether a result of this name was made from other data that lay elsewhere: another participant's, most likely."""
    try:
        _, before = read_result(result_path(folder, file))
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


def _earlier(file: DcmFile, folder: Path, plan: Plan) -> Posterior | str | None:
    """The earlier result where it still holds, why it does not, or None where there is none."""
    path = result_path(folder, file)
    if plan.again or not path.exists():
        return None
    try:
        posterior, attributes = read_result(path)
    except ResultFileError as error:
        return f"{str(error).removeprefix(f'{path}: ').split(';')[0]}, so {file.name} was inverted again"
    if attributes.get(KEY) != plan.attributes(file)[KEY]:
        return f"was made from other data, settings or version, so {file.name} was inverted again"
    return posterior


def _groups(files: Sequence[DcmFile], plan: Plan) -> dict[Settings, list[int]]:
    """Files that are inverted in one go: those with equal settings."""
    groups: dict[Settings, list[int]] = defaultdict(list)
    for i, file in enumerate(files):
        groups[plan.settings_of(file)].append(i)
    return groups


def _subject(file: DcmFile, plan: Plan) -> Subject:
    variance = plan.noise_variance_of(file)
    density = prior(file.spec, plan.preset, noise_mean=file.noise_mean, noise_variance=variance)
    return Subject(file.name, file.spec, file.run.data, density, file.centre_inputs)


def _write(outcome: Outcome, folder: Path, plan: Plan) -> None:
    """The SPM file first: a NetCDF file stands for a result that is complete."""
    file, posterior = outcome.file, outcome.result
    if isinstance(posterior, Failure):
        return
    data, _ = file.run.data.prepared(file.centre_inputs)
    dataset = to_dataset(posterior, name=file.name, attrs=plan.attributes(file), data=data)
    if plan.spm_files:
        write_dcm(spm_path(folder, file), file, posterior)
    elif (stale := spm_path(folder, file)).exists() and written_by_us(stale):
        stale.unlink()  # it would stand for an earlier inversion beside this one
    write_result(result_path(folder, file), dataset)
