"""Group results on disk come back bit for bit, and damage is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
from made_up_group import SPEC, made_up_group
from mixture_groups import mixed_group
from visit_groups import crossover

from dcm import Data, Subject
from peb import Estimate, fit, fit_visits
from pipeline.results import (
    GroupFileError,
    group_dataset,
    open_dataset,
    open_result,
    read_group,
    save_result,
    to_dataset,
    write_dataset,
    write_group,
)

DATA = Data(np.random.default_rng(0).normal(size=(20, 2)), np.ones((40, 2)), 1.0, 2.0)
ATTRS = {"effconn": "0", "source_count": 4}


def assert_equal(one: Any, other: Any, place: str = "group") -> None:
    """Bit for bit, all the way down."""
    assert type(one) is type(other), place
    if isinstance(one, np.ndarray):
        assert (one.shape, one.dtype, one.tobytes()) == (other.shape, other.dtype, other.tobytes()), place
    elif is_dataclass(one):
        for field in fields(one):
            assert_equal(getattr(one, field.name), getattr(other, field.name), f"{place}.{field.name}")
    elif isinstance(one, tuple):
        assert len(one) == len(other), place
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_equal(a, b, f"{place}[{i}]")
    else:
        assert one == other, place


@pytest.mark.parametrize(
    "options", [{}, {"components": 0}, {"components": 1}, {"participants": False}, {"mixed": True}], ids=str
)
def test_a_group_reads_back_bit_for_bit(tmp_path: Path, options: dict[str, Any]) -> None:
    group = made_up_group(**options)
    write_group(tmp_path / "x.nc", group, attrs=ATTRS)
    again = read_group(tmp_path / "x.nc")
    assert_equal(group, again.group)
    assert again.spec is None
    assert again.attributes["source_count"] == 4


def test_a_mixture_reads_back_with_its_intervals_and_influence(tmp_path: Path) -> None:
    group = fit(*mixed_group(12, 2, seed=0, outlier=6.0))
    write_group(tmp_path / "x.nc", group, attrs=ATTRS)
    again = read_group(tmp_path / "x.nc").group
    assert_equal(group, again)
    np.testing.assert_array_equal(again.interval(0.5), group.interval(0.5))
    assert again.remarks == group.remarks
    with open_dataset(tmp_path / "x.nc") as data:
        assert data["influence"].sel(subject="s0", parameter="B0").item() < 0.5


def test_a_group_of_visits_reads_back_with_whose_they_are(tmp_path: Path) -> None:
    data = crossover(8).without("sub-02_ses-1")
    group = fit_visits(data.estimates, data.design, data.owners)
    write_group(tmp_path / "x.nc", group, attrs=ATTRS)
    again = read_group(tmp_path / "x.nc").group
    assert_equal(group, again)
    assert again.remarks[0] == "8 participants, 15 visits; 1 has one visit only"


def test_the_model_of_the_participants_comes_back(tmp_path: Path) -> None:
    write_group(tmp_path / "x.nc", made_up_group(), attrs=ATTRS, spec=SPEC)
    assert read_group(tmp_path / "x.nc").spec == SPEC


def test_a_group_of_groups_reads_back(tmp_path: Path) -> None:
    below = tuple(made_up_group().as_estimate(name) for name in ("sub-0", "sub-1", "sub-2", "sub-3"))
    group = replace(made_up_group(), participants=below)
    write_group(tmp_path / "x.nc", group, attrs={})
    assert_equal(group, read_group(tmp_path / "x.nc").group)


def test_what_made_it_is_told_where_nothing_is_said(tmp_path: Path) -> None:
    write_group(tmp_path / "x.nc", made_up_group())
    assert {"effconn", "jax", "device", "precision"} <= read_group(tmp_path / "x.nc").attributes.keys()


def test_the_same_group_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.nc", "two.nc"):
        write_group(tmp_path / name, made_up_group(), attrs=ATTRS, spec=SPEC)
    assert (tmp_path / "one.nc").read_bytes() == (tmp_path / "two.nc").read_bytes()


def test_xarray_sees_names_and_units(tmp_path: Path) -> None:
    group = made_up_group()
    write_group(tmp_path / "x.nc", group, attrs=ATTRS, spec=SPEC)
    with xr.open_dataset(tmp_path / "x.nc", engine="h5netcdf") as dataset:
        name = "B[amygdala<-vmPFC, faces]"
        assert float(dataset["mean"].sel(effect=f"age: {name}")) == group.mean[1, 1]
        assert float(dataset["probability"].sel(parameter=name, covariate="age")) == group.probability[1, 1]
        assert dataset["parameter_unit"].values.tolist() == ["Hz"] * 3
        assert dataset["free_energy"].attrs["units"] == "nats"
        assert dataset["participant_mean"].sel(subject="sub-2", every=name) == group.participants[2].posterior.mean[3]
        assert np.isnan(dataset["participant_mean"].sel(subject="sub-1", every="transit[vmPFC]"))
    assert open_dataset(tmp_path / "x.nc")["design"].dims == ("subject", "covariate")


def test_attributes_of_its_own_are_refused() -> None:
    with pytest.raises(ValueError, match="attributes status are effconn's own"):
        group_dataset(made_up_group(), attrs={"status": "fine"})


def test_participants_that_disagree_on_a_field_are_refused() -> None:
    group = made_up_group()
    first = group.participants[0]
    odd = Estimate(first.name, first.parameters, ("C", *first.fields[1:]), first.prior, first.posterior, 0.0)
    with pytest.raises(ValueError, match=r"decay is in another field"):
        group_dataset(replace(group, participants=(odd, *group.participants[1:])), attrs={})


def flip(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["mean"][0] += 1e-9


def first_level(path: Path) -> None:
    write_dataset(path, xr.Dataset({"x": 1.0}, attrs={"format": "effconn posterior 1"}))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "is damaged or no NetCDF file"),
        (lambda path: path.write_bytes(b"not NetCDF"), "is damaged or no NetCDF file"),
        (lambda path: path.write_bytes(b""), "is damaged or no NetCDF file"),
        (flip, "does not match its checksum"),
        (first_level, "is no result of this kind"),
        (lambda path: path.unlink(), "does not exist"),
    ],
)
def test_a_damaged_file_gives_one_line(tmp_path: Path, damage: Callable[[Path], Any], says: str) -> None:
    path = tmp_path / "x.nc"
    write_group(path, made_up_group(), attrs=ATTRS)
    damage(path)
    with pytest.raises(GroupFileError, match=says) as caught:
        read_group(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("check the path" if "exist" in says else "fit the group again")


def test_a_group_is_saved_and_opened(tmp_path: Path) -> None:
    group = made_up_group()
    save_result(group, tmp_path / "group.nc", spec=SPEC)
    assert_equal(open_result(tmp_path / "group.nc"), group)
    assert read_group(tmp_path / "group.nc").spec == SPEC
    xr.testing.assert_identical(open_dataset(tmp_path / "group.nc"), to_dataset(group, spec=SPEC))
    with pytest.raises(ValueError, match="subject says nothing of a GroupPosterior; leave it out"):
        save_result(group, tmp_path / "x.nc", subject=Subject("x", SPEC, DATA))
