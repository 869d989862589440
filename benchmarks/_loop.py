"""A cohort of unlike participants gives what they give one at a time."""

from __future__ import annotations

import numpy as np

import dcm
from dcm import Posterior, Settings, Subject
from dcm._batch import make_batches
from dcm._subject import prepare

from ._check import Check

REPETITION_TIME, BINS = 2.0, 8
SETTINGS = Settings("spm12")


def checks(quick: bool) -> list[Check]:
    """Largest difference between the batch and the loop."""
    cohort = mixed_cohort(2 if quick else 5)
    together = dcm.invert_cohort(cohort, SETTINGS)
    # Every size compiles anew, so a quick run takes one.
    alone = [dcm.invert_cohort([subject], SETTINGS)[0] for subject in cohort[: 1 if quick else None]]
    largest = max(len(batch.members) for batch in make_batches([prepare(s, SETTINGS) for s in cohort], SETTINGS))
    pairs = [
        (a, b) for a, b in zip(together, alone, strict=False) if isinstance(a, Posterior) and isinstance(b, Posterior)
    ]
    found = f"{len(pairs)} participants unlike in scans, inputs, masks, confounds and delays"
    differences: dict[str, list[float]] = {
        "F, nats": [abs(a.free_energy - b.free_energy) for a, b in pairs],
        "posterior mean": [float(np.abs(a.mean - b.mean).max()) for a, b in pairs],
        "posterior covariance": [float(np.abs(a.covariance - b.covariance).max()) for a, b in pairs],
        "iterations": [abs(a.iterations - b.iterations) for a, b in pairs],
    }
    rows = [
        Check(f"batch against loop: {name}", float(max(each)), 1e-8, note=found) for name, each in differences.items()
    ]
    return [
        *rows,
        Check("batch against loop: participants in the largest batch", float(largest), least=2.0),
        Check("batch against loop: failed inversions", float(len(alone) - len(pairs)), 0.0),
    ]


def mixed_cohort(count: int) -> list[Subject]:
    """Two regions each, everything else varied."""
    return [_participant(i) for i in range(1, count + 1)]


def _participant(i: int) -> Subject:
    rng = np.random.default_rng(i)
    scans, m = 60 + 5 * (i % 4), 1 + i % 2
    b = np.zeros((2, 2, m))
    b[1, 0, m - 1] = 1
    c = np.zeros((2, m))
    c[0, 0] = 1
    names = ["drive", "context"][:m]
    spec = dcm.Spec(["first", "second"], names, [[1, i % 3 != 2], [1, 1]], b, c)
    theta = np.zeros(spec.layout.size)
    free = dcm.prior(spec, "spm12").free
    theta[free] = 0.1 * rng.standard_normal(free.size)
    theta[spec.layout.field_slice("A")] += [0, 0.3, 0, 0]  # first → second
    theta[spec.layout.field_slice("C")] += c.ravel(order="F")
    second = np.arange(scans * BINS) * REPETITION_TIME / BINS
    drive = ((second + i % 3) % 20 < 10) * (1 + 0.5 * (second % 40 < 20))
    inputs = np.column_stack([drive, second % 40 < 20])[:, :m]
    slow = np.cos(np.pi * np.outer(np.arange(scans) + 0.5, np.arange(1 + i % 3)) / scans)
    delays = rng.uniform(0, REPETITION_TIME, 2)
    run = dcm.simulate(
        spec,
        spec.layout.to_tree(theta),
        inputs,
        REPETITION_TIME / BINS,
        REPETITION_TIME,
        snr=2.0,
        integrator="bilinear",
        seed=i,
        delays=delays,
        confounds=slow,
    )
    return Subject(f"participant {i}", spec, run.data)
