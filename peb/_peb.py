"""Parametric empirical Bayes: the estimates of many participants and a design → a group posterior.

    θ_i = (x_i ⊗ W) β + ε_i,   ε_i ~ N(0, Σ(γ)),   β ~ N(βE, βC),   γ ~ N(γE, γC)

with SPM12's defaults (Zeidman et al. 2019b; spec: "PEB"): PC the average prior covariance of the participants,
βE = [average prior mean; 0 …], βC = Xc ⊗ PC/α, Xc = diag(N / Σ_i X_ik²), Σ^-1 = e^-8 Q0 + Σ_j e^γ_j Q_j,
Q0 = (PC/16)^-1. SPM12 first adds a sixteenth of the prior precision to each participant's posterior precision,
qC ← (qC^-1 + pC^-1/16)^-1: data that nobody measured, which ``compat="exact"`` leaves out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from dcm import require_64_bit

from . import _ascent as ascent
from ._ascent import climb
from ._design import Design, some
from ._estimate import Estimate
from ._gaussian import Gaussian, precision
from ._group import Compat, GroupPosterior, GroupStatus
from ._hierarchy import SPM_TOLERANCE, Group, between_precision, empirical_means, inverse
from ._reduction import Information, information, reduce

Components = Literal["single", "fields", "all", "none"] | Float[np.ndarray, "component param param"]

SPM_SHARE = 1 / 16  # of the prior precision, which SPM12 adds to each participant's posterior precision
FLOOR = float(np.exp(-8))  # of Q0, always part of the between-participant precision

STATUS = {
    ascent.CONVERGED: GroupStatus.CONVERGED,
    ascent.MAX_ITERATIONS: GroupStatus.MAX_ITERATIONS,
    ascent.NOT_FINITE: GroupStatus.NOT_FINITE,
}


class PebError(ValueError):
    """A group that cannot be fitted as asked; the message names the participant or parameter and what to do."""


@dataclass(frozen=True, eq=False)
class PebSettings:
    """How to fit a group.

    Arguments:
        components: precision components of the between-participant covariance: ``single`` one for all parameters,
            ``fields`` one for each field (A, B, …), ``all`` one for each parameter, ``none`` for a covariance fixed at
            its prior expectation PC/16; or (component, param, param) precision matrices.
        within: (param, effect) W; None for the identity.
        prior: over the effects, in the order of `GroupPosterior`; None for SPM12's.
        prior_ratio: α, prior variance of the first level over that of an effect.
        between_ratio: β, the same over the expected variance between participants.
        noise_mean, noise_variance: prior of every γ.
        max_iterations: limit of the climb (SPM12: 64; its tutorial: 256).
        compat: ``spm12`` for its numbers, oddities included; ``exact`` for F as derived, all at the optimum, and no
            precision but the data's.
    """

    components: Components = "single"
    within: Float[np.ndarray, "param effect"] | None = None
    prior: Gaussian | None = None
    prior_ratio: float = 1.0
    between_ratio: float = 16.0
    noise_mean: float = 0.0
    noise_variance: float = 1 / 16
    max_iterations: int = 256
    compat: Compat = "spm12"

    def __post_init__(self) -> None:
        for name in ("prior_ratio", "between_ratio", "noise_variance", "max_iterations"):
            if not getattr(self, name) > 0:
                raise PebError(f"{name} must be positive, not {getattr(self, name)}")
        if isinstance(self.components, str) and self.components not in ("single", "fields", "all", "none"):
            raise PebError(f"components must be 'single', 'fields', 'all' or 'none', not {self.components!r}")
        if self.compat not in ("spm12", "exact"):
            raise PebError(f"compat must be 'spm12' or 'exact', not {self.compat!r}")


@dataclass(frozen=True, eq=False)
class Prepared:
    """A group ready to be fitted."""

    whole: tuple[Estimate, ...]  # every parameter of every participant, in the order of the design
    chosen: tuple[Estimate, ...]  # those that the group explains
    design: Design
    settings: PebSettings
    group: Group
    component_names: tuple[str, ...]
    prior: Gaussian  # over the effects


class SecondLevel(NamedTuple):
    """What a group is told before it sees an estimate."""

    components: Float[np.ndarray, "component param param"]  # Q
    component_names: tuple[str, ...]
    floor: Float[np.ndarray, "param param"]  # the precision that is always there
    prior: Gaussian  # over the effects


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


def fit(
    estimates: Sequence[Estimate],
    design: Design,
    settings: PebSettings = PebSettings(),
    *,
    parameters: Sequence[str] | None = None,
    name: str = "group",
) -> GroupPosterior:
    """The posterior over group effects, the evidence, and every participant re-estimated under the group.

    Arguments:
        estimates: one per row of the design and matched with it by name, all of one model.
        design: the between-participant design.
        settings: components, priors, limits.
        parameters: fields (``B``) or names of parameters that the group explains; None for all. The others keep their
            first-level prior.
        name: of the result.

    Raises `PebError` where estimates and design do not match, or estimates differ in their parameters.

    Source: Friston et al. 2016; Zeidman et al. 2019b.
    """
    prepared = prepare(estimates, design, settings, parameters)
    found = jax.device_get(solve(prepared.group, settings.max_iterations, spm=settings.compat == "spm12"))
    return collect(prepared, found, name)


def prepare(
    estimates: Sequence[Estimate], design: Design, settings: PebSettings, parameters: Sequence[str] | None = None
) -> Prepared:
    """Checks, and everything that a fit is told."""
    require_64_bit()
    whole = match(estimates, design)
    chosen = tuple(one if parameters is None else one.select(parameters) for one in whole)
    _check_alike(chosen)
    size = len(chosen[0].parameters)
    within = np.eye(size) if settings.within is None else np.asarray(settings.within, dtype=np.float64)
    if within.ndim != 2 or within.shape[0] != size or np.linalg.matrix_rank(within) < within.shape[1]:
        raise PebError(f"within must be ({size}, effect) with independent columns, not {within.shape}")
    level = second_level(chosen, design.matrix, within, settings)
    group = Group(
        added=jax.tree.map(lambda *parts: jnp.stack(parts), *(_added(one, settings.compat) for one in chosen)),
        weight=jnp.ones(len(chosen)),
        between=jnp.asarray(design.matrix),
        within=jnp.asarray(within),
        components=jnp.asarray(level.components),
        floor=jnp.asarray(level.floor),
        beta_mean=jnp.asarray(level.prior.mean),
        beta_precision=jnp.asarray(precision(level.prior.covariance)),
        gamma_mean=jnp.full(len(level.components), float(settings.noise_mean)),
        gamma_precision=jnp.eye(len(level.components)) / settings.noise_variance,
    )
    return Prepared(whole, chosen, design, settings, group, level.component_names, level.prior)


def second_level(
    chosen: Sequence[Estimate],
    between: Float[np.ndarray, "subject covariate"],
    within: Float[np.ndarray, "param effect"],
    settings: PebSettings,
) -> SecondLevel:
    """What the participants' average prior implies for the group."""
    average = np.mean([one.prior.covariance for one in chosen], axis=0)
    mean = np.mean([one.prior.mean for one in chosen], axis=0)
    expected = precision(average / settings.between_ratio)
    components, names = _components(settings.components, chosen[0], expected)
    fixed = isinstance(settings.components, str) and settings.components == "none"
    prior = settings.prior or default_prior(mean, average, between, within, settings.prior_ratio)
    effects = within.shape[1] * between.shape[1]
    if prior.mean.size != effects or prior.free.size != effects:
        raise PebError(f"the prior must be over all {effects} effects and fix none, not over {prior.mean.size}")
    return SecondLevel(components, names, expected * (1.0 if fixed else FLOOR), prior)


