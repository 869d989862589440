"""BOLD signal of a region from its venous volume and deoxyhaemoglobin (Stephan et al. 2007, equation 12)."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from ._haemodynamics import EXTRACTION

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
    k1, k2, k3 = _weights(epsilon, echo_time)
    q, v = jnp.exp(log_deoxy), jnp.exp(log_volume)
    return RESTING_VOLUME * (k1 * (1 - q) + k2 * (1 - q / v) + k3 * (1 - v))


def bold_gradient(
    log_volume: Float[Array, "*shape"],
    log_deoxy: Float[Array, "*shape"],
    epsilon: Float[Array, ""],
    echo_time: Float[Array, ""],
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Derivatives of `bold_signal` along log volume, log deoxyhaemoglobin and epsilon."""
    k1, k2, k3 = _weights(epsilon, echo_time)
    q, v = jnp.exp(log_deoxy), jnp.exp(log_volume)
    along_volume = RESTING_VOLUME * (k2 * q / v - k3 * v)
    along_deoxy = -RESTING_VOLUME * (k1 * q + k2 * q / v)
    along_epsilon = RESTING_VOLUME * (k2 * (1 - q / v) + (k3 - 1) * (1 - v))
    return along_volume, along_deoxy, along_epsilon


def _weights(
    epsilon: Float[Array, ""], echo_time: Float[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    ratio = jnp.exp(epsilon)  # intra- to extravascular signal
    k1 = 4.3 * FREQUENCY_OFFSET * EXTRACTION * echo_time
    k2 = ratio * RELAXATION * EXTRACTION * echo_time
    return k1, k2, 1 - ratio
