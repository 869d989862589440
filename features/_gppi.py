"""Generalised psychophysiological interactions: how conditions change the slope of one region on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from ._deconvolution import BINS, apply_whitening, deconvolve, sample_convolved
from ._predictors import FeatureError
from ._series_checks import check_matrix, check_series, region_columns, region_names

InteractionLevel = Literal["neural", "bold"]


def interaction_terms(
    series: Float[np.ndarray, "scan region"],
    conditions: Float[np.ndarray, "bin condition"],
    kernel: Float[np.ndarray, "sample"],
    *,
    level: InteractionLevel = "neural",
    bins: int = BINS,
    sampled: int | None = None,
    confounds: Float[np.ndarray, "scan confound"] | None = None,
    whitening: Float[np.ndarray, "scan scan"] | None = None,
) -> Float[np.ndarray, "scan condition region"]:
    """The interaction of each region's signal with each condition, as a regressor of mean zero.

        neural:  HRF ∗ ((condition − its mean over bins) · neural signal), read at one bin of each scan
        bold:    ((HRF ∗ condition) − its mean over scans) · (series − its mean over scans)

    The neural signal is that of `deconvolve`. Centring a condition takes from its interaction what is the seed alone:
    an interaction of the raw condition differs by mean · (HRF ∗ signal), almost the seed's own regressor. SPM12's
    reference terms are those with the condition centred and read at the middle bin: given its neural signal they agree
    to 10⁻¹⁴, with the raw condition they correlate by 0.89 and 0.60 only.

    Arguments:
        series: (scan, region), multiplied by `whitening` already where there is one.
        conditions: (bin, condition) boxcars from the first scan on, before convolution.
        kernel: haemodynamic response, one sample a bin.
        level: of the product.
        bins: microtime bins of a scan.
        sampled: bin of each scan at which it is read, from 0; none for the middle (the eighth of 16).
        confounds: (scan, confound) of the deconvolution, multiplied by `whitening` already.
        whitening: W that the series and the confounds were multiplied by; the terms are not.

    Raises `FeatureError` where shapes do not agree, a condition does not vary, or a series is constant.

    Source: Gitelman et al. 2003 (neural); Friston et al. 1997, NeuroImage 6, 218–229 (BOLD).
    """
    check_series(series, region_names((), series.shape[1]))
    _check_conditions(conditions, len(series) * bins)
    place = bins // 2 - (bins > 1) if sampled is None else sampled
    if not 0 <= place < bins:
        raise FeatureError(f"a scan of {bins} bins has no bin {place}; count from 0 to {bins - 1}")
    if level == "neural":
        signal = deconvolve(series, kernel, bins=bins, confounds=confounds, whitening=whitening)
        centred = conditions - conditions.mean(axis=0)
        terms = sample_convolved(centred[:, :, None] * signal[:, None, :], kernel, bins, place)
    else:
        expected = sample_convolved(conditions, kernel, bins, place)
        measured = _unwhitened(series, whitening)
        terms = (expected - expected.mean(axis=0))[:, :, None] * (measured - measured.mean(axis=0))[:, None, :]
    return np.asarray(terms - terms.mean(axis=0))


def _check_conditions(conditions: np.ndarray, length: int) -> None:
    check_matrix("the conditions' series", conditions, (length, None))
    still = np.flatnonzero(np.ptp(conditions, axis=0) == 0)
    if still.size:
        raise FeatureError(
            f"condition {still[0] + 1} is the same throughout the run and has no interaction; leave it out"
        )


def _unwhitened(series: np.ndarray, whitening: np.ndarray | None) -> np.ndarray:
    """W⁻¹ y: a product with a condition is one of series as they were measured."""
    if whitening is None:
        return series
    check_matrix("the whitening matrix", whitening, (len(series), len(series)))
    try:
        return np.asarray(np.linalg.solve(whitening, series))
    except np.linalg.LinAlgError as error:
        raise FeatureError("the whitening matrix has no inverse, which interactions of BOLD series need") from error


SINGULAR = 1e-9  # of the largest singular value of a design with columns of one length, below which it is zero
ESTIMABLE = 1e-6  # of a contrast's size that may lie outside of what the design can tell


@dataclass(frozen=True, eq=False)
class Gppi:
    """Interactions of every two regions.

    Fields:
        directed: (contrast, target, seed) contrast of the interactions' weights: change of the target's slope on the
            seed, in units of the target over units of the seed; NaN where target and seed are the same.
    """

    directed: Float[np.ndarray, "contrast target seed"]

    @property
    def symmetrised(self) -> Float[np.ndarray, "contrast region region"]:
        """Mean of both directions; NaN on the diagonal."""
        return (self.directed + self.directed.transpose(0, 2, 1)) / 2


def gppi(
    series: Float[np.ndarray, "scan region"],
    conditions: Float[np.ndarray, "bin condition"],
    task: Float[np.ndarray, "scan regressor"],
    confounds: Float[np.ndarray, "scan confound"],
    kernel: Float[np.ndarray, "sample"],
    contrasts: Float[np.ndarray, "contrast condition"],
    *,
    level: InteractionLevel = "neural",
    bins: int = BINS,
    sampled: int | None = None,
    whitening: Float[np.ndarray, "scan scan"] | None = None,
    regions: Sequence[str] = (),
) -> Gppi:
    """The weights of a region's interactions with every condition, in a model of every other region.

        y_target = W P β + y_seed γ + W T τ + X0 c + e;   measure = contrast · β

    P has an interaction of the seed with each condition (`interaction_terms`), T every task regressor, X0 the
    confounds; β is by least squares. What is whitened already is not multiplied by W again: the regions' series and the
    confounds, which come so from a first level. In series that are not whitened leave `whitening` out.

    Arguments (arrays, or data frames such as `inputs_from_events` gives):
        series: (scan, region) of every region, each target and seed in turn; whitened.
        conditions: (bin, condition) boxcars from the first scan on, before convolution, with `bins` bins a scan.
        task: (scan, regressor) all task regressors after convolution; not whitened.
        confounds: (scan, confound) X0, with the constant; whitened.
        kernel: haemodynamic response, one sample a bin.
        contrasts: (contrast, condition) weights of the interactions.
        level: "neural": the seed is deconvolved before it is multiplied; "bold": the measured series is.
        bins: microtime bins of a scan.
        sampled: bin of each scan at which an interaction is read, from 0; none for the middle.
        whitening: W that series and confounds were multiplied by; none where they were not.
        regions: names for messages; the columns of a data frame where not given.

    Raises `FeatureError` where shapes do not agree, a series is constant, a condition does not vary, no scans are left
    over, or other columns of the design are the same as the interactions of a contrast.

    Source: McLaren et al. 2012, NeuroImage 61, 1277–1286.
    """
    names = regions or region_columns(series)
    series, conditions, task, confounds, contrasts = map(np.asarray, (series, conditions, task, confounds, contrasts))
    scans, count = series.shape
    names = region_names(names, count)
    check_series(series, names)
    _check(count, scans, task, confounds, contrasts, conditions.shape[-1])
    terms = interaction_terms(
        series, conditions, kernel, level=level, bins=bins, sampled=sampled, confounds=confounds, whitening=whitening
    )
    shared = np.column_stack([apply_whitening(task, whitening), confounds])
    directed = np.full((len(contrasts), count, count), np.nan)
    for seed, name in enumerate(names):
        design = np.column_stack([apply_whitening(terms[:, :, seed], whitening), series[:, seed], shared])
        others = np.arange(count) != seed
        directed[:, others, seed] = _estimates(design, series[:, others], contrasts, name)
    return Gppi(directed)


def _check(
    regions: int, scans: int, task: np.ndarray, confounds: np.ndarray, contrasts: np.ndarray, conditions: int
) -> None:
    if regions < 2:
        raise FeatureError("an interaction is one of two regions, and there are series of one only")
    check_matrix("the task regressors' matrix", task, (scans, None))
    check_matrix("confounds", confounds, (scans, None))
    check_matrix("the contrasts' matrix", contrasts, (None, conditions))
    empty = np.flatnonzero(~contrasts.any(axis=1))
    if empty.size:
        raise FeatureError(f"contrast {empty[0] + 1} has no weight other than zero")


def _estimates(
    design: Float[np.ndarray, "scan column"],
    targets: Float[np.ndarray, "scan target"],
    contrasts: Float[np.ndarray, "contrast condition"],
    seed: str,
) -> Float[np.ndarray, "contrast target"]:
    """contrast · β by least squares, where the design can tell it.

    A contrast may be estimable where its single weights are not: of two conditions that make up the run, the
        difference.
    """
    length = np.linalg.norm(design, axis=0)
    length[length == 0] = 1.0  # columns of very different units must not pass for a design that cannot be solved
    left, values, right = np.linalg.svd(design / length, full_matrices=False)
    kept = values > SINGULAR * values[0]
    if kept.sum() >= len(design):
        raise FeatureError(f"{len(design)} scans cannot carry a gPPI of {kept.sum()} columns; take fewer confounds")
    rows = np.pad(contrasts, ((0, 0), (0, design.shape[1] - contrasts.shape[1]))) / length
    estimable = rows @ right[kept].T
    lost = np.linalg.norm(rows - estimable @ right[kept], axis=1) > ESTIMABLE * np.linalg.norm(rows, axis=1)
    if lost.any():
        raise FeatureError(
            f"contrast {np.flatnonzero(lost)[0] + 1} of the interactions with {seed} cannot be estimated: other "
            "columns of the design add up to them; take fewer confounds or leave a condition out"
        )
    return np.asarray((estimable / values[kept]) @ (left[:, kept].T @ targets))
