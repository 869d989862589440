"""SPM12's kernel and two reference runs of one region, and a made-up run of four, for deconvolution and gPPI."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.fft import idct
from scipy.io import loadmat
from scipy.linalg import eigh, toeplitz
from scipy.signal import lfilter
from scipy.stats import gamma

TR = 2.0  # s


def kernel_of(bins: int) -> np.ndarray:
    """SPM12's canonical response at TR / bins."""
    times = np.arange(round(32 * bins / TR) + 1) * TR / bins
    values = gamma.pdf(times, 6) - gamma.pdf(times, 16) / 6
    return np.asarray(values / values.sum())


def inverse_root(covariance: np.ndarray) -> np.ndarray:
    """V^{−½}, symmetric."""
    values, vectors = eigh(covariance)
    return np.asarray((vectors / np.sqrt(values)) @ vectors.T)


def cosines(scans: int, count: int) -> np.ndarray:
    """The first cosines, constant included: SPM12's high-pass confounds."""
    return np.asarray(idct(np.eye(scans, count), axis=0, norm="ortho"))


@dataclass(frozen=True, eq=False)
class Reference:
    """One run as SPM12 analysed it.

    Fields:
        series: (scan,) whitened and filtered.
        condition: (bin,) boxcar.
        signal: (bin,) SPM12's neural signal.
        term: (scan,) SPM12's interaction.
        whitening: W = V^{−½}, which is not in the file: V = a^k (1 + h k) at lag k is an AR(1) covariance to first
            order about a = 0.2, SPM12's; h is the one number that was sought so that the signals agree.
        drifts: cosines to 1/128 Hz.
    """

    series: np.ndarray
    condition: np.ndarray
    signal: np.ndarray
    term: np.ndarray
    bins: int
    whitening: np.ndarray
    drifts: np.ndarray


SOUGHT = {"block_simulated": (16, -0.5304886), "event_cnp_stop_signal": (34, -0.0646147)}


def reference(shared_data: Path, name: str) -> Reference:
    bins, h = SOUGHT[name]
    found = loadmat(shared_data / "spm12_ppi" / f"{name}.mat", squeeze_me=True)
    series = found["preproc_BOLD_signal"].astype(float)
    lags = np.arange(series.size)
    covariance = toeplitz(0.2**lags * (1 + h * lags))
    return Reference(
        series,
        found["psy_neuro"].astype(float),
        found["spm_phys_neuro"],
        found["spm_ppi"],
        bins,
        inverse_root(covariance),
        cosines(series.size, int(2 * series.size * TR / 128 + 1)),
    )


@dataclass(frozen=True, eq=False)
class MadeUp:
    """Four regions in blocks of two conditions, with rest between."""

    series: np.ndarray
    conditions: np.ndarray
    task: np.ndarray
    confounds: np.ndarray
    kernel: np.ndarray
    bins: int


def made_up(seed: int = 0, scans: int = 120, bins: int = 8) -> MadeUp:
    rng = np.random.default_rng(seed)
    kernel = kernel_of(bins)
    block = np.arange(scans * bins) // (8 * bins)
    conditions = np.stack([block % 4 == 1, block % 4 == 3], axis=1).astype(float)
    neural = lfilter([1.0], [1.0, -0.9], rng.normal(size=(scans * bins, 4)), axis=0)
    read = [np.convolve(signal, kernel)[: len(signal)][bins // 2 - 1 :: bins] for signal in (*neural.T, *conditions.T)]
    columns = np.column_stack(read)
    return MadeUp(columns[:, :4], conditions, columns[:, 4:], cosines(scans, 5), kernel, bins)
