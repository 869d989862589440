"""Rows of slots: no result depends on how many there are, on which device, or on who sits beside whom."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from small_models import block_inputs, random_parameters, random_spec
from threadpoolctl import threadpool_info, threadpool_limits

from dcm import Settings, Subject, _scheduler, invert_cohort, invert_each, simulate
from dcm._batch import Batch, make_batches
from dcm._runtime import accepted_options, compiled
from dcm._scheduler import ExecutionPlan, InversionResult, Slots, Task, Worker, advance, plan_execution, run_tasks
from dcm._subject import prepare

SETTINGS = Settings("spm12", starts=2, seed=3)


def subjects(count: int) -> list[Subject]:
    """Small runs of one model."""
    spec = random_spec(1, 1, 0)
    runs = [
        simulate(
            spec,
            random_parameters(spec, i),
            block_inputs(160, 0.25, 1),
            0.25,
            2.0,
            snr=2.0,
            integrator="bilinear",
            seed=i,
        )
        for i in range(count)
    ]
    return [Subject(f"sub-{i}", spec, run.data) for i, run in enumerate(runs)]


@pytest.fixture(scope="module")
def batch() -> Batch:
    [made] = make_batches([prepare(subject, SETTINGS) for subject in subjects(4)], SETTINGS)
    return made


@pytest.fixture(scope="module")
def machine() -> Callable[..., ExecutionPlan]:
    def of(rows: int, slots: int, **more: int) -> ExecutionPlan:
        return ExecutionPlan((jax.devices()[0],) * rows, slots, rounds=4, **more)

    return of


def results(batch: Batch, machine: ExecutionPlan) -> dict[Task, InversionResult]:
    tasks = [(member, start) for member in range(len(batch.members)) for start in range(SETTINGS.starts)]
    found = dict(run_tasks(batch, tasks, machine))
    assert sorted(found) == tasks
    return found


def distance(one: dict[Task, InversionResult], other: dict[Task, InversionResult]) -> float:
    """Largest difference of any number; infinite where iterations or outcomes differ."""
    if any(one[task].iterations != other[task].iterations or one[task].status != other[task].status for task in one):
        return np.inf
    pairs = zip(
        jax.tree.leaves([one[task] for task in one]), jax.tree.leaves([other[task] for task in one]), strict=True
    )
    return max(float(np.abs(np.nan_to_num(a) - np.nan_to_num(b)).max()) for a, b in pairs)


@pytest.mark.parametrize("rows", [2, 3])
def test_the_number_of_cores_changes_no_bit(batch: Batch, machine: Callable[..., ExecutionPlan], rows: int) -> None:
    assert distance(results(batch, machine(1, 1)), results(batch, machine(rows, 1))) == 0


@pytest.mark.parametrize("slots", [2, 16])
def test_the_number_of_seats_changes_rounding_only(
    batch: Batch, machine: Callable[..., ExecutionPlan], slots: int
) -> None:
    assert distance(results(batch, machine(1, 1)), results(batch, machine(2, slots))) < 1e-8


def test_a_row_that_is_cut_short_loses_nobody(batch: Batch, machine: Callable[..., ExecutionPlan]) -> None:
    long = machine(1, 16, finished_at_once=2, shrinks=True)
    assert distance(results(batch, machine(1, 1)), results(batch, long)) < 1e-8


def test_a_long_row_is_cut_once_few_of_its_seats_are_taken(batch: Batch, machine: Callable[..., ExecutionPlan]) -> None:
    worker = Worker(
        batch.model, batch.noise, jax.device_put(batch.problems), jax.devices()[0], machine(1, 16, shrinks=True)
    )
    worker.assign(9, (1, 0))
    worker.shrink()
    assert worker.tasks == [(1, 0), None]
    assert worker.new_slots == {0}


@pytest.mark.parametrize(("taken", "length"), [(513, 4096), (512, 512), (9, 64), (5, 8), (1, 8), (0, 4096)])
def test_a_row_comes_in_four_lengths_and_is_cut_at_once(
    batch: Batch, monkeypatch: pytest.MonkeyPatch, machine: Callable[..., ExecutionPlan], taken: int, length: int
) -> None:
    monkeypatch.setattr("dcm._scheduler._blank_states", lambda _, slots: np.zeros(slots))
    worker = Worker(batch.model, batch.noise, batch.problems, jax.devices()[0], machine(1, 4096, shrinks=True))
    for place in range(taken):
        worker.assign(4095 - place, (place, 0))
    worker.shrink()
    assert len(worker.tasks) == len(worker.states) == length
    assert worker.busy == taken


def test_two_devices_give_what_one_gives(batch: Batch, machine: Callable[..., ExecutionPlan]) -> None:
    """The devices are two halves of this CPU, which a process has to ask for before it uses any."""
    code = (
        "import jax; jax.config.update('jax_enable_x64', True); jax.config.update('jax_num_cpu_devices', 2);"
        "import test_scheduler as t; from dcm import _scheduler, _subject, _batch;"
        "[b] = _batch.make_batches([_subject.prepare(one, t.SETTINGS) for one in t.subjects(4)], t.SETTINGS);"
        "m = _scheduler.plan_execution(b, 8, cores=1); assert len(set(m.devices)) == 2, m;"
        "found = t.results(b, _scheduler.ExecutionPlan(m.devices, 1, 4));"
        "print(sum(float(one.free_energy) for one in found.values()).hex())"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    run = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    one = sum(float(ended.free_energy) for ended in results(batch, machine(1, 1)).values())
    assert float.fromhex(run.stdout.strip()) == pytest.approx(one, abs=1e-9)


@pytest.mark.parametrize(("platform", "factored"), [("cuda", "cusolver_potrf_ffi"), ("cpu", "lapack_dpotrf_ffi")])
def test_in_a_process_with_a_gpu_only_the_gpu_factors_matrices_together(
    batch: Batch, monkeypatch: pytest.MonkeyPatch, platform: str, factored: str
) -> None:
    """As far as it can be seen where there is none: in the code that the compiler is given for either device."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    model = replace(batch.model, panels=2)  # not used by it, so that nothing traced before is
    worker = Worker(model, batch.noise, batch.problems, jax.devices()[0], ExecutionPlan((jax.devices()[0],), 2, 4))
    places = np.zeros(2, dtype=int)
    slots = Slots(places, places, places > 0, places > 0)
    traced = advance.jitted.trace(
        model, batch.noise, batch.problems, slots, worker.states, np.asarray(4), np.asarray(1)
    )
    text, free = traced.lower(lowering_platforms=(platform,)).as_text(), len(model.free)
    assert bool(re.search(rf"{factored}\(.*tensor<2x{free}x{free}xf64>", text)) == (platform == "cuda")
    assert bool(re.search(rf"{factored}\(.*tensor<{free}x{free}xf64>", text)) == (platform == "cpu")


