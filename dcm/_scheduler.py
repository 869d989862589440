"""Rows of seats: where inversions take place, on every core or device at once.

A row is a fixed number of seats on one device. `advance` takes all of them through some evaluations of their models in
one call of compiled code; a seat whose inversion has ended is given to the next in the queue, so the slowest does not
hold up the others, and one compilation serves any number of them.

On a CPU there is a row of one seat for every core, all running the same compiled code, each in a thread. Each is given
the arrays of whoever sits there, so that the code does not depend on how many participants and starts there are. How
many rows there are, and in which of them a participant comes to sit, changes no bit of its result. On a GPU there is
one long row, cut shorter by powers of two once the queue is empty and few of its seats are taken. The arrays of a whole
batch lie on the device; a seat only knows which of them it works on.
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

SEATS_GPU = 4096
ROUNDS_CPU, ROUNDS_GPU = 16, 4  # evaluations in one call of `advance`, at most
LARGE = 16  # regions from which one evaluation is long enough to be a call on a CPU
SHARE_ENDED = 1 / 16  # of a GPU's seats, at which results are fetched and the seats given away
CUT = 8  # a row of more seats is cut to 1/CUT of them once so many are enough
SHARE_OF_MEMORY = 0.5  # of the machine's or of a GPU's that seats may take

Task = tuple[int, int]  # a member of the batch, and the number of its start


class Seats(eqx.Module):
    """Who sits where, and who has just come."""

    member: Int[Array | np.ndarray, "seat"]
    start: Int[Array | np.ndarray, "seat"]
    newcomer: Bool[Array | np.ndarray, "seat"]
    vacant: Bool[Array | np.ndarray, "seat"]


class Ended(NamedTuple):
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
class Machine:
    """Where rows are and how long.

    Arguments:
        devices: one for each row; a CPU is named once for every core.
        seats: of each row.
        rounds: evaluations in one call of `advance`.
        patience: how many inversions must have ended before their results are fetched and their seats given away.
        cuts: whether a row is cut short once few of its seats are taken.
    """

    devices: tuple[jax.Device, ...]
    seats: int
    rounds: int
    patience: int = 1
    cuts: bool = False


def usable_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # absent on macOS
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def choose_machine(batch: Batch, tasks: int, cores: int | None = None) -> Machine:
    """Every core of a CPU, or every GPU there is, with as many seats as pay.

    On a CPU a seat is as fast alone as in company, within a tenth from 4 regions on; it waits for nobody then, and its
    last digits depend on nobody. On a GPU there are as many seats as are asked for and fit, rounded to a power of two.

    Arguments:
        tasks: inversions in all.
        cores: of a CPU, at most; all that this process may use where None.
    """
    devices = jax.local_devices()
    if devices[0].platform == "cpu":
        fitting = max(1, int(SHARE_OF_MEMORY * _physical_memory() / _bytes_of_a_seat(batch)))
        rows = max(min(cores or usable_cores(), fitting), len(devices))
        rounds = ROUNDS_CPU if batch.model.layout.n < LARGE else 1
        return Machine(tuple(devices[i % len(devices)] for i in range(rows)), 1, rounds)
    fitting = max(1, int(SHARE_OF_MEMORY * _device_memory(devices[0]) / _bytes_of_a_seat(batch)))
    most = min(SEATS_GPU, 1 << (fitting.bit_length() - 1))
    share = -(-tasks // len(devices))
    seats = min(most, 1 << (share - 1).bit_length())
    return Machine(tuple(devices), seats, ROUNDS_GPU, max(1, int(seats * SHARE_ENDED)), cuts=True)


def serve(batch: Batch, tasks: Sequence[Task], machine: Machine) -> Generator[tuple[Task, Ended], None, None]:
    """Take tasks through the rows of a machine; each with how it ended, as it ends."""
    queue = deque(tasks)
    devices = dict.fromkeys(machine.devices)
    everyone = {d: batch.problems if machine.seats == 1 else jax.device_put(batch.problems, d) for d in devices}
    rows = [
        Row(batch.model, batch.settings.noise, everyone[device], device, machine)
        for device in machine.devices[: len(tasks)]
    ]
    for place in range(machine.seats):
        for row in rows:
            if queue:
                row.give(place, queue.popleft())
    rows = [row for row in rows if row.occupied]
    for device in devices:  # compiled here, once, so that no two threads compile the same
        first = next((row for row in rows if row.device == device), None)
        if first is not None:
            first.advance(rounds=0)
    with ThreadPoolExecutor(len(rows), thread_name_prefix="dcm") as pool:
        running: dict[Future[None], Row] = {pool.submit(row.advance): row for row in rows}
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                row = running.pop(future)
                future.result()
                ended = row.release()
                for place in row.vacant_places():
                    if queue:
                        row.give(place, queue.popleft())
                if machine.cuts and not queue:
                    row.cut()
                if row.occupied:
                    running[pool.submit(row.advance)] = row
                yield from ended


class Row:
    """Seats on one device, and the states of the inversions that sit there."""

    def __init__(
        self, model: ForwardModel, noise: NoiseModel, everyone: Problem, device: jax.Device, machine: Machine
    ) -> None:
        self.model, self.noise, self.everyone, self.device, self.machine = model, noise, everyone, device, machine
        self.taken: list[Task | None] = [None] * machine.seats
        self.newcomers: set[int] = set()
        self.alone: Problem | None = None  # the problem of whoever has the only seat
        self.states = jax.device_put(_blank_states(everyone, machine.seats), device)

    @property
    def occupied(self) -> int:
        """How many seats are taken."""
        return sum(task is not None for task in self.taken)

    def vacant_places(self) -> list[int]:
        """Seats that nobody has."""
        return [place for place, task in enumerate(self.taken) if task is None]

    def give(self, place: int, task: Task) -> None:
        """Give a seat to a newcomer, whose inversion begins with the next call."""
        self.taken[place] = task
        self.newcomers.add(place)
        if len(self.taken) == 1:
            self.alone = jax.device_put(_problem_of(self.everyone, task), self.device)

    def advance(self, rounds: int | None = None) -> None:
        """Take everybody through some evaluations; back as soon as enough inversions have ended."""
        vacant = self.vacant_places()
        everyone, places = self.everyone, [task or (0, 0) for task in self.taken]
        if self.alone is not None:
            everyone, places = self.alone, [(0, 0)]
        seats = Seats(
            member=np.array([member for member, _ in places]),
            start=np.array([start for _, start in places]),
            newcomer=np.isin(np.arange(len(self.taken)), list(self.newcomers)),
            vacant=np.isin(np.arange(len(self.taken)), vacant),
        )
        enough = min(len(self.taken), len(vacant) + self.machine.patience)
        most = self.machine.rounds if rounds is None else rounds
        limits = np.asarray(most), np.asarray(enough)
        self.states = advance(self.model, self.noise, everyone, seats, self.states, *limits)
        self.newcomers.clear()
        self.states.status.block_until_ready()

    def release(self) -> list[tuple[Task, Ended]]:
        """The results of everybody whose inversion has ended; their seats are vacant then."""
        over = laplace.ended(np.asarray(self.states.status))
        places = [place for place, task in enumerate(self.taken) if task is not None and over[place]]
        if not places:
            return []
        results = jax.device_get(_results(self.states))  # the whole row in one piece, not seat by seat
        released = []
        for place in places:
            task = self.taken[place]
            assert task is not None
            one: Ended = jax.tree.map(lambda leaf, place=place: np.array(leaf[place]), results)
            released.append((task, one))
            self.taken[place] = None
        return released

    def cut(self) -> None:
        """Fewer seats, where few are taken: at once as few as will do, since every length is compiled."""
        left = [place for place, task in enumerate(self.taken) if task is not None]
        short = len(self.taken)
        while short > CUT and 0 < len(left) <= short // CUT:
            short //= CUT
        if short == len(self.taken):
            return
        keep = np.resize(np.array(left), short)  # vacant seats repeat others
        states = jax.tree.map(lambda leaf: leaf[keep], jax.device_get(self.states))
        self.states = jax.device_put(states, self.device)
        self.newcomers = {i for i, place in enumerate(keep[: len(left)]) if place in self.newcomers}
        self.taken = [self.taken[place] if i < len(left) else None for i, place in enumerate(keep)]


def _problem_of(everyone: Problem, task: Task) -> Problem:
    """The problem of one member from one of its starts, as if there were no others."""
    member, start = task
    alone = jax.tree.map(lambda leaf: leaf[member : member + 1], everyone)
    return eqx.tree_at(lambda one: one.start, alone, alone.start[:, start : start + 1])


@compiled(static_argnums=(0, 1), donate_argnums=4)
def advance(
    model: ForwardModel,
    noise: NoiseModel,
    everyone: Problem,
    seats: Seats,
    states: State,
    rounds: Int[Array | np.ndarray, ""],
    enough: Int[Array | np.ndarray, ""],
) -> State:
    """Evaluations in every seat, at most `rounds`, until `enough` seats have nobody whose inversion goes on.

    Arguments:
        everyone: the problems of all members, member by member, or of the only seat's.
        states: of the seats; given up.
    """
    problems = jax.tree.map(lambda leaf: leaf[seats.member], everyone)
    problems = eqx.tree_at(
        lambda one: one.start, problems, jax.vmap(lambda start, k: start[k])(problems.start, seats.start)
    )
    states = _choose(seats.newcomer, jax.vmap(laplace.init)(problems), states)
    states = eqx.tree_at(lambda one: one.status, states, jnp.where(seats.vacant, laplace.CONVERGED, states.status))

    def unfinished(carry: tuple[Array, State]) -> Bool[Array, ""]:
        done, states = carry
        return (done < rounds) & (laplace.ended(states.status).sum() < enough)

    def evaluate(carry: tuple[Array, State]) -> tuple[Array, State]:
        done, states = carry
        moved = jax.vmap(partial(laplace.step, model, noise))(problems, states)
        return done + 1, _choose(laplace.ended(states.status), states, moved)

    return jax.lax.while_loop(unfinished, evaluate, (jnp.zeros_like(rounds), states))[1]


def _choose(condition: Bool[Array | np.ndarray, "seat"], new: State, old: State) -> State:
    """The new state in some seats, the old in the others."""
    return jax.vmap(lambda one, *leaves: jax.tree.map(partial(jnp.where, one), *leaves))(condition, new, old)


def _blank_states(everyone: Problem, seats: int) -> State:
    """States of nobody, as long as a row."""
    one = jax.eval_shape(partial(_problem_of, task=(0, 0)), everyone)
    shapes = _first_states.eval_shape(one, seats)  # type: ignore[no-untyped-call] # JAX leaves it untyped
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)


@partial(jax.jit, static_argnums=1)  # traced once for all rows, and never run
def _first_states(everyone: Problem, seats: int) -> State:
    some = jax.tree.map(lambda leaf: leaf[np.zeros(seats, dtype=int)], everyone)
    return jax.vmap(laplace.init)(eqx.tree_at(lambda one: one.start, some, some.start[:, 0]))


def _results(states: State) -> Ended:
    return Ended(
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


def _bytes_of_a_seat(batch: Batch) -> int:
    """About what one seat needs while its model is evaluated: Jacobians, one Gram matrix a region, propagators."""
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
