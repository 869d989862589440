"""What the parts of an iteration cost on one core, beside their floors: ``python -m benchmarks._stages TASK``.

A participant's iteration is the prediction with its Jacobian; sums over scans, the noise and F; and the flow step. Each
is timed at the point that an inversion has reached after a few iterations, in processor time and at its fastest, so
that what others do on the machine hardly counts.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from threadpoolctl import threadpool_limits

from dcm import _laplace as laplace
from dcm._batch import Batch
from dcm._flow import flow_step
from dcm._forward import ForwardModel
from dcm._runtime import accepted_options
from dcm._scheduler import ExecutionPlan, Worker, plan_execution

from . import _floor as floor
from ._case import ENDLESS, one_batch, size_of, wait
from ._models import SCANS, cohort
from ._process import report

ITERATIONS = 6  # before anything is timed, so that the point is a typical one
REPEATS, ENOUGH_S = 40, 6.0
TASKS = 64  # as many slots as a cohort of so many has


class RecordedPrediction(NamedTuple):
    """Stands in for a forward model: what it gave at one point."""

    prediction: Float[Array, "scan region"]
    jacobian: Float[Array, "scan region free"]

    def predict_with_jacobian(self, *_: object) -> tuple[Array, Array]:
        """What was recorded, whatever the parameters."""
        return self.prediction, self.jacobian


def main() -> None:
    """Do what the task in the first argument says, on one core where the system lets a process choose."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before JAX starts its threads
    report(run(json.loads(sys.argv[1])))


def run(task: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each part and one for the whole: processor ms of one participant, and the floor's share of them."""
    batch = one_batch(cohort(task["regions"], 2, task.get("scans", SCANS)), ENDLESS)
    size = size_of(batch)
    with threadpool_limits(1, user_api="blas"):
        taken = stage_ms(batch, task.get("seats") or plan_execution(batch, TASKS).slots)
        speed = floor.operations_per_ms()
    needed = {
        "prediction, Jacobian": floor.prediction(size),
        "Gram, noise, F": floor.gram(size) + floor.noise(size),
        "flow": floor.flow(size),
        "whole iteration": floor.iteration(size),
    }
    return [
        {
            "regions": size.regions,
            "part": part,
            "processor_ms": ms,
            "mflop": needed[part] / 1e6,
            "floor_ms": needed[part] / speed,
            "share_of_floor": needed[part] / speed / ms,
        }
        for part, ms in taken.items()
    ]


def stage_ms(batch: Batch, slots: int) -> dict[str, float]:
    """Processor ms of each part and participant, so many side by side."""
    row, problems = typical_row(batch, slots)
    model, states = batch.model, row.states

    def evaluate(problem: Any, state: laplace.State) -> tuple[Array, Array]:
        free = problem.prior_mean + state.point.theta
        return model.predict_with_jacobian(problem.prior_vector, free, problem.timing, problem.echo_time)

    def rest(problem: Any, state: laplace.State, recorded: RecordedPrediction) -> laplace.State:
        return laplace.step(cast(ForwardModel, recorded), batch.noise, problem, state)

    def flow(state: laplace.State) -> Any:
        return flow_step(state.ascent.gradient, state.ascent.curvature, jnp.exp(state.log_step - state.ascent.log_det))

    evaluation = compiled(evaluate)
    recorded = RecordedPrediction(*evaluation(problems, states))
    prediction = processor_ms(evaluation, problems, states) / slots
    without = processor_ms(compiled(rest), problems, states, recorded) / slots
    flowing = processor_ms(compiled(flow), states) / slots
    whole = processor_ms(row.advance) / slots / row.plan.rounds  # last: it moves the states
    return {
        "prediction, Jacobian": prediction,
        "Gram, noise, F": max(without - flowing, 0.0),
        "flow": flowing,
        "whole iteration": whole,
    }


def typical_row(batch: Batch, slots: int, device: jax.Device | None = None) -> tuple[Worker, Any]:
    """A row whose slots are all taken, after a few iterations, and the problems of its slots."""
    device = device or jax.devices()[0]
    all_problems = jax.device_put(batch.problems, device)
    row = Worker(batch.model, batch.noise, all_problems, device, ExecutionPlan((device,), slots, rounds=ITERATIONS))
    for place in range(slots):
        row.assign(place, (place % len(batch.members), 0))
    row.advance()
    member = jnp.asarray(np.arange(slots) % len(batch.members))
    problems = jax.tree.map(lambda leaf: leaf[member], all_problems)
    return row, eqx.tree_at(lambda one: one.start, problems, problems.start[:, 0])


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """For many at once, as the engine compiles it."""
    return jax.jit(jax.vmap(function), compiler_options=accepted_options())


def processor_ms(function: Callable[..., Any], *arguments: Any) -> float:
    """The fastest of many calls; at least two, the first of which compiles."""
    taken: list[float] = []
    begun = time.perf_counter()
    while len(taken) < 3 or (len(taken) < REPEATS and time.perf_counter() - begun < ENOUGH_S):
        begin = time.process_time()
        wait(function(*arguments))
        taken.append(time.process_time() - begin)
    return 1e3 * min(taken[1:])


if __name__ == "__main__":
    main()
