"""Does inverting participants again help? ``python -m benchmarks.reinversion [--groups 20] [--snr 0.35 1]``.

Groups of participants of one visit, two regions in blocks, made as in `benchmarks.trials`: the full equations, AR(1)
noise. A, B and C of all are explained by a mean. Printed, before and after participants were inverted again under the
group's empirical priors: how far the group's means are from those of 1,000 participants made alike (draws that run away
are replaced, so these are not quite the ones that were drawn around), and whether 90 % intervals hold them, with the
rounds it took. Monte-Carlo standard errors, over groups, in brackets.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

import dcm
import peb
from dcm._simulate import make_predictor
from pipeline.common import progress, start_jax

from ._calibration_designs import BenchmarkDesign, designs
from ._options import whole_number
from ._table import table, write_json
from .trials import NOISE, draw_participant

FIELDS = ("A", "B", "C")
MANY = 1000  # participants, whose mean is what a group's is compared with


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, fit, fit again, print."""
    options = _options(arguments)
    start_jax()
    design = designs()["block2"]
    draw = _participants_of(design, np.random.default_rng((options.seed, 0, 1)))
    planted = np.mean([draw()[0] for _ in range(MANY)], axis=0)
    rows: list[dict[str, Any]] = []
    with progress("groups") as bar:
        for k, snr in enumerate(options.snr):
            for number in range(options.groups):
                rows.append(run_group(design, planted, options.people, snr, (options.seed, number)))
                bar(k * options.groups + number + 1, len(options.snr) * options.groups)
    found = [summarise(snr, [row for row in rows if row["snr"] == snr]) for snr in options.snr]
    print(f"{options.groups} groups of {options.people} people a row, seed {options.seed}")
    print(table(found, tuple(found[0])))
    if options.json is not None:
        write_json(options.json, {"groups": rows, "summary": found})
    return 0


def _participants_of(
    design: BenchmarkDesign, random: np.random.Generator
) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    """Draws a participant: parameters and signal."""
    layout = design.spec.layout
    places = design.prior.free[[layout.field_of(int(i)) == "B" for i in design.prior.free]]
    predict = make_predictor(design.spec, design.frame, "nonlinear")
    return lambda: draw_participant(design, predict, places, np.zeros(places.size), random)[0]


def run_group(
    design: BenchmarkDesign, planted: Float[np.ndarray, "all"], people: int, snr: float, seed: tuple[int, ...]
) -> dict[str, Any]:
    """One group: errors of its means, and whether intervals hold the truth, before and after."""
    random = np.random.default_rng(seed)
    spec, frame, draw = design.spec, design.frame, _participants_of(design, random)
    names = [f"sub-{i + 1:02d}" for i in range(people)]
    subjects = []
    for name in names:
        _, signal = draw()
        bold = signal + NOISE.draw(random, *signal.shape) * signal.std(axis=0) / snr
        inputs = (frame.inputs, frame.bin_width, frame.repetition_time, frame.confounds, frame.delays, frame.echo_time)
        subjects.append(dcm.Subject(name, spec, dcm.Data(bold, *inputs)))
    groups = peb.make_design(names, {})
    again = peb.fit_with_reinversion(subjects, groups, parameters=FIELDS)
    plain = peb.fit(
        [
            peb.Estimate.from_dcm(subject.name, found)
            for subject, found in zip(subjects, dcm.invert_cohort(subjects, dcm.Settings()), strict=True)
            if isinstance(found, dcm.Posterior)
        ],
        groups,
        parameters=FIELDS,
    )
    truth = dict(zip(again.estimates[0].parameters, planted[design.prior.free], strict=True))
    return {
        "snr": snr,
        "rounds": len(again.rounds),
        "converged": again.status is peb.RefitStatus.CONVERGED,
        "before": _beside_truth(plain, truth),
        "after": _beside_truth(again.group, truth),
    }


def _beside_truth(group: peb.GroupPosterior, planted: Mapping[str, float]) -> dict[str, list[float]]:
    truth = np.array([planted[name] for name in group.parameters])
    low, high = np.moveaxis(group.interval(0.9)[:, 0], -1, 0)
    held = (low < truth) & (truth < high)
    return {"error": (group.mean[:, 0] - truth).tolist(), "held": held.astype(float).tolist()}


def summarise(snr: float, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A row for each ratio."""

    def mean(values: np.ndarray, scale: float = 1.0, digits: int = 3) -> str:
        own = values.reshape(len(rows), -1).mean(axis=1) * scale
        return f"{own.mean():.{digits}f} ({own.std(ddof=1) / np.sqrt(len(own)):.{digits}f})"

    found: dict[str, Any] = {"snr": snr, "converged": f"{sum(row['converged'] for row in rows)} of {len(rows)}"}
    found["rounds"] = float(np.median([row["rounds"] for row in rows]))
    for when in ("before", "after"):
        errors, held = (np.array([row[when][what] for row in rows]) for what in ("error", "held"))
        found |= {
            f"bias_{when}_hz": mean(errors),
            f"rms_{when}_hz": f"{np.sqrt((errors**2).mean()):.3f}",
            f"held_{when}_%": mean(held, 100, 1),
        }
    return found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reinversion", description="Participants inverted again."
    )
    parser.add_argument("--groups", type=whole_number(2), default=20, help="at each ratio")
    parser.add_argument("--people", type=whole_number(4), default=12)
    parser.add_argument("--snr", type=float, nargs="+", default=[0.35, 1.0])
    parser.add_argument("--seed", type=whole_number(0), default=1)
    parser.add_argument("--json", type=Path, help="write every group to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
