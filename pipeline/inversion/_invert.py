"""Inversion of many files: what is already there is kept, what is missing is inverted and written as it finishes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

from dcm import (
    Compat,
    Derivatives,
    Failure,
    Integrator,
    NoiseModel,
    Posterior,
    Preset,
    Prior,
    Refine,
    Settings,
    Subject,
    invert_each,
    prior,
)

from ..common import INVERSION_KEY, Attributes, UsageError, count_cores, provenance
from ..results import ResultFileError, posterior_dataset, read_posterior, write_dataset
from ..spm import DcmFile, EchoTime, write_dcm, written_by_us

Centre = Literal["file", "yes", "no"]
NOISE_MEAN, NOISE_VARIANCE = 6.0, 1 / 128  # SPM's defaults of options.hE and options.hC


@dataclass(frozen=True)
class Plan:
    """How to invert a set of files: the mode, and what is to be other than the mode has it.

    In SPM's modes a file's own options hold, as in SPM: centre, hE, hC and maxit. In mode 'none' they do not.

    Arguments:
        compat, integrator, derivatives, noise, priors, starts, seed, tolerance, refine: as in `dcm.Settings`; None for
            what the mode has. SPM's priors come with the file's hE and hC.
        max_iterations: None for the file's own limit in SPM's modes, else 128.
        centre: whether inputs are centred: 'yes', 'no', or as the 'file' says; None for what the mode has.
        echo_time: which echo time the files were read with.
        spm_files: whether to write DCM_*.mat files too.
        again: whether to invert anew what is already there.

    Raises `ValueError` where the settings are impossible, and where SPM's derivatives are asked for in mode 'none'.
    """

    compat: Compat = "none"
    integrator: Integrator | None = None
    derivatives: Derivatives = "exact"
    noise: NoiseModel | None = None
    priors: Preset | None = None
    starts: int | None = None
    seed: int = 0
    tolerance: float = 0.1
    refine: Refine = "none"
    max_iterations: int | None = None
    centre: Centre | None = None
    echo_time: EchoTime = "spm12"
    spm_files: bool = True
    again: bool = False

    def __post_init__(self) -> None:
        if self.compat == "none" and self.derivatives == "spm":
            raise ValueError(
                "derivatives='spm' are SPM12's finite differences, to check against SPM12 only; they need "
                "compat='spm12' or 'spm25'"
            )
        _ = self.settings  # raises where they are impossible

    @cached_property
    def settings(self) -> Settings:
        """Those of a file without gating and without a limit of its own."""
        made = Settings(
            self.compat,
            integrator=self.integrator,
            derivatives=self.derivatives,
            noise=self.noise,
            priors=self.priors,
            starts=self.starts,
            seed=self.seed,
            max_iterations=self.max_iterations or 128,
            tolerance=self.tolerance,
            refine=self.refine,
        )
        return made if made.starts > 1 else replace(made, seed=0)

    @property
    def as_spm(self) -> bool:
        """Whether the mode is one of SPM's, so that a file's own options hold."""
        return self.compat != "none"

    def settings_of(self, file: DcmFile) -> Settings:
        """The settings for one file; a model with gates needs the nonlinear integrator and exact derivatives."""
        settings = self.settings
        if self.as_spm:
            settings = replace(settings, max_iterations=self.max_iterations or file.max_iterations)
        if file.spec.d.any() and self.integrator is None:
            settings = replace(settings, integrator="nonlinear", derivatives="exact")
        return settings

    def centres(self, file: DcmFile) -> bool:
        """Whether the file's inputs are centred, which nothing undoes where SPM has done it in the file."""
        how = self.centre or ("file" if self.as_spm else "no")
        asked = file.centre_inputs if how == "file" else how == "yes"
        return asked or (not self.as_spm and file.has_centred_inputs)

    def prior_of(self, file: DcmFile) -> Prior:
        """The prior of one file's model; SPM's with the file's hE and hC."""
        if self.settings.priors == "none":
            return prior(file.spec, "none")
        noise = {"noise_mean": file.noise_mean, "noise_variance": file.noise_variance}
        return prior(file.spec, self.settings.priors, **noise)

    def as_inverted(self, file: DcmFile) -> DcmFile:
        """The file with the options that hold, and with its series as they were measured in mode 'none'."""
        limit = self.settings_of(file).max_iterations
        own = replace(file, centre_inputs=self.centres(file), max_iterations=limit)
        return own if self.settings.scaling == "data" else own.as_measured()

    def subject_of(self, file: DcmFile) -> Subject:
        """What is inverted."""
        own = self.as_inverted(file)
        return Subject(own.name, own.spec, own.data, self.prior_of(own), own.centre_inputs)

    def remarks(self, file: DcmFile) -> list[str]:
        """What the file says of the inversion that does not hold here, and how to have it."""
        said = []
        if not self.as_spm and self.centre in (None, "no") and file.has_centred_inputs:
            remedy = "give the file as it was before SPM estimated it"
            if file.estimate is None:
                remedy = "give inputs as presented, 0 where nothing is, to have A without input"
            said.append(
                "U.u is centred already, so that A is the connectivity averaged over the run, as in SPM's estimates; "
                + remedy
            )
        elif self.centre is None and not self.as_spm and file.centre_inputs:
            said.append(
                "options.centre = 1, but inputs are not centred, which would make A the connectivity averaged over the "
                "run; --centre file centres them"
            )
        if self.as_spm and self.centres(file) != file.centre_inputs:
            own = int(file.centre_inputs)
            said.append(
                f"options.centre = {own}, which --centre {self.centre} sets aside, so that SPM has other numbers"
            )
        other = (file.noise_mean, file.noise_variance) != (NOISE_MEAN, NOISE_VARIANCE)
        if self.settings.priors == "none" and other:
            said.append(
                f"options.hE = {file.noise_mean:g} and hC = {file.noise_variance:g} belong to SPM's priors and are not "
                "used; --priors spm12 uses them"
            )
        if not self.as_spm and self.max_iterations is None and file.max_iterations != self.settings.max_iterations:
            said.append(
                f"options.maxit = {file.max_iterations} is not used; --max-iterations {file.max_iterations} does that"
            )
        return said

    def attributes(self, file: DcmFile) -> Attributes:
        """What makes a result of this file under this plan."""
        decides = asdict(self.settings_of(file)) | {"echo_time": self.echo_time, "centre_inputs": self.centres(file)}
        return provenance(file.path, file.index, decides)


