"""The exponential of the bilinear form over a step and over parts of it, and the states that it carries on.

While the inputs are constant, [1; x] is carried on by exp(M t). It is built from blocks: the neural block drives the
haemodynamics of each region and not the reverse,

    [1; z](t) = Φ(t) [1; z](0),    h_i(t) = Λ_i(t) h_i(0) + Ψ_i(t) [1; z](0).
"""

from __future__ import annotations

import math
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._linear import BilinearForm

TAYLOR_DEGREE = 24
TAYLOR_RADIUS = 2.4  # 2.4^25 / 25! = 2e-16: the series is exact to rounding within this norm
MAX_SQUARINGS = 30
FACTORIALS = np.array([float(math.factorial(k)) for k in range(TAYLOR_DEGREE + 1)])
SMALL = 9  # a product over at most as many states is written out as a sum, in which the compiler sees no small matrices

T = TypeVar("T")


class Propagator(eqx.Module):
    """exp(M t) by blocks; arrays may carry leading axes."""

    neural: Float[Array, "*at augmented augmented"]  # Φ: [1; z] → [1; z]
    inflow: Float[Array, "*at region 4 augmented"]  # Ψ: [1; z] → h
    haemodynamic: Float[Array, "*at region 4 4"]  # Λ: h → h


def step_generators(form: BilinearForm, inputs: Float[Array, "interval input"]) -> Float[Array, "interval aug aug"]:
    """N(u) = [[0, 0], [drive·u, neural + Σ_j u_j modulation_j]] for every distinct input."""
    n = form.coupling.shape[0]
    neural = form.neural + jnp.einsum("abj,kj->kab", form.modulation, inputs)
    drive = inputs @ form.drive.T
    lower = jnp.concatenate([drive[..., None], neural], axis=-1)
    return jnp.concatenate([jnp.zeros((inputs.shape[0], 1, n + 1)), lower], axis=-2)


def step_propagators(
    form: BilinearForm, generator: Float[Array, "interval augmented augmented"], durations: Float[Array, "interval"]
) -> Propagator:
    """exp(M Δ) of every interval."""
    squarings = needed_squarings(form, generator, durations)
    near = taylor(powers(form, generator), durations * 0.5**squarings, np.ones(1))
    whole = jax.tree.map(lambda leaf: leaf[:, 0], near)
    return jax.lax.fori_loop(0, squarings, lambda _, p: square(p), whole)


def needed_squarings(
    form: BilinearForm, generator: Float[Array, "interval augmented augmented"], durations: Float[Array, "interval"]
) -> Int[Array, ""]:
    """s for which every step Δ / 2^s is within the radius of the Taylor series."""
    return jax.vmap(_squarings, in_axes=(None, 0, 0))(form, generator, durations).max()


def powers(form: BilinearForm, generator: Float[Array, "interval augmented augmented"]) -> Propagator:
    """M^0 … M^TAYLOR_DEGREE by blocks with axes (power, interval, ...); haemodynamics are the same in all intervals."""
    n, intervals = form.coupling.shape[0], generator.shape[0]

    def times(p: Propagator, _: None) -> tuple[Propagator, Propagator]:
        driven = product(form.haemodynamic, p.inflow).at[:, :, 0].add(form.coupling[:, None] * p.neural[:, 1:])
        return Propagator(product(generator, p.neural), driven, product(form.haemodynamic, p.haemodynamic)), p

    identity = Propagator(
        jnp.broadcast_to(jnp.eye(n + 1), (intervals, n + 1, n + 1)),
        jnp.zeros((intervals, n, 4, n + 1)),
        jnp.broadcast_to(jnp.eye(4), (1, n, 4, 4)),
    )
    return jax.lax.scan(times, identity, None, length=TAYLOR_DEGREE + 1)[1]


def taylor(powers: Propagator, h: Float[Array, "interval"], parts: np.ndarray) -> Propagator:
    """exp(part · h · M) at given parts of every interval; axes (interval, part, ...)."""
    degree = np.arange(TAYLOR_DEGREE + 1)
    # h belongs to the coefficients: a product of its own for every interval rounds alike in any company.
    terms = parts[:, None] ** degree / FACTORIALS * h[:, None, None] ** degree

    def added(power: Array) -> Array:
        flat = jnp.moveaxis(power.reshape(*power.shape[:2], -1), 0, 1)  # (interval, power, entry)
        return (terms @ flat).reshape(len(h), len(parts), *power.shape[2:])

    return jax.tree.map(added, powers)


