"""Blood flow into every region under the full equations, which up to there are linear in the states.

With the flow f itself instead of its logarithm (the two agree while f > 0), the vasodilatory signal s and f obey

    ds/dt = z − κ s − γ (f − 1),    df/dt = s

(Friston et al. 2000, 2003), and without gating dz/dt = E(u) z + C u / 16 is linear too while the inputs are constant.
So [1; z] and x = (s, f − 1) are carried on exactly by matrix exponentials,

    [1; z](t) = Φ(t) [1; z](0),    x_i(t) = Λ(t) x_i(0) + Ψ_i(t) [1; z](0),

to the end of a step and to nodes within it, and few steps differ. Λ is the same for every region.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._haemodynamics import DECAY, FEEDBACK
from ._neural import INPUT_SCALE, SELF_INHIBITION
from ._propagators import FACTORIALS, MAX_SQUARINGS, TAYLOR_DEGREE, TAYLOR_RADIUS, unless_last
from ._spec import Parameters

SIGNAL, FLOW = 0, 1  # s and f − 1 in x


class InflowPropagator(NamedTuple):
    """The exponential by blocks, at nodes of a step from its start (identity) to its end."""

    neural: Float[Array, "*at node augmented augmented"]  # Φ: [1; z] → [1; z]
    driven: Float[Array, "*at node 2 region augmented"]  # Ψ: [1; z] → x
    own: Float[Array, "*at node 2 2"]  # Λ: x → x


class Inflow(NamedTuple):
    """The states at the nodes of every step."""

    neural: Float[Array, "step node augmented"]  # [1; z]
    vessel: Float[Array, "step node 2 region"]  # x = (s, f − 1)


def generators(parameters: Parameters, inputs: Float[Array, "interval input"]) -> Float[Array, "interval aug aug"]:
    """N(u) = [[0, 0], [C u / 16, E(u)]], with the whole −½ exp(A + Σ_j u_j B^(j)) on the diagonal of E."""
    n = parameters.transit.shape[0]
    S = parameters.A + jnp.einsum("abj,kj->kab", parameters.B, inputs)
    diagonal = np.eye(n, dtype=bool)
    E = jnp.where(diagonal, SELF_INHIBITION * jnp.exp(jnp.where(diagonal, S, 0.0)), S)  # Hz
    drive = INPUT_SCALE * (inputs @ parameters.C.T)
    lower = jnp.concatenate([drive[..., None], E], axis=-1)
    return jnp.concatenate([jnp.zeros((inputs.shape[0], 1, n + 1)), lower], axis=-2)


def propagators(
    generator: Float[Array, "interval aug aug"],
    decay: Float[Array, ""],
    durations: Float[Array, "interval"],
    nodes: Float[np.ndarray, "node"],
) -> InflowPropagator:
    """The exponential of every interval at `nodes`, which are shares of its duration; axes (interval, node, ...)."""
    own = jnp.array([[-1.0, -FEEDBACK], [1.0, 0.0]]).at[0, 0].mul(DECAY * jnp.exp(decay))
    squarings = _squarings(generator, own, durations)
    h = durations * 0.5**squarings
    N, H, coupling = h[:, None, None] * generator, h[:, None, None] * own, h[:, None, None]
    intervals, n = generator.shape[0], generator.shape[-1] - 1

    def times(p: InflowPropagator, _: None) -> tuple[InflowPropagator, InflowPropagator]:
        driven = jnp.einsum("kst,ktic->ksic", H, p.driven).at[:, SIGNAL].add(coupling * p.neural[:, 1:])
        return InflowPropagator(N @ p.neural, driven, H @ p.own), p

    identity = InflowPropagator(
        jnp.broadcast_to(jnp.eye(n + 1), (intervals, n + 1, n + 1)),
        jnp.zeros((intervals, 2, n, n + 1)),
        jnp.broadcast_to(jnp.eye(2), (intervals, 2, 2)),
    )
    powers = jax.lax.scan(times, identity, None, length=TAYLOR_DEGREE + 1)[1]
    terms = nodes[:, None] ** np.arange(TAYLOR_DEGREE + 1) / FACTORIALS
    near = jax.tree.map(lambda power: jnp.moveaxis(jnp.tensordot(terms, power, 1), 0, 1), powers)

    def square(p: InflowPropagator) -> InflowPropagator:
        driven = jnp.einsum("kqst,kqtic->kqsic", p.own, p.driven) + p.driven @ p.neural[:, :, None]
        return InflowPropagator(p.neural @ p.neural, driven, p.own @ p.own)

    return jax.lax.fori_loop(0, squarings, lambda _, p: square(p), near)


def _squarings(
    generator: Float[Array, "interval aug aug"], own: Float[Array, "2 2"], durations: Float[Array, "interval"]
) -> Int[Array, ""]:
    """s for which all steps Δ / 2^s are within the radius of the Taylor series."""
    columns = jnp.maximum(jnp.abs(generator).sum(axis=-2).max(axis=-1) + 1, jnp.abs(own).sum(axis=0).max())
    needed = jnp.ceil(jnp.log2(jnp.maximum(columns * durations / TAYLOR_RADIUS, 1.0)).max())
    return jnp.where(jnp.isfinite(needed), jnp.clip(needed, 0, MAX_SQUARINGS), 0).astype(jnp.int32)


def inflow(p: InflowPropagator, interval: Int[Array, "step"], last: Bool[Array, "interval"] | None = None) -> Inflow:
    """The states of a run that begins at rest, or of several; the `last` step of each ends at rest."""
    n = p.neural.shape[-1] - 1
    over = unless_last(p, last)
    if last is not None:
        over = over._replace(neural=over.neural.at[:, :, 0, 0].set(1.0))

    def step(state: tuple[Array, Array], k: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        neural, vessel = state
        moved = over.own[k, -1] @ vessel + over.driven[k, -1] @ neural
        return (over.neural[k, -1] @ neural, moved), state

    rest = (jnp.zeros(n + 1).at[0].set(1.0), jnp.zeros((2, n)))
    _, (neural, vessel) = jax.lax.scan(step, rest, interval)
    return Inflow(
        neural=jnp.einsum("tqcb,tb->tqc", p.neural[interval], neural),
        vessel=jnp.einsum("tqsr,tri->tqsi", p.own[interval], vessel)
        + jnp.einsum("tqsib,tb->tqsi", p.driven[interval], neural),
    )
