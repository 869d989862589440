"""How the states move with the parameters, carried from step to step beside the states.

A parameter that scales the connection b → a injects z_b into z_a. What this has become at the end of a step,

    ∫_0^Δ [Φ; Ψ](Δ − s) e_a (Φ(s) [1; z])_b ds,

is as good as a polynomial's integral, so Gauss–Legendre nodes give it to rounding: "kicks" into each region times the
activity of its sources at the nodes. A region's own transit time and decay change its matrix H by ∂H, which injects
∂H h into h likewise. All else is the recursion of the states,

    ∂z(t + Δ) = Φ ∂z + injected,    ∂h(t + Δ) = Λ ∂h + Ψ ∂z + injected.

NODES nodes integrate polynomials of degree 2 NODES − 1 exactly, hence products of two propagators that are polynomials
of degree below NODES on the step. Where they are not, because a proposal is wild, steps are halved until they are, and
what each part of a step injects is carried on to the step's end.
"""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from ._linear import BilinearForm
from ._propagators import (
    Propagator,
    needed_squarings,
    over_regions,
    powers,
    product,
    square,
    taylor,
    to_rest,
    unless_last,
)

NODES = 12
NEURAL_MISS, VESSEL_MISS = 2e-7, 2e-4  # what polynomials of degree below NODES may miss of a propagator
MAX_HALVINGS = 6  # in 64 parts of a step
LONGEST_CHUNK = 16  # steps that are treated together, or as many as inject no more than …
CHUNK_BYTES = 100_000  # … this: longer chunks leave the cache, shorter ones pay for more calls of small operations

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(NODES)
POINTS, WEIGHTS = (_POINTS + 1) / 2, _WEIGHTS / 2  # on a step of length 1


class OwnMaps(eqx.Module):
    """What the transit time and the decay of each region's own vessels inject into its h."""

    h: Float[Array, "interval 2 region 4 4"]  # h → ∂h
    z: Float[Array, "interval 2 region 4 augmented"]  # [1; z] → ∂h


class StepMaps(eqx.Module):
    """What every distinct interval does to states and sensitivities; everything is linear in the states."""

    whole: Propagator  # over a step
    part: Propagator  # over one of its 2^halvings parts
    halvings: Int[Array, ""]
    # Of one part:
    activity: Float[Array, "interval node augmented augmented"]  # [1; z] → [1; z] at the nodes
    kick: Float[Array, "interval to state node"]  # weighted activity at the nodes → [z; h] at the end
    own: OwnMaps  # over a step
    last: Bool[Array, "interval"] | None  # whether a run ends with it: `whole` and `own` leave nothing, `kick` does


def step_maps(
    form: BilinearForm,
    directions: Float[Array, "2 region 4 4"],
    generator: Float[Array, "interval augmented augmented"],
    durations: Float[Array, "interval"],
    last: Bool[Array, "interval"] | None = None,
) -> StepMaps:
    """The maps of every distinct interval; `directions` are ∂H of every region along its transit time and decay.

    After the `last` step of a run states and sensitivities are at rest.

    Where rates are too fast for any part of a step (90/s in steps of 3.6 s), what is injected is NaN.
    """
    of_rates = powers(form, generator)
    halvings, too_fast = _halvings(of_rates, durations)
    squarings = jnp.maximum(needed_squarings(form, generator, durations), halvings)
    near = taylor(of_rates, durations * 0.5**squarings, np.append(POINTS, 1.0))
    at = jax.lax.fori_loop(0, squarings - halvings, lambda _, p: square(p), near)
    part = jax.tree.map(lambda leaf: leaf[:, -1], at)
    before = jax.tree.map(lambda leaf: leaf[:, :-1], at)  # Φ(s) …
    after = jax.tree.map(lambda leaf: leaf[:, -2::-1], at)  # … and Φ(Δ − s), because the nodes are symmetric

    weights = jnp.where(too_fast, jnp.nan, durations[:, None] * 0.5**halvings * WEIGHTS)  # s
    into = jnp.concatenate([after.neural[..., 1:, 1:], _stacked(after.inflow)[..., 1:]], axis=-2)
    injected = jnp.einsum("kqist,ditu,kq->kqdisu", after.haemodynamic, directions, weights)
    own = OwnMaps(
        h=product(injected, before.haemodynamic[:, :, None]).sum(axis=1),
        z=product(injected, before.inflow[:, :, None]).sum(axis=1),
    )
    whole, own = jax.lax.fori_loop(0, halvings, lambda _, both: (square(both[0]), _double(*both)), (part, own))
    return StepMaps(
        whole=to_rest(whole, last),
        part=part,
        halvings=halvings,
        activity=before.neural,
        kick=jnp.einsum("kqra,kq->karq", into, weights),
        own=unless_last(own, last),
        last=last,
    )


def _double(p: Propagator, own: OwnMaps) -> OwnMaps:
    """What is injected over two equal parts of a step."""
    p = jax.tree.map(lambda leaf: leaf[:, None], p)
    return OwnMaps(
        h=product(p.haemodynamic, own.h) + product(own.h, p.haemodynamic),
        z=product(p.haemodynamic, own.z) + product(own.h, p.inflow) + over_regions(own.z, p.neural),
    )


