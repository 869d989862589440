"""SPM's default integrator: the bilinear form is solved exactly between input changes and samples.

Within a step the inputs are constant, so [1; x] is carried on by a matrix exponential. It is built from blocks: the
neural block drives the haemodynamics of each region and not the reverse,

    [1; z](t + Δ) = Φ [1; z],    h_i(t + Δ) = Λ_i h_i + Ψ_i [1; z].

Sensitivities follow the same recursion with one more term. A parameter that scales the connection b → a injects z_b
into z_a; what has arrived after a step is ∂(Φ, Ψ)/∂N_ab [1; z], the same for A and for every B of that connection. So
one derivative of the propagator per connection and distinct step serves all parameters. With M the whole generator,

    ∂ exp(M) / ∂N_ab = Σ_ij M^i e_a e_bᵀ N^j / (i + j + 1)!

is one matrix product for all connections at once (Najfeld & Havel 1995), carried on by squaring.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ._bold import bold_gradient, bold_signal
from ._linear import BilinearForm, bilinear_form, haemodynamic_jacobian
from ._neural import INPUT_SCALE
from ._spec import Layout, Parameters

TAYLOR_DEGREE = 24
TAYLOR_RADIUS = 2.4  # 2.4^25 / 25! = 2e-16: the series is exact to rounding within this norm
MAX_SQUARINGS = 30


class Timing(eqx.Module):
    """A `Schedule` on the device; padded steps repeat interval 0 and padded scans are read before step 0."""

    inputs: Float[Array, "interval input"]
    durations: Float[Array, "interval"]  # s
    interval: Int[Array, "step"]
    sample: Int[Array, "scan region"]


class Propagator(eqx.Module):
    """The exponential of the bilinear form over one step, by blocks."""

    neural: Float[Array, "augmented augmented"]  # Φ: [1; z] → [1; z]
    inflow: Float[Array, "region 4 augmented"]  # Ψ: [1; z] → h
    haemodynamic: Float[Array, "region 4 4"]  # Λ: h → h


class FreeParameters(NamedTuple):
    """Which entries of the parameter vector are free, sorted by what they do (all static).

    Fields:
        total: number of free parameters, the Jacobian's columns.
        neural: columns of the free A, B and C.
        to, source: for each of these, the region it acts on and what it injects: 0 is the constant (C), 1 + j is region
            j (A and B).
        input: the input that scales it, -1 for A.
        transit: columns of the free transit times, and `transit_region` their regions.
        decay, epsilon: their columns, empty where they are not free.
    """

    total: int
    neural: tuple[int, ...]
    to: tuple[int, ...]
    source: tuple[int, ...]
    input: tuple[int, ...]
    transit: tuple[int, ...]
    transit_region: tuple[int, ...]
    decay: tuple[int, ...]
    epsilon: tuple[int, ...]


def free_parameters(layout: Layout, index: tuple[int, ...]) -> FreeParameters:
    """Sort the free parameters of a model by what they do."""
    n = layout.n
    own: dict[str, list[tuple[int, int]]] = {field: [] for field in layout.sizes}  # (column, entry within its field)
    for column, entry in enumerate(index):
        field = layout.field_of(entry)
        own[field].append((column, entry - layout.field_slice(field).start))
    if own["D"]:
        raise ValueError(
            "gating (D) vanishes in the bilinear integrator, which is linear in the states; "
            "use the nonlinear integrator or switch D off"
        )
    neural = [(column, k % n, 1 + k // n, -1) for column, k in own["A"]]
    neural += [(column, k % n, 1 + k // n % n, k // n**2) for column, k in own["B"]]
    neural += [(column, k % n, 0, k // n) for column, k in own["C"]]
    columns, to, source, which = zip(*neural, strict=True) if neural else ((), (), (), ())
    return FreeParameters(
        total=len(index),
        neural=columns,
        to=to,
        source=source,
        input=which,
        transit=tuple(column for column, _ in own["transit"]),
        transit_region=tuple(region for _, region in own["transit"]),
        decay=tuple(column for column, _ in own["decay"]),
        epsilon=tuple(column for column, _ in own["epsilon"]),
    )


def predict(
    form: BilinearForm, epsilon: Float[Array, ""], timing: Timing, echo_time: Float[Array, ""]
) -> Float[Array, "scan region"]:
    """BOLD of every region at every scan, percent, for one participant."""
    n = form.coupling.shape[0]
    generators = _generators(form, timing.inputs)
    propagators = jax.vmap(_propagator, in_axes=(0, None, None, 0))(
        generators, form.haemodynamic, form.coupling, timing.durations
    )

    def step(state: tuple[Array, Array], interval: Array) -> tuple[tuple[Array, Array], Array]:
        neural, haemodynamic = state
        p = jax.tree.map(lambda leaf: leaf[interval], propagators)
        moved = jnp.einsum("ist,it->is", p.haemodynamic, haemodynamic) + p.inflow @ neural
        return (p.neural @ neural, moved), haemodynamic[:, 2:]

    rest = (jnp.zeros(n + 1).at[0].set(1.0), jnp.zeros((n, 4)))
    _, vessels = jax.lax.scan(step, rest, timing.interval)
    volume, deoxy = _at_samples(vessels[..., 0], timing), _at_samples(vessels[..., 1], timing)
    return bold_signal(volume, deoxy, epsilon, echo_time)


def predict_with_jacobian(
    parameters: Parameters, free: FreeParameters, timing: Timing, echo_time: Float[Array, ""]
) -> tuple[Float[Array, "scan region"], Float[Array, "scan region free"]]:
    """The prediction and its exact derivatives along the free parameters, for one participant."""
    n, count = parameters.transit.shape[0], len(free.to)
    to, source = np.array(free.to, dtype=int), np.array(free.source, dtype=int)
    form = bilinear_form(parameters)
    derivatives = jax.vmap(_propagator_with_derivatives, in_axes=(0, None, None, None, 0))(
        _generators(form, timing.inputs),
        form.haemodynamic,
        form.coupling,
        _haemodynamic_directions(parameters),
        timing.durations,
    )
    weight = _connection_weights(form, free, timing.inputs)

    def step(state: _Sensitivity, interval: Array) -> tuple[_Sensitivity, tuple[Array, Array, Array]]:
        p, along, own = jax.tree.map(lambda leaf: leaf[interval], derivatives)
        injected_z = (along.neural @ state.neural)[:, to, source] * weight[interval]
        injected_h = (along.inflow @ state.neural)[:, :, to, source] * weight[interval]
        volume, deoxy = state.vessel[:, 2], state.vessel[:, 3]
        by_volume, by_deoxy, _ = bold_gradient(volume, deoxy, parameters.epsilon, echo_time)
        both = jnp.concatenate([state.vessel_along, state.vessel_own], axis=-1)
        rows = by_volume[:, None] * both[:, 2] + by_deoxy[:, None] * both[:, 3]
        moved = _Sensitivity(
            neural=p.neural @ state.neural,
            vessel=jnp.einsum("ist,it->is", p.haemodynamic, state.vessel) + p.inflow @ state.neural,
            neural_along=p.neural[1:, 1:] @ state.neural_along + injected_z,
            vessel_along=p.haemodynamic @ state.vessel_along + p.inflow[..., 1:] @ state.neural_along + injected_h,
            vessel_own=p.haemodynamic @ state.vessel_own
            + jnp.einsum("dist,it->isd", own.haemodynamic, state.vessel)
            + jnp.einsum("disc,c->isd", own.inflow, state.neural),
        )
        return moved, (volume, deoxy, rows)

    rest = _Sensitivity(
        neural=jnp.zeros(n + 1).at[0].set(1.0),
        vessel=jnp.zeros((n, 4)),
        neural_along=jnp.zeros((n, count)),
        vessel_along=jnp.zeros((n, 4, count)),
        vessel_own=jnp.zeros((n, 4, 2)),
    )
    _, series = jax.lax.scan(step, rest, timing.interval)
    volume, deoxy, rows = (_at_samples(one, timing) for one in series)
    prediction = bold_signal(volume, deoxy, parameters.epsilon, echo_time)
    _, _, along_epsilon = bold_gradient(volume, deoxy, parameters.epsilon, echo_time)
    return prediction, _columns(free, rows, along_epsilon)


def _columns(
    free: FreeParameters, rows: Float[Array, "scan region own"], along_epsilon: Float[Array, "scan region"]
) -> Float[Array, "scan region free"]:
    """Put the derivatives in the order of the free parameters."""
    count = len(free.to)
    jacobian = jnp.zeros((*along_epsilon.shape, free.total))
    jacobian = jacobian.at[..., np.array(free.neural, dtype=int)].set(rows[..., :count])
    region = np.array(free.transit_region, dtype=int)
    jacobian = jacobian.at[:, region, np.array(free.transit, dtype=int)].set(rows[:, region, count])
    for column in free.decay:
        jacobian = jacobian.at[..., column].set(rows[..., count + 1])
    for column in free.epsilon:
        jacobian = jacobian.at[..., column].set(along_epsilon)
    return jacobian


class _Sensitivity(eqx.Module):
    """The states and their derivatives, carried from step to step."""

    neural: Float[Array, "augmented"]  # [1; z]
    vessel: Float[Array, "region 4"]  # h
    neural_along: Float[Array, "region neural"]  # ∂z along A, B and C
    vessel_along: Float[Array, "region 4 neural"]  # ∂h along A, B and C
    vessel_own: Float[Array, "region 4 2"]  # ∂h_i along transit_i and decay


def _generators(form: BilinearForm, inputs: Float[Array, "interval input"]) -> Float[Array, "interval aug aug"]:
    """N(u) = [[0, 0], [drive·u, neural + Σ_j u_j modulation_j]] for every distinct input."""
    n = form.coupling.shape[0]
    neural = form.neural + jnp.einsum("abj,kj->kab", form.modulation, inputs)
    drive = inputs @ form.drive.T
    lower = jnp.concatenate([drive[..., None], neural], axis=-1)
    return jnp.concatenate([jnp.zeros((inputs.shape[0], 1, n + 1)), lower], axis=-2)


class _Along(NamedTuple):
    """Derivatives of a propagator along every connection b → a (b = 0 is the constant)."""

    neural: Float[Array, "region to source augmented"]
    inflow: Float[Array, "region 4 to source augmented"]


def _scaled(
    generator: Float[Array, "aug aug"],
    haemodynamic: Float[Array, "region 4 4"],
    coupling: Float[Array, "region"],
    duration: Float[Array, ""],
) -> tuple[Float[Array, ""], Int[Array, ""]]:
    """Step h = Δ / 2^s within the radius of the Taylor series, and s."""
    # ‖·‖_1 of the whole generator: a neural column feeds z and one signal, a haemodynamic one its own region. ‖·‖_∞ of
    # it is often smaller; either bounds the series.
    columns = jnp.maximum(
        (jnp.abs(generator).sum(axis=0)[1:] + jnp.abs(coupling)).max(), jnp.abs(haemodynamic).sum(axis=1).max()
    )
    columns = jnp.maximum(columns, jnp.abs(generator[:, 0]).sum())
    signal = jnp.abs(haemodynamic).sum(axis=2).at[:, 0].add(jnp.abs(coupling))
    rows = jnp.maximum(jnp.abs(generator).sum(axis=1).max(), signal.max())
    norm = jnp.minimum(columns, rows) * duration
    needed = jnp.ceil(jnp.log2(jnp.maximum(norm, TAYLOR_RADIUS) / TAYLOR_RADIUS))
    squarings = jnp.where(jnp.isfinite(needed), jnp.clip(needed, 0, MAX_SQUARINGS), 0).astype(jnp.int32)
    return duration * 0.5 ** jax.lax.stop_gradient(squarings), squarings


def _powers(
    generator: Float[Array, "aug aug"], haemodynamic: Float[Array, "region 4 4"], coupling: Float[Array, "region"]
) -> Propagator:
    """M^0 … M^TAYLOR_DEGREE by blocks, with a leading axis."""
    n = coupling.shape[0]

    def times(p: Propagator, _: None) -> tuple[Propagator, Propagator]:
        driven = (haemodynamic @ p.inflow).at[:, 0].add(coupling[:, None] * p.neural[1:])
        return Propagator(generator @ p.neural, driven, haemodynamic @ p.haemodynamic), p

    identity = Propagator(jnp.eye(n + 1), jnp.zeros((n, 4, n + 1)), jnp.broadcast_to(jnp.eye(4), (n, 4, 4)))
    return jax.lax.scan(times, identity, None, length=TAYLOR_DEGREE + 1)[1]


def _taylor(powers: Propagator) -> Propagator:
    factorial = jnp.array([1 / math.factorial(k) for k in range(TAYLOR_DEGREE + 1)])
    return jax.tree.map(lambda leaf: jnp.tensordot(factorial, leaf, 1), powers)


def _square(p: Propagator) -> Propagator:
    return Propagator(
        neural=p.neural @ p.neural,
        inflow=p.haemodynamic @ p.inflow + p.inflow @ p.neural,
        haemodynamic=p.haemodynamic @ p.haemodynamic,
    )


def _propagator(
    generator: Float[Array, "aug aug"],
    haemodynamic: Float[Array, "region 4 4"],
    coupling: Float[Array, "region"],
    duration: Float[Array, ""],
) -> Propagator:
    """The exponential over one step by scaling and squaring a Taylor series, block by block."""
    h, squarings = _scaled(generator, haemodynamic, coupling, duration)
    near = _taylor(_powers(h * generator, h * haemodynamic, h * coupling))
    return jax.lax.fori_loop(0, squarings, lambda _, p: _square(p), near)


def _propagator_with_derivatives(
    generator: Float[Array, "aug aug"],
    haemodynamic: Float[Array, "region 4 4"],
    coupling: Float[Array, "region"],
    directions: Float[Array, "2 region 4 4"],
    duration: Float[Array, ""],
) -> tuple[Propagator, _Along, Propagator]:
    """The propagator, its derivatives along each connection, and along each region's own transit and decay."""
    h, squarings = _scaled(generator, haemodynamic, coupling, duration)

    def near(moved: Array) -> tuple[Propagator, Propagator]:
        powers = _powers(h * generator, h * moved, h * coupling)
        return _taylor(powers), powers

    p, powers = near(haemodynamic)
    own = jax.vmap(lambda direction: jax.jvp(lambda H: near(H)[0], (haemodynamic,), (direction,))[1])(directions)
    order = np.arange(TAYLOR_DEGREE)
    series = np.array([[1 / math.factorial(i + j + 1) if i + j < TAYLOR_DEGREE else 0.0 for j in order] for i in order])
    past = h * jnp.tensordot(series, powers.neural[:-1], 1)  # Σ_j N^j / (i + j + 1)!: (power, source, augmented)
    along = _Along(
        neural=jnp.tensordot(powers.neural[:-1, 1:, 1:], past, ((0,), (0,))),
        inflow=jnp.tensordot(powers.inflow[:-1, ..., 1:], past, ((0,), (0,))),
    )

    def square(_: object, carry: tuple[Propagator, _Along, Propagator]) -> tuple[Propagator, _Along, Propagator]:
        p, along, own = carry
        into = p.inflow[..., 1:]
        return (
            _square(p),
            _Along(
                neural=jnp.tensordot(p.neural[1:, 1:], along.neural, 1) + along.neural @ p.neural,
                inflow=jnp.einsum("ist,itabc->isabc", p.haemodynamic, along.inflow)
                + jnp.tensordot(into, along.neural, 1)
                + along.inflow @ p.neural,
            ),
            jax.vmap(lambda d: jax.jvp(_square, (p,), (d,))[1])(own),
        )

    return jax.lax.fori_loop(0, squarings, square, (p, along, own))


