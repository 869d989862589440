"""The full equations where activity gates connections: fourth-order Runge–Kutta on short parts of every step.

dz/dt = E(u, z) z + C u / 16 is then nonlinear itself (Stephan et al. 2008). Inputs are constant within a step.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._bilinear import Timing
from ._bold import bold_signal
from ._haemodynamics import haemodynamic_flow
from ._neural import neural_flow
from ._spec import Parameters

PARTS = 4  # of a panel


def predict_gated(
    parameters: Parameters, timing: Timing, echo_time: Float[Array, ""], panels: int
) -> Float[Array, "scan region"]:
    """BOLD of every region at every scan, percent, for one participant."""
    n = parameters.transit.shape[0]
    vessel_flow = jax.vmap(haemodynamic_flow, in_axes=(0, 0, 0, None))

    def flow(x: Float[Array, "region 5"], u: Float[Array, "input"]) -> Float[Array, "region 5"]:
        z, vessel = x[:, 0], x[:, 1:]
        return jnp.column_stack(
            [neural_flow(parameters, z, u), vessel_flow(vessel, z, parameters.transit, parameters.decay)]
        )

    def step(x: Float[Array, "region 5"], interval: Array) -> tuple[Array, Array]:
        u, h = timing.inputs[interval], timing.durations[interval] / (PARTS * panels)

        def runge_kutta(_: object, x: Array) -> Array:
            k1 = flow(x, u)
            k2 = flow(x + h / 2 * k1, u)
            k3 = flow(x + h / 2 * k2, u)
            k4 = flow(x + h * k3, u)
            return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

        return jax.lax.fori_loop(0, PARTS * panels, runge_kutta, x), x[:, 3:]

    _, vessels = jax.lax.scan(step, jnp.zeros((n, 5)), timing.interval)
    volume, deoxy = (vessels[timing.sample, jnp.arange(n)[None, :], k] for k in (0, 1))
    return bold_signal(volume, deoxy, parameters.epsilon, echo_time)
