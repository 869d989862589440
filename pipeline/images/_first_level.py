"""One run from images to region series, contrasts and inputs.

Voxels are scaled to percent of the run's mean over brain and scans (SPM12's scaling of a session), whitened by the
symmetric square root of an AR(1) correlation pooled over the brain, cleared of confounds and drifts that are whitened
alike, and summed up by their first eigenvariate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from threadpoolctl import threadpool_limits

from ..bids import DataError, ImageRun, RunConfounds, read_confounds
from ..study import Study
from ._atlas import RegionMask
from ._design_matrix import DesignMatrix
from ._extraction import Extraction
from ._grid import ExtractionError, grid_of
from ._pattern_distance import pattern_distances
from ._region_masks import region_masks
from ._region_series import (
    Eigenvariate,
    RegionCoverage,
    ar1_coefficient,
    cover_regions,
    pooled_correlation,
    region_eigenvariates,
    region_means,
    residual_maker,
    whitener,
)
from ._run_model import model_run
from ._run_scale import SignalScale, motion_remarks, series_remarks, signal_remarks, signal_scale
from ._voxels import Voxels, read_mask, read_voxels, voxel_blocks


@dataclass(frozen=True, eq=False)
class ContrastEffect:
    """One contrast in every voxel, in percent of the run's mean.

    Fields:
        effect: (voxel,) estimate.
        variance: (voxel,) its variance.
        t: (voxel,) effect / √variance.
    """

    effect: Float[np.ndarray, "voxel"]
    variance: Float[np.ndarray, "voxel"]
    t: Float[np.ndarray, "voxel"]


@dataclass(frozen=True, eq=False)
class RunFirstLevel:
    """An extraction with what only files hold of it.

    Fields:
        extraction: the run's.
        maps: contrast → effect in every voxel of the brain; none where the study keeps no maps.
        voxels: of the brain, in the maps' order.
        coverage: region → voxels.
        drawn: region → what it was drawn from.
        signal: scale of the images.
        confounds: as the table has them, less their means.
    """

    extraction: Extraction
    maps: Mapping[str, ContrastEffect]
    voxels: Voxels
    coverage: Mapping[str, RegionCoverage]
    drawn: Mapping[str, RegionMask]
    signal: SignalScale
    confounds: RunConfounds


def extract_series(run: ImageRun, study: Study) -> Extraction:
    """Region series, inputs, design and responses of one run.

    Raises `ExtractionError`, in one line with run, region, cause and remedy, where nothing can be taken from it.
    """
    return first_level(run, study).extraction


def first_level(run: ImageRun, study: Study) -> RunFirstLevel:
    """The same with maps; see `extract_series`.

    On one thread: sums over several end in other last digits, and a study has as many processes as it wants cores.
    """
    with threadpool_limits(limits=1):
        return _first_level(run, study)


def _first_level(run: ImageRun, study: Study) -> RunFirstLevel:
    taken_out = read_confounds(run, study)
    model = model_run(run, study, taken_out)
    design = model.design
    weights, lacking = model.contrast_weights()
    voxels = _read_brain(run)
    signal = signal_scale(run.label, voxels.series)
    scale = signal.percent
    drawn = _draw_regions(run, study, voxels)
    covered = cover_regions(run.label, study.regions, {name: mask.voxels for name, mask in drawn.items()}, voxels)
    rho = _autocorrelation(study, design, voxels)
    whiten = whitener(rho, run.scans)
    confounds = whiten @ design.nuisance
    series = region_eigenvariates(run.label, covered, voxels, scale, whiten, confounds)
    means = region_means(covered, voxels, scale)
    responses = _mean_responses(study, design, weights, covered, voxels, scale)
    apart = pattern_distances(run, model.task, model.events, design, whiten, covered, voxels, scale)
    extraction = model.extraction(
        study.dcm_inputs(run.task),
        weights,
        regions=tuple(covered),
        series=np.column_stack([component.series for component in series.values()]),
        means=means,
        explained=np.array([component.explained for component in series.values()]),
        voxels=np.array([region.columns.size for region in covered.values()], dtype=np.int64),
        sizes=np.array([region.size for region in covered.values()], dtype=np.int64),
        sources=tuple(drawn[name].describe() for name in covered),
        coverage=np.array([region.share for region in covered.values()]),
        centres=np.stack([region.centre for region in covered.values()]),
        confounds=confounds,
        responses=responses,
        distances=apart.values,
        distance_names=apart.names,
        autocorrelation=rho,
        notes=(*_timing_note(run), *lacking, *_remarks(signal, series, means, taken_out), *apart.notes),
    )
    maps = _contrast_maps(run, study, design, weights, voxels, scale)
    return RunFirstLevel(extraction, maps, voxels, covered, drawn, signal, taken_out)


def _timing_note(run: ImageRun) -> tuple[str, ...]:
    """Where the repetition time was not read from a sidecar."""
    if run.timed_by == "the sidecar":
        return ()
    return (f"repetition time: {run.repetition_time:g} s by {run.timed_by}",)


def _remarks(
    signal: SignalScale,
    series: Mapping[str, Eigenvariate],
    means: Float[np.ndarray, "scan region"],
    taken_out: RunConfounds,
) -> Iterator[str]:
    """What is unlikely of a run's images, series and motion, a line each."""
    yield from signal_remarks(signal)
    yield from series_remarks({name: component.series for name, component in series.items()}, means)
    yield from motion_remarks(taken_out)


