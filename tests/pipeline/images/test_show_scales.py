"""`effconn check` on the terminal: what regions and images were taken for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.bids import Inventory
from pipeline.cli._check import print_regions, print_scales


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
