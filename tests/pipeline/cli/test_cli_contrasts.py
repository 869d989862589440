"""`effconn peb fit --formula … --contrast …`: designs of any factors, contrasts answered first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from three_drugs import DOWN, write_drug_table, write_results
from typer.testing import CliRunner, Result

from peb import evaluate_contrast
from pipeline.cli._app import app
from pipeline.results import read_group

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drug_table(tmp_path_factory.mktemp("table"))


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
    assert summary["columns_asked"] == ["drug[midazolam]"]
    assert (first["short"], summary["short_effects"]["drug[midazolam]"]) == (
        "ketamine − midazolam", "midazolam − placebo",
    )  # fmt: skip
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
