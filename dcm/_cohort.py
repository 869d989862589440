"""Inversion of a cohort: participants and starts pass through a fixed number of seats of one compiled step.

A batch is a row of seats. Each round advances every seat by one evaluation of its model; a seat whose inversion has
ended is given to the next in the queue, so the slowest participant does not hold up the others and one compilation
serves any number of them. When the queue is empty and few seats of a long row (on a GPU) are taken, it is cut short.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from . import _laplace as laplace
from ._forward import ForwardModel
from ._laplace import Problem, State
from ._posterior import Posterior
from ._problem import Batch, Prepared, Settings, Subject, make_batches, prepare
from ._status import InversionError, Status

SEATS_CPU = 8  # enough to hide what a round costs beside its arithmetic, few enough for a short tail
SEATS_GPU = 4096
WORKSPACE = 1 << 26  # bytes that all seats' Jacobians and propagators may take on a CPU: more leaves its caches
CUT = 8  # a row is cut to 1/CUT of its seats once that many are enough

Progress = Callable[[int, int], None]  # called with inversions done and in all, a start counting as one

_STATUS = {
    laplace.CONVERGED: Status.CONVERGED,
    laplace.MAX_ITERATIONS: Status.MAX_ITERATIONS,
    laplace.NOT_FINITE: Status.NOT_FINITE,
    laplace.BAD_START: Status.BAD_START,
}


class _Final(NamedTuple):
    """Where one start ended."""

    state: State
    settled: Float[Array, ""]  # free energy with the noise at its optimum


@dataclass(frozen=True)
class Failure:
    """A participant without a posterior, and why."""

    name: str
    reason: str


def invert(subject: Subject, settings: Settings = Settings()) -> Posterior:  # noqa: B008 - frozen
    """Invert one model of one run.

    Raises `ValueError` where it cannot be inverted as specified and `InversionError` where every start failed.
    """
    prepared = prepare(subject, settings)
    [(_, outcome)] = _run([prepared], settings, None, [0])
    if isinstance(outcome, Failure):
        raise InversionError(f"{outcome.name}: {outcome.reason}")
    return outcome


def invert_cohort(
    subjects: Sequence[Subject],
    settings: Settings = Settings(),  # noqa: B008 - frozen
    on_progress: Progress | None = None,
) -> list[Posterior | Failure]:
    """Invert many models of many runs at once; one result for each, in the order given.

    A participant that cannot be inverted yields a `Failure` and never holds up the others.
    """
    results = dict(invert_each(subjects, settings, on_progress))
    return [results[position] for position in range(len(subjects))]


def invert_each(
    subjects: Sequence[Subject],
    settings: Settings = Settings(),  # noqa: B008 - frozen
    on_progress: Progress | None = None,
    wanted: Collection[int] | None = None,
) -> Iterator[tuple[int, Posterior | Failure]]:
    """As `invert_cohort`, but every result comes as it is finished, with the position of its subject.

    Arguments:
        wanted: positions of those to invert; None for all. The sizes to which data are padded, and how many inversions
            are side by side, decide a result's last digits and are those of all subjects: on a CPU whoever is inverted
            later than the others gets the same bytes.
    """
    ready: dict[int, Prepared] = {}
    for position, subject in enumerate(subjects):
        try:
            ready[position] = prepare(subject, settings)
        except ValueError as error:
            if wanted is None or position in wanted:
                yield position, Failure(subject.name, str(error))
    positions = list(ready)
    places = {place for place, position in enumerate(positions) if wanted is None or position in wanted}
    for place, outcome in _run(list(ready.values()), settings, on_progress, places):
        yield positions[place], outcome


def _run(
    prepared: Sequence[Prepared], settings: Settings, on_progress: Progress | None, wanted: Collection[int]
) -> Iterator[tuple[int, Posterior | Failure]]:
    require_64_bit()
    total, done = len(wanted) * settings.starts, 0
    for batch in make_batches(prepared, settings):
        members = [member for member, position in enumerate(batch.members) if position in wanted]
        tasks = [(member, start) for member in members for start in range(settings.starts)]
        ended: dict[int, dict[int, _Final]] = {member: {} for member in members}
        for (member, start), final in _serve(batch, tasks):
            ended[member][start] = final
            done += 1
            if on_progress is not None:
                on_progress(done, total)
            if len(ended[member]) == settings.starts:
                starts = ended.pop(member)
                yield batch.members[member], _outcome(batch, member, [starts[k] for k in sorted(starts)])


def require_64_bit() -> None:
    """Free energies of −5,000 need differences of 0.1; JAX's default of 32 bit cannot give them."""
    if jnp.asarray(0.0).dtype != np.float64:
        raise RuntimeError(
            "effconn needs JAX in 64-bit mode: call jax.config.update('jax_enable_x64', True) before anything else, "
            "or set JAX_ENABLE_X64=1"
        )


