"""Parametric empirical Bayes: the estimates of many participants and a design → a group posterior.

By default participants are a mixture about the design (`_mixture_fit`); what is here is for Gaussian participants,

    θ_i = (x_i ⊗ W) β + ε_i,   ε_i ~ N(0, Σ(γ)),   β ~ N(βE, βC),   γ ~ N(γE, γC)

with SPM12's priors, which `_prepare_group` sets; and many fits of one shape in one compiled program (`for_each`).

A group is climbed in units of its own, so that no number that a climb sees depends on anybody's units:

    X ← X / c,    W ← W w,    β ← c β / w

with c the root mean square of each covariate and w the prior standard deviation of its effects on each parameter, per
root mean square of the covariate (the geometric mean over covariates; with the default prior they are all the same).
F, γ and Σ stay as they are. The model itself is free of units already: the default prior variance of an effect is
PC N / Σx², that is PC per root mean square of its covariate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from dcm import one_blas_thread

from . import _ascent as ascent
from ._ascent import Limits, climb
from ._design import Design
from ._estimate import Estimate
from ._estimate_stack import under_group
from ._gaussian import Gaussian, precision
from ._group import GroupPosterior, GroupStatus
from ._hierarchy import Group, between_precision, inverse
from ._mixture_fit import collect_mixture, fit_mixture
from ._mixture_group import prepare_mixture
from ._prepare_group import PreparedGroup, prepare
from ._settings import PebError, PebSettings

NOT_FINITE = GroupStatus.NOT_FINITE.value
STATUS = {
    ascent.CONVERGED: GroupStatus.CONVERGED,
    ascent.MAX_ITERATIONS: GroupStatus.MAX_ITERATIONS,
    ascent.NOT_FINITE: GroupStatus.NOT_FINITE,
}


class FitResult(NamedTuple):
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
        settings: SPM's numbers or the believable ones, and how participants lie about the design.
        parameters: fields (``B``) or names of parameters that the group explains; None for all. The others keep their
            first-level prior.
        name: of the result.

    Raises `PebError` where estimates and design do not match, or estimates differ in their parameters.

    >>> estimates = from_dcm({"sub-01": posterior, ...}, fields=["B"])
    >>> group = fit(estimates, Design.from_frame(table, ["improvement"]))
    >>> group.summary(), group["improvement", "B[V5<-V1, drug]"]

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
def solve(group: Group, limits: Limits, *, spm: bool) -> FitResult:
    """Climb, and read off what is reported; SPM12's steps depend on the units of covariates, the others do not."""
    if not spm:
        scaled, unit = in_own_units(group, *unit_of_effects(group))
        found = _climbed(scaled, limits, spm=False)
        covariance = found.beta_covariance * unit * unit[:, None]
        return found._replace(beta=found.beta * unit, beta_covariance=covariance)
    return _climbed(group, limits, spm=True)


def _climbed(group: Group, limits: Limits, *, spm: bool) -> FitResult:
    end = climb(group, limits, spm=spm)
    size = group.beta_mean.size
    beta, gamma = (end.beta, end.gamma) if spm else (end.best_beta, end.best_gamma)
    point, at_gamma = (end.last, end.last_gamma) if spm else (end.best, end.best_gamma)
    if spm:  # each block of the curvature by itself
        beta_covariance = inverse(-point.curvature[:size, :size])
        gamma_covariance = inverse(-point.curvature[size:, size:])
    else:
        joint = inverse(-point.curvature)
        beta_covariance, gamma_covariance = joint[:size, :size], joint[size:, size:]
    return FitResult(
        beta,
        gamma,
        beta_covariance,
        gamma_covariance,
        inverse(between_precision(group, at_gamma)),
        point.free_energy,
        end.status,
        end.iteration,
    )


def collect(prepared: PreparedGroup, found: FitResult, name: str) -> GroupPosterior:
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
        free_energy=float(found.free_energy) + sum(estimate.free_energy for estimate in prepared.whole),
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


def unit_of_effects(group: Group) -> tuple[Float[Array, "covariate"], Float[Array, "effect"]]:
    """c and w."""
    peak = jnp.abs(group.between).max(axis=0)
    share = group.weight @ (group.between / peak) ** 2 / group.weight.sum()
    covariate = peak * jnp.sqrt(share)
    sd = jnp.sqrt(jnp.diag(inverse(group.beta_precision))).reshape(covariate.size, -1)
    return covariate, jnp.exp(jnp.log(sd * covariate[:, None]).mean(axis=0))


def in_own_units(
    group: Group, covariate: Float[Array, "covariate"], effect: Float[Array, "effect"]
) -> tuple[Group, Float[Array, "beta"]]:
    """The same group with effects β / `unit`, and `unit`."""
    unit = (effect / covariate[:, None]).ravel()
    return (
        replace(
            group,
            between=group.between / covariate,
            within=group.within * effect,
            beta_mean=group.beta_mean / unit,
            beta_precision=group.beta_precision * unit * unit[:, None],
        ),
        unit,
    )


Batch = TypeVar("Batch")
Result = TypeVar("Result")

BYTES_AT_ONCE = 1 << 28


def for_each(call: Callable[[Batch], Result], batch: Batch, row_bytes: int) -> Result:
    """`call` for every entry along the leading axis of the arrays in `batch`; to be traced.

    On a GPU many entries at a time, as many as keep `row_bytes` of intermediates each within bounds. On a CPU one after
    the other: a climb is as fast alone as in a batch, is not held up by the slowest, and jaxlib's batched LAPACK calls,
    of which a climb has several side by side, wait for their own thread pool and can wait for ever (seen with jaxlib
    0.10.2 on 2 cores).
    """
    rows = None if jax.default_backend() == "cpu" else max(1, BYTES_AT_ONCE // max(1, row_bytes))
    found: Result = jax.lax.map(call, batch, batch_size=rows)
    return found


def fit_bytes(group: Group) -> int:
    """Of the largest intermediate of one evaluation."""
    return 8 * max(group.weight.size * group.root.size * 3, group.beta_mean.size**2)
