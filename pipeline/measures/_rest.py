"""Connectivity at rest: correlation of the regions' mean series after denoising, as Fisher's z."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from jaxtyping import Float

from features import rest_connectivity

from ..images import Extraction
from ..study import Study
from ._measure import Measure

DRIFT = "drift_"  # what nilearn calls the cosines of the high-pass filter


def rest_plan(study: Study) -> list[Measure]:
    """A measure for every run at rest and pair of regions."""
    low, high = study.measures.rest_band
    return [
        Measure(
            _name(task, one, other),
            "rest",
            task,
            "Fisher z",
            f"Correlation of {one} and {other}, band-passed {low:g}–{high:g} Hz, confounds taken out, as Fisher's z",
            one,
            other,
        )
        for task, settings in study.tasks.items()
        if settings.rest
        for one, other in combinations(study.regions, 2)
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
    return {_name(extraction.task, names[i], names[j]): float(z[i, j]) for i, j in combinations(range(len(names)), 2)}


def _nuisance(extraction: Extraction) -> Float[np.ndarray, "scan confound"]:
    """Confounds and censored scans; neither drifts nor the constant, as the band-pass takes out both."""
    names = extraction.design_names
    kept = [
        i
        for i, name in enumerate(names)
        if i >= len(extraction.condition_names) and not name.startswith(DRIFT) and name != "constant"
    ]
    return extraction.design[:, kept]


def _name(task: str, one: str, other: str) -> str:
    return f"rest_{task}_{one}_with_{other}"
