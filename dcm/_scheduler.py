"""Where inversions take place: workers with slots, one worker for every core or device.

A worker has a fixed number of slots on one device. `advance` takes all of them through some evaluations of their models
in one call of compiled code; a slot whose inversion has ended is given to the next in the queue, so the slowest does
not hold up the others, and one compilation serves any number of them.

On a CPU there is a worker of one slot for every core, all running the same compiled code, each in a thread. Each is
given the arrays of its own inversion, so that the code does not depend on how many participants and starts there are.
How many workers there are, and which of them inverts a participant, changes no bit of its result. On a GPU there is one
worker of many slots, fewer by powers of two once the queue is empty and few of them are taken. The arrays of a whole
batch lie on the device; a slot only knows which of them it works on.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from . import _laplace as laplace
from ._batch import Batch
from ._forward import ForwardModel
from ._joint_density import Point, Problem
from ._laplace import NoiseModel, State
from ._runtime import compiled

SLOTS_GPU = 4096
ROUNDS_CPU, ROUNDS_GPU = 16, 4  # evaluations in one call of `advance`, at most
LARGE = 16  # regions from which one evaluation is long enough to be a call on a CPU
SHARE_ENDED = 1 / 16  # of a GPU's slots, at which results are fetched and the slots given away
SHRINK = 8  # a worker of more slots is shortened to 1/SHRINK of them once so many are enough
SHARE_OF_MEMORY = 0.5  # of the machine's or of a GPU's that slots may take

Task = tuple[int, int]  # a member of the batch, and the number of its start


class Slots(eqx.Module):
    """Which inversion each slot holds, and whether it has just begun."""

    member: Int[Array | np.ndarray, "slot"]
    start: Int[Array | np.ndarray, "slot"]
    is_new: Bool[Array | np.ndarray, "slot"]
    is_free: Bool[Array | np.ndarray, "slot"]


class InversionResult(NamedTuple):
    """Where one start of one member ended, in the sizes of the batch; of many, with an axis in front."""

    best: Point
    prediction: Float[Array, "scan region"]
    covariance: Float[Array, "free free"]
    free_energy: Float[Array, ""]
    settled_free_energy: Float[Array, ""]
    noise_precision: Float[Array, "hyper hyper"]
    status: Int[Array, ""]
    iterations: Int[Array, ""]
    history: Float[Array, "history"]


@dataclass(frozen=True)
class ExecutionPlan:
    """Where workers are and how many slots they have.

    Arguments:
        devices: one for each worker; a CPU is named once for every core.
        slots: of each worker.
        rounds: evaluations in one call of `advance`.
        finished_at_once: how many inversions must have ended before their results are fetched and their slots given
            away.
        shrinks: whether a worker gives up slots once few of them are taken.
    """

    devices: tuple[jax.Device, ...]
    slots: int
    rounds: int
    finished_at_once: int = 1
    shrinks: bool = False


def usable_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # absent on macOS
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def plan_execution(batch: Batch, tasks: int, cores: int | None = None) -> ExecutionPlan:
    """Every core of a CPU, or every GPU there is, with as many slots as pay.

    On a CPU a slot is as fast alone as in company, within a tenth from 4 regions on; it waits for nobody then, and its
    last digits depend on nobody. On a GPU there are as many slots as are asked for and fit, rounded to a power of two.

    Arguments:
        tasks: inversions in all.
        cores: of a CPU, at most; all that this process may use where None.
    """
    devices = jax.local_devices()
    if devices[0].platform == "cpu":
        fitting = max(1, int(SHARE_OF_MEMORY * _physical_memory() / _bytes_of_a_slot(batch)))
        workers = max(min(cores or usable_cores(), fitting), len(devices))
        rounds = ROUNDS_CPU if batch.model.layout.n < LARGE else 1
        return ExecutionPlan(tuple(devices[i % len(devices)] for i in range(workers)), 1, rounds)
    fitting = max(1, int(SHARE_OF_MEMORY * _device_memory(devices[0]) / _bytes_of_a_slot(batch)))
    most = min(SLOTS_GPU, 1 << (fitting.bit_length() - 1))
    share = -(-tasks // len(devices))
    slots = min(most, 1 << (share - 1).bit_length())
    return ExecutionPlan(tuple(devices), slots, ROUNDS_GPU, max(1, int(slots * SHARE_ENDED)), shrinks=True)


def run_tasks(
    batch: Batch, tasks: Sequence[Task], plan: ExecutionPlan
) -> Generator[tuple[Task, InversionResult], None, None]:
    """Take tasks through the workers of a plan; each with how it ended, as it ends."""
    queue = deque(tasks)
    devices = dict.fromkeys(plan.devices)
    all_problems = {d: batch.problems if plan.slots == 1 else jax.device_put(batch.problems, d) for d in devices}
    workers = [
        Worker(batch.model, batch.settings.noise, all_problems[device], device, plan)
        for device in plan.devices[: len(tasks)]
    ]
    for place in range(plan.slots):
        for worker in workers:
            if queue:
                worker.assign(place, queue.popleft())
    workers = [worker for worker in workers if worker.busy]
    for device in devices:  # compiled here, once, so that no two threads compile the same
        first = next((worker for worker in workers if worker.device == device), None)
        if first is not None:
            first.advance(rounds=0)
    with ThreadPoolExecutor(len(workers), thread_name_prefix="dcm") as pool:
        running: dict[Future[None], Worker] = {pool.submit(worker.advance): worker for worker in workers}
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                worker = running.pop(future)
                future.result()
                ended = worker.collect()
                for place in worker.free_slots():
                    if queue:
                        worker.assign(place, queue.popleft())
                if plan.shrinks and not queue:
                    worker.shrink()
                if worker.busy:
                    running[pool.submit(worker.advance)] = worker
                yield from ended


class Worker:
    """Slots on one device, and the states of the inversions that sit there."""

    def __init__(
        self, model: ForwardModel, noise: NoiseModel, all_problems: Problem, device: jax.Device, plan: ExecutionPlan
    ) -> None:
        self.model, self.noise, self.all_problems = model, noise, all_problems
        self.device, self.plan = device, plan
        self.tasks: list[Task | None] = [None] * plan.slots
        self.new_slots: set[int] = set()
        self.own_problem: Problem | None = None  # that of the inversion in the only slot
        self.states = jax.device_put(_blank_states(all_problems, plan.slots), device)

    @property
    def busy(self) -> int:
        """How many slots are taken."""
        return sum(task is not None for task in self.tasks)

    def free_slots(self) -> list[int]:
        """Slots that hold no inversion."""
        return [place for place, task in enumerate(self.tasks) if task is None]

    def assign(self, place: int, task: Task) -> None:
        """Give a slot to an inversion, which begins with the next call."""
        self.tasks[place] = task
        self.new_slots.add(place)
        if len(self.tasks) == 1:
            self.own_problem = jax.device_put(_problem_of(self.all_problems, task), self.device)

    def advance(self, rounds: int | None = None) -> None:
        """Take all slots through some evaluations; back as soon as enough inversions have ended."""
        free = self.free_slots()
        all_problems, places = self.all_problems, [task or (0, 0) for task in self.tasks]
        if self.own_problem is not None:
            all_problems, places = self.own_problem, [(0, 0)]
        slots = Slots(
            member=np.array([member for member, _ in places]),
            start=np.array([start for _, start in places]),
            is_new=np.isin(np.arange(len(self.tasks)), list(self.new_slots)),
            is_free=np.isin(np.arange(len(self.tasks)), free),
        )
        enough = min(len(self.tasks), len(free) + self.plan.finished_at_once)
        most = self.plan.rounds if rounds is None else rounds
        limits = np.asarray(most), np.asarray(enough)
        self.states = advance(self.model, self.noise, all_problems, slots, self.states, *limits)
        self.new_slots.clear()
        self.states.status.block_until_ready()

    def collect(self) -> list[tuple[Task, InversionResult]]:
        """The results of the inversions that have ended; their slots are free then."""
        over = laplace.has_ended(np.asarray(self.states.status))
        places = [place for place, task in enumerate(self.tasks) if task is not None and over[place]]
        if not places:
            return []
        results = jax.device_get(_results(self.states))  # the whole worker in one piece, not slot by slot
        released = []
        for place in places:
            task = self.tasks[place]
            assert task is not None
            result: InversionResult = jax.tree.map(lambda leaf, place=place: np.array(leaf[place]), results)
            released.append((task, result))
            self.tasks[place] = None
        return released

    def shrink(self) -> None:
        """Fewer slots, where few are taken: at once as few as will do, since every length is compiled."""
        left = [place for place, task in enumerate(self.tasks) if task is not None]
        short = len(self.tasks)
        while short > SHRINK and 0 < len(left) <= short // SHRINK:
            short //= SHRINK
        if short == len(self.tasks):
            return
        keep = np.resize(np.array(left), short)  # free slots repeat others
        states = jax.tree.map(lambda leaf: leaf[keep], jax.device_get(self.states))
        self.states = jax.device_put(states, self.device)
        self.new_slots = {i for i, place in enumerate(keep[: len(left)]) if place in self.new_slots}
        self.tasks = [self.tasks[place] if i < len(left) else None for i, place in enumerate(keep)]


def _problem_of(all_problems: Problem, task: Task) -> Problem:
    """The problem of one member from one of its starts, as if there were no others."""
    member, start = task
    alone = jax.tree.map(lambda leaf: leaf[member : member + 1], all_problems)
    return eqx.tree_at(lambda problem: problem.start, alone, alone.start[:, start : start + 1])


@compiled(static_argnums=(0, 1), donate_argnums=4)
def advance(
    model: ForwardModel,
    noise: NoiseModel,
    all_problems: Problem,
    slots: Slots,
    states: State,
    rounds: Int[Array | np.ndarray, ""],
    enough: Int[Array | np.ndarray, ""],
) -> State:
    """Evaluations in every slot, at most `rounds`, until `enough` slots hold none that goes on.

    Arguments:
        all_problems: the problems of all members, member by member, or of the only slot's.
        states: of the slots; given up.
    """
    problems = jax.tree.map(lambda leaf: leaf[slots.member], all_problems)
    problems = eqx.tree_at(
        lambda tree: tree.start, problems, jax.vmap(lambda start, k: start[k])(problems.start, slots.start)
    )
    states = _choose(slots.is_new, jax.vmap(laplace.init)(problems), states)
    states = eqx.tree_at(lambda tree: tree.status, states, jnp.where(slots.is_free, laplace.CONVERGED, states.status))

    def unfinished(carry: tuple[Array, State]) -> Bool[Array, ""]:
        done, states = carry
        return (done < rounds) & (laplace.has_ended(states.status).sum() < enough)

    def evaluate(carry: tuple[Array, State]) -> tuple[Array, State]:
        done, states = carry
        moved = jax.vmap(partial(laplace.step, model, noise))(problems, states)
        return done + 1, _choose(laplace.has_ended(states.status), states, moved)

    return jax.lax.while_loop(unfinished, evaluate, (jnp.zeros_like(rounds), states))[1]


def _choose(condition: Bool[Array | np.ndarray, "slot"], new: State, old: State) -> State:
    """The new state in some slots, the old in the others."""
    return jax.vmap(lambda chosen, *leaves: jax.tree.map(partial(jnp.where, chosen), *leaves))(condition, new, old)


def _blank_states(all_problems: Problem, slots: int) -> State:
    """States of no inversion, one for every slot."""
    single = jax.eval_shape(partial(_problem_of, task=(0, 0)), all_problems)
    shapes = _first_states.eval_shape(single, slots)  # type: ignore[no-untyped-call] # JAX leaves it untyped
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)


@partial(jax.jit, static_argnums=1)  # traced once for all workers, and never run
def _first_states(all_problems: Problem, slots: int) -> State:
    some = jax.tree.map(lambda leaf: leaf[np.zeros(slots, dtype=int)], all_problems)
    return jax.vmap(laplace.init)(eqx.tree_at(lambda problem: problem.start, some, some.start[:, 0]))


def _results(states: State) -> InversionResult:
    return InversionResult(
        best=states.best,
        prediction=states.best_prediction,
        covariance=states.best_covariance,
        free_energy=states.best_free_energy,
        settled_free_energy=states.settled_free_energy,
        noise_precision=states.noise_precision,
        status=states.status,
        iterations=states.iteration,
        history=states.history,
    )


def _bytes_of_a_slot(batch: Batch) -> int:
    """About what one slot needs while its model is evaluated: Jacobians, one Gram matrix a region, propagators."""
    n, free, extent = batch.model.layout.n, len(batch.model.free), batch.extent
    jacobian = (extent["scans"] + extent["steps"]) * n * free
    gram = (n + 8) * free**2
    propagators = 16 * extent["intervals"] * 5 * n * (n + 5)
    return 8 * (3 * jacobian + gram + propagators)


def _device_memory(device: jax.Device) -> int:
    return int((device.memory_stats() or {}).get("bytes_limit", 1 << 33))


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return 1 << 33
