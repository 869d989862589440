"""`effconn peb` as a clinician runs it: folders and a table in, tables, a page and exit codes out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from dcm import Posterior, Spec, Status, prior
from pipeline._dataset import to_dataset
from pipeline._group_store import read_group
from pipeline._peb_file import SpmGroup, read_peb
from pipeline._store import write_result
from pipeline.cli import app

Run = Callable[..., Result]

SPEC = Spec(
    ("vmPFC", "amygdala"),
    ("task", "faces"),
    np.ones((2, 2)),
    np.stack([np.zeros((2, 2)), 1 - np.eye(2)], 2),
    np.array([[1, 0], [1, 0]]),
)
PEOPLE = 12
DOWN = "B[amygdala<-vmPFC, faces]"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve people, two sessions; under ketamine B of amygdala ← vmPFC falls by 0.08 Hz per point of improvement."""
    folder = tmp_path_factory.mktemp("results")
    rng = np.random.default_rng(0)
    place = SPEC.parameter_names.index(DOWN)
    for person in range(PEOPLE):
        for session in (1, 2):
            base = prior(SPEC)
            truth = base.mean.copy()
            truth[place] = 0.4 - 0.08 * improvement(person) * (person % 2 == 0) * (session == 2)
            sd = np.full(base.free.size, 0.05)
            mean = truth.copy()
            mean[base.free] += sd * rng.normal(size=sd.size)
            name = f"sub-{person + 1:02d}_ses-{session}"
            write_result(folder / f"{name}.nc", to_dataset(posterior(mean, np.diag(sd**2)), name=name, attrs={}))
    return folder


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "participants.tsv"
    rows = [f"sub-{i + 1:02d}\t{('ketamine', 'midazolam')[i % 2]}\t{improvement(i)}" for i in range(PEOPLE)]
    path.write_text("participant_id\tarm\timprovement\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def peb(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `effconn peb …` in this process, whose JAX is set up already."""
    monkeypatch.setattr("pipeline._guard.start_jax", lambda: None)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["peb", *map(str, arguments)], standalone_mode=False)

    return run


def improvement(person: int) -> float:
    return 2.0 + 1.7 * (person // 2) + 0.3 * (person % 3)


def posterior(mean: np.ndarray, covariance: np.ndarray) -> Posterior:
    base = prior(SPEC)
    return Posterior(
        spec=SPEC,
        prior=base,
        mean=mean,
        covariance=covariance,
        free=base.free,
        noise_mean=np.zeros(2),
        noise_covariance=np.eye(2),
        confound_effects=np.zeros((1, 2)),
        prediction=np.ones((4, 2)),
        residual=np.ones((4, 2)),
        free_energy=-10.0,
        settled_free_energy=-10.0,
        status=Status.CONVERGED,
        iterations=3,
        free_energy_history=np.array([-10.0]),
        data_scale=1.0,
        start=0,
        start_free_energies=np.array([-10.0]),
    )


def common(results: Path, table: Path) -> Sequence[object]:
    return (
        results,
        "--design",
        table,
        "--change",
        "ses-1,ses-2",
        "--fields",
        "B",
        "--between-prior",
        "wide",
        "--compat",
        "exact",
    )


def test_fit_writes_page_tables_and_posteriors_for_us_and_for_spm(
    peb: Run, results: Path, table: Path, tmp_path: Path
) -> None:
    found = peb("fit", *common(results, table), "--out", tmp_path / "out", "--json", tmp_path / "fit.json")
    assert found.return_value == 0, found.output
    group = read_group(tmp_path / "out" / "group.nc").group
    assert group.design.covariates == ("mean", "arm[midazolam]", "improvement")
    (spm,) = read_peb(tmp_path / "out" / "PEB_group.mat")
    assert isinstance(spm, SpmGroup)
    np.testing.assert_allclose(spm.posterior.mean, group.posterior.mean)
    assert (tmp_path / "out" / "group.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    rows = (tmp_path / "out" / "effects.tsv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 3 * 2
    told = json.loads((tmp_path / "fit.json").read_text(encoding="utf-8"))
    assert told["participants_used"] == [f"sub-{i + 1:02d}" for i in range(PEOPLE)]


def test_arms_finds_the_planted_difference(peb: Run, results: Path, table: Path, tmp_path: Path) -> None:
    found = peb("arms", *common(results, table), "--json", tmp_path / "arms.json")
    assert found.return_value == 0, found.output
    rows = json.loads((tmp_path / "arms.json").read_text(encoding="utf-8"))["arms"]
    planted = [row for row in rows if row["parameter"] == DOWN and row["covariate"] == "improvement"]
    assert {row["road"] for row in planted} == {"one group", "third level"}
    for row in planted:
        assert row["difference"] == pytest.approx(-0.08, abs=0.03)
    assert planted[0]["probability_beyond_zero"] < 0.01


def test_people_on_one_side_only_are_refused_and_named(peb: Run, results: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.tsv"
    path.write_text("participant_id\tage\n" + "\n".join(f"sub-{i + 1:02d}\t{20 + i * i}" for i in range(10)) + "\n")
    found = peb("fit", *common(results, path))
    assert found.return_value == 2
    assert "sub-11, sub-12" in found.stderr


def test_matched_only_goes_on_and_names_who_is_left_out(peb: Run, results: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.tsv"
    path.write_text("participant_id\tage\n" + "\n".join(f"sub-{i + 1:02d}\t{20 + i * i}" for i in range(10)) + "\n")
    found = peb("fit", *common(results, path), "--matched-only")
    assert found.return_value == 0
    assert "sub-12: left out, no row in the design" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--fields", "E"], "the models have no E; they have A, B, C"),
        (["--covariates", "dose"], "no covariate 'dose'"),
        (["--change", "ses-1"], "--change 'ses-1' must be two names"),
        (["--change", "ses-1,ses-9"], "no participant has both ses-1 and ses-9"),
        (["--interactions", "arm:dose"], "needs dose"),
        (["--parameter", "B[x<-y, z]"], "no field or parameter"),
    ],
)
def test_what_cannot_be_done_costs_one_line(
    peb: Run, results: Path, table: Path, arguments: list[str], line: str
) -> None:
    given = {"--design": str(table), "--change": "ses-1,ses-2", "--fields": "B"}
    given |= dict(zip(arguments[::2], arguments[1::2], strict=True))
    found = peb("fit", results, *(part for pair in given.items() for part in pair))
    assert found.return_value in (1, 2)
    assert line in found.stderr
    assert len(found.stderr.strip().splitlines()) <= 3
