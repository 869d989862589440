"""Draws from one participant's posterior: how many, and what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .tables import DataFrame, counted, data_frame, draw_columns, html_table

BLOCK = 25  # draws in one call of compiled code, after which progress is reported


@dataclass(frozen=True)
class ChainSettings:
    """How to draw.

    Arguments:
        chains: number of chains; R-hat needs at least 2.
        warmup: draws of each chain in which steps and scales are found, not kept.
        draws: draws kept of each chain.
        seed: of all chains.
    """

    chains: int = 4
    warmup: int = 300
    draws: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        limits = {"chains": (2, 64), "warmup": (BLOCK, 100_000), "draws": (BLOCK, 100_000), "seed": (0, 2**31 - 1)}
        problems = [
            f"{name} must lie between {least} and {most}, not {getattr(self, name)}"
            for name, (least, most) in limits.items()
            if not least <= getattr(self, name) <= most
        ]
        problems += [
            f"{name} must be a multiple of {BLOCK}, not {getattr(self, name)}"
            for name in ("warmup", "draws")
            if not problems and getattr(self, name) % BLOCK
        ]
        if problems:
            raise ValueError("; ".join(problems))


@dataclass(frozen=True, eq=False)
class PosteriorDraws:
    """Draws from the posterior of one participant's DCM.

    Fields:
        names: of the free parameters.
        draws: (chain, draw, free) of θ, in the units of `Posterior.mean`.
        noise: (chain, draw, region) of the log-precisions λ.
        autocorrelation: (chain, draw, region) of ρ; zero where the model's noise is white.
        r_hat: (free,) split R-hat; above 1.01 the chains have not met.
        sample_size: (free,) effective sample size.
        noise_r_hat: the largest split R-hat of λ and ρ.
        divergences: draws at which the integrator went astray; any but a few mean that the draws are biased.
        evaluations: of the model and its Jacobian, all chains together.
        settings: how they were drawn.
    """

    names: tuple[str, ...]
    draws: Float[np.ndarray, "chain draw free"]
    noise: Float[np.ndarray, "chain draw region"]
    autocorrelation: Float[np.ndarray, "chain draw region"]
    r_hat: Float[np.ndarray, "free"]
    sample_size: Float[np.ndarray, "free"]
    noise_r_hat: float
    divergences: int
    evaluations: int
    settings: ChainSettings

    @property
    def mean(self) -> Float[np.ndarray, "free"]:
        """Posterior means."""
        return self.draws.mean(axis=(0, 1))

    @property
    def sd(self) -> Float[np.ndarray, "free"]:
        """Posterior standard deviations."""
        return self.draws.std(axis=(0, 1), ddof=1)

    def summary(self, level: float = 0.9) -> DataFrame:
        """One row a free parameter: parameter, mean, sd, lower, upper, probability, r_hat, sample_size.

        `lower` and `upper` are the quantiles between which `level` of the draws lie; `probability` is the share of the
        draws above 0.
        """
        return data_frame({"parameter": self.names, **draw_columns(self.draws, level, self.r_hat, self.sample_size)})

    def __repr__(self) -> str:
        chains, draws = self.draws.shape[:2]
        size = f"{counted(len(self.names), 'parameter')}, {chains} chains of {draws} draws"
        return f"PosteriorDraws({size}, largest R-hat {self.r_hat.max():.3f}, {self.divergences} divergences)"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.summary())

    def quantile(self, probability: float) -> Float[np.ndarray, "free"]:
        """The value below which a parameter lies with a given probability."""
        return np.quantile(self.draws, probability, axis=(0, 1))
