"""Files that a command line names → posteriors to check, with the data that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dcm import Compat, InversionError, Posterior, Subject, invert

from ..common import UsageError, natural_key
from ..inversion import Plan, is_dcm
from ..results import ResultFileError, read_posterior
from ..spm import DcmFile, DcmFileError, read_dcms, written_by_us
from ._series import predicts, subject_of

ESTIMATE_AGAIN = "estimate the DCM again, or remove Ep and Cp to have it inverted here"


@dataclass(frozen=True, eq=False)
class Checkable:
    """One posterior and its data.

    Fields:
        name: what it goes by.
        subject: the data, with the posterior's prior.
        posterior: the Gaussian.
        remark: where it comes from, where that is not plain.
    """

    name: str
    subject: Subject
    posterior: Posterior
    remark: str = ""


def read_checkable(paths: Sequence[Path], series: Sequence[Path], compat: Compat) -> tuple[list[Checkable], list[str]]:
    """Every posterior in the files and folders given, and a line for each file that has none.

    A DCM file that SPM has inverted is checked as SPM left it; one that nobody has is inverted first.

    Arguments:
        paths: results (NAME.nc), DCM_*.mat or GCM_*.mat, or folders of such.
        series: where else to look for what results were made from.
        compat: how files are inverted that are not inverted yet.
    """
    files, lines = _opened(paths)
    found: list[Checkable] = []
    for path in files:
        try:
            found += [_from_result(path, series)] if path.suffix.lower() == ".nc" else _from_dcm(path, compat, lines)
        except (UsageError, ResultFileError) as error:
            lines.append(str(error))
    return found, lines


def _opened(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Folders opened; a DCM file that effconn wrote beside its result gives way to that."""
    files: list[Path] = []
    lines: list[str] = []
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted(
                (
                    one
                    for one in path.iterdir()
                    if is_dcm(one) or (one.suffix == ".nc" and not one.name.startswith("."))
                ),
                key=lambda one: natural_key(one.name),
            )
            if not inside:
                lines.append(f"{path}: holds no NAME.nc and no DCM_*.mat; give the files themselves or another folder")
            inside = [one for one in inside if one.suffix.lower() == ".nc" or not written_by_us(one)]
        for one in inside:
            if one.resolve() in [before.resolve() for before in files]:
                lines.append(f"{one}: was given twice; it is checked once")
            else:
                files.append(one)
    return files, lines


def _from_result(path: Path, series: Sequence[Path]) -> Checkable:
    posterior, attributes = read_posterior(path)
    name = str(attributes.get("name", path.stem))
    return Checkable(name, subject_of(path, name, posterior, attributes, series), posterior)


def _from_dcm(path: Path, compat: Compat, lines: list[str]) -> list[Checkable]:
    if path.exists() and written_by_us(path):
        twin = path.with_name(f"{path.stem.removeprefix('DCM_')}.nc")
        raise UsageError(f"{path}: is effconn's copy of a result for SPM; give {twin.name} instead")
    files, errors = read_dcms([path])
    lines += [str(error) for error in errors]
    found = []
    for file in files:
        try:
            found.append(
                _inverted(file, compat) if (estimate := file.posterior) is None else _as_spm_left_it(file, estimate)
            )
        except DcmFileError as error:
            lines.append(str(error))
        except (InversionError, ValueError) as error:
            lines.append(f"{path}: {error}" if str(path) not in str(error) else str(error))
    return found


def _inverted(file: DcmFile, compat: Compat) -> Checkable:
    plan = Plan(compat)
    subject = plan.subject_of(file)
    posterior = invert(subject, plan.settings_of(plan.as_inverted(file)))
    return Checkable(file.name, subject, posterior, "not inverted yet, so it was inverted first")


def _as_spm_left_it(file: DcmFile, posterior: Posterior) -> Checkable:
    """SPM's Ep and Cp, under the prior in the file or else SPM12's."""
    stored = file.estimate is not None and file.estimate.prediction is not None
    if stored and not predicts(posterior, *file.data.prepared(file.centre_inputs)):
        raise ValueError("its model does not give the prediction in it (y) at Ep; " + ESTIMATE_AGAIN)
    subject = Subject(file.name, file.spec, file.data, posterior.prior, file.centre_inputs)
    return Checkable(file.name, subject, posterior, "as SPM left it")
