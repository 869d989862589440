"""In which unit a map counts: inferred where its values leave no doubt, asked for where they do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from pipeline.bids import collect_inventory
from pipeline.images import Grid, RegionError, check_regions, region_remarks
from pipeline.images._first_level import extract_series
from pipeline.images._region_masks import region_mask
from pipeline.study import Region, Study, read_study

SHAPE = (9, 10, 8)
AFFINE = np.array([[4.0, 0, 0, -16], [0, 4, 0, -20], [0, 0, 4, -16], [0, 0, 0, 1]])
ON = Grid(SHAPE, tuple(map(tuple, AFFINE.tolist())))
PLACES = ON.places()
BLOB = np.exp(-np.square(PLACES).sum(axis=-1) / (2 * 8.0**2))  # 1 at the origin
PERCENT = np.rint(100 * BLOB)
INSIDE = PERCENT > 50
BALL = (np.square(PLACES).sum(axis=-1) < 9**2).astype(float)
OCTANTS = 1.0 + (PLACES > 0) @ np.array([1, 2, 4])  # eight labels that fill the image
LABELS = np.where(np.abs(PLACES).max(axis=-1) < 12, OCTANTS, 0.0)

Writer = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Writes a map, as it is or as scaled integers."""

    def write(
        values: np.ndarray,
        kind: Any = np.float32,
        slope: float | None = None,
        affine: np.ndarray = AFFINE,
        code: int = 0,
    ) -> Path:
        path = tmp_path / f"map{len(list(tmp_path.iterdir()))}.nii.gz"
        image = nibabel.Nifti1Image(values.astype(kind), affine)
        image.header["intent_code"] = code
        if slope is not None:
            image = nibabel.Nifti1Image(np.rint(values / slope).astype(kind), affine)
            image.header.set_slope_inter(slope, 0)
        nibabel.save(image, path)
        return path

    return write


def study_of(**regions: dict[str, Any]) -> Study:
    return Study.model_validate(
        {
            "study": {"name": "Trial", "bids": "bids", "derivatives": "derivatives"},
            "participants": {"arms": ("a", "b")},
            "sessions": {"before": "ses-1", "after": "ses-2"},
            "tasks": {"faces": {}},
            "regions": regions,
        }
    )


def draw(path: Path, **settings: Any) -> np.ndarray:
    return region_mask("one", Region(mask=path, **settings), ON).voxels


@pytest.mark.parametrize(
    ("values", "kind", "slope", "words"),
    [
        (PERCENT, np.int16, None, "probabilities in percent, up to 100"),
        (np.rint(PERCENT * 0.78), np.uint8, None, "probabilities in percent, up to 78"),
        (100 * BLOB, np.float32, None, "probabilities in percent, up to 100"),
        (BLOB, np.float32, None, "probabilities in fractions, up to 1"),
        (BLOB * (1 + 1e-7), np.float64, None, "probabilities in fractions, up to 1"),
        (BLOB * 0.9 - 0.01, np.float32, None, "probabilities in fractions, up to 0.89"),
        (PERCENT / 100, np.uint8, 1 / 255, "probabilities in fractions, up to 1"),
        (np.where(BLOB > 0.1, BLOB, np.nan), np.float32, None, "probabilities in fractions, up to 1"),
        (np.where(PERCENT > 25, PERCENT, 0), np.int16, None, "probabilities in percent, up to 100"),
        (np.rint(PERCENT / 20) * 20, np.int16, None, "probabilities in percent, up to 100"),
        (INSIDE, np.uint8, None, "mask of 0 and 1"),
        (INSIDE * 255, np.uint8, None, "mask of 0 and 255"),
        (INSIDE * 100, np.int16, None, "mask of 0 and 100"),
        (INSIDE * 3, np.int16, None, "mask of 0 and 3"),
        (INSIDE, np.uint8, 1 / 255, "mask of 0 and 1"),
        (np.where(INSIDE, 1, np.nan), np.float32, None, "mask of 0 and 1"),
    ],
)
def test_what_leaves_no_doubt_is_inferred(write: Writer, values: np.ndarray, kind: Any, slope: Any, words: str) -> None:
    path = write(values, kind, slope)
    assert region_mask("one", Region(mask=path), ON).scale == words
    half = 50 if "percent" in words else 0.5
    np.testing.assert_array_equal(draw(path), np.nan_to_num(values) > half)


