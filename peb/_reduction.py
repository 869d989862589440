"""Bayesian model reduction: the evidence and posterior under another prior, without another inversion.

    p(y|r)/p(y|p) = ∫ q(θ)/p(θ) r(θ) dθ,    q(θ)/p(θ) = exp(c + hᵀθ − ½ θᵀLθ)

with L = qP − pP, h = qP qE − pP pE (P a precision) and c what is left: the information that data added to the prior.
Under a reduced prior N(rE, rC) this is Gaussian again (Friston et al. 2016, eq. 8–10),

    sP = L + rP,   sE = sP^-1 (h + rP rE),   ΔF = c + ½ ln|rP| − ½ ln|sP| − ½ rEᵀ rP rE + ½ sEᵀ sP sE.

Where parameters are switched off (rC = 0) there is no rP, but with any square root rC = B Bᵀ the same is

    M = I + Bᵀ L B,   v = h − L rE,   sC = B M^-1 Bᵀ,   sE = rE + sC v,
    ΔF = c + hᵀ rE − ½ rEᵀ L rE − ½ ln|M| + ½ vᵀ sC v,

where a row of B that is 0 takes its parameter out exactly, as a tiny variance would not.

Every factorisation here waits for the one before: jaxlib's batched LAPACK calls wait for their
own thread pool, and as many of them side by side as the pool has threads wait for ever (jaxlib 0.10.2, 2 cores).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped
from scipy.special import expit

from dcm import one_blas_thread, require_64_bit
from dcm.tables import DataFrame, data_frame, html_table, short_repr

from ._gaussian import Gaussian, Gaussians, log_det, precision

# Two probabilities are both called Pp. The first, P(θ > 0 | y), is of the posterior density, near 1 or 0 for a sure
# effect; the second, p(the model has θ | y) beside the model in which θ alone is 0, is near 1 for a sure effect.
ProbabilityKind = Literal["posterior beyond zero", "free energy, with v without"]

BYTES_AT_ONCE = 1 << 25  # of reduced covariances in one batch


class Information(eqx.Module):
    """What data added to a prior: ln q(θ)/p(θ) = constant + vectorᵀθ − ½ θᵀ matrix θ."""

    matrix: Float[Any, "*batch param param"]  # L; JAX or NumPy arrays
    vector: Float[Any, "*batch param"]  # h
    constant: Float[Any, "*batch"]  # c, nats


class Reduced(NamedTuple):
    """A density under a reduced prior, or every participant's."""

    mean: Float[Array, "*batch param"]  # sE
    covariance: Float[Array, "*batch param param"]  # sC
    delta: Float[Array, "*batch"]  # ΔF, nats


def information(prior: Gaussian | Gaussians, posterior: Gaussian | Gaussians) -> Information:
    """L, h and c of a model, or of every participant's, whose parameters all vary a priori; NumPy arrays."""
    prior_precision, posterior_precision = precision(prior.covariance), precision(posterior.covariance)
    pull_prior, pull_posterior = _times(prior_precision, prior.mean), _times(posterior_precision, posterior.mean)
    constant = (
        log_det(prior.covariance)
        - log_det(posterior.covariance)
        + (prior.mean * pull_prior).sum(axis=-1)
        - (posterior.mean * pull_posterior).sum(axis=-1)
    ) / 2
    return Information(posterior_precision - prior_precision, pull_posterior - pull_prior, constant)


def _times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return np.asarray((matrix @ vector[..., None])[..., 0])


def reduced_by_precision(
    added: Information, means: Float[Array, "subject param"], prior_precision: Float[Array, "param param"]
) -> Reduced:
    """Every participant's density under the prior N(mean, prior_precision^-1), no parameter switched off."""
    log_det_prior = 2 * jnp.log(jnp.diag(jnp.linalg.cholesky(prior_precision))).sum()
    # 0 · ln|R| makes the factorisations wait for each other
    half = jnp.linalg.cholesky(added.matrix + (prior_precision + 0 * log_det_prior))
    eye = jnp.broadcast_to(jnp.eye(means.shape[-1]), half.shape)
    spread = jax.scipy.linalg.solve_triangular(half, eye, lower=True)
    covariance = jnp.swapaxes(spread, -1, -2) @ spread
    pull = means @ prior_precision
    whole = added.vector + pull
    reduced = jnp.einsum("spq,sq->sp", covariance, whole)
    log_dets = log_det_prior / 2 - jnp.log(jnp.diagonal(half, axis1=-2, axis2=-1)).sum(axis=-1)
    delta = added.constant + log_dets + ((whole * reduced).sum(axis=-1) - (means * pull).sum(axis=-1)) / 2
    return Reduced(reduced, covariance, delta)


def reduce_each(
    prior: Gaussians, posterior: Gaussians, reduced: Gaussians
) -> tuple[Gaussians, Float[np.ndarray, "subject"]]:
    """Every participant's density and ΔF under a reduced prior of its own, no parameter switched off.

    Raises `numpy.linalg.LinAlgError` where a participant has none.
    """
    added = information(prior, posterior)
    L, h, rE = np.asarray(added.matrix), np.asarray(added.vector), reduced.mean
    B = np.linalg.cholesky(reduced.covariance)
    Bt = np.swapaxes(B, 1, 2)
    half = np.linalg.cholesky(np.eye(rE.shape[1]) + Bt @ L @ B)
    spread = np.linalg.solve(half, Bt)
    LrE = _times(L, rE)
    white = _times(spread, h - LrE)
    mean = rE + _times(np.swapaxes(spread, 1, 2), white)
    delta = np.asarray(added.constant) + (rE * (h - LrE / 2)).sum(axis=1) + (white**2).sum(axis=1) / 2
    delta -= np.log(np.diagonal(half, axis1=1, axis2=2)).sum(axis=1)
    return Gaussians(mean, np.swapaxes(spread, 1, 2) @ spread), delta


