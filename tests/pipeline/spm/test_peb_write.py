"""Group results are written under SPM's names and shapes, and read back the same."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_group import CHOSEN, SPEC, density, made_up_group

from dcm import Spec
from pipeline.matlab import load_mat
from pipeline.spm import (
    DcmFile,
    SpmAverage,
    canonical_spm_name,
    names_to_spm,
    read_models,
    read_peb,
    spm_names,
    write_bma,
    write_peb,
)
from pipeline.spm._peb_group import field_of, to_group
from pipeline.spm._peb_read import SpmGroup, read_group_results


def read_one(path: Path) -> SpmGroup:
    (result,) = read_group_results(path)
    assert isinstance(result, SpmGroup)
    return result


def leaves(value: Any, place: str = "") -> dict[str, np.ndarray | str]:
    """Everything in a struct by its place."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in leaves(item, f"{place}.{key}").items()}
    if isinstance(value, np.ndarray) and value.dtype == object:
        return {k: v for i, item in enumerate(value.ravel()) for k, v in leaves(item, f"{place}{{{i}}}").items()}
    return {place: value}


@pytest.mark.parametrize("options", [{}, {"components": 0}, {"mixed": True}], ids=str)
def test_a_group_reads_back(tmp_path: Path, options: dict[str, Any]) -> None:
    group = made_up_group(**options)
    write_peb(tmp_path / "PEB_x.mat", group, spec=SPEC)
    again = to_group(read_one(tmp_path / "PEB_x.mat"), SPEC)
    assert (again.parameters, again.first_level) == (group.parameters, group.first_level)
    for name in ("components", "within", "between", "mean", "free_energy"):
        np.testing.assert_array_equal(getattr(again, name), getattr(group, name))
    for name in ("prior", "posterior", "noise_prior", "noise"):
        np.testing.assert_array_equal(getattr(again, name).mean, getattr(group, name).mean)
        np.testing.assert_array_equal(getattr(again, name).covariance, getattr(group, name).covariance)
    np.testing.assert_array_equal(again.design.matrix, group.design.matrix)
    assert again.design.participants == group.design.participants
    assert again.compat == group.compat


def test_a_group_of_no_spm_does_not_come_back_as_one_of_spm12(tmp_path: Path) -> None:
    write_peb(tmp_path / "PEB_x.mat", replace(made_up_group(), compat="none"), spec=SPEC)
    assert read_peb(tmp_path / "PEB_x.mat", spec=SPEC).compat == "none"


def test_names_and_places_are_spms(tmp_path: Path) -> None:
    write_peb(tmp_path / "PEB_x.mat", made_up_group(), spec=SPEC)
    result = read_one(tmp_path / "PEB_x.mat")
    assert result.parameters == ("A(2,1)", "B(2,1,2)", "B(1,2,2)")
    assert result.indices is not None
    assert result.indices.tolist() == [1, 9, 10]


