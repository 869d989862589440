"""The covariate of a participant left out, where participants are a mixture; and how often shuffling predicts as well.

The group is fitted to the others (whoever is left out has no information), and gives effects with mean b_j and
covariance V_j, and τ_j with weights over nodes. Of the one left out, with design row x whose entry u is unknown,

    θ_j = x b_j + ε_j,    ε_j ~ N(0, 1/D_j + x V_j xᵀ),    x_u ~ N(0, v),

is linear and Gaussian (`_covariate_posterior.exact_posterior`) but for D_j, the mean of 1 / (c τ_j²) by this
participant's own responsibilities: it is found with the estimate of x_u, in turns.

p is that of the correlation between estimates and actual values. The covariate is shuffled (what the other covariates
leave of it) over participants, and predicted again, 1 + B times with all spreads where the group without the covariate
has them:

    W_ij = Λ_ij / (1 + Λ_ij / D_ij),    H_j = P0 + Σ_i W_ij x_i x_iᵀ,    without a fold: H_j less its terms.

Student's t instead, which takes estimates as independent, is reached 6 to 10 times in 100 at 5 %; shuffling 2.7 to 5.7
(300 groups without an effect of 12 and of 21 participants, first levels uncorrelated and correlated by about 0.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ._design import Design, DesignPrior
from ._design_error import DesignError, name_list
from ._gaussian import precision
from ._mixture_fit import MixtureFit, fit_mixture
from ._mixture_group import MixtureGroup, per_connection
from ._prepare_group import default_prior
from ._reduction import Information
from ._scale_mixture import SCALES, SHARES
from ._settings import PebSettings

SPREAD = 4.0  # prior variance of the unknown covariate over its variance in the group
TURNS = 8  # of a participant's spread and estimate
NUMBERS_AT_ONCE = 1 << 24


class PredictedCovariate(NamedTuple):
    """What is to be predicted.

    Fields:
        place: its column in the design.
        products: columns that are its products → the column of the other factor.
    """

    place: int
    products: dict[int, int]

    @property
    def columns(self) -> list[int]:
        """All that is unknown of a participant left out."""
        return [self.place, *self.products]


class CovariateEstimates(NamedTuple):
    """Posterior of the covariate of everybody left out, and what its prior variance was."""

    mean: Float[np.ndarray, "subject"]
    variance: Float[np.ndarray, "subject"]
    prior_variance: Float[np.ndarray, "subject"]


def estimate_left_out(
    group: MixtureGroup, settings: PebSettings, unknown: PredictedCovariate, fold: Int[np.ndarray, "subject"]
) -> tuple[CovariateEstimates, tuple[bool, ...]]:
    """Every participant's covariate by the group of the others, and whether each fold's group settled."""
    found = np.zeros((3, fold.size))
    settled = []
    for k in range(fold.max() + 1):
        others = _without(group, settings, fold == k)
        fit = fit_mixture(others)
        settled.append(fit.settled)
        for i in np.flatnonzero(fold == k):
            variance = SPREAD * group.design.matrix[fold != k, unknown.place].var(ddof=1)
            found[:, i] = *_estimate(group, fit, unknown, int(i), variance), variance
    return CovariateEstimates(*found), tuple(settled)


def without_columns(group: MixtureGroup, columns: Sequence[int]) -> MixtureGroup:
    """The group without some covariates."""
    design = group.design
    kept = [k for k in range(len(design.covariates)) if k not in columns]
    mean, covariance = _prior_of(group, kept)
    own = design.columns([design.covariates[k] for k in kept])
    return replace(group, design=own, prior_mean=mean, prior_covariance=covariance)


def _prior_of(
    group: MixtureGroup, kept: Sequence[int]
) -> tuple[Float[np.ndarray, "param kept"], Float[np.ndarray, "param kept kept"]]:
    """The prior of some covariates' effects where those of the others are 0."""
    if group.design.prior is None:
        return group.prior_mean[:, kept], group.prior_covariance[:, kept][:, :, kept]
    each = [DesignPrior(*own).taken(kept) for own in zip(group.prior_mean, group.prior_covariance, strict=True)]
    return np.stack([own.mean for own in each]), np.stack([own.covariance for own in each])


