"""Noise as fMRI series have it: serially correlated, with a slow drift where asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

MEMORY = 4096  # scans after which the noise has forgotten how it began


@dataclass(frozen=True)
class SerialNoise:
    """Autoregressive noise, e_t = Σ_k φ_k e_{t−k} + w_t with white w, and a random walk beside it.

    Arguments:
        coefficients: φ_1 … φ_p; none for white noise.
        drift: standard deviation of the random walk over the run, in standard deviations of the noise; 0 for none.

    Raises `ValueError` where the coefficients are not those of a stationary process, or the drift is negative.
    """

    coefficients: tuple[float, ...] = (0.3,)
    drift: float = 0.0

    def __post_init__(self) -> None:
        finite = np.isfinite(self.coefficients).all()
        if not finite or (np.abs(np.roots([1.0, *(-phi for phi in self.coefficients)])) >= 1).any():
            raise ValueError(f"noise with coefficients {self.coefficients} is not stationary; take smaller ones")
        if not (np.isfinite(self.drift) and self.drift >= 0):
            raise ValueError(f"drift must be 0 or more standard deviations of the noise, not {self.drift}")

    def draw(self, random: np.random.Generator, scans: int, regions: int) -> Float[np.ndarray, "scan region"]:
        """Noise of standard deviation 1 in every region, independent between regions, plus the drift."""
        from scipy.signal import lfilter  # half a second to import: only for those who simulate

        feedback = [1.0, *(-phi for phi in self.coefficients)]
        impulse = np.zeros(MEMORY)
        impulse[0] = 1.0
        size = np.sqrt((lfilter([1.0], feedback, impulse) ** 2).sum())  # of e where w has standard deviation 1
        before = MEMORY if self.coefficients else 0
        innovations = random.standard_normal((before + scans, regions))
        noise = lfilter([1.0], feedback, innovations, axis=0)[before:] / size
        if not self.drift:
            return np.asarray(noise)
        walk = np.cumsum(random.standard_normal((scans, regions)), axis=0)
        return np.asarray(noise + self.drift * (walk - walk.mean(axis=0)) / walk.std(axis=0))


WHITE = SerialNoise(())
