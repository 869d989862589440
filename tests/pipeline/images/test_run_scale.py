"""The units of images, series and motion: what is found, remarked on, and shown before anything runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.bids import Inventory, RunConfounds, read_confounds
from pipeline.cli._check import print_regions, print_scales
from pipeline.images import ExtractionError, extract_to_files, grid_of, sidecar_path
from pipeline.images._design_matrix import make_design_matrix
from pipeline.images._first_level import extract_series
from pipeline.images._region_series import remove_explained
from pipeline.images._run_scale import motion_remarks, series_remarks
from pipeline.images._task_regressors import TaskRegressors
from pipeline.images._voxels import read_mask, read_voxels

MOTION = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]


def rescaled(small: Any, **factors: float) -> Any:
    """The run with columns of its confounds in other units."""
    table = pd.read_csv(small.run.confounds, sep="\t", na_values="n/a")
    for name, factor in factors.items():
        table[name] *= factor
    path = small.run.confounds.with_name("sub-01_ses-1_task-other_desc-confounds_timeseries.tsv")
    table.to_csv(path, sep="\t", na_rep="n/a", index=False, float_format="%.12g")
    path.with_suffix(".json").write_text("{}\n")
    return replace(small, run=replace(small.run, confounds=path))


def test_series_do_not_depend_on_the_units_of_confounds(small: Any) -> None:
    expected = extract_series(small.run, small.study)
    factors = dict(zip(MOTION, (1e-6, 1e6, 1e-3, 57.3, 1e-9, 1.0), strict=True))
    other = rescaled(small, **factors)
    found = extract_series(other.run, other.study)
    for field in ("series", "responses", "confounds", "means"):
        np.testing.assert_allclose(getattr(found, field), getattr(expected, field), rtol=1e-6, atol=1e-8)
    assert found.confound_names == expected.confound_names


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_the_unit_of_a_modulator_changes_its_own_effect_alone(small: Any, factor: float) -> None:
    task = {
        "modulators": {"rating": {"condition": "faces", "column": "rating"}},
        "contrasts": {"rating": "rating", "faces": "faces"},
    }
    first = small.settings(tasks={"faces": task})
    expected = extract_series(first.run, first.study)
    head, *rows = small.run.events.read_text().splitlines()
    cells = [row.rpartition("\t") for row in rows]
    small.run.events.write_text("\n".join([head, *(f"{left}\t{float(last) * factor!r}" for left, _, last in cells)]))
    found = extract_series(first.run, first.study)
    np.testing.assert_allclose(found.series, expected.series, atol=1e-9)
    np.testing.assert_allclose(found.responses * [[factor], [1.0]], expected.responses, rtol=1e-6, atol=1e-9)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(factors=st.lists(st.floats(-18, 18), min_size=3, max_size=3), seed=st.integers(0, 99))
def test_the_design_does_not_depend_on_the_units_of_confounds(small: Any, factors: list[float], seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(small.run.scans, 3))
    first, second = (
        make_design_matrix(
            small.run,
            small.study.glm,
            TaskRegressors({}, 0),
            RunConfounds(("a", "b", "c"), scaled, values[:, 0], (), ()),
        )
        for scaled in (values, values * 10.0 ** np.array(factors))
    )
    assert first.names == second.names
    np.testing.assert_allclose(second.matrix, first.matrix, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("powers", [(0, 0, 0), (-9, 0, 9), (12, -12, 0)])
def test_adjusted_data_do_not_depend_on_the_units_of_confounds(powers: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    voxels, confounds = rng.normal(size=(30, 4)), rng.normal(size=(30, 3))
    scaled = confounds * 10.0 ** np.array(powers)
    expected = voxels - confounds @ np.linalg.lstsq(confounds, voxels, rcond=None)[0]
    np.testing.assert_allclose(remove_explained(voxels, scaled), expected, atol=1e-12)


def test_a_confound_that_is_constant_but_for_rounding_is_none(small: Any) -> None:
    other = rescaled(small, trans_x=0.0)
    table = other.run.confounds
    head, *rows = table.read_text().splitlines()
    jitter = np.random.default_rng(0).normal(0, 1e-11, len(rows))
    spoilt = [f"{float(1e5 + jitter[i])!r}\t" + row.partition("\t")[2] for i, row in enumerate(rows)]
    table.write_text("\n".join([head, *spoilt]) + "\n")
    assert "trans_x" not in extract_series(other.run, other.study).confound_names


@pytest.mark.parametrize("factor", [1e-3, 1e-5, 3276.7, 1e6])
def test_series_do_not_depend_on_the_unit_of_the_images(small: Any, factor: float) -> None:
    expected = extract_series(small.run, small.study)
    other = small.images(data=small.data * factor)
    np.testing.assert_allclose(extract_series(other.run, other.study).series, expected.series, rtol=2e-3, atol=2e-4)


def standardised(data: np.ndarray) -> np.ndarray:
    return (data - data.mean(axis=-1, keepdims=True)) / np.maximum(data.std(axis=-1, keepdims=True), 1e-9)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda data: data - data.mean(axis=-1, keepdims=True), "these images were demeaned"),
        (
            lambda data: (
                (data - data.mean(axis=-1, keepdims=True)) / np.maximum(data.std(axis=-1, keepdims=True), 1e-9)
            ),
            "standardised",
        ),
        (lambda data: -data, "a negative mean is no signal of a scanner"),
    ],
)
def test_images_without_their_mean_are_refused_with_the_cause(
    small: Any, change: Callable[..., Any], cause: str
) -> None:
    other = small.images(data=change(small.data))
    with pytest.raises(ExtractionError, match="so there is no percent of it") as caught:
        extract_series(other.run, other.study)
    assert cause in str(caught.value)
    assert "\n" not in str(caught.value)


def notes(small: Any, data: np.ndarray | None = None, inside: np.ndarray | None = None) -> str:
    other = small.images(data, inside)
    return "\n".join(extract_series(other.run, other.study).notes)


def test_a_usual_run_has_no_remarks(small: Any) -> None:
    assert notes(small) == ""


def test_images_that_kept_little_of_their_mean_are_remarked_on(small: Any) -> None:
    brain = small.inside[..., None]
    assert "of the run's mean over scans, where 0.5 to 5 % is usual" in notes(small, small.data - 960 * brain)


def test_an_offset_that_hides_the_signal_is_remarked_on(small: Any) -> None:
    brain = small.inside[..., None]
    found = notes(small, (small.data - 1000 * brain) * 0.002 + 1000 * brain)
    assert "such as an offset that was added" in found


def test_a_brain_mask_that_holds_air_is_remarked_on(small: Any) -> None:
    air = np.random.default_rng(0).normal(10, 1, small.data.shape)
    found = notes(small, np.where(small.inside[..., None], small.data, air), np.ones_like(small.inside))
    assert "check that the brain mask holds no air" in found


def test_a_region_without_signal_is_remarked_on() -> None:
    rng = np.random.default_rng(0)
    series = {"a": rng.normal(size=50), "b": 100 * rng.normal(size=50), "c": 1e-4 * rng.normal(size=50)}
    lines = list(series_remarks(series, np.tile([100.0, 90.0, 7.0], (50, 1))))
    assert [line.split(":")[0] for line in lines] == ["region b", "region c", "region c"]
    assert "ranges over" in lines[0]
    assert "ranges over" in lines[1]
    assert lines[2].startswith("region c: its mean signal is 7 % of the brain's")


@pytest.mark.parametrize(
    ("factors", "problem"),
    [
        ({}, None),
        ({"framewise_displacement": 1.1}, None),
        (dict.fromkeys(MOTION[3:], 180 / np.pi), "rotations are in degrees, not radians"),
        (dict.fromkeys(MOTION[:3], 1e-3), "translations are in m, not mm"),
        ({"framewise_displacement": 0.1}, "framewise displacement is in cm, not mm"),
        ({"framewise_displacement": 1e-3}, "framewise displacement is in m, not mm"),
        ({"framewise_displacement": 1e3}, "framewise displacement is in µm, not mm"),
        ({"framewise_displacement": 33.0}, "but the motion parameters (mm, radians) give"),
        (dict.fromkeys([*MOTION[:3], "framewise_displacement"], 1e3) | dict.fromkeys(MOTION[3:], 1e3), "a rotation of"),
        (dict.fromkeys([*MOTION[:3], "framewise_displacement"], 1e-3) | dict.fromkeys(MOTION[3:], 1e-3), "0.05 to 0.5"),
    ],
)
def test_motion_in_another_unit_is_remarked_on(small: Any, factors: dict[str, float], problem: str | None) -> None:
    other = rescaled(small, **factors)
    found = list(motion_remarks(read_confounds(other.run, other.study)))
    assert len(found) == (problem is not None)
    assert problem is None or problem in found[0]


def test_the_unit_of_motion_is_found_in_a_table_of_another_form(small: Any) -> None:
    other = rescaled(small, **dict.fromkeys(MOTION[3:], 180 / np.pi))
    text = other.run.confounds.read_text()
    other.run.confounds.write_text(text.replace(".", ",").replace("\t", ";"))
    found = list(motion_remarks(read_confounds(other.run, other.study)))
    assert "rotations are in degrees, not radians" in found[0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda inside: inside * 255, None),
        (lambda inside: inside * 100.0, None),
        (lambda inside: np.where(inside, 0.9, 0.2), None),
        (lambda inside: np.where(inside, 97.0, 20.5) + np.linspace(0, 3, inside.size).reshape(inside.shape), None),
        (lambda inside: np.where(inside, 1.0, np.nan), None),
        (lambda inside: inside[..., None, None], None),
        (lambda inside: np.where(inside, 1000.0, 31.5), "image and mask are not swapped"),
        (lambda inside: np.where(inside, 2.3, -1.0), "image and mask are not swapped"),
        (lambda inside: inside * 0, "is empty"),
    ],
)
def test_the_brain_mask_is_read_in_its_scale(
    small: Any, save_image: Callable[..., None], change: Callable[..., Any], problem: str | None
) -> None:
    save_image(small.run.brain_mask, change(small.inside).astype(np.float32), small.affine)
    if problem is None:
        found = read_mask(small.run.brain_mask, grid_of(small.run.bold), "run")
        np.testing.assert_array_equal(found, small.inside)
        return
    with pytest.raises(ExtractionError, match=problem):
        read_mask(small.run.brain_mask, grid_of(small.run.bold), "run")


def test_an_inverted_brain_mask_is_named(small: Any) -> None:
    air = np.random.default_rng(0).normal(10, 1, small.data.shape)
    other = small.images(np.where(small.inside[..., None], small.data, air))
    with pytest.raises(ExtractionError, match="check that the mask is not inverted"):
        read_voxels(other.run.bold, ~small.inside, "run")


def test_the_sidecar_tells_scale_threshold_voxels_and_ranges(small: Any, tmp_path: Path) -> None:
    extract_to_files(small.run, small.study, tmp_path)
    reported = json.loads(sidecar_path(tmp_path, small.run).read_text())
    core = reported["Regions"]["core"]
    assert core["Source"] == "sphere of 9 mm around (0, 0, 0)"
    assert core["Threshold"] is None
    assert core["VoxelsUsed"] <= core["VoxelsOfRegion"]
    low, high = core["SeriesRange"]
    assert low < 0 < high
    assert reported["ImageMean"] == pytest.approx(1000, rel=0.05)
    trans = reported["ConfoundScale"]["trans_x"]
    assert trans["Range"][0] < 0 < trans["StandardDeviation"] < trans["Range"][1]


def inventory(small: Any) -> Inventory:
    return Inventory((), (small.run, replace(small.run, session="ses-2")), (), ())


def test_a_region_is_shown_with_its_scale_threshold_and_voxels(
    small: Any, save_image: Any, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    distance = np.linalg.norm(
        np.stack(np.meshgrid(*map(np.arange, small.inside.shape), indexing="ij"), -1) - 5, axis=-1
    )
    percent = np.rint(100 * np.exp(-(distance**2) / 8))
    save_image(tmp_path / "percent.nii.gz", percent.astype(np.int16), small.affine)
    regions = {"core": {"mask": tmp_path / "percent.nii.gz"}, "far": {"sphere": {"centre": (-30, -36, 0), "radius": 9}}}
    [core, far] = print_regions(small.settings(regions=regions, dcm=None).study, inventory(small))
    assert (core["source"], core["threshold"]) == ("probabilities in percent, up to 100", 50.0)
    assert core["voxels"] == (percent > 50).sum()
    assert core["map_volume"] == pytest.approx(core["volume"]) == pytest.approx(core["voxels"] * 6.0**3)
    assert (far["source"], far["threshold"], far["in_brain"]) == ("sphere of 9 mm around (−30, −36, 0)", None, 0)
    shown = capsys.readouterr()
    assert "probabilities in percent, up to 100" in " ".join(shown.out.split())
    assert f"remark: region far: 0 of its {far['voxels']} voxels lie in the brain mask of sub-01_ses-1" in shown.err


def test_images_and_motion_are_shown_with_their_scale(small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    [row] = print_scales(small.study, inventory(small))
    assert row["mean"] == pytest.approx(1000, rel=0.05)
    assert 0.1 < row["spread"] < 5
    assert row["confounds"] == 6
    assert row["remarks"] == []
    assert "remark" not in capsys.readouterr().err


def test_images_without_their_mean_are_told_before_anything_runs(
    small: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    other = small.images(data=small.data - small.data.mean(axis=-1, keepdims=True))
    confounds = small.study.confounds.model_dump() | {"censor_above": 500.0}
    print_scales(other.settings(confounds=confounds).study, inventory(other))
    err = capsys.readouterr().err
    assert "check that the images keep their mean" in err
    assert "censor_above is 500 mm, above which 0% of the scans lie" in err
