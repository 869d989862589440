"""What the unit of region series does to a DCM: ``python -m benchmarks.series_units [--runs N] [--json FILE]``.

The same simulated runs, two regions in blocks, are inverted by the default mode as percent signal change, as raw
signal, in a unit of their own, and standardised region by region; each row holds one parameter's error against what
was planted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd

from ._table import table, write_json

SCANS, REPETITION_TIME, SNR = 120, 2.0, 2.0
REGIONS, INPUTS = ("vmPFC", "amygdala"), {"task": ("faces", "shapes"), "faces": ("faces",)}
CONNECTIONS = {"b": {"faces": ["amygdala <- vmPFC"]}, "c": {"task": list(REGIONS)}}
MODULATION = "B[amygdala<-vmPFC, faces]"
PLANTED = {
    "A[amygdala<-vmPFC]": 0.2,
    "A[vmPFC<-amygdala]": -0.2,
    "C[vmPFC<-task]": 0.4,
    "C[amygdala<-task]": 0.3,
}
COLUMNS = ("unit", "parameter", "bias", "rmse", "in_90")


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, invert, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.series_units", description=__doc__)
    parser.add_argument("--runs", type=int, default=40, metavar="N", help="how many runs are simulated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers here too")
    options = parser.parse_args(arguments)
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call] # JAX leaves it untyped
    rows = measure(options.runs)
    print(f"{options.runs} runs of {SCANS} scans at {REPETITION_TIME:g} s, signal-to-noise ratio {SNR:g}\n")
    print(table(rows, COLUMNS))
    if options.json is not None:
        write_json(options.json, {"runs": options.runs, "rows": rows})
    return 0


def measure(runs: int) -> list[dict[str, Any]]:
    """A row for every unit and parameter."""
    from effconn import Posterior, RegionSeries, invert_each, subject_from_series

    modulations = np.random.default_rng(0).normal(0.4, 0.4, runs)
    series = [_simulated(float(value), seed) for seed, value in enumerate(modulations)]
    units: dict[str, tuple[str, list[np.ndarray]]] = {
        "percent": ("percent", series),
        "raw": ("raw", [900 * (1 + values / 100) for values in series]),
        "arbitrary": ("arbitrary", [37 * values for values in series]),
        "standardised": ("arbitrary", [(values - values.mean(axis=0)) / values.std(axis=0) for values in series]),
    }
    subjects = [
        subject_from_series(
            RegionSeries(Path(name), "table", values, REGIONS, unit=unit, repetition_time=REPETITION_TIME),  # type: ignore[arg-type]  # a unit as text
            _events(),
            inputs=INPUTS,
            b=CONNECTIONS["b"],
            c=CONNECTIONS["c"],
            name=f"{name} {number}",
        )
        for name, (unit, own) in units.items()
        for number, values in enumerate(own)
    ]
    found = [result for _, result in invert_each(subjects)]
    rows = []
    for place, name in enumerate(units):
        own = [result for result in found[place * runs : (place + 1) * runs] if isinstance(result, Posterior)]
        for parameter, truth in {**PLANTED, MODULATION: None}.items():
            planted = modulations if truth is None else np.full(runs, truth)
            rows.append({"unit": name, "parameter": parameter, **_errors(own, parameter, planted)})
    return rows


def _errors(posteriors: Sequence[Any], parameter: str, planted: np.ndarray) -> dict[str, float]:
    means = np.array([posterior[parameter].mean for posterior in posteriors])
    deviations = np.array([posterior[parameter].sd for posterior in posteriors])
    error = means - planted[: len(means)]
    held = np.abs(error) < 1.645 * deviations
    return {"bias": float(error.mean()), "rmse": float(np.sqrt((error**2).mean())), "in_90": float(held.mean())}


def _events() -> pd.DataFrame:
    onsets = np.arange(8.0, SCANS * REPETITION_TIME - 12, 24.0)
    kinds = [("faces", "shapes")[position % 2] for position in range(onsets.size)]
    return pd.DataFrame({"onset": onsets, "duration": 12.0, "trial_type": kinds})


def _simulated(modulation: float, seed: int) -> np.ndarray:
    from effconn import inputs_from_events, make_spec, simulate

    inputs = inputs_from_events(_events(), SCANS, REPETITION_TIME, inputs=INPUTS)
    spec = make_spec(REGIONS, list(INPUTS), b=CONNECTIONS["b"], c=CONNECTIONS["c"])
    run = simulate(
        spec,
        {**PLANTED, MODULATION: modulation},
        inputs.to_numpy(),
        REPETITION_TIME / 16,
        REPETITION_TIME,
        snr=SNR,
        seed=seed,
        delays=np.full(2, REPETITION_TIME / 2),
    )
    return np.asarray(run.data.bold)


if __name__ == "__main__":
    sys.exit(main())
