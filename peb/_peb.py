"""Parametric empirical Bayes: the estimates of many participants and a design → a group posterior.

By default people are a mixture about the design (`_mixture_fit`); what is here is for Gaussian people,

    θ_i = (x_i ⊗ W) β + ε_i,   ε_i ~ N(0, Σ(γ)),   β ~ N(βE, βC),   γ ~ N(γE, γC)

with SPM12's priors, which `_second_level` sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from dcm import one_blas_thread

from . import _ascent as ascent
from ._ascent import Limits, climb
from ._design import Design
from ._estimate import Estimate
from ._gaussian import Gaussian, precision
from ._group import GroupPosterior, GroupStatus
from ._hierarchy import Group, between_precision, inverse
from ._mixture_fit import fit_mixture
from ._mixture_group import prepare_mixture
from ._mixture_posterior import collect_mixture
from ._scale import in_own_units, unit_of_effects
from ._second_level import Prepared, prepare
from ._settings import PebError, PebSettings
from ._stack import under_group

NOT_FINITE = GroupStatus.NOT_FINITE.value
STATUS = {
    ascent.CONVERGED: GroupStatus.CONVERGED,
    ascent.MAX_ITERATIONS: GroupStatus.MAX_ITERATIONS,
    ascent.NOT_FINITE: GroupStatus.NOT_FINITE,
}


class Found(NamedTuple):
    """Where a climb ended; JAX arrays as `solve` returns them, NumPy arrays as `collect` wants them."""

    beta: Float[Any, "beta"]
    gamma: Float[Any, "component"]
    beta_covariance: Float[Any, "beta beta"]
    gamma_covariance: Float[Any, "component component"]
    between: Float[Any, "param param"]  # Σ
    free_energy: Float[Any, ""]  # without Σ F_i
    status: Int[Any, ""]
    iterations: Int[Any, ""]


@one_blas_thread()
def fit(
    estimates: Sequence[Estimate],
    design: Design,
    settings: PebSettings = PebSettings(),  # noqa: B008 - frozen
    *,
    parameters: Sequence[str] | None = None,
    name: str = "group",
) -> GroupPosterior:
    """The posterior over group effects, the evidence, and every participant re-estimated under the group.

    Arguments:
        estimates: one per row of the design and matched with it by name, all of one model.
        design: the between-participant design.
        settings: SPM's numbers or the believable ones, and how people lie about the design.
        parameters: fields (``B``) or names of parameters that the group explains; None for all. The others keep their
            first-level prior.
        name: of the result.

    Raises `PebError` where estimates and design do not match, or estimates differ in their parameters.

    Source: Friston et al. 2016; Zeidman et al. 2019b; for the mixture, `_mixture_fit`.
    """
    if settings.is_mixture:
        group = prepare_mixture(estimates, design, settings, parameters)
        try:
            return collect_mixture(group, fit_mixture(group), name)
        except PebError as problem:
            raise PebError(f"{name}: {problem}") from None
    prepared = prepare(estimates, design, settings, parameters)
    found = jax.device_get(solve(prepared.group, limits(settings), spm=settings.follows_spm))
    return collect(prepared, found, name)


def limits(settings: PebSettings) -> Limits:
    """How long a climb may be."""
    return Limits(settings.max_iterations, settings.least_iterations)


@partial(jax.jit, static_argnames="spm")
def solve(group: Group, limits: Limits, *, spm: bool) -> Found:
    """Climb, and read off what is reported; SPM12's steps depend on the units of covariates, the others do not."""
    if not spm:
        scaled, unit = in_own_units(group, *unit_of_effects(group))
        found = _climbed(scaled, limits, spm=False)
        covariance = found.beta_covariance * unit * unit[:, None]
        return found._replace(beta=found.beta * unit, beta_covariance=covariance)
    return _climbed(group, limits, spm=True)


def _climbed(group: Group, limits: Limits, *, spm: bool) -> Found:
    end = climb(group, limits, spm=spm)
    size = group.beta_mean.size
    beta, gamma = (end.beta, end.gamma) if spm else (end.best_beta, end.best_gamma)
    there, at_gamma = (end.last, end.last_gamma) if spm else (end.best, end.best_gamma)
    if spm:  # each block of the curvature by itself
        beta_covariance = inverse(-there.curvature[:size, :size])
        gamma_covariance = inverse(-there.curvature[size:, size:])
    else:
        joint = inverse(-there.curvature)
        beta_covariance, gamma_covariance = joint[:size, :size], joint[size:, size:]
    return Found(
        beta,
        gamma,
        beta_covariance,
        gamma_covariance,
        inverse(between_precision(group, at_gamma)),
        there.free_energy,
        end.status,
        end.iteration,
    )


def collect(prepared: Prepared, found: Found, name: str) -> GroupPosterior:
    """Where a climb ended → the group posterior."""
    status = STATUS[int(found.status)]
    chosen, group, settings = prepared.chosen, prepared.group, prepared.settings
    if status is GroupStatus.NOT_FINITE or not np.isfinite(found.beta_covariance).all():
        raise PebError(f"{name}: {NOT_FINITE if not settings.follows_spm else _failed_by_units(prepared.design)}")
    own, within = settings.within is None, np.asarray(group.within)
    effects = range(within.shape[1])
    means = prepared.design.matrix @ found.beta.reshape(-1, within.shape[1]) @ within.T
    between = (found.between + found.between.T) / 2
    return GroupPosterior(
        name=name,
        parameters=chosen.parameters if own else tuple(f"within {a + 1}" for a in effects),
        fields=chosen.fields if own else tuple("within" for _ in effects),
        first_level=chosen.parameters,
        design=prepared.design,
        within=within,
        prior=prepared.prior,
        posterior=Gaussian(found.beta, found.beta_covariance),
        components=prepared.components.matrices,
        component_names=prepared.components.names,
        noise_prior=Gaussian(np.asarray(group.gamma_mean), precision(np.asarray(group.gamma_precision))),
        noise=Gaussian(found.gamma, found.gamma_covariance),
        between=between,
        free_energy=float(found.free_energy) + sum(one.free_energy for one in prepared.whole),
        participants=under_group(prepared.whole, chosen.parameters, means, between),
        status=status,
        iterations=int(found.iterations),
        compat=settings.compat,
    )


def _failed_by_units(design: Design) -> str:
    """Why SPM12's steps may have failed."""
    if not design.has_unusual_unit:
        return NOT_FINITE
    name, size = design.most_unusual_unit
    return (
        f"SPM12's steps fail with {name} in these units (its root mean square is {size:.3g}); give it in others, or "
        'use compat="none" (--compat none), which is free of units'
    )
