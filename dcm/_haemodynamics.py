"""Haemodynamics: neural activity → vasodilatory signal, flow, volume and deoxyhaemoglobin (Stephan et al. 2007).

The four states of a region are h = (s, ln f, ln v, ln q), all zero at rest.
"""

from __future__ import annotations

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
