"""The evidence of models that switch parameters off, with what many of them share computed once.

Patterns differ in some parameters V and agree that others, A, are on; what is off is 0. Where V and A are independent a
priori, A is integrated out once for all patterns. With θ_A ~ N(μ, B Bᵀ), M = I + Bᵀ L_AA B, C = B M^-1 Bᵀ and
v = h_A − L_AA μ, what the data added (`_reduction`) is over V

    L_VV − L_VA C L_AV,    h_V − L_VA (μ + C v),    c + h_Aᵀ μ − ½ μᵀ L_AA μ − ½ ln|M| + ½ vᵀ C v,

and every pattern is as small as V. Where one parameter is switched off that is independent of the others a priori, the
evidence follows from its two densities at 0 (Savage & Dickey): ΔF = ln q(θ_i = 0) − ln p(θ_i = 0).

What is dependent a priori stays in V, so that the answer is the same, only later.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from dcm import one_blas_thread, require_64_bit

from ._gaussian import Gaussian
from ._reduction import Information, check_integral, evidence_by_root, in_batches, information


def evidence_of_switches(
    prior: Gaussian, posterior: Gaussian, on: Bool[np.ndarray, "model param"]
) -> Float[np.ndarray, "model"]:
    """ln p(y | reduced) − ln p(y | full), nats, of on/off patterns: the ΔF of `reduce` under the priors of `switched`.

    For many patterns: no posterior of any is kept.

    Arguments:
        prior, posterior: of the full model, over the same parameters.
        on: (model, param) what each pattern keeps; the rest is off at 0.

    Raises `ValueError` where shapes differ or a pattern moves to 0 a parameter that the full prior fixes elsewhere.
    """
    require_64_bit()
    on = np.asarray(on, dtype=bool)
    if on.ndim != 2 or on.shape[1] != prior.mean.size:
        raise ValueError(f"patterns over {prior.mean.size} parameters must be (model, param), not {on.shape}")
    free = prior.free
    fixed = np.setdiff1d(np.arange(prior.mean.size), free)
    if (~on[:, fixed] & (prior.mean[fixed] != 0)).any():
        raise ValueError("a pattern switches off a parameter that the full prior fixes at another value than 0")
    patterns, known = on[:, free], prior.marginal(free)
    varies, always = _varying_and_always(patterns, known.covariance)
    with one_blas_thread():
        added = _without(information(known, posterior.marginal(free)), known, varies, always)
        if varies.size == 0:
            return np.full(on.shape[0], float(added.constant))
        root = np.linalg.cholesky(known.covariance[np.ix_(varies, varies)])
        mean, rows = known.mean[varies], patterns[:, varies]
        (delta,) = in_batches(lambda some: (_many_switched(added, mean, root, some),), rows)
    check_integral(delta)
    return delta


def evidence_of_zeros(
    prior: Gaussian, posterior: Gaussian, on: Bool[np.ndarray, "model param"]
) -> Float[np.ndarray, "model"]:
    """ln p(y | reduced) − ln p(y | full), nats, where the reduced prior is the full one given that what is off is 0.

        ln q(θ_off = 0) − ln p(θ_off = 0)    (Savage & Dickey)

    It is that of `evidence_of_switches` where what is off and what is on are independent a priori.

    Arguments:
        prior, posterior: of the full model, over the same parameters, all of which vary.
        on: (model, param) what each pattern keeps.
    """
    patterns, place = np.unique(np.asarray(on, dtype=bool), axis=0, return_inverse=True)
    found = [_log_density_at_zero(posterior, ~each) - _log_density_at_zero(prior, ~each) for each in patterns]
    return np.array(found)[place.ravel()]


def _log_density_at_zero(density: Gaussian, off: Bool[np.ndarray, "param"]) -> float:
    half = np.linalg.cholesky(density.covariance[np.ix_(off, off)])
    white = np.linalg.solve(half, density.mean[off])
    return float(-(white @ white) / 2 - np.log(np.diag(half)).sum() - off.sum() * np.log(2 * np.pi) / 2)


def given_zeros(density: Gaussian, on: Bool[np.ndarray, "param"]) -> Gaussian:
    """The density of all parameters given that those which are not on are 0."""
    off = ~np.asarray(on, dtype=bool)
    gain = np.linalg.solve(density.covariance[np.ix_(off, off)], density.covariance[off]).T
    mean = np.where(off, 0.0, density.mean - gain @ density.mean[off])
    covariance = density.covariance - gain @ density.covariance[off]
    covariance[off] = covariance[:, off] = 0.0
    return Gaussian(mean, (covariance + covariance.T) / 2)


def evidence_lost_by_each(
    prior: Gaussian, posterior: Gaussian, on: Bool[np.ndarray, "param"], dropped: Int[np.ndarray, "dropped"]
) -> Float[np.ndarray, "dropped"]:
    """ln p(y | on) − ln p(y | on without i), nats, for each i of `dropped`, all of which are on.

    Raises as `evidence_of_switches` does.
    """
    kept = np.flatnonzero(on & (np.diag(prior.covariance) > 0))
    alone = kept[np.count_nonzero(prior.covariance[np.ix_(kept, kept)], axis=0) == 1]
    lost = np.zeros(dropped.size)
    easy = np.isin(dropped, alone)
    if easy.any():
        own = dropped[easy]
        mean, variance = _density_of_kept(prior, posterior, kept)
        at = np.searchsorted(kept, own)
        m, s, pm, ps = mean[at], variance[at], prior.mean[own], np.diag(prior.covariance)[own]
        lost[easy] = (np.log(s / ps) + m**2 / s - pm**2 / ps) / 2
    if not easy.all():
        patterns = np.tile(on, (int(np.count_nonzero(~easy)) + 1, 1))
        patterns[np.arange(len(patterns) - 1), dropped[~easy]] = False
        delta = evidence_of_switches(prior, posterior, patterns)
        lost[~easy] = delta[-1] - delta[:-1]
    check_integral(lost)
    return lost


def _varying_and_always(
    patterns: Bool[np.ndarray, "model param"], covariance: Float[np.ndarray, "param param"]
) -> tuple[Int[np.ndarray, "varying"], Int[np.ndarray, "always"]]:
    """V, with all that depends on it a priori, and A; what is always off is in neither."""
    used, always = patterns.any(axis=0), patterns.all(axis=0)
    varies = used & ~always
    while (more := always & ~varies & (covariance[varies] != 0).any(axis=0)).any():
        varies |= more
    return np.flatnonzero(varies), np.flatnonzero(always & ~varies)


def _without(
    added: Information, prior: Gaussian, varies: Int[np.ndarray, "varying"], always: Int[np.ndarray, "always"]
) -> Information:
    """What the data added about V, A integrated out."""
    L, h = added.matrix, added.vector
    pull, across = h[always], L[np.ix_(always, varies)]
    own, mu = L[np.ix_(always, always)], prior.mean[always]
    B = np.linalg.cholesky(prior.covariance[np.ix_(always, always)])
    half = _factor(np.eye(always.size) + B.T @ own @ B)
    spread = np.linalg.solve(half, B.T)  # C = spreadᵀ spread
    v = pull - own @ mu
    white, moved = spread @ v, spread @ across
    return Information(
        L[np.ix_(varies, varies)] - moved.T @ moved,
        h[varies] - across.T @ mu - moved.T @ white,
        added.constant + pull @ mu - mu @ own @ mu / 2 - np.log(np.diag(half)).sum() + white @ white / 2,
    )


def _density_of_kept(
    prior: Gaussian, posterior: Gaussian, kept: Int[np.ndarray, "kept"]
) -> tuple[Float[np.ndarray, "kept"], Float[np.ndarray, "kept"]]:
    """Means and variances where all that vary but `kept` are off."""
    free = prior.free
    added = information(prior.marginal(free), posterior.marginal(free))
    at, mean = np.searchsorted(free, kept), prior.mean[kept]
    L = added.matrix[np.ix_(at, at)]
    B = np.linalg.cholesky(prior.covariance[np.ix_(kept, kept)])
    spread = np.linalg.solve(_factor(np.eye(kept.size) + B.T @ L @ B), B.T)
    found = mean + spread.T @ (spread @ (added.vector[at] - L @ mean))
    return found, (spread**2).sum(axis=0)


def _factor(matrix: Float[np.ndarray, "param param"]) -> Float[np.ndarray, "param param"]:
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        check_integral(np.array([np.nan]))
        raise


def _switched_evidence(
    added: Information, mean: Float[Array, "param"], root: Float[Array, "param param"], on: Bool[Array, "param"]
) -> Float[Array, ""]:
    return evidence_by_root(added, jnp.where(on, mean, 0.0), jnp.where(on[:, None], root, 0.0))


_many_switched = jax.jit(jax.vmap(_switched_evidence, in_axes=(None, None, None, 0)))
