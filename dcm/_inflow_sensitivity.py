"""How BOLD moves with the parameters where only the vessels are nonlinear.

A parameter that scales the connection b → a injects z_b into z_a. Within a step of length Δ that leaves, in any state
whose response to a unit of z_a a time t earlier is R_a(t),

    ∫_0^Δ R_a(Δ − s) z_b(s) ds

at its end, taken by Gauss–Lobatto nodes. The linear states respond by their propagators. The volume at the end of a
step moves with the flow at every node before, ∂v = Σ_j φ_j ∂f(θ_j), and f(θ_j) with what was injected before θ_j: with
the responses ρ_a of f as polynomials through their values at the nodes too,

    R_a(Δ − θ_q) w_q  becomes  Σ_r ρ_a(θ_r) Σ_j φ_j ∫_0^{θ_j} ℓ_r(θ_j − s) ℓ_q(s) ds,

and likewise for deoxyhaemoglobin. So a step needs no more than a handful of numbers for each pair of regions, whatever
the number of parameters, and sensitivities are carried from step to step by the linear recursion of the states.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._bilinear import FreeParameters, Timing
from ._bilinear_sensitivity import in_chunks
from ._collocation import convolution, integration
from ._gating import Gating, Response
from ._haemodynamics import DECAY
from ._inflow import FLOW, SIGNAL, InflowPropagator
from ._neural import INPUT_SCALE, SELF_INHIBITION
from ._propagators import product, unless_last
from ._spec import Parameters

CHUNK = 32  # steps taken together: many enough for the compiler's loops, few enough for the caches


class InflowStepMaps(NamedTuple):
    """What every distinct interval does, all linear; `source` is the region into which something is injected."""

    neural: Float[Array, "interval region source"]  # z → z at the end
    driven: Float[Array, "interval 2 region source"]  # z → x
    own: Float[Array, "interval 2 2"]  # x → x
    kick: Float[Array, "interval source state node"]  # injected into z at the nodes → [z; x] at the end
    kick_signal: Float[Array, "interval node 2"]  # injected into s at the nodes → x of that region
    flow: Float[Array, "interval node region source"]  # z → f at the nodes
    flow_own: Float[Array, "interval node 2"]  # x → f at the nodes
    duration: Float[Array, "interval"]
    response: Float[Array, "interval node region node source"] | None  # injected into z at the nodes → z at the nodes


class Steps(NamedTuple):
    """What differs from step to step, with the step in front."""

    interval: Int[Array, "step"]
    drive: Float[Array, "step node target slot"]  # what a unit of each parameter injects into the region it acts on
    signal: Float[Array, "step node region"]  # s
    by_flow: Float[Array, "step 2 region node"]  # ∂(v, q)/∂f at the nodes of the step
    transit: Float[Array, "step 2 region"]  # ∂(v, q)/∂ ln τ
    gains: tuple[Float[Array, "step region"], ...]  # ∂v/∂v, ∂q/∂q, ∂q/∂v
    gradient: tuple[Float[Array, "step region"], ...]  # ∂y/∂v, ∂y/∂q
    gating: Gating | None
    last: Bool[Array, "step"] | None  # whether a run ends with it, after which nothing moves; None where there is one


class _Sensitivity(NamedTuple):
    """Derivatives carried from step to step: neural parameters, then decay, then transit of the region itself."""

    neural: Float[Array, "region neural"]
    vessel: Float[Array, "2 region neural+1"]  # of x
    volume: Float[Array, "region neural+2"]
    deoxy: Float[Array, "region neural+2"]


def carry_sensitivities(
    decay: Float[Array, ""],
    targets: tuple[int, ...],
    maps: InflowStepMaps,
    nodes: Float[np.ndarray, "node"],
    steps: Steps,
) -> Float[Array, "step region own"]:
    """∂y/∂θ before every step: along connections by (region acted on, slot), then decay, then the region's transit."""
    n, width = steps.drive.shape[2], steps.drive.shape[2] * steps.drive.shape[3]
    responses = convolution(nodes)[1:-1, 1:]  # flow at the ends of a step comes from the linear recursion
    signal_decay = -DECAY * jnp.exp(decay)

    def advance(before: _Sensitivity, at: Steps) -> tuple[_Sensitivity, Float[Array, "step region own"]]:
        m = jax.tree.map(lambda leaf: leaf[at.interval], maps)
        count = at.interval.shape[0]
        inner = at.by_flow[..., 1:-1]
        # What is injected within the steps.
        reach = jnp.einsum("toij,jrq,t->toirq", inner, responses, m.duration)
        late = jnp.einsum("toirq,tria->taoiq", reach, m.flow[:, 1:]).reshape(count, n, 2 * n, -1)
        kick = jnp.concatenate([m.kick, late], axis=2)
        by_z = jnp.einsum("toiq,tqia->toia", inner, m.flow[:, 1:-1]).reshape(count, 2 * n, n)
        start = jnp.concatenate([m.neural, m.driven.reshape(count, 2 * n, n), by_z], axis=1)
        if at.gating is not None:
            start, kick = _gated(start, kick, at.gating, m.response, targets)
        injected = jnp.einsum("taxq,tqaj->txaj", kick, at.drive).reshape(count, 5 * n, width)
        decayed = signal_decay * at.signal
        into_x = jnp.einsum("tqs,tqi->tsi", m.kick_signal, decayed)[..., None]
        into_end = jnp.einsum("toirq,tr,tqi->toi", reach, m.flow_own[:, 1:, SIGNAL], decayed)[..., None]
        # Neural activity, then what it drives, then volume and deoxyhaemoglobin.
        last_z, dz = jax.lax.scan(_neural, before.neural, unless_last((start[:, :n], injected[:, :n]), at.last))
        moved = (product(start[:, n:], dz) + injected[:, n:]).reshape(count, 4, n, width)
        own = unless_last((m.own, jnp.concatenate([moved[:, :2], into_x], axis=-1)), at.last)
        last_x, dx = jax.lax.scan(_own_vessel, before.vessel, own)
        after = jnp.concatenate([dx[1:, FLOW], last_x[None, FLOW]])
        by_x = jnp.einsum("toiq,tqs->stoi", inner, m.flow_own[:, 1:-1])
        moved = (
            jnp.concatenate([moved[:, 2:], into_end], axis=-1)
            + by_x[SIGNAL][..., None] * dx[:, None, SIGNAL]
            + (by_x[FLOW] + at.by_flow[..., 0])[..., None] * dx[:, None, FLOW]
            + at.by_flow[..., -1:] * after[:, None]
        )
        moved = jnp.concatenate([moved, at.transit[..., None]], axis=-1)
        gains, moved = unless_last((at.gains, moved), at.last)
        (volume, deoxy), along = jax.lax.scan(_balloon, (before.volume, before.deoxy), (gains, moved, at.gradient))
        return _Sensitivity(last_z, last_x, volume, deoxy), along

    rest = _Sensitivity(
        neural=jnp.zeros((n, width)),
        vessel=jnp.zeros((2, n, width + 1)),
        volume=jnp.zeros((n, width + 2)),
        deoxy=jnp.zeros((n, width + 2)),
    )
    count = steps.interval.shape[0]
    return jax.lax.scan(advance, rest, jax.tree.map(lambda x: in_chunks(x, CHUNK), steps))[1].reshape(-1, n, width + 2)[
        :count
    ]


