"""Bayesian model reduction: the evidence and posterior under another prior, without another inversion.

    p(y|r)/p(y|p) = ∫ q(θ)/p(θ) r(θ) dθ,    q(θ)/p(θ) = exp(c + hᵀθ − ½ θᵀLθ)

with L = qP − pP, h = qP qE − pP pE (P a precision) and c what is left: the information that the data added to the prior.
Under a reduced prior N(rE, rC) this is Gaussian again (Friston et al. 2016, eq. 8–10; spec: "BMR"),

    sP = L + rP,   sE = sP^-1 (h + rP rE),   ΔF = c + ½ ln|rP| − ½ ln|sP| − ½ rEᵀ rP rE + ½ sEᵀ sP sE,

and a parameter that is switched off (rC = 0) is put at rE in the exponent before the integral is taken: exact, where a
tiny variance would not be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from dcm import require_64_bit

from ._gaussian import Gaussian, log_det, precision

BYTES_AT_ONCE = 1 << 27  # of reduced covariances in one batch


class Information(eqx.Module):
    """What data added to a prior: ln q(θ)/p(θ) = constant + vectorᵀθ − ½ θᵀ matrix θ."""

    matrix: Float[Array, "*batch param param"]  # L
    vector: Float[Array, "*batch param"]  # h
    constant: Float[Array, "*batch"]  # c, nats


class Reduced(NamedTuple):
    """A density under a reduced prior."""

    mean: Float[Array, "param"]  # sE
    covariance: Float[Array, "param param"]  # sC
    delta: Float[Array, ""]  # ΔF, nats


def information(prior: Gaussian, posterior: Gaussian) -> Information:
    """L, h and c of a model whose parameters all vary a priori."""
    prior_precision, posterior_precision = precision(prior.covariance), precision(posterior.covariance)
    pull_prior, pull_posterior = prior_precision @ prior.mean, posterior_precision @ posterior.mean
    constant = (
        log_det(prior.covariance)
        - log_det(posterior.covariance)
        + prior.mean @ pull_prior
        - posterior.mean @ pull_posterior
    ) / 2
    return Information(
        jnp.asarray(posterior_precision - prior_precision),
        jnp.asarray(pull_posterior - pull_prior),
        jnp.asarray(constant),
    )


def reduced_by_precision(
    added: Information, mean: Float[Array, "param"], prior_precision: Float[Array, "param param"]
) -> Reduced:
    """The density under the prior N(mean, prior_precision^-1), no parameter switched off."""
    factor = jnp.linalg.cholesky(prior_precision)
    pull = prior_precision @ mean
    half = jnp.linalg.cholesky(added.matrix + prior_precision)
    spread = jax.scipy.linalg.solve_triangular(half, jnp.eye(mean.shape[0]), lower=True)
    covariance = spread.T @ spread
    reduced = covariance @ (added.vector + pull)
    log_dets = jnp.log(jnp.diag(factor)).sum() - jnp.log(jnp.diag(half)).sum()
    delta = added.constant + log_dets + ((added.vector + pull) @ reduced - mean @ pull) / 2
    return Reduced(reduced, covariance, delta)


def reduced_by_covariance(
    added: Information, mean: Float[Array, "param"], covariance: Float[Array, "param param"]
) -> Reduced:
    """The density under the prior N(mean, covariance), where a variance of 0 switches a parameter off."""
    on = jnp.diag(covariance) > 0
    both = on[:, None] & on[None, :]
    fixed = jnp.where(on, 0.0, mean)
    there = Information(
        jnp.where(both, added.matrix, 0.0),
        jnp.where(on, added.vector - added.matrix @ fixed, 0.0),
        added.constant + added.vector @ fixed - fixed @ added.matrix @ fixed / 2,
    )
    # Parameters that are off get a prior precision of 1 and no data: they add nothing to ΔF.
    factor = jnp.linalg.cholesky(jnp.where(both, covariance, jnp.eye(mean.shape[0])))
    half = jax.scipy.linalg.solve_triangular(factor, jnp.eye(mean.shape[0]), lower=True)
    found = reduced_by_precision(there, jnp.where(on, mean, 0.0), half.T @ half)
    return Reduced(jnp.where(on, found.mean, mean), jnp.where(both, found.covariance, 0.0), found.delta)


@dataclass(frozen=True, eq=False)
class Reduction:
    """One model under M reduced priors.

    Fields:
        delta_free_energy: (model,) ln p(y | reduced) − ln p(y | full), nats.
        mean: (model, param) posterior means.
        covariance: (model, param, param) posterior covariances, 0 where a parameter is switched off.
    """

    delta_free_energy: Float[np.ndarray, "model"]
    mean: Float[np.ndarray, "model param"]
    covariance: Float[np.ndarray, "model param param"]

    def posterior(self, model: int) -> Gaussian:
        """The posterior under one of the reduced priors."""
        return Gaussian(self.mean[model], self.covariance[model])


def reduce(
    prior: Gaussian,
    posterior: Gaussian,
    means: Float[np.ndarray, "model param"],
    covariances: Float[np.ndarray, "model param param"],
) -> Reduction:
    """The posterior and the change in evidence under each of many reduced priors N(mean, covariance).

    Arguments:
        prior, posterior: of the full model, over the same parameters.
        means: (model, param) reduced prior means rE.
        covariances: (model, param, param) reduced prior covariances rC; a variance of 0 switches a parameter off,
            exactly.

    Raises `ValueError` where shapes differ, a reduced prior frees a parameter that the full one fixes, or it is so wide
    that the reduced density has no integral.
    """
    require_64_bit()
    means = np.asarray(means, dtype=np.float64)
    covariances = np.asarray(covariances, dtype=np.float64)
    models, size = means.shape
    if size != prior.mean.size or covariances.shape != (models, size, size):
        raise ValueError(
            f"{models} reduced priors over {prior.mean.size} parameters need means ({models}, {prior.mean.size}) and "
            f"covariances ({models}, {prior.mean.size}, {prior.mean.size}), not {means.shape} and {covariances.shape}"
        )
    free = prior.free
    fixed = np.setdiff1d(np.arange(size), free)
    if np.diagonal(covariances, axis1=1, axis2=2)[:, fixed].any() or (means[:, fixed] != prior.mean[fixed]).any():
        raise ValueError("a reduced prior moves or frees a parameter that the full prior fixes")
    added = information(prior.marginal(free), posterior.marginal(free))
    found = _in_batches(added, means[:, free], covariances[:, free[:, None], free])
    if not np.isfinite(found.delta_free_energy).all():
        worst = int(np.flatnonzero(~np.isfinite(found.delta_free_energy))[0])
        raise ValueError(
            f"reduced prior {worst} has no posterior: it is wider than the full prior where the data do not tell"
        )
    mean = np.tile(prior.mean, (models, 1))
    mean[:, free] = found.mean
    covariance = np.zeros((models, size, size))
    covariance[:, free[:, None], free] = found.covariance
    return Reduction(found.delta_free_energy, mean, covariance)


def switched(
    prior: Gaussian, on: Bool[np.ndarray, "model param"]
) -> tuple[Float[np.ndarray, "model param"], Float[np.ndarray, "model param param"]]:
    """The reduced priors rE = k ∘ E and rC = diag(k) C diag(k) of on/off patterns k: what is off is off at 0."""
    on = np.asarray(on, dtype=bool)
    return np.where(on, prior.mean, 0.0), prior.covariance * (on[:, :, None] & on[:, None, :])


def _in_batches(added: Information, means: np.ndarray, covariances: np.ndarray) -> Reduction:
    size = means.shape[1]
    rows = max(1, min(len(means), BYTES_AT_ONCE // (8 * max(size, 1) ** 2)))
    parts = []
    for start in range(0, len(means), rows):
        chosen = slice(start, start + rows)
        parts.append(_padded(added, means[chosen], covariances[chosen]))
    mean, covariance, delta = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return Reduction(delta, mean, covariance)


def _padded(added: Information, means: np.ndarray, covariances: np.ndarray) -> Reduced:
    """One batch, its first entry repeated up to a power of two, so that few sizes are ever compiled."""
    size = 1 << max(0, len(means) - 1).bit_length()
    fill = np.concatenate([np.arange(len(means)), np.zeros(size - len(means), dtype=int)])
    found = jax.device_get(_many(added, means[fill], covariances[fill]))
    return Reduced(*(part[: len(means)] for part in found))


_many = jax.jit(jax.vmap(reduced_by_covariance, in_axes=(None, 0, 0)))
