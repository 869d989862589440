"""Do groups of several visits say what they claim?  ``python -m benchmarks.crossover [--studies N] [--only TEXT …]``

Crossovers of 16 people (two visits; four, where the effects of drug, of time or of both differ between participants)
and longitudinal studies of 20 (five visits) with nothing to find: how often is P > 0.95 and P < 0.05 of effects of
visits (drug, period, time) and of groups (sequence, group, group × time), how often does any of 2 connections get a
"yes". With an effect in one of them: how often it is found, and how often the 90 % interval holds
it, by three levels (`peb.fit_visits`), by two (each participant's contrast of visits, then a group) and by three
without effects of participants' own. Monte-Carlo standard errors are in brackets; exits with 1 where a figure is out of
its limits by more than two of these.

``--sample N`` also draws from the whole model of N studies of each kind by NUTS and compares effects with the fit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from peb import two_sided_probability, verdict
from pipeline.common import start_jax

from ._check import Check
from ._options import whole_number
from ._table import table, write_json
from ._visit_studies import Levels, VisitAnswers, VisitCell, visit_answers, visit_studies

STUDIES, QUICK = 200, 10
NULL_CELLS = (
    VisitCell("crossover", 16, 0.1),
    VisitCell("crossover", 16, 0.35),
    VisitCell("crossover", 16, 0.8),
    VisitCell("crossover", 16, 0.5, "t3"),
    VisitCell("crossover", 16, 0.35, unequal=True),
    VisitCell("crossover", 16, 0.35, missing=0.15),
    VisitCell("crossover", 16, 0.35, outlier=3.0),
    VisitCell("repeated crossover", 16, 0.5),
    VisitCell("repeated crossover", 16, 0.0, own_time=0.4),
    VisitCell("repeated crossover", 16, 0.35, own_time=0.2),
    VisitCell("longitudinal", 20, 0.0),
    VisitCell("longitudinal", 20, 0.3),
    VisitCell("longitudinal", 20, 0.6, "t3", missing=0.1),
)
PLANTED_CELLS = (
    VisitCell("crossover", 16, 0.35, effect=0.5),
    VisitCell("crossover", 16, 0.35, missing=0.15, effect=0.5),
    VisitCell("longitudinal", 20, 0.3, effect=0.25),
)
LIMIT = 0.03  # about 5 %, of P > 0.95 and of P < 0.05 in crossovers
CALLED = (0.05, 0.16)  # at a two-sided 10 % in longitudinal studies
FALSE_YES = 0.07


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and say what is out of its limits."""
    options = _options(arguments)
    start_jax()
    count = QUICK if options.quick else options.studies
    levels: tuple[Levels, ...] = tuple(options.levels)
    print(f"{count} studies a cell, seed {options.seed}")
    found: dict[str, list[dict[str, Any]]] = {"nothing to find": [], "an effect in one of 2 connections": []}
    checks: list[Check] = []
    for title, cells in zip(found, (NULL_CELLS, PLANTED_CELLS), strict=True):
        for cell in cells:
            if options.only and not any(text in cell.name for text in options.only):
                continue
            for level in levels if cell.kind != "repeated crossover" else ("three levels",):
                answers = visit_answers(cell, count, options.seed, level)
                rows, checked = (_planted if cell.effect else _null)(cell, level, answers)
                found[title] += rows
                checks += checked if level == "three levels" else []
                print(table(rows, tuple(rows[0])), file=sys.stderr, flush=True)
    for title, rows in found.items():
        if rows:
            print(f"\n{title}\n{table(rows, tuple(rows[0]))}")
    if options.sample:
        from ._visit_sampling import compare_with_draws  # NumPyro takes a second to import

        sampled = [
            row
            for cell in (NULL_CELLS[1], NULL_CELLS[7], NULL_CELLS[-1])
            for row in compare_with_draws(list(visit_studies(cell, options.sample, options.seed)), cell.name)
        ]
        found["against draws (NUTS)"] = sampled
        print(f"\nagainst draws (NUTS)\n{table(sampled, tuple(sampled[0]))}")
    failed = [check for check in checks if not check.passed]
    for failure in failed:
        print(f"out of its limits: {failure.name} {failure.value:.3g}, {failure.bound}, {failure.note}")
    print(f"\n{len(checks) - len(failed)} of {len(checks)} within their limits and two Monte-Carlo errors")
    if options.json:
        write_json(options.json, {"seed": options.seed, "studies": count, "tables": found})
    return 1 if failed else 0