def _halvings(of_rates: Propagator, durations: Float[Array, "interval"]) -> tuple[Int[Array, ""], Bool[Array, ""]]:
    """How often steps are halved for the nodes to be exact, and whether that would be too often.

    With N nodes, the best polynomial of degree N − 1 misses some ‖(M Δ)^N‖ / (N! 2^(2N − 1)) of exp(M t), and the nodes
    miss the square of that where two neural propagators meet. Vessels are met by slower neural activity, or by
    themselves at rates that cancel, so that more may be missed of them.
    """

    def excess(power: Array, most: float) -> Array:  # log2
        norm = jnp.abs(power[NODES]).sum(axis=-2).reshape(power.shape[1], -1).max(axis=-1)
        missed = (jnp.log2(norm) + NODES * jnp.log2(durations)).max()
        return missed - math.log2(most * math.factorial(NODES)) - (2 * NODES - 1)

    worst = jnp.maximum(excess(of_rates.neural, NEURAL_MISS), excess(of_rates.haemodynamic, VESSEL_MISS))
    needed = jnp.ceil(worst / NODES)
    too_fast = ~(needed <= MAX_HALVINGS)
    return jnp.where(too_fast, 0, jnp.maximum(needed, 0)).astype(jnp.int32), too_fast


def vessel_sensitivities(
    maps: StepMaps,
    interval: Int[Array, "step"],
    states: tuple[Float[Array, "step augmented"], Float[Array, "step region 4"]],
) -> Float[Array, "step region 4 2"]:
    """∂h before every step along each region's own transit time and decay."""

    def step(along: Array, now: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        k, z, h = now
        injected = product(maps.own.h[k], h[..., None]) + over_regions(maps.own.z[k], z[:, None])
        moved = product(maps.whole.haemodynamic[k], along) + jnp.moveaxis(injected[..., 0], 0, -1)
        return moved, along

    return jax.lax.scan(step, jnp.zeros((*states[1].shape[1:], 2)), (interval, *states))[1]


def connection_sensitivities(
    maps: StepMaps,
    source: np.ndarray,
    weight: Float[Array, "interval region slot"],
    interval: Int[Array, "step"],
    z: Float[Array, "step augmented"],
    gradient: tuple[Float[Array, "step region"], Float[Array, "step region"]],
) -> Float[Array, "step region column"]:
    """Derivatives of BOLD before every step; the columns are (region, slot)."""
    n, slots = source.shape
    columns = n * slots

    def injected(k: Array, z: Array) -> Array:
        activity = product(maps.activity[k], z[:, None, :, None])[..., 0]  # (step, node, augmented)
        drive = activity[..., source] * weight[k][:, None]
        return jnp.einsum("tarq,tqaj->tarj", maps.kick[k], drive)

    def advance(state: tuple[Array, Array], steps: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
        k, z, by_volume, by_deoxy = steps

        def further(_: object, carried: tuple[Array, Array]) -> tuple[Array, Array]:
            z, into = carried
            part = jax.tree.map(lambda leaf: leaf[k], maps.part)
            z = product(part.neural, z[..., None])[..., 0]
            part = jax.tree.map(lambda leaf: leaf[:, None], part)
            into_z, into_h = into[:, :, :n], into[:, :, n:].reshape(len(k), n, n, 4, slots)
            moved_h = product(part.haemodynamic, into_h) + over_regions(part.inflow[..., 1:], into_z)
            moved = jnp.concatenate([product(part.neural[..., 1:, 1:], into_z), _stacked(moved_h)], axis=2)
            return z, moved + injected(k, z)

        _, into = jax.lax.fori_loop(1, 2**maps.halvings, further, (z, injected(k, z)))
        into = into if maps.last is None else unless_last(into, maps.last[k])
        into = jnp.moveaxis(into, 1, 2).reshape(len(k), 5 * n, columns)

        def neural(dz: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
            phi, into = step
            return product(phi, dz) + into, dz

        def vessel(dh: Array, step: tuple[Array, ...]) -> tuple[Array, Array]:
            lam, into, by_volume, by_deoxy = step
            return product(lam, dh) + into, by_volume[:, None] * dh[:, 2] + by_deoxy[:, None] * dh[:, 3]

        whole = jax.tree.map(lambda leaf: leaf[k], maps.whole)
        dz, dh = state
        dz, along = jax.lax.scan(neural, dz, (whole.neural[:, 1:, 1:], into[:, :n]))
        into_h = over_regions(whole.inflow[..., 1:], along) + into[:, n:].reshape(len(k), n, 4, columns)
        dh, rows = jax.lax.scan(vessel, dh, (whole.haemodynamic, into_h, by_volume, by_deoxy))
        return (dz, dh), rows

    chunk = min(max(CHUNK_BYTES // (8 * 5 * n * columns), 1), LONGEST_CHUNK, len(interval))
    rest = (jnp.zeros((n, columns)), jnp.zeros((n, 4, columns)))
    _, rows = jax.lax.scan(advance, rest, jax.tree.map(lambda x: in_chunks(x, chunk), (interval, z, *gradient)))
    return rows.reshape(-1, n, columns)


def in_chunks(series: Shaped[Array, "step *rest"], chunk: int) -> Shaped[Array, "chunk step *rest"]:
    """Chunks of steps; the last is filled up with its last step."""
    steps = series.shape[0]
    filled = np.minimum(np.arange(-(-steps // chunk) * chunk), steps - 1)
    return series[filled].reshape(-1, chunk, *series.shape[1:])


def _stacked(inflow: Float[Array, "*at region 4 augmented"]) -> Float[Array, "*at state augmented"]:
    return inflow.reshape(*inflow.shape[:-3], -1, inflow.shape[-1])
