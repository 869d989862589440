"""Posteriors as tables and as arrays: what is written is read again, by hand or from other programs too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from peb import Estimate, Gaussian
from pipeline.results import ResultFileError, read_posterior_arrays, read_posterior_table, save_estimates
from pipeline.tables import TableError

NAMES = ("A[V5<-V1]", "log B[V5<-V1, task]", "gain")


def made_up(name: str, seed: int = 0, shared_prior: bool = True) -> Estimate:
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(3, 5))
    variances = np.array([0.25, 1.0, 4.0]) * (1.0 if shared_prior else 1.0 + seed)
    prior, posterior = (
        Gaussian(np.array([0.0, 1.0, 0.5]), np.diag(variances)),
        Gaussian(rng.normal(size=3), half @ half.T),
    )
    return Estimate(name, NAMES, ("A", "B", "gain"), prior, posterior, -10.0 - seed)


def assert_same(own: Estimate, other: Estimate) -> None:
    assert (own.name, own.parameters, own.fields) == (other.name, other.parameters, other.fields)
    for density in ("prior", "posterior"):
        np.testing.assert_allclose(getattr(own, density).mean, getattr(other, density).mean, rtol=1e-15)
        np.testing.assert_allclose(getattr(own, density).covariance, getattr(other, density).covariance, rtol=1e-15)


@pytest.mark.parametrize("shared_prior", [True, False])
def test_arrays_of_all_participants_are_read_again(tmp_path: Path, shared_prior: bool) -> None:
    estimates = [made_up(f"sub-{seed}", seed, shared_prior) for seed in range(3)]
    save_estimates(tmp_path / "posteriors.nc", estimates)
    found = read_posterior_arrays(tmp_path / "posteriors.nc")
    assert found is not None
    for given, estimate in zip(found[0], estimates, strict=True):
        assert_same(given.estimate, estimate)
        assert (given.has_evidence, given.estimate.free_energy) == (True, estimate.free_energy)


def test_a_table_for_each_participant_is_read_again(tmp_path: Path) -> None:
    save_estimates(tmp_path / "posteriors", [made_up("sub-1", 1), made_up("sub-2", 2)])
    assert sorted(path.name for path in (tmp_path / "posteriors").iterdir()) == [
        "sub-1_posterior.tsv",
        "sub-2_posterior.tsv",
    ]
    given = read_posterior_table(tmp_path / "posteriors" / "sub-2_posterior.tsv")
    assert_same(given.estimate, made_up("sub-2", 2))
    assert (given.has_evidence, given.estimate.free_energy) == (False, 0.0)


def test_a_table_by_hand_needs_means_and_standard_deviations(tmp_path: Path) -> None:
    path = tmp_path / "anna.csv"
    path.write_text("parameter;mean;sd;prior_mean;prior_sd\nA{1}[V5<-V1];0,2;0,1;0;0,5\nT(1);1,5;0,2;1;1\n")
    found = read_posterior_table(path).estimate
    assert (found.name, found.fields) == ("anna", ("A", "T"))
    np.testing.assert_allclose(np.diag(found.posterior.covariance), [0.01, 0.04])
    np.testing.assert_allclose(np.diag(found.prior.covariance), [0.25, 1.0])


def test_arrays_of_another_program_are_read(tmp_path: Path) -> None:
    dims = ("participant", "parameter")
    xr.Dataset(
        {"mean": (dims, [[0.1, 0.2]]), "sd": (dims, [[0.3, 0.4]])}
        | {"prior_mean": ("parameter", [0.0, 0.0]), "prior_sd": ("parameter", [1.0, 2.0])},
        {"participant": ["sub-1"], "parameter": ["A[V5<-V1]", "T(1)"]},
    ).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    found = read_posterior_arrays(tmp_path / "other.nc")
    assert found is not None
    (given,), _ = found
    assert (given.estimate.name, given.estimate.fields, given.has_evidence) == ("sub-1", ("A", "T"), False)
    np.testing.assert_allclose(given.estimate.posterior.sd, [0.3, 0.4])
    np.testing.assert_allclose(given.estimate.prior.sd, [1.0, 2.0])


def test_arrays_of_one_participant_go_by_the_name_of_the_file(tmp_path: Path) -> None:
    values = {"mean": [0.1], "sd": [0.3], "prior_mean": [0.0], "prior_sd": [1.0], "field": ["rate"]}
    xr.Dataset({key: ("parameter", value) for key, value in values.items()}, {"parameter": ["k"]}).to_netcdf(
        tmp_path / "sub-7.nc", engine="h5netcdf"
    )
    found = read_posterior_arrays(tmp_path / "sub-7.nc")
    assert found is not None
    assert [(given.estimate.name, given.estimate.fields) for given in found[0]] == [("sub-7", ("rate",))]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("parameter\tmean\tprior_mean\tprior_sd\na\t1\t0\t1\n", "line 1: has no column sd"),
        ("parameter\tmean\tsd\tprior_mean\na\t1\t1\t0\n", "line 1: has no column 'prior_sd'"),
        ("parameter\tmean\tsd\tprior_mean\tprior_sd\na\t1\t-1\t0\t1\n", "line 2: sd is below 0"),
        ("parameter\tmean\tsd\tprior_mean\tprior_sd\na\tn/a\t1\t0\t1\n", "line 2: mean is n/a; fill it in"),
        (
            "parameter\tmean\tprior_mean\tprior_sd\ta\na\t1\t0\t1\t4\nb\t1\t0\t1\t0\n",
            "line 1: has columns of covariances",
        ),
        (
            "parameter\tmean\tsd\tprior_mean\tprior_sd\ta\na\t1\t1\t0\t1\t4\n",
            "line 2: sd is 1, but the covariances say 2",
        ),
        ("parameter\tmean\tsd\tprior_mean\tprior_sd\na\t1\t1\t0\t1\na\t1\t1\t0\t1\n", "line 3: parameter is a, as in"),
    ],
)
def test_a_table_that_is_not_whole_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "sub-1_posterior.tsv"
    path.write_text(text)
    with pytest.raises(TableError) as caught:
        read_posterior_table(path)
    assert str(caught.value).startswith(f"sub-1_posterior.tsv, {says}")


def test_arrays_that_lack_a_prior_are_named(tmp_path: Path) -> None:
    save_estimates(tmp_path / "whole.nc", [made_up("sub-1")])
    with xr.open_dataset(tmp_path / "whole.nc", engine="h5netcdf") as whole:
        kept = whole.drop_vars("prior_covariance").drop_attrs().load()
    kept.to_netcdf(tmp_path / "part.nc", engine="h5netcdf")
    with pytest.raises(ResultFileError, match=r"part.nc: sub-1: lacks .*prior_covariance and prior_sd"):
        read_posterior_arrays(tmp_path / "part.nc")


def test_an_array_that_is_no_covariance_is_one_participants_fault(tmp_path: Path) -> None:
    save_estimates(tmp_path / "whole.nc", [made_up("sub-1", 1), made_up("sub-2", 2)])
    with xr.open_dataset(tmp_path / "whole.nc", engine="h5netcdf") as whole:
        damaged = whole.drop_attrs().load()
    damaged["covariance"][0, 0, 1] = np.nan
    damaged.to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    found = read_posterior_arrays(tmp_path / "other.nc")
    assert found is not None
    assert [given.estimate.name for given in found[0]] == ["sub-2"]
    assert "sub-1: a Gaussian must have a finite mean" in found[1][0]


def test_columns_of_covariances_are_known_by_their_names(tmp_path: Path) -> None:
    save_estimates(tmp_path / "whole.nc", [made_up("sub-1", 1)])
    with xr.open_dataset(tmp_path / "whole.nc", engine="h5netcdf") as whole:
        whole.drop_attrs().isel(parameter_2=[2, 0, 1]).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    found = read_posterior_arrays(tmp_path / "other.nc")
    assert found is not None
    assert_same(replace(found[0][0].estimate, fields=("A", "B", "gain")), made_up("sub-1", 1))


def test_arrays_with_other_axes_are_named(tmp_path: Path) -> None:
    save_estimates(tmp_path / "whole.nc", [made_up("sub-1", 1), made_up("sub-2", 2)])
    with xr.open_dataset(tmp_path / "whole.nc", engine="h5netcdf") as whole:
        whole.drop_attrs().rename(participant="subject").to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(ResultFileError, match="mean has an axis subject; its axes are participant and parameter"):
        read_posterior_arrays(tmp_path / "other.nc")


def test_a_damaged_file_of_arrays_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "posteriors.nc"
    save_estimates(path, [made_up("sub-1")])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    assert read_posterior_arrays(path) is None  # whoever asked has said what is wrong with it


def test_what_has_no_place_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no estimate to save"):
        save_estimates(tmp_path / "x.nc", [])
    with pytest.raises(ValueError, match="two estimates are called sub-1"):
        save_estimates(tmp_path / "x.nc", [made_up("sub-1"), made_up("sub-1")])
    full = np.full((3, 3), 0.1) + np.eye(3)
    tied = Estimate("sub-1", NAMES, ("A", "B", "gain"), Gaussian(np.zeros(3), full), made_up("x").posterior, 0.0)
    with pytest.raises(ValueError, match="its prior has covariances"):
        save_estimates(tmp_path / "folder", [tied])