@pytest.mark.parametrize(
    ("values", "code", "problem"),
    [
        (LABELS, 0, "holds 8 labels, up to 8; name it as an atlas"),
        (LABELS * 250 + 7 * (LABELS > 0), 0, "holds 8 labels"),
        (OCTANTS, 0, "holds 8 labels"),
        (BALL * np.where(PLACES[..., 0] < 0, 17, 53), 0, "holds 2 labels, up to 53"),
        (np.rint(PERCENT / 20), 1002, "holds 5 labels"),
        (np.random.default_rng(1).integers(0, 49, SHAPE), 0, "48 different whole numbers: if they are labels"),
        (np.rint(PERCENT * 0.37), 0, "has values from 0 to 37"),
        (37 * BLOB, 0, "neither fractions nor surely percent"),
        (PERCENT * 2.55, 0, "neither fractions nor surely percent"),
        (np.rint(PERCENT * 2.55), 0, "or set the region's threshold, in its unit"),
        (PERCENT * 10, 0, "or set the region's threshold, in its unit"),
        (8 * BLOB - 3, 0, "as a statistical map has"),
        (BLOB, 3, "as a statistical map has"),
        (BALL - 2 * np.roll(BALL, 4, axis=0), 0, "has values from −2 to 1"),
        (0.004 * BLOB, 0, "never above one half; set the region's threshold"),
        (0 * BLOB, 0, "holds no value above 0"),
        (np.full(SHAPE, np.nan), 0, "holds no value above 0"),
        (1 - BALL, 0, "as an inverted mask does"),
    ],
)
def test_what_may_be_meant_otherwise_is_asked_for(write: Writer, values: np.ndarray, code: int, problem: str) -> None:
    [line] = check_regions(study_of(one={"mask": write(values, code=code)}), [ON])
    assert line.startswith("region one: mask ")
    assert problem in line


@pytest.mark.parametrize(
    ("values", "threshold", "problem"),
    [
        (PERCENT, 0.5, "is in percent, up to 100, and the threshold 0.5 is a fraction: threshold = 50 is meant"),
        (BLOB, 50.0, "is in fractions, up to 1, and the threshold 50 is not: threshold = 0.5 is 50 %"),
        (np.rint(PERCENT * 0.37), 0.5, "threshold = 50 where that is percent"),
        (PERCENT * 2.55, 0.5, "next to nothing"),
        (BALL, 50.0, "is 0 and 1 and is never above the threshold 50; remove the threshold"),
        (BLOB * 0.6, 0.7, "never above the threshold 0.7; set a lower threshold"),
        (LABELS, 0.5, "name it as an atlas"),
    ],
)
def test_a_threshold_in_another_unit_is_named(
    write: Writer, values: np.ndarray, threshold: float, problem: str
) -> None:
    with pytest.raises(RegionError, match=problem):
        draw(write(values), threshold=threshold)


@pytest.mark.parametrize(
    ("values", "threshold"),
    [
        (np.rint(PERCENT * 0.37), 18.6),
        (8 * BLOB - 3, 1.05),
        (PERCENT * 2.55, 128.0),
        (PERCENT, 50.0),
        (0.004 * BLOB, 0.00202),
        (BALL * 255, 0.5),
    ],
)
def test_a_threshold_that_is_given_is_taken_in_the_unit_of_the_map(
    write: Writer, values: np.ndarray, threshold: float
) -> None:
    np.testing.assert_array_equal(draw(write(values), threshold=threshold), values > threshold)


def test_percent_and_fractions_are_the_same_region_on_any_grid(write: Writer) -> None:
    fine = np.diag([3.0, 2.5, 3.5, 1.0])
    fine[:3, 3] = -13, -12, -12
    grid = Grid((9, 10, 7), tuple(map(tuple, fine.tolist())))
    percent, fraction = write(PERCENT, np.uint8), write(PERCENT / 100, np.float64)
    found = region_mask("one", Region(mask=percent), grid).voxels
    np.testing.assert_array_equal(found, region_mask("one", Region(mask=fraction), grid).voxels)
    assert 0 < found.sum() < found.size / 2


