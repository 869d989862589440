"""One run from images to series: compared with plain NumPy and SciPy, and with what was planted."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from scipy.fft import idct
from scipy.linalg import inv, lstsq, sqrtm, toeplitz

from pipeline.images import (
    Extraction,
    ExtractionError,
    extract_to_files,
    map_paths,
    read_extraction,
    series_path,
    whitener,
)
from pipeline.images._first_level import extract_series

RADIUS = {"core": ((0, 0, 0), 9), "rim": ((18, 0, 0), 7)}


def places_of(small: Any) -> np.ndarray:
    numbers = np.stack(np.meshgrid(*map(np.arange, small.inside.shape), indexing="ij"), axis=-1)
    return numbers @ small.affine[:3, :3].T + small.affine[:3, 3]


def independent(small: Any, region: str, found: Extraction) -> np.ndarray:
    """The eigenvariate from the files on, with other routines and as the definitions have it."""
    image = nibabel.load(small.run.bold).get_fdata()
    brain = nibabel.load(small.run.brain_mask).get_fdata() > 0.5
    centre, radius = RADIUS[region]
    inside = (np.linalg.norm(places_of(small) - centre, axis=-1) <= radius) & brain
    voxels = image[inside].T * 100 / image[brain].mean()
    motion = np.loadtxt(small.run.confounds, skiprows=1, usecols=range(6), delimiter="\t")
    cosines = idct(np.eye(130)[:, : int(2 * 130 * 2.0 / 128 + 1)], norm="ortho", axis=0)
    root = inv(sqrtm(toeplitz(found.autocorrelation ** np.arange(130)))).real
    nuisance = root @ np.column_stack([motion - motion.mean(axis=0), cosines])
    clean = root @ voxels
    clean = clean - nuisance @ lstsq(nuisance, clean)[0]
    values, vectors = np.linalg.eigh(clean @ clean.T)
    series = vectors[:, -1] * np.sqrt(values[-1] / clean.shape[1])
    return series * np.sign((clean.T @ series).sum())


def test_series_are_those_of_an_independent_computation(small: Any) -> None:
    found = extract_series(small.run, small.study)
    assert found.regions == ("core", "rim")
    for place, region in enumerate(found.regions):
        np.testing.assert_allclose(found.series[:, place], independent(small, region, found), rtol=0, atol=1e-8)


def test_a_scaled_integer_image_gives_series_as_exact(small: Any) -> None:
    image = nibabel.Nifti1Image(small.data, small.affine)
    image.set_data_dtype(np.int16)
    nibabel.save(image, small.run.bold)
    found = extract_series(small.run, small.study)
    np.testing.assert_allclose(found.series[:, 0], independent(small, "core", found), rtol=0, atol=1e-8)


def test_a_run_without_one_condition_keeps_its_other_contrasts_and_series(small: Any) -> None:
    whole = extract_series(small.run, small.study)
    rows = small.run.events.read_text().splitlines()
    small.run.events.write_text(
        "\n".join([*(row for row in rows if "shapes" not in row), "5\tn/a\tbutton\tn/a"]) + "\n"
    )
    assert whole.contrasts == ("faces-over-shapes", "faces")
    task = small.study.tasks["faces"].model_dump() | {"conditions": {"faces": ("faces",), "shapes": ("shapes",)}}
    found = extract_series(small.run, small.settings(tasks={"faces": task}).study)
    assert (found.contrasts, found.responses.shape) == (("faces",), (1, 2))
    assert found.notes[0] == "contrast faces-over-shapes: no event of shapes"
    assert found.inputs.any(axis=0).tolist() == [True, True], "the input task has faces still"


def test_the_autocorrelation_planted_is_found(small: Any) -> None:
    assert extract_series(small.run, small.study).autocorrelation == pytest.approx(0.3, abs=0.02)
    assert extract_series(small.run, small.settings(glm={"noise": "ols"}).study).autocorrelation == 0


def test_the_response_planted_is_found(small: Any) -> None:
    found = extract_series(small.run, small.study)
    assert found.contrasts == ("faces-over-shapes", "faces")
    np.testing.assert_allclose(found.responses, [[1.0, 0.0], [1.5, 0.0]], atol=0.2)


def test_series_follow_the_inputs_where_the_signal_is(small: Any) -> None:
    found = extract_series(small.run, small.study)
    assert found.explained[0] > 0.5 > found.explained[1]
    response = found.design[:, :2] @ [1.5, 0.5]
    assert np.corrcoef(found.series[:, 0], response)[0, 1] > 0.75


def test_series_hold_nothing_of_the_confounds(small: Any) -> None:
    found = extract_series(small.run, small.study)
    assert np.abs(found.confounds.T @ found.series).max() < 1e-9
    assert found.confound_names[-1] == "constant"


def test_a_dcm_takes_it(small: Any) -> None:
    found = extract_series(small.run, small.study)
    data = found.dcm_data(("rim", "core"), 0.03, whitened=True)
    np.testing.assert_array_equal(data.bold, found.series[:, [found.regions.index("rim"), found.regions.index("core")]])
    assert found.input_names == ("task", "face")
    assert data.inputs.shape == (130 * 16, 2)
    np.testing.assert_array_equal(data.delays, [1.0, 1.0])
    centres = dict(zip(found.regions, found.centres, strict=True))
    np.testing.assert_allclose([centres["rim"], centres["core"]], [[18, 0, 0], [0, 0, 0]], atol=3)


def test_a_dcm_takes_it_as_measured_or_whitened(small: Any) -> None:
    found = extract_series(small.run, small.study)
    raw, white = (found.dcm_data(("rim", "core"), 0.03, whitened=whitened) for whitened in (False, True))
    assert found.autocorrelation > 0.1
    whiten = whitener(found.autocorrelation, 130)
    np.testing.assert_allclose(whiten @ raw.bold, white.bold, atol=1e-10 * np.ptp(white.bold))
    np.testing.assert_allclose(whiten @ raw.confounds, white.confounds, atol=1e-9)
    assert np.ptp(raw.bold - white.bold) > 0.01 * np.ptp(white.bold)


def test_rest_has_series_alone(small: Any) -> None:
    resting = small.settings(tasks={"faces": {"rest": True}}, dcm=None)
    found = extract_series(replace(small.run, events=None), resting.study)
    assert found.series.shape == (130, 2)
    assert found.inputs.shape == (130 * 16, 0)
    assert found.responses.shape == (0, 2)
    assert found.design_names == found.confound_names


def test_voxels_that_cannot_be_used_are_left_out(small: Any, tmp_path: Path) -> None:
    data = small.data.copy()
    data[5, 6, 4] = 1000.0
    data[5, 6, 5, 17] = np.nan
    spoilt = small.images(data)
    found = extract_series(spoilt.run, spoilt.study)
    whole = int((np.linalg.norm(places_of(small), axis=-1) <= 9).sum())
    assert found.voxels[0] == whole - 2
    assert found.coverage[0] == 1
    assert np.isfinite(found.series).all()
    written = extract_to_files(spoilt.run, spoilt.study, tmp_path / "out")
    assert json.loads(written[1].read_text())["Regions"]["core"]["VoxelsLeftOut"] == 2


def test_coverage_is_the_share_inside_the_brain(small: Any) -> None:
    inside = small.inside.copy()
    core = np.linalg.norm(places_of(small), axis=-1) <= 9
    inside[:5] &= ~core[:5]
    less = small.images(inside=inside)
    found = extract_series(less.run, less.study)
    assert found.coverage[0] == pytest.approx((core & inside).sum() / core.sum())
    assert found.coverage[1] == 1


def failing(small: Any, kind: str) -> Any:
    data, inside = small.data.copy(), small.inside.copy()
    core = np.linalg.norm(places_of(small), axis=-1) <= 9
    if kind == "hole":
        inside &= ~core
    elif kind == "constant":
        data[core] = 1000.0
    elif kind == "standardised":
        data = data - data.mean(axis=-1, keepdims=True)
    elif kind == "empty":
        inside[:] = False
    elif kind == "flat":
        data[:] = 1000.0
    return small.images(data, inside)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("hole", "region core has 0% of its 19 voxels inside the brain mask"),
        ("constant", "region core has 0 voxels that can be used, and 19 are constant or not finite"),
        ("standardised", "these images were demeaned"),
        ("empty", "brain_mask.nii.gz is empty"),
        ("flat", "no voxel of the brain mask varies"),
    ],
)
def test_what_cannot_be_extracted_is_one_line(small: Any, kind: str, problem: str) -> None:
    changed = failing(small, kind)
    with pytest.raises(ExtractionError) as caught:
        extract_series(changed.run, changed.study)
    assert str(caught.value).startswith("sub-01_ses-1_task-faces: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_image_is_named(small: Any) -> None:
    content = gzip.decompress(small.run.bold.read_bytes())
    small.run.bold.write_bytes(gzip.compress(content[: len(content) // 2]))
    with pytest.raises(ExtractionError, match=r"preproc_bold\.nii\.gz is cut off"):
        extract_series(small.run, small.study)


def test_a_mask_of_another_grid_is_named(small: Any, save_image: Callable[..., None]) -> None:
    save_image(small.run.brain_mask, np.ones((4, 4, 4), dtype=np.uint8), small.affine)
    with pytest.raises(ExtractionError, match=r"brain_mask\.nii\.gz is on another grid than the run"):
        extract_series(small.run, small.study)


def test_maps_hold_the_planted_effect_and_t_is_its_ratio(small: Any, tmp_path: Path) -> None:
    extract_to_files(small.run, small.study, tmp_path / "out")
    paths = map_paths(tmp_path / "out", small.run, "faces-over-shapes")
    effect, variance, t = (nibabel.load(path).get_fdata() for path in paths.values())
    assert paths["t"].name == "sub-01_ses-1_task-faces_contrast-facesOverShapes_stat-t_statmap.nii.gz"
    centre = np.linalg.norm(places_of(small), axis=-1) < 10.5
    assert effect[centre].mean() == pytest.approx(1.0, abs=0.1)
    assert abs(effect[small.inside & ~centre].mean()) < 0.1
    assert (effect[~small.inside] == 0).all()
    inside = small.inside
    np.testing.assert_allclose(t[inside], effect[inside] / np.sqrt(variance[inside]), rtol=1e-4, atol=1e-5)


def test_responses_are_means_of_the_map(small: Any, tmp_path: Path) -> None:
    extract_to_files(small.run, small.study, tmp_path / "out")
    effect = nibabel.load(map_paths(tmp_path / "out", small.run, "faces")["effect"]).get_fdata()
    found = read_extraction(series_path(tmp_path / "out", small.run))
    core = np.linalg.norm(places_of(small), axis=-1) <= 9
    assert found.responses[1, 0] == pytest.approx(effect[core].mean(), abs=1e-5)


def test_smoothing_changes_maps_alone(small: Any, tmp_path: Path) -> None:
    smooth = small.settings(glm={"smoothing": 8.0})
    extract_to_files(small.run, small.study, tmp_path / "rough")
    extract_to_files(smooth.run, smooth.study, tmp_path / "smooth")
    rough, softened = (
        nibabel.load(map_paths(tmp_path / name, small.run, "faces")["effect"]).get_fdata()
        for name in ("rough", "smooth")
    )
    outer = small.inside & (np.linalg.norm(places_of(small), axis=-1) > 20)
    assert softened[outer].std() < 0.7 * rough[outer].std()
    one, other = (read_extraction(series_path(tmp_path / name, small.run)) for name in ("rough", "smooth"))
    np.testing.assert_array_equal(one.series, other.series)
    np.testing.assert_array_equal(one.responses, other.responses)


def test_the_same_data_give_the_same_bytes(small: Any, tmp_path: Path) -> None:
    one, other = (extract_to_files(small.run, small.study, tmp_path / name) for name in ("one", "other"))
    assert len(one) == 8
    assert [path.name for path in one] == [path.name for path in other]
    for first, second in zip(one, other, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_the_sidecar_names_sources_without_where_they_lie(small: Any, tmp_path: Path) -> None:
    _, sidecar, *_ = extract_to_files(small.run, small.study, tmp_path / "out")
    content = json.loads(sidecar.read_text())
    head = "bids:derivatives:sub-01/ses-1/func/sub-01_ses-1_task-faces"
    assert content["Sources"][0] == f"{head}_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz"
    assert "bids:raw:sub-01/ses-1/func/sub-01_ses-1_task-faces_events.tsv" in content["Sources"]
    assert content["RepetitionTime"] == 2.0
    assert str(tmp_path) not in sidecar.read_text()


def test_maps_are_left_out_on_request(small: Any, tmp_path: Path) -> None:
    without = small.settings(outputs={"maps": False})
    assert len(extract_to_files(without.run, without.study, tmp_path / "out")) == 2


def test_contrasts_that_would_share_a_file_are_an_error(small: Any, tmp_path: Path) -> None:
    twins = {"a-b": "faces", "aB": "shapes"}
    same = small.settings(tasks={"faces": {"contrasts": twins}})
    with pytest.raises(ExtractionError, match="contrasts a-b and aB would share a file"):
        extract_to_files(same.run, same.study, tmp_path / "out")
