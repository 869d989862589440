"""Results on disk come back bit for bit, and damage is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
from made_up_posterior import made_up_posterior

from dcm import Data, Posterior, Prior, Refinement, Settings, Spec, Subject
from pipeline.results import (
    ResultFileError,
    open_dataset,
    open_result,
    posterior_dataset,
    read_posterior,
    save_result,
    to_dataset,
    to_posterior,
    units,
    write_dataset,
)

Make = Callable[..., Posterior]
ATTRS = {"effconn": "0", "source": "DCM_x.mat", "source_index": -1}


@pytest.fixture
def make() -> Make:
    return made_up_posterior


def assert_equal(one: Posterior, other: Posterior) -> None:
    for field in fields(Posterior):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, Prior):
            a, b = (np.concatenate([p.mean, p.covariance.ravel(), [p.noise_mean, p.noise_variance]]) for p in (a, b))
        if isinstance(a, np.ndarray):
            assert (a.shape, a.dtype) == (b.shape, b.dtype), field.name
            assert a.tobytes() == b.tobytes(), field.name
        else:
            assert a == b, field.name


@pytest.mark.parametrize("gated", [False, True])
def test_a_result_reads_back_bit_for_bit(tmp_path: Path, make: Make, gated: bool) -> None:
    posterior = make(gated)
    write_dataset(tmp_path / "x.nc", posterior_dataset(posterior, name="x", attrs=ATTRS))
    again, attributes = read_posterior(tmp_path / "x.nc")
    assert_equal(posterior, again)
    assert attributes["source_index"] == -1
    assert attributes["name"] == "x"
    assert_equal(posterior, to_posterior(open_dataset(tmp_path / "x.nc")))


def test_a_result_of_the_default_has_one_free_energy_and_says_what_it_is(make: Make, tmp_path: Path) -> None:
    one = replace(make(), settings=Settings(noise="white"), centre_inputs=True, constant_inputs=("faces",))
    one = replace(one, settled_free_energy=one.free_energy)
    write_dataset(tmp_path / "x.nc", posterior_dataset(one, name="x", attrs=ATTRS))
    found = open_dataset(tmp_path / "x.nc")
    assert_equal(one, to_posterior(found))
    assert found.attrs["mode"] == "none, but noise = 'white', inputs centred"
    assert "settled" not in " ".join([*map(str, found.variables), found["start_free_energies"].attrs["long_name"]])
    assert "settled_free_energy" in posterior_dataset(make(), name="x", attrs=ATTRS)  # of SPM's mode


def test_a_refined_result_keeps_the_gaussian_that_it_came_from(tmp_path: Path, make: Make) -> None:
    plain = make()
    found = Refinement(plain.mean + 1, 2 * plain.covariance, 2048, 311.5, 0.61, -204.25, True)
    write_dataset(tmp_path / "one.nc", posterior_dataset(replace(plain, refinement=found), name="one", attrs=ATTRS))
    back = read_posterior(tmp_path / "one.nc")[0].refinement
    assert back is not None
    for field in fields(Refinement):
        np.testing.assert_array_equal(getattr(back, field.name), getattr(found, field.name))


def test_the_same_result_gives_the_same_bytes(tmp_path: Path, make: Make) -> None:
    for name in ("one.nc", "two.nc"):
        write_dataset(tmp_path / name, posterior_dataset(make(), name="x", attrs=ATTRS))
    assert (tmp_path / "one.nc").read_bytes() == (tmp_path / "two.nc").read_bytes()


def test_xarray_sees_names_and_units(tmp_path: Path, make: Make) -> None:
    posterior = make()
    data = Data(
        np.random.default_rng(0).normal(size=(20, 2)),
        np.ones((40, 2)),
        1.0,
        2.0,
        confounds=np.ones((20, 3)),
        delays=1.0,
    )
    write_dataset(tmp_path / "x.nc", posterior_dataset(posterior, name="x", attrs=ATTRS, data=data))
    with xr.open_dataset(tmp_path / "x.nc", engine="h5netcdf") as dataset:
        assert float(dataset["mean"].sel(parameter="A[amygdala<-vmPFC]")) == posterior.mean[1]
        assert dataset["covariance"].sel(free="decay", free_="decay") > 0
        assert dataset["a"].dims == ("to", "from")
        assert dataset["free_energy"].attrs["units"] == "nats"
        assert dataset["explained_variance"].attrs["units"] == "percent"
        np.testing.assert_array_equal(dataset["observed"], data.bold)
        assert dataset["scan_time"].values[1] == 2.0


def test_xarray_reads_what_it_would_have_written_itself(tmp_path: Path, make: Make) -> None:
    posterior = posterior_dataset(make(), name="é", attrs=ATTRS)
    empty = xr.Dataset(
        {
            "none": (("to", "input"), np.zeros((2, 0))),
            "texts": ("input", np.array([], dtype=str)),
            "flags": ("flag", np.zeros(0, dtype=bool), {"n": 3, "of": np.arange(3)}),
            "text": ((), "a", {"units": ""}),
        },
        {"to": ["a", "b"], "input": np.array([], dtype=str)},
    )
    for dataset in (posterior, empty):
        write_dataset(tmp_path / "ours.nc", dataset)
        dataset.to_netcdf(tmp_path / "theirs.nc", engine="h5netcdf")
        ours, theirs = (xr.load_dataset(tmp_path / f"{name}.nc", engine="h5netcdf") for name in ("ours", "theirs"))
        del ours.attrs["content_sha256"]
        xr.testing.assert_identical(ours, theirs)
        assert list(ours.variables) == list(theirs.variables)
        assert list(ours.sizes) == list(theirs.sizes)


def test_coordinates_of_no_dimension_are_refused(tmp_path: Path) -> None:
    dataset = xr.Dataset({"x": ("scan", np.zeros(2))}, {"visit": "ses-1"})
    with pytest.raises(TypeError, match="visit are coordinates of no dimension"):
        write_dataset(tmp_path / "x.nc", dataset)


def test_units_follow_the_layout(make: Make) -> None:
    spec = make(gated=True).spec
    assert len(units(spec)) == spec.layout.size
    assert units(spec)[[0, 1, 4, 5, 12, 16, 24]].tolist() == [
        *["log scale of -0.5 Hz", "Hz"] * 2,
        "Hz per unit of input, times 16",
        "Hz",
        "log scale",
    ]


def test_data_and_attributes_that_do_not_fit_are_refused(make: Make) -> None:
    data = Data(np.random.default_rng(0).normal(size=(10, 2)), np.ones((20, 2)), 1.0, 2.0)
    with pytest.raises(ValueError, match=r"x: data are \(10, 2\)"):
        posterior_dataset(make(), name="x", attrs={}, data=data)
    with pytest.raises(ValueError, match="attributes status are effconn's own"):
        posterior_dataset(make(), name="x", attrs={"status": "fine"})


def flip(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["mean"][0] += 1e-9


def another(path: Path) -> None:
    xr.Dataset({"x": 1.0}).to_netcdf(path, engine="h5netcdf")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "is damaged or no NetCDF file"),
        (lambda path: path.write_bytes(b"not NetCDF"), "is damaged or no NetCDF file"),
        (lambda path: path.write_bytes(b""), "is damaged or no NetCDF file"),
        (flip, "does not match its checksum"),
        (another, "is no result of this kind"),
        (lambda path: path.unlink(), "does not exist"),
    ],
)
def test_a_damaged_file_gives_one_line(tmp_path: Path, make: Make, damage: Any, says: str) -> None:
    path = tmp_path / "x.nc"
    write_dataset(path, posterior_dataset(make(), name="x", attrs=ATTRS))
    damage(path)
    for read in (read_posterior, open_dataset):
        with pytest.raises(ResultFileError, match=says) as caught:
            read(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)


def test_a_failed_writing_leaves_the_earlier_file(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "x.nc"
    dataset = posterior_dataset(make(), name="x", attrs=ATTRS)
    write_dataset(path, dataset)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_dataset(path, dataset.assign_attrs(odd=object()))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_posterior_over_fewer_parameters_than_its_prior(tmp_path: Path, make: Make) -> None:
    whole = make()
    reduced = replace(whole, free=whole.free[1:], covariance=whole.covariance[1:, 1:])
    write_dataset(tmp_path / "x.nc", posterior_dataset(reduced, name="x", attrs={}))
    assert_equal(reduced, read_posterior(tmp_path / "x.nc")[0])


def test_a_posterior_is_saved_and_opened(make: Make, tmp_path: Path) -> None:
    posterior = make()
    rng = np.random.default_rng(0)
    data = Data(rng.normal(size=(20, 2)), np.ones((40, 2)), 1.0, 2.0, confounds=rng.normal(size=(20, 3)))
    subject = Subject("sub-01", posterior.spec, data)
    save_result(posterior, tmp_path / "x.nc", subject=subject)
    assert_equal(open_result(tmp_path / "x.nc"), posterior)
    dataset = open_dataset(tmp_path / "x.nc")
    assert dataset.attrs["name"] == "sub-01"
    np.testing.assert_array_equal(dataset["observed"], data.prepared(False)[0].bold)
    xr.testing.assert_identical(dataset, to_dataset(posterior, subject=subject))
    save_result(posterior, tmp_path / "y.nc")
    assert open_dataset(tmp_path / "y.nc").attrs["name"] == "y"


def test_what_is_no_result_is_named(make: Make, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="a result is a Posterior or a GroupPosterior, not dict"):
        save_result({}, tmp_path / "x.nc")
    with pytest.raises(ValueError, match="spec says nothing of a Posterior; leave it out"):
        to_dataset(make(), spec=make().spec)
    spec = make().spec
    other = Spec(spec.regions, ("other", *spec.inputs[1:]), spec.a, spec.b, spec.c, spec.d)
    subject = Subject("sub-02", other, Data(np.eye(20, 2), np.ones((40, 2)), 1.0, 2.0))
    with pytest.raises(ValueError, match=r"sub-02: its model is Spec\(.*other.*; give its own subject"):
        to_dataset(make(), subject=subject)
    xr.Dataset({"x": 1.0}).to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    with pytest.raises(ResultFileError, match=r"x\.nc: is no result; give a NetCDF file that effconn wrote"):
        open_result(tmp_path / "x.nc")
    with pytest.raises(ResultFileError, match=r"x\.nc: does not exist; check the path"):
        open_result(tmp_path / "nowhere" / "x.nc")


def test_a_file_of_spm_is_not_to_be_deleted(tmp_path: Path) -> None:
    (tmp_path / "DCM_sub-01.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    with pytest.raises(ResultFileError, match="is a MATLAB file; read_dcm and read_peb open it"):
        open_result(tmp_path / "DCM_sub-01.mat")


def test_result_and_path_in_the_other_order_are_recognised(make: Make, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="give the result first, then the path"):
        save_result(str(tmp_path / "x.nc"), make())  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("path", ["", "sub\0.nc"])
def test_a_path_that_names_no_file_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no name of a file"):
        save_result(made_up_posterior(), path)


@pytest.mark.parametrize("name", ["V\0", "V\ud800"])
def test_a_name_that_netcdf_cannot_hold_is_named(name: str, tmp_path: Path) -> None:
    made = made_up_posterior()
    spec = Spec((name, "V5"), made.spec.inputs, made.spec.a, made.spec.b, made.spec.c)
    with pytest.raises(ValueError, match="holds a character that NetCDF cannot"):
        save_result(replace(made, spec=spec), tmp_path / "sub-01.nc")
    assert not list(tmp_path.iterdir())


def test_a_subject_that_is_not_the_posteriors_is_refused(tmp_path: Path) -> None:
    made = made_up_posterior()
    other = Data(np.random.default_rng(0).normal(size=(30, 2)), np.zeros((480, 2)), 0.125, 2.0)
    with pytest.raises(ValueError, match="of other regions, inputs or scans"):
        save_result(made, tmp_path / "x.nc", subject=Subject("sub-02", made.spec, other))