@pytest.mark.parametrize("values", [PERCENT * (PLACES[..., 0] <= 0), BALL * (PLACES[..., 0] <= 0)])
def test_a_map_stored_from_right_to_left_is_the_same_region(write: Writer, values: np.ndarray) -> None:
    turned = AFFINE @ np.diag([-1.0, 1, 1, 1])
    turned[0, 3] = AFFINE[0, 3] + 4 * (SHAPE[0] - 1)
    np.testing.assert_array_equal(draw(write(values[::-1], affine=turned)), draw(write(values)))


def test_a_fourth_axis_of_one_volume_is_none(write: Writer) -> None:
    np.testing.assert_array_equal(draw(write(PERCENT[..., None, None])), INSIDE)


def test_a_map_that_does_not_say_where_it_lies_is_refused(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(BALL, None)
    image.header["qform_code"] = image.header["sform_code"] = 0
    nibabel.save(image, tmp_path / "map.nii")
    with pytest.raises(RegionError, match="does not say where its voxels lie"):
        draw(tmp_path / "map.nii")


def test_colours_are_no_map(tmp_path: Path) -> None:
    colours = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(colours, AFFINE), tmp_path / "map.nii")
    with pytest.raises(RegionError, match="not real numbers on a grid"):
        draw(tmp_path / "map.nii")


def atlas(path: Path, labels: tuple[int, ...], **settings: Any) -> np.ndarray:
    return region_mask("one", Region(atlas=str(path), labels=labels, **settings), ON).voxels


@pytest.mark.parametrize("full", [1.0, 100.0])
def test_volumes_of_an_atlas_share_one_scale(write: Writer, full: float) -> None:
    low = 0.009 * BLOB  # in percent never above 1, so that it looks like fractions by itself
    path = write(full * np.stack([BLOB, low], axis=-1))
    np.testing.assert_array_equal(atlas(path, (0,)), BLOB > 0.5)
    with pytest.raises(RegionError, match="set a lower threshold" if full > 1 else "set the region's threshold"):
        atlas(path, (1,))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (BLOB, "holds probabilities in fractions, up to 1, not labels; name it as a mask"),
        (PERCENT, "holds probabilities in percent, up to 100, not labels; name it as a mask"),
        (8 * BLOB - 3, "not labels"),
    ],
)
def test_a_map_of_one_region_is_no_atlas(write: Writer, values: np.ndarray, problem: str) -> None:
    with pytest.raises(RegionError, match=problem):
        atlas(write(values), (1,))


@pytest.mark.parametrize(
    ("radius", "problem"),
    [
        (0.008, r"less than half a voxel of 4 mm; give it in mm \(0.008 m is radius = 8\)"),
        (8000.0, "larger than a head"),
    ],
)
def test_a_radius_that_is_not_in_mm_is_named(radius: float, problem: str) -> None:
    region = Region.model_validate({"sphere": {"centre": (0, 0, 0), "radius": radius}})
    with pytest.raises(RegionError, match=problem):
        region_mask("one", region, ON)


def test_regions_of_an_unlikely_size_or_place_are_remarked_on(write: Writer) -> None:
    shifted = AFFINE.copy()
    shifted[0, 3] += 24
    spheres = {f"ball-{i}": {"sphere": {"centre": (i, 0.4, -0.9), "radius": 5}} for i in (1, 2, 3)}
    study = study_of(whole={"mask": write(np.ones(SHAPE))}, far={"mask": write(BALL, affine=shifted)}, **spheres)
    lines = "\n".join(region_remarks(study, [ON]))
    assert "region whole: it holds 46 cm³, 100% of the field of view" in lines
    assert "region far: 9% of its" in lines
    assert "the centres of all 3 spheres lie within 10 mm of the origin; check that they are in mm, not in cm" in lines


@pytest.mark.parametrize("file", ["study", "study-fraction", "study-threshold50"])
def test_a_published_percent_map_gives_the_response_that_was_planted(shared: Path, file: str) -> None:
    folder = shared / "cases/01-mask-in-percent"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    study = read_study(folder / f"{file}.toml")
    found = extract_series(collect_inventory(study).runs[0], study)
    assert (found.voxels.tolist(), found.sizes.tolist()) == ([19], [19])
    responses = dict(zip(found.contrasts, found.responses[:, 0], strict=True))
    assert responses["faces"] == pytest.approx(1.0, abs=0.04)
    assert responses["diff"] == pytest.approx(0.7, abs=0.035)