def match(estimates: Sequence[Estimate], design: Design) -> tuple[Estimate, ...]:
    """The estimates in the order of the design's rows; raises `PebError` where the two do not belong together."""
    if not estimates:
        raise PebError("there is no estimate to fit a group to")
    names = [one.name for one in estimates]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise PebError(f"{repeated[0]} is among the estimates twice; give each participant once")
    only = {
        "no row of the design is for": [name for name in names if name not in design.participants],
        "there is no estimate of": [name for name in design.participants if name not in names],
    }
    problems = [f"{what} {some(who)}" for what, who in only.items() if who]
    if problems:
        raise PebError("; ".join(problems) + "; leave them out on both sides, or add what is missing")
    return tuple(estimates[names.index(name)] for name in design.participants)


def _check_alike(estimates: Sequence[Estimate]) -> None:
    first = estimates[0]
    if not first.parameters:
        raise PebError(f"{first.name} has no parameter that varies among those asked for; choose others")
    every = np.arange(len(first.parameters))
    for one in estimates:
        if one.parameters != first.parameters:
            odd = sorted(set(one.parameters) ^ set(first.parameters)) or ["their order"]
            raise PebError(
                f"{one.name} and {first.name} differ in {odd[0]}; a group needs one model for all, reduce it afterwards"
            )
        fixed = np.setdiff1d(every, np.intersect1d(one.prior.free, one.posterior.free))
        if fixed.size:
            raise PebError(f"{one.name} fixes {one.parameters[fixed[0]]}, which the group is to explain; leave it out")


