"""The group level takes posteriors of any model: names, units and files of what it says are theirs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from peb import Design, Estimate, Gaussian, PebSettings, fit
from pipeline.cli._app import run_command
from pipeline.common import UsageError
from pipeline.group import read_estimates
from pipeline.matlab import load_mat
from pipeline.results import connections, save_estimates

Struct = dict[str, Any]
Save = Callable[..., Path]


def erp(seed: int, cells: Callable[..., np.ndarray]) -> Struct:
    """Two sources: delays T, connections A in both directions, gain of one connection by B."""
    rng = np.random.default_rng(seed)
    mask, gain = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 0.0]])

    def tree(scale: float) -> Struct:
        draw = (lambda: rng.normal()) if scale else (lambda: 0.0)
        return {"T": np.array([[draw()], [draw()]]), "A": cells(mask * draw()), "B": cells(gain * (0.3 + draw() / 10))}

    variances = np.array([1, 1, 0, 1, 1, 0, 0, 1, 0, 0]) / 8
    model = {
        "pE": {key: value * 0 if key == "T" else value for key, value in tree(0).items()},
        "pC": np.diag(variances),
    }
    model["pE"]["B"] = cells(np.zeros((2, 2)))
    return {
        "Ep": tree(1.0),
        "Cp": np.diag(variances) / 10,
        "F": -100.0 - seed,
        "M": model,
        "Sname": cells("A1", "STG"),
        "options": {"analysis": "ERP", "model": "CMC"},
    }


def without_scripts(page: str) -> str:
    return re.sub(r"<style.*?</style>|<script.*?</script>", "", page, flags=re.DOTALL)


def test_a_group_of_evoked_responses_speaks_of_no_hertz(
    save_v7: Save, cells: Callable[..., np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [save_v7(f"DCM_sub-{seed}.mat", DCM=erp(seed, cells)) for seed in range(1, 6)]
    out = tmp_path / "group"
    assert run_command(["peb", "fit", *map(str, paths), "--fields", "B", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "first-level results: M/EEG DCM (ERP, CMC)" in said.err
    assert "STG ← A1 (B{1})" in said.out
    page = without_scripts((out / "group.html").read_text())
    assert "Hz" not in page
    assert "In the parameters&#39; own units" in page
    stored = load_mat(out / "PEB_group.mat")["PEB"]
    assert stored["Pnames"].ravel().tolist() == ["B{1}(2,1)"]
    assert stored["Pind"].ravel().tolist() == [8.0]


def test_any_field_of_the_parameters_can_be_asked_for(
    save_v7: Save, cells: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    paths = [str(save_v7(f"DCM_sub-{seed}.mat", DCM=erp(seed, cells))) for seed in range(1, 4)]
    assert run_command(["peb", "fit", *paths, "--fields", "T", "--out", str(tmp_path / "t")]) == 0
    rows = (tmp_path / "t" / "effects.tsv").read_text().splitlines()[1:]
    assert [row.split("\t")[-1] for row in rows] == ["T(1)", "T(2)"]


def test_kinds_are_not_mixed(save_v7: Save, cells: Callable[..., np.ndarray], estimated_struct: Struct) -> None:
    paths = [save_v7("DCM_sub-1.mat", DCM=erp(1, cells)), save_v7("DCM_sub-2.mat", DCM=estimated_struct)]
    with pytest.raises(UsageError, match=r"different kinds.*M/EEG DCM \(ERP, CMC\): sub-1; DCM of time series: sub-2"):
        read_estimates(paths)


def test_a_gcm_of_another_kind_asks_for_its_column(
    save_v7: Save, cells: Callable[..., np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    gcm = np.empty((3, 2), dtype=object)
    for place in np.ndindex(gcm.shape):
        gcm[place] = erp(sum(place), cells)
    path = save_v7("GCM_erp.mat", GCM=gcm)
    assert run_command(["peb", "fit", str(path)]) == 2
    assert "say which model to take (--gcm-column 1 to 2)" in " ".join(capsys.readouterr().err.split())
    levels, lines = read_estimates([path], gcm_column=2)
    assert ([level.estimate.name for level in levels], lines) == ([f"GCM_erp[{row},2]" for row in (1, 2, 3)], [])


def given(name: str, seed: int, free_energy: float = -5.0) -> Estimate:
    rng = np.random.default_rng(seed)
    prior, posterior = Gaussian(np.zeros(2), np.eye(2)), Gaussian(0.5 + rng.normal(size=2) / 10, np.eye(2) / 50)
    return Estimate(name, ("rate(1)", "rate(2)"), ("rate", "rate"), prior, posterior, free_energy)


def test_posteriors_in_tables_are_a_group_without_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estimates = [given(f"sub-{seed}", seed) for seed in range(1, 7)]
    save_estimates(tmp_path / "given", estimates)
    assert run_command(["peb", str(tmp_path / "given"), "--fields", "rate", "--out", str(tmp_path / "group")]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "no free energy is given for sub-1, sub-2" in said
    assert "models of the group can be compared" in said
    assert run_command(["peb", str(tmp_path / "given")]) == 2
    assert "neither A nor B; name --fields, which are rate" in capsys.readouterr().err
    rows = (tmp_path / "group" / "participants.tsv").read_text().splitlines()
    assert rows[1].split("\t")[1] == "n/a"


def test_tables_and_arrays_give_the_same_group(tmp_path: Path) -> None:
    estimates = [given(f"sub-{seed}", seed) for seed in range(1, 7)]
    save_estimates(tmp_path / "given", estimates)
    save_estimates(tmp_path / "given.nc", estimates)
    design = Design([estimate.name for estimate in estimates], ("mean",), np.ones((6, 1)))
    own, tables, arrays = (
        fit(found, design)
        for found in (
            estimates,
            *([level.estimate for level in read_estimates([tmp_path / path])[0]] for path in ("given", "given.nc")),
        )
    )
    np.testing.assert_allclose(tables.posterior.mean, own.posterior.mean, rtol=1e-9)
    np.testing.assert_array_equal(arrays.posterior.mean, own.posterior.mean)
    assert arrays.free_energy == own.free_energy
    assert own.free_energy - tables.free_energy == pytest.approx(-30.0)  # what is not given is a constant


def test_given_posteriors_rest_on_names_whatever_their_order(tmp_path: Path) -> None:
    first, second = given("sub-1", 1), given("sub-2", 2)
    save_estimates(tmp_path / "given", [first, second, given("sub-3", 3)])
    table = tmp_path / "given" / "sub-2_posterior.tsv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *reversed(rows)]) + "\n")
    levels, lines = read_estimates([tmp_path / "given"])
    assert lines == []
    assert levels[1].estimate.parameters == second.parameters
    np.testing.assert_allclose(levels[1].estimate.posterior.mean, second.posterior.mean)
    np.testing.assert_allclose(levels[1].estimate.posterior.covariance, second.posterior.covariance)


def test_a_given_posterior_without_variance_stops_no_other(tmp_path: Path) -> None:
    save_estimates(tmp_path, [given("sub-1", 1), given("sub-2", 2)])
    (tmp_path / "sub-3_posterior.tsv").write_text(
        "parameter\tmean\tsd\tprior_mean\tprior_sd\nrate(1)\t0.5\t0\t0\t1\nrate(2)\t0.5\t0.1\t0\t1\n"
    )
    levels, lines = read_estimates([tmp_path])
    assert [level.estimate.name for level in levels] == ["sub-1", "sub-2"]
    assert lines == ["sub-3_posterior.tsv: sub-3: the posterior of rate(1) has no variance, its prior has; correct one"]


def test_priors_that_are_not_those_of_the_others_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estimates = [given(f"sub-{seed}", seed) for seed in range(1, 5)]
    estimates[1] = replace(estimates[1], prior=Gaussian(np.full(2, -0.0), estimates[1].prior.covariance))
    estimates[2] = replace(estimates[2], prior=Gaussian(np.zeros(2), 4 * np.eye(2)))
    save_estimates(tmp_path / "given", estimates)
    assert (
        run_command(["peb", "fit", str(tmp_path / "given"), "--fields", "rate", "--out", str(tmp_path / "group")]) == 0
    )
    said = " ".join(capsys.readouterr().err.split())
    assert "the priors of sub-3 are not those of the other 3; the group's is their average" in said


@pytest.mark.parametrize(
    ("name", "words", "unit"),
    [
        ("log A[V5<-V1]", "V5 ← V1 (log A)", "log scale"),
        ("log B[V5<-V5, task]", "inhibition within V5 (task) (log B)", "log scale"),
        ("self[V1]", "self-connection of V1", "Hz"),
        ("A{2}[V5<-V1]", "V5 ← V1 (A{2})", ""),
        ("T(1)", "T(1)", ""),
        ("A(1,2)", "A(1,2)", ""),
    ],
)
def test_parameters_of_other_kinds_are_called_what_they_are(name: str, words: str, unit: str) -> None:
    (connection,) = connections([name])
    assert (connection.words, connection.unit) == (words, unit)


@pytest.mark.parametrize("release", ["", "spm25"])
@pytest.mark.parametrize(("variable", "components"), [("PEB", "all"), ("PEB_single", "single")])
def test_a_group_of_spectral_dcms_is_spms(shared_data: Path, release: str, variable: str, components: Any) -> None:
    folder = shared_data / "spm12_spectral" / release
    stored = load_mat(folder / "peb.mat")
    levels, lines = read_estimates([folder / f"DCM_{name}.mat" for name in stored["participants"].ravel()])
    assert lines == []
    assert {level.kind for level in levels} == {"spectral DCM"}
    estimates = [level.estimate for level in levels]
    design = Design([estimate.name for estimate in estimates], ("mean", "group"), stored["X"])
    settings = PebSettings("spm12", components=components, max_iterations=256)
    group = fit(estimates, design, settings, parameters=["A"])
    theirs = stored[variable]
    assert group.free_energy == pytest.approx(theirs["F"].item(), abs=1e-5)
    np.testing.assert_allclose(group.mean, theirs["Ep"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(group.posterior.covariance, theirs["Cp"], rtol=0, atol=1e-10)
    assert levels[0].spm_parameters is not None
    assert [levels[0].spm_parameters[name][0] for name in group.parameters] == theirs["Pnames"].ravel().tolist()


@pytest.mark.parametrize(
    ("path", "count", "kind"),
    [
        ("spm12_two_state/DCM_sub-32.mat", 30, "two-state DCM"),
        ("spm12_nonlinear/nonlinear_sim1.mat", 14, "DCM of time series"),
        ("tapas_rdcm/rest10.mat", 100, "regression DCM"),
    ],
)
def test_reference_files_of_other_kinds_are_read(shared_data: Path, path: str, count: int, kind: str) -> None:
    (level,), lines = read_estimates([shared_data / path])
    assert lines == []
    assert (len(level.estimate.parameters), level.kind) == (count, kind)
