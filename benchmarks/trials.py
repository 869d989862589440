"""Whole trials from BOLD to verdict: ``python -m benchmarks.trials [--trials 24] [--snr 1] [--effect 1]``.

Two arms, two visits each, of two regions in blocks (`_calibration_designs`): everybody's parameters drawn around a
group, runs simulated by the full equations with AR(1) noise, every run inverted, changes between visits taken, the
arms compared by the group model and the verdict rule. Half of the trials have nothing to find between arms; in the
other half one change of a connection differs by `--effect` Hz. Printed: how often anything was called where there is
nothing, how often what is there was called with its sign, "no difference" where there is one, and whether 90 %
intervals of the difference and of everybody's connections hold what was planted; Monte-Carlo standard errors in
brackets.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

import dcm
import peb
from dcm import Parameters, Posterior, SerialNoise, Settings, Subject
from dcm._simulate import make_predictor
from dcm._simulate_draws import FAINTEST, is_stable
from pipeline.common import progress, start_jax

from ._calibration_designs import BenchmarkDesign, designs
from ._options import whole_number
from ._table import table, write_json

ARMS = (11, 10)
BETWEEN = {"A": 0.1, "B": 0.35, "C": 0.15}  # SD between participants, Hz; the others' is the prior's
CHANGES = 0.35  # SD of a change of B from visit to visit, Hz
MANY = 1000  # participants of each arm, whose mean difference is what answers are compared with
MEANS = {"A": 0.1, "B": 0.3, "C": 0.6}  # of the group; A between regions
NOISE = SerialNoise((0.3,))


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, analyse, print."""
    options = _options(arguments)
    start_jax()
    design = designs()["block2"]
    settings = Settings(options.compat)
    rows: list[dict[str, Any]] = []
    effects = [0.0, options.effect] * (options.trials // 2)
    planted = {effect: _planted(design, effect, options.seed) for effect in set(effects)}
    with progress("trials") as bar:
        for number, effect in enumerate(effects):
            rows.append(run_trial(design, settings, effect, planted[effect], options.snr, (options.seed, number)))
            bar(number + 1, len(effects))
    found = summarise(rows)
    print(
        f"{len(rows)} trials of {sum(ARMS)} people, SNR {options.snr:g}, compat {options.compat}, seed {options.seed}"
    )
    print(table(found, tuple(found[0])))
    if options.json is not None:
        write_json(options.json, {"trials": rows, "summary": found})
    return 0


def _places(design: BenchmarkDesign) -> tuple[np.ndarray, int]:
    """Where the changes of connections are among all parameters, and which of them the arms differ in."""
    layout = design.spec.layout
    places = design.prior.free[[layout.field_of(int(i)) == "B" for i in design.prior.free]]
    at = np.zeros(design.spec.b.shape, dtype=bool)
    at[design.tested] = True
    tested = int(np.flatnonzero(at.ravel(order="F"))[0]) + layout.field_slice("B").start
    return places, int(np.flatnonzero(places == tested)[0])


def _planted(design: BenchmarkDesign, effect: float, seed: int) -> Float[np.ndarray, "change"]:
    """The arms' difference in every change of B, Hz, among many: draws that run away are replaced, which costs."""
    places, own = _places(design)
    predict = make_predictor(design.spec, design.frame, "nonlinear")
    random, shift = np.random.default_rng((seed, 0, 1)), np.where(np.arange(places.size) == own, effect, 0.0)
    means = []
    for side in (0.5, -0.5):
        people = [draw_participant(design, predict, places, shift * side, random) for _ in range(MANY)]
        means.append(np.mean([after[places] - before[places] for (before, _), (after, _) in people], axis=0))
    return np.asarray(means[0] - means[1])


def run_trial(
    design: BenchmarkDesign,
    settings: Settings,
    effect: float,
    planted_difference: Float[np.ndarray, "change"],
    snr: float,
    seed: tuple[int, ...],
) -> dict[str, Any]:
    """One trial: what was answered, and what intervals hold."""
    random = np.random.default_rng(seed)
    spec = design.spec
    arm = np.repeat([0, 1], ARMS)
    places, own = _places(design)
    shift = np.where(np.arange(places.size) == own, effect, 0.0)
    predict = make_predictor(spec, design.frame, "nonlinear")
    people = [draw_participant(design, predict, places, shift * (0.5 - label), random) for label in arm]
    names = [f"sub-{i + 1:02d}" for i in range(arm.size)]
    subjects, planted = [], []
    for name, visits in zip(names, people, strict=True):
        for visit, (truth, signal) in enumerate(visits):
            error = NOISE.draw(random, *signal.shape) * signal.std(axis=0) / snr
            frame = design.frame
            data = dcm.Data(
                signal + error,
                frame.inputs,
                frame.bin_width,
                frame.repetition_time,
                frame.confounds,
                frame.delays,
                frame.echo_time,
            )
            subjects.append(Subject(f"{name}_ses-{visit + 1}", spec, data))
            planted.append(truth)
    posteriors = dcm.invert_cohort(subjects, settings)
    usable = {
        subject.name: peb.Estimate.from_dcm(subject.name, found)
        for subject, found in zip(subjects, posteriors, strict=True)
        if isinstance(found, Posterior)
    }
    visits_of = {name: (f"{name}_ses-1", f"{name}_ses-2") for name in names}
    kept = [i for i, name in enumerate(names) if all(visit in usable for visit in visits_of[name])]
    estimates = []
    for i in kept:
        before, after = visits_of[names[i]]
        estimates.append(peb.change(usable[before], usable[after], names[i]))
    table = peb.make_design([names[i] for i in kept], {"arm": 0.5 - arm[kept]}, centre=False)
    difference = _difference(estimates, table, peb.PebSettings(compat=settings.compat))
    low, high = np.moveaxis(difference.interval(0.9), -1, 0)
    said = peb.verdict(difference.above_zero, difference.within(peb.SMALLEST_EFFECT))
    right = own in said.which and bool((difference.above_zero[own] > 0.5) == (effect > 0))
    inside = [
        np.abs(posterior.mean[places] - truth[places]) / np.sqrt(np.diag(posterior.full_covariance)[places]) < 1.6449
        for posterior, truth in zip(posteriors, planted, strict=True)
        if isinstance(posterior, Posterior)
    ]
    return {
        "effect": effect,
        "verdict": said.kind,
        "right": right,
        "held": float(np.mean((low < planted_difference) & (planted_difference < high))),
        "held_in_people": float(np.mean(inside)),
        "estimate": float(difference.mean[own]),
        "planted": float(planted_difference[own]),
        "failed": len(subjects) - len(usable),
    }


def _difference(estimates: Sequence[peb.Estimate], table: peb.Design, settings: peb.PebSettings) -> peb.NormalMixture:
    """The first arm's changes less the second's, by a group of each arm where participants are a mixture."""
    if not settings.is_mixture:
        return peb.fit(estimates, table, settings, parameters=["B"]).marginals[:, -1]
    groups = peb.fit_each_level(estimates, table, "arm", settings, parameters=["B"])
    return peb.arms_from_separate_groups(*groups, ["mean"])[0].marginals[2]


def draw_participant(
    design: BenchmarkDesign,
    predict: Callable[[Parameters], np.ndarray],
    places: np.ndarray,
    shift: Float[np.ndarray, "change"],
    random: np.random.Generator,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """A participant's parameters and signal at both visits, drawn again where activity or flow would run away."""
    layout, prior = design.spec.layout, design.prior
    levels = np.unique(design.frame.inputs, axis=0)
    fields = np.array([layout.field_of(i) for i in range(layout.size)])
    between = ~np.eye(design.spec.n, dtype=bool).ravel(order="F")
    mean, sd = prior.mean.copy(), np.sqrt(np.diag(prior.covariance))
    for field in ("A", "B", "C"):
        own = (fields == field) & (sd > 0)
        if field == "A":
            own[layout.field_slice("A")] &= between
        mean[own], sd[own] = MEANS[field], BETWEEN[field]
    for _ in range(1000):
        first = mean + sd * random.standard_normal(mean.size)
        second = first.copy()
        second[places] += shift + CHANGES * random.standard_normal(places.size)
        if all(is_stable(layout.to_tree(vector), levels) for vector in (first, second)):
            visits = [(vector, predict(layout.to_tree(vector))) for vector in (first, second)]
            if all(np.isfinite(signal).all() and signal.std(axis=0).min() > FAINTEST for _, signal in visits):
                return visits
    raise RuntimeError("no stable participant in 1,000 draws")


def summarise(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each effect."""

    def share(values: Sequence[float]) -> str:
        p = float(np.mean(values))
        error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
        return f"{100 * p:.1f} ({100 * error:.1f})"

    found = []
    for effect in sorted({row["effect"] for row in rows}):
        own = [row for row in rows if row["effect"] == effect]
        found.append(
            {
                "effect_hz": effect,
                "trials": len(own),
                "any_yes_%": share([row["verdict"] == "yes" for row in own]),
                "right_yes_%": share([row["right"] for row in own]),
                "no_difference_%": share([row["verdict"] == "no difference" for row in own]),
                "difference_held_%": share([row["held"] for row in own]),
                "B_of_visits_held_%": share([row["held_in_people"] for row in own]),
                "planted_hz": f"{own[0]['planted']:.2f}",
                "mean_estimate_hz": f"{np.mean([row['estimate'] for row in own]):.2f}",
                "failed": sum(row["failed"] for row in own),
            }
        )
    return found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trials", description="Trials from BOLD to verdict.")
    parser.add_argument("--trials", type=whole_number(2), default=24, help="half of them without a difference")
    parser.add_argument("--snr", type=float, default=1.0, help="standard deviation of the signal over the noise's")
    parser.add_argument("--effect", type=float, default=1.0, help="Hz, between arms, of one change of a connection")
    parser.add_argument("--seed", type=whole_number(0), default=1)
    parser.add_argument("--compat", choices=("none", "spm12"), default="none", help="of both levels")
    parser.add_argument("--json", type=Path, help="write every trial to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
