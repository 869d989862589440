"""The model's equations once more, written out from the papers: what `dcm` is compared with.

Friston, Harrison & Penny (2003), equation 3, with self-connections as log scales; Stephan et al. (2007), equations 7
to 12. The state is x = (z, s, ln f, ln v, ln q), five rows of one entry per region.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from scipy.integrate import solve_ivp

import dcm


def flow(x: Any, u: Any, p: dcm.Parameters, xp: Any = np) -> Any:
    """dx/dt, per second, with NumPy or with JAX."""
    z, s, f, w, q = x
    S = p.A + p.B @ u + p.D @ z
    off = 1 - np.eye(len(z))
    neural = (S * off) @ z - 0.5 * xp.exp(xp.diag(S)) * z + p.C @ u / 16
    inflow, outflow = xp.exp(f), xp.exp(w / 0.32)
    extraction = (1 - (1 - 0.4) ** (1 / inflow)) / 0.4
    tau = 2.0 * xp.exp(p.transit)
    return xp.stack(
        [
            neural,
            z - 0.64 * xp.exp(p.decay) * s - 0.32 * (inflow - 1),
            s / inflow,
            (inflow - outflow) / (tau * xp.exp(w)),
            (inflow * extraction - outflow * xp.exp(q) / xp.exp(w)) / (tau * xp.exp(q)),
        ]
    )


def bold(w: np.ndarray, q: np.ndarray, p: dcm.Parameters, echo_time: float) -> np.ndarray:
    """Percent signal change."""
    ratio = float(np.exp(p.epsilon))
    k1, k2, k3 = 4.3 * 40.3 * 0.4 * echo_time, ratio * 25 * 0.4 * echo_time, 1 - ratio
    signal: np.ndarray = 4 * (k1 * (1 - np.exp(q)) + k2 * (1 - np.exp(q - w)) + k3 * (1 - np.exp(w)))
    return signal


def expansion(p: dcm.Parameters) -> tuple[np.ndarray, np.ndarray]:
    """M0 (1 + 5n square) and M1 (one such for each input) around rest, by automatic differentiation of `flow`."""
    n, m = p.C.shape

    def flat(x: jax.Array, u: jax.Array) -> jax.Array:
        derivative: jax.Array = flow(x.reshape(5, n), u, p, jnp).ravel()
        return derivative

    @jax.jit
    def derivatives(x: jax.Array, u: jax.Array) -> tuple[jax.Array, ...]:
        along_x = jax.jacfwd(flat)
        return flat(x, u), along_x(x, u), jax.jacfwd(flat, 1)(x, u), jax.jacfwd(along_x, 1)(x, u)

    constant, by_x, by_u, by_both = (np.asarray(part) for part in derivatives(jnp.zeros(5 * n), jnp.zeros(m)))
    M0, M1 = np.zeros((1 + 5 * n, 1 + 5 * n)), np.zeros((m, 1 + 5 * n, 1 + 5 * n))
    M0[1:, 0], M0[1:, 1:] = constant, by_x
    M1[:, 1:, 0], M1[:, 1:, 1:] = by_u.T, np.moveaxis(by_both, -1, 0)
    return M0, M1


def sampled(data: dcm.Data) -> np.ndarray:
    """(scan, region): the bin, from 0, before which each sample is read."""
    bins = data.inputs.shape[0] // data.scans
    offset = np.maximum(np.round(data.delays / data.bin_width), 1).astype(int)
    return np.arange(data.scans)[:, None] * bins + offset - 1


def bilinear_series(p: dcm.Parameters, data: dcm.Data) -> np.ndarray:
    """BOLD of the bilinear form by a dense matrix exponential for every microtime bin."""
    n = p.C.shape[0]
    M0, M1 = expansion(p)
    levels, level = np.unique(data.inputs, axis=0, return_inverse=True)
    carry = [scipy.linalg.expm((M0 + np.tensordot(u, M1, 1)) * data.bin_width) for u in levels]
    x, states = np.eye(1 + 5 * n)[0], []
    for which in level.ravel():
        states.append(x)
        x = carry[which] @ x
    return _read(np.array(states)[:, 1:], p, data)


def nonlinear_series(p: dcm.Parameters, data: dcm.Data) -> np.ndarray:
    """BOLD of the full equations by an adaptive integrator of order 8, restarted wherever an input changes."""
    n = p.C.shape[0]
    host = jax.tree.map(np.asarray, p)
    changes = 1 + np.flatnonzero((np.diff(data.inputs, axis=0) != 0).any(axis=1))
    edges = np.concatenate([[0], changes, [len(data.inputs)]])
    states = np.zeros((len(data.inputs) + 1, 5 * n))
    for begin, end in pairwise(edges.tolist()):
        u = data.inputs[begin]
        times = data.bin_width * np.arange(end - begin + 1)

        def along(_: float, x: np.ndarray, u: np.ndarray = u) -> np.ndarray:
            derivative: np.ndarray = flow(x.reshape(5, n), u, host).ravel()
            return derivative

        solution = solve_ivp(
            along,
            (0.0, times[-1]),
            states[begin],
            method="DOP853",
            t_eval=times,
            rtol=1e-10,
            atol=1e-13,
        )
        states[begin : end + 1] = solution.y.T
    return _read(states, host, data)


def _read(states: np.ndarray, p: dcm.Parameters, data: dcm.Data) -> np.ndarray:
    rows = states.reshape(len(states), 5, -1)
    where, region = sampled(data), np.arange(data.bold.shape[1])
    return bold(rows[where, 3, region], rows[where, 4, region], p, data.echo_time)
