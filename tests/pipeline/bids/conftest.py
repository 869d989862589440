"""A small valid study: 2 × 3 participants × 2 sessions × faces and rest, to be spoiled in one place at a time."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from pipeline.bids import Inventory, collect_inventory
from pipeline.study import Study

SCANS, STEP = 40, 2.0
SPACE = "MNI152NLin2009cAsym"
PEOPLE = [f"sub-{i:02d}" for i in range(1, 7)]
MOTION = [f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"]
COLUMNS = [
    *(name + suffix for name in MOTION for suffix in ("", "_derivative1")),
    *("csf", "white_matter", "global_signal", "framewise_displacement"),
    *("cosine00", "a_comp_cor_00", "a_comp_cor_01", "t_comp_cor_00", "non_steady_state_outlier00"),
]


def save_image(path: Path, shape: Sequence[int], step: float = STEP, affine: np.ndarray | None = None) -> None:
    """A real NIfTI with qform and sform."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([3.0, 3.0, 3.0, 1.0]) if affine is None else affine
    data = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    if len(shape) > 3:
        image.header.set_zooms((3.0, 3.0, 3.0, step))
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=4)
    nib.save(image, path)


def save_rows(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    """A tab-separated table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n").writerows(rows)


def confound_rows(scans: int = SCANS, seed: int = 0) -> list[list[Any]]:
    """Header and rows as fMRIPrep writes them: derivatives and displacement are n/a in the first scan."""
    values = np.random.default_rng(seed).normal(size=(scans, len(COLUMNS)))
    rows: list[list[Any]] = [[repr(float(value)) for value in row] for row in values]
    for place, name in enumerate(COLUMNS):
        if name.endswith("derivative1") or name == "framewise_displacement":
            rows[0][place] = "n/a"
        if name == "framewise_displacement":
            for row in range(1, scans):
                rows[row][place] = 0.1
        if name.startswith("non_steady"):
            for row in range(scans):
                rows[row][place] = float(row == 0)
    return [list(COLUMNS), *rows]


EVENTS = [
    ["onset", "duration", "trial_type", "response_time"],
    [0, 10, "faces", 0.8],
    [20, 10, "shapes", 0.7],
    [40, 10, "faces", 0.9],
    [60, 10, "shapes", 0.6],
]


def write_tree(root: Path) -> None:
    """The files of the whole study."""
    bids, derivatives = root / "bids", root / "bids" / "derivatives" / "fmriprep"
    scores = [["participant_id", "group", "age", "sex", "improvement"]]
    scores += [
        [participant, "ketamine" if i < 3 else "midazolam", 30 + i * i, "MF"[i % 2], 3 * i + (i % 2)]
        for i, participant in enumerate(PEOPLE)
    ]
    save_rows(bids / "participants.tsv", scores)
    caps = [["participant_id", "session_id", "total"]]
    caps += [[participant, f"ses-{j}", 40 - 5 * j - i * j] for i, participant in enumerate(PEOPLE) for j in (1, 2)]
    save_rows(bids / "phenotype" / "caps5.tsv", caps)
    (bids / "dataset_description.json").write_text('{"Name": "small", "BIDSVersion": "1.9.0"}')
    for task in ("faces", "rest"):
        content = {"RepetitionTime": STEP, "EchoTime": 0.03, "TaskName": task}
        (bids / f"task-{task}_bold.json").write_text(json.dumps(content))
    first = root / "first.nii.gz"
    save_image(first, (3, 3, 3, SCANS))
    mask = root / "mask.nii.gz"
    save_image(mask, (3, 3, 3))
    for participant in PEOPLE:
        for session in ("ses-1", "ses-2"):
            for task in ("faces", "rest"):
                here, head = derivatives / participant / session / "func", f"{participant}_{session}_task-{task}"
                here.mkdir(parents=True, exist_ok=True)
                shutil.copy(first, here / f"{head}_space-{SPACE}_desc-preproc_bold.nii.gz")
                shutil.copy(mask, here / f"{head}_space-{SPACE}_desc-brain_mask.nii.gz")
                (here / f"{head}_space-{SPACE}_desc-preproc_bold.json").write_text(
                    json.dumps({"RepetitionTime": STEP, "StartTime": 0.5, "SkullStripped": False})
                )
                save_rows(here / f"{head}_desc-confounds_timeseries.tsv", confound_rows())
                (here / f"{head}_desc-confounds_timeseries.json").write_text(
                    json.dumps({f"a_comp_cor_0{i}": {"Mask": "combined", "Retained": True} for i in range(2)})
                )
            save_rows(bids / participant / session / "func" / f"{participant}_{session}_task-faces_events.tsv", EVENTS)


@dataclass
class SmallStudy:
    """Where the files are, and the settings, which a test may change."""

    root: Path
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def bids(self) -> Path:
        return self.root / "bids"

    @property
    def derivatives(self) -> Path:
        return self.bids / "derivatives" / "fmriprep"

    def derived(self, end: str, head: str = "sub-01_ses-1_task-faces") -> Path:
        """A file of fMRIPrep's, by its name's end."""
        participant, session, _ = head.split("_", 2)
        return self.derivatives / participant / session / "func" / f"{head}_{end}"

    def bold(self, head: str = "sub-01_ses-1_task-faces") -> Path:
        return self.derived(f"space-{SPACE}_desc-preproc_bold.nii.gz", head)

    def mask(self, head: str = "sub-01_ses-1_task-faces") -> Path:
        return self.derived(f"space-{SPACE}_desc-brain_mask.nii.gz", head)

    def sidecar(self, head: str = "sub-01_ses-1_task-faces") -> Path:
        return self.derived(f"space-{SPACE}_desc-preproc_bold.json", head)

    def confounds(self, head: str = "sub-01_ses-1_task-faces") -> Path:
        return self.derived("desc-confounds_timeseries.tsv", head)

    def events(self, head: str = "sub-01_ses-1_task-faces") -> Path:
        participant, session, _ = head.split("_", 2)
        return self.bids / participant / session / "func" / f"{head}_events.tsv"

    def set(self, part: str, **changes: Any) -> None:
        """Change settings of a part such as ``tasks.faces``."""
        here = self.settings
        for key in part.split("."):
            here = here.setdefault(key, {})
        here.update(changes)

    def study(self) -> Study:
        return Study.model_validate(self.settings)

    def inventory(self) -> Inventory:
        return collect_inventory(self.study())

    def edit(self, path: Path, old: str, new: str) -> None:
        """Replace a piece of a text file that is surely there."""
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


def settings_of(bids: Path) -> dict[str, Any]:
    """A configuration of the small study, as TOML would give it."""
    return {
        "study": {"name": "small", "bids": bids, "derivatives": bids / "derivatives" / "fmriprep"},
        "participants": {"arm": "group", "arms": ("ketamine", "midazolam")},
        "sessions": {"before": "ses-1", "after": "ses-2"},
        "scores": {
            "improvement": {"column": "improvement"},
            "caps": {"table": bids / "phenotype" / "caps5.tsv", "column": "total", "take": "fall"},
        },
        "tasks": {
            "faces": {
                "conditions": {"faces": ("faces",), "shapes": ("shapes",)},
                "contrasts": {"faces-over-shapes": "faces - shapes"},
            },
            "rest": {"rest": True},
        },
        "regions": {
            "vmPFC": {"sphere": {"centre": (0, 0, 0), "radius": 5}},
            "amygdala": {"sphere": {"centre": (3, 3, 3), "radius": 5}},
        },
        "dcm": {
            "task": "faces",
            "regions": ("vmPFC", "amygdala"),
            "inputs": {"task": ("faces", "shapes"), "faces": ("faces",)},
            "a": "full",
            "b": {"faces": ("vmPFC <- amygdala",)},
            "c": {"task": ("vmPFC", "amygdala")},
        },
        "group": {"arms": {"analysis": "arms", "covariates": ("improvement",)}},
    }


@pytest.fixture(scope="session")
def small_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files, not to be changed."""
    root = tmp_path_factory.mktemp("small")
    write_tree(root)
    return root


@pytest.fixture
def small(small_tree: Path, tmp_path: Path) -> SmallStudy:
    """A copy of the small study, to be changed at will."""
    root = tmp_path / "small"
    shutil.copytree(small_tree, root, symlinks=True)
    return SmallStudy(root, settings_of(root / "bids"))


@pytest.fixture
def image() -> Callable[..., None]:
    """Writes a NIfTI: path, shape, repetition time, affine."""
    return save_image


@pytest.fixture
def table() -> Callable[[Path, Sequence[Sequence[Any]]], None]:
    """Writes a tab-separated table."""
    return save_rows


@pytest.fixture
def only() -> Callable[[Inventory], str]:
    """The problem of the only absence there is."""

    def problem(inventory: Inventory) -> str:
        assert len(inventory.absences) == 1, inventory
        return inventory.absences[0].problem

    return problem
