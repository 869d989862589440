"""Can the Gaussian be believed?  ``python -m benchmarks.posterior_check [--quick] [--cells block2:1 …] [--json FILE]``

Simulated participants as in `benchmarks.calibration`, inverted by the default; the Gaussian, and what importance
sampling makes of it (``refine="sampling"``), beside draws of the same posterior by NUTS. Over all connections (A, B, C)
of all participants: SDs over those of the draws, how far means are from theirs in their SDs, and the share of the draws
inside 90 % intervals; medians, and 5 and 95 % quantiles in brackets. F is beside the log evidence by importance
sampling. Exits with 1 where a median is out of its limits.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import dcm
from dcm import ChainSettings, Posterior, PosteriorDraws, SerialNoise, Settings, Subject, simulate_draws
from pipeline.common import print_message, progress, start_jax
from pipeline.results import Z

from ._calibration_designs import designs
from ._options import whole_number
from ._table import table, write_json

CELLS = ("block2:1", "block2:3")
PARTICIPANTS, QUICK = 8, 1
NOISE = SerialNoise((0.3,))
RATIO, SHIFT = (0.9, 1.1), 0.25  # limits of the medians
COLUMNS = ("cell", "what", "participants", "connections", "sd_ratio", "shift", "held_%", "evidence", "seconds", "note")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and say what is out of its limits."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.posterior_check", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} participant a cell: does it run?")
    parser.add_argument("--cells", nargs="+", default=CELLS, metavar="DESIGN:SNR", help="such as block4:0.5")
    parser.add_argument("--participants", type=whole_number(1), help=f"in each cell; {PARTICIPANTS} if not given")
    parser.add_argument("--seed", type=whole_number(0), default=1)
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    options = parser.parse_args(arguments)
    start_jax()
    chains = ChainSettings(warmup=100, draws=100) if options.quick else ChainSettings()
    count = options.participants or (QUICK if options.quick else PARTICIPANTS)
    rows: list[dict[str, Any]] = []
    for cell in options.cells:
        rows += measure(cell, count, options.seed, chains)
    print(f"NUTS, {chains.chains} chains of {chains.draws} draws; seed {options.seed}; median (5 to 95 % quantile)\n")
    print(table([_shown(row) for row in rows], COLUMNS))
    if options.json is not None:
        write_json(options.json, {"seed": options.seed, "rows": rows})
    missed = [f"{row['cell']}, {row['what']}: {', '.join(row['missed'])}" for row in rows if row["missed"]]
    print("\n".join(["", "Out of limits:", *(missed or ["nothing"])]))
    return 1 if missed and not options.quick else 0


def measure(cell: str, count: int, seed: int, chains: ChainSettings) -> list[dict[str, Any]]:
    """Two rows of the table: of the Gaussian, and of the Gaussian refined."""
    name, _, ratio = cell.partition(":")
    design = designs()[name]
    made = simulate_draws(
        design.spec, design.frame, design.draw_truth(True), count, snr=float(ratio), seed=seed, noise=NOISE
    )
    subjects = [Subject(f"participant {i + 1}", design.spec, run.data) for i, run in enumerate(made.runs)]
    begin = time.perf_counter()
    gaussian = [dcm.invert(participant) for participant in subjects]
    inverted = time.perf_counter()
    refined = [dcm.invert(participant, Settings(refine="sampling")) for participant in subjects]
    seconds = {"Gaussian": inverted - begin, "refined": time.perf_counter() - inverted}
    draws = []
    for number, (subject, posterior) in enumerate(zip(subjects, gaussian, strict=True), start=1):
        begin = time.perf_counter()
        with progress(f"{cell}: NUTS, {number} of {count}") as bar:
            draws.append(dcm.sample_posterior(subject, posterior, chains, bar))
        print_message(f"{cell}, participant {number}: {time.perf_counter() - begin:.0f} s of NUTS")
    trouble = (
        f"R-hat ≤ {max(draw.r_hat.max() for draw in draws):.3f}, {sum(draw.divergences for draw in draws)} divergent"
    )
    return [
        {"cell": cell, "what": what, "participants": count, "seconds": seconds[what] / count, "note": trouble}
        | _beside(found, draws)
        for what, found in (("Gaussian", gaussian), ("refined", refined))
    ]


def _beside(found: Sequence[Posterior], draws: Sequence[PosteriorDraws]) -> dict[str, Any]:
    ratios, shifts, held = [], [], []
    for posterior, drawn in zip(found, draws, strict=True):
        mine = [name[0] in "ABC" for name in drawn.names]
        mean, sd = posterior.mean[posterior.free], np.sqrt(np.diag(posterior.covariance))
        inside = (np.abs(drawn.draws - mean) < Z * sd).mean(axis=(0, 1))
        ratios += (sd / drawn.sd)[mine].tolist()
        shifts += np.abs((mean - drawn.mean) / drawn.sd)[mine].tolist()
        held += (100 * inside)[mine].tolist()
    row: dict[str, Any] = {"connections": len(ratios), "sd_ratio": ratios, "shift": shifts, "held_%": held}
    evidence = [
        result.refinement.log_evidence - result.free_energy for result in found if result.refinement is not None
    ]
    if evidence:
        row["evidence"] = evidence
    limits = {"sd_ratio": (np.median(ratios), *RATIO), "shift": (np.median(shifts), 0.0, SHIFT)}
    return row | {"missed": [what for what, (value, least, most) in limits.items() if not least <= value <= most]}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    def summary(values: Sequence[float], digits: int) -> str:
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"

    shown = {key: value for key, value in row.items() if key in COLUMNS and not isinstance(value, list)}
    shown |= {key: summary(row[key], 2) for key in ("sd_ratio", "shift", "evidence") if key in row}
    return shown | {"held_%": summary(row["held_%"], 0)}


if __name__ == "__main__":
    sys.exit(main())
