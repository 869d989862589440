"""First-order Volterra kernels of a DCM: what a brief input does to activity and to BOLD (Friston et al. 2000)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ._haemodynamics import DECAY, EXTRACTION, FEEDBACK, RESTING_VOLUME, STIFFNESS, TRANSIT, signal_weights
from ._neural import INPUT_SCALE, SELF_INHIBITION
from ._spec import Parameters

KERNEL_STEPS = 64  # SPM's M.N
KERNEL_STEP = 0.5  # s; SPM's M.dt


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
    from scipy.linalg import expm  # not loaded by `import dcm`

    n = np.shape(parameters.A)[0]
    propagator = expm(resting_jacobian(parameters) * step)
    gradient = _bold_gradient(parameters, echo_time)
    state = np.vstack([INPUT_SCALE * np.asarray(parameters.C), np.zeros((4 * n, np.shape(parameters.C)[1]))])
    neural, bold = [], []
    for _ in range(steps):
        state = propagator @ state
        neural.append(state[:n])
        bold.append(gradient @ state)
    return np.array(bold), np.array(neural)


def resting_jacobian(parameters: Parameters) -> Float[np.ndarray, "state state"]:
    """∂f/∂x at rest in closed form; the states are activity, signal, flow, volume, deoxyhaemoglobin, each over regions.

    It is the Jacobian of `_linear.bilinear_form` to rounding, in NumPy.
    """
    A = np.asarray(parameters.A, dtype=np.float64)  # Hz, (to, from), diagonal a log scale
    n = A.shape[0]
    unit, zero = np.eye(n), np.zeros((n, n))
    neural = np.where(unit > 0, SELF_INHIBITION * np.exp(A), A)
    decay = DECAY * np.exp(float(parameters.decay))  # 1/s
    rate = np.diag(1 / (TRANSIT * np.exp(np.asarray(parameters.transit, dtype=np.float64))))  # 1/s
    # d/df of e^f (1 − (1 − E0)^{e^{−f}})/E0 at f = 0
    extraction = 1 + (1 - EXTRACTION) * np.log(1 - EXTRACTION) / EXTRACTION
    return np.block(
        [
            [neural, zero, zero, zero, zero],
            [unit, -decay * unit, -FEEDBACK * unit, zero, zero],
            [zero, unit, zero, zero, zero],
            [zero, zero, rate, -rate / STIFFNESS, zero],
            [zero, zero, extraction * rate, (1 - 1 / STIFFNESS) * rate, -rate],
        ]
    )


def _bold_gradient(parameters: Parameters, echo_time: float) -> Float[np.ndarray, "region state"]:
    """∂y/∂x at rest: only volume w and deoxyhaemoglobin q are seen."""
    k1, k2, k3 = signal_weights(np.exp(float(parameters.epsilon)), echo_time)
    n = np.shape(parameters.A)[0]
    unit, zero = np.eye(n), np.zeros((n, n))
    return RESTING_VOLUME * np.hstack([zero, zero, zero, (k2 - k3) * unit, -(k1 + k2) * unit])
