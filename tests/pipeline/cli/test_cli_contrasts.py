"""`effconn peb fit --formula … --contrast …`: designs of any factors, contrasts answered first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from dcm import Posterior, Settings, Spec, Status, prior
from peb import evaluate_contrast
from pipeline.cli._app import app
from pipeline.results import posterior_dataset, read_group, write_dataset

Run = Callable[..., Result]

SPEC = Spec(
    ("vmPFC", "amygdala"),
    ("task", "faces"),
    np.ones((2, 2)),
    np.stack([np.zeros((2, 2)), 1 - np.eye(2)], 2),
    np.array([[1, 0], [1, 0]]),
)
DOWN, UP = "B[amygdala<-vmPFC, faces]", "B[vmPFC<-amygdala, faces]"
DRUGS = ("ketamine", "midazolam", "placebo")
PARTICIPANTS = 24


def age(i: int) -> int:
    return 30 + (7 * i) % 19


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Under ketamine B of amygdala ← vmPFC is 0.8 Hz lower than under the two others."""
    folder, rng = tmp_path_factory.mktemp("results"), np.random.default_rng(0)
    base = prior(SPEC)
    place = SPEC.parameter_names.index(DOWN)
    for i in range(PARTICIPANTS):
        mean = base.mean.copy()
        mean[place] = 0.4 - 0.8 * (DRUGS[i % 3] == "ketamine") + 0.15 * rng.normal()
        sd = np.full(base.free.size, 0.05)
        mean[base.free] += sd * rng.normal(size=sd.size)
        name = f"sub-{i + 1:02d}"
        found = Posterior(
            spec=SPEC,
            prior=base,
            mean=mean,
            covariance=np.diag(sd**2),
            free=base.free,
            noise_mean=np.zeros(2),
            noise_covariance=np.eye(2),
            autocorrelation=np.zeros(2),
            autocorrelation_sd=np.zeros(2),
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
            settings=Settings(),
        )
        write_dataset(folder / f"{name}.nc", posterior_dataset(found, name=name, attrs={}))
    return folder


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "participants.tsv"
    rows = [f"sub-{i + 1:02d}\t{DRUGS[i % 3]}\t{i % 4 + 1}\t{age(i)}" for i in range(PARTICIPANTS)]
    path.write_text("participant_id\tdrug\tsite\tage\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch, results: Path, table: Path) -> Run:
    """Runs `effconn peb fit …` in this process, whose JAX is set up already."""
    monkeypatch.setattr("pipeline.cli._guard.start_jax", lambda: None)

    def run(*arguments: object) -> Result:
        given = ["peb", "fit", str(results), "--design", str(table), "--fields", "B", *map(str, arguments)]
        return CliRunner().invoke(app, given, standalone_mode=False)

    return run


def test_contrasts_are_answered_first_in_words_numbers_and_files(fit: Run, tmp_path: Path) -> None:
    out, found = tmp_path / "group", tmp_path / "group.json"
    result = fit(
        "--formula", "1 + drug + age", "--reference", "drug=placebo",
        "--contrast", "drugs=ketamine - midazolam", "--contrast", "midazolam - placebo",
        "--out", out, "--json", found,
    )  # fmt: skip
    assert result.return_value == 0, result.output
    summary = json.loads(found.read_text())
    first, second = summary["contrast_answers"]
    assert (first["name"], first["verdict"], first["what"]) == (
        "drugs", "yes", "ketamine minus midazolam, at the same age",
    )  # fmt: skip
    assert second["verdict"] != "yes"
    assert first["method"] == "a group for each level"
    assert summary["design"]["columns"] == ["mean", "drug[ketamine]", "drug[midazolam]", "age"]
    page = (out / "group.html").read_text()
    assert page.index("drugs: which connections differ: ketamine minus midazolam") < page.index("on average?")
    assert (out / "figures" / "design.svg").exists()
    table = (out / "contrasts.tsv").read_text().splitlines()
    assert len(table) == 1 + 2 * 2
    words = (out / "columns.tsv").read_text()
    assert "ketamine minus placebo, at the same age" in words
    group = read_group(out / "group.nc").group
    assert group.design.formula == "1 + drug + age"
    answer = evaluate_contrast(group, "ketamine - midazolam")
    assert answer.mean[group.parameters.index(DOWN)] == pytest.approx(-0.8, abs=0.2)


def test_numbers_of_sites_are_a_factor_by_c_and_missing_ones_are_named(fit: Run, tmp_path: Path) -> None:
    found = tmp_path / "group.json"
    result = fit("--formula", "drug + C(site)", "--contrast", "4 v 1=site[4] - site[1]", "--json", found)
    assert result.return_value == 0, result.output
    assert json.loads(found.read_text())["contrast_answers"][0]["what"] == "site 4 minus site 1, at the same drug"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--formula", "1 + drg"), "did you mean drug?"),
        (("--formula", "np.log(age)"), "is not understood"),
        (("--formula", "drug", "--reference", "drug=saline"), "no participant is 'saline'"),
        (("--formula", "drug", "--reference", "drug"), "such as group=controls"),
        (("--reference", "drug=placebo"), "there is no formula"),
        (("--formula", "drug", "--covariates", "age"), "leave --covariates"),
        (("--formula", "drug", "--contrast", "ketamin - placebo"), "did you mean ketamine?"),
        (("--formula", "drug + age", "--contrast", "ketamine:age - placebo:age"), "no drug:age"),
        (("--formula", "participant_id"), "names the participants"),
        (("--formula", "drug * C(age)"), "columns (age has"),
    ],
)
def test_a_bad_design_is_one_line(fit: Run, arguments: tuple[str, ...], said: str) -> None:
    result = fit(*arguments)
    assert result.return_value == 2
    assert said in result.output
