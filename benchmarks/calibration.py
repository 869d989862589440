"""Can the answers be believed?  ``python -m benchmarks.calibration [--quick] [--only NAME …] [--compat none]``

Data as real data are (the full nonlinear equations, serially correlated noise, inputs with their natural zero), true
parameters drawn within 2 prior standard deviations, some changes of connections (B) exactly 0; inverted by the default,
or by another mode. A table of what 90 % intervals hold, of signs called wrongly, of ranks, and of choices between two
models, with Monte-Carlo standard errors in brackets. Exits with 1 where a figure of
the default is out of its limits by more than two of these.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dcm import Settings
from pipeline.common import format_duration, print_message, progress, start_jax

from ._calibration_cells import cells, measure
from ._calibration_designs import designs
from ._options import whole_number
from ._table import table, write_json

DATASETS, QUICK = 120, 8
COVERAGE = (
    "cell",
    "datasets",
    "redrawn_%",
    "failed",
    "B_90%",
    "A_90%",
    "C_90%",
    "B_sd_z",
    "A_sd_z",
    "C_sd_z",
    "B_bias",
)
CALLS = ("cell", "B_bias", "wrong_sign_99_%", "zeros_beyond_90_%", "B_rank_p", "A_rank_p", "C_rank_p")
MODELS = ("cell", "wrong_by_3_nats_%", "larger_chosen_%", "smaller_chosen_%")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and say what is out of its limits."""
    options = _options(arguments)
    start_jax()
    settings = make_settings(options.compat, options.noise, options.integrator, options.starts)
    every = designs()
    chosen = [row for row in cells(tuple(every)) if not options.only or any(part in row.name for part in options.only)]
    if not chosen:
        sys.exit(f"no cell is called so; there are {', '.join(row.name for row in cells(tuple(every)))}")
    count = options.datasets or (QUICK if options.quick else DATASETS)
    print(f"compat {settings.compat}, departures: {', '.join(settings.departures) or 'none'}; {settings}")
    print(f"{len(chosen)} cells of {count} data sets, seed {options.seed}; (± one Monte-Carlo standard error)\n")
    rows, begin = [], time.perf_counter()
    for number, cell in enumerate(chosen):
        since = time.perf_counter()
        with progress(f"{number + 1} of {len(chosen)}: {cell.name}") as bar:
            rows.append(measure(cell, every[cell.design], settings, count, options.seed, bar))
        spent = time.perf_counter() - begin
        left = spent / (number + 1) * (len(chosen) - number - 1)
        print_message(
            f"{cell.name}: {_line(rows[-1])} ({format_duration(time.perf_counter() - since)}; "
            f"about {format_duration(left)} left)"
        )
        if options.json is not None:
            write_json(options.json, {"compat": options.compat, "seed": options.seed, "cells": rows})
    print(report(rows))
    clear = any(not name.endswith("*") for row in rows if row["missed"] for name in row["missed"].split(", "))
    return 1 if clear and not settings.departures and settings.compat == "none" and not options.quick else 0


def make_settings(compat: str, noise: str | None, integrator: str | None, starts: int | None) -> Settings:
    """The mode's settings, some of them overridden."""
    chosen = {"noise": noise, "integrator": integrator, "starts": starts}
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    try:
        return Settings(compat, **given)  # type: ignore[arg-type]  # one of the options' choices
    except ValueError as error:
        sys.exit(str(error))


def report(rows: Sequence[dict[str, Any]]) -> str:
    """The table as text: coverage, calls and ranks, model choice, and what is out of its limits."""
    shown = [_shown(row) for row in rows]
    parts = ["Coverage of 90 % intervals, %", table(shown, COVERAGE), "", "Signs, zeros, ranks", table(shown, CALLS)]
    chosen = [row for row in shown if "wrong_by_3_nats_%" in row]
    if chosen:
        parts += ["", "The model against the model without one change", table(chosen, MODELS)]
    missed = [f"{row['cell']}: {row['missed']}" for row in rows if row["missed"]]
    return "\n".join([*parts, "", "Out of limits (*: by less than two standard errors):", *(missed or ["nothing"])])


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    def with_error(key: str, digits: int = 1) -> str:
        return f"{row[key]:.{digits}f} ({row[f'{key}_se']:.{digits}f})"

    shown: dict[str, Any] = {key: row[key] for key in ("cell", "datasets", "failed")}
    shown["redrawn_%"] = f"{row['redrawn']:.0f}"
    for field in ("A", "B", "C"):
        shown[f"{field}_90%"] = with_error(f"{field}_coverage")
        shown[f"{field}_sd_z"] = with_error(f"{field}_sd_z", 2)
        if " prior " in f" {row['cell']}":
            shown[f"{field}_rank_p"] = f"{row[f'{field}_rank_p']:.3f}"
    shown["B_bias"] = f"{row['B_bias']:+.3f}"
    shown["wrong_sign_99_%"] = with_error("wrong_sign_99", 2)
    if row["B_zeros"]:
        shown["zeros_beyond_90_%"] = with_error("zeros_beyond_90")
    if "wrong_model" in row:
        shown["wrong_by_3_nats_%"] = with_error("wrong_model")
        shown["larger_chosen_%"] = with_error("larger_chosen")
        shown["smaller_chosen_%"] = f"{row['smaller_chosen']:.1f}"
    return shown


def _line(row: dict[str, Any]) -> str:
    covered = ", ".join(f"{field} {row[f'{field}_coverage']:.0f} %" for field in ("B", "A", "C"))
    return f"{covered}; SD of z of B {row['B_sd_z']:.2f}" + (
        f"; out of limits: {row['missed']}" if row["missed"] else ""
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibration", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} data sets a cell: does it run?")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="cells whose name holds one of these")
    parser.add_argument("--datasets", type=whole_number(2), help=f"in each cell; {DATASETS} where not given")
    parser.add_argument("--seed", type=whole_number(0), default=1, help="of truths and noise")
    parser.add_argument(
        "--compat", choices=("none", "spm12", "spm25"), default="none", help="the mode that is measured"
    )
    parser.add_argument("--noise", help="overrides the mode's noise model")
    parser.add_argument("--integrator", choices=("bilinear", "nonlinear"), help="overrides the mode's integrator")
    parser.add_argument("--starts", type=whole_number(1), help="overrides the mode's number of starts")
    parser.add_argument("--json", type=Path, help="write every figure to this file, cell by cell")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
