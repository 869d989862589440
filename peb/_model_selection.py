"""Bayesian model selection over participants: is one model every participant's, or do participants differ in theirs?

Fixed effects: one model for all, p(m | y) ∝ exp(Σ_n F_nm). Random effects (Stephan et al. 2009): participant n has
model m with probability r_m, r ~ Dirichlet(1, …, 1), and the posterior r ~ Dirichlet(α) is found by iterating

    u_nm = exp(F_nm + ψ(α_m) − ψ(Σ α)),    g_nm = u_nm / Σ_m u_nm,    α_m = 1 + Σ_n g_nm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import digamma, expit, gammainc, gammainccinv, gammaincinv, gammaln, logsumexp, softmax, xlogy

from dcm import Failure, Posterior
from dcm.tables import DataFrame, data_frame, html_table, short_repr

FreeEnergies = Float[np.ndarray, "participant model"] | Mapping[str, Sequence[Posterior | Failure]]

MOST_ITERATIONS = 10_000
TOLERANCE = 1e-10  # of α, participants
QUADRATURE_POINTS = 4_001


@dataclass(frozen=True, eq=False)
class RandomEffects:
    """How frequent models are among participants.

    Fields:
        alpha: (model,) of the Dirichlet posterior over frequencies; 1 + the expected number of participants.
        frequency: (model,) expected frequency of each model.
        participants: (participant, model) the probability that a participant has a model.
        exceedance: (model,) the probability that a model is the most frequent.
        omnibus_risk: Bayesian omnibus risk, the probability that all models are equally frequent.
        protected_exceedance: (model,) exceedance, where with probability `omnibus_risk` all are equal (Rigoux 2014).
        free_energy: of the hierarchical model, nats; a lower bound on ln p(y).
        null_free_energy: ln p(y) where all models are equally frequent, nats.
        models: their names, where they were given by name.
    """

    alpha: Float[np.ndarray, "model"]
    frequency: Float[np.ndarray, "model"]
    participants: Float[np.ndarray, "participant model"]
    exceedance: Float[np.ndarray, "model"]
    omnibus_risk: float
    protected_exceedance: Float[np.ndarray, "model"]
    free_energy: float
    null_free_energy: float
    models: tuple[str, ...] = ()

    def summary(self) -> DataFrame:
        """One row a model: model, frequency, exceedance, protected_exceedance."""
        return data_frame(
            {
                "model": self.models or tuple(range(1, self.alpha.size + 1)),
                "frequency": self.frequency,
                "exceedance": self.exceedance,
                "protected_exceedance": self.protected_exceedance,
            }
        )

    __repr__ = short_repr

    def _repr_html_(self) -> str:
        return html_table("RandomEffects", self.summary())


def fixed_effects(free_energy: FreeEnergies) -> Float[np.ndarray, "model"]:
    """The probability of each model, where one is every participant's and all are as likely a priori.

    Arguments:
        free_energy: (participant, model) nats; or model → the posteriors of all participants, in one order, whose
            settled free energies are compared.

    Raises `ValueError` where a free energy or a posterior is missing, or there is none.
    """
    return np.asarray(softmax(_checked(free_energy).sum(axis=0)))


def random_effects(free_energy: FreeEnergies) -> RandomEffects:
    """How frequent models are among participants, and which is the most frequent.

    Arguments:
        free_energy: as for `fixed_effects`.

    Raises `ValueError` where a free energy or a posterior is missing, there are none, or the iteration does not settle.

    Source: Stephan et al. 2009, eq. 14 and 16; Rigoux et al. 2014, eq. 7 and appendix.
    """
    F = _checked(free_energy)
    models = F.shape[1]
    alpha, each = _settled(F)
    exceedance = dirichlet_exceedance(alpha)
    bound, null = _bound(F, alpha, each), float((logsumexp(F, axis=1) - np.log(models)).sum())
    risk = float(expit(null - bound))
    return RandomEffects(
        alpha=alpha,
        frequency=alpha / alpha.sum(),
        participants=each,
        exceedance=exceedance,
        omnibus_risk=risk,
        protected_exceedance=(1 - risk) * exceedance + risk / models,
        free_energy=bound,
        null_free_energy=null,
        models=tuple(free_energy) if isinstance(free_energy, Mapping) else (),
    )


def dirichlet_exceedance(alpha: Float[np.ndarray, "model"]) -> Float[np.ndarray, "model"]:
    """P(r_m > all other r) under r ~ Dirichlet(α), without sampling.

    With independent gammas x_m ~ Gamma(α_m, 1), r = x / Σ x, it is one integral for each model,

        P_m = ∫ p(x; α_m) Π_{l≠m} P(x_l < x; α_l) dx,

    taken by the trapezoid rule over ln x, which converges exponentially as the integrand vanishes at both ends.
    """
    alpha = np.asarray(alpha, dtype=np.float64)
    if alpha.size == 1:
        return np.ones(1)
    found = np.empty(alpha.size)
    for model, own in enumerate(alpha):
        lowest, highest = np.log(gammaincinv(own, 1e-15)), np.log(gammainccinv(own, 1e-15))
        t = np.linspace(float(lowest), float(highest), QUADRATURE_POINTS)
        density = np.exp(own * t - np.exp(t) - gammaln(own))  # of ln x
        below = gammainc(np.delete(alpha, model), np.exp(t)[:, None])
        found[model] = np.trapezoid(density * below.prod(axis=1), t)
    return found


def _settled(F: np.ndarray) -> tuple[Float[np.ndarray, "model"], Float[np.ndarray, "participant model"]]:
    alpha = np.ones(F.shape[1])
    for _ in range(MOST_ITERATIONS):
        each = np.asarray(softmax(F + digamma(alpha), axis=1))  # ψ(Σα) is the same for all models
        before, alpha = alpha, 1 + each.sum(axis=0)
        if np.abs(alpha - before).max() < TOLERANCE:
            return alpha, each
    raise ValueError(
        f"the frequencies of models do not settle within {MOST_ITERATIONS} iterations; check the free energies"
    )


def _bound(F: np.ndarray, alpha: np.ndarray, each: np.ndarray) -> float:
    """E[ln p(y, m | r)] + H[q(m)] − KL[q(r) ‖ p(r)]."""
    log_r = digamma(alpha) - digamma(alpha.sum())
    divergence = gammaln(alpha.sum()) - gammaln(alpha).sum() - gammaln(alpha.size) + (alpha - 1) @ log_r
    return float((each * (F + log_r)).sum() - xlogy(each, each).sum() - divergence)


def _checked(free_energy: FreeEnergies) -> Float[np.ndarray, "participant model"]:
    if isinstance(free_energy, Mapping):
        sizes = {model: len(posteriors) for model, posteriors in free_energy.items()}
        if len(set(sizes.values())) != 1:
            raise ValueError(f"every model needs a posterior of every participant, but there are {sizes}")
        columns = [[_settled_free_energy(model, found) for found in row] for model, row in free_energy.items()]
        return _checked(np.array(columns, dtype=np.float64).T)
    F = np.asarray(free_energy, dtype=np.float64)
    if F.ndim != 2 or 0 in F.shape:
        raise ValueError(f"free energies must be (participant, model), not {F.shape}")
    rows = np.flatnonzero(~np.isfinite(F).all(axis=1))
    if rows.size:
        models = np.flatnonzero(~np.isfinite(F[rows[0]]))
        raise ValueError(
            f"row {rows[0]} (participant {rows[0] + 1}) has a free energy of {F[rows[0], models[0]]} in column "
            f"{models[0]}; invert that model, or leave the participant or the model out"
        )
    return F


def _settled_free_energy(model: str, found: Posterior | Failure) -> float:
    if isinstance(found, Failure):
        raise ValueError(
            f"there is no posterior of {found.name} ({model}: {found.reason}); leave the participant out of every model"
        )
    return found.settled_free_energy
