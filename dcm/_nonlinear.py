"""The nonlinear integrator: the full equations, which the bilinear integrator linearises.

Where no connection is gated, only the last two states of a region are nonlinear. Neural activity, vasodilatory signal
and flow are carried on exactly from step to step (`_inflow`); flow within a step is the polynomial through its exact
values at Gauss–Lobatto nodes; volume and deoxyhaemoglobin follow from it on short panels (`_balloon`). The prediction
is right to about 1e-7 of its range, and the Jacobian to as much of its largest entry, where neural rates are below
1/s or so. Steps are not halved for faster ones: at 5 rad/s, in steps of 2.4 s, the errors are 5e-6 and 2e-3.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._balloon import PANEL_NODES, Vessels, solve_vessels, step_rows
from ._bilinear import FreeParameters, Timing, parameters_by_target
from ._collocation import interpolation, lobatto_nodes
from ._gating import GatedRun, GatingParameters, Response, responses, solve_gated
from ._haemodynamics import TRANSIT, bold_gradient, bold_signal
from ._inflow import FLOW, SIGNAL, Inflow, InflowPropagator, generators, inflow, propagators
from ._inflow_sensitivity import Steps, carry_sensitivities, connection_weights, inflow_step_maps
from ._spec import Parameters

LOWEST_FLOW, HIGHEST_FLOW = 1e-3, 1e3  # of that at rest; outside, the equations have broken down


def predict_nonlinear(
    parameters: Parameters, timing: Timing, echo_time: Float[Array, ""], panels: int, targets: tuple[int, ...] = ()
) -> Float[Array, "scan region"]:
    """BOLD of every region at every scan, percent, for one participant.

    It is NaN once flow has ceased or run away, and altogether where gated activity runs away.

    Arguments:
        panels: into how many each step is cut (`Schedule`).
        targets: regions into which connections are gated; elsewhere D is not read.
    """
    run = _integrate(parameters, timing, panels, targets)
    volume, deoxy = _sampled(run, timing)
    return bold_signal(volume, deoxy, parameters.epsilon, echo_time)


def predict_nonlinear_with_jacobian(
    parameters: Parameters,
    free: FreeParameters,
    timing: Timing,
    echo_time: Float[Array, ""],
    panels: int,
    targets: tuple[int, ...] = (),
    gates: GatingParameters = GatingParameters(),  # noqa: B008 - immutable
) -> tuple[Float[Array, "scan region"], Float[Array, "scan region free"]]:
    """The prediction and its derivatives along the free parameters, D among them as `gates`."""
    run = _integrate(parameters, timing, panels, targets)
    rows = step_rows(run.vessels, run.h)
    volume, deoxy = run.vessels.volume[0][0].T, run.vessels.deoxy[0][0].T  # before every step
    by_volume, by_deoxy, _ = bold_gradient(jnp.log(volume), jnp.log(deoxy), parameters.epsilon, echo_time)
    slots = parameters_by_target((*free.to, *gates.to), parameters.transit.shape[0])
    drive = _drive(parameters, free, gates, timing, run)
    steps = Steps(
        interval=timing.interval,
        drive=jnp.pad(drive, ((0, 0), (0, 0), (0, 1)))[..., slots],  # nothing at -1
        signal=run.states.vessel[:, :, SIGNAL],
        by_flow=jnp.moveaxis(rows.flow @ run.to_panels, 2, 0),
        transit=jnp.moveaxis(rows.transit, 2, 0),
        gains=(rows.volume.T, rows.deoxy.T, rows.deoxy_by_volume.T),
        gradient=(by_volume / volume, by_deoxy / deoxy),
        gating=None if run.gated is None else run.gated.gating,
        last=None if timing.last is None else timing.last[timing.interval],
    )
    maps = inflow_step_maps(timing, run.nodes, run.propagator, run.response)
    along = carry_sensitivities(parameters.decay, targets, maps, run.nodes, steps)

    log_volume, log_deoxy = _sampled(run, timing)
    prediction = bold_signal(log_volume, log_deoxy, parameters.epsilon, echo_time)
    _, _, along_epsilon = bold_gradient(log_volume, log_deoxy, parameters.epsilon, echo_time)
    # In the order of the free parameters; columns that are not of connections are read anywhere and then overwritten.
    place = np.zeros(free.total, dtype=int)
    place[np.array((*free.neural, *gates.columns), dtype=int)[slots[slots >= 0]]] = np.flatnonzero(slots >= 0)
    jacobian = along[timing.sample[..., None], np.arange(slots.shape[0])[:, None], place]
    decay, transit = _at_samples(along[..., -2], timing), _at_samples(along[..., -1], timing)
    own = np.eye(slots.shape[0])[:, list(free.transit_region)]
    jacobian = jacobian.at[..., list(free.transit)].set(transit[..., None] * own)
    jacobian = jacobian.at[..., list(free.decay)].set(decay[..., None])
    return prediction, jacobian.at[..., list(free.epsilon)].set(along_epsilon[..., None])


def _drive(
    parameters: Parameters, free: FreeParameters, gates: GatingParameters, timing: Timing, run: _Run
) -> Float[Array, "step node acting"]:
    """∂(dz/dt)/∂θ at the nodes, in the region that each A, B, C and D acts on."""
    neural = run.states.neural
    to, source = np.array(free.to, dtype=int), np.array(free.source, dtype=int)
    drive = neural[..., source] * connection_weights(parameters, free, timing.inputs)[timing.interval][:, None]
    if run.gated is None:
        return drive
    drive = drive * jnp.where(source == to + 1, run.gated.gain[..., to], 1.0)
    into, source, gate = (np.array(which, dtype=int) for which in (gates.to, gates.source, gates.gate))
    inhibition = run.inhibition[timing.interval][:, None, into] * run.gated.gain[..., into]
    scale = jnp.where(into == source, inhibition, 1.0)
    return jnp.concatenate([drive, scale * neural[..., 1 + source] * neural[..., 1 + gate]], axis=-1)


class _Run(NamedTuple):
    """All states of a run, and what they were found with."""

    nodes: Float[np.ndarray, "node"]  # of a step of length 1
    to_panels: Float[np.ndarray, "panelnode node"]  # a polynomial's values at the nodes of all panels
    propagator: InflowPropagator
    inhibition: Float[Array, "interval region"]  # self-inhibition without gating, Hz
    response: Response | None
    gated: GatedRun | None
    states: Inflow
    h: Float[Array, "region step"]  # length of a panel over the transit time
    vessels: Vessels
    broken: Bool[Array, "step"]  # whether the equations have broken down before a step


def _integrate(parameters: Parameters, timing: Timing, panels: int, targets: tuple[int, ...]) -> _Run:
    nodes = lobatto_nodes(5 + (panels + 1) // 2)
    to_panels = _to_panels(nodes, panels)
    generator = generators(parameters, timing.inputs)
    inhibition = jnp.diagonal(generator, axis1=1, axis2=2)[:, 1:]
    propagator = propagators(generator, parameters.decay, timing.durations, nodes)
    response, gated = None, None
    if targets:
        response = responses(propagator, timing.durations, nodes)
        gated = solve_gated(parameters, targets, timing, inhibition, propagator, response)
    states = inflow(propagator, timing.interval, timing.last) if gated is None else gated.states
    flow = 1 + jnp.einsum("kq,tqi->kit", to_panels, states.vessel[:, :, FLOW])
    sound = (flow > LOWEST_FLOW) & (flow < HIGHEST_FLOW)
    flow = jnp.where(sound, flow, 1.0)
    h = timing.durations[timing.interval] / panels / (TRANSIT * jnp.exp(parameters.transit))[:, None]
    wanted = jnp.arange(timing.interval.shape[0]) < timing.sample.max()
    last = None if timing.last is None else timing.last[timing.interval]
    vessels = solve_vessels([flow[j * panels : (j + 1) * panels] for j in range(PANEL_NODES)], h, wanted, last)
    ended = jnp.cumsum(~sound.all(axis=(0, 1))) > 0
    broken = jnp.concatenate([jnp.zeros(1, dtype=bool), ended[:-1]]) | ~vessels.converged
    if gated is not None:
        broken = broken | ~gated.converged
    return _Run(nodes, to_panels, propagator, inhibition, response, gated, states, h, vessels, broken)


def _to_panels(nodes: Float[np.ndarray, "node"], panels: int) -> Float[np.ndarray, "panelnode node"]:
    """Interpolation from the nodes of a step to those of its panels: all first nodes, then all second, …"""
    within = lobatto_nodes(PANEL_NODES)
    return interpolation(nodes, ((np.arange(panels) + within[:, None]) / panels).ravel())


def _sampled(run: _Run, timing: Timing) -> tuple[Float[Array, "scan region"], Float[Array, "scan region"]]:
    """ln v and ln q of every region when it is sampled."""
    volume = jnp.where(run.broken[:, None], jnp.nan, jnp.log(run.vessels.volume[0][0].T))
    return _at_samples(volume, timing), _at_samples(jnp.log(run.vessels.deoxy[0][0].T), timing)


def _at_samples(series: Float[Array, "step region"], timing: Timing) -> Float[Array, "scan region"]:
    """Read each region's series at the steps before which it is sampled."""
    return series[timing.sample, np.arange(series.shape[1])]