@dataclass(frozen=True, eq=False)
class Outcome:
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
                write_dcm(spm_path(folder, files[i]), plan.as_inverted(files[i]), before)
            tell(i, Outcome(files[i], before, plan.settings_of(files[i]), "kept"))
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
            outcome = Outcome(files[i], result, settings, "redone" if note else "inverted", note)
            _write(outcome, folder, plan)
            tell(i, outcome)
        base += own
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


def _earlier(file: DcmFile, folder: Path, plan: Plan) -> Posterior | str | None:
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


def _groups(files: Sequence[DcmFile], plan: Plan) -> dict[Settings, list[int]]:
    """Files that are inverted in one go: those with equal settings."""
    groups: dict[Settings, list[int]] = defaultdict(list)
    for i, file in enumerate(files):
        groups[plan.settings_of(file)].append(i)
    return groups


def _write(outcome: Outcome, folder: Path, plan: Plan) -> None:
    """The SPM file first: a NetCDF file stands for a result that is complete."""
    file, posterior = plan.as_inverted(outcome.file), outcome.result
    if isinstance(posterior, Failure):
        return
    data, _ = file.data.prepared(file.centre_inputs)
    dataset = posterior_dataset(posterior, name=file.name, attrs=plan.attributes(file), data=data)
    if plan.spm_files:
        write_dcm(spm_path(folder, file), file, posterior)
    elif (stale := spm_path(folder, file)).exists() and written_by_us(stale):
        stale.unlink()  # it would stand for an earlier inversion beside this one
    write_dataset(result_path(folder, file), dataset)
