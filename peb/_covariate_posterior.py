"""The covariate of a participant whom the group has not seen, from that participant's connectivity.

The group of the others gives the effects Ep (param × covariate) and the covariance between participants Ce. For the one
left out, with design row x whose entry u is unknown,

    θ = Ep x + ε,    ε ~ N(0, Ce),    x_u ~ N(0, v),

and what the participant's data added to the first-level prior, exp(hᵀθ − ½ θᵀLθ), is the likelihood of θ. Linear and
Gaussian, so x_u has an exact posterior (`exact_posterior`). Its prior mean is 0 for everybody: the mean of the others
would lie across the mean of all from the one left out, and draw estimates away from the actual values.

SPM12 (`spm_posterior`) climbs to it instead. It gives all of x a prior, the known entries at their values: in pass
i = 0 … 3 with variance e^-i each, to which 4 times the variance of the covariate is added for x_u, whose prior mean is
what the pass before found. Every pass uses the data again, and the climb, which SPM12 ends early, does not arrive.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._ascent import Limits, climb
from ._design import Design
from ._design_error import DesignError, name_list
from ._fit import STATUS, FitResult, fit_bytes, for_each, limits, solve
from ._gaussian import Gaussian, precision
from ._group import GroupStatus
from ._hierarchy import Group, inverse
from ._prepare_group import PreparedGroup, second_level
from ._reduction import Information, information
from ._settings import PebError

PASSES = 4
SPREAD = 4.0  # prior variance of the unknown covariate over its variance in the group


class LeftOutParticipant(NamedTuple):
    """One participant who is left out."""

    added: Information  # L, h: what the data added, not widened
    loadings: Float[Array, "param covariate"]  # Ep
    precision: Float[Array, "param param"]  # Ce^-1
    row: Float[Array, "covariate"]  # x, 0 at the unknown entry
    variance: Float[Array, ""]  # of the covariate in the group


class CovariatePosterior(NamedTuple):
    """What the data tell of the unknown covariate."""

    estimate: Float[Array, ""]  # posterior mean
    variance: Float[Array, ""]  # posterior variance
    prior_mean: Float[Array, ""]  # of the last pass
    prior_variance: Float[Array, ""]


def exact_posterior(participant: LeftOutParticipant, unknown: Int[Array, ""]) -> CovariatePosterior:
    """The posterior of x_u where all other covariates are known: N(0, v) times the likelihood, θ integrated out."""
    L, h, R = participant.added.matrix, participant.added.vector, participant.precision
    w = participant.loadings[:, unknown]
    o = participant.loadings @ participant.row  # what the known covariates predict
    C = inverse(L + R)
    m, v = jnp.zeros(()), SPREAD * participant.variance
    information = w @ (R - R @ C @ R) @ w
    variance = 1 / (1 / v + information)
    estimate = variance * (m / v + w @ R @ (C @ (h + R @ o) - o))
    return CovariatePosterior(estimate, variance, m, v)


def spm_posterior(participant: LeftOutParticipant, unknown: Int[Array, ""], limits: Limits) -> CovariatePosterior:
    """SPM12's posterior of x_u; m is 0 at first."""
    size = participant.row.size
    here = jnp.arange(size) == unknown

    def step(
        mean: Float[Array, "covariate"], i: Int[Array, ""]
    ) -> tuple[Float[Array, "covariate"], CovariatePosterior]:
        variances = jnp.exp(-i) + jnp.where(here, SPREAD * participant.variance, 0.0)
        end = climb(_group_of_one(participant, mean, variances), limits, spm=True)
        variance = jnp.diag(inverse(-end.last.curvature))[unknown]
        found = CovariatePosterior(end.beta[unknown], variance, mean[unknown], variances[unknown])
        return jnp.where(here, end.beta, participant.row), found

    passes = jax.lax.scan(step, participant.row, jnp.arange(float(PASSES)))[1]
    return jax.tree.map(lambda each: each[-1], passes)


def _group_of_one(
    participant: LeftOutParticipant, mean: Float[Array, "covariate"], variances: Float[Array, "covariate"]
) -> Group:
    """A group of one participant, whose effects are the covariates: X = 1, W = Ep, Σ = Ce."""
    size = participant.precision.shape[0]
    return Group(
        added=jax.tree.map(lambda array: array[None], participant.added),
        weight=jnp.ones(1),
        between=jnp.ones((1, 1)),
        within=participant.loadings,
        components=jnp.zeros((0, size, size)),
        root=jnp.zeros((size, 0)),
        membership=jnp.zeros((0, 0)),
        floor=participant.precision,
        beta_mean=mean,
        beta_precision=jnp.diag(1 / variances),
        gamma_mean=jnp.zeros(0),
        gamma_precision=jnp.zeros((0, 0)),
    )


