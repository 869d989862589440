"""Draws from a group's posterior: how many, what they say, and how far the approximation is from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

from dcm import NormalMixture
from dcm.tables import DataFrame, counted, data_frame, draw_columns, html_table, short_repr

from ._group import GroupPosterior
from ._settings import PebError


@dataclass(frozen=True, eq=False)
class SamplingSettings:
    """How to draw.

    Arguments:
        chains: number of chains, run side by side; R-hat needs at least 2.
        warmup: draws of each chain in which the step size is found, not kept.
        draws: draws kept of each chain.
        seed: of all chains.
    """

    chains: int = 4
    warmup: int = 500
    draws: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("chains", 2), ("warmup", 1), ("draws", 4), ("seed", 0)):
            if getattr(self, name) < least:
                raise PebError(f"{name} must be at least {least}, not {getattr(self, name)}")


@dataclass(frozen=True, eq=False)
class SamplingComparison:
    """Draws and Laplace approximation side by side, (effect,) each.

    Fields:
        effects: names.
        sampled_mean, laplace_mean: posterior means.
        sampled_sd, laplace_sd: posterior standard deviations.
        sampled_beyond_zero, laplace_beyond_zero: P(effect > 0 | y).
        monte_carlo_error: standard error of `sampled_mean`, from the effective sample size.
        shift: (laplace_mean − sampled_mean) / sampled_sd.
        sd_ratio: laplace_sd / sampled_sd; below 1 where Laplace is too sure.
    """

    effects: tuple[str, ...]
    sampled_mean: Float[np.ndarray, "effect"]
    laplace_mean: Float[np.ndarray, "effect"]
    sampled_sd: Float[np.ndarray, "effect"]
    laplace_sd: Float[np.ndarray, "effect"]
    sampled_beyond_zero: Float[np.ndarray, "effect"]
    laplace_beyond_zero: Float[np.ndarray, "effect"]
    monte_carlo_error: Float[np.ndarray, "effect"]

    def summary(self) -> DataFrame:
        """One row an effect: effect, and every field of this comparison with `shift` and `sd_ratio`."""
        columns = {field.name.removesuffix("s"): getattr(self, field.name) for field in fields(self)[:1]}
        columns |= {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        return data_frame({**columns, "shift": self.shift, "sd_ratio": self.sd_ratio})

    __repr__ = short_repr

    def _repr_html_(self) -> str:
        return html_table("SamplingComparison", self.summary())

    @property
    def shift(self) -> Float[np.ndarray, "effect"]:
        """How far Laplace's mean lies from the draws', in posterior standard deviations."""
        return (self.laplace_mean - self.sampled_mean) / self.sampled_sd

    @property
    def sd_ratio(self) -> Float[np.ndarray, "effect"]:
        """Laplace's standard deviation over the draws'."""
        return self.laplace_sd / self.sampled_sd


@dataclass(frozen=True, eq=False)
class SampledGroup:
    """Draws from the posterior over group effects β and log precisions γ.

    Fields:
        name: what it goes by.
        effects: names, as `GroupPosterior.effects`.
        component_names: what each γ is over.
        draws: (chain, draw, effect) of β, in Hz per unit of the covariate where the parameter is in Hz.
        noise_draws: (chain, draw, component) of γ.
        r_hat, noise_r_hat: (effect,), (component,) split R-hat; above 1.01 the chains have not met.
        sample_size, noise_sample_size: (effect,), (component,) effective sample sizes.
        divergences: number of draws at which the integrator went astray; any but a few mean that the draws are biased.
        settings: how they were drawn.
    """

    name: str
    effects: tuple[str, ...]
    component_names: tuple[str, ...]
    draws: Float[np.ndarray, "chain draw effect"]
    noise_draws: Float[np.ndarray, "chain draw component"]
    r_hat: Float[np.ndarray, "effect"]
    noise_r_hat: Float[np.ndarray, "component"]
    sample_size: Float[np.ndarray, "effect"]
    noise_sample_size: Float[np.ndarray, "component"]
    divergences: int
    settings: SamplingSettings

    def summary(self, level: float = 0.9) -> DataFrame:
        """One row an effect: effect, mean, sd, lower, upper, probability, r_hat, sample_size.

        `lower` and `upper` are the quantiles between which `level` of the draws lie; `probability` is the share of the
        draws above 0.
        """
        return data_frame({"effect": self.effects, **draw_columns(self.draws, level, self.r_hat, self.sample_size)})

    def __repr__(self) -> str:
        chains, draws = self.draws.shape[:2]
        size = f"{counted(len(self.effects), 'effect')}, {chains} chains of {draws} draws"
        return f"SampledGroup({self.name!r}, {size}, largest R-hat {self.r_hat.max():.3f})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.summary())

    def compare(
        self,
        group: GroupPosterior,
        weights: Float[np.ndarray, "new effect"] | None = None,
        names: Sequence[str] | None = None,
    ) -> SamplingComparison:
        """The draws beside the Laplace approximation of the same group.

        Arguments:
            group: what `fit` returned for the same estimates, design and settings.
            weights: (new, effect) sums of effects to compare, such as an arm's β_c + β_s×c; None for the effects.
            names: of the sums.

        Raises `PebError` where the group has other effects, or weights and names do not go together.
        """
        if group.effects != self.effects:
            raise PebError(f"{group.name} has other effects than were drawn for {self.name}; give its own fit")
        if (weights is None) != (names is None):
            raise PebError("give weights and names together, or neither")
        labels = self.effects if names is None else tuple(names)
        sums = np.eye(len(self.effects)) if weights is None else np.asarray(weights, dtype=np.float64)
        if sums.shape != (len(labels), len(self.effects)):
            raise PebError(f"weights must be ({len(labels)}, {len(self.effects)}), not {sums.shape}")
        drawn, mean = self.draws @ sums.T, sums @ group.posterior.mean
        laplace_sd = np.sqrt(np.einsum("ij,jk,ik->i", sums, group.posterior.covariance, sums))
        beyond = _sums_beyond_zero(group, sums, mean, laplace_sd)
        sd = drawn.std(axis=(0, 1), ddof=1)
        return SamplingComparison(
            labels,
            drawn.mean(axis=(0, 1)),
            mean,
            sd,
            laplace_sd,
            (drawn > 0).mean(axis=(0, 1)),
            beyond,
            sd / np.sqrt(diagnosed(drawn)[1]),
        )


def _sums_beyond_zero(
    group: GroupPosterior, sums: Float[np.ndarray, "new effect"], mean: np.ndarray, sd: np.ndarray
) -> Float[np.ndarray, "new"]:
    """P(sum > 0): by the mixture where participants are one and a sum is of one connection's effects."""
    found = NormalMixture.normal(mean, sd).above_zero
    if group.mixture is None:
        return found
    size = len(group.parameters)
    for row, weights in enumerate(sums.reshape(len(sums), -1, size)):
        places = np.flatnonzero(weights.any(axis=0))
        if places.size == 1:
            found[row] = group.contrast(weights[:, places[0]]).above_zero[places[0]]
    return found


def diagnosed(draws: Float[np.ndarray, "chain draw any"]) -> tuple[np.ndarray, np.ndarray]:
    """Split R-hat and effective sample size of every quantity, the latter at least 1: its estimate may be negative."""
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    return np.asarray(split_gelman_rubin(draws)), np.maximum(effective_sample_size(draws), 1.0)
