"""Where a group of people who are a mixture was found to be → the group posterior."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ._gaussian import Gaussian
from ._group import GroupPosterior, GroupStatus
from ._mixture_fit import MixtureFit, Together
from ._mixture_group import MixtureGroup, diagonals
from ._node_mixture import NodeMixture
from ._shared_spread import log_prior_of_one
from ._stack import under_group


def collect_mixture(group: MixtureGroup, fit: MixtureFit, name: str) -> GroupPosterior:
    """Where a group was found to be → the group posterior."""
    mixture, chosen = fit.mixture, group.chosen
    weight, q = mixture.weight, len(chosen.parameters)
    posterior = joint_moments(mixture, fit.together)
    means = group.design.matrix @ posterior.mean.reshape(-1, q)
    unit = np.eye(q)
    return GroupPosterior(
        name=name,
        parameters=chosen.parameters,
        fields=chosen.fields,
        first_level=chosen.parameters,
        design=group.design,
        within=unit,
        prior=mixture.prior,
        posterior=posterior,
        components=unit[:, :, None] * unit[:, None, :] * (16 / group.unit**2),
        component_names=chosen.parameters,
        noise_prior=_log_precisions(np.tile(np.exp(log_prior_of_one(mixture.u)), (q, 1)), mixture.u),
        noise=_log_precisions(weight, mixture.u),
        between=np.diag(group.unit**2 * (weight @ np.exp(2 * mixture.u))),
        free_energy=mixture.total + float(fit.gain.sum()) + sum(one.free_energy for one in group.whole),
        participants=under_group(group.whole, chosen.parameters, means, diagonals(1 / fit.precisions)),
        status=GroupStatus.CONVERGED if fit.settled else GroupStatus.MAX_ROUNDS,
        iterations=fit.rounds,
        compat="none",
        mixture=mixture,
        influence=fit.influence,
    )


def joint_moments(mixture: NodeMixture, whole: Together) -> Gaussian:
    """The mixture's moments, connections correlated as they are in all effects at once."""
    own = mixture.posterior
    q, K = mixture.prior_mean.shape
    place = np.arange(q)
    blocks = own.covariance.reshape(K, q, K, q)[:, place, :, place]
    turn = np.linalg.cholesky(blocks) @ np.linalg.inv(np.linalg.cholesky(whole.covariance[place, :, place]))
    C = np.einsum("jab,jbkc,kdc->ajdk", turn, whole.covariance, turn, optimize=True).reshape(K * q, K * q)
    return Gaussian(own.mean, (C + C.T) / 2)


def _log_precisions(weight: Float[np.ndarray, "param node"], u: Float[np.ndarray, "node"]) -> Gaussian:
    """Moments of γ = −2 u − ln 16, with which e^γ 16/PC is the precision between people."""
    gamma = -2 * u - np.log(16.0)
    mean = weight @ gamma
    return Gaussian(mean, np.diag((weight * (gamma - mean[:, None]) ** 2).sum(axis=1)))
