"""Neural state equation: one state per region, dz/dt = E(u, z) z + C u / 16 (Friston et al. 2003)."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from ._spec import Parameters

INPUT_SCALE = 1 / 16  # SPM divides the driving inputs' weights by 16
SELF_INHIBITION = -0.5  # Hz, at a log scale of 0


def effective_connectivity(
    parameters: Parameters, u: Float[Array, "input"], z: Float[Array, "region"]
) -> Float[Array, "region region"]:
    """E = offdiagonal(S) + diag(−½ exp(diag S)) in Hz, S = A + Σ_j u_j B^(j) + Σ_k z_k D^(k)."""
    S = parameters.A + parameters.B @ u + parameters.D @ z
    log_scale = jnp.diag(S)
    return S + jnp.diag(SELF_INHIBITION * jnp.exp(log_scale) - log_scale)


def neural_flow(parameters: Parameters, z: Float[Array, "region"], u: Float[Array, "input"]) -> Float[Array, "region"]:
    """dz/dt of neural activity z under the inputs u, per second."""
    return effective_connectivity(parameters, u, z) @ z + INPUT_SCALE * (parameters.C @ u)