def _haemodynamic_directions(parameters: Parameters) -> Float[Array, "2 region 4 4"]:
    """∂H_i/∂transit_i and ∂H_i/∂decay: regions do not share haemodynamic states, so all move at once."""
    along_transit = jax.jvp(
        lambda transit: haemodynamic_jacobian(transit, parameters.decay),
        (parameters.transit,),
        (jnp.ones_like(parameters.transit),),
    )[1]
    along_decay = jax.jvp(
        lambda decay: haemodynamic_jacobian(parameters.transit, decay),
        (parameters.decay,),
        (jnp.ones_like(parameters.decay),),
    )[1]
    return jnp.stack([along_transit, along_decay])


def _connection_weights(
    form: BilinearForm, free: FreeParameters, inputs: Float[Array, "interval input"]
) -> Float[Array, "interval neural"]:
    """∂N_ab/∂θ for every free A, B and C in every interval.

    1 for A and u for B off the diagonal; on it −½ e^A (1 + Σ u B) and −½ e^A u; u / 16 for C.
    """
    to, source, which = (np.array(x, dtype=int) for x in (free.to, free.source, free.input))
    u = jnp.where(which < 0, 1.0, inputs[:, which])
    self_connection = source == to + 1
    inhibition = jnp.diag(form.neural)[to]
    modulated = inhibition + jnp.einsum("abj,kj->kab", form.modulation, inputs)[:, to, to]
    on_diagonal = jnp.where(which < 0, modulated, inhibition * u)
    return jnp.where(source == 0, INPUT_SCALE * u, jnp.where(self_connection, on_diagonal, u))


def _at_samples(series: Float[Array, "step region *rest"], timing: Timing) -> Float[Array, "scan region *rest"]:
    """Read each region's series at the steps before which it is sampled."""
    return series[timing.sample, np.arange(series.shape[1])[None, :]]
