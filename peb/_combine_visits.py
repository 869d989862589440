"""Visits of one participant made one estimate: a contrast of them, or the average of repeats of the same parameters.

Visits are sessions, runs, tasks or drugs, inverted one by one. A **contrast** is of parameters that each visit has for
itself; an **average** is of parameters that visits share, each of which was inverted with the same prior, so that the
prior has to be counted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from ._design_error import name_list
from ._estimate import Estimate
from ._gaussian import Gaussian, log_det, precision
from ._reduction import Information, information

SURE_DISAGREEMENT = 0.01  # p of the heterogeneity of visits, below which it is remarked on
LEAST_CURVATURE = 1e-3  # per prior variance, below which a visit says too little of a direction to agree or not
SAME = 1e-8  # of a prior variance, by which priors of one model may differ after being written and read


def combine_visits(estimates: Sequence[Estimate], weights: ArrayLike, name: str) -> Estimate:
    """A contrast Σ_v w_v θ_v of one participant's visits, from inversions of different data.

        Δ = Σ_v w_v θ_v,   prior N(Σ w pE, Σ w² pC),   posterior N(Σ w qE, Σ w² qC),   F = Σ F

    Exact, since the visits' data are independent given their parameters, and so are their priors.

    Arguments:
        estimates: one a visit, all of the same parameters.
        weights: (visit,) such as (−1, 1) for a change, or (−½, −½, 1) for the third visit against the two before it.
        name: of the participant.

    Raises `ValueError` where visits differ in their parameters, or weights are not one finite number a visit, or all 0.
    """
    values = np.asarray(weights, dtype=np.float64)
    if not estimates or values.shape != (len(estimates),):
        raise ValueError(f"{name}: {len(estimates)} visits need as many weights, not {values.shape}")
    if not np.isfinite(values).all() or not values.any():
        raise ValueError(f"{name}: weights must be finite numbers, one of them not 0, not {values.tolist()}")
    _check_parameters(estimates, name)

    def total(densities: list[Gaussian]) -> Gaussian:
        mean = sum(w * density.mean for w, density in zip(values, densities, strict=True))
        covariance = sum(w**2 * density.covariance for w, density in zip(values, densities, strict=True))
        return Gaussian(np.asarray(mean), np.asarray(covariance))

    return Estimate(
        name,
        estimates[0].parameters,
        estimates[0].fields,
        total([estimate.prior for estimate in estimates]),
        total([estimate.posterior for estimate in estimates]),
        sum(estimate.free_energy for estimate in estimates),
    )


def change(before: Estimate, after: Estimate, name: str) -> Estimate:
    """The change after − before of one participant, from two inversions of different data.

        Δ = θ₂ − θ₁,   prior N(pE₂ − pE₁, pC₁ + pC₂),   posterior N(qE₂ − qE₁, qC₁ + qC₂),   F = F₁ + F₂

    It is `combine_visits` with weights −1 and 1.

    Raises `ValueError` where the two do not have the same parameters.
    """
    return combine_visits([before, after], (-1.0, 1.0), name)


def average_visits(estimates: Sequence[Estimate], name: str) -> Estimate:
    """The same parameters seen in several runs or visits: what all of their data say of them together.

        P = Σ_v P_v − (n − 1) P_0,    m = P^-1 (Σ_v P_v m_v − (n − 1) P_0 m_0),
        F = Σ_v F_v + ln ∫ p(θ) Π_v q_v(θ)/p(θ) dθ

    with P precisions of posteriors N(m_v, P_v^-1) and of the prior p = N(m_0, P_0^-1), which is counted once. Exact for
    Gaussian posteriors, the data of visits being independent given θ. F is that of one model of all data, so that
    F − Σ F_v is the log Bayes factor of one θ for all against one for each. Whether visits agree in θ at all,
    `heterogeneity` says.

    Arguments:
        estimates: one a run or visit, all of the same parameters under the same prior.
        name: of the average.

    Raises `ValueError` where visits differ in parameters or prior, or have no posterior together (one of them is wider
    than the prior where the others say nothing).

    Source: the Bayesian parameter average of SPM12 (Kasess et al. 2010, NeuroImage 49:3065).
    """
    added, prior, free = _shared(estimates, name)
    P0 = precision(prior.covariance)
    L, h = added.matrix.sum(axis=0), added.vector.sum(axis=0)
    try:
        C = precision(P0 + L)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"{name}: the visits have no posterior together, as one of them is wider than the prior where the others "
            "say little; invert it again, or leave it out"
        ) from error
    pull = h + P0 @ prior.mean
    m = C @ pull
    gain = added.constant.sum() + (log_det(C) - log_det(prior.covariance) + m @ pull - prior.mean @ P0 @ prior.mean) / 2
    first = estimates[0]
    mean, covariance = first.posterior.mean.copy(), np.zeros_like(first.posterior.covariance)
    mean[free], covariance[np.ix_(free, free)] = m, C
    free_energy = sum(estimate.free_energy for estimate in estimates) + float(gain)
    return Estimate(name, first.parameters, first.fields, first.prior, Gaussian(mean, covariance), free_energy)


@dataclass(frozen=True)
class Heterogeneity:
    """Whether visits agree in parameters that they are taken to share.

    Fields:
        chi_square: Q = Σ_v (h_v − L_v θ̂)ᵀ L_v^-1 (h_v − L_v θ̂), with exp(h_vᵀθ − ½ θᵀL_vθ) what visit v says of θ.
        freedom: its degrees of freedom, were θ the same in all.
        p_value: P(χ² ≥ Q).
    """

    chi_square: float
    freedom: int
    p_value: float

    @property
    def remark(self) -> str:
        """A sentence where visits surely disagree; empty otherwise."""
        if self.p_value >= SURE_DISAGREEMENT:
            return ""
        return (
            f"visits disagree by more than their uncertainty (χ² = {self.chi_square:.1f} on {self.freedom} degrees of "
            f"freedom, p = {self.p_value:.2g}), so that their average is surer than it should be"
        )


def heterogeneity(estimates: Sequence[Estimate], parameters: Sequence[str] | None = None) -> Heterogeneity:
    """A χ² test of the visits that `average_visits` takes as seeing the same θ (Cochran's Q, with covariances).

    Directions of which a visit says next to nothing are left out of its part.

    Arguments:
        parameters: fields (``B``) or names of those that are asked about, the others being free to differ; None for
            all. Where few differ, a test of all finds less.

    Raises `ValueError` as `average_visits` does, and where one of `parameters` is none.
    """
    if parameters is not None:
        estimates = [estimate.select(parameters) for estimate in estimates]
    added, prior, _ = _shared(estimates, estimates[0].name if estimates else "an average")
    root = np.linalg.cholesky(prior.covariance)  # prior standard deviations are the unit
    L = root.T @ added.matrix @ root
    h = np.array([root.T @ vector for vector in added.vector])
    values, vectors = np.linalg.eigh(L)
    seen = values > LEAST_CURVATURE
    along = np.einsum("vka,vk->va", vectors, h) * seen
    kept = (vectors * np.where(seen, values, 0.0)[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    heard = np.einsum("vka,va->vk", vectors, along).sum(axis=0)
    total, axes = np.linalg.eigh(kept.sum(axis=0))
    known = total > LEAST_CURVATURE
    each = (along**2 / np.where(seen, values, 1.0)).sum()
    together = ((axes.T @ heard)[known] ** 2 / total[known]).sum()
    freedom = int(seen.sum() - known.sum())
    Q = float(max(each - together, 0.0))
    return Heterogeneity(Q, freedom, float(chi2.sf(Q, freedom)) if freedom else 1.0)


def _shared(estimates: Sequence[Estimate], name: str) -> tuple[Information, Gaussian, np.ndarray]:
    """What every visit's data say, axis visit first; the prior, and the places of what varies."""
    if not estimates:
        raise ValueError(f"{name}: there is no visit to average")
    _check_parameters(estimates, name)
    first = estimates[0]
    free = first.prior.free
    scale = np.where(first.prior.sd > 0, first.prior.sd, 1.0)
    for estimate in estimates[1:]:
        off = np.abs(estimate.prior.mean - first.prior.mean) / scale
        wide = np.abs(estimate.prior.covariance - first.prior.covariance) / scale / scale[:, None]
        if (worst := np.maximum(off, wide.max(axis=1))).max() > SAME:
            raise ValueError(
                f"{name}: {first.name} and {estimate.name} have different priors of "
                f"{first.parameters[int(worst.argmax())]}; an average is of visits inverted under one prior"
            )
    prior = first.prior.marginal(free)
    each = [information(prior, estimate.posterior.marginal(free)) for estimate in estimates]
    parts = (np.stack([getattr(own, part) for own in each]) for part in ("matrix", "vector", "constant"))
    return Information(*parts), prior, free


def _check_parameters(estimates: Sequence[Estimate], name: str) -> None:
    first = estimates[0]
    for estimate in estimates[1:]:
        if estimate.parameters != first.parameters:
            odd = sorted(set(first.parameters) ^ set(estimate.parameters)) or ["their order"]
            raise ValueError(
                f"{name}: {first.name} and {estimate.name} differ in {name_list(odd[:1])}; give visits of one model"
            )