def default_prior(
    mean: np.ndarray, covariance: np.ndarray, between: np.ndarray, within: np.ndarray, ratio: float
) -> Gaussian:
    """SPM12's prior over the effects, from the average first-level prior."""
    back = np.linalg.pinv(within)
    scale = np.diag(between.shape[0] / (between**2).sum(axis=0))
    first = np.eye(between.shape[1])[0]
    return Gaussian(np.kron(first, back @ mean), np.kron(scale, back @ covariance @ back.T / ratio))


@partial(jax.jit, static_argnames="spm")
def solve(group: Group, max_iterations: int, *, spm: bool) -> Found:
    """Climb, and read off what is reported."""
    end = climb(group, jnp.asarray(max_iterations), spm=spm)
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
    if status is GroupStatus.NOT_FINITE or not np.isfinite(found.beta_covariance).all():
        raise PebError(f"{name}: {GroupStatus.NOT_FINITE.value}")
    chosen, group, settings = prepared.chosen, prepared.group, prepared.settings
    own = settings.within is None
    effects = range(group.within.shape[1])
    means = np.asarray(empirical_means(group, jnp.asarray(found.beta)))
    between = (found.between + found.between.T) / 2
    return GroupPosterior(
        name=name,
        parameters=chosen[0].parameters if own else tuple(f"within {a + 1}" for a in effects),
        fields=chosen[0].fields if own else tuple("within" for _ in effects),
        first_level=chosen[0].parameters,
        design=prepared.design,
        within=np.asarray(group.within),
        prior=prepared.prior,
        posterior=Gaussian(found.beta, found.beta_covariance),
        components=np.asarray(group.components),
        component_names=prepared.component_names,
        noise_prior=Gaussian(np.asarray(group.gamma_mean), precision(np.asarray(group.gamma_precision))),
        noise=Gaussian(found.gamma, found.gamma_covariance),
        between=between,
        free_energy=float(found.free_energy) + sum(one.free_energy for one in chosen),
        participants=tuple(
            _under(whole, one.parameters, Gaussian(mean, between))
            for whole, one, mean in zip(prepared.whole, chosen, means, strict=True)
        ),
        status=status,
        iterations=int(found.iterations),
        compat=settings.compat,
    )


def _under(whole: Estimate, chosen: Sequence[str], empirical: Gaussian) -> Estimate:
    """A participant's estimate where the prior over some parameters is the group's; the rest keep theirs."""
    places = np.array([whole.parameters.index(name) for name in chosen])
    mean, covariance = np.array(whole.prior.mean), np.array(whole.prior.covariance)
    covariance[places, :] = covariance[:, places] = 0.0
    mean[places] = empirical.mean
    covariance[np.ix_(places, places)] = empirical.covariance
    reduction = reduce(whole.prior, whole.posterior, mean[None], covariance[None])
    free_energy = whole.free_energy + float(reduction.delta_free_energy[0])
    prior = Gaussian(mean, covariance)
    return Estimate(whole.name, whole.parameters, whole.fields, prior, reduction.posterior(0), free_energy)


def _added(one: Estimate, compat: Compat) -> Information:
    """What the data added; as SPM12 has it, with a little more precision and variances 1e-8 wider."""
    if compat == "exact":
        return information(one.prior, one.posterior)
    sharper = precision(precision(one.posterior.covariance) + SPM_SHARE * precision(one.prior.covariance))
    more = SPM_TOLERANCE * np.eye(len(one.parameters))
    return information(
        Gaussian(one.prior.mean, one.prior.covariance + more), Gaussian(one.posterior.mean, sharper + more)
    )


def _components(
    chosen: Components, one: Estimate, expected: np.ndarray
) -> tuple[Float[np.ndarray, "component param param"], tuple[str, ...]]:
    """Q, each a part of Q0, and what each is over."""
    size = len(one.parameters)
    if not isinstance(chosen, str):
        given = np.asarray(chosen, dtype=np.float64)
        if given.ndim != 3 or given.shape[1:] != (size, size):
            raise PebError(f"components must be (component, {size}, {size}), not {given.shape}")
        if not np.isfinite(given).all() or (np.linalg.eigvalsh(given).min(axis=1) < -1e-9).any():
            raise PebError("components must be finite and positive semidefinite")
        return given, tuple(f"component {i + 1}" for i in range(len(given)))
    if chosen == "none":
        return np.zeros((0, size, size)), ()
    groups: dict[str, list[int]] = {}
    for i, (name, field) in enumerate(zip(one.parameters, one.fields, strict=True)):
        key = {"single": "all parameters", "fields": field, "all": name}[chosen]
        groups.setdefault(key, []).append(i)
    made = np.zeros((len(groups), size, size))
    for component, places in zip(made, groups.values(), strict=True):
        component[np.ix_(places, places)] = expected[np.ix_(places, places)]
    return made, tuple(groups)
