"""Neural activity where the activity of some regions gates connections into others (Stephan et al. 2008):

    dz/dt = E(u, z) z + C u / 16,    S = A + Σ_j u_j B^(j) + Σ_k z_k D^(k),    E = offdiagonal(S) − ½ diag(exp(diag S)).

Without D the equation is linear and its propagators Φ are known (`_inflow`). What D adds drives the few regions whose
connections are gated, one scalar function of time each:

    dz/dt = E(u) z + C u / 16 + Σ_a e_a g_a(z),
    g_a = Σ_{b≠a} (Σ_k z_k D_abk) z_b − ½ exp(S_aa(u)) (exp(Σ_k z_k D_aak) − 1) z_a.

So the values of g at the nodes of a step are all there is to solve for: z at the nodes is linear in them and in z at
the start of the step. Newton's method solves all steps at once,

    γ = g + G (z − z_before),    (I − G H) γ = g − G z_before + G Φ z_start,    G = ∂g/∂z,

with H the response of z at every node to g at every node, and z_start by a linear recursion over steps.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._bilinear import FreeParameters, Timing, free_parameters
from ._collocation import convolution
from ._inflow import Inflow, InflowPropagator, inflow
from ._propagators import unless_last
from ._spec import Layout, Parameters

LONGEST_UNROLLED = 24  # unknowns up to which elimination is written out, which halves it and takes longer to compile
NEWTON_STEPS = 40
NEWTON_CHANGE = 1e-5  # convergence is quadratic: a change below this leaves an error of its square
HIGHEST_ACTIVITY, HIGHEST_LEVEL = 1e3, 50.0  # of z and of a gate's log scale: beyond, activity has run away


class Response(NamedTuple):
    """z and x = (s, f − 1) at every node to one unit into z at a node, of every distinct interval."""

    neural: Float[Array, "interval node region node source"]
    vessel: Float[Array, "interval node 2 region node source"]


class Gating(NamedTuple):
    """How g at the nodes moves, step by step; `unknown` is (node, target)."""

    slope: Float[Array, "step node target region"]  # G
    inverse: Float[Array, "step unknown unknown"]  # (I − G H)^-1
    start: Float[Array, "step unknown region"]  # ∂g/∂z_start


class GatedRun(NamedTuple):
    """The states of a run with gating."""

    states: Inflow
    gating: Gating
    gain: Float[Array, "step node region"]  # of every self-inhibition, exp(Σ_k z_k D_aak)
    converged: Bool[Array, ""]  # they have not run away


class GatingParameters(NamedTuple):
    """The free entries of D: their columns in the Jacobian and where they act (static)."""

    columns: tuple[int, ...] = ()
    to: tuple[int, ...] = ()
    source: tuple[int, ...] = ()
    gate: tuple[int, ...] = ()


def split_gating(layout: Layout, index: tuple[int, ...]) -> tuple[FreeParameters, GatingParameters]:
    """The free parameters but for D, in the columns that they have among all, and those of D."""
    n = layout.n
    within = layout.field_slice("D")
    gates = [column for column, entry in enumerate(index) if within.start <= entry < within.stop]
    others = [column for column in range(len(index)) if column not in gates]
    free = free_parameters(layout, tuple(index[column] for column in others))
    names = ("neural", "transit", "decay", "epsilon")
    moved = {name: tuple(others[column] for column in getattr(free, name)) for name in names}
    entries = [index[column] - within.start for column in gates]
    gating = GatingParameters(
        columns=tuple(gates),
        to=tuple(k % n for k in entries),
        source=tuple(k // n % n for k in entries),
        gate=tuple(k // n**2 for k in entries),
    )
    return free._replace(total=len(index), **moved), gating


def gated_regions(d: np.ndarray) -> tuple[int, ...]:
    """The regions into which connections are gated, from D or its mask, (to, from, gate)."""
    return tuple(np.flatnonzero((d != 0).any(axis=(1, 2))).tolist())


def responses(p: InflowPropagator, durations: Float[Array, "interval"], nodes: Float[np.ndarray, "node"]) -> Response:
    """Convolutions of what is injected with the propagators, both polynomials through their values at the nodes."""
    past = convolution(nodes)
    return Response(
        neural=jnp.einsum("k,krca,qrp->kqcpa", durations, p.neural[:, :, 1:, 1:], past),
        vessel=jnp.einsum("k,krsia,qrp->kqsipa", durations, p.driven[..., 1:], past),
    )


def solve_gated(
    parameters: Parameters,
    targets: tuple[int, ...],
    timing: Timing,
    inhibition: Float[Array, "interval region"],
    p: InflowPropagator,
    response: Response,
) -> GatedRun:
    """The states at the nodes of every step of a run that begins at rest.

    Arguments:
        targets: the regions into which any connection is gated.
        inhibition: −½ exp(A_aa + Σ_j u_j B_aa^(j)), Hz.
        p, response: without gating.
    """
    interval = timing.interval
    last = None if timing.last is None else timing.last[interval]
    steps, count = interval.shape[0], p.neural.shape[1]
    n, chosen = inhibition.shape[1], np.array(targets, dtype=int)
    own = np.eye(n)[chosen]
    D = parameters.D[chosen]
    across, self_gates = D * (1 - own)[..., None], (D * own[..., None]).sum(axis=1)
    e = inhibition[interval][:, None, chosen]
    neural = p.neural[interval]
    into = response.neural[..., chosen][interval].reshape(steps, count, n, -1)  # H
    unknowns = into.shape[-1]
    wanted = (np.arange(steps) < timing.sample.max())[:, None, None]

    def gate(z: Array) -> tuple[Array, Array]:
        """g and G."""
        gated = jnp.einsum("abk,tqk->tqab", across, z)
        level = jnp.minimum(z @ self_gates.T, HIGHEST_LEVEL)
        released, at_target = e * jnp.expm1(level), z[..., chosen]
        g = jnp.einsum("tqab,tqb->tqa", gated, z) + released * at_target
        slope = gated + jnp.einsum("abk,tqb->tqak", across, z) + released[..., None] * own
        return g, slope + (e * jnp.exp(level) * at_target)[..., None] * self_gates

    def newton(z: Array) -> tuple[Array, Array]:
        g, G = gate(z)
        known = g - jnp.einsum("tqac,tqc->tqa", G, z)
        driven = jnp.einsum("tqac,tqcb->tqab", G, neural[..., 1:, :])
        right = jnp.concatenate([known[..., None], driven], axis=-1).reshape(steps, unknowns, n + 2)
        solved = _solve(_system(G, into), right)
        whole = neural[:, -1, 1:] + into[:, -1] @ solved[..., 1:]
        whole = whole.at[..., 0].add(jnp.einsum("tcu,tu->tc", into[:, -1], solved[..., 0]))
        whole = unless_last(whole, last)
        begin = jax.lax.scan(lambda z, step: (step[:, 0] + step[:, 1:] @ z, z), jnp.zeros(n), whole)[1]
        augmented = jnp.concatenate([jnp.ones((steps, 1)), begin], axis=-1)
        gating = solved[..., 0] + jnp.einsum("tub,tb->tu", solved[..., 1:], augmented)
        z = jnp.einsum("tqcb,tb->tqc", neural[..., 1:, :], augmented) + jnp.einsum("tqcu,tu->tqc", into, gating)
        return jnp.clip(jnp.where(jnp.isfinite(z), z, 0.0), -HIGHEST_ACTIVITY, HIGHEST_ACTIVITY), gating

    def iterate(carry: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        count, _, before, _ = carry
        z, gating = newton(before)
        return count + 1, jnp.where(wanted, jnp.abs(z - before), 0.0).max(), z, gating

    ungated = inflow(p, interval, timing.last).neural[..., 1:]
    _, change, z, gating = jax.lax.while_loop(
        lambda carry: (carry[0] < NEWTON_STEPS) & (carry[1] > NEWTON_CHANGE),
        iterate,
        (jnp.asarray(0), jnp.asarray(jnp.inf), ungated, jnp.zeros((steps, unknowns))),
    )
    _, G = gate(z)
    start = jnp.einsum("tqac,tqcb->tqab", G, neural[..., 1:, 1:]).reshape(steps, unknowns, n)
    inverse = _solve(_system(G, into), jnp.broadcast_to(jnp.eye(unknowns), (steps, unknowns, unknowns)))
    states = _states(p, response, chosen, timing, z, gating)
    gain = jnp.ones((steps, count, n)).at[..., chosen].set(jnp.exp(jnp.minimum(z @ self_gates.T, HIGHEST_LEVEL)))
    return GatedRun(states, Gating(G, inverse, inverse @ start), gain, change <= NEWTON_CHANGE)


def _states(
    p: InflowPropagator, response: Response, chosen: np.ndarray, timing: Timing, z: Array, gating: Array
) -> Inflow:
    """Vasodilatory signal and flow under the gated activity."""
    interval = timing.interval
    steps, count, n = z.shape
    neural = jnp.concatenate([jnp.ones((steps, count, 1)), z], axis=-1)
    into = response.vessel[..., chosen][interval].reshape(steps, count, 2, n, -1)
    driven = jnp.einsum("tqsib,tb->tqsi", p.driven[interval], neural[:, 0]) + jnp.einsum("tqsiu,tu->tqsi", into, gating)
    own = p.own[interval]
    whole = unless_last((own[:, -1], driven[:, -1]), None if timing.last is None else timing.last[interval])
    _, begin = jax.lax.scan(lambda x, step: (step[0] @ x + step[1], x), jnp.zeros((2, n)), whole)
    return Inflow(neural, driven + jnp.einsum("tqsr,tri->tqsi", own, begin))


def _system(slope: Float[Array, "step node target region"], into: Array) -> Float[Array, "step unknown unknown"]:
    """I − G H."""
    steps, unknowns = into.shape[0], into.shape[-1]
    within = jnp.einsum("tqac,tqcu->tqau", slope, into).reshape(steps, unknowns, unknowns)
    return jnp.eye(unknowns) - within


def _solve(system: Float[Array, "step unknown unknown"], right: Float[Array, "step unknown column"]) -> Array:
    """Gauss–Jordan elimination of all steps at once, without pivots: the identity and a Volterra kernel need none."""
    unknowns = system.shape[-1]
    both = jnp.moveaxis(jnp.concatenate([system, right], axis=-1), 0, -1)

    def eliminate(both: Array) -> Array:
        row = both[0] / both[0, 0]
        # The pivot's row goes last, so that after all of them the order is the first one again.
        return jnp.concatenate([both[1:] - both[1:, :1] * row, row[None]])

    if unknowns > LONGEST_UNROLLED:
        turned = jax.lax.fori_loop(0, unknowns, lambda _, both: jnp.roll(eliminate(both), -1, axis=1), both)
        return jnp.moveaxis(turned[:, : right.shape[-1]], -1, 0)
    for _ in range(unknowns):
        both = jax.lax.optimization_barrier(eliminate(both)[:, 1:])  # type: ignore[no-untyped-call] # JAX leaves it untyped
    return jnp.moveaxis(both, -1, 0)