def _null(cell: VisitCell, levels: Levels, found: VisitAnswers) -> tuple[list[dict[str, Any]], list[Check]]:
    rows, checks = [], []
    for covariate, above in zip(cell.asked, np.moveaxis(found.above, 1, 0), strict=False):
        # of an outlier it is known in connection 0, and elsewhere all connections are alike
        own = above[:, :1] if cell.outlier else above
        high, low, called = own > 0.95, own < 0.05, two_sided_probability(own) <= 0.1
        wrong = np.array([verdict(each, np.zeros_like(each)).kind == "yes" for each in above])
        rows.append(
            {
                "cell": cell.name,
                "by": levels,
                "effect": covariate,
                "P>0.95_%": _percent(high),
                "P<0.05_%": _percent(low),
                "at_10_%": _percent(called),
                "any_yes_%": _percent(wrong),
                "ms_a_fit": 1e3 * found.seconds,
            }
        )
        name = f"{cell.name}, {covariate}"
        if cell.kind == "crossover":
            checks += [
                _check(f"{name}: P > 0.95", high, most=0.05 + LIMIT, least=0.05 - LIMIT),
                _check(f"{name}: P < 0.05", low, most=0.05 + LIMIT, least=0.05 - LIMIT),
            ]
        else:
            checks.append(_check(f"{name}: called at 10 %", called, most=CALLED[1], least=CALLED[0]))
        checks.append(_check(f"{name}: any yes", wrong, most=FALSE_YES))
    return rows, checks


def _planted(cell: VisitCell, levels: Levels, found: VisitAnswers) -> tuple[list[dict[str, Any]], list[Check]]:
    above, low, high = found.above[:, 0], found.low[:, 0, 0], found.high[:, 0, 0]
    hit = np.array([0 in verdict(each, np.zeros_like(each)).which and each[0] > 0.5 for each in above])
    held = (low <= cell.effect) & (high >= cell.effect)
    row = {
        "cell": cell.name,
        "by": levels,
        "effect": f"{cell.asked[0]} {cell.effect:g} Hz",
        "found_%": _percent(hit),
        "90_%_holds": _percent(held),
        "width_Hz": f"{(high - low).mean():.2f}",
    }
    return [row], [_check(f"{cell.name}: 90 % interval holds it", held, most=0.96, least=0.84)]


def _percent(hits: np.ndarray) -> str:
    return f"{100 * hits.mean():.1f} ({100 * _error(hits):.1f})"


def _error(hits: np.ndarray) -> float:
    """Monte-Carlo standard error of a share, studies independent of each other and connections of one study not."""
    each = hits.reshape(len(hits), -1).mean(axis=1)
    return float(max(each.std(ddof=1), 1 / np.sqrt(len(each))) / np.sqrt(len(each)))


def _check(name: str, hits: np.ndarray, *, most: float, least: float | None = None) -> Check:
    """The share within its limits, two Monte-Carlo errors granted."""
    slack = 2 * _error(hits)
    lowest = None if least is None else least - slack
    return Check(name, float(hits.mean()), most=most + slack, least=lowest, note=f"± {_error(hits):.3f}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crossover", description=__doc__)
    parser.add_argument("--studies", type=whole_number(2), default=STUDIES, help="of each cell")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} of each, to see that everything runs")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="cells whose names hold one of these")
    every = ("three levels", "two levels", "no own effects")
    parser.add_argument("--levels", nargs="+", choices=every, default=["three levels", "two levels"])
    parser.add_argument(
        "--sample", type=whole_number(0), default=0, metavar="N", help="draw from N studies of each kind"
    )
    parser.add_argument("--seed", type=whole_number(0), default=29)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers here too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
