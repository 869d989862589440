"""`effconn predict` from its options to what it prints and writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_up_table as made
import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli import _predict
from pipeline.cli._predict import run_predict
from pipeline.common import UsageError
from pipeline.predict import PredictOptions

Ask = Callable[..., tuple[PredictOptions, Path | None, Path | None, int | None]]


@pytest.fixture
def read_options(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """What a command line asks for."""
    asked: list[Any] = []
    app = typer.Typer()
    app.command()(_predict.command.__wrapped__)  # errors are to be seen
    monkeypatch.setattr(_predict, "run_predict", lambda *given: asked.append(given) or 0)

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(app, ["t.tsv", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return asked.pop()

    return run


def test_every_option_arrives(read_options: Ask) -> None:
    options, out, file, jobs = read_options(
        *("--outcome", "fall(y)", "--model", "baseline", "--measures", "a_*,!a_1", "--measures", "b"),
        *("--covariates", "age, change(madrs)", "--arm", "group", "--arms", "X,Y", "--participant", "id"),
        *("--session", "stage", "--sessions", "T0,T1", "--unit", "points", "--no-motion", "--imputation", "neighbours"),
        *("--alphas", "0.5,1", "--folds", "5", "--permutations", "9", "--bootstraps", "8", "--seed", "7"),
        *("--imputations", "6"),
        *("--in-sample-only", "--jobs", "2", "--out", "o", "--json", "j.json"),
    )
    assert options == PredictOptions(
        table=Path("t.tsv"),
        outcome="fall(y)",
        model="baseline",
        measures=("a_*", "!a_1", "b"),
        covariates=("age", "change(madrs)"),
        participant="id",
        session="stage",
        sessions=("T0", "T1"),
        arm="group",
        arms=("X", "Y"),
        unit="points",
        adjust_motion=False,
        imputation="neighbours",
        alphas=(0.5, 1.0),
        folds=5,
        permutations=9,
        bootstraps=8,
        imputations=6,
        seed=7,
        in_sample_only=True,
    )
    assert (out, file, jobs) == (Path("o"), Path("j.json"), 2)


def test_what_is_not_asked_is_as_documented(read_options: Ask) -> None:
    options, *others = read_options("--outcome", "y", "--formula", "change(*) + arm")
    assert options == PredictOptions(Path("t.tsv"), "y", formula="change(*) + arm")
    assert others == [None, None, None]


def test_alphas_that_are_no_numbers_are_told(read_options: Ask) -> None:
    with pytest.raises(UsageError, match=r"--alphas '0\.1;1' must be numbers with commas"):
        read_options("--outcome", "y", "--model", "change", "--alphas", "0.1;1")


def test_a_model_that_is_mistyped_is_met_with_the_nearest_one(read_options: Ask) -> None:
    with pytest.raises(UsageError, match="did you mean 'change'"):
        read_options("--outcome", "y", "--model", "chnage")


def quick(tmp_path: Path, **more: Any) -> PredictOptions:
    path = made.write(tmp_path, made.rows(8))
    return made.asked(path, alphas=(1.0,), permutations=19, bootstraps=5, **more)


def test_a_table_becomes_a_page_tables_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, file = tmp_path / "out", tmp_path / "answers.json"
    assert run_predict(quick(tmp_path, model="change-by-arm"), out, file, 1) == 0
    said = capsys.readouterr()
    assert "participants.tsv: fall(score) of 8 participants from 7 predictors" in said.err
    assert "Can fall(score) be predicted in participants the model (elastic net) has not seen?" in said.out
    assert json.loads(file.read_text())["analysis"] == "prediction"
    assert (out / "prediction.html").is_file()
    assert list(out.glob("*.tsv"))


def test_the_same_command_gives_the_same_answers(tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for file in files:
        run_predict(quick(tmp_path), None, file, 1)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_nothing_is_written_for_a_table_that_cannot_be_used(tmp_path: Path) -> None:
    path = made.write(tmp_path, made.with_cells(lambda number, row: {"score": "7"}))
    with pytest.raises(UsageError, match=r"fall\(score\) is 0 for everybody"):
        run_predict(made.asked(path), tmp_path / "out", None, 1)
    assert not (tmp_path / "out").exists()


def test_results_do_not_replace_the_description_of_the_table(tmp_path: Path) -> None:
    options = quick(tmp_path)
    with pytest.raises(UsageError, match=r"where the description of participants\.tsv belongs"):
        run_predict(options, None, options.table.with_suffix(".json"), 1)
