"""Many models from one inversion: ``python -m benchmarks.many_models [--participants N] [--json FILE]``.

Eight regions with all connections (A), six of which an input changes (B), two of them truly: 64 models of what it
changes, of eight participants. Seconds, of the clock and of all processors, to invert the full models; to reduce all
others and write them, a file a participant; to read and compare them, with the report of that; and to invert the best
few of some participants as a check, as a study does. Compiling is in the first of each: run twice for times without.
Of the models that are checked, F minus the full model's by reduction and by inversion.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dcm import Posterior, SerialNoise, Settings, Spec, Subject, invert_each, simulate
from peb import check_reduction, reduce_models
from pipeline.group import report_model_evidence
from pipeline.page import save_report
from pipeline.results import posterior_dataset, read_reduced_models, write_dataset, write_reduced_models

from ._models import BINS, REPETITION_TIME
from ._options import whole_number
from ._table import table, write_json

REGIONS, SCANS, SNR = 8, 200, 1.5
CHANGED = ((1, 0), (2, 1), (3, 2), (4, 3), (0, 4), (5, 0))  # (to, from)
NAMES = [f"R{i + 1}" for i in range(REGIONS)]
CHECKED_MODELS, CHECKED_PARTICIPANTS = 3, 4
COLUMNS = ("participant", "model", "reduced_nats", "inverted_nats", "difference_nats", "furthest_mean_SD")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_models", description=__doc__)
    parser.add_argument("--participants", type=whole_number(1), default=8)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call] # JAX leaves it untyped
    settings = Settings(starts=1)
    patterns = list(itertools.product((True, False), repeat=len(CHANGED)))
    specs = [model(on) for on in patterns]
    subjects = [_subject(number) for number in range(options.participants)]
    names = ["".join("01"[on] for on in own) for own in patterns]
    times: list[dict[str, Any]] = []
    began = time.perf_counter(), time.process_time()

    def lap(name: str) -> None:
        nonlocal began
        now = time.perf_counter(), time.process_time()
        times.append({"what": name, "seconds": now[0] - began[0], "processor_seconds": now[1] - began[1]})
        began = now

    with tempfile.TemporaryDirectory() as folder:
        full = _inverted(subjects, settings)
        main = {subject.name: Path(folder) / "main" / f"{subject.name}.nc" for subject in subjects}
        for (name, path), posterior in zip(main.items(), full, strict=True):
            write_dataset(path, posterior_dataset(posterior, name=name, attrs={}))
        lap("invert full models")
        reduced = {}
        for (name, path), posterior in zip(main.items(), full, strict=True):
            found = reduce_models(posterior, specs[1:], names[1:])
            reduced[name] = write_reduced_models(path, found, name)
        lap("reduce all others, write")
        save_report(report_model_evidence({"main": main}, "models", reduced), Path(folder) / "group")
        lap("read, compare, report")
        models = [read_reduced_models(path) for path in reduced.values()]
        gain = np.sum([own.delta_free_energy for own in models], axis=0)
        best = np.argsort(-gain)[:CHECKED_MODELS]
        checked = list(zip(subjects, full, models, strict=True))[:CHECKED_PARTICIPANTS]
        smaller = [
            Subject(subject.name, own.specs[place], subject.data, start=own.mean[place])
            for place in best
            for subject, _, own in checked
        ]
        own_inversions = _inverted([*(subject for subject, _, _ in checked), *smaller], settings, len(checked))
        lap("invert the best, as a check")
    rows = []
    for k, small in enumerate(own_inversions):
        subject, whole, _ = checked[k % len(checked)]
        against = check_reduction(small, whole)
        rows.append(
            {
                "participant": subject.name,
                "model": names[1 + best[k // len(checked)]],
                "reduced_nats": against.reduced,
                "inverted_nats": against.inverted,
                "difference_nats": against.difference,
                "furthest_mean_SD": against.furthest,
            }
        )
    print(table(times, ("what", "seconds", "processor_seconds")))
    count = len(full[0].names)
    print(f"\n{len(specs)} models x {len(subjects)} participants, {count} parameters in the full model\n")
    print(table(rows, COLUMNS))
    if options.json is not None:
        write_json(options.json, {"times": times, "rows": rows, "parameters": count})
    return 0


def model(on: Sequence[bool]) -> Spec:
    """The model in which the input changes some of the connections."""
    b = np.zeros((REGIONS, REGIONS, 2))
    for (to, source), kept in zip(CHANGED, on, strict=True):
        b[to, source, 1] = kept
    c = np.zeros((REGIONS, 2))
    c[[0, 3], 0] = 1
    return Spec(NAMES, ["task", "change"], np.ones((REGIONS, REGIONS)), b, c)


def _subject(number: int) -> Subject:
    random = np.random.default_rng([11, number])
    seconds = np.arange(SCANS * BINS) * REPETITION_TIME / BINS
    on = (seconds % 34) >= 14
    inputs = np.column_stack([on, on & (seconds // 34 % 2 == 0)]).astype(float)
    true = {f"A[{NAMES[(i + 1) % REGIONS]}<-{NAMES[i]}]": 0.3 + 0.1 * random.standard_normal() for i in range(REGIONS)}
    true |= {"C[R1<-task]": 0.8, "C[R4<-task]": 0.6}
    true |= {"B[R2<-R1, change]": 0.5, "B[R3<-R2, change]": -0.4}
    full = model([True] * len(CHANGED))
    made = simulate(
        full, true, inputs, REPETITION_TIME / BINS, REPETITION_TIME, snr=SNR, seed=number, noise=SerialNoise()
    )
    return Subject(f"sub-{number + 1:02d}", full, made.data)


def _inverted(subjects: Sequence[Subject], settings: Settings, leave_out: int = 0) -> list[Posterior]:
    """Posteriors; of all but the first few, which decide how data are padded and so what is compiled."""
    found = dict(invert_each(subjects, settings, wanted=range(leave_out, len(subjects))))
    if failed := [outcome for outcome in found.values() if not isinstance(outcome, Posterior)]:
        raise RuntimeError(f"{failed[0].name}: {failed[0].reason}")
    outcomes = (found[place] for place in sorted(found))
    return [outcome for outcome in outcomes if isinstance(outcome, Posterior)]


if __name__ == "__main__":
    raise SystemExit(main())
