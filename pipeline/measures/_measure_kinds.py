"""One imaging measure, a column of the table: responses, pattern distances, connectivity at rest, DCM parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from dcm import Posterior, Spec, prior
from features import rest_connectivity

from ..images import Extraction
from ..results import Connection, connections
from ..study import MAIN, Dcm, MeasureKind, Study, inversion_settings, model_specs

_RESPONSE_UNITS = {
    None: "percent of the run's mean",
    "percent": "percent signal change",
    "raw": "percent of the region's mean",
    "arbitrary": "arbitrary, where a run ranges over 4",
}
DISTANCE_UNIT = "squared noise standard deviations per voxel"
DRIFT = "drift_"  # what nilearn calls the cosines of the high-pass filter


@dataclass(frozen=True)
class Measure:
    """What is measured in every session of every participant.

    Fields:
        name: of the column.
        kind: how it comes about.
        task: whose run it is taken from.
        unit: of its values.
        description: what it is, in a sentence.
        target: the region it is about; of a pair, the one that is acted on, or the first.
        source: the other region of a pair, or the input of a DCM that drives the target; empty where there is none.
        of: the contrast, the distance, or field and input of the DCM such as ``B faces``; empty at rest.
    """

    name: str
    kind: MeasureKind
    task: str
    unit: str
    description: str
    target: str
    source: str = ""
    of: str = ""

    @property
    def motion(self) -> str:
        """The column of mean framewise displacement that belongs to it."""
        return motion_name(self.task)


def motion_name(task: str) -> str:
    """Of the column with a task's mean framewise displacement."""
    return f"motion_{task}"


def response_plan(study: Study) -> list[Measure]:
    """A measure for every task, contrast and region."""
    return [
        Measure(
            _response_name(task, contrast, region),
            "response",
            task,
            response_unit(study),
            f"Effect of {text} in {region}" + (", mean over its voxels" if study.series is None else ""),
            region,
            of=contrast,
        )
        for task, settings in study.tasks.items()
        for contrast, text in settings.contrasts.items()
        for region in study.region_names
    ]


def response_unit(study: Study) -> str:
    """What responses are in: of images percent of the run's mean, of series by their unit."""
    return _RESPONSE_UNITS[None if study.series is None else study.series.unit]


def response_values(extraction: Extraction) -> dict[str, float]:
    """Measure → value of one run."""
    return {
        _response_name(extraction.task, contrast, region): float(extraction.responses[i, j])
        for i, contrast in enumerate(extraction.contrasts)
        for j, region in enumerate(extraction.regions)
    }


def _response_name(task: str, contrast: str, region: str) -> str:
    return f"response_{task}_{contrast}_{region}"


def distance_plan(study: Study) -> list[Measure]:
    """A measure for every task, distance and region."""
    return [
        Measure(
            _distance_name(task, name, region),
            "distance",
            task,
            DISTANCE_UNIT,
            f"Crossnobis distance of {distance.between[0]} and {distance.between[1]} in {region}, over "
            f"{distance.folds} of the run; zero on average where the patterns are the same",
            region,
            of=name,
        )
        for task, settings in study.tasks.items()
        for name, distance in settings.distances.items()
        for region in study.region_names
    ]


def distance_values(extraction: Extraction) -> dict[str, float]:
    """Measure → value of one run; a distance that it does not have is left out."""
    return {
        _distance_name(extraction.task, name, region): float(extraction.distances[i, j])
        for i, name in enumerate(extraction.distance_names)
        for j, region in enumerate(extraction.regions)
        if np.isfinite(extraction.distances[i, j])
    }


def _distance_name(task: str, distance: str, region: str) -> str:
    return f"distance_{task}_{distance}_{region}"


def rest_plan(study: Study) -> list[Measure]:
    """A measure for every run at rest and pair of regions."""
    low, high = study.measures.rest_band
    return [
        Measure(
            _rest_name(task, first, second),
            "rest",
            task,
            "Fisher z",
            f"Correlation of {first} and {second}, band-passed {low:g}–{high:g} Hz, confounds taken out, as Fisher's z",
            first,
            second,
        )
        for task, settings in study.tasks.items()
        if settings.rest
        for first, second in combinations(study.region_names, 2)
    ]


def rest_values(extraction: Extraction, study: Study) -> dict[str, float]:
    """Measure → value of one run; raises `FeatureError` where it is too short for the band or its confounds."""
    if len(extraction.regions) < 2:
        return {}
    z = rest_connectivity(
        extraction.means,
        _nuisance(extraction),
        extraction.repetition_time,
        study.measures.rest_band,
        regions=extraction.regions,
    )
    names = extraction.regions
    return {
        _rest_name(extraction.task, names[i], names[j]): float(z[i, j]) for i, j in combinations(range(len(names)), 2)
    }


def _nuisance(extraction: Extraction) -> Float[np.ndarray, "scan confound"]:
    """Confounds and censored scans; neither drifts nor the constant, as the band-pass takes out both."""
    names = extraction.design_names
    kept = [
        i
        for i, name in enumerate(names)
        if i >= len(extraction.condition_names) and not name.startswith(DRIFT) and name != "constant"
    ]
    return extraction.design[:, kept]


def _rest_name(task: str, first: str, second: str) -> str:
    return f"rest_{task}_{first}_with_{second}"


def dcm_plan(study: Study) -> list[Measure]:
    """A measure for every free parameter of the main model in the fields asked for; none without a DCM."""
    return [measure for name, dcm in study.dcms.items() for measure in _plan_of_dcm(name, dcm, study)]


def _plan_of_dcm(name: str, dcm: Dcm, study: Study) -> list[Measure]:
    spec = model_specs(dcm)[MAIN]
    free = [spec.parameter_names[i] for i in prior(spec, inversion_settings(dcm).priors).free]
    return [
        Measure(
            _dcm_name(connection, name),
            "dcm",
            dcm.task,
            connection.unit,
            f"DCM, posterior mean of {connection.field}: {connection.words}; {connection.meaning}",
            connection.to,
            connection.source,
            " ".join(part for part in (connection.field, connection.modulator) if part),
        )
        for connection in _chosen_connections(free, spec, study.measures.dcm_fields)
    ]


def dcm_values(posterior: Posterior, fields: Sequence[str], dcm: str = "") -> dict[str, float]:
    """Measure → value of one visit; `dcm` is the DCM's name where a study has several."""
    means = dict(zip(posterior.names, posterior.mean[posterior.free].tolist(), strict=True))
    return {
        _dcm_name(connection, dcm): means[connection.name]
        for connection in _chosen_connections(posterior.names, posterior.spec, fields)
    }


def _chosen_connections(names: Sequence[str], spec: Spec, fields: Sequence[str]) -> list[Connection]:
    return [connection for connection in connections(names, spec) if connection.field in fields]


def _dcm_name(connection: Connection, dcm: str) -> str:
    """Such as ``dcm_B_faces_vmPFC_from_amygdala``; ``dcm_C_task_vmPFC`` of an input that drives a region.

    The name of one of several DCMs comes behind the first part.
    """
    head = f"dcm_{dcm}" if dcm else "dcm"
    if connection.kind == "input":
        return f"{head}_C_{connection.source}_{connection.to}"
    return "_".join(
        part
        for part in (head, connection.field, connection.modulator, connection.to, "from", connection.source)
        if part
    )
