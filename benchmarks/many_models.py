"""Many models from one inversion: ``python -m benchmarks.many_models [--participants N] [--json FILE]``.

Eight regions with all connections (A), six of which an input changes (B), two of them truly: 64 models of what it
changes, of eight participants. Seconds to invert the full models; to reduce all others, with prediction and residual of
each; to write each as a result file, and to read them again, as the comparison of models does. And for the best models
of the first participants, F minus the full model's by reduction and by inversion.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from dcm import Posterior, SerialNoise, Settings, Spec, Subject, invert_cohort, simulate
from peb import check_reduction, reduce_models
from pipeline.results import posterior_dataset, read_posterior, write_dataset

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
    seconds: dict[str, float] = {}
    began = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal began
        now = time.perf_counter()
        seconds[name], began = now - began, now

    full = _inverted(subjects, settings)
    lap("invert full models")
    reduced = [reduce_models(posterior, specs[1:], subject) for posterior, subject in zip(full, subjects, strict=True)]
    lap("reduce all others")
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for subject, models in zip(subjects, reduced, strict=True):
            data, _ = subject.data.prepared(False)
            for place, posterior in enumerate(models):
                paths.append(Path(folder) / f"{subject.name}-{place}.nc")
                write_dataset(paths[-1], posterior_dataset(posterior, name=subject.name, attrs={}, data=data))
        lap("write results")
        for path in paths:
            read_posterior(path)
        lap("read them")
    gain = np.array(
        [[own.free_energy - whole.free_energy for own in models] for whole, models in zip(full, reduced, strict=True)]
    )
    best = np.argsort(-gain.sum(axis=0))[:CHECKED_MODELS]
    checked = subjects[:CHECKED_PARTICIPANTS]
    rows = []
    for place in best:
        spec = specs[1 + place]
        own = _inverted([Subject(subject.name, spec, subject.data) for subject in checked], settings)
        for whole, small, subject in zip(full, own, checked, strict=False):
            found = check_reduction(small, whole)
            rows.append(
                {
                    "participant": subject.name,
                    "model": "".join("01"[on] for on in patterns[1 + place]),
                    "reduced_nats": found.reduced,
                    "inverted_nats": found.inverted,
                    "difference_nats": found.difference,
                    "furthest_mean_SD": found.furthest,
                }
            )
    print(table([{"what": name, "seconds": value} for name, value in seconds.items()], ("what", "seconds")))
    count = len(full[0].names)
    print(f"\n{len(specs)} models x {len(subjects)} participants, {count} parameters in the full model\n")
    print(table(rows, COLUMNS))
    if options.json is not None:
        write_json(options.json, {"seconds": seconds, "rows": rows, "parameters": count})
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


def _inverted(subjects: Sequence[Subject], settings: Settings) -> list[Posterior]:
    found = invert_cohort(subjects, settings)
    if failed := [outcome for outcome in found if not isinstance(outcome, Posterior)]:
        raise RuntimeError(f"{failed[0].name}: {failed[0].reason}")
    return [outcome for outcome in found if isinstance(outcome, Posterior)]


if __name__ == "__main__":
    raise SystemExit(main())
