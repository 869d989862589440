"""The nonlinear integrator: the full equations, fourth-order Runge–Kutta at microtime resolution.

It shows what linearising the haemodynamics costs, and it is the one that gating (D) needs. Each microtime bin is cut
into equal steps of at most `MAX_STEP` seconds, over which the inputs are constant; a region is read before the bin in
which it is sampled, as by the bilinear integrator.
"""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ._bold import bold_signal
from ._haemodynamics import haemodynamic_flow
from ._neural import neural_flow
from ._spec import Parameters

MAX_STEP = 0.25  # s; halving it moves the prediction by less than 1e-5 of its range


class Microtime(eqx.Module):
    """Inputs bin by bin; padded bins are silent and come last."""

    inputs: Float[Array | np.ndarray, "*batch bin input"]
    bin_width: Float[Array | np.ndarray, "*batch"]  # s
    sample: Int[Array | np.ndarray, "*batch scan region"]  # the bin before which each sample is read


def steps_per_bin(bin_width: float) -> int:
    """How many Runge–Kutta steps a bin is cut into."""
    return max(1, math.ceil(bin_width / MAX_STEP))


def predict_nonlinear(
    parameters: Parameters, microtime: Microtime, echo_time: Float[Array, ""], substeps: int
) -> Float[Array, "scan region"]:
    """BOLD of every region at every scan, percent, for one participant."""
    n = parameters.transit.shape[0]
    h = microtime.bin_width / substeps
    vessel_flow = jax.vmap(haemodynamic_flow, in_axes=(0, 0, 0, None))

    def flow(x: Float[Array, "region 5"], u: Float[Array, "input"]) -> Float[Array, "region 5"]:
        z, vessel = x[:, 0], x[:, 1:]
        return jnp.column_stack(
            [neural_flow(parameters, z, u), vessel_flow(vessel, z, parameters.transit, parameters.decay)]
        )

    def bin_(x: Float[Array, "region 5"], u: Float[Array, "input"]) -> tuple[Array, Array]:
        def runge_kutta(_: object, x: Array) -> Array:
            k1 = flow(x, u)
            k2 = flow(x + h / 2 * k1, u)
            k3 = flow(x + h / 2 * k2, u)
            k4 = flow(x + h * k3, u)
            return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

        return jax.lax.fori_loop(0, substeps, runge_kutta, x), x[:, 3:]

    _, vessels = jax.lax.scan(bin_, jnp.zeros((n, 5)), jnp.asarray(microtime.inputs))
    volume, deoxy = (vessels[microtime.sample, jnp.arange(n)[None, :], k] for k in (0, 1))
    return bold_signal(volume, deoxy, parameters.epsilon, echo_time)