def _read_brain(run: ImageRun) -> Voxels:
    try:
        grid = grid_of(run.bold)
    except DataError as error:
        raise ExtractionError(f"{run.label}: {error}") from None
    except (OSError, ValueError) as error:
        raise ExtractionError(f"{run.label}: {run.bold.name} cannot be read ({error}); make it again") from None
    voxels = read_voxels(run.bold, read_mask(run.brain_mask, grid, run.label), run.label)
    if voxels.series.shape[0] != run.scans:
        raise ExtractionError(
            f"{run.label}: {run.bold.name} has {voxels.series.shape[0]} scans, but {run.scans} were expected; "
            "check the study again"
        )
    return voxels


def _draw_regions(run: ImageRun, study: Study, voxels: Voxels) -> Mapping[str, RegionMask]:
    try:
        return region_masks(study, voxels.grid)
    except ValueError as error:
        raise ExtractionError(f"{run.label}: {error}") from None


def _autocorrelation(study: Study, design: DesignMatrix, voxels: Voxels) -> float:
    if study.glm.noise == "ols":
        return 0.0
    maker = residual_maker(design.matrix)
    return ar1_coefficient(pooled_correlation(voxel_blocks(voxels.series, 1.0), maker), maker)


def _mean_responses(
    study: Study,
    design: DesignMatrix,
    weights: Mapping[str, np.ndarray],
    covered: Mapping[str, RegionCoverage],
    voxels: Voxels,
    scale: float,
) -> np.ndarray:
    """(contrast, region) mean effect over the region's voxels, which are not smoothed."""
    union = np.unique(np.concatenate([region.columns for region in covered.values()]))
    effects = fit_contrasts(voxels.series[:, union], scale, design.matrix, weights, study.glm.noise)
    places = [np.searchsorted(union, region.columns) for region in covered.values()]
    means = [[float(effect.effect[place].mean()) for place in places] for effect in effects.values()]
    return np.array(means).reshape(len(weights), len(covered))


def _contrast_maps(
    run: ImageRun, study: Study, design: DesignMatrix, weights: Mapping[str, np.ndarray], voxels: Voxels, scale: float
) -> dict[str, ContrastEffect]:
    if not study.outputs.maps or not weights:
        return {}
    width = study.glm.smoothing
    series = voxels.series
    if width is not None:
        smooth = read_voxels(run.bold, voxels.usable, run.label, width)
        if smooth.series.shape != series.shape:
            raise ExtractionError(f"{run.label}: smoothing by {width:g} mm leaves constant voxels; smooth less")
        series = smooth.series
    return fit_contrasts(series, scale, design.matrix, weights, study.glm.noise)


def fit_contrasts(
    series: Float[np.ndarray, "scan voxel"],
    scale: float,
    design: Float[np.ndarray, "scan column"],
    contrasts: Mapping[str, Float[np.ndarray, "column"]],
    noise: Literal["ar1", "ols"],
) -> dict[str, ContrastEffect]:
    """Contrasts of nilearn's `run_glm`, whose AR(1) coefficient is each voxel's own, rounded to a hundredth.

    Arguments:
        series: as stored.
        scale: that makes them percent of the run's mean.
        design: before whitening.
        contrasts: name → weights of the columns.
    """
    from nilearn.glm import compute_contrast
    from nilearn.glm.first_level import run_glm

    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in contrasts}
    if not contrasts:
        return {}
    for block in voxel_blocks(series, scale):
        labels, results = run_glm(block, design, noise_model=noise)
        for name, vector in contrasts.items():
            contrast = compute_contrast(labels, results, vector, stat_type="t")
            parts[name].append((contrast.effect_size().ravel(), contrast.effect_variance().ravel()))
    return {name: _join_blocks(found) for name, found in parts.items()}


def _join_blocks(parts: list[tuple[np.ndarray, np.ndarray]]) -> ContrastEffect:
    effect, variance = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    t = np.divide(effect, np.sqrt(variance), out=np.zeros_like(effect), where=variance > 0)
    return ContrastEffect(effect, variance, t)
