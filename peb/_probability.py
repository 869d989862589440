"""The two kinds of probability that are both called Pp, kept apart by name.

posterior beyond zero         P(θ > 0 | y), from the posterior density: near 1 or 0 for a sure effect
free energy, with v without   p(the model has θ | y) beside the model in which θ alone is 0: near 1 for a sure effect
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit, ndtr

from ._gaussian import Gaussian
from ._reduction import reduce, switched

ProbabilityKind = Literal["posterior beyond zero", "free energy, with v without"]


def beyond_zero(mean: Float[np.ndarray, "*any"], sd: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """P(θ > 0) under N(mean, sd²); where sd = 0, it is 1, ½ or 0 by the sign of the mean."""
    sure = np.where(mean > 0, np.inf, np.where(mean < 0, -np.inf, 0.0))
    return np.asarray(ndtr(np.where(sd > 0, mean / np.where(sd > 0, sd, 1.0), sure)))


def with_v_without(
    prior: Gaussian, posterior: Gaussian, places: Int[np.ndarray, "some"] | None = None
) -> Float[np.ndarray, "some"]:
    """p(the model has θ_i | y) for each of some parameters, all others staying, both models as likely a priori."""
    places = np.arange(prior.mean.size) if places is None else np.asarray(places)
    on = np.ones((places.size, prior.mean.size), dtype=bool)
    on[np.arange(places.size), places] = False
    return np.asarray(expit(-reduce(prior, posterior, *switched(prior, on)).delta_free_energy))
