"""SPM12's canonical haemodynamic response."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.stats import gamma

BINS = 16  # microtime bins of a scan, SPM12's default
LENGTH = 32.0  # s
RESPONSE, UNDERSHOOT, RATIO = 6.0, 16.0, 6.0  # delays of both gamma densities (s), and how much higher the first is


def spm_kernel(repetition_time: float, oversampling: int = BINS) -> Float[np.ndarray, "sample"]:
    """SPM12's canonical response: h(t) ∝ Γ(t; 6, 1) − Γ(t; 16, 1) / 6 for 0 ≤ t ≤ 32 s, scaled to a sum of one.

    Arguments are those of nilearn's `hrf_model`, so that the function can be given as one (nilearn's own "spm" is
    another kernel, 4 % of the peak away).

    Arguments:
        repetition_time: s.
        oversampling: samples per repetition time.

    Source: Friston et al. 1998, NeuroImage 7, 30–40; the numbers are SPM12's defaults.
    """
    step = repetition_time / oversampling
    times = np.arange(int(LENGTH / step + 1e-9) + 1) * step
    values = gamma.pdf(times, RESPONSE) - gamma.pdf(times, UNDERSHOOT) / RATIO
    return np.asarray(values / values.sum(), dtype=np.float64)
