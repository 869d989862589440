"""Estimates and a design → everything that a group fit is told: data, components, priors.

With SPM12's defaults (Zeidman et al. 2019b; spec: "PEB"): PC the average prior covariance of the participants,
βE = [average prior mean; 0 …], βC = Xc ⊗ PC/α, Xc = diag(N / Σ_i X_ik²), Σ^-1 = e^-8 Q0 + Σ_j e^γ_j Q_j,
Q0 = (PC/16)^-1. SPM12 first adds a sixteenth of the prior precision to each participant's posterior precision,
qC ← (qC^-1 + pC^-1/16)^-1: data that nobody measured, which ``compat="exact"`` leaves out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dcm import require_64_bit

from ._design import Design, some
from ._estimate import Estimate
from ._gaussian import Gaussian, precision
from ._group import Compat
from ._hierarchy import SPM_TOLERANCE, Group
from ._reduction import Information, information
from ._settings import Components, PebError, PebSettings

SPM_SHARE = 1 / 16  # of the prior precision, which SPM12 adds to each participant's posterior precision
FLOOR = float(np.exp(-8))  # of Q0, always part of the between-participant precision


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
