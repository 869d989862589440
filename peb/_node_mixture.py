"""A group's effects as a mixture over the standard deviations between participants: moments, marginals, reductions.

Connection j has a Gaussian posterior over its effects (one for each covariate) at every node τ_g of a grid, with the
evidence p(y_j | τ_g) there; connections are tied by what is expected of their τ alone (`_spread_prior`). So a model
that switches effects off is reduced node by node, with exact Gaussian reduction (`_reduction`), and summed:

    ln p(y_j | τ_g, on) = ln p(y_j | τ_g) + ΔF_jg(on),    p(y | on) = Σ_μ p(μ) Π_j Σ_g p(y_j | τ_g, on) N(u_g | μ).

What is switched off is 0, and the prior of the rest is that given this: where effects are correlated a priori it is not
the same as their marginal. A connection has few patterns of its own, however many models there are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logsumexp

from dcm import NormalMixture
from dcm.tables import short_repr

from ._gaussian import Gaussian, log_det, precision
from ._spread_prior import CASE_COLUMN, grid, log_averages, log_prior_of_all_typical, log_total, weights


@dataclass(frozen=True, eq=False)
class NodeMixture:
    """Every connection's effects at every node.

    Fields (q connections, G nodes, K covariates):
        u: (G,) ln(τ / unit of the connection); with visits within participants (G, kind), of the visits, the
            participants' means and, where there are, the participants' own effects, and of which most.
        unit: (q,) √PC, in the connection's unit.
        log_evidence: (q, G) ln p(y_j | τ_g), nats.
        means: (q, G, K) posterior means.
        covariances: (q, G, K, K) posterior covariances.
        prior_mean, prior_covariance: (q, K), (q, K, K).
    """

    u: Float[np.ndarray, "node"] | Float[np.ndarray, "node kind"]
    unit: Float[np.ndarray, "param"]
    log_evidence: Float[np.ndarray, "param node"]
    means: Float[np.ndarray, "param node covariate"]
    covariances: Float[np.ndarray, "param node covariate covariate"]
    prior_mean: Float[np.ndarray, "param covariate"]
    prior_covariance: Float[np.ndarray, "param covariate covariate"]

    __repr__ = short_repr

    @property
    def weight(self) -> Float[np.ndarray, "param node"]:
        """p(τ_j = τ_g | y)."""
        return weights(self.log_evidence, self.u)

    @property
    def total(self) -> float:
        """ln p(y), nats, relative to the participants' own evidences."""
        return float(log_total(log_averages(self.log_evidence, self.u), self.u))

    @property
    def largest(self) -> float:
        """The largest standard deviation that was tried, over the unit of its connection."""
        return float(np.exp((self.u if self.u.ndim == 1 else self.u[:, :CASE_COLUMN]).max()))

    @property
    def beyond(self) -> Float[np.ndarray, "param"]:
        """The probability that a standard deviation is the largest that was tried, or more."""
        if self.u.ndim == 1:
            return self.weight[:, -1]
        largest = (self.u[:, :CASE_COLUMN] >= grid(wide=True)[-1] - 1e-9).any(axis=1)
        return np.asarray(self.weight[:, largest].sum(axis=1))

    @property
    def prior(self) -> Gaussian:
        """Over all effects, covariate by covariate."""
        return Gaussian(_stacked(self.prior_mean), _blocks(self.prior_covariance))

    @property
    def posterior(self) -> Gaussian:
        """The Gaussian with the mixture's mean and, within each connection, its covariance."""
        weight = self.weight
        mean = np.einsum("jg,jgk->jk", weight, self.means)
        off = self.means - mean[:, None]
        within = np.einsum("jg,jgkl->jkl", weight, self.covariances) + np.einsum("jg,jgk,jgl->jkl", weight, off, off)
        return Gaussian(_stacked(mean), _blocks((within + np.swapaxes(within, 1, 2)) / 2))

    def marginal(
        self, contrast: Float[np.ndarray, "covariate"], weight: Float[np.ndarray, "param node"] | None = None
    ) -> NormalMixture:
        """Of Σ_k contrast_k β_jk, for every connection j; with weights of nodes that are known from elsewhere, too."""
        variance = np.einsum("k,jgkl,l->jg", contrast, self.covariances, contrast)
        own = self.weight if weight is None else weight
        return NormalMixture(own, self.means @ contrast, np.sqrt(np.maximum(variance, 0.0)))

    def transformed(self, turn: Float[np.ndarray, "new covariate"]) -> NodeMixture:
        """The same with other effects, turn · β_j, in the place of β_j."""
        return replace(
            self,
            means=self.means @ turn.T,
            covariances=turn @ self.covariances @ turn.T,
            prior_mean=self.prior_mean @ turn.T,
            prior_covariance=turn @ self.prior_covariance @ turn.T,
        )

    def switched(self, on: Bool[np.ndarray, "param covariate"]) -> NodeMixture:
        """The same data under the model without the effects that are not `on`: these are 0."""
        each = [self._reduced(j, on[j]) for j in range(len(on))]
        evidence, means, covariances = (np.stack(part) for part in zip(*each, strict=True))
        priors = [self._prior_without(j, on[j]) for j in range(len(on))]
        prior_mean, prior_covariance = (np.stack(part) for part in zip(*priors, strict=True))
        return replace(
            self,
            log_evidence=evidence,
            means=means,
            covariances=covariances,
            prior_mean=prior_mean,
            prior_covariance=prior_covariance,
        )

    def evidence_of(self, on: Bool[np.ndarray, "model effect"]) -> Float[np.ndarray, "model"]:
        """ln p(y | on) − ln p(y | all), nats, of on/off patterns over all effects, covariate by covariate."""
        q, K = self.prior_mean.shape
        patterns = np.asarray(on, dtype=bool).reshape(-1, K, q)
        log_sum = log_prior_of_all_typical(self.u)[None].repeat(len(patterns), axis=0)
        for j in range(q):
            own, place = np.unique(patterns[:, :, j], axis=0, return_inverse=True)
            found = np.stack([self._reduced(j, pattern)[0] for pattern in own])
            log_sum += log_averages(found, self.u)[place.ravel()]
        return np.asarray(logsumexp(log_sum, axis=1)) - self.total

    def evidence_lost_by_each(self, on: Bool[np.ndarray, "effect"], dropped: Int[np.ndarray, "dropped"]) -> np.ndarray:
        """ln p(y | on) − ln p(y | on without i), nats, for each i of `dropped`.

        Where all are on, by the densities at 0 (Savage & Dickey), all at once.
        """
        if on.all() and (np.diagonal(self.prior_covariance, axis1=1, axis2=2) > 0).all():
            return self._lost_by_one(dropped)
        patterns = np.tile(on, (dropped.size + 1, 1))
        patterns[np.arange(dropped.size), dropped] = False
        found = self.evidence_of(patterns)
        return np.asarray(found[-1] - found[:-1])

    def _prior_without(self, j: int, on: Bool[np.ndarray, "covariate"]) -> tuple[np.ndarray, np.ndarray]:
        """The prior of one connection's effects where what is not on is 0: conditional on it."""
        free = np.diag(self.prior_covariance[j]) > 0
        known, kept = np.flatnonzero(free), np.flatnonzero(free & on)
        mean, covariance = np.where(on, self.prior_mean[j], 0.0), np.zeros_like(self.prior_covariance[j])
        if kept.size:
            P0, at = precision(self.prior_covariance[j][np.ix_(known, known)]), np.searchsorted(known, kept)
            covariance[np.ix_(kept, kept)] = precision(P0[np.ix_(at, at)])
            mean[kept] = covariance[np.ix_(kept, kept)] @ (P0 @ self.prior_mean[j, known])[at]
        return mean, covariance

    def _lost_by_one(self, dropped: Int[np.ndarray, "dropped"]) -> np.ndarray:
        k, j = np.divmod(dropped, len(self.unit))
        mean, variance = self.means[j, :, k], self.covariances[j, :, k, k]
        m0, v0 = self.prior_mean[j, k][:, None], self.prior_covariance[j, k, k][:, None]
        change = (np.log(v0 / variance) + m0**2 / v0 - mean**2 / variance) / 2
        averages = log_averages(self.log_evidence, self.u)
        others = averages.sum(axis=0) - averages[j] + log_prior_of_all_typical(self.u)
        without = logsumexp(others + log_averages(self.log_evidence[j] + change, self.u), axis=1)
        return np.asarray(self.total - without)

    def _reduced(self, j: int, on: Bool[np.ndarray, "covariate"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Evidence, means and covariances of one connection at all nodes, where what is not on is 0."""
        mean, covariance = self.means[j], self.covariances[j]
        free = np.diag(self.prior_covariance[j]) > 0
        if (on | ~free).all():
            return self.log_evidence[j], mean, covariance
        known, kept = np.flatnonzero(free), np.flatnonzero(free & on)
        m0, P0 = self.prior_mean[j, known], precision(self.prior_covariance[j][np.ix_(known, known)])
        m1, C1 = mean[:, known], covariance[:, known[:, None], known]
        P1 = precision(C1)
        L, h = P1 - P0, np.einsum("gkl,gl->gk", P1, m1) - P0 @ m0
        constant = (np.einsum("gk,gkl,gl->g", m1, P1, m1) - m0 @ P0 @ m0 + log_det(C1) + np.linalg.slogdet(P0)[1]) / -2
        new_mean, new_covariance = np.zeros_like(mean), np.zeros_like(covariance)
        if not kept.size:
            return self.log_evidence[j] + constant, new_mean, new_covariance
        at = np.searchsorted(known, kept)
        rP, rP_rE = P0[np.ix_(at, at)], (P0 @ m0)[at]
        rE = np.linalg.solve(rP, rP_rE)
        sP, pull = L[:, at[:, None], at] + rP, h[:, at] + rP_rE
        sC = np.linalg.inv(sP)
        sE = np.einsum("gkl,gl->gk", sC, pull)
        new_mean[:, kept] = sE
        new_covariance[:, kept[:, None], kept] = (sC + np.swapaxes(sC, 1, 2)) / 2
        change = np.linalg.slogdet(rP)[1] - np.linalg.slogdet(sP)[1] - rE @ rP @ rE + (sE * pull).sum(axis=1)
        return self.log_evidence[j] + constant + change / 2, new_mean, new_covariance


def _stacked(values: Float[np.ndarray, "param covariate"]) -> Float[np.ndarray, "effect"]:
    return values.T.ravel()


def _blocks(values: Float[np.ndarray, "param covariate covariate"]) -> Float[np.ndarray, "effect effect"]:
    """(j, k, l) → (k·q + j, l·q + j)."""
    q, K = values.shape[:2]
    whole = np.zeros((K, q, K, q))
    place = np.arange(q)
    whole[:, place, :, place] = values
    return whole.reshape(K * q, K * q)
