"""Psychophysiological interactions of every two regions: how a contrast changes the slope of one on the other."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, permutations

import numpy as np
from jaxtyping import Float

from features import FeatureError, gppi

from ..images import Extraction, sampled_bin, spm_kernel, whitener
from ..study import Study, parse_contrast
from ._measure_kinds import Measure

UNIT = "1"  # percent of the run's mean in the target for percent of it in the seed
LEVEL = {"neural": "after deconvolution of the seed", "bold": "with the measured series of the seed"}


def ppi_plan(study: Study) -> list[Measure]:
    """A measure for every task, contrast and pair of regions: both ways, or their mean."""
    directed = study.measures.direction == "directed"
    pairs = permutations if directed else combinations
    both = "" if directed else ", mean of both directions"
    return [
        Measure(
            _name(task, contrast, target, seed, directed),
            "gppi",
            task,
            UNIT,
            f"gPPI: change of the slope of {target} on {seed} by {text}{both}; interactions "
            f"{LEVEL[study.measures.interaction]}",
            target,
            seed,
            contrast,
        )
        for task, settings in study.tasks.items()
        for contrast, text in settings.contrasts.items()
        for target, seed in pairs(study.region_names, 2)
    ]


def ppi_values(extraction: Extraction, study: Study) -> tuple[dict[str, float], list[str]]:
    """Measure → value of one run, and a line for each contrast that cannot be had.

    The series are those that DCMs take: eigenvariates that are whitened by W and adjusted for confounds and drifts, as
    SPM12 deconvolves a VOI's. Everything that meets them in a model is brought to the same state: the haemodynamic
    model of the deconvolution, interactions and task regressors are multiplied by W, and the confounds, whitened as
    well, stand in every model, so that what was taken out of the series is taken out of these too.

    Raises `FeatureError` where no contrast can be had.
    """
    contrasts = study.tasks[extraction.task].contrasts
    if not contrasts or len(extraction.regions) < 2:
        return {}, []
    present = set(extraction.condition_names)
    possible = {name: text for name, text in contrasts.items() if parse_contrast(text).keys() <= present}
    weights = {name: _weights(extraction, text) for name, text in possible.items()}
    if not weights:  # the run's notes say which conditions it lacks
        return {}, []
    try:
        return _values(extraction, study, weights), []
    except FeatureError as error:
        if len(weights) == 1:
            raise
        return _contrast_by_contrast(extraction, study, weights, error)


def _contrast_by_contrast(
    extraction: Extraction, study: Study, weights: Mapping[str, np.ndarray], together: FeatureError
) -> tuple[dict[str, float], list[str]]:
    """What one contrast cannot be had for need not concern the others."""
    values: dict[str, float] = {}
    notes = []
    for name, weight in weights.items():
        try:
            values |= _values(extraction, study, {name: weight})
        except FeatureError as error:
            notes.append(f"no gppi of {name}: {error}")
    if not values:
        raise together
    return values, notes


def _weights(extraction: Extraction, text: str) -> Float[np.ndarray, "condition"]:
    weights = np.zeros(len(extraction.condition_names))
    for name, weight in parse_contrast(text).items():
        if name not in extraction.condition_names:
            raise FeatureError(f"{name} has no event in this run")
        weights[extraction.condition_names.index(name)] = weight
    return weights


def _values(extraction: Extraction, study: Study, weights: Mapping[str, np.ndarray]) -> dict[str, float]:
    directed = study.measures.direction == "directed"
    scans, conditions = len(extraction.series), len(extraction.condition_names)
    found = gppi(
        extraction.series,
        extraction.conditions,
        extraction.design[:, :conditions],
        extraction.confounds,
        spm_kernel(extraction.repetition_time),
        np.array(list(weights.values())),
        level=study.measures.interaction,
        sampled=sampled_bin(extraction.delays / extraction.repetition_time),
        whitening=whitener(extraction.autocorrelation, scans),
        regions=extraction.regions,
    )
    matrices = found.directed if directed else found.symmetrised
    pairs = (permutations if directed else combinations)(range(len(extraction.regions)), 2)
    names = extraction.regions
    return {
        _name(extraction.task, contrast, names[i], names[j], directed): float(matrix[i, j])
        for i, j in pairs
        for contrast, matrix in zip(weights, matrices, strict=True)
    }


def _name(task: str, contrast: str, target: str, seed: str, directed: bool) -> str:
    how = "from" if directed else "with"
    return f"gppi_{task}_{contrast}_{target}_{how}_{seed}"
