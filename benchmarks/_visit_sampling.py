"""Draws (NUTS) from the model that `peb.fit_visits` approximates, with nothing on a grid, Gaussian or at a mode.

    ln p = Σ_iv (h_ivᵀθ_iv − ½ θ_ivᵀL_iv θ_iv) + Σ_ij ln Σ_k π_k N(θ_ij; X_i β_j, G_k(τ_j)) + ln p(β)
           + Σ over kinds of spread, Σ_j ln N(u_j; μ, 0.6²) + ln half-t_4(e^μ / 0.5) + μ

over effects β, ln spreads u and μ of visits, of participants' means and of their own effects (of all terms alike
or of one most, summed over), and every participant's θ at every visit. Coordinates are those in which the fit is about
a standard normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.diagnostics import split_gelman_rubin
from numpyro.infer import NUTS

from peb import GroupPosterior, PebSettings, fit_visits
from peb._mixture_group import prepare_mixture
from peb._spread_prior import ALIKE, FREEDOM, TYPICAL
from peb._visit_mixture import CLASS_SHARES, SHARE_OF_OTHERS, VisitDesign, class_precisions
from peb._visits import group_visits, own_effects
from peb._visits_group import VisitGroup, visit_group

from ._visit_studies import VisitStudy

CHAINS, WARMUP, DRAWS = 2, 500, 1500


def compare_with_draws(studies: Sequence[VisitStudy], name: str) -> list[dict[str, Any]]:
    """A row a study: how far means of effects are, SDs over the draws', and P(β > 0); the largest differences."""
    return [{"cell": name, "study": i + 1, **_compare(study, i)} for i, study in enumerate(studies)]


def _compare(study: VisitStudy, seed: int) -> dict[str, Any]:
    group = fit_visits(study.estimates, study.design, study.owners)
    draws, r_hat = draw_effects(study, group, seed)
    mean, sd = draws.mean(axis=0), draws.std(axis=0)
    ratio = group.posterior.sd / sd
    beyond = group.probability.T.ravel() - (draws > 0).mean(axis=0)
    return {
        "mean_off_SD": f"{np.abs((group.posterior.mean - mean) / sd).max():.3f}",
        "SD_over_draws": f"{ratio.min():.2f}-{ratio.max():.2f}",
        "P_off": f"{np.abs(beyond).max():.3f}",
        "R_hat": f"{r_hat:.3f}",
    }


def draw_effects(
    study: VisitStudy,
    group: GroupPosterior,
    seed: int = 0,
    chains: int = CHAINS,
    warmup: int = WARMUP,
    draws: int = DRAWS,
) -> tuple[np.ndarray, float]:
    """Draws of β, (draw, effect), and the largest R-hat among them."""
    visits = group_visits(study.design, study.owners)
    rows = prepare_mixture(study.estimates, study.design, PebSettings())
    prepared = visit_group(rows, visits, own_effects(study.design, visits))
    density, centre, factor = _density(prepared, group)
    key, start = jax.random.split(jax.random.key(seed))
    first = 0.5 * jax.random.normal(start, (chains, centre.size))
    z = np.asarray(_draw(density, key, first, warmup, draws)).swapaxes(0, 1)
    size = group.posterior.mean.size
    beta = centre[:size] + z[..., :size] @ factor.T
    return beta.reshape(-1, size), float(np.max(split_gelman_rubin(beta)))


def _density(group: VisitGroup, fit: GroupPosterior) -> tuple[Any, np.ndarray, np.ndarray]:
    """−ln p of coordinates, their centre, and the factor of β's covariance."""
    rows, (subjects, visits, K), q = group.rows, group.matrix.shape, len(group.rows.unit)
    terms = group.own.of_term.shape[1]
    kinds = 2 + (terms > 0)
    L, h = jnp.asarray(group.said.matrix), jnp.asarray(group.said.vector)
    X, unit = jnp.asarray(group.matrix), rows.unit
    own = jnp.asarray(group.own.columns)
    design = VisitDesign(X, jnp.asarray(group.visits.seen.astype(float)), own, jnp.asarray(group.own.of_term))
    cases = np.concatenate([np.ones((1, terms)), np.where(np.eye(terms), 1.0, SHARE_OF_OTHERS)])[
        : max(1, terms + (terms > 1))
    ]
    prior, beta_size = fit.prior, q * K
    under = [estimate.select(fit.parameters).posterior for estimate in fit.participants]
    theta = np.moveaxis(group.visits.spread(np.array([density.mean for density in under])), 2, 1)
    spread = np.moveaxis(group.visits.spread(np.array([density.sd for density in under])), 2, 1)
    log_tau = -(fit.noise.mean + np.log(16)) / 2
    centre = np.concatenate([fit.posterior.mean, log_tau, log_tau.reshape(kinds, q).mean(axis=1), theta.ravel()])
    scale = np.concatenate(
        [np.sqrt(np.diag(fit.noise.covariance)) / 2, np.full(kinds, ALIKE), np.where(spread > 0, spread, 0.5).ravel()]
    )
    factor = np.linalg.cholesky(fit.posterior.covariance)
    prior_precision = jnp.asarray(np.linalg.inv(prior.covariance))

    def potential(z: jax.Array) -> jax.Array:
        point = centre + jnp.concatenate([jnp.asarray(factor) @ z[:beta_size], z[beta_size:] * scale])
        beta, u, mu, theta = jnp.split(point, np.cumsum([beta_size, kinds * q, kinds]))
        theta, u = theta.reshape(subjects, q, visits), u.reshape(kinds, q)
        flat = theta.reshape(subjects, -1)
        likelihood = (h * flat).sum() - jnp.einsum("si,sij,sj->", flat, L, flat) / 2
        off = theta - jnp.einsum("svk,kj->sjv", X, beta.reshape(K, q))

        def of_connection(tau: jax.Array, off: jax.Array) -> jax.Array:
            inverse, log_det = class_precisions(design, tau)
            each = -(log_det + jnp.einsum("sv,skvw,sw->sk", off, inverse, off)) / 2
            return jax.nn.logsumexp(np.log(CLASS_SHARES) + each, axis=1).sum()

        def of_cases(tau: jax.Array, off: jax.Array) -> jax.Array:
            each = [of_connection(jnp.concatenate([tau[:2], case * tau[2:]]), off) for case in cases]
            return jax.nn.logsumexp(jnp.stack(each)) - np.log(len(cases))

        tau = jnp.exp(u) * unit
        apart = sum(of_cases(tau[:, j], off[:, j]) for j in range(q))
        typical = -(FREEDOM + 1) / 2 * jnp.log1p((jnp.exp(mu) / TYPICAL) ** 2 / FREEDOM) + mu
        about = -(((u - mu[:, None]) / ALIKE) ** 2).sum() / 2 + typical.sum()
        away = beta - prior.mean
        return -(likelihood + apart + about - away @ prior_precision @ away / 2)

    return potential, centre, factor


def _draw(potential: Any, key: jax.Array, first: jax.Array, warmup: int, draws: int) -> jax.Array:
    """z, (draw, chain, …)."""
    kernel = NUTS(potential_fn=potential)
    state = kernel.init(jax.random.split(key, len(first)), warmup, first, model_args=(), model_kwargs={})

    @partial(jax.jit, static_argnames="count")
    def run(state: Any, count: int) -> tuple[Any, jax.Array]:
        def step(state: Any, _: None) -> tuple[Any, jax.Array]:
            state = kernel.sample(state, (), {})
            return state, state.z

        return jax.lax.scan(step, state, None, length=count)

    state, _ = run(state, warmup)
    return run(state, draws)[1]
