"""Venous volume v and deoxyhaemoglobin q of every region, driven by the blood flow f into it (Stephan et al. 2007):

    τ dv/dt = f − v^β,    τ dq/dt = f E(f) / E0 − v^(β−1) q,    E(f) = 1 − (1 − E0)^(1/f),    β = 1/α.

Given f, only v is nonlinear, and every region is on its own. Steps are cut into panels, on which v and q are collocated
at the four Gauss–Lobatto nodes (Lobatto IIIA of order 6): three unknowns, solved in closed form. All panels of a run
are solved at once by Newton's method on the whole trajectory, each iteration of which is a linear equation in time;
since v^β is convex, the iterates come down on the solution from above and cannot fail.

Arrays are (panel, region, step), in lists of four where they have a value at every node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._collocation import integration, lobatto_nodes
from ._haemodynamics import EXTRACTION, STIFFNESS

PANEL_NODES = 4  # of a panel
BETA = 1 / STIFFNESS
NEWTON_STEPS = 25  # 4 are enough for usual activity
NEWTON_CHANGE = 1e-6  # convergence is quadratic: a change below this leaves an error of its square
SMALLEST_VOLUME = 1e-3

_LOBATTO = integration(lobatto_nodes(PANEL_NODES), lobatto_nodes(PANEL_NODES)[1:])  # (unknown node, node)
_UNKNOWN = range(PANEL_NODES - 1)

Values = Float[Array, "panel region step"]
Nodes = Sequence[Values]
PerStep = Float[Array, "region step"]
T = TypeVar("T")


class Vessels(NamedTuple):
    """What the sensitivities need of a solution."""

    flow: Nodes  # f
    volume: Nodes  # v
    deoxy: Nodes  # q
    rate: Nodes  # v^(β−1)
    extraction: Nodes  # f E(f) / E0
    inverse: list[list[Values]]  # of the collocated equation of q
    converged: Bool[Array, ""]


class StepRows(NamedTuple):
    """How v and q after a step move with v and q before it, with f at the panels' nodes, and with ln τ.

    `flow` is (v or q, region, step, node and panel); the others are (region, step).
    """

    volume: PerStep  # ∂v/∂v
    deoxy: PerStep  # ∂q/∂q
    deoxy_by_volume: PerStep  # ∂q/∂v
    flow: Float[Array, "2 region step panelnode"]
    transit: Float[Array, "2 region step"]


def solve_vessels(
    flow: Nodes, h: PerStep, wanted: Bool[Array, "step"], last: Bool[Array, "step"] | None = None
) -> Vessels:
    """v and q at every node.

    Arguments:
        flow: f > 0 at the nodes of the panels.
        h: length of a panel over τ.
        wanted: the steps whose values will be read, the only ones that Newton's method attends to.
        last: the steps after which the vessels are at rest, since a run ends; None where there is one run.
    """

    def newton(rate: Nodes, volume: Nodes) -> list[Values]:
        source = [f + (BETA - 1) * r * v for f, r, v in zip(flow, rate, volume, strict=True)]
        return _solve(_inverse([BETA * r for r in rate], h), [BETA * r for r in rate], source, h, last)

    def iterate(carry: tuple[Array, Array, list[Values]]) -> tuple[Array, Array, list[Values]]:
        count, _, volume = carry
        moved = newton([_outflow_rate(v) for v in volume], volume)
        moved = _computed_once([jnp.maximum(v, SMALLEST_VOLUME) for v in moved])
        change = jnp.where(wanted, jnp.abs(moved[-1] - volume[-1]), 0.0).max()
        return count + 1, change, moved

    rest = [jnp.ones_like(f) for f in flow]
    _, change, volume = jax.lax.while_loop(
        lambda carry: (carry[0] < NEWTON_STEPS) & (carry[1] > NEWTON_CHANGE),
        iterate,
        (
            jnp.asarray(0),
            jnp.asarray(jnp.inf),
            _computed_once([jnp.maximum(v, SMALLEST_VOLUME) for v in newton(rest, rest)]),
        ),
    )
    rate = _computed_once([_outflow_rate(v) for v in volume])
    extraction = _computed_once([f * _extracted(f) for f in flow])
    inverse = _inverse(rate, h)
    deoxy = _computed_once(_solve(inverse, rate, extraction, h, last))
    return Vessels(flow, volume, deoxy, rate, extraction, inverse, change <= NEWTON_CHANGE)


def step_rows(vessels: Vessels, h: PerStep) -> StepRows:
    """The derivatives of every step, panel by panel backwards from its end.

    With M the collocated equation of a panel, the last row of M^-1 says what a source at a node leaves in its end;
    q also sees f by way of v at the nodes.
    """
    flow, volume, deoxy, rate, extraction, inverse_q, _ = vessels
    inverse_v = _inverse([BETA * r for r in rate], h)
    net_v = _computed_once([f - r * v for f, r, v in zip(flow, rate, volume, strict=True)])
    net_q = _computed_once([e - r * q for e, r, q in zip(extraction, rate, deoxy, strict=True)])
    start_v, start_q = _start_gain([BETA * r for r in rate], h), _start_gain(rate, h)

    v_source = _computed_once(_by_source(inverse_v[-1], h))  # ∂v/∂f at the nodes, directly
    q_source = _computed_once(_by_source(inverse_q[-1], h))
    q_volume = [
        -s * (BETA - 1) * r * q / v for s, r, q, v in zip(q_source, rate, deoxy, volume, strict=True)
    ]  # ∂q/∂v at the nodes
    through = _computed_once([_dot(q_volume[1:], [inverse_v[k][j] for k in _UNKNOWN]) for j in _UNKNOWN])
    through_source = _computed_once(_by_source(through, h))
    q_flow = [s * _extraction_slope(f) + w for s, f, w in zip(q_source, flow, through_source, strict=True)]
    v_transit = -_dot(v_source, net_v)
    q_transit = -_dot(q_source, net_q) - _dot(through_source, net_v)
    gains = _computed_once(
        (_dot(inverse_v[-1], start_v), _dot(inverse_q[-1], start_q), q_volume[0] + _dot(through, start_v))
    )

    def earlier(
        after: tuple[PerStep, PerStep, PerStep], gain: tuple[PerStep, PerStep, PerStep]
    ) -> tuple[tuple[PerStep, PerStep, PerStep], tuple[PerStep, PerStep, PerStep]]:
        (vv, qq, qv), (v, q, cross) = after, gain
        return (vv * v, qq * q, qv * v + qq * cross), after

    ones = jnp.ones_like(h)
    whole, (vv, qq, qv) = jax.lax.scan(earlier, (ones, ones, jnp.zeros_like(h)), gains, reverse=True)
    by_flow = [[vv * x for x in v_source], [qq * y + qv * x for x, y in zip(v_source, q_flow, strict=True)]]
    region, step = h.shape
    joined = [
        jnp.concatenate(_computed_once(x)).reshape(-1, region * step).T.reshape(region, step, -1) for x in by_flow
    ]
    transit = jnp.stack([(vv * v_transit).sum(axis=0), (qq * q_transit + qv * v_transit).sum(axis=0)])
    return StepRows(*whole, jnp.stack(joined), transit)


def _outflow_rate(volume: Values) -> Values:
    """v^(β−1) = v^(2 + 1/8) by square roots, several times faster than a power."""
    return volume * volume * jnp.sqrt(jnp.sqrt(jnp.sqrt(volume)))


def _extracted(flow: Values) -> Values:
    """E(f) / E0."""
    return -jnp.expm1(np.log1p(-EXTRACTION) / flow) / EXTRACTION


def _extraction_slope(flow: Values) -> Values:
    """d(f E(f) / E0) / df."""
    exponent = np.log1p(-EXTRACTION) / flow
    return (1 - jnp.exp(exponent) * (1 - exponent)) / EXTRACTION


def _inverse(rate: Nodes, h: PerStep) -> list[list[Values]]:
    """(I + h A diag(rate))^-1 over the unknown nodes of every panel, by cofactors."""
    matrix = [[h * _LOBATTO[k, j + 1] * rate[j + 1] + float(k == j) for j in _UNKNOWN] for k in _UNKNOWN]
    (a, b, c), (d, e, f), (g, i, j) = matrix
    first, second, third = e * j - f * i, f * g - d * j, d * i - e * g
    over = 1 / (a * first + b * second + c * third)
    return _computed_once(
        [
            [first * over, (c * i - b * j) * over, (b * f - c * e) * over],
            [second * over, (a * j - c * g) * over, (c * d - a * f) * over],
            [third * over, (b * g - a * i) * over, (a * e - b * d) * over],
        ]
    )


def _solve(
    inverse: list[list[Values]], rate: Nodes, source: Nodes, h: PerStep, last: Bool[Array, "step"] | None
) -> list[Values]:
    """x at the nodes, x(0) = 1 at the beginning of every run, of τ dx/dt = source − rate · x."""
    start = _start_gain(rate, h)
    driven = _computed_once([h * _dot(list(_LOBATTO[k]), source) for k in _UNKNOWN])
    gain, add = _computed_once(
        ([_dot(inverse[k], start) for k in _UNKNOWN], [_dot(inverse[k], driven) for k in _UNKNOWN])
    )
    first = _along_panels(gain[-1], add[-1], last)
    return [first, *(g * first + a for g, a in zip(gain, add, strict=True))]


def _start_gain(rate: Nodes, h: PerStep) -> list[Values]:
    """What x at the start of a panel contributes to the right-hand sides."""
    return [1 - h * _LOBATTO[k, 0] * rate[0] for k in _UNKNOWN]


def _by_source(row: Sequence[Values], h: PerStep) -> list[Values]:
    """A row over the unknowns as a row over the sources at all four nodes."""
    return [h * _dot(row, list(_LOBATTO[:, j])) for j in range(PANEL_NODES)]


def _along_panels(gain: Values, add: Values, last: Bool[Array, "step"] | None) -> Values:
    """x before every panel, of x ← gain · x + add from x = 1, and from 1 again after the `last` step of a run."""

    def compose(
        before: tuple[Array, Array], panel: tuple[Array, Array]
    ) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        (g, a), (gain, add) = before, panel
        return (gain * g, gain * a + add), before

    none = (jnp.ones(gain.shape[1:]), jnp.zeros(gain.shape[1:]))
    whole, (gains, adds) = jax.lax.scan(compose, none, (gain, add))
    if last is not None:
        whole = (jnp.where(last, 0.0, whole[0]), jnp.where(last, 1.0, whole[1]))

    def step(x: Array, whole: tuple[Array, Array]) -> tuple[Array, Array]:
        return whole[0] * x + whole[1], x

    _, starts = jax.lax.scan(step, jnp.ones(gain.shape[1]), (whole[0].T, whole[1].T))
    return gains * starts.T + adds


def _dot(left: Sequence[Values | float], right: Sequence[Values | float]) -> Values:
    return jnp.asarray(sum(x * y for x, y in zip(left, right, strict=True)))


def _computed_once(values: T) -> T:
    """Keep the compiler from computing these again wherever they are used, which costs it and us much."""
    kept: T = jax.lax.optimization_barrier(values)  # type: ignore[no-untyped-call] # JAX leaves it untyped
    return kept
