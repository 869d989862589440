"""The series and inputs that a stored result was made from: found by its source's name, told by its checksum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dcm import SPM12_ECHO_TIME, Data, Posterior, Subject, predict_series

from ..common import UsageError, file_digest
from ..images import read_extraction
from ..inversion import Plan
from ..spm import DcmFile, read_models, written_by_us

REPRODUCED = 1e-3  # of a prediction's range: within which the model gives the result's own prediction
SAME = 1e-6  # of a series' range: rounding on the way through a file


def subject_of(
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
    source, runs = _find_data(path, posterior, attributes, places)
    for data in runs:
        for centred in (False, True):
            if data.bold.shape == posterior.prediction.shape and reproduces(posterior, data, centred):
                return Subject(name, posterior.spec, data, posterior.prior, centred)
    raise UsageError(f"{path}: its model does not give its prediction for the inputs in {source}; invert it again")


def reproduces(posterior: Posterior, data: Data, centre_inputs: bool) -> bool:
    """Whether the data are those of a posterior, and the model at its mean gives its prediction for them."""
    prepared, scale = data.prepared(centre_inputs)
    observed = posterior.prediction + posterior.residual + data.confounds @ posterior.confound_effects
    if np.abs(prepared.bold - observed).max() > SAME * np.ptp(observed):
        return False
    return predicts(posterior, prepared, scale)


def predicts(posterior: Posterior, prepared: Data, scale: float) -> bool:
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
    namesakes = [one for one in _candidates(path, name, places) if one != copy]
    source = next((one for one in namesakes if file_digest(one) == digest), None)
    if source is not None:
        return source, _data_in(source, posterior, int(attributes.get("source_index", -1)))
    if copy.is_file() and written_by_us(copy):
        runs = _data_in(copy, posterior, -1)
        return copy, runs + [replace(one, bold=one.bold / posterior.data_scale) for one in runs]  # measured, or scaled
    if namesakes:
        raise UsageError(f"{path}: {name} has changed since it was inverted; invert it again, or give --series")
    raise UsageError(f"{path}: its series ({name}) are not near it; say where they are with --series")


def _candidates(path: Path, name: str, places: Sequence[Path]) -> Iterator[Path]:
    """Files of the source's name: where the user says, beside the result and above it, and in a study's folders."""
    for place in places:
        yield from [place] if place.is_file() else sorted(place.rglob(name))
    near = path.resolve().parents[:3]
    yield from (folder / name for folder in near if (folder / name).is_file())
    if len(near) == 3 and near[1].name == "dcm":  # OUT/dcm/MODEL/VISIT.nc
        yield from sorted(near[2].glob(f"sub-*/**/{name}"))


def _data_in(source: Path, posterior: Posterior, index: int) -> list[Data]:
    if source.suffix.lower() != ".nc":
        entries = read_models(source, estimates=False)
        entry = entries[max(index, 0)] if max(index, 0) < len(entries) else None
        if not isinstance(entry, DcmFile):
            raise UsageError(str(entry) if entry is not None else f"{source}: has no model number {index + 1}")
        runs, stated = [entry.data, Plan().as_inverted(entry).data], entry.stated_echo_time
    else:
        extraction = read_extraction(source)
        as_spm, stated = posterior.settings.as_spm, extraction.echo_time
        runs = [extraction.dcm_data(posterior.spec.regions, SPM12_ECHO_TIME, whitened=as_spm)]
    return runs + ([replace(one, echo_time=stated) for one in runs] if stated else [])
