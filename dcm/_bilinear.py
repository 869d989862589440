"""SPM's default integrator: the bilinear form is solved exactly between input changes and samples.

Within a step the inputs are constant, so [1; x] is carried on by a matrix exponential. It is built from blocks: the
neural block drives the haemodynamics of each region and not the reverse,

    [1; z](t + Δ) = Φ [1; z],    h_i(t + Δ) = Λ_i h_i + Ψ_i [1; z].

Sensitivities follow the same recursion with one more term. A parameter that scales the connection b → a injects z_b into
z_a; what has arrived after a step is ∂(Φ, Ψ)/∂N_ab [1; z], the same for A and for every B of that connection. So one
derivative of the propagator per connection and distinct step serves all parameters (Van Loan 1978).
"""

from __future__ import annotations

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

TAYLOR_DEGREE = 12
TAYLOR_RADIUS = 0.35  # 0.35^13 / 13! = 2e-16: the series is exact to rounding within this norm
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
        index: position of each free parameter in `Layout`, in the order of the Jacobian's columns.
        to, source: for each free neural parameter, the region it acts on and what it injects: 0 is the constant (C),
            1 + j is region j (A and B).
        input: the input that scales it, -1 for A.
        connections: the distinct (to, source) pairs.
        connection: for each free neural parameter, its row in `connections`.
        columns_neural, columns_transit, column_decay, column_epsilon: their columns in the Jacobian.
    """

    index: tuple[int, ...]
    to: tuple[int, ...]
    source: tuple[int, ...]
    input: tuple[int, ...]
    connections: tuple[tuple[int, int], ...]
    connection: tuple[int, ...]
    columns_neural: tuple[int, ...]
    columns_transit: tuple[tuple[int, int], ...]
    column_decay: int | None
    column_epsilon: int | None


def free_parameters(layout: Layout, index: tuple[int, ...]) -> FreeParameters:
    """Sort the free parameters of a model by what they do."""
    n, sizes = layout.n, layout.sizes
    starts = {field: layout.field_slice(field).start for field in sizes}
    neural: list[tuple[int, int, int, int]] = []  # column, to, source, input
    transit: list[tuple[int, int]] = []  # column, region
    special: dict[str, int] = {}
    for column, entry in enumerate(index):
        field = next(name for name in reversed(sizes) if sizes[name] and entry >= starts[name])
        offset = entry - starts[field]
        if field == "A":
            neural.append((column, offset % n, 1 + offset // n, -1))
        elif field == "B":
            neural.append((column, offset % n, 1 + offset // n % n, offset // n**2))
        elif field == "C":
            neural.append((column, offset % n, 0, offset // n))
        elif field == "transit":
            transit.append((column, offset))
        elif field == "D":
            raise ValueError(
                "gating (D) vanishes in the bilinear integrator, which is linear in the states; "
                "use integrator='nonlinear' or switch D off"
            )
        else:
            special[field] = column
    pairs = [(to, source) for _, to, source, _ in neural]
    connections = tuple(sorted(set(pairs)))
    return FreeParameters(
        index=index,
        to=tuple(row[1] for row in neural),
        source=tuple(row[2] for row in neural),
        input=tuple(row[3] for row in neural),
        connections=connections,
        connection=tuple(connections.index(pair) for pair in pairs),
        columns_neural=tuple(row[0] for row in neural),
        columns_transit=tuple(transit),
        column_decay=special.get("decay"),
        column_epsilon=special.get("epsilon"),
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
    form = bilinear_form(parameters)
    generators = _generators(form, timing.inputs)
    sensitivity = jax.vmap(_propagator_with_derivatives, in_axes=(0, None, None, None, 0, None))(
        generators,
        form.haemodynamic,
        form.coupling,
        _haemodynamic_directions(parameters),
        timing.durations,
        free.connections,
    )
    weight = _connection_weights(form, free, timing.inputs)
    connection = np.array(free.connection, dtype=int)

    def step(state: _Sensitivity, interval: Array) -> tuple[_Sensitivity, tuple[Array, Array, Array]]:
        p, along_connection, along_vessel = jax.tree.map(lambda leaf: leaf[interval], sensitivity)
        injected_neural = (along_connection.neural @ state.neural)[connection].T * weight[interval]
        injected_vessel = jnp.einsum("pist,t->isp", along_connection.inflow, state.neural)[..., connection]
        along_z = p.inflow[..., 1:]
        moved = _Sensitivity(
            neural=p.neural @ state.neural,
            vessel=jnp.einsum("ist,it->is", p.haemodynamic, state.vessel) + p.inflow @ state.neural,
            neural_along=p.neural[1:, 1:] @ state.neural_along + injected_neural[1:],
            vessel_along=jnp.einsum("ist,itp->isp", p.haemodynamic, state.vessel_along)
            + jnp.einsum("isj,jp->isp", along_z, state.neural_along)
            + injected_vessel * weight[interval],
            vessel_along_own=jnp.einsum("ist,itp->isp", p.haemodynamic, state.vessel_along_own)
            + jnp.einsum("pist,it->isp", along_vessel.haemodynamic, state.vessel)
            + jnp.einsum("pist,t->isp", along_vessel.inflow, state.neural),
        )
        volume, deoxy = state.vessel[:, 2], state.vessel[:, 3]
        by_volume, by_deoxy, _ = bold_gradient(volume, deoxy, parameters.epsilon, echo_time)
        along = jnp.concatenate([state.vessel_along[:, 2:], state.vessel_along_own[:, 2:]], axis=-1)
        rows = by_volume[:, None] * along[:, 0] + by_deoxy[:, None] * along[:, 1]
        return moved, (volume, deoxy, rows)

    rest = _Sensitivity(
        neural=jnp.zeros(n + 1).at[0].set(1.0),
        vessel=jnp.zeros((n, 4)),
        neural_along=jnp.zeros((n, count)),
        vessel_along=jnp.zeros((n, 4, count)),
        vessel_along_own=jnp.zeros((n, 4, 2)),
    )
    _, (volume, deoxy, rows) = jax.lax.scan(step, rest, timing.interval)
    volume, deoxy, rows = (_at_samples(series, timing) for series in (volume, deoxy, rows))
    prediction = bold_signal(volume, deoxy, parameters.epsilon, echo_time)
    _, _, along_epsilon = bold_gradient(volume, deoxy, parameters.epsilon, echo_time)

    jacobian = jnp.zeros((*prediction.shape, len(free.index)))
    jacobian = jacobian.at[..., np.array(free.columns_neural, dtype=int)].set(rows[..., :count])
    for column, region in free.columns_transit:
        jacobian = jacobian.at[:, region, column].set(rows[:, region, count])
    if free.column_decay is not None:
        jacobian = jacobian.at[..., free.column_decay].set(rows[..., count + 1])
    if free.column_epsilon is not None:
        jacobian = jacobian.at[..., free.column_epsilon].set(along_epsilon)
    return prediction, jacobian


class _Sensitivity(eqx.Module):
    """The states and their derivatives, carried from step to step."""

    neural: Float[Array, "augmented"]  # [1; z]
    vessel: Float[Array, "region 4"]  # h
    neural_along: Float[Array, "region neural"]  # ∂z along A, B and C
    vessel_along: Float[Array, "region 4 neural"]  # ∂h along A, B and C
    vessel_along_own: Float[Array, "region 4 2"]  # ∂h_i along transit_i and decay


def _generators(form: BilinearForm, inputs: Float[Array, "interval input"]) -> Float[Array, "interval aug aug"]:
    """N(u) = [[0, 0], [drive·u, neural + Σ_j u_j modulation_j]] for every distinct input."""
    n = form.coupling.shape[0]
    neural = form.neural + jnp.einsum("abj,kj->kab", form.modulation, inputs)
    drive = inputs @ form.drive.T
    lower = jnp.concatenate([drive[..., None], neural], axis=-1)
    return jnp.concatenate([jnp.zeros((inputs.shape[0], 1, n + 1)), lower], axis=-2)


def _propagator(
    generator: Float[Array, "aug aug"],
    haemodynamic: Float[Array, "region 4 4"],
    coupling: Float[Array, "region"],
    duration: Float[Array, ""],
) -> Propagator:
    """The exponential over one step by scaling and squaring a Taylor series, block by block."""
    n = coupling.shape[0]
    into_signal = jnp.zeros((n, 4, n)).at[np.arange(n), 0, np.arange(n)].set(coupling)
    # ‖·‖_1 of the whole matrix, column by column: a neural column feeds z and one signal; a haemodynamic one its region.
    neural_norm = jnp.abs(generator).sum(axis=0).max() + jnp.abs(coupling).max()
    norm = jnp.maximum(neural_norm, jnp.abs(haemodynamic).sum(axis=1).max()) * duration
    exact = jnp.ceil(jnp.log2(jnp.maximum(norm, TAYLOR_RADIUS) / TAYLOR_RADIUS))
    squarings = jnp.where(jnp.isfinite(exact), jnp.clip(exact, 0, MAX_SQUARINGS), 0).astype(jnp.int32)
    h = duration * 0.5 ** jax.lax.stop_gradient(squarings)
    N, H, G = h * generator, h * haemodynamic, h * into_signal

    def horner(power: int, p: Propagator) -> Propagator:
        k = TAYLOR_DEGREE - power
        return Propagator(
            neural=jnp.eye(n + 1) + N @ p.neural / k,
            inflow=(H @ p.inflow + G @ p.neural[1:]) / k,
            haemodynamic=jnp.eye(4) + H @ p.haemodynamic / k,
        )

    def square(_: int, p: Propagator) -> Propagator:
        return Propagator(
            neural=p.neural @ p.neural,
            inflow=p.haemodynamic @ p.inflow + p.inflow @ p.neural,
            haemodynamic=p.haemodynamic @ p.haemodynamic,
        )

    identity = Propagator(jnp.eye(n + 1), jnp.zeros((n, 4, n + 1)), jnp.broadcast_to(jnp.eye(4), (n, 4, 4)))
    near = jax.lax.fori_loop(0, TAYLOR_DEGREE, horner, identity)
    return jax.lax.fori_loop(0, squarings, square, near)


def _propagator_with_derivatives(
    generator: Float[Array, "aug aug"],
    haemodynamic: Float[Array, "region 4 4"],
    coupling: Float[Array, "region"],
    directions: Float[Array, "2 region 4 4"],
    duration: Float[Array, ""],
    connections: tuple[tuple[int, int], ...],
) -> tuple[Propagator, Propagator, Propagator]:
    """The propagator, its derivatives along each connection, and along each region's own transit and decay."""
    n = coupling.shape[0]
    to, source = np.array(connections, dtype=int).reshape(-1, 2).T
    unit = jnp.zeros((len(connections), n + 1, n + 1)).at[np.arange(to.size), to + 1, source].set(1.0)

    def of_generator(moved: Array) -> Propagator:
        return _propagator(moved, haemodynamic, coupling, duration)

    def of_haemodynamics(moved: Array) -> Propagator:
        return _propagator(generator, moved, coupling, duration)

    propagator = of_generator(generator)
    along_connection = jax.vmap(lambda unit: jax.jvp(of_generator, (generator,), (unit,))[1])(unit)
    along_vessel = jax.vmap(lambda d: jax.jvp(of_haemodynamics, (haemodynamic,), (d,))[1])(directions)
    return propagator, along_connection, along_vessel


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