def test_without_a_spec_places_are_those_in_the_level_below(tmp_path: Path) -> None:
    write_peb(tmp_path / "PEB_x.mat", made_up_group())
    result = read_one(tmp_path / "PEB_x.mat")
    assert result.parameters == CHOSEN
    assert result.indices is not None
    assert result.indices.tolist() == [2, 3, 4]  # behind decay and transit


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"spec": SPEC, "indices": (1, 2, 3)}, "give one of them"),
        ({"indices": (1, 2)}, "indices must be 3 whole numbers from 0"),
        ({"indices": (1, 2, -3)}, "indices must be 3 whole numbers from 0"),
        ({"spec": Spec(("x",), ("task",), np.ones((1, 1)), c=np.ones((1, 1)))}, r"the spec has no parameter A\[amyg"),
        ({}, "where its parameters lie in the level below is not known"),
    ],
)
def test_places_that_cannot_be_told_are_refused(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        write_peb(tmp_path / "x.mat", made_up_group(participants=False), **options)
    assert list(tmp_path.iterdir()) == []


def test_spms_own_peb_is_written_as_spm_stored_it(tmp_path: Path, spm_data: Path) -> None:
    theirs = load_mat(spm_data / "peb30.mat")
    (dcm,) = read_models(spm_data / "estimated" / "DCM_sub-01.mat")
    assert isinstance(dcm, DcmFile)
    for result in read_group_results(spm_data / "peb30.mat"):
        if isinstance(result, SpmAverage):
            continue
        write_peb(tmp_path / "x.mat", to_group(result, dcm.spec), spec=dcm.spec)
        ours, expected = leaves(load_mat(tmp_path / "x.mat")["PEB"]), leaves(theirs[result.variable])
        left_out = {place for place in ours if place.startswith(".effconn")} | {".M.U", ".Xnames{0}"}
        assert set(ours) - left_out == set(expected) - left_out
        for place in set(expected) - left_out:
            assert np.shape(ours[place]) == np.shape(expected[place]), place
            if isinstance(expected[place], str):
                assert ours[place] == expected[place]
            else:
                np.testing.assert_allclose(ours[place], expected[place], atol=1e-12, err_msg=place)


def test_an_average_reads_back(tmp_path: Path) -> None:
    group, average = made_up_group(), density(6, np.random.default_rng(1))
    models = np.array([[1, 1, 1], [1, 0, 1], [0, 0, 0]])
    write_bma(
        tmp_path / "BMA_x.mat",
        group,
        average,
        probability=np.linspace(0, 1, 6),
        models=models,
        free_energy=np.arange(9.0).reshape(3, 3),
        model_probability=np.full((3, 3), 1 / 9),
        spec=SPEC,
    )
    (again,) = read_group_results(tmp_path / "BMA_x.mat")
    assert isinstance(again, SpmAverage)
    np.testing.assert_array_equal(again.posterior.covariance, average.covariance)
    np.testing.assert_array_equal(again.posterior.mean, average.mean)
    np.testing.assert_array_equal(again.models, models)  # type: ignore[arg-type]  # known to be there
    np.testing.assert_array_equal(again.free_energy, np.arange(9.0).reshape(3, 3))  # type: ignore[arg-type]  # known to be there
    np.testing.assert_array_equal(again.probability, np.linspace(0, 1, 6))  # type: ignore[arg-type]  # known to be there
    assert again.parameters == ("A(2,1)", "B(2,1,2)", "B(1,2,2)")
    assert again.covariates == ("mean", "age")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"probability": np.zeros(5)}, r"probability must be finite numbers of shape \(6,\)"),
        ({"probability": np.full(6, np.nan)}, "probability must be finite"),
        ({"free_energy": np.zeros(3)}, "need models to belong to"),
        ({"models": np.eye(3), "free_energy": np.zeros(4)}, r"free_energy must be finite numbers of shape \(3,\)"),
    ],
)
def test_an_average_that_does_not_fit_is_refused(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    group = made_up_group()
    with pytest.raises(ValueError, match=says):
        write_bma(tmp_path / "x.mat", group, group.posterior, spec=SPEC, **options)
    with pytest.raises(ValueError, match="the average is over 3 effects, the group over 6"):
        write_bma(tmp_path / "x.mat", group, group.posterior.marginal(np.arange(3)), spec=SPEC)


def test_every_parameter_has_spms_name() -> None:
    gated = Spec(SPEC.regions, SPEC.inputs, SPEC.a, SPEC.b, SPEC.c, np.ones((2, 2, 2)))
    for spec in (SPEC, gated):
        assert len(spm_names(spec.layout)) == spec.layout.size
    theirs = names_to_spm(gated)
    assert theirs["B[amygdala<-vmPFC, faces]"] == "B(2,1,2)"
    assert theirs["C[vmPFC<-faces]"] == "C(1,2)"
    assert theirs["D[vmPFC<-vmPFC, amygdala]"] == "D(1,1,2)"
    assert theirs["transit[amygdala]"] == "transit(2)"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("B( 1, 2,1 )", "B(1,2,1)"),
        ("B(1,2)", "B(1,2,1)"),
        ("transit(2,1)", "transit(2)"),
        ("decay(1)", "decay"),
        ("B[a(1)<-b, c]", "B[a(1)<-b, c]"),
    ],
)
def test_spellings_of_a_name_are_one(name: str, says: str) -> None:
    assert canonical_spm_name(name) == says


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("B(1,1,2)", "B"),
        ("mean: B[left: x<-y, faces]", "B"),
        ("arm[ketamine]: mean: A[x<-y]", "A"),
        ("mean: decay", "decay"),
        ("transit[x]", "transit"),
    ],
)
def test_the_field_is_told_by_the_name(name: str, field: str) -> None:
    assert field_of(name) == field


@pytest.mark.skipif(shutil.which("octave") is None, reason="octave is not installed")
def test_octave_opens_what_was_written(tmp_path: Path) -> None:
    group = made_up_group()
    write_peb(tmp_path / "PEB_x.mat", group, spec=SPEC)
    write_bma(tmp_path / "BMA_x.mat", replace(group, name="ketamine arm"), group.posterior, models=np.eye(3), spec=SPEC)
    script = (
        "load PEB_x.mat; load BMA_x.mat; "
        "printf('%s|%d|%s|%.17g|%d|%d|%s', PEB.Pnames{2}, PEB.Pind(2), PEB.Xnames{2}, PEB.F, "
        "isequal(size(PEB.Ep), [3 2]), isequal(size(PEB.M.Q), [1 2]) && isequal(size(PEB.M.Q{1}), [3 3]), class(BMA.K))"
    )
    done = subprocess.run(
        ["octave", "--no-gui", "--no-init-file", "--eval", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"B(2,1,2)|10|age|{group.free_energy:.17g}|1|1|double"
