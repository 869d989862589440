"""Estimates and a design → everything that a group fit is given: data, components, priors.

With SPM12's defaults (Zeidman et al. 2019b): PC the average prior covariance of the participants,
βE = [average prior mean; 0 …], βC = Xc ⊗ PC/α, Xc = diag(N / Σ_i X_ik²), Σ^-1 = e^-8 Q0 + Σ_j e^γ_j Q_j,
Q0 = (PC/16)^-1. A design from a formula has a βE and Xc of its own (`_canonical_form`). SPM12 first adds a sixteenth of
the prior precision to each participant's posterior precision, qC ← (qC^-1 + pC^-1/16)^-1: data that nobody measured,
which only SPM's modes have.

The precision components of the between-participant covariance come in factors whose sums an evaluation needs:

    Q_j = Σ_{a in j} f_a f_aᵀ,    R = floor + Σ_j e^γ_j Q_j,

with F the columns f_a side by side and E says which component each belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dcm import require_64_bit

from ._design import Design
from ._design_error import name_list, repeated_names
from ._estimate import Estimate
from ._estimate_stack import EstimateStack, stack_estimates
from ._gaussian import Gaussian, Gaussians, precision
from ._hierarchy import SPM_TOLERANCE, Group
from ._reduction import Information, information
from ._settings import Components, PebError, PebSettings


class ComponentFactors(NamedTuple):
    """J components over q parameters."""

    matrices: Float[np.ndarray, "component param param"]  # Q
    names: tuple[str, ...]  # what each is over
    root: Float[np.ndarray, "param rank"]  # F
    membership: Float[np.ndarray, "rank component"]  # E: 1 where a column of F is of a component


def make_components(
    choice: Components, chosen: EstimateStack, expected: Float[np.ndarray, "param param"]
) -> ComponentFactors:
    """What `PebSettings.components` asks for; those that it names are parts of Q0, the `expected` precision.

    Raises `PebError` where given components are of another size, or not positive semidefinite.
    """
    size = len(chosen.parameters)
    if not isinstance(choice, str):
        return _given_factors(np.asarray(choice, dtype=np.float64), size)
    groups: dict[str, list[int]] = {}
    for i, (name, field) in enumerate(zip(chosen.parameters, chosen.fields, strict=True)):
        if choice != "none":
            groups.setdefault({"single": "all parameters", "fields": field, "all": name}[choice], []).append(i)
    matrices = np.zeros((len(groups), size, size))
    root = np.zeros((size, size if groups else 0))
    membership = np.zeros((root.shape[1], len(groups)))
    for j, places in enumerate(groups.values()):
        block = np.ix_(places, places)
        matrices[j][block] = expected[block]
        root[block] = np.linalg.cholesky(expected[block])
        membership[places, j] = 1.0
    return ComponentFactors(matrices, tuple(groups), root, membership)


def _given_factors(matrices: Float[np.ndarray, "component param param"], size: int) -> ComponentFactors:
    if matrices.ndim != 3 or matrices.shape[1:] != (size, size):
        raise PebError(f"components must be (component, {size}, {size}), not {matrices.shape}")
    if not np.isfinite(matrices).all() or (np.linalg.eigvalsh(matrices).min(axis=1) < -1e-9).any():
        raise PebError("components must be finite and positive semidefinite")
    values, vectors = np.linalg.eigh(matrices)
    columns = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    component, column = np.nonzero(values > size * np.finfo(float).eps * values.max(axis=1, keepdims=True))
    return ComponentFactors(
        matrices,
        tuple(f"component {j + 1}" for j in range(len(matrices))),
        columns[component, :, column].T,
        np.eye(len(matrices))[component],
    )


SPM_SHARE = 1 / 16  # of the prior precision, which SPM12 adds to each participant's posterior precision
FLOOR = float(np.exp(-8))  # of Q0, always part of the between-participant precision


@dataclass(frozen=True, eq=False)
class PreparedGroup:
    """A group ready to be fitted."""

    whole: tuple[Estimate, ...]  # every parameter of every participant, in the order of the design
    chosen: EstimateStack  # those that the group explains
    design: Design
    settings: PebSettings
    group: Group
    components: ComponentFactors
    prior: Gaussian  # over the effects


class SecondLevel(NamedTuple):
    """What a group knows before it sees an estimate."""

    components: ComponentFactors
    floor: Float[np.ndarray, "param param"]  # the precision that is always there
    prior: Gaussian  # over the effects


def prepare(
    estimates: Sequence[Estimate], design: Design, settings: PebSettings, parameters: Sequence[str] | None = None
) -> PreparedGroup:
    """Checks, and everything that a fit is given."""
    require_64_bit()
    whole = match_with_design(estimates, design)
    parameters = parameters if parameters is None or isinstance(parameters, str) else list(parameters)
    chosen = stack_estimates(whole, parameters)
    size = len(chosen.parameters)
    within = np.eye(size) if settings.within is None else np.asarray(settings.within, dtype=np.float64)
    if within.ndim != 2 or within.shape[0] != size or np.linalg.matrix_rank(within) < within.shape[1]:
        raise PebError(f"within must be ({size}, effect) with independent columns, not {within.shape}")
    level = second_level(chosen, chosen.prior.average(), design, within, settings)
    components = level.components
    group = Group(
        added=jax.tree.map(jnp.asarray, _added(chosen, settings.follows_spm)),
        weight=jnp.ones(len(whole)),
        between=jnp.asarray(design.matrix),
        within=jnp.asarray(within),
        components=jnp.asarray(components.matrices),
        root=jnp.asarray(components.root),
        membership=jnp.asarray(components.membership),
        floor=jnp.asarray(level.floor),
        beta_mean=jnp.asarray(level.prior.mean),
        beta_precision=jnp.asarray(precision(level.prior.covariance)),
        gamma_mean=jnp.full(len(components.names), float(settings.noise_mean)),
        gamma_precision=jnp.eye(len(components.names)) / settings.noise_variance,
    )
    return PreparedGroup(whole, chosen, design, settings, group, components, level.prior)


def second_level(
    chosen: EstimateStack,
    average: Gaussian,
    design: Design,
    within: Float[np.ndarray, "param effect"],
    settings: PebSettings,
) -> SecondLevel:
    """What the participants' `average` prior implies for the group."""
    expected = precision(average.covariance / settings.between_ratio)
    components = make_components(settings.components, chosen, expected)
    fixed = isinstance(settings.components, str) and settings.components == "none"
    prior = settings.prior or default_prior(average.mean, average.covariance, design, within, settings)
    effects = within.shape[1] * len(design.covariates)
    if prior.mean.size != effects or prior.free.size != effects:
        raise PebError(f"the prior must be over all {effects} effects and fix none, not over {prior.mean.size}")
    return SecondLevel(components, expected * (1.0 if fixed else FLOOR), prior)


