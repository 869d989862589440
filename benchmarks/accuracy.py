"""Accuracy against exact answers: ``python -m benchmarks.accuracy [--json FILE] [--quick]``.

The evidence of a linear-Gaussian model; derivatives against finite differences and both integrators against brute
force; the bilinear integrator against the nonlinear one; coverage of posterior intervals over data simulated from the
prior; a cohort inverted as a batch against a loop; how often the permutation test rejects where there is no effect.
Each line says what was measured and where it must lie; the exit code is 1 where one does not.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax

from . import _coverage_in_spm_mode, _derivatives, _integrators, _linear_gaussian, _loop, _null_trials
from ._case import device
from ._check import Check
from ._table import table, write_json

SECTIONS: dict[str, Callable[[bool], list[Check]]] = {
    "linear": _linear_gaussian.checks,
    "derivatives": _derivatives.checks,
    "integrators": _integrators.checks,
    "calibration": _coverage_in_spm_mode.checks,
    "batch": _loop.checks,
    "permutation": _null_trials.checks,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 where a check failed."""
    options = _options(arguments)
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call] # JAX leaves it untyped
    where = device()["device"]
    print(f"device: {where}, precision: float64\n")
    rows: list[dict[str, Any]] = []
    for name in options.only:
        print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr, flush=True)
        rows += _section(name, options.quick)
    print(table(rows, ("check", "value", "bound", "outcome", "note")))
    failed = sum(row["outcome"] == "FAIL" for row in rows)
    print(f"\n{failed} of {len(rows)} failed" if failed else f"\nall {len(rows)} within their bounds")
    if options.json is not None:
        write_json(options.json, {"device": where, "precision": "float64", "quick": options.quick, "checks": rows})
    return 1 if failed else 0


def _section(name: str, quick: bool) -> list[dict[str, Any]]:
    """The rows of one section; one that breaks is a failed check, and the others go on."""
    try:
        return [{"section": name, **check.row()} for check in SECTIONS[name](quick)]
    except Exception as error:  # whatever broke is this section's result
        note = f"{type(error).__name__}: {error}"
        return [{"section": name, **Check(name, float("nan"), most=0.0, note=note).row()}]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy", description="Accuracy of the inversion against exact answers."
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers here too")
    parser.add_argument("--quick", action="store_true", help="a few small cases, to see that everything runs")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="some of the sections")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