def _neural(dz: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
    neural, injected = step
    return product(neural, dz) + injected, dz


def _own_vessel(dx: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
    own, injected = step
    return own[:, 0, None, None] * dx[0] + own[:, 1, None, None] * dx[1] + injected, dx


def _balloon(
    before: tuple[Array, Array], step: tuple[tuple[Array, ...], Array, tuple[Array, ...]]
) -> tuple[tuple[Array, Array], Array]:
    (dv, dq), ((volume, deoxy, across), moved, (by_volume, by_deoxy)) = before, step
    after = (volume[:, None] * dv + moved[0], deoxy[:, None] * dq + across[:, None] * dv + moved[1])
    return after, by_volume[:, None] * dv + by_deoxy[:, None] * dq


def _gated(
    start: Float[Array, "step state region"],
    kick: Float[Array, "step source state node"],
    gating: Gating,
    response: Float[Array, "step node region node source"],
    targets: tuple[int, ...],
) -> tuple[Float[Array, "step state region"], Float[Array, "step source state node"]]:
    """What moves with z at the start of a step, and with injections, if the gates move as well."""
    count, n, states, nodes = kick.shape
    by_gate = jnp.moveaxis(kick[:, list(targets)], 1, -1).reshape(count, states, -1)  # (node, target) last
    by_injected = jnp.einsum("tqac,tqcx->tqax", gating.slope, response.reshape(count, nodes, n, -1))
    moved = by_gate @ (gating.inverse @ by_injected.reshape(count, -1, nodes * n))
    more = jnp.moveaxis(moved.reshape(count, states, nodes, n), -1, 1)
    return start + by_gate @ gating.start, kick + more


def inflow_step_maps(
    timing: Timing, nodes: Float[np.ndarray, "node"], p: InflowPropagator, response: Response | None
) -> InflowStepMaps:
    """What every distinct interval does to the sensitivities."""
    n = p.driven.shape[-2]
    [weights] = integration(nodes, np.ones(1))
    spread = timing.durations[:, None] * weights  # s
    later = jax.tree.map(lambda leaf: leaf[:, ::-1], p)  # nodes are symmetric: the response Δ − θ_q later
    z_kick = jnp.einsum("kqia,kq->kaiq", later.neural[:, :, 1:, 1:], spread)
    x_kick = jnp.einsum("kqsia,kq->kasiq", later.driven[..., 1:], spread)
    return InflowStepMaps(
        neural=p.neural[:, -1, 1:, 1:],
        driven=p.driven[:, -1, :, :, 1:],
        own=p.own[:, -1],
        kick=jnp.concatenate([z_kick, x_kick.reshape(*x_kick.shape[:2], 2 * n, -1)], axis=2),
        kick_signal=later.own[..., SIGNAL] * spread[..., None],
        flow=p.driven[:, :, FLOW, :, 1:],
        flow_own=p.own[:, :, FLOW],
        duration=timing.durations,
        response=None if response is None else response.neural,
    )


def connection_weights(
    parameters: Parameters, free: FreeParameters, inputs: Float[Array, "interval input"]
) -> Float[Array, "interval neural"]:
    """∂N_ab/∂θ for every free A, B and C: 1, u and u / 16, on the diagonal times −½ exp(A + Σ_j u_j B^(j))."""
    to, source, which = (np.array(x, dtype=int) for x in (free.to, free.source, free.input))
    u = jnp.where(which < 0, 1.0, inputs[:, which])
    scale = jnp.diag(parameters.A) + jnp.einsum("aaj,kj->ka", parameters.B, inputs)
    inhibition = SELF_INHIBITION * jnp.exp(scale)[:, to]
    return jnp.where(source == 0, INPUT_SCALE * u, jnp.where(source == to + 1, inhibition * u, u))
