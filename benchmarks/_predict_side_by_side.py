"""The same work on many studies, in a few processes, with what is left."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TypeVar

from threadpoolctl import threadpool_limits

Task = TypeVar("Task")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Task], Result], tasks: Sequence[Task], what: str, jobs: int) -> list[Result]:
    """`work` on every task, in the order of the tasks.

    Arguments:
        work: a function of a module, since processes are started anew.
        tasks: one for each call.
        what: printed on standard error with how many are done and how long the others will take.
        jobs: processes; one is this one.
    """
    alone = partial(_alone, work)
    if jobs == 1:
        return list(_watched(map(alone, tasks), what, len(tasks)))
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(_watched(pool.map(alone, tasks), what, len(tasks)))


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _alone(work: Callable[[Task], Result], task: Task) -> Result:
    """Small matrices: threads of the linear algebra would only get in the way of other processes."""
    with threadpool_limits(limits=1):
        return work(task)


def _watched(results: Iterable[Result], what: str, total: int) -> Iterator[Result]:
    start, step = time.perf_counter(), max(1, total // 20)
    for done, result in enumerate(results, start=1):
        yield result
        if done in (1, 5, total) or done % step == 0:
            passed = time.perf_counter() - start
            left = passed / done * (total - done)
            print(f"{what}: {done} of {total}, {passed:.0f} s, about {left:.0f} s left", file=sys.stderr, flush=True)