class Fold(NamedTuple):
    """What differs between the groups of the folds."""

    weight: Float[np.ndarray, "*fold subject"]  # 0 for those left out
    components: Float[np.ndarray, "*fold component param param"]
    root: Float[np.ndarray, "*fold param rank"]
    floor: Float[np.ndarray, "*fold param param"]
    beta_mean: Float[np.ndarray, "*fold beta"]
    beta_precision: Float[np.ndarray, "*fold beta beta"]


def fit_folds(prepared: PreparedGroup, fold: Int[np.ndarray, "subject"]) -> FitResult:
    """The group without each fold in turn."""
    group, settings = prepared.group, prepared.settings
    left_out = fold == np.unique(fold)[:, None]
    averages = prepared.chosen.prior.averages(~left_out).each()
    each = [_without(prepared, out, average) for out, average in zip(left_out, averages, strict=True)]
    groups = jax.tree.map(lambda *arrays: np.stack(arrays), *each)
    found: FitResult = jax.device_get(_fit_many(group, groups, limits(settings), spm=settings.follows_spm))
    return found


def _without(prepared: PreparedGroup, left_out: Bool[np.ndarray, "subject"], average: Gaussian) -> Fold:
    """What the group of the others is given, whose `average` prior is given."""
    kept = np.flatnonzero(~left_out)
    try:
        rows = prepared.design.rows([prepared.design.participants[i] for i in kept])
    except DesignError as problem:
        out = name_list([prepared.design.participants[i] for i in np.flatnonzero(left_out)])
        raise DesignError(f"without {out}: {problem}") from None
    within = np.asarray(prepared.group.within)
    level = second_level(prepared.chosen, average, rows, within, prepared.settings)
    prior = level.prior
    return Fold(
        (~left_out).astype(float),
        level.components.matrices,
        level.components.root,
        level.floor,
        prior.mean,
        precision(prior.covariance),
    )


@partial(jax.jit, static_argnames="spm")
def _fit_many(group: Group, folds: Fold, most: Limits, *, spm: bool) -> FitResult:
    def one(fold: Fold) -> FitResult:
        return solve(replace(group, **fold._asdict()), most, spm=spm)

    return for_each(one, folds, fit_bytes(group))


def check_folds(design: Design, found: FitResult, fold: Int[np.ndarray, "subject"]) -> tuple[GroupStatus, ...]:
    status = tuple(STATUS[int(code)] for code in found.status)
    for k, ended in enumerate(status):
        if ended is GroupStatus.NOT_FINITE or not np.isfinite(found.beta_covariance[k]).all():
            out = name_list([design.participants[i] for i in np.flatnonzero(fold == k)])
            raise PebError(f"the group without {out}: {GroupStatus.NOT_FINITE.value}")
    return status


def predict_left_out(
    prepared: PreparedGroup, found: FitResult, fold: Int[np.ndarray, "subject"], unknown: int, products: dict[int, int]
) -> CovariatePosterior:
    """The unknown covariate of every participant, by the group of the participant's fold."""
    matrix, within = prepared.design.matrix, np.asarray(prepared.group.within)
    covariates = matrix.shape[1]
    known = [k for k in range(covariates) if k not in products]
    effects = found.beta.reshape(len(found.beta), covariates, -1)[fold]  # (subject, covariate, effect)
    loadings = effects[:, known]
    place = known.index(unknown)
    for product, other in products.items():
        loadings[:, place] += matrix[:, [other]] * effects[:, product]
    rows = matrix[:, known].copy()
    rows[:, place] = 0.0
    training = [matrix[fold != k, unknown] for k in range(fold.max() + 1)]
    between = np.asarray(found.between)
    each = LeftOutParticipant(
        added=information(prepared.chosen.prior, prepared.chosen.posterior),
        loadings=np.einsum("qa,ska->sqk", within, loadings),
        precision=precision((between + between.swapaxes(1, 2)) / 2)[fold],
        row=jnp.asarray(rows),
        variance=np.array([values.var(ddof=1) for values in training])[fold],
    )
    most = limits(prepared.settings)
    predicted: CovariatePosterior = jax.device_get(_predict_many(each, place, most, spm=prepared.settings.follows_spm))
    return predicted


@partial(jax.jit, static_argnames="spm")
def _predict_many(each: LeftOutParticipant, unknown: Int[Array, ""], most: Limits, *, spm: bool) -> CovariatePosterior:
    def one(left_out: LeftOutParticipant) -> CovariatePosterior:
        return spm_posterior(left_out, unknown, most) if spm else exact_posterior(left_out, unknown)

    return for_each(one, each, 8 * each.loadings[0].size ** 2)
