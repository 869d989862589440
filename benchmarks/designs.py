"""Do the examples of designs show what was planted?  ``python -m benchmarks.designs [NAME…] [--seeds 0-9]``

Every design of ``effconn demo --design``, written as region series and run up to its group analyses, once for each
seed: how many planted effects have the planted sign, how many of them the analysis calls, how many it calls where
nothing was planted, and how often 90 % intervals hold what was planted, over effects and over visits (standard errors
over participants). Exits with 1 where a called effect has the wrong sign, or coverage over the visits of all designs is
not within 85–95 % by more than two standard errors.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.common import print_message, progress, start_jax
from pipeline.page import read_report
from pipeline.results import read_posterior
from pipeline.stages import RunOptions, run_study
from pipeline.study import MAIN, read_study
from pipeline.synthetic import DESIGNS, read_example_truth, write_example
from pipeline.synthetic._example_recovery import recover_effects
from pipeline.synthetic._recovery import recover_parameters

from ._table import table, write_json
from .demo import LIMITS, seeds

WITH_A_MODEL = [name for name, design in DESIGNS.items() if not design.rest]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every design and seed, print, and say whether anything is out of order."""
    options = _options(arguments)
    start_jax()
    rows = []
    for name in options.names or WITH_A_MODEL:
        for seed in options.seeds:
            rows.append({"design": name, "seed": seed, **measure(name, seed)})
            print_message(f"{name} {seed}: {rows[-1]}")
            if options.json is not None:
                write_json(options.json, {"runs": rows})
    shown = [summary(name, [row for row in rows if row["design"] == name]) for name in options.names or WITH_A_MODEL]
    print(table(shown, tuple(shown[0])))
    coverage, error = _mean([share for row in rows for share in row["people"]])
    wrong = sum(row["wrong"] for row in rows)
    print(f"\n90 % intervals over visits hold in {coverage:.1f} % ({error:.1f}); called with the wrong sign: {wrong}.")
    return 1 if wrong or not LIMITS[0] - 2 * error <= coverage <= LIMITS[1] + 2 * error else 0


def measure(name: str, seed: int) -> dict[str, Any]:
    """What one study comes to."""
    with tempfile.TemporaryDirectory() as spare:
        folder = Path(spare)
        study = read_study(write_example(folder, DESIGNS[name], seed=seed, source="series"))
        found = run_study(study, RunOptions(stages=("extract", "invert", "group")), lambda line: None, progress)
        if found.failed:
            sys.exit(f"{name}, seed {seed}: {'; '.join(failure.reason for failure in found.failed)}")
        truth, results = read_example_truth(folder), study.study.out
        effects = recover_effects(truth, {name: read_report(results / "group" / name) for name in study.group})
        people: dict[str, list[float]] = {}
        for dcm in study.dcms:
            files = sorted((results / "dcm" / dcm / MAIN).glob("*.nc"))
            recovered = recover_parameters(truth.connectivity, {file.stem: read_posterior(file)[0] for file in files})
            for visit, held in zip(recovered.visits, recovered.covered, strict=True):
                people.setdefault(visit.split("_")[0], []).append(100 * float(held.mean()))
    planted, none = ([effect for effect in effects if bool(effect.planted) == whether] for whether in (True, False))
    return {
        "planted": len(planted),
        "signs": sum(effect.has_planted_sign for effect in planted),
        "called": sum(effect.is_called and effect.has_planted_sign for effect in planted),
        "wrong": sum(effect.is_called and not effect.has_planted_sign for effect in planted),
        "none": len(none),
        "false": sum(effect.is_called for effect in none),
        "held": sum(effect.holds for effect in effects),
        "people": [float(np.mean(shares)) for shares in people.values()],
    }


def summary(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One row of the table: a design over its seeds."""
    total = {
        key: sum(row[key] for row in rows) for key in ("planted", "signs", "called", "wrong", "none", "false", "held")
    }
    coverage, error = _mean([share for row in rows for share in row["people"]])
    return {
        "design": name,
        "seeds": len(rows),
        "right_sign": f"{total['signs']} of {total['planted']}",
        "called": f"{total['called']} of {total['planted']}",
        "called_of_none": f"{total['false']} of {total['none']}",
        "effects_90%": f"{total['held']} of {total['planted'] + total['none']}",
        "visits_90%": f"{coverage:.1f} ({error:.1f})",
    }


def _mean(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.inf


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.designs", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*WITH_A_MODEL, []], help="all if not given")
    parser.add_argument("--seeds", type=seeds, default=list(range(5)), metavar="FIRST-LAST", help="0-4 if not given")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures of every run to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
