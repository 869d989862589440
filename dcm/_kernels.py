"""First-order Volterra kernels of a DCM: what a brief input does to activity and to BOLD (Friston et al. 2000)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.linalg import expm

from ._bold import FREQUENCY_OFFSET, RELAXATION, RESTING_VOLUME
from ._haemodynamics import DECAY, EXTRACTION, FEEDBACK, STIFFNESS, TRANSIT
from ._neural import INPUT_SCALE
from ._spec import Parameters

KERNEL_STEPS, KERNEL_STEP = 64, 0.5  # SPM's M.N, and M.dt in s


def volterra_kernels(
    parameters: Parameters, echo_time: float, steps: int = KERNEL_STEPS, step: float = KERNEL_STEP
) -> tuple[Float[np.ndarray, "step region input"], Float[np.ndarray, "step region input"]]:
    """The kernels H1 of BOLD (percent) and K1 of neural activity at step, 2·step, … seconds after a unit impulse.

    To first order around rest the states follow dx/dt = J x + (∂f/∂u) u, so K1(t) = [expm(J t) ∂f/∂u] of the neural
    states and H1(t) = (∂y/∂x) expm(J t) ∂f/∂u.

    Arguments:
        parameters: one participant's, unbatched.
        echo_time: TE of the observation equation, s.
        steps: how many points in time.
        step: their spacing, s.
    """
    n = np.shape(parameters.A)[0]
    propagator = expm(_jacobian(parameters) * step)
    gradient = _bold_gradient(parameters, echo_time)
    state = np.vstack([np.asarray(parameters.C) * INPUT_SCALE, np.zeros((4 * n, np.shape(parameters.C)[1]))])
    neural, bold = [], []
    for _ in range(steps):
        state = propagator @ state
        neural.append(state[:n])
        bold.append(gradient @ state)
    return np.array(bold), np.array(neural)


def _jacobian(parameters: Parameters) -> Float[np.ndarray, "state state"]:
    """∂f/∂x at rest, states ordered activity, signal, flow, volume, deoxyhaemoglobin, each over regions."""
    A = np.asarray(parameters.A, dtype=np.float64)  # Hz, (to, from), diagonal a log scale
    n = A.shape[0]
    one, zero = np.eye(n), np.zeros((n, n))
    neural = np.where(one > 0, -0.5 * np.exp(A), A)
    decay = DECAY * np.exp(float(parameters.decay))  # 1/s
    rate = np.diag(1 / (TRANSIT * np.exp(np.asarray(parameters.transit, dtype=np.float64))))  # 1/s
    # d/df of e^f (1 − (1 − E0)^{e^{−f}})/E0 at f = 0
    extraction = 1 + (1 - EXTRACTION) * np.log(1 - EXTRACTION) / EXTRACTION
    return np.block(
        [
            [neural, zero, zero, zero, zero],
            [one, -decay * one, -FEEDBACK * one, zero, zero],
            [zero, one, zero, zero, zero],
            [zero, zero, rate, -rate / STIFFNESS, zero],
            [zero, zero, extraction * rate, (1 - 1 / STIFFNESS) * rate, -rate],
        ]
    )


def _bold_gradient(parameters: Parameters, echo_time: float) -> Float[np.ndarray, "region state"]:
    """∂y/∂x at rest: only volume w and deoxyhaemoglobin q are seen."""
    ratio = np.exp(float(parameters.epsilon))
    k1 = 4.3 * FREQUENCY_OFFSET * EXTRACTION * echo_time
    k2 = ratio * RELAXATION * EXTRACTION * echo_time
    k3 = 1 - ratio
    n = np.shape(parameters.A)[0]
    one, zero = np.eye(n), np.zeros((n, n))
    return RESTING_VOLUME * np.hstack([zero, zero, zero, (k2 - k3) * one, -(k1 + k2) * one])
