"""Reduction compared with inversion: how far the evidence of a smaller model by reduction is from its own inversion.

Reduction is exact for the Gaussian that the larger model's inversion returned, and only as good as that Gaussian is
where the smaller model's mode lies. Where both were inverted the difference is there to be read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dcm import Posterior

from ._estimate import Estimate
from ._gaussian import Gaussian


@dataclass(frozen=True)
class ReductionCheck:
    """One model of one run, by reduction of a larger one and by inversion.

    Fields:
        reduced: F of the smaller model minus that of the larger, nats, by reduction.
        inverted: the same by inversion of both.
        furthest: the largest difference of a posterior mean, in the inversion's posterior standard deviations.
    """

    reduced: float
    inverted: float
    furthest: float

    @property
    def difference(self) -> float:
        """By reduction minus by inversion, nats."""
        return self.reduced - self.inverted


def is_nested(small: Posterior, large: Posterior) -> bool:
    """Whether the smaller model is the larger one with some parameters fixed at their prior means."""
    if (small.spec.regions, small.spec.inputs) != (large.spec.regions, large.spec.inputs):
        return False
    search = {key: getattr(large.settings, key) for key in ("starts", "seed", "spread")}  # F is the same by any search
    if replace(small.settings, **search) != large.settings or not set(small.names) < set(large.names):
        return False
    places = [large.names.index(name) for name in small.names]
    own, other = Estimate.from_dcm("small", small).prior, Estimate.from_dcm("large", large).prior
    return np.array_equal(own.mean, other.mean[places]) and np.array_equal(
        own.covariance, other.covariance[np.ix_(places, places)]
    )


def check_reduction(small: Posterior, large: Posterior) -> ReductionCheck:
    """The smaller model by reduction of the larger, beside its own inversion.

    Raises `ValueError` where it is not nested in the larger.
    """
    if not is_nested(small, large):
        raise ValueError("only a model with fewer free parameters and the same priors and settings can be reduced to")
    whole, own = Estimate.from_dcm("large", large), Estimate.from_dcm("small", small)
    places = np.array([large.names.index(name) for name in small.names])
    fixed = np.setdiff1d(np.arange(len(large.names)), places)
    mean, covariance = whole.prior.mean.copy(), np.zeros_like(whole.prior.covariance)
    mean[fixed] = small.prior.mean[large.free[fixed]]
    covariance[np.ix_(places, places)] = own.prior.covariance
    reduced = whole.under(Gaussian(mean, covariance))
    apart = np.abs(reduced.posterior.mean[places] - own.posterior.mean) / own.posterior.sd
    # The settled F is the same number but in SPM's modes, where the other is evaluated off the noise's optimum.
    by_inversion = small.settled_free_energy - large.settled_free_energy
    return ReductionCheck(reduced.free_energy - whole.free_energy, by_inversion, float(apart.max()))
