"""Regions drawn on a grid, and everything that can be wrong with them before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.images import Grid, RegionError, check_regions, region_files, region_remarks
from pipeline.images._region_masks import region_masks
from pipeline.study import Region, Study

Saver = Callable[[Path, np.ndarray, np.ndarray], None]


def grid(size: float = 3.0, shape: tuple[int, int, int] = (20, 20, 20), start: float = -30.0) -> Grid:
    rows = [[size, 0, 0, start], [0, size, 0, start], [0, 0, size, start], [0, 0, 0, 1]]
    return Grid(shape, tuple(tuple(map(float, row)) for row in rows))


def study_of(**regions: dict[str, Any]) -> Study:
    place = {"name": "Trial", "bids": "bids", "derivatives": "derivatives"}
    return Study.model_validate(
        {
            "study": place,
            "participants": {"arms": ("ketamine", "midazolam")},
            "sessions": {"before": "ses-1", "after": "ses-2"},
            "tasks": {"faces": {}},
            "regions": {name.replace("_", "-"): Region.model_validate(region) for name, region in regions.items()},
        }
    )


def drawn(region: dict[str, Any], on: Grid) -> np.ndarray:
    return region_masks(study_of(one=region), on)["one"].voxels


@pytest.fixture
def mask_file(tmp_path: Path, save_image: Saver) -> Callable[[np.ndarray, Grid], Path]:
    """Writes a mask on a grid."""

    def write(values: np.ndarray, on: Grid) -> Path:
        path = tmp_path / f"mask{len(list(tmp_path.iterdir()))}.nii.gz"
        save_image(path, values.astype(np.float32), on.affine)
        return path

    return write


@given(
    st.tuples(*[st.floats(-25, 25)] * 3),
    st.floats(3, 12),
)
def test_a_sphere_holds_the_voxels_whose_centre_is_within(centre: tuple[float, float, float], radius: float) -> None:
    on = grid()
    found = drawn({"sphere": {"centre": centre, "radius": radius}}, on)
    distance = np.linalg.norm(on.places() - np.array(centre), axis=-1)
    assert found[distance < radius - 1e-6].all()
    assert not found[distance > radius + 1e-6].any()


def test_a_mask_on_the_same_grid_is_taken_as_it_is(mask_file: Callable[[np.ndarray, Grid], Path]) -> None:
    values = (np.random.default_rng(0).random((20, 20, 20)) > 0.7).astype(float)
    np.testing.assert_array_equal(drawn({"mask": mask_file(values, grid())}, grid()), values > 0.5)


def test_whole_numbers_go_to_another_grid_by_their_nearest_voxel(
    mask_file: Callable[[np.ndarray, Grid], Path],
) -> None:
    fine, coarse = grid(2.0, (30, 30, 30)), grid(5.0, (12, 12, 12), -29.6)
    values = (np.linalg.norm(fine.places(), axis=-1) < 14).astype(float)
    nearest = np.rint((coarse.places() - fine.affine[:3, 3]) / 2).astype(int)
    expected = np.zeros(coarse.shape, dtype=bool)
    within = ((nearest >= 0) & (nearest < 30)).all(axis=-1)
    expected[within] = values[tuple(nearest[within].T)] > 0.5
    np.testing.assert_array_equal(drawn({"mask": mask_file(values, fine)}, coarse), expected)


def test_fractions_are_interpolated_then_cut_at_the_threshold(mask_file: Callable[[np.ndarray, Grid], Path]) -> None:
    fine, shifted = grid(2.0, (30, 30, 30)), grid(2.0, (24, 24, 24), -23.0)  # half a voxel off on every axis
    slope = (fine.places()[..., 0] + 30) / 60
    found = drawn({"mask": mask_file(slope, fine), "threshold": 0.6}, shifted)
    np.testing.assert_array_equal(found, (shifted.places()[..., 0] + 30) / 60 > 0.6)


def test_box_and_hemisphere_keep_what_lies_within() -> None:
    on = grid()
    ball = {"sphere": {"centre": (0, 0, 0), "radius": 15}}
    left = drawn(ball | {"hemisphere": "left", "box": {"y": (0, 8)}}, on)
    places = on.places()[left]
    assert (places[:, 0] < 0).all()
    assert ((places[:, 1] >= 0) & (places[:, 1] <= 8)).all()
    whole, right = drawn(ball, on), drawn(ball | {"hemisphere": "right", "box": {"y": (0, 8)}}, on)
    assert not (left & right).any()
    assert ((left | right) <= whole).all()


def test_regions_are_drawn_again_where_their_file_changes(tmp_path: Path, save_image: Saver) -> None:
    path, values = tmp_path / "mask.nii.gz", np.zeros((20, 20, 20), dtype=np.float32)
    values[5, 5, 5] = 1
    save_image(path, values, grid().affine)
    assert drawn({"mask": path}, grid()).sum() == 1
    values[5:8, 5, 5] = 1
    save_image(path, values, grid().affine)
    assert drawn({"mask": path}, grid()).sum() == 3


def test_regions_cannot_be_changed_by_who_gets_them() -> None:
    found = drawn({"sphere": {"centre": (0, 0, 0), "radius": 9}}, grid())
    with pytest.raises(ValueError, match="read-only"):
        found[0] = True


@pytest.mark.parametrize(
    ("region", "problem"),
    [
        ({"sphere": {"centre": (200, 0, 0), "radius": 5}}, "outside the field of view"),
        ({"sphere": {"centre": (0, 0, 0), "radius": 9}, "box": {"z": (20, 25)}}, "within its box or hemisphere"),
        ({"sphere": {"centre": (0, 0, 0), "radius": 3.5}, "least_voxels": 30}, "has 7 of the 30 voxels it needs"),
        ({"mask": "/nowhere/mask.nii.gz"}, "/nowhere/mask.nii.gz does not exist"),
        ({"atlas": "/nowhere/atlas.nii.gz", "labels": ("A",)}, "/nowhere/atlas.nii.gz does not exist"),
    ],
)
def test_the_check_names_region_and_cause(region: dict[str, Any], problem: str) -> None:
    [line] = check_regions(study_of(vmPFC=region), [grid(), grid()])
    assert line.startswith("region vmPFC: ")
    assert problem in line
    assert "\n" not in line


def test_a_mask_of_another_place_lies_outside(mask_file: Callable[[np.ndarray, Grid], Path]) -> None:
    values = np.zeros((20, 20, 20))
    values[8:12, 8:12, 8:12] = 0.9
    values[9:11, 9:11, 9:11] = 1
    [line] = check_regions(study_of(vmPFC={"mask": mask_file(values, grid(start=-5000.0))}), [grid()])
    assert "outside the field of view" in line


def test_a_mask_that_is_none_is_named(tmp_path: Path, mask_file: Callable[[np.ndarray, Grid], Path]) -> None:
    text = tmp_path / "text.nii.gz"
    text.write_text("no image")
    cut = mask_file(np.random.default_rng(0).random((20, 20, 20)), grid())
    cut.write_bytes(cut.read_bytes()[:5000])
    low = mask_file(np.full((20, 20, 20), 0.2), grid())
    many = mask_file(np.ones((20, 20, 20, 3)), grid())
    regions = {"a": {"mask": text}, "b": {"mask": cut}, "c": {"mask": low}, "d": {"mask": many}}
    lines = check_regions(study_of(**regions), [grid()])
    words = ["is not compressed", "is cut off", "never above one half", "has 3 volumes"]
    assert len(lines) == 4
    for line, name, word in zip(lines, regions, words, strict=True):
        assert line.startswith(f"region {name}: ")
        assert word in line


def test_a_sound_study_has_no_lines() -> None:
    study = study_of(
        a={"sphere": {"centre": (0, 0, 0), "radius": 9}}, b={"sphere": {"centre": (20, 0, 0), "radius": 9}}
    )
    assert check_regions(study, [grid()]) == []
    assert region_remarks(study, [grid()]) == []


def test_regions_that_share_voxels_are_remarked_on() -> None:
    study = study_of(
        a={"sphere": {"centre": (0, 0, 0), "radius": 9}},
        b={"sphere": {"centre": (6, 0, 0), "radius": 9}},
        c={"sphere": {"centre": (300, 0, 0), "radius": 9}},
    )
    [line] = region_remarks(study, [grid()])
    assert line.startswith("regions a and b share ")


def test_an_empty_region_is_an_error_with_its_name() -> None:
    with pytest.raises(RegionError, match=r"^region far: lies outside"):
        region_masks(study_of(far={"sphere": {"centre": (200, 0, 0), "radius": 5}}), grid())


def test_files_are_those_that_regions_are_made_from(tmp_path: Path) -> None:
    (tmp_path / "atlas.tsv").write_text("index\tname\n1\tA\n")
    atlas = {"atlas": str(tmp_path / "atlas.nii.gz")}
    study = study_of(
        a={"mask": "/data/m.nii"},
        b={"sphere": {"centre": (0, 0, 0), "radius": 9}},
        c=atlas | {"labels": ("A",)},
        d=atlas | {"labels": (2,)},
    )
    assert region_files(study) == [Path("/data/m.nii"), tmp_path / "atlas.nii.gz", tmp_path / "atlas.tsv"]
