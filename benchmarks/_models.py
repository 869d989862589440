"""Simulated cohorts of any size, made to look like a block-design language study at a repetition time of 3.6 s."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

import dcm

REPETITION_TIME = 3.6  # s
BINS = 16  # microtime bins of one scan
SCANS = 198
DRIFTS = 11  # cosine confounds beside the constant
BLOCK, PAUSES = 5, (1, 21)  # scans of a block, and of the rests that follow blocks in turn
SHIFT = 12  # bins by which every third block ends early, so that not every change falls on a sample
INPUTS = ("task", "pictures", "words")
SNR = 1.0


def block_inputs(scans: int) -> np.ndarray:
    """(bin, input): blocks of pictures and of words in turn, both of them task, mean-centred."""
    u = np.zeros((scans * BINS, len(INPUTS)))
    onset, block = BINS - 1, 0  # blocks begin where a region is sampled, as they do when the task waits for the scanner
    while onset < len(u):
        end = onset + BLOCK * BINS - (SHIFT if block % 3 == 2 else 0)
        u[onset:end, 0] = 1
        u[onset:end, 1 + block % 2] = 1
        onset += (BLOCK + PAUSES[block % 2]) * BINS
        block += 1
    return u - u.mean(axis=0)


def spec(regions: int) -> dcm.Spec:
    """Each region connected with its n/4 neighbours on either side of a ring; 14, 30, 74, 210 parameters at 2 … 16.

    Pictures and words change every self-connection, the task drives every region.
    """
    place = np.arange(regions)
    apart = np.abs(place[:, None] - place)
    near = np.minimum(apart, regions - apart) <= max(1, regions // 4)
    b = np.zeros((regions, regions, len(INPUTS)))
    b[place, place, 1:] = 1
    c = np.zeros((regions, len(INPUTS)))
    c[:, 0] = 1
    return dcm.Spec([f"R{i + 1}" for i in place], INPUTS, near, b, c)


def planted(model: dcm.Spec, seed: int) -> dcm.Parameters:
    """Connections of one participant, weak enough to be stable at any number of regions."""
    rng = np.random.default_rng(seed)
    n, off = model.n, ~np.eye(model.n, dtype=bool)
    into = np.maximum((model.a & off).sum(axis=1), 1)[:, None]
    rates = 0.25 * (1 + 0.5 * rng.standard_normal((n, n))) / into
    haemodynamic = 0.05 * rng.standard_normal(n + 2)
    values = {
        "A": np.where(off, model.a * rates, 0.1 * rng.standard_normal((n, n))),
        "B": model.b * 0.3 * rng.standard_normal(model.b.shape),
        "C": model.c * (0.5 + 0.15 * rng.standard_normal(model.c.shape)),
        "D": np.zeros((n, n, n)),
        "transit": haemodynamic[:n],
        "decay": haemodynamic[n],
        "epsilon": haemodynamic[n + 1],
    }
    return dcm.Parameters(**{name: jnp.asarray(value) for name, value in values.items()})


def drifts(scans: int, count: int) -> np.ndarray:
    """(scan, 1 + count): a constant and slow cosines."""
    phase = np.pi * (np.arange(scans) + 0.5) / scans
    return np.column_stack([np.ones(scans), *(np.cos(k * phase) for k in range(1, count + 1))])


def cohort(regions: int, participants: int, scans: int = SCANS, snr: float = SNR) -> list[dcm.Subject]:
    """Simulated participants of one model: signal, white noise of the same strength, and drifts."""
    model, inputs, confounds = spec(regions), block_inputs(scans), drifts(scans, DRIFTS)
    bin_width = REPETITION_TIME / BINS
    subjects = []
    for i in range(participants):
        run = dcm.simulate(
            model,
            planted(model, i),
            inputs,
            bin_width,
            REPETITION_TIME,
            snr=snr,
            integrator="bilinear",
            seed=i,
            delays=np.full(regions, REPETITION_TIME),
            confounds=confounds,
        ).data
        drift = confounds @ (0.1 * np.random.default_rng([i, 1]).standard_normal((confounds.shape[1], regions)))
        data = dcm.Data(run.bold + drift, inputs, bin_width, REPETITION_TIME, confounds, run.delays)
        subjects.append(dcm.Subject(f"sub-{i + 1:03d}", model, data))
    return subjects
