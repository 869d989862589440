"""Files that a command line names → posteriors to check, with the series and inputs that they were made from.

A result names its source; the source is found by that name and recognised by its checksum.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dcm import (
    SPM12_ECHO_TIME,
    Compat,
    Data,
    InversionError,
    Posterior,
    Subject,
    concatenate_runs,
    invert,
    predict_series,
)

from ..common import MORE_SOURCES, UsageError, file_digest, natural_key
from ..images import read_extraction
from ..inversion import InversionPlan, is_dcm
from ..results import ResultFileError, read_posterior
from ..spm import DcmFile, DcmFileError, read_dcms, read_models, written_by_us

ESTIMATE_AGAIN = "estimate the DCM again, or remove Ep and Cp to have it inverted here"
REPRODUCED = 1e-3  # of a prediction's range: within which the model gives the result's own prediction
SAME = 1e-6  # of a series' range: rounding on the way through a file


@dataclass(frozen=True, eq=False)
class StoredPosterior:
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


def read_posteriors(
    paths: Sequence[Path], series: Sequence[Path], compat: Compat
) -> tuple[list[StoredPosterior], list[str]]:
    """Every posterior in the files and folders given, and a line for each file that has none.

    A DCM file that SPM has inverted is checked as SPM left it; one that nobody has is inverted first.

    Arguments:
        paths: results (NAME.nc), DCM_*.mat or GCM_*.mat, or folders of such.
        series: where else to look for what results were made from.
        compat: how files are inverted that are not inverted yet.
    """
    files, lines = _opened(paths)
    found: list[StoredPosterior] = []
    for path in files:
        try:
            found += [_from_result(path, series)] if path.suffix.lower() == ".nc" else _from_dcm(path, compat, lines)
        except (UsageError, ResultFileError) as error:
            lines.append(str(error))
    return found, lines


def _opened(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Folders opened; of a result and the DCM file that effconn wrote with it, the result."""
    files: list[Path] = []
    lines: list[str] = []
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted(
                (
                    file
                    for file in path.iterdir()
                    if is_dcm(file) or (file.suffix == ".nc" and not file.name.startswith("."))
                ),
                key=lambda file: natural_key(file.name),
            )
            if not inside:
                lines.append(f"{path}: holds no NAME.nc and no DCM_*.mat; give the files themselves or another folder")
            inside = [file for file in inside if file.suffix.lower() == ".nc" or not written_by_us(file)]
        for file in inside:
            if file.resolve() in [before.resolve() for before in files]:
                lines.append(f"{file}: was given twice; it is checked once")
            else:
                files.append(file)
    return files, lines


def _from_result(path: Path, series: Sequence[Path]) -> StoredPosterior:
    posterior, attributes = read_posterior(path)
    name = str(attributes.get("name", path.stem))
    return StoredPosterior(name, find_subject(path, name, posterior, attributes, series), posterior)


def _from_dcm(path: Path, compat: Compat, lines: list[str]) -> list[StoredPosterior]:
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


def _inverted(file: DcmFile, compat: Compat) -> StoredPosterior:
    plan = InversionPlan(compat)
    subject = plan.subject_of(file)
    posterior = invert(subject, plan.settings_of(plan.as_inverted(file)))
    return StoredPosterior(file.name, subject, posterior, "not inverted yet, so it was inverted first")


def _as_spm_left_it(file: DcmFile, posterior: Posterior) -> StoredPosterior:
    """SPM's Ep and Cp, under the prior in the file or else SPM12's."""
    stored = file.estimate is not None and file.estimate.prediction is not None
    if stored and not _predicts(posterior, *file.data.prepared(file.centre_inputs)):
        raise ValueError("its model does not give the prediction in it (y) at Ep; " + ESTIMATE_AGAIN)
    subject = Subject(file.name, file.spec, file.data, posterior.prior, file.centre_inputs)
    return StoredPosterior(file.name, subject, posterior, "as SPM left it")


def find_subject(
    path: Path, name: str, posterior: Posterior, attributes: Mapping[str, Any], places: Sequence[Path]
) -> Subject:
    """What a result was made from.

    Arguments:
        path: the result.
        name: what it goes by.
        attributes: of its file.
        places: files and folders to look into for the source, before those near the result.

    Raises `UsageError` where the source is not found, or does not give the result's series and prediction.
    """
    if posterior.averaged_runs:
        folder = path.parent / "runs"
        raise UsageError(f"{path}: is the average of {posterior.averaged_runs} runs; give those in {folder}")
    source, runs = _find_data(path, posterior, attributes, places)
    for data in runs:
        for centred in (False, True):
            if data.bold.shape == posterior.prediction.shape and _reproduces(posterior, data, centred):
                return Subject(name, posterior.spec, data, posterior.prior, centred)
    raise UsageError(f"{path}: its model does not give its prediction for the inputs in {source}; invert it again")


