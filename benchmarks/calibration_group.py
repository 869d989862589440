"""Do group answers say what they claim?  ``python -m benchmarks.calibration_group [--studies N] [--only NAME …]``

Studies with nothing to find: how often is a difference between arms called at a two-sided 10 % and 5 %, how often does
any of 1, 2 or 8 connections get a "yes" of `peb.verdict`. Studies with a difference of 0.5 Hz in one of two
connections: how often it is found, how often "no difference" is said, how often the 90 % interval holds it. Monte-Carlo
standard errors are in brackets. Exits with 1 where a figure is out of its limits by more than two of these.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from peb import PebSettings, two_sided_probability, verdict
from pipeline.common import start_jax
from pipeline.group import group_settings

from ._calibration_group_trials import Answers, People, TrialCell, answers
from ._check import Check
from ._options import whole_number
from ._table import table, write_json

STUDIES, QUICK = 400, 20
ARMS = ((6, 6), (11, 10), (16, 5), (30, 30))
SPREADS = (0.1, 0.35, 0.8)
PEOPLE: tuple[People, ...] = ("clean", "+3 Hz", "+6 Hz", "t3", "unequal")
EFFECT = 0.5  # Hz
POWER = {12: 0.23, 21: 0.39, 60: 0.90}  # of 0.5 Hz, q = 2, SD 0.35, as the model was chosen by
NULL = ("cell", "at_10_%", "at_5_%", "yes_q1_%", "yes_q2_%", "ms_a_fit")
PLANTED = ("cell", "found_%", "no_difference_%", "90_%_holds", "ms_a_fit")
WIDE = ("cell", "at_10_%", "yes_q8_%", "ms_a_fit")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and say what is out of its limits."""
    options = _options(arguments)
    start_jax()
    settings = group_settings(options.compat, options.between)
    count = QUICK if options.quick else options.studies
    print(f"compat {settings.compat}, between {settings.between}; {count} studies a cell, seed {options.seed}")
    found: dict[str, list[dict[str, Any]]] = {}
    checks: list[Check] = []
    for title, cells, columns, measure in (
        ("nothing to find, 2 connections", _null_cells(2), NULL, _null),
        ("nothing to find, 8 connections", _null_cells(8), WIDE, _null_of_eight),
        (f"{EFFECT:g} Hz in one of 2 connections", _planted_cells(), PLANTED, _planted),
    ):
        rows = []
        for cell in cells:
            if options.only and not any(part in cell.name for part in options.only):
                continue
            begin = time.perf_counter()
            row, said = measure(cell, answers(cell, count, options.seed, settings))
            rows.append({"cell": cell.name, **row})
            checks += said
            print(f"{cell.name}: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
        found[title] = rows
        print(f"\n{title}\n{table(rows, columns)}", flush=True)
    failed = [check for check in checks if not check.passed]
    for failure in failed:
        print(f"out of its limits: {failure.name} {failure.value:.3g}, {failure.bound}, {failure.note}")
    print(f"\n{len(checks) - len(failed)} of {len(checks)} within their limits and two Monte-Carlo errors")
    if options.json:
        write_json(options.json, {"seed": options.seed, "studies": count, "tables": found})
    return 1 if failed and settings == PebSettings() else 0


def _null_cells(connections: int) -> list[TrialCell]:
    every = [TrialCell(arms, spread, people, connections) for people, arms, spread in product(PEOPLE, ARMS, SPREADS)]
    return every if connections == 2 else [cell for cell in every if cell.spread == 0.35 and cell.arms != (16, 5)]


def _planted_cells() -> list[TrialCell]:
    usual = [TrialCell(arms, 0.35, effect=EFFECT) for arms in ARMS]
    return [*usual, *(replace(cell, people=people) for people in ("+3 Hz", "t3") for cell in usual)]


def _null(cell: TrialCell, found: Answers) -> tuple[dict[str, Any], list[Check]]:
    # an outlier is in connection 0; elsewhere all connections are alike
    doubt = two_sided_probability(found.above[:, :1] if "Hz" in cell.people else found.above)
    one = np.array([verdict(a[:1], s[:1]).kind == "yes" for a, s in zip(found.above, found.small, strict=True)])
    both = np.array([verdict(a, s).kind == "yes" for a, s in zip(found.above, found.small, strict=True)])
    row = {
        "at_10_%": _percent(doubt <= 0.1),
        "at_5_%": _percent(doubt <= 0.05),
        "yes_q1_%": _percent(one),
        "yes_q2_%": _percent(both),
        "ms_a_fit": 1e3 * found.seconds,
    }
    return row, [
        _check(f"{cell.name}: called at 10 %", doubt <= 0.1, most=0.14, least=0.07),
        _check(f"{cell.name}: any yes, q = 1", one, most=0.07),
        _check(f"{cell.name}: any yes, q = 2", both, most=0.07),
    ]


def _null_of_eight(cell: TrialCell, found: Answers) -> tuple[dict[str, Any], list[Check]]:
    any_yes = np.array([verdict(a, s).kind == "yes" for a, s in zip(found.above, found.small, strict=True)])
    doubt = two_sided_probability(found.above)
    row = {"at_10_%": _percent(doubt <= 0.1), "yes_q8_%": _percent(any_yes), "ms_a_fit": 1e3 * found.seconds}
    time_limit = [Check(f"{cell.name}: ms a fit", 1e3 * found.seconds, most=50.0)] if cell.arms == (30, 30) else []
    return row, [_check(f"{cell.name}: any yes, q = 8", any_yes, most=0.07), *time_limit]


def _planted(cell: TrialCell, found: Answers) -> tuple[dict[str, Any], list[Check]]:
    said = [verdict(a, s) for a, s in zip(found.above, found.small, strict=True)]
    hit = np.array([0 in answer.which and a[0] > 0.5 for answer, a in zip(said, found.above, strict=True)])
    wrong = np.array([answer.kind == "no difference" for answer in said])
    held = (found.low[:, 0] <= EFFECT) & (found.high[:, 0] >= EFFECT)
    row = {
        "found_%": _percent(hit),
        "no_difference_%": _percent(wrong),
        "90_%_holds": _percent(held),
        "ms_a_fit": 1e3 * found.seconds,
    }
    checks = [
        _check(f"{cell.name}: no difference said of {EFFECT:g} Hz", wrong, most=0.07),
        _check(f"{cell.name}: 90 % interval holds it", held, most=0.95, least=0.85),
    ]
    if cell.people == "clean" and cell.arms != (16, 5):
        wanted = POWER[sum(cell.arms)]
        checks.append(_check(f"{cell.name}: found", hit, most=1.0, least=0.85 * wanted))
    return row, checks


def _percent(hits: np.ndarray) -> str:
    return f"{100 * hits.mean():.1f} ({100 * _error(hits):.1f})"


def _error(hits: np.ndarray) -> float:
    """Monte-Carlo standard error of a share, studies independent of each other and connections of one study not."""
    each = hits.reshape(len(hits), -1).mean(axis=1)
    return float(max(each.std(ddof=1), 1 / np.sqrt(len(each))) / np.sqrt(len(each)))


def _check(name: str, hits: np.ndarray, *, most: float, least: float | None = None) -> Check:
    """The share within its limits, two Monte-Carlo errors granted."""
    slack = 2 * _error(hits)
    return Check(
        name,
        float(hits.mean()),
        most=most + slack,
        least=None if least is None else least - slack,
        note=f"± {_error(hits):.3f}",
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration_group", description=__doc__)
    parser.add_argument("--studies", type=whole_number(2), default=STUDIES, help="of each cell")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} of each, to see that everything runs")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="cells whose names hold one of these")
    parser.add_argument("--seed", type=whole_number(0), default=13)
    parser.add_argument("--compat", default="none")
    parser.add_argument("--between", choices=("mixture", "gaussian"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers here too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