def test_no_more_rows_are_made_than_there_are_inversions(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Worker] = []
    monkeypatch.setattr(_scheduler, "Worker", lambda *given: made.append(Worker(*given)) or made[-1])
    ended = list(run_tasks(batch, [(0, 0), (1, 0)], plan_execution(batch, 2, 1000)))
    assert (len(ended), len(made)) == (2, 2)


def test_a_cpu_has_a_row_for_every_core_with_one_seat(batch: Batch) -> None:
    for cores in (1, 2, 5):
        chosen = plan_execution(batch, 60, cores)
        assert (len(chosen.devices), chosen.slots) == (cores, 1)


def test_more_seats_than_a_gpu_has_room_for_become_one(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = SimpleNamespace(platform="gpu", memory_stats=lambda: {"bytes_limit": 1000})
    monkeypatch.setattr(jax, "local_devices", lambda: [gpu])
    assert plan_execution(batch, 60).slots == 1


def test_sixty_four_bit_may_be_asked_for_by_a_context(batch: Batch, machine: Callable[..., ExecutionPlan]) -> None:
    """Which other threads do not see."""
    expected = results(batch, machine(2, 2))
    before = advance.jitted._cache_size()
    jax.config.update("jax_enable_x64", False)
    try:
        with jax.enable_x64(True):
            assert distance(expected, results(batch, machine(2, 2))) == 0
    finally:
        jax.config.update("jax_enable_x64", True)
    assert advance.jitted._cache_size() <= before + 1


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("dcm")]


def test_threads_of_blas_are_given_back_and_ours_end() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        first, second = invert_each(subjects(3), SETTINGS), invert_each(subjects(2), SETTINGS)
        next(first), next(second)
        first.close()
        assert set(blas_threads()) == {1}
        second.close()
        assert blas_threads() == before
    assert not ours()


def test_threads_end_where_progress_cannot_be_told() -> None:
    def refuse(*_: int) -> None:
        raise RuntimeError("no room on the screen")

    with pytest.raises(RuntimeError, match="no room") as reported:
        invert_cohort(subjects(3), SETTINGS, on_progress=refuse)
    assert reported.traceback  # which keeps what was running in memory
    assert not ours()


def test_an_option_that_xla_does_not_know_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcm._runtime.WANTED", {"xla_cpu_no_such_option": True, "xla_cpu_multi_thread_eigen": False})
    accepted_options.cache_clear()
    try:
        assert accepted_options() == {"xla_cpu_multi_thread_eigen": False}
    finally:
        accepted_options.cache_clear()


def test_a_function_is_compiled_once_for_arguments_of_the_same_kind() -> None:
    @compiled(static_argnums=0)
    def power(exponent: int, base: np.ndarray) -> np.ndarray:
        return base**exponent

    assert float(power(3, np.asarray(2.0))) == 8
    assert float(power(3, np.asarray(3.0))) == 27
    assert power.jitted._cache_size() == 1