def _reproduces(posterior: Posterior, data: Data, centre_inputs: bool) -> bool:
    """Whether the data are those of a posterior, and the model at its mean gives its prediction for them."""
    prepared, scale = data.prepared(centre_inputs)
    observed = posterior.prediction + posterior.residual + data.confounds @ posterior.confound_effects
    if np.abs(prepared.bold - observed).max() > SAME * np.ptp(observed):
        return False
    return _predicts(posterior, prepared, scale)


def _predicts(posterior: Posterior, prepared: Data, scale: float) -> bool:
    """Whether the model at the mean gives the stored prediction: its inputs and equations are those."""
    settings, mean = posterior.settings, posterior.mean
    if posterior.refinement is not None:
        mean = posterior.refinement.gaussian_mean
    made = predict_series(posterior.spec, posterior.spec.layout.to_tree(mean), prepared, settings.integrator)
    made = made * (scale if settings.scaling == "model" else 1.0)
    return bool(np.abs(made - posterior.prediction).max() <= REPRODUCED * np.ptp(posterior.prediction))


def _find_data(
    path: Path, posterior: Posterior, attributes: Mapping[str, Any], places: Sequence[Path]
) -> tuple[Path, list[Data]]:
    """The file that a result was made from, or its copy for SPM, and the data in it with each echo time it may have."""
    name, digest = str(attributes.get("source", "")), attributes.get("source_sha256")
    if not name:
        raise UsageError(f"{path}: does not say what it was made from; give the DCM file instead")
    copy = path.with_name(f"DCM_{path.stem}.mat")
    namesakes = [file for file in _candidates(path, name, places) if file != copy]
    source = next((file for file in namesakes if file_digest(file) == digest), None)
    if source is not None:
        others = json.loads(str(attributes.get(MORE_SOURCES, "[]")))
        more = [_find_series(path, other, its_digest, places) for other, its_digest in others]
        parts = [_data_in(file, posterior, int(attributes.get("source_index", -1))) for file in (source, *more)]
        if not more:
            return source, parts[0]
        together = [concatenate_runs(own) for own in zip(*parts, strict=False)]  # with each echo time there may be
        return source, [own.as_one_run() for own in together] if posterior.settings.as_spm else together
    if copy.is_file() and written_by_us(copy):
        runs = _data_in(copy, posterior, -1)
        return copy, runs + [replace(run, bold=run.bold / posterior.data_scale) for run in runs]  # measured, or scaled
    if namesakes:
        raise UsageError(f"{path}: {name} has changed since it was inverted; invert it again, or give --series")
    raise UsageError(f"{path}: its series ({name}) are not near it; say where they are with --series")


def _find_series(path: Path, name: str, digest: str, places: Sequence[Path]) -> Path:
    """The series of one more run of a result; raises `UsageError` where they are not found."""
    found = next((file for file in _candidates(path, name, places) if file_digest(file) == digest), None)
    if found is None:
        raise UsageError(
            f"{path}: its series ({name}) are not near it, or have changed; say where they are with --series"
        )
    return found


def _candidates(path: Path, name: str, places: Sequence[Path]) -> Iterator[Path]:
    """Files of the source's name: where the user says, beside the result and above it, and in a study's folders."""
    for place in places:
        yield from [place] if place.is_file() else sorted(place.rglob(name))
    parents = path.resolve().parents
    yield from (folder / name for folder in parents[:3] if (folder / name).is_file())
    for folder in parents[1:4]:  # OUT/dcm/MODEL/VISIT.nc, or in a folder of one of several DCMs, and of a model's runs
        if folder.name == "dcm":
            yield from sorted(folder.parent.glob(f"sub-*/**/{name}"))


def _data_in(source: Path, posterior: Posterior, index: int) -> list[Data]:
    if source.suffix.lower() != ".nc":
        entries = read_models(source, estimates=False)
        entry = entries[max(index, 0)] if max(index, 0) < len(entries) else None
        if not isinstance(entry, DcmFile):
            raise UsageError(str(entry) if entry is not None else f"{source}: has no model number {index + 1}")
        runs, stated = [entry.data, InversionPlan().as_inverted(entry).data], entry.stated_echo_time
    else:
        extraction = read_extraction(source)
        as_spm, stated = posterior.settings.as_spm, extraction.echo_time
        runs = [
            extraction.dcm_data(posterior.spec.regions, SPM12_ECHO_TIME, inputs=posterior.spec.inputs, whitened=as_spm)
        ]
    return runs + ([replace(run, echo_time=stated) for run in runs] if stated else [])
