"""Connectivity at rest: correlation of regions' series in one band of frequencies, confounds taken out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from nilearn.signal import clean
from scipy.signal import detrend

from ._predictors import FeatureError
from ._series_checks import FLAT, check_matrix, check_series, region_columns, region_names

BAND = (0.008, 0.09)  # Hz
PADDING = 33  # scans by which the filter goes on at either end
LEAST = 4.0  # degrees of freedom; the variance of Fisher's z is 1 / (that − 3)


def rest_connectivity(
    series: Float[np.ndarray, "scan region"],
    confounds: Float[np.ndarray, "scan confound"] | None,
    repetition_time: float,
    band: tuple[float, float] = BAND,
    *,
    regions: Sequence[str] = (),
) -> Float[np.ndarray, "region region"]:
    """Fisher's z of the correlations of denoised series.

        z = artanh r,   r of `denoise`d series

    Arguments:
        series, confounds, repetition_time, band, regions: as for `denoise`.

    Returns z (region, region), symmetric, NaN on the diagonal where it would be infinite.

    Raises `FeatureError` as `denoise` and `correlation_matrix` do, and where two regions correlate wholly.

    Source: Biswal et al. 1995; Fisher 1915.
    """
    regions = regions or region_columns(series)
    series = np.asarray(series)
    correlation = correlation_matrix(denoise(series, confounds, repetition_time, band, regions=regions), regions)
    np.fill_diagonal(correlation, np.nan)
    whole = np.argwhere(np.abs(correlation) >= 1 - 1e-12)
    if whole.size:
        first, other = (region_names(regions, series.shape[1])[i] for i in whole[0])
        raise FeatureError(f"{first} and {other} have the same series up to scale, of which Fisher's z is infinite")
    return np.asarray(np.arctanh(correlation))


def denoise(
    series: Float[np.ndarray, "scan region"],
    confounds: Float[np.ndarray, "scan confound"] | None,
    repetition_time: float,
    band: tuple[float, float] = BAND,
    *,
    regions: Sequence[str] = (),
) -> Float[np.ndarray, "scan region"]:
    """Series less their line, within a band, less what confounds filtered in the same way explain; by nilearn.

    The filter is Butterworth's of order 5, forth and back, which does not shift series in time. nilearn's other one,
    cosines, has no upper end. As the confounds are filtered too, their removal brings nothing back from outside the
    band (Lindquist et al. 2019).

    A band holds about 2 · duration · width independent values, however many scans there are; each confound takes one.

    Arguments:
        series: (scan, region), neither whitened nor filtered; an array or a data frame.
        confounds: (scan, confound), with a column for each censored scan; constants and drifts are not needed. None for
            none.
        repetition_time: s.
        band: from and to, Hz.
        regions: names for messages; the columns of a data frame where not given.

    Raises `FeatureError` where a series is constant or wholly explained, the repetition time is too long for the band,
    the run too short, or fewer than four degrees of freedom are left.

    Source: Lindquist et al. 2019, Hum. Brain Mapp. 40, 2358–2376.
    """
    names = regions or region_columns(series)
    series, confounds = np.asarray(series), None if confounds is None else np.asarray(confounds)
    names = region_names(names, series.shape[1])
    check_series(series, names)
    used = _confounds(confounds, len(series))
    _check_band(band, repetition_time, len(series), used.shape[1])
    low, high = band
    left = clean(
        series.astype(np.float64),
        detrend=True,
        standardize=None,
        standardize_confounds=True,
        confounds=used if used.size else None,
        filter="butterworth",
        low_pass=high,
        high_pass=low,
        t_r=repetition_time,
    )
    gone = left.std(axis=0) <= FLAT * series.std(axis=0)
    if gone.any():
        left_of = ", ".join(np.array(names)[gone])
        raise FeatureError(
            f"nothing is left of {left_of} in the band without its line and confounds; take fewer of them"
        )
    return np.asarray(left, dtype=np.float64)


def correlation_matrix(
    series: Float[np.ndarray, "scan region"], regions: Sequence[str] = ()
) -> Float[np.ndarray, "region region"]:
    """Pearson's r of every two series, ones on the diagonal.

    On real series of rest it equals nilearn's `ConnectivityMeasure(kind="correlation")` with the empirical covariance
    to 10⁻¹⁴.

    Raises `FeatureError` that names a region whose series is constant or not finite.
    """
    regions = regions or region_columns(series)
    series = np.asarray(series)
    check_series(series, region_names(regions, series.shape[1]))
    if len(series) < 2 or series.shape[1] < 2:
        raise FeatureError(f"{len(series)} scans of {series.shape[1]} regions have no correlations; take two at least")
    correlation = np.corrcoef(series, rowvar=False)
    correlation = (correlation + correlation.T) / 2  # its halves differ by rounding
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation)


def _confounds(confounds: np.ndarray | None, scans: int) -> Float[np.ndarray, "scan independent"]:
    """Independent columns that span what the confounds are beyond a line.

    nilearn would scale up the rounding error that a line leaves once it is taken out, or a column that others add up
    to, and take out of the series a direction that means nothing.
    """
    if confounds is None or confounds.shape[1] == 0:
        return np.empty((scans, 0))
    if not np.isfinite(confounds).all():
        raise FeatureError(
            "confounds hold values that are not finite; fill in the first scan, which fMRIPrep leaves empty: .fillna(0)"
        )
    check_matrix("confounds", confounds, (scans, None))
    left = detrend(confounds.astype(np.float64), axis=0)
    size = np.linalg.norm(left, axis=0)
    kept = size > FLAT * np.linalg.norm(confounds, axis=0)
    basis, values, _ = np.linalg.svd(left[:, kept] / size[kept], full_matrices=False)
    return np.asarray(basis[:, values > FLAT * values.max(initial=0.0)])


def _check_band(band: tuple[float, float], repetition_time: float, scans: int, confounds: int) -> None:
    low, high = band
    if not (repetition_time > 0 and 0 < low < high):
        raise FeatureError(f"a band from {low:g} to {high:g} Hz at a repetition time of {repetition_time:g} s is none")
    if high >= 0.5 / repetition_time:
        raise FeatureError(
            f"a repetition time of {repetition_time:g} s carries frequencies below {0.5 / repetition_time:.3g} Hz, "
            f"not up to {high:g} Hz; lower the band's upper end"
        )
    duration = scans * repetition_time
    if duration < 1 / low or scans <= PADDING:
        raise FeatureError(
            f"{scans} scans in {duration:.0f} s are too short for frequencies from {low:g} Hz on: it takes "
            f"{1 / low:.0f} s and more than {PADDING} scans"
        )
    free = min(2 * duration * (high - low), scans - 2) - confounds
    if free < LEAST:
        raise FeatureError(
            f"{confounds} confounds leave {free:.0f} degrees of freedom of the {free + confounds:.0f} that "
            f"{duration:.0f} s hold from {low:g} to {high:g} Hz, and it takes {LEAST:.0f}; take fewer confounds"
        )