def _seats(batch: Batch, tasks: int) -> int:
    most, workspace = SEATS_CPU, WORKSPACE
    if jax.default_backend() != "cpu":
        most, workspace = SEATS_GPU, (jax.devices()[0].memory_stats() or {}).get("bytes_limit", 1 << 33) // 2
    n, free, extent = batch.model.layout.n, len(batch.model.free), batch.extent
    propagators = extent["intervals"] * (n + n * n) * 5 * n * (n + 1)
    if batch.model.derivatives == "spm":
        propagators = free * extent["intervals"] * 5 * n * (n + 5)
    jacobian = (extent["scans"] + extent["steps"]) * n * free
    each = 8 * 3 * (propagators + jacobian)  # three copies live at once
    return max(1, min(tasks, most, workspace // each))


@partial(jax.jit, static_argnums=0)
def advance(model: ForwardModel, problems: Problem, states: State) -> State:
    """One evaluation in every seat; seats whose inversion has ended stay as they are."""

    def one(problem: Problem, state: State) -> State:
        moved = laplace.step(model, problem, state)
        running = state.status == laplace.RUNNING
        return jax.tree.map(lambda new, old: jnp.where(running, new, old), moved, state)

    return jax.vmap(one)(problems, states)


@jax.jit
def _open(problems: Problem) -> State:
    return jax.vmap(laplace.init)(problems)


@jax.jit
def _leave(row: tuple[Problem, State], place: Int[Array, ""]) -> tuple[State, Float[Array, ""]]:
    """The state in one seat and its settled free energy."""
    problem, state = jax.tree.map(lambda leaf: leaf[place], row)
    return state, laplace.settled_free_energy(problem, state)


@jax.jit
def _seat(row: tuple[Problem, State], place: Int[Array, ""], newcomer: Problem) -> tuple[Problem, State]:
    """Give one seat to a newcomer."""
    arrival = (newcomer, laplace.init(newcomer))
    return jax.tree.map(lambda seats, value: seats.at[place].set(value), row, arrival)


def _serve(batch: Batch, tasks: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], _Final]]:
    """Take `tasks` (member, start) through a row of seats; each with how it ended, as it ends.

    The row is as long as if all members were to be inverted; seats that nobody needs hold repeats.
    """
    if not tasks:
        return
    seats = _seats(batch, len(batch.members) * batch.settings.starts)
    queue = list(reversed(tasks))
    taken: list[tuple[int, int] | None] = [queue.pop() if queue else None for _ in range(seats)]
    problems = _stack([batch.problem(*(task or tasks[0])) for task in taken])
    row = (problems, _open(problems))
    while any(task is not None for task in taken):
        problems, states = row
        states = advance(batch.model, problems, states)
        row = (problems, states)
        ended = np.asarray(states.status) != laplace.RUNNING
        for place, task in enumerate(taken):
            if task is None or not ended[place]:
                continue
            yield task, _Final(*jax.device_get(_leave((problems, states), np.asarray(place))))
            taken[place] = queue.pop() if queue else None
            if (newcomer := taken[place]) is not None:
                row = _seat(row, np.asarray(place), batch.problem(*newcomer))
        row, taken = _cut(row, taken)


def _cut(
    row: tuple[Problem, State], taken: list[tuple[int, int] | None]
) -> tuple[tuple[Problem, State], list[tuple[int, int] | None]]:
    """A shorter row, where the queue is empty and few seats of a long one are taken."""
    left = [place for place, task in enumerate(taken) if task is not None]
    short = len(taken) // CUT
    if short < CUT or not left or len(left) > short:
        return row, taken
    keep = np.resize(np.array(left), short)  # repeats fill the row; nobody waits for them
    row = jax.tree.map(lambda leaf: leaf[keep], row)
    return row, [taken[place] if i < len(left) else None for i, place in enumerate(keep)]


def _stack(problems: list[Problem]) -> Problem:
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *problems)


def _outcome(batch: Batch, member: int, starts: Sequence[_Final]) -> Posterior | Failure:
    """The best start that did not fail, as a posterior in the participant's own sizes.

    The best settled F is kept, among the starts whose F, as SPM evaluates it, is not below that of the first start:
    more starts never make the reported F worse.
    """
    one = batch.prepared[member]
    status = [_STATUS[int(final.state.status)] for final in starts]
    failed = np.array([code.failed for code in status])
    reached = np.array([-np.inf if bad else float(final.settled) for bad, final in zip(failed, starts, strict=True)])
    reached = np.where(np.isfinite(reached), reached, -np.inf)
    energy = np.where(failed, -np.inf, [float(final.state.best_free_energy) for final in starts])
    best = int(np.argmax(np.where(energy >= energy[0], reached, -np.inf)))
    if status[best].failed:
        return Failure(one.subject.name, status[0].value)
    return _posterior(batch, member, starts[best], best, reached)


def _posterior(batch: Batch, member: int, final: _Final, start: int, reached: np.ndarray) -> Posterior:
    one, state = batch.prepared[member], final.state
    columns = batch.free_columns(member)
    best: laplace.Point = jax.tree.map(np.asarray, state.best)
    scans, regions = one.data.bold.shape
    mean = one.prior.mean.copy()
    mean[one.prior.free] += best.theta[columns]
    prediction = np.asarray(state.best_prediction)[:scans]
    effects = one.rotation @ best.beta[: one.power.size]
    covariance = np.asarray(state.best_covariance)[np.ix_(columns, columns)]
    return Posterior(
        spec=one.subject.spec,
        prior=one.prior,
        mean=mean,
        covariance=(covariance + covariance.T) / 2,
        free=one.prior.free,
        noise_mean=np.asarray(best.noise),
        noise_covariance=np.eye(regions) / (scans / 2 + 1 / one.prior.noise_variance),
        confound_effects=effects,
        prediction=prediction,
        residual=one.data.bold - prediction - one.data.confounds @ effects,
        free_energy=float(state.best_free_energy),
        settled_free_energy=float(final.settled),
        status=_STATUS[int(state.status)],
        iterations=int(state.iteration),
        free_energy_history=np.asarray(state.history)[: int(state.iteration)],
        data_scale=one.scale,
        start=start,
        start_free_energies=reached,
    )
