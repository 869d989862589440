"""A permutation test's statistic where people are a mixture: a log Bayes factor with all spreads as without the effect.

At every node of the group without the covariate, with attenuations a_i (E(a) of `_scale_mixture`), W = Λ a and what is
left, e_i = a_i (h_i − Λ_i x_i β̂), an effect of a column x̃ with prior N(0, 1/p0) has

    info = x̃ᵀWx̃ − x̃ᵀWZ (P0 + ZᵀWZ)^-1 ZᵀWx̃,    ln BF = ½ (x̃ᵀe)² / (p0 + info) − ½ ln((p0 + info) / p0),

and the test's is Σ_j ln Σ_g w_jg BF_jg over the connections tested. Nobody's weight depends on the column, so that one
fit serves all permutations, and somebody far off does not make a statistic by where the column puts this person.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import logsumexp

from ._gaussian import precision
from ._mixture_fit import fit_mixture
from ._mixture_group import MixtureGroup
from ._mixture_prediction import without_columns

NUMBERS_AT_ONCE = 1 << 23


def log_bayes_factors(
    group: MixtureGroup,
    columns: Float[np.ndarray, "permutation subject"],
    place: int,
    tested: Bool[np.ndarray, "param"],
) -> Float[np.ndarray, "permutation"]:
    """Of each column put in the covariate's place."""
    base = fit_mixture(without_columns(group, [place]))
    size = len(group.design.participants)
    a = np.asarray(base.modes.attenuation)[..., :size]  # (param, node, subject)
    scale = base.own.scale[:, None]
    Lambda, pull = base.each.precision[:, None], base.each.pull[:, None]
    Z = np.delete(group.design.matrix, place, axis=1)
    left = a * (pull - Lambda * (np.asarray(base.modes.mean) * scale @ Z.T))
    W = Lambda * a
    ZW = np.einsum("jgs,sk->jgks", W, Z)
    spread = precision(ZW @ Z + precision(np.delete(np.delete(group.prior_covariance, place, 1), place, 2))[:, None])
    p0 = 1 / group.prior_covariance[:, place, place]
    weight = base.mixture.weight
    found = np.zeros(len(columns))
    rows = max(1, NUMBERS_AT_ONCE // W.size)
    for j in np.flatnonzero(tested):
        for at in range(0, len(columns), rows):
            x = columns[at : at + rows]
            across = np.einsum("gks,bs->bgk", ZW[j], x, optimize=True)
            info = x**2 @ W[j].T - np.einsum("bgk,gkl,bgl->bg", across, spread[j], across, optimize=True)
            total = p0[j] + info
            log_factor = (x @ left[j].T) ** 2 / total / 2 - np.log(total / p0[j]) / 2
            found[at : at + rows] += logsumexp(log_factor, axis=1, b=weight[j])
    return found