def reduced_by_covariance(
    added: Information, mean: Float[Array, "param"], covariance: Float[Array, "param param"]
) -> Reduced:
    """The density under the prior N(mean, covariance), where a variance of 0 switches a parameter off."""
    on = jnp.diag(covariance) > 0
    both = on[:, None] & on[None, :]
    factor = jnp.linalg.cholesky(jnp.where(both, covariance, jnp.eye(mean.shape[0])))
    return reduced_by_root(added, mean, jnp.where(both, factor, 0.0))


def reduced_by_root(added: Information, mean: Float[Array, "param"], root: Float[Array, "param param"]) -> Reduced:
    """The density under the prior N(mean, root rootᵀ); a row of zeros switches a parameter off."""
    half, pull = _whitened(added, mean, root)
    spread = jax.scipy.linalg.solve_triangular(half, root.T, lower=True)
    covariance = spread.T @ spread
    return Reduced(mean + covariance @ pull, covariance, _delta(added, mean, half, spread @ pull))


def evidence_by_root(
    added: Information, mean: Float[Array, "param"], root: Float[Array, "param param"]
) -> Float[Array, ""]:
    """The ΔF of `reduced_by_root` alone."""
    half, pull = _whitened(added, mean, root)
    return _delta(added, mean, half, jax.scipy.linalg.solve_triangular(half, root.T @ pull, lower=True))


def _whitened(
    added: Information, mean: Float[Array, "param"], root: Float[Array, "param param"]
) -> tuple[Float[Array, "param param"], Float[Array, "param"]]:
    """The Cholesky factor of M, and v."""
    half = jnp.linalg.cholesky(jnp.eye(mean.shape[0]) + root.T @ added.matrix @ root)
    return half, added.vector - added.matrix @ mean


def _delta(
    added: Information, mean: Float[Array, "param"], half: Float[Array, "param param"], pull: Float[Array, "param"]
) -> Float[Array, ""]:
    """ΔF, where `pull` is the v of `_whitened` in units of the reduced posterior's standard deviations."""
    at_mean = added.constant + added.vector @ mean - mean @ added.matrix @ mean / 2
    return at_mean - jnp.log(jnp.diag(half)).sum() + pull @ pull / 2


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

    def summary(self, models: Sequence[str] | None = None) -> DataFrame:
        """One row a reduced prior: model, delta_free_energy, probability (all as likely a priori).

        Arguments:
            models: their names; numbers from 1 where None.
        """
        relative = np.exp(self.delta_free_energy - self.delta_free_energy.max())
        named = range(1, relative.size + 1) if models is None else models
        return data_frame(
            {
                "model": list(named),
                "delta_free_energy": self.delta_free_energy,
                "probability": relative / relative.sum(),
            }
        )

    __repr__ = short_repr

    def _repr_html_(self) -> str:
        return html_table("Reduction", self.summary())

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
    own = means[:, free], covariances[:, free[:, None], free]
    free_means, free_covariances, delta = in_batches(lambda *rows: _many(added, *rows), *own)
    check_integral(delta)
    mean = np.tile(prior.mean, (models, 1))
    mean[:, free] = free_means
    covariance = np.zeros((models, size, size))
    covariance[:, free[:, None], free] = free_covariances
    return Reduction(delta, mean, covariance)


def switched(
    prior: Gaussian, on: Bool[np.ndarray, "model param"]
) -> tuple[Float[np.ndarray, "model param"], Float[np.ndarray, "model param param"]]:
    """The reduced priors rE = k ∘ E and rC = diag(k) C diag(k) of on/off patterns k: what is off is off at 0."""
    on = np.asarray(on, dtype=bool)
    return np.where(on, prior.mean, 0.0), prior.covariance * (on[:, :, None] & on[:, None, :])


def with_v_without(
    prior: Gaussian, posterior: Gaussian, places: Int[np.ndarray, "some"] | None = None
) -> Float[np.ndarray, "some"]:
    """p(the model has θ_i | y) for each of some parameters, all others staying, both models as likely a priori."""
    places = np.arange(prior.mean.size) if places is None else np.asarray(places)
    on = np.ones((places.size, prior.mean.size), dtype=bool)
    on[np.arange(places.size), places] = False
    return np.asarray(expit(-reduce(prior, posterior, *switched(prior, on)).delta_free_energy))


def check_integral(delta: np.ndarray) -> None:
    if not np.isfinite(delta).all():
        worst = int(np.flatnonzero(~np.isfinite(delta))[0])
        raise ValueError(
            f"reduced prior {worst} has no posterior: it is wider than the full prior where the data do not tell"
        )


@one_blas_thread()
def in_batches(
    compute: Callable[..., tuple[Array, ...]], *inputs: Shaped[np.ndarray, "model ..."]
) -> tuple[np.ndarray, ...]:
    """`compute` over rows of `inputs`, a power of two at a time so that few sizes are ever compiled."""
    models, size = inputs[0].shape
    limit = max(1, BYTES_AT_ONCE // (8 * max(size, 1) ** 2))
    rows = min(1 << max(0, models - 1).bit_length(), 1 << (limit.bit_length() - 1))
    parts = []
    for start in range(0, max(models, 1), rows):
        taken = np.minimum(np.arange(start, start + rows), models - 1)  # the last repeated fills up
        found = jax.device_get(compute(*(rows_of[taken] for rows_of in inputs)))
        parts.append([part[: models - start] for part in found])
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


_many = jax.jit(jax.vmap(reduced_by_covariance, in_axes=(None, 0, 0)))
