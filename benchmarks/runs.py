"""Several runs in one DCM: ``python -m benchmarks.runs [--sets N] [--json FILE]``.

Two regions, four runs of 60 scans of 2 s, each of which ends in the middle of a block; truth drawn from the prior,
series from the full equations with AR(1) noise (0.3), every run simulated for itself. Three ways to one posterior:

- concatenated: `concatenate_runs`; states and noise begin anew with every run.
- run on: the same series, inputs and confounds, but states and noise run on over the borders, as in SPM's modes.
- averaged: a DCM a run, and their Bayesian average (`peb.average_visits`).

Error is the root mean square of estimate − truth over connections (A off the diagonal, B, C) in Hz; z its mean square
in posterior standard deviations (1 where they hold what they say); coverage the share of 90 % intervals that hold the
truth; outward the mean of (estimate − truth) · sign(truth), whose difference from the first way is bias. Once with as
much noise in every run, once with two runs of four times the noise of the others.

And the two halves of one run, cut at rest, beside the whole: the largest difference of a posterior mean in SDs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dcm import (
    Data,
    Posterior,
    SerialNoise,
    Settings,
    Spec,
    Subject,
    concatenate_runs,
    draw_parameters,
    invert,
    invert_cohort,
    make_predictor,
    prior,
)
from dcm._simulate_draws import FAINTEST, is_stable
from peb import Estimate, average_visits

from ._options import whole_number
from ._table import table, write_json

RUNS, SCANS, REPETITION_TIME, BINS = 4, 60, 2.0, 16
BLOCK, REST = 24.0, 14.0  # s
WITHIN = 2.0  # prior standard deviations of truths
SNR = 2.0
LOUDER = {"equal": (1.0, 1.0, 1.0, 1.0), "two runs louder": (1.0, 4.0, 1.0, 4.0)}  # times the noise
Z90 = 1.6448536
SPEC = Spec(
    ["x", "y"],
    ["task", "change"],
    np.ones((2, 2)),
    np.stack([np.zeros((2, 2)), [[0, 1], [1, 0]]], axis=-1),
    [[1, 0], [1, 0]],
)
SETTINGS = Settings(starts=1)
COLUMNS = ("noise", "way", "sets", "error_Hz", "z", "coverage", "outward_Hz", "seconds")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runs", description=__doc__)
    parser.add_argument("--sets", type=whole_number(1), default=200, help="data sets of four runs each")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call] # JAX leaves it untyped
    rows = [row for noise in LOUDER for row in _compare_ways(noise, options.sets)]
    halves = _compare_halves()
    print(table(rows, COLUMNS))
    print(f"\nhalves of one run cut at rest: means within {halves:.3f} posterior SDs of the whole run's")
    if options.json is not None:
        write_json(options.json, {"rows": rows, "halves_SD": halves})
    return 0


def run_design(run: int) -> Data:
    """Inputs of one run, which ends within a block of both inputs; series of noise stand in."""
    seconds = (np.arange(SCANS * BINS) + 0.5) * REPETITION_TIME / BINS
    to_end = SCANS * REPETITION_TIME - seconds  # the last block has run for half of its time at the end
    phase = (to_end + BLOCK / 2) % (BLOCK + REST)
    on = phase < BLOCK
    block = ((to_end + BLOCK / 2) // (BLOCK + REST)).astype(int)
    inputs = np.column_stack([on, on & ((block + run) % 2 == 0)]).astype(float)
    noise = np.random.default_rng(0).standard_normal((SCANS, SPEC.n))
    return Data(noise, inputs, REPETITION_TIME / BINS, REPETITION_TIME)


def simulate_runs(number: int, louder: Sequence[float]) -> tuple[np.ndarray, list[Data]]:
    """Truth and runs; a truth under which activity or flow runs away is replaced by the next."""
    density, designs = prior(SPEC), [run_design(run) for run in range(RUNS)]
    predictors = [make_predictor(SPEC, design) for design in designs]
    levels = np.unique(np.concatenate([design.inputs for design in designs]), axis=0)
    random = np.random.default_rng([7, number])
    while True:
        truth = draw_parameters(density.mean, density.covariance, random, WITHIN)
        parameters = SPEC.layout.to_tree(truth)
        if not is_stable(parameters, levels):
            continue
        signals = [predict(parameters) for predict in predictors]
        if np.isfinite(signals).all() and np.std(signals, axis=(0, 1)).min() > FAINTEST:
            break
    size = np.std(np.concatenate(signals), axis=0) / SNR
    noise = [times * size * SerialNoise().draw(random, SCANS, SPEC.n) for times in louder]
    return truth, [replace(d, bold=s + e) for d, s, e in zip(designs, signals, noise, strict=True)]


def _compare_ways(noise: str, sets: int) -> list[dict[str, Any]]:
    made = [simulate_runs(number, LOUDER[noise]) for number in range(sets)]
    names, layout = SPEC.parameter_names, SPEC.layout
    between = [i for i in prior(SPEC).free if layout.field_of(int(i)) in "BC" or names[i] in ("A[y<-x]", "A[x<-y]")]
    connections = np.array(between)

    def inverted(data: Sequence[Data]) -> list[Posterior]:
        found = invert_cohort([Subject(str(i), SPEC, own) for i, own in enumerate(data)], SETTINGS)
        return [posterior for posterior in found if isinstance(posterior, Posterior)]

    def averaged() -> list[Estimate]:
        found = inverted([run for _, runs in made for run in runs])
        each = [Estimate.from_dcm(str(i), posterior) for i, posterior in enumerate(found)]
        return [average_visits(each[k : k + RUNS], "set") for k in range(0, len(each), RUNS)]

    ways: dict[str, Callable[[], list[Any]]] = {
        "concatenated": lambda: inverted([concatenate_runs(runs) for _, runs in made]),
        "run on": lambda: inverted([concatenate_runs(runs).as_one_run() for _, runs in made]),
        "averaged": averaged,
    }
    rows = []
    for way, find in ways.items():
        began = time.perf_counter()
        found = find()
        seconds = time.perf_counter() - began
        estimates = [own if isinstance(own, Estimate) else Estimate.from_dcm("set", own) for own in found]
        places = np.searchsorted(prior(SPEC).free, connections)
        mean = np.array([own.posterior.mean[places] for own in estimates])
        sd = np.array([own.posterior.sd[places] for own in estimates])
        truth = np.array([truth[connections] for truth, _ in made])
        off = mean - truth
        rows.append(
            {
                "noise": noise,
                "way": way,
                "sets": sets,
                "error_Hz": float(np.sqrt((off**2).mean())),
                "z": float(((off / sd) ** 2).mean()),
                "coverage": float((np.abs(off) < Z90 * sd).mean()),
                "outward_Hz": float((off * np.sign(truth)).mean()),
                "seconds": seconds,
            }
        )
    return rows


def _compare_halves() -> float:
    """A run of 240 scans whose second half begins after half a minute of rest, and its halves concatenated."""
    scans = 2 * RUNS * SCANS // 4 * 2
    half = scans // 2
    seconds = np.arange(half * BINS) * REPETITION_TIME / BINS
    on = (seconds % (BLOCK + REST) >= REST) & (seconds < half * REPETITION_TIME - 30)
    part = np.column_stack([on, on & ((seconds // (BLOCK + REST)).astype(int) % 2 == 0)]).astype(float)
    inputs = np.concatenate([part, part])
    random = np.random.default_rng(3)
    design = Data(random.standard_normal((scans, 2)), inputs, REPETITION_TIME / BINS, REPETITION_TIME)
    truth = SPEC.parameters(
        {"A[y<-x]": 0.3, "A[x<-y]": -0.2, "B[y<-x, change]": 0.5, "C[x<-task]": 1.0, "C[y<-task]": 0.5}
    )
    signal = make_predictor(SPEC, design)(truth)
    series = signal + SerialNoise().draw(random, scans, 2) * signal.std(axis=0) / SNR
    constants = np.repeat(np.eye(2), half, axis=0)
    whole = Data(series, inputs, REPETITION_TIME / BINS, REPETITION_TIME, constants)
    halves = [Data(series[k : k + half], part, REPETITION_TIME / BINS, REPETITION_TIME) for k in (0, half)]
    one, two = (invert(Subject("x", SPEC, data), SETTINGS) for data in (whole, concatenate_runs(halves)))
    return float((np.abs(one.mean - two.mean)[one.free] / one.sd).max())


if __name__ == "__main__":
    raise SystemExit(main())
