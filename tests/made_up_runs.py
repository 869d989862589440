"""Runs after their first level with couplings that are known, without images: for tests of what is measured in them."""

from __future__ import annotations

from typing import Any

import numpy as np
from made_up_posterior import posterior_at
from scipy.ndimage import gaussian_filter1d

from dcm import Posterior, prior
from pipeline.bids import Inventory, Participant
from pipeline.images import Extraction, spm_kernel, whitener
from pipeline.study import MAIN, Study, model_specs

REGIONS = ("vmPFC", "amygdala", "insula")
SCANS, TR, BINS = 120, 2.0, 16
ARMS, SESSIONS = ("ketamine", "midazolam"), ("ses-1", "ses-2")
COUPLED = {"faces": 0.8, "shapes": -0.1}  # what vmPFC adds of amygdala's signal during each condition
CONTENT: dict[str, Any] = {
    "study": {"name": "Made up", "bids": "bids", "derivatives": "derivatives"},
    "participants": {"arms": ARMS},
    "sessions": {"before": "ses-1", "after": "ses-2"},
    "scores": {"improvement": {"column": "caps", "take": "fall"}},
    "tasks": {
        "faces": {
            "conditions": {"faces": ["faces"], "shapes": ["shapes"]},
            "contrasts": {"faces-over-shapes": "faces - shapes"},
            "distances": {"category": {"between": ("faces", "shapes")}},
        },
        "rest": {"rest": True},
    },
    "regions": {name: {"sphere": {"centre": (0, 0, 10 * i), "radius": 8}} for i, name in enumerate(REGIONS)},
    "dcm": {
        "task": "faces",
        "regions": REGIONS[:2],
        "inputs": {"task": ["faces", "shapes"], "faces": ["faces"]},
        "b": {"faces": ["vmPFC <- amygdala"]},
        "c": {"task": ["amygdala"]},
    },
}


def study_of(**changes: Any) -> Study:
    """Faces and rest; other tables of the configuration by their name."""
    return Study.model_validate(CONTENT | changes)


def predictors_of(*arms: str) -> Inventory:
    """One participant for each arm given, with an age that is not known of the last, and without runs."""
    ages = [str(30 + i) for i in range(len(arms) - 1)] + ["n/a"]
    return Inventory(
        tuple(
            Participant(f"sub-{i + 1:02d}", arm, {"age": age, "sex": "f"}, {"improvement": 10.0 + i})
            for i, (arm, age) in enumerate(zip(arms, ages, strict=True))
        ),
        (),
        (),
        (),
    )


def run_of(participant: str, session: str, task: str, seed: int = 0, **changes: Any) -> Extraction:
    """One run: vmPFC takes from amygdala what `COUPLED` says; serial correlations, drift and motion besides.

    Arguments:
        changes: fields that are to be other.
    """
    rng = np.random.default_rng(seed)
    rest = task == "rest"
    boxes = np.zeros((SCANS * BINS, 0)) if rest else _blocks()
    kernel = spm_kernel(TR)
    tasks = np.column_stack([_sampled(column, kernel) for column in boxes.T]) if not rest else np.zeros((SCANS, 0))
    neural = gaussian_filter1d(rng.normal(size=(SCANS * BINS, len(REGIONS))), 2 * BINS, axis=0)
    neural /= neural.std(axis=0)
    if not rest:
        neural[:, 0] += (boxes @ np.array(list(COUPLED.values()))) * neural[:, 1]
    clean = np.column_stack([_sampled(column, kernel) for column in neural.T])
    motion = np.cumsum(rng.normal(size=(SCANS, 2)), axis=0)
    drifts = np.cos(np.pi * np.outer(np.arange(SCANS) + 0.5, np.arange(1, 4)) / SCANS)
    nuisance = np.column_stack([motion - motion.mean(axis=0), drifts, np.ones(SCANS)])
    names = ("trans_x", "trans_y", "drift_1", "drift_2", "drift_3", "constant")
    means = clean + 0.05 * rng.normal(size=clean.shape) + nuisance @ rng.normal(size=(6, len(REGIONS)))
    whiten = whitener(0.3, SCANS)
    confounds = whiten @ nuisance
    series = whiten @ means
    series -= confounds @ np.linalg.lstsq(confounds, series, rcond=None)[0]
    fields: dict[str, Any] = {
        "participant": participant,
        "session": session,
        "task": task,
        "label": f"{participant}_{session}_task-{task}",
        "regions": REGIONS,
        "series": series,
        "means": means,
        "explained": np.full(3, 0.5),
        "voxels": np.full(3, 50),
        "sizes": np.full(3, 50),
        "sources": ("mask of 0 and 1",) * 3,
        "coverage": np.ones(3),
        "centres": np.zeros((3, 3)),
        "confounds": confounds,
        "confound_names": names,
        "inputs": np.zeros((SCANS * BINS, 0)),
        "input_names": (),
        "conditions": boxes,
        "condition_names": () if rest else tuple(COUPLED),
        "bin_width": TR / BINS,
        "repetition_time": TR,
        "echo_time": None,
        "delays": TR / 2,
        "design": np.column_stack([tasks, nuisance]),
        "design_names": (*(() if rest else COUPLED), *names),
        "contrasts": () if rest else ("faces-over-shapes",),
        "responses": rng.normal(size=(0 if rest else 1, 3)),
        "distances": rng.normal(size=(0 if rest else 1, 3)),
        "distance_names": () if rest else ("category",),
        "framewise_displacement": np.r_[np.nan, rng.uniform(0.1, 0.3, SCANS - 1)],
        "censored": np.zeros(0, dtype=np.int64),
        "autocorrelation": 0.3,
        "notes": (),
    }
    return Extraction(**(fields | changes))


def _blocks() -> np.ndarray:
    """(bin, condition) faces and shapes in turn, 20 s each, 10 s apart."""
    seconds = np.arange(SCANS * BINS) * TR / BINS
    on, number = (seconds % 30) < 20, (seconds // 30).astype(int)
    return np.column_stack([on & (number % 2 == 0), on & (number % 2 == 1)]).astype(float)


def _sampled(series: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolved, at the middle bin of each scan."""
    return np.asarray(np.convolve(series, kernel)[: series.size][BINS // 2 - 1 :: BINS])


def posterior_of(study: Study, shift: float) -> Posterior:
    """The prior, moved: an inversion that nobody had to wait for."""
    assert study.dcm is not None
    spec = model_specs(study.dcm)[MAIN]
    start = prior(spec)
    mean = start.mean.copy()
    mean[start.free] += shift + np.arange(start.free.size)
    return posterior_at(spec, mean, np.eye(start.free.size), free_energy=0.0, settled_free_energy=0.0)
