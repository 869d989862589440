"""Haemodynamics: neural activity → vasodilatory signal, flow, volume and deoxyhaemoglobin → BOLD (Stephan et al. 2007).

The four states of a region are h = (s, ln f, ln v, ln q), all zero at rest.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

DECAY = 0.64  # κ, rate of signal decay, 1/s
FEEDBACK = 0.32  # γ, rate of flow-dependent elimination, 1/s
TRANSIT = 2.0  # τ, transit time through the venous compartment, s
STIFFNESS = 0.32  # α, the outflow is volume^(1/α)
EXTRACTION = 0.4  # E0, oxygen extraction fraction at rest


def haemodynamic_flow(
    h: Float[Array, 4], z: Float[Array, ""], transit: Float[Array, ""], decay: Float[Array, ""]
) -> Float[Array, 4]:
    """dh/dt of one region driven by its neural activity z, per second; `transit` and `decay` are log scales."""
    s, log_flow, log_volume, log_deoxy = h
    flow = jnp.exp(log_flow)
    volume = jnp.exp(log_volume)
    deoxy = jnp.exp(log_deoxy)
    outflow = jnp.exp(log_volume / STIFFNESS)
    extracted = (1 - (1 - EXTRACTION) ** (1 / flow)) / EXTRACTION
    tau = TRANSIT * jnp.exp(transit)
    return jnp.stack(
        [
            z - DECAY * jnp.exp(decay) * s - FEEDBACK * (flow - 1),
            s / flow,
            (flow - outflow) / (tau * volume),
            (flow * extracted - outflow * deoxy / volume) / (tau * deoxy),
        ]
    )


RESTING_VOLUME = 4.0  # V0, percent
FREQUENCY_OFFSET = 40.3  # ν0 at the outer surface of magnetised vessels at 1.5 T, 1/s
RELAXATION = 25.0  # r0, slope of intravascular relaxation rate against oxygen saturation, 1/s


def bold_signal(
    log_volume: Float[Array, "*shape"],
    log_deoxy: Float[Array, "*shape"],
    epsilon: Float[Array, ""],
    echo_time: Float[Array, ""],
) -> Float[Array, "*shape"]:
    """y = V0 [k1 (1 − q) + k2 (1 − q/v) + k3 (1 − v)], percent; `epsilon` is a log scale, `echo_time` in s."""
    k1, k2, k3 = signal_weights(jnp.exp(epsilon), echo_time)
    q, v = jnp.exp(log_deoxy), jnp.exp(log_volume)
    return RESTING_VOLUME * (k1 * (1 - q) + k2 * (1 - q / v) + k3 * (1 - v))


def bold_gradient(
    log_volume: Float[Array, "*shape"],
    log_deoxy: Float[Array, "*shape"],
    epsilon: Float[Array, ""],
    echo_time: Float[Array, ""],
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Derivatives of `bold_signal` along log volume, log deoxyhaemoglobin and epsilon."""
    k1, k2, k3 = signal_weights(jnp.exp(epsilon), echo_time)
    q, v = jnp.exp(log_deoxy), jnp.exp(log_volume)
    along_volume = RESTING_VOLUME * (k2 * q / v - k3 * v)
    along_deoxy = -RESTING_VOLUME * (k1 * q + k2 * q / v)
    along_epsilon = RESTING_VOLUME * (k2 * (1 - q / v) + (k3 - 1) * (1 - v))
    return along_volume, along_deoxy, along_epsilon


def signal_weights(ratio: Any, echo_time: Any) -> tuple[Any, Any, Any]:  # numbers of NumPy or JAX
    """k1, k2 and k3 of `bold_signal`; `ratio` is that of intra- to extravascular signal."""
    k1 = 4.3 * FREQUENCY_OFFSET * EXTRACTION * echo_time
    k2 = ratio * RELAXATION * EXTRACTION * echo_time
    return k1, k2, 1 - ratio
