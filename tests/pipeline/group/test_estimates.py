"""First-level results of both kinds become estimates; a file that has none costs one line and no other file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from made_up_group import made_up_group
from made_up_posterior import posterior_at

from dcm import Posterior, Prior, Settings, Spec, Status, prior
from peb import Estimate, Gaussian
from pipeline.common import UsageError
from pipeline.group._estimates import pair_sessions, read_estimates
from pipeline.results import posterior_dataset, write_dataset, write_group

Save = Callable[..., Path]
Struct = dict[str, Any]
MODEL = Spec(  # that of the `estimated_struct` fixture
    ("vmPFC", "amygdala"),
    ("task", "faces"),
    np.ones((2, 2)),
    np.stack([np.zeros((2, 2)), np.eye(2)], 2),
    np.array([[1, 0], [1, 0]]),
)


def posterior(spec: Spec = MODEL, status: Status = Status.CONVERGED, seed: int = 0) -> Posterior:
    rng = np.random.default_rng(seed)
    base = prior(spec)
    half = rng.normal(size=(base.free.size, base.free.size + 2))
    return posterior_at(
        spec,
        rng.normal(size=base.mean.size),
        half @ half.T / 100,
        prior=Prior(base.mean, base.covariance, 6.0, 1 / 128),
        noise_mean=rng.normal(size=2),
        free_energy=-10.0 - seed,
        status=status,
    )


@pytest.fixture
def save_nc(tmp_path: Path) -> Save:
    def save(name: str, result: Posterior | None = None) -> Path:
        path = tmp_path / f"{name}.nc"
        write_dataset(path, posterior_dataset(result or posterior(), name=path.stem, attrs={}))
        return path

    return save


def names(paths: list[Path]) -> tuple[list[str], list[str]]:
    found, lines = read_estimates(paths)
    assert not any("\n" in line for line in lines)
    return [result.estimate.name for result in found], lines


def test_a_netcdf_result_becomes_an_estimate(save_nc: Save) -> None:
    result = posterior(seed=3)
    (one,), lines = read_estimates([save_nc("sub-01", result)])
    assert lines == []
    assert (one.estimate.name, one.estimate.parameters, one.spec) == ("sub-01", result.names, MODEL)
    np.testing.assert_array_equal(one.estimate.posterior.covariance, result.covariance)
    assert one.estimate.free_energy == -13.0


def test_an_spm_estimate_is_over_its_free_parameters(save_mat_file: Save, estimated_struct: Struct) -> None:
    (one,), lines = read_estimates([save_mat_file(DCM=estimated_struct)])
    assert lines == []
    free = np.flatnonzero(estimated_struct["Cp"].diagonal())
    assert one.estimate.parameters == tuple(one.spec.parameter_names[i] for i in free)
    assert one.estimate.fields[:5] == ("A", "A", "A", "A", "B")
    np.testing.assert_array_equal(one.estimate.posterior.covariance, np.diag((free + 1) / 100))
    np.testing.assert_array_equal(one.estimate.prior.covariance, np.eye(free.size) / 64)
    assert one.estimate.posterior.mean[[0, 4, -1]].tolist() == [0.1, 0.2, 0.03]


def test_a_posterior_without_rank_by_rounding_is_used(save_v7: Save, estimated_struct: Struct) -> None:
    direction = np.zeros(20)
    direction[:2] = 0.1
    full = estimated_struct["Cp"].toarray() * (direction == 0) + np.outer(direction, direction)
    estimated_struct["Cp"] = scipy.sparse.csc_array(full)
    (one,), lines = read_estimates([save_v7(DCM=estimated_struct)])
    assert lines == []
    np.testing.assert_allclose(one.estimate.posterior.covariance[:2, :2], np.full((2, 2), 0.01), rtol=1e-9)


def indefinite(struct: Struct) -> None:
    struct["Cp"] = struct["Cp"].toarray()
    struct["Cp"][0, 1] = struct["Cp"][1, 0] = 1.0


def unsettled(struct: Struct) -> None:
    struct["Cp"] = struct["Cp"].toarray()
    struct["Cp"][4, 4] = 0.1


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda dcm: [dcm.pop(key) for key in ("Ep", "Cp", "F")], "Ep is missing: the model is not inverted"),
        (lambda dcm: dcm.pop("M"), "M.pE, M.pC are missing, so what the data added cannot be told"),
        (lambda dcm: dcm.update(Cp=np.zeros((20, 20))), "Cp is all zero"),
        (lambda dcm: dcm.update(Cp=np.eye(7)), "Cp is 7 × 7, but there are 20 parameters"),
        (lambda dcm: dcm.update(F=np.nan), "F holds 1 NaN value"),
        (indefinite, "Cp is no covariance: an eigenvalue of its correlations is -"),
        (unsettled, "Cp lets B[vmPFC<-vmPFC, task] vary, which M.pC fixes"),
    ],
)
def test_an_spm_file_without_a_usable_estimate_is_one_line(
    save_v7: Save, estimated_struct: Struct, spoil: Callable[[Struct], Any], says: str
) -> None:
    good = save_v7("DCM_good.mat", DCM=estimated_struct)
    spoil(estimated_struct)
    found, lines = names([save_v7("DCM_bad.mat", DCM=estimated_struct), good])
    assert found == ["good"]
    assert len(lines) == 1
    assert lines[0].startswith(f"DCM_bad.mat: {says}")


def test_files_that_are_no_first_level_result_are_a_line_each(save_nc: Save, save_v7: Save, tmp_path: Path) -> None:
    write_group(tmp_path / "group.nc", made_up_group(), attrs={})
    (tmp_path / "torn.nc").write_bytes(save_nc("whole").read_bytes()[:3000])
    failed = save_nc("failed", posterior(status=Status.NOT_FINITE))
    other = save_v7("PEB_x.mat", PEB={"Ep": 1.0})
    (tmp_path / "empty").mkdir()
    paths = [*(tmp_path / name for name in ("group.nc", "torn.nc", "absent.nc", "empty", "whole.nc")), failed, other]
    found, lines = names(paths)
    assert found == ["whole"]
    for part in (
        "empty: holds no NAME.nc and no DCM_*.mat",
        "group.nc: is a group's result, not a participant's",
        "torn.nc: is damaged or no NetCDF file",
        "absent.nc: does not exist",
        "failed.nc: cannot be used: failed: the inversion failed",
        "PEB_x.mat: holds a group result (PEB), not a DCM",
    ):
        assert sum(part in line for line in lines) == 1, part
    assert len(lines) == 6


def test_a_folder_is_sorted_and_has_each_participant_once(
    save_nc: Save, save_v7: Save, estimated_struct: Struct, tmp_path: Path
) -> None:
    for name in ("sub-03", "sub-01"):
        save_nc(name)
    save_v7("DCM_sub-02.mat", DCM=estimated_struct)
    save_v7("DCM_sub-01.mat", DCM=estimated_struct | {"effconn": {"version": "0"}})
    save_v7("PEB_all.mat", PEB={"Ep": 1.0})
    assert names([tmp_path]) == (["sub-01", "sub-02", "sub-03"], [])
    save_v7("DCM_sub-03.mat", DCM=estimated_struct)
    found, lines = names([tmp_path])
    assert found == ["sub-01", "sub-02", "sub-03"]
    assert lines == ["DCM_sub-03.mat: holds an estimate of SPM's beside sub-03.nc, which is the one taken"]


def test_the_order_given_is_kept_and_nobody_is_read_twice(save_nc: Save, tmp_path: Path) -> None:
    paths = [save_nc(name) for name in ("sub-02", "sub-01")]
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "sub-02.nc").write_bytes(paths[0].read_bytes())
    found, lines = names([*paths, paths[0], tmp_path / "again"])
    assert found == ["sub-02", "sub-01"]
    assert lines[0] == "sub-02.nc: was given twice; it is read once"
    assert lines[1].startswith("sub-02.nc: sub-02 came up before, in ")
    assert len(lines) == 2


def test_a_gcm_gives_every_model(save_v7: Save, estimated_struct: Struct, cells: Callable[..., np.ndarray]) -> None:
    bare = {key: value for key, value in estimated_struct.items() if key not in ("Ep", "Cp", "F")}
    found, lines = names([save_v7("GCM_all.mat", GCM=cells(estimated_struct, bare, estimated_struct).T)])
    assert found == ["GCM_all[1]", "GCM_all[3]"]
    assert [line.split(":")[0] for line in lines] == ["GCM_all.mat[2]"]


def test_another_model_than_most_is_a_line(save_nc: Save) -> None:
    fewer = Spec(MODEL.regions, MODEL.inputs, MODEL.a, np.zeros((2, 2, 2)), MODEL.c)
    paths = [save_nc("sub-01", posterior(fewer)), save_nc("sub-02"), save_nc("sub-03")]
    found, lines = names(paths)
    assert found == ["sub-02", "sub-03"]
    assert lines == [
        "sub-01.nc: sub-01 is of another model than sub-02 and most of them (it lacks B[vmPFC<-vmPFC, faces]); "
        "a group needs one model for all"
    ]


def estimate(name: str, value: float) -> Estimate:
    density = Gaussian(np.array([value]), np.eye(1))
    return Estimate(name, ("decay",), ("decay",), Gaussian(np.zeros(1), np.eye(1)), density, value)


def test_sessions_are_paired_to_changes() -> None:
    given = [("sub-01_ses-1", 1.0), ("sub-01_ses-2", 4.0), ("sub-02_ses-2_run-1", 5.0), ("sub-02_ses-1_run-1", 7.0)]
    changes, lines = pair_sessions([estimate(*case) for case in given])
    assert [change.name for change in changes] == ["sub-01", "sub-02_run-1"]
    assert [float(change.posterior.mean[0]) for change in changes] == [3.0, -2.0]
    assert lines == []


def test_who_is_written_in_two_ways_is_one_person_and_told() -> None:
    given = [("P01_pre", 1.0), ("p1_post", 4.0), ("s1_pre", 1.0), ("s01_pre", 1.0), ("S1_post", 2.0)]
    changes, lines = pair_sessions([estimate(*case) for case in given], "pre", "post")
    assert [(change.name, float(change.posterior.mean[0])) for change in changes] == [("P01", 3.0)]
    assert lines[0] == "p1_post: p1 is taken for P01"
    assert {line.split(":")[0] for line in lines[1:]} == {"s1_pre", "s01_pre", "S1_post"}


def test_who_lacks_a_session_is_told() -> None:
    given = ["sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1", "sub-03_ses-2", "sub-04", "sub-01_ses-3", "ses-1_sub-01"]
    changes, lines = pair_sessions([estimate(name, 1.0) for name in given])
    assert [change.name for change in changes] == ["sub-01"]
    assert lines == [
        "sub-04: its name has no part ses-1 or ses-2 alone; it is not used",
        "sub-01_ses-3: its name has no part ses-1 or ses-2 alone; it is not used",
        "ses-1_sub-01: sub-01 has a second ses-1; the first is used",
        "sub-02_ses-1: there is no ses-2 of sub-02",
        "sub-03_ses-2: there is no ses-1 of sub-03",
    ]
    with pytest.raises(ValueError, match=r"no participant has both ses-1 and ses-2 .* called sub-01_run-1"):
        pair_sessions([estimate("sub-01_run-1", 1.0)])
    with pytest.raises(ValueError, match="called 1_pre, 1_post; their visits seem to be pre, post"):
        pair_sessions([estimate(name, 1.0) for name in ("1_pre", "1_post")])
    with pytest.raises(ValueError, match="both sessions are ses-1"):
        pair_sessions([], "ses-1", "ses-1")


def test_the_reference_cohort_is_read(spm_data: Path) -> None:
    found, lines = read_estimates([spm_data / "estimated"])
    assert lines == []
    assert [result.estimate.name for result in found] == [f"sub-{i:02d}" for i in range(1, 31)]
    assert {len(result.estimate.parameters) for result in found} == {30}
    assert read_estimates([spm_data / "raw"])[0] == []


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (Settings("none"), "mode spm12: sub-01; mode none: sub-02"),
        (Settings("spm12", noise="ar1"), "mode spm12, but noise = 'ar1': sub-02"),
        (Settings("spm25"), "mode spm25: sub-02"),
        (Settings("spm12", starts=8, tolerance=0.01), ""),  # looked for longer, and the same quantity
    ],
)
def test_results_of_two_modes_are_no_group(save_nc: Save, others: Settings, said: str) -> None:
    paths = [save_nc("sub-01", posterior()), save_nc("sub-02", replace(posterior(), settings=others))]
    if not said:
        assert len(read_estimates(paths)[0]) == 2
        return
    with pytest.raises(UsageError, match="the results are of different modes, and a group needs one") as refused:
        read_estimates(paths)
    assert said in str(refused.value)


def test_spms_own_files_go_with_ours_of_spms_mode_only(
    save_nc: Save, save_mat_file: Save, estimated_struct: Struct
) -> None:
    theirs, ours = save_mat_file(DCM=estimated_struct), save_nc("sub-02", posterior())
    read, lines = read_estimates([theirs, ours])
    assert lines == []
    assert [found.mode for found in read] == ["spm", "spm12"]
    with pytest.raises(UsageError, match="mode none"):
        read_estimates([theirs, save_nc("sub-03", replace(posterior(), settings=Settings()))])