def match_with_design(estimates: Sequence[Estimate], design: Design) -> tuple[Estimate, ...]:
    """The estimates in the order of the design's rows; raises `PebError` where the two do not belong together."""
    if not isinstance(estimates, Iterable):
        raise TypeError(f"a group is fitted to a list of estimates and a design, not to a {type(estimates).__name__}")
    estimates = list(estimates)
    if not estimates:
        raise PebError("there is no estimate to fit a group to")
    if not all(isinstance(estimate, Estimate) for estimate in estimates):
        raise TypeError("a group is fitted to estimates: from_dcm({participant: posterior, ...})")
    if not isinstance(design, Design):
        raise TypeError(f"a design is a Design, not a {type(design).__name__}; Design.from_frame(table) makes one")
    named = {estimate.name: estimate for estimate in estimates}
    if repeated := repeated_names([estimate.name for estimate in estimates]):
        raise PebError(f"{repeated[0]} is among the estimates twice; give each participant once")
    rows = set(design.participants)
    only = {
        "no row of the design is for": [name for name in named if name not in rows],
        "there is no estimate of": [name for name in design.participants if name not in named],
    }
    problems = [f"{what} {name_list(who)}" for what, who in only.items() if who]
    if problems:
        raise PebError("; ".join(problems) + "; leave them out on both sides, or add what is missing")
    return tuple(named[name] for name in design.participants)


def default_prior(
    mean: np.ndarray, covariance: np.ndarray, design: Design, within: np.ndarray, settings: PebSettings
) -> Gaussian:
    """The prior over the effects, from the average first-level prior: the design's own, or SPM12's.

    In SPM's modes it is SPM12's whatever the design.
    """
    back = np.linalg.pinv(within)
    if design.prior is None or settings.follows_spm:
        between = design.matrix
        first, scale = np.eye(between.shape[1])[0], np.diag(between.shape[0] / (between**2).sum(axis=0))
    else:
        first, scale = design.prior
    return Gaussian(np.kron(first, back @ mean), np.kron(scale, back @ covariance @ back.T / settings.prior_ratio))


def _added(chosen: EstimateStack, spm: bool) -> Information:
    """What the data added; as SPM12 has it, with a little more precision and variances 1e-8 wider."""
    prior, posterior = chosen.prior, chosen.posterior
    if not spm:
        return information(prior, posterior)
    sharper = precision(precision(posterior.covariance) + SPM_SHARE * precision(prior.covariance))
    more = SPM_TOLERANCE * np.eye(len(chosen.parameters))
    return information(Gaussians(prior.mean, prior.covariance + more), Gaussians(posterior.mean, sharper + more))
