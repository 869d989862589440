"""A small run on disk, with a signal that is known: what fMRIPrep leaves, and a study over it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from scipy.signal import lfilter

from pipeline.bids import ImageRun
from pipeline.study import Study

SHARED = Path(__file__).parents[4] / "shared"
SHAPE, VOXEL, ORIGIN = (10, 11, 9), 6.0, (-30.0, -36.0, -24.0)
SCANS, TR = 130, 2.0
MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
AMPLITUDE = {"faces": 1.5, "shapes": 0.5}  # percent of the mean, in every voxel near the centre
BLOCKS = {"faces": (10.0, 90.0, 170.0), "shapes": (50.0, 130.0, 210.0)}


@pytest.fixture(scope="session")
def shared() -> Path:
    """Reference data, beside the repository; skips where they are absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"reference data {SHARED / 'data'} are absent")
    return SHARED / "data"


@pytest.fixture(scope="session")
def affine() -> np.ndarray:
    """Of the small run."""
    matrix = np.diag([VOXEL, VOXEL, VOXEL, 1.0])
    matrix[:3, 3] = ORIGIN
    return matrix


@dataclass(frozen=True)
class Small:
    """A run, its study, and how to change what is on disk."""

    run: ImageRun
    study: Study
    data: np.ndarray
    affine: np.ndarray
    inside: np.ndarray

    def images(self, data: np.ndarray | None = None, inside: np.ndarray | None = None) -> Small:
        """The same with other images, written anew."""
        data = self.data if data is None else data
        inside = self.inside if inside is None else inside
        save(self.run.bold, data.astype(np.float32), self.affine)
        save(self.run.brain_mask, inside.astype(np.uint8), self.affine)
        return replace(self, data=data, inside=inside)

    def settings(self, **changes: Any) -> Small:
        """The same with other tables of the study."""
        return replace(self, study=Study.model_validate(self.study.model_dump() | changes))


def save(path: Path, values: np.ndarray, affine: np.ndarray) -> None:
    """A NIfTI image in mm and s."""
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm", "sec")
    if values.ndim == 4:
        image.header.set_zooms((VOXEL, VOXEL, VOXEL, TR))
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)


def planted(onsets: tuple[float, ...]) -> np.ndarray:
    """(scan,) response to blocks of 20 s, in a slow and obvious way: a sum over fine steps of the kernel's formula."""
    from scipy.stats import gamma

    step = 0.01
    times = np.arange(0, SCANS * TR, step)
    boxes = sum(((times >= onset) & (times < onset + 20)).astype(float) for onset in onsets)
    lags = np.arange(0, 32, step)
    kernel = gamma.pdf(lags, 6) - gamma.pdf(lags, 16) / 6
    full = np.convolve(boxes, kernel / kernel.sum())[: times.size]
    return np.asarray(full[np.rint((np.arange(SCANS) + 7 / 16) * TR / step).astype(int)])


@pytest.fixture
def small(tmp_path: Path, affine: np.ndarray) -> Small:
    """A run of 130 scans with two conditions, AR(1) noise, drift and motion; regions inside a round brain."""
    rng = np.random.default_rng(4)
    head = tmp_path / "bids/derivatives/fmriprep/sub-01/ses-1/func/sub-01_ses-1_task-faces"
    space = "_space-MNI152NLin2009cAsym_desc-"
    numbers = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    places = numbers * VOXEL + np.array(ORIGIN)
    inside = np.linalg.norm(places, axis=-1) < 27
    centre = np.linalg.norm(places, axis=-1) < 10.5
    motion = np.cumsum(rng.normal(0, 0.02, (SCANS, 6)), axis=0)
    signal = sum(AMPLITUDE[name] * planted(BLOCKS[name]) for name in BLOCKS)
    noise = lfilter([1], [1, -0.3], rng.normal(0, 0.4, (*SHAPE, SCANS)), axis=-1)
    drift = np.cos(np.pi * (np.arange(SCANS) + 0.5) / SCANS) * 2
    percent = centre[..., None] * signal + noise + drift + rng.normal(0, 1, (*SHAPE, 6)) @ motion.T
    level = np.where(inside, 1000.0, 0.0)
    data = level[..., None] * (1 + percent / 100)
    table = ["\t".join([*MOTION, "framewise_displacement"])]
    for scan, row in enumerate(motion):
        displacement = "n/a" if scan == 0 else f"{np.abs(row - motion[scan - 1]).sum():.8f}"
        radians = np.r_[row[:3], row[3:] / 50]  # whose displacement on a sphere of 50 mm is that of the row
        table.append("\t".join([*(f"{value:.10f}" for value in radians), displacement]))
    confounds = Path(f"{head}_desc-confounds_timeseries.tsv")
    confounds.parent.mkdir(parents=True)
    confounds.write_text("\n".join(table) + "\n")
    confounds.with_suffix(".json").write_text("{}\n")
    events = tmp_path / "bids/sub-01/ses-1/func/sub-01_ses-1_task-faces_events.tsv"
    events.parent.mkdir(parents=True)
    rows = [f"{onset}\t20\t{name}\t{i}" for name, onsets in BLOCKS.items() for i, onset in enumerate(onsets)]
    events.write_text("\n".join(["onset\tduration\ttrial_type\trating", *rows]) + "\n")
    sidecar = Path(f"{head}{space}preproc_bold.json")
    sidecar.write_text(json.dumps({"RepetitionTime": TR}))
    run = ImageRun(
        participant="sub-01",
        session="ses-1",
        task="faces",
        run=None,
        bold=Path(f"{head}{space}preproc_bold.nii.gz"),
        brain_mask=Path(f"{head}{space}brain_mask.nii.gz"),
        confounds=confounds,
        events=events,
        sidecars=(sidecar,),
        repetition_time=TR,
        echo_time=None,
        reference=0.5,
        scans=SCANS,
        shape=level.shape,
        affine=tuple(map(tuple, affine.tolist())),
    )
    study = Study.model_validate(
        {
            "study": {
                "name": "Small",
                "bids": tmp_path / "bids",
                "derivatives": tmp_path / "bids/derivatives/fmriprep",
                "out": tmp_path / "out",
            },
            "participants": {"arms": ("ketamine", "midazolam")},
            "sessions": {"before": "ses-1", "after": "ses-2"},
            "tasks": {"faces": {"contrasts": {"faces-over-shapes": "faces - shapes", "faces": "faces"}}},
            "regions": {
                "core": {"sphere": {"centre": (0, 0, 0), "radius": 9}},
                "rim": {"sphere": {"centre": (18, 0, 0), "radius": 7}},
            },
            "dcm": {
                "task": "faces",
                "regions": ("core", "rim"),
                "inputs": {"task": ("faces", "shapes"), "face": ("faces",)},
            },
        }
    )
    return Small(run, study, data, affine, inside).images()


@pytest.fixture
def save_image() -> Callable[[Path, np.ndarray, np.ndarray], None]:
    """Writes a NIfTI image."""
    return save