def _without(group: MixtureGroup, settings: PebSettings, out: np.ndarray) -> MixtureGroup:
    """The group in which some have no information, and no part in its priors."""
    design, data_information, chosen = group.design, group.data_information, group.chosen
    kept = np.flatnonzero(~out)
    try:
        rows = design.rows([design.participants[i] for i in kept])
    except DesignError as problem:
        left = name_list([design.participants[i] for i in np.flatnonzero(out)])
        raise DesignError(f"without {left}: {problem}") from None
    if settings.prior is None:
        average = chosen.prior.averages(~out[None]).each()[0]
        variance = np.diag(average.covariance)
        q, K = group.prior_mean.shape
        prior = default_prior(average.mean, np.diag(variance), rows, np.eye(q), settings)
        blocks = prior.covariance.reshape(K, q, K, q)[:, np.arange(q), :, np.arange(q)]
        group = replace(group, unit=np.sqrt(variance), prior_mean=prior.mean.reshape(K, q).T, prior_covariance=blocks)
    matrix = design.matrix.copy()
    matrix[out] = 0.0  # whatever it was
    none = out.astype(bool)
    return replace(
        group,
        data_information=Information(
            np.where(none[:, None, None], 0.0, data_information.matrix),
            np.where(none[:, None], 0.0, data_information.vector),
            np.where(none, 0.0, data_information.constant),
        ),
        design=Design(design.participants, design.covariates, matrix),
    )


def _estimate(
    group: MixtureGroup, fit: MixtureFit, unknown: PredictedCovariate, i: int, prior_variance: float
) -> tuple[float, float]:
    """Mean and variance of one participant's covariate."""
    x, L, h = group.design.matrix[i], group.data_information.matrix[i], group.data_information.vector[i]
    mixture = fit.mixture
    weight, q = mixture.weight, len(mixture.unit)
    b = np.einsum("jg,jgk->jk", weight, mixture.means)
    V = mixture.posterior.covariance.reshape(x.size, q, x.size, q)[:, np.arange(q), :, np.arange(q)]
    along = np.zeros(x.size)  # of a row, per unit of x_u
    along[unknown.place] = 1.0
    for column, other in unknown.products.items():
        along[column] = x[other]
    known = np.where(np.isin(np.arange(x.size), unknown.columns), 0.0, x)
    w, o = b @ along, b @ known
    tau = np.exp(2 * mixture.u) * mixture.unit[:, None] ** 2  # (q, G), variances
    D, mean, variance = 1 / (weight * tau).sum(axis=1), 0.0, prior_variance
    for _ in range(TURNS):
        row = known + mean * along
        R = np.diag(1 / (1 / D + np.einsum("k,jkl,l->j", row, V, row)))
        C = np.linalg.inv(L + R)
        variance = 1 / (1 / prior_variance + w @ (R - R @ C @ R) @ w)
        mean = variance * (w @ R @ (C @ (h + R @ o) - o))
        D = _precision_of(L, h, o + w * mean, D, tau, weight)
    return float(mean), float(variance)


def _precision_of(
    L: np.ndarray, h: np.ndarray, m: np.ndarray, D: np.ndarray, tau: np.ndarray, weight: np.ndarray
) -> Float[np.ndarray, "param"]:
    """One participant's D by the responsibilities at m."""
    each, _ = per_connection(Information(L[None], h[None], np.zeros(1)), m[None], D[None])
    Lambda, pull = each.precision[:, 0, None, None], each.pull[:, 0, None, None]
    v = tau[:, :, None] * SCALES
    a = 1 / (1 + Lambda * v)
    log_odds = np.log(SHARES) + (np.log(a) + v * a * (pull - Lambda * m[:, None, None]) ** 2) / 2
    r = np.exp(log_odds - log_odds.max(axis=2, keepdims=True))
    r /= r.sum(axis=2, keepdims=True)
    return np.asarray((weight[..., None] * r / v).sum(axis=(1, 2)))