def to_rest(over_step: Propagator, last: Bool[Array, "interval"] | None) -> Propagator:
    """The same, but after the `last` step of a run the states are at rest; None where there is one run."""
    rest = unless_last(over_step, last)
    return rest if last is None else eqx.tree_at(lambda p: p.neural, rest, rest.neural.at[:, 0, 0].set(1.0))


def unless_last(maps: T, last: Bool[Array, "at"] | None) -> T:
    """What steps leave in the states after them, `at` in front: nothing where a run ends with them."""
    if last is None:
        return maps
    return jax.tree.map(lambda leaf: jnp.where(last.reshape(-1, *[1] * (leaf.ndim - 1)), 0.0, leaf), maps)


def trajectory(
    over_step: Propagator, interval: Int[Array, "step"]
) -> tuple[Float[Array, "step augmented"], Float[Array, "step region 4"]]:
    """[1; z] and h at the beginning of every step, from rest; `over_step` has the axis of intervals in front."""

    def step(state: tuple[Array, Array], k: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        return carry(jax.tree.map(lambda leaf: leaf[k], over_step), *state), state

    n, augmented = over_step.inflow.shape[-3], over_step.inflow.shape[-1]
    rest = (jnp.zeros(augmented).at[0].set(1.0), jnp.zeros((n, 4)))
    return jax.lax.scan(step, rest, interval)[1]


def carry(
    p: Propagator, z: Float[Array, "*at augmented"], h: Float[Array, "*at region 4"]
) -> tuple[Float[Array, "*at augmented"], Float[Array, "*at region 4"]]:
    """The states at the end of a step."""
    moved = product(p.haemodynamic, h[..., None]) + over_regions(p.inflow, z[..., None])
    return product(p.neural, z[..., None])[..., 0], moved[..., 0]


def square(p: Propagator) -> Propagator:
    """exp(2 M t) from exp(M t)."""
    return Propagator(
        neural=product(p.neural, p.neural),
        inflow=product(p.haemodynamic, p.inflow) + over_regions(p.inflow, p.neural),
        haemodynamic=product(p.haemodynamic, p.haemodynamic),
    )


def product(
    left: Float[Array, "*at row inner"], right: Float[Array, "*at inner column"]
) -> Float[Array, "*at row column"]:
    """Matrix products in a stack of matrices."""
    if left.shape[-1] > SMALL:
        return left @ right
    terms = [left[..., :, s, None] * right[..., s, None, :] for s in range(left.shape[-1])]
    return sum(terms[1:], terms[0])


def over_regions(
    left: Float[Array, "*at region 4 inner"], right: Float[Array, "*at inner column"]
) -> Float[Array, "*at region 4 column"]:
    """The product of every region's rows with the same matrix."""
    n, rows, inner = left.shape[-3:]
    whole = product(left.reshape(*left.shape[:-3], n * rows, inner), right)
    return whole.reshape(*whole.shape[:-2], n, rows, whole.shape[-1])


def _squarings(form: BilinearForm, generator: Float[Array, "aug aug"], duration: Float[Array, ""]) -> Int[Array, ""]:
    # ‖·‖_1 of the whole generator: a neural column feeds z and one signal, a haemodynamic one its own region. ‖·‖_∞ of
    # it is often smaller; either bounds the series.
    haemodynamic, coupling = jnp.abs(form.haemodynamic), jnp.abs(form.coupling)
    columns = jnp.maximum((jnp.abs(generator).sum(axis=0)[1:] + coupling).max(), haemodynamic.sum(axis=1).max())
    columns = jnp.maximum(columns, jnp.abs(generator[:, 0]).sum())
    signal = haemodynamic.sum(axis=2).at[:, 0].add(coupling)
    rows = jnp.maximum(jnp.abs(generator).sum(axis=1).max(), signal.max())
    norm = jnp.minimum(columns, rows) * duration
    needed = jnp.ceil(jnp.log2(jnp.maximum(norm, TAYLOR_RADIUS) / TAYLOR_RADIUS))
    return jax.lax.stop_gradient(
        jnp.where(jnp.isfinite(needed), jnp.clip(needed, 0, MAX_SQUARINGS), 0).astype(jnp.int32)
    )
