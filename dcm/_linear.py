"""The bilinear form of a DCM: its flow expanded around rest, to first order in the states and in states × inputs.

    d[1; x]/dt ≈ (M0 + Σ_j u_j M1_j) [1; x]

Only the neural block of M0 and M1 depends on the inputs, and each region's haemodynamics see their own region only, so
the expansion is kept as these blocks. They come either exactly or, to reproduce SPM12 to the last digits, by SPM12's
forward differences with step e^-8.
"""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._haemodynamics import haemodynamic_flow
from ._neural import INPUT_SCALE, SELF_INHIBITION, neural_flow
from ._spec import Parameters

SPM_STEP = math.exp(-8)  # SPM12's step for every forward difference


class BilinearForm(eqx.Module):
    """The blocks of M0 and M1_j (all rates per second)."""

    neural: Float[Array, "region region"]  # ∂ż/∂z at rest
    modulation: Float[Array, "region region input"]  # ∂²ż/∂z∂u
    drive: Float[Array, "region input"]  # ∂ż/∂u
    haemodynamic: Float[Array, "region 4 4"]  # ∂ḣ/∂h of each region
    coupling: Float[Array, "region"]  # ∂ṡ/∂z, which is 1 but for rounding in forward differences


def bilinear_form(parameters: Parameters) -> BilinearForm:
    """The exact expansion around rest.

    On the diagonal, −½ exp(A + Σ_j u_j B^(j)) becomes −½ e^A (1 + Σ_j u_j B^(j)).
    """
    n = parameters.transit.shape[0]
    diagonal = jnp.eye(n, dtype=bool)
    self_inhibition = SELF_INHIBITION * jnp.exp(jnp.diag(parameters.A))[:, None]  # Hz
    return BilinearForm(
        neural=jnp.where(diagonal, self_inhibition, parameters.A),
        modulation=jnp.where(diagonal[..., None], self_inhibition[..., None], 1.0) * parameters.B,
        drive=INPUT_SCALE * parameters.C,
        haemodynamic=haemodynamic_jacobian(parameters.transit, parameters.decay),
        coupling=jnp.ones(n),
    )


def haemodynamic_jacobian(transit: Float[Array, "region"], decay: Float[Array, ""]) -> Float[Array, "region 4 4"]:
    """∂ḣ/∂h of each region at rest."""
    rest = jnp.zeros(4)
    jacobian = jax.jacfwd(haemodynamic_flow)
    return jax.vmap(lambda tau: jacobian(rest, jnp.zeros(()), tau, decay))(transit)


def spm_bilinear_form(parameters: Parameters) -> BilinearForm:
    """The expansion by SPM12's forward differences; ∂²ż/∂z∂u is the difference in u of the difference in z."""
    n, m = parameters.C.shape
    z_steps, u_steps = SPM_STEP * jnp.eye(n), SPM_STEP * jnp.eye(m)
    no_z, no_u = jnp.zeros(n), jnp.zeros(m)

    def along_z(u: Float[Array, "input"]) -> Float[Array, "region region"]:
        moved = jax.vmap(lambda z: neural_flow(parameters, z, u))(z_steps)
        return ((moved - neural_flow(parameters, no_z, u)) / SPM_STEP).T

    neural = along_z(no_u)
    moved = jax.vmap(lambda u: neural_flow(parameters, no_z, u))(u_steps)

    def of_region(transit: Float[Array, ""]) -> tuple[Float[Array, "4 4"], Float[Array, ""]]:
        rest, silent = jnp.zeros(4), jnp.zeros(())
        flow = haemodynamic_flow(rest, silent, transit, parameters.decay)
        step = jax.vmap(lambda h: haemodynamic_flow(h, silent, transit, parameters.decay))(SPM_STEP * jnp.eye(4))
        driven = haemodynamic_flow(rest, jnp.asarray(SPM_STEP), transit, parameters.decay)
        return ((step - flow) / SPM_STEP).T, (driven[0] - flow[0]) / SPM_STEP

    haemodynamic, coupling = jax.vmap(of_region)(parameters.transit)
    return BilinearForm(
        neural=neural,
        modulation=jnp.moveaxis((jax.vmap(along_z)(u_steps) - neural) / SPM_STEP, 0, -1),
        drive=((moved - neural_flow(parameters, no_z, no_u)) / SPM_STEP).T,
        haemodynamic=haemodynamic,
        coupling=coupling,
    )
