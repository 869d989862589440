"""Which DCM files are inverted, and how: the files that a command line names, and the options that hold for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from dcm import Compat, Derivatives, Integrator, NoiseModel, Preset, Prior, Refine, Settings, Subject, prior

from ..common import Attributes, merge_remarks, natural_key, provenance
from ..spm import DcmFile, EchoTime, read_dcms

Centre = Literal["file", "yes", "no"]
NOISE_MEAN, NOISE_VARIANCE = 6.0, 1 / 128  # SPM's defaults of options.hE and options.hC


@dataclass(frozen=True)
class InversionPlan:
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


def read_inputs(
    paths: Sequence[Path], echo_time: EchoTime = "spm12", *, estimates: bool = True
) -> tuple[list[DcmFile], list[str]]:
    """Every model in the files given, and in the DCM_*.mat of the folders, by number; and a line per error.

    Arguments are those of `read_dcm`.
    """
    files: list[Path] = []
    lines: list[str] = []
    for path in paths:
        if path.is_dir():
            inside = sorted((file for file in path.iterdir() if is_dcm(file)), key=lambda file: natural_key(file.name))
            if not inside:
                lines.append(f"{path}: holds no DCM_*.mat; give the files themselves or another folder")
            files.extend(inside)
        else:
            files.append(path)
    read, errors = read_dcms(files, echo_time, estimates=estimates)
    return read, lines + [str(error) for error in errors]


def remark_lines(files: Sequence[DcmFile]) -> list[str]:
    """What was assumed or left out in reading, once for all files of which the same is true."""
    return merge_remarks((file.name, remark) for file in files for remark in file.remarks)


def is_dcm(path: Path) -> bool:
    """Whether a path is a file that is called ``DCM_*.mat``."""
    return path.is_file() and path.suffix.lower() == ".mat" and path.name.upper().startswith("DCM_")