def shuffled_correlations(
    group: MixtureGroup, unknown: PredictedCovariate, fold: Int[np.ndarray, "subject"], shuffles: int, seed: int
) -> Float[np.ndarray, "shuffle"]:
    """Correlations of estimates with the covariate as it is, and shuffled; all spreads are those without it."""
    base = fit_mixture(without_columns(group, unknown.columns))
    Lambda, pull = base.each.precision, base.each.pull
    shrink = 1 / (1 + Lambda / base.precisions.T)
    W, z = Lambda * shrink, pull * shrink  # z = W y
    X, P0 = group.design.matrix, precision(group.prior_covariance)
    others = np.delete(X, unknown.columns, axis=1)
    x = X[:, unknown.place]
    fitted = others @ np.linalg.lstsq(others, x, rcond=None)[0]
    rng = np.random.default_rng(seed)
    columns = np.stack([x, *(fitted + rng.permutation(x - fitted) for _ in range(shuffles))])
    rows = max(1, NUMBERS_AT_ONCE // (W.size * X.shape[1] ** 2))
    parts = [
        _correlations(columns[at : at + rows], X, unknown, fold, W, z, P0, group.prior_mean)
        for at in range(0, len(columns), rows)
    ]
    return np.concatenate(parts)


def _correlations(
    columns: Float[np.ndarray, "shuffle subject"],
    X: Float[np.ndarray, "subject covariate"],
    unknown: PredictedCovariate,
    fold: Int[np.ndarray, "subject"],
    W: Float[np.ndarray, "param subject"],
    z: Float[np.ndarray, "param subject"],
    P0: Float[np.ndarray, "param covariate covariate"],
    m0: Float[np.ndarray, "param covariate"],
) -> Float[np.ndarray, "shuffle"]:
    """Of the estimates of several columns put in the covariate's place."""
    member = (fold == np.arange(fold.max() + 1)[:, None]).astype(float)  # (fold, subject)
    Xs = np.broadcast_to(X, (len(columns), *X.shape)).copy()
    along = np.zeros(X.shape)
    along[:, unknown.place] = 1.0
    Xs[:, :, unknown.place] = columns
    for column, other in unknown.products.items():
        Xs[:, :, column] = columns * X[:, other]
        along[:, column] = X[:, other]
    pairs = Xs[..., :, None] * Xs[..., None, :]  # (shuffle, subject, covariate, covariate)
    H = np.einsum("fs,js,bskl->bfjkl", 1 - member, W, pairs, optimize=True) + P0
    g = np.einsum("fs,js,bsk->bfjk", 1 - member, z, Xs, optimize=True) + np.einsum("jkl,jl->jk", P0, m0)
    beta = np.linalg.solve(H, g[..., None])[..., 0][:, fold]  # (shuffle, subject, param, covariate)
    known = np.where(np.isin(np.arange(X.shape[1]), unknown.columns), 0.0, X)
    w, o = np.einsum("bsjk,sk->bsj", beta, along), np.einsum("bsjk,sk->bsj", beta, known)
    count = 1 - member  # the variance of the covariate among the others
    total = count.sum(axis=1)
    mean = columns @ count.T / total
    prior = SPREAD * ((columns**2) @ count.T - total * mean**2) / (total - 1)
    variance = 1 / (1 / prior[:, fold] + np.einsum("js,bsj->bs", W, w**2))
    estimate = variance * (np.einsum("js,bsj->bs", z, w) - np.einsum("js,bsj,bsj->bs", W, w, o))
    e, c = (part - part.mean(axis=1, keepdims=True) for part in (estimate, columns))
    size = np.sqrt((e**2).sum(axis=1) * (c**2).sum(axis=1))
    return np.asarray((e * c).sum(axis=1) / np.where(size > 0, size, 1.0))
