"""SPM's default integrator: the bilinear form is solved exactly between input changes and samples.

Inputs are constant within a step, so that a step is a matrix exponential (`_propagators`), of which a run needs only a
few distinct ones. Derivatives follow the same recursion (`_bilinear_sensitivity`); a parameter acts on it only through
what it injects: A, B and C through the connection that they scale, transit time and decay through the vessels of a
region.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._bilinear_sensitivity import connection_sensitivities, step_maps, vessel_sensitivities
from ._haemodynamics import bold_gradient, bold_signal
from ._linear import BilinearForm, bilinear_form, haemodynamic_jacobian
from ._neural import INPUT_SCALE
from ._propagators import step_generators, step_propagators, to_rest, trajectory
from ._spec import Layout, Parameters


class Timing(eqx.Module):
    """A `Schedule` on the device; padded steps repeat interval 0 and padded scans are read before step 0."""

    inputs: Float[Array, "interval input"]
    durations: Float[Array, "interval"]  # s
    interval: Int[Array, "step"]
    sample: Int[Array, "scan region"]
    last: Bool[Array, "interval"] | None = None  # whether a run ends with it; None where there is one run


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
    generator = step_generators(form, timing.inputs)
    over_step = to_rest(step_propagators(form, generator, timing.durations), timing.last)
    _, h = trajectory(over_step, timing.interval)
    volume, deoxy = _at_samples(h[..., 2], timing), _at_samples(h[..., 3], timing)
    return bold_signal(volume, deoxy, epsilon, echo_time)


def predict_with_jacobian(
    parameters: Parameters, free: FreeParameters, timing: Timing, echo_time: Float[Array, ""]
) -> tuple[Float[Array, "scan region"], Float[Array, "scan region free"]]:
    """The prediction and its exact derivatives along the free parameters, for one participant."""
    form = bilinear_form(parameters)
    generator = step_generators(form, timing.inputs)
    maps = step_maps(form, _haemodynamic_directions(parameters), generator, timing.durations, timing.last)
    z, h = trajectory(maps.whole, timing.interval)
    by_volume, by_deoxy, _ = bold_gradient(h[..., 2], h[..., 3], parameters.epsilon, echo_time)

    slots = parameters_by_target(free.to, parameters.transit.shape[0])
    present = slots >= 0
    weight = jnp.pad(_connection_weights(form, free, timing.inputs), ((0, 0), (0, 1)))[:, slots]  # 0 at -1
    source = np.append(np.array(free.source, dtype=int), 0)[slots]
    along = connection_sensitivities(maps, source, weight, timing.interval, z, (by_volume, by_deoxy))
    own = vessel_sensitivities(maps, timing.interval, (z, h))
    along_own = by_volume[..., None] * own[..., 2, :] + by_deoxy[..., None] * own[..., 3, :]

    volume, deoxy = _at_samples(h[..., 2], timing), _at_samples(h[..., 3], timing)
    prediction = bold_signal(volume, deoxy, parameters.epsilon, echo_time)
    _, _, along_epsilon = bold_gradient(volume, deoxy, parameters.epsilon, echo_time)
    # In the order of the free parameters; columns that are not of connections are read anywhere and then overwritten.
    place = np.zeros(free.total, dtype=int)
    place[np.array(free.neural, dtype=int)[slots[present]]] = np.flatnonzero(present)
    jacobian = _at_samples(along, timing, place)
    own_at_samples = _at_samples(along_own, timing)
    transit = own_at_samples[..., :1] * np.eye(present.shape[0])[:, list(free.transit_region)]
    jacobian = jacobian.at[..., list(free.transit)].set(transit)
    jacobian = jacobian.at[..., list(free.decay)].set(own_at_samples[..., 1:])
    return prediction, jacobian.at[..., list(free.epsilon)].set(along_epsilon[..., None])


def parameters_by_target(to: Sequence[int], n: int) -> Int[np.ndarray, "region slot"]:
    """The parameters that act on each region, by their numbers; -1 where a region has fewer than another."""
    acting = [[k for k, target in enumerate(to) if target == region] for region in range(n)]
    width = max(1, *map(len, acting))
    return np.array([found + [-1] * (width - len(found)) for found in acting])


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


def _at_samples(
    series: Float[Array, "step region *rest"], timing: Timing, columns: np.ndarray | None = None
) -> Float[Array, "scan region *rest"]:
    """Read each region's series, or columns of it, at the steps before which it is sampled."""
    region = np.arange(series.shape[1])
    read = series[timing.sample, region]
    return read if columns is None else jnp.take(read, columns, axis=-1, mode="clip")
