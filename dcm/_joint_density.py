"""The joint density of data and unknowns: all that an inversion is given, and the point that it has reached.

y_i = gain · g_i(θ) + X β_i + e_i,    e_i ~ N(0, K(ρ_i)⁻¹ / τ_i),    τ_i = e^{λ_i},    for every region i

θ ~ N(μ, Π⁻¹),    λ_i ~ N(noise_mean, 1 / noise_precision), and β and ρ_i as the noise model has it: `_ar_noise` with
serial correlation and a flat β, or `_spm_noise` with K = I and β ~ N(0, 1/κ)

F and its shape at a point where the model was evaluated: what every noise model has to tell the ascent.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ._bilinear import Timing
from ._flow import Curvature, Gradient

CONFOUND_PRECISION = 1e-8  # κ
POWER_FLOOR = 1e-10  # below this power a rotated confound is taken as absent where β is found by least squares


class Problem(eqx.Module):
    """Everything an inversion is given, all of it traced: one participant's data, prior and settings.

    Padding is invisible: padded scans have zero rows in `bold` and `confounds` and are masked, padded confounds are
    zero columns, and parameters that this participant's model switches off have precision 1, no Jacobian and no count.
    """

    bold: Float[Array, "scan region"]  # centred and scaled
    scan_mask: Float[Array, "scan"]
    confounds: Float[Array, "scan confound"]  # X: orthonormal, or as SPM has them X0 V with X0ᵀX0 = V diag(power) Vᵀ
    confound_power: Float[Array, "confound"]
    confound_mask: Float[Array, "confound"]
    confound_rotation: Float[Array, "confound confound"]  # V, of SPM's
    confound_start: Float[Array, "confound region"]  # β before the first iteration; no rows where it is integrated out
    timing: Timing
    echo_time: Float[Array, ""]  # s
    prior_vector: Float[Array, "param"]  # prior mean of all parameters
    prior_mean: Float[Array, "free"]
    prior_precision: Float[Array, "free free"]
    free_mask: Float[Array, "free"]
    noise_mean: Float[Array, ""]  # hE
    noise_precision: Float[Array, ""]  # 1 / hC
    serial: Float[Array, ""]  # 1 where noise is serially correlated
    gain: Float[Array, ""]  # by which predictions are multiplied, as the data were
    start: Float[Array, "free"]  # first expansion point, as an offset from the prior mean
    max_iterations: Int[Array, ""]
    tolerance: Float[Array, ""]  # nats
    first_log_step: Float[Array, ""]  # v before the first iteration
    free_iterations: Int[Array, ""]  # the first so many are accepted whether F rises or not
    run_starts: Int[Array, "run"] | None = None  # scans at which runs begin; None where there is one run

    @property
    def scans(self) -> Float[Array, ""]:
        """How many scans are no padding."""
        return self.scan_mask.sum()

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return 1 if self.run_starts is None else len(self.run_starts)

    @property
    def begins(self) -> Bool[Array, "scan"]:
        """Whether a run begins with a scan."""
        scan = jnp.arange(len(self.scan_mask))
        return scan == 0 if self.run_starts is None else (scan[:, None] == self.run_starts).any(axis=1)

    @property
    def confound_prior(self) -> Float[Array, "confound"]:
        """Prior precision of each confound's β; 1 where it is padding, which adds nothing to a log-determinant."""
        return jnp.where(self.confound_mask > 0, CONFOUND_PRECISION, 1.0)


class Point(eqx.Module):
    """A point of the joint space of parameters, as offsets from their prior means, and noise."""

    theta: Float[Array, "free"]
    beta: Float[Array, "confound region"]
    noise: Float[Array, "region"]  # λ
    correlation: Float[Array, "region"]  # r = artanh ρ


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
