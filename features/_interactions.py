"""Psychophysiological interaction terms: a region's signal within one condition, at the neural or the BOLD level."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float

from ._deconvolution import BINS, deconvolve, read
from ._design import FeatureError
from ._regions import check_matrix, check_series, names_of

Level = Literal["neural", "bold"]


def interactions(
    series: Float[np.ndarray, "scan region"],
    conditions: Float[np.ndarray, "bin condition"],
    kernel: Float[np.ndarray, "sample"],
    *,
    level: Level = "neural",
    bins: int = BINS,
    sampled: int | None = None,
    confounds: Float[np.ndarray, "scan confound"] | None = None,
    whitening: Float[np.ndarray, "scan scan"] | None = None,
) -> Float[np.ndarray, "scan condition region"]:
    """How each region's signal goes with each condition, as a regressor of mean zero.

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
    check_series(series, names_of((), series.shape[1]))
    _check_conditions(conditions, len(series) * bins)
    place = bins // 2 - (bins > 1) if sampled is None else sampled
    if not 0 <= place < bins:
        raise FeatureError(f"a scan of {bins} bins has no bin {place}; count from 0 to {bins - 1}")
    if level == "neural":
        signal = deconvolve(series, kernel, bins=bins, confounds=confounds, whitening=whitening)
        centred = conditions - conditions.mean(axis=0)
        terms = read(centred[:, :, None] * signal[:, None, :], kernel, bins, place)
    else:
        expected = read(conditions, kernel, bins, place)
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
