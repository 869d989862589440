"""F and its shape at a point where the model was evaluated: what every noise model has to tell the ascent."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
from jaxtyping import Array, Float

from ._flow import Curvature, Gradient
from ._joint_density import Point


class Ascent(eqx.Module):
    """The local shape of F."""

    gradient: Gradient
    curvature: Curvature
    log_det: Float[Array, ""]  # of the curvature
    dimension: Float[Array, ""]  # how many parameters it is over


class Evaluation(NamedTuple):
    """What follows from one evaluation of the model."""

    point: Point  # with the noise that the next evaluation begins with
    free_energy: Float[Array, ""]
    covariance: Float[Array, "free free"]  # of θ
    ascent: Ascent
    noise_precision: Float[Array, "hyper hyper"]  # of λ and r of all regions
