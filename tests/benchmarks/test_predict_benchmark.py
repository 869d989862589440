"""`benchmarks.predict` against a slow, obvious glmnet, and on files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import python_m

from benchmarks import (
    _predict_glmnet,
    _predict_grid,
    _predict_null,
    _predict_reference,
    _predict_speed,
    _predict_stable,
    predict,
)
from features import Tuning
from pipeline.common import UsageError

ASKED = {"alpha", "max_abs_delta_coef", "max_rel_delta_loo", "same_lambda_min"}
QUICK = Tuning((1.0,), 8, 1e-4)
SMALL = (7, 3)  # participants, predictors


def test_a_table_with_glmnets_results_passes_and_is_written(tall: tuple[Path, Path], tmp_path: Path) -> None:
    table, reference = tall
    file = tmp_path / "predict.json"
    done = python_m("benchmarks.predict", "--table", table, "--reference", reference, "--json", file)
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads(file.read_text())
    assert set(written) == {"alphas", "best_alpha", "best_alpha_glmnet", "seconds"}
    assert [row["alpha"] for row in written["alphas"]] == [0.3, 1.0]
    assert all(set(row) >= ASKED for row in written["alphas"])
    assert all(row["same_lambda_min"] is True and row["same_lambda_1se"] is True for row in written["alphas"])
    assert written["best_alpha"] == written["best_alpha_glmnet"]
    assert written["seconds"] > 0


@pytest.mark.parametrize("kind", ["tall", "wide"])
def test_small_tables_agree_to_the_solvers_precision(kind: str, request: pytest.FixtureRequest) -> None:
    found = _predict_glmnet.compare(*request.getfixturevalue(kind))
    assert max(row["max_abs_delta_coef"] for row in found["alphas"]) < 1e-5
    assert max(row["max_rel_delta_loo"] for row in found["alphas"]) < 1e-4
    assert all(row["retained"] == row["retained_glmnet"] for row in found["alphas"])


def test_a_missed_bound_is_an_exit_code(tall: tuple[Path, Path], tmp_path: Path, capsys: Any) -> None:
    """Each of the four bounds."""
    table, reference = tall
    right = json.loads(reference.read_text())
    for number, spoilt in enumerate(_spoilt(right)):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(spoilt))
        assert predict.main(["--table", str(table), "--reference", str(file)]) == 1
        assert capsys.readouterr().out.count("FAIL") == 1


def _spoilt(right: dict[str, Any]) -> list[dict[str, Any]]:
    first, second = right["path"]
    place = first["lambda"].index(first["lambda_min"])
    moved = first["lambda"][place + 1]
    return [
        {**right, "path": [{**first, "coef": [first["coef"][0] + 1e-3, *first["coef"][1:]]}, second]},
        {**right, "path": [{**first, "loo_mse": [1.01 * error for error in first["loo_mse"]]}, second]},
        {**right, "path": [{**first, "lambda_min": moved, "coef": _straight(right, moved)}, second]},
        {**right, "best_alpha": 1.3 - right["best_alpha"]},
    ]


def _straight(right: dict[str, Any], penalty: float) -> list[float]:
    """The coefficients at another penalty of the first mixing, so that nothing but the choice is wrong."""
    return list(right["all"][str(penalty)])


def test_penalties_of_another_grid_are_read_at_theirs(tall: tuple[Path, Path], tmp_path: Path) -> None:
    """A reference whose path has every third penalty taken out is still one of the same models."""
    table, reference = tall
    content = json.loads(reference.read_text())
    for step in content["path"]:
        kept = [k for k, value in enumerate(step["lambda"]) if k % 3 or value == step["lambda_min"]]
        step["lambda"], step["loo_mse"] = ([step[name][k] for k in kept] for name in ("lambda", "loo_mse"))
    file = tmp_path / "thinned.json"
    file.write_text(json.dumps(content))
    found = _predict_glmnet.compare(table, file)
    assert max(row["max_rel_delta_loo"] for row in found["alphas"]) < 1e-4


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "header"),
        ("y\n1\n2\n", "at least one predictor"),
        ("1,2\n3,4\n", "must name the columns"),
        ("y,x\n1,2\n3\n", "line 3: 1 values under 2 names"),
        ("y,x\n1,2\n3,low\n", "x is 'low'"),
        ("y,x\n1,2\n3,\n", "x is ''"),
        ("y,x\n1,2\n3,inf\n", "x is 'inf'"),
        ("y,x\n1,2\n1,3\n", "the same for everybody"),
        ("y,x\n", "the same for everybody"),
    ],
)
def test_tables_that_are_none_are_told(content: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text(content)
    with pytest.raises(UsageError, match=words):
        _predict_reference.read_table(file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "no JSON file"),
        ("[]", "does not hold results"),
        ('{"best_alpha": 1}', "KeyError 'path'"),
        ('{"best_alpha": 1, "path": []}', "none of the mixings"),
        ('{"best_alpha": 1, "path": [{"alpha": 1, "lambda": [1, 2]}]}', "KeyError 'loo_mse'"),
        (
            '{"best_alpha":1, "path": [{"alpha": 1, "lambda": [1, 2], "loo_mse": [1, 1], "lambda_min": 1, "coef": 0}]}',
            "fall",
        ),
        (
            '{"best_alpha": 1, "path": [{"alpha": 1, "lambda": [2], "loo_mse": [1, 1], "lambda_min": 1, "coef": 0}]}',
            "as many",
        ),
        (
            '{"best_alpha": 1, "path": [{"alpha": 1, "lambda": [2], "loo_mse": [1], "lambda_min": 2, "coef": [0]}]}',
            "1 coefficients, the table has 2",
        ),
        (
            '{"best_alpha": 0, "path": [{"alpha": 1, "lambda": [2], "loo_mse": [1], "lambda_min": 2, "coef": [0, 0]}]}',
            "none of the mixings",
        ),
    ],
)
def test_references_that_are_none_are_told(content: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "reference.json"
    file.write_text(content)
    with pytest.raises(UsageError, match=words):
        _predict_reference.read_reference(file, 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--table", "absent.csv", "--reference", "absent.json"], "absent.csv is not there"),
        (["--table", "absent.csv"], "belong together"),
        (["--only", "glmnet"], "needs --table"),
        (["--studies", "1"], "no whole number from 2"),
        (["--jobs", "0"], "no whole number from 1"),
    ],
)
def test_what_cannot_be_done_is_told(arguments: list[str], words: str, capsys: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        predict.main(arguments)
    assert words in capsys.readouterr().err


def test_noise_is_drawn_estimated_and_tested_once_for_each_study(capsys: Any) -> None:
    found = _predict_null.null_studies(3, jobs=1, tuning=QUICK, size=SMALL)
    again = _predict_null.null_study(2, 0, QUICK, SMALL)
    assert found["values"][2] == [again.r_squared, again.q_squared, again.p_value]
    assert found["rejected"] == sum(p <= 0.05 for _, _, p in found["values"])
    assert found["r_squared"]["mean"] == pytest.approx(np.mean([r for r, _, _ in found["values"]]))
    assert "null: 3 of 3" in capsys.readouterr().err


def test_stable_predictors_are_counted_of_every_kind_and_chance_takes_some_away() -> None:
    rows = _predict_stable.stable_studies(4, 1, tuning=QUICK, size=(12, 4), bootstraps=5)
    assert [row["kind"] for row in rows] == ["arm only", "true measure", "alike"]
    assert all(0 <= row["stable"] <= row["retained_often"] <= 1 for row in rows)
    assert [check.passed for check in _predict_stable.checks(rows)][2:] == [True, True]


def test_a_rate_of_rejections_is_judged_by_what_so_many_studies_can_show() -> None:
    spread = {"mean": -0.1, "sd": 0.1, "median": 0.0, "least": -1.0, "most": 0.1}
    found = {"r_squared": spread, "q_squared": spread, "q_squared_above_zero": 0.1, "interval": [0, 1], "seconds": 1.0}
    for count, rejected, passed in (
        (500, 25, True),
        (500, 36, False),
        (500, 14, False),
        (100, 9, True),
        (100, 10, False),
    ):
        one = {**found, "studies": count, "rejected": rejected, "rate": rejected / count}
        assert _predict_null.checks(one)[-1].passed == passed


def test_two_processes_find_what_one_finds() -> None:
    one, two = (_predict_grid.compare_grids(2, jobs, QUICK, effects=(1.0,), size=SMALL) for jobs in (1, 2))
    assert [row["effect"] for row in one] == ["1", "all"]
    for left, right in zip(one, two, strict=True):
        assert all(left[name] == right[name] for name in left if not name.startswith("seconds"))


def test_every_case_is_timed_and_shuffled_ones_say_how_often() -> None:
    rows = _predict_speed.timings(jobs=1, repeats=1, shuffles=3, size=SMALL)
    assert all(0 < row["least"] <= row["seconds"] <= row["most"] for row in rows)
    assert [check.bound for check in _predict_speed.checks(rows)] == ["≤ 2", "≤ 300", "≤ 300"]
    assert all("3 shuffles, p = " in row["note"] for row in rows if "shuffles" in row["case"])


@pytest.fixture(scope="module")
def tall(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """More participants than predictors, one of them yes or no."""
    return _written(tmp_path_factory.mktemp("tall"), 12, 3)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return _written(tmp_path_factory.mktemp("wide"), 7, 8)


def _written(folder: Path, participants: int, predictors: int) -> tuple[Path, Path]:
    rng = np.random.default_rng(participants)
    X = rng.normal(size=(participants, predictors)) * rng.uniform(0.1, 10, predictors)
    X[:, -1] = np.arange(participants) % 3 == 0
    y = 10 + X[:, 0] / X[:, 0].std() + X[:, 1] / X[:, 1].std() + rng.normal(size=participants)
    table, reference = folder / "table.csv", folder / "reference.json"
    header = ",".join(["y", *(f"x{k}" for k in range(predictors))])
    np.savetxt(table, np.column_stack([y, X]), delimiter=",", header=header, comments="", fmt="%.17g")
    path = [_obvious_leave_one_out(X, y, alpha) for alpha in (0.3, 1.0)]
    best = min(path, key=lambda one: min(one["loo_mse"]))
    models = dict(zip(map(str, path[0]["lambda"]), path[0].pop("models"), strict=True))
    reference.write_text(json.dumps({"best_alpha": best["alpha"], "path": path, "all": models}, default=list))
    return table, reference


def _obvious_leave_one_out(X: np.ndarray, y: np.ndarray, alpha: float) -> dict[str, Any]:
    """What `cv.glmnet(nfolds = n, grouped = FALSE)` does, written down as its documentation has it."""
    penalties, models = _obvious_path(X, y, alpha)
    squares = []
    for out in range(len(y)):
        kept = np.arange(len(y)) != out
        own, fold = _obvious_path(X[kept], y[kept], alpha)
        said = y[kept].mean() + fold @ (X[out] - X[kept].mean(axis=0))
        squares.append((y[out] - np.interp(penalties, own[::-1], said[::-1])) ** 2)
    mse, se = np.mean(squares, axis=0), np.std(squares, axis=0) / np.sqrt(len(y) - 1)
    least = int(mse.argmin())
    return {
        "alpha": alpha,
        "lambda": penalties.tolist(),
        "loo_mse": mse.tolist(),
        "lambda_min": penalties[least],
        "lambda_1se": penalties[mse <= mse[least] + se[least]][0],
        "coef": models[least].tolist(),
        "models": models.tolist(),
    }


def _obvious_path(X: np.ndarray, y: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """One coefficient at a time, over and over; the path ends where r² is 0.999 or grows no more."""
    n, p = X.shape
    scale, spread = X.std(axis=0), y.std()
    Z, target = (X - X.mean(axis=0)) / scale, (y - y.mean()) / spread
    first = np.abs(Z.T @ target).max() / n / alpha
    grid = np.geomspace(first, first * (0.01 if n < p else 1e-4), 100)
    beta, explained, models = np.zeros(p), 0.0, []
    for penalty in grid:
        _descend(Z, target, beta, penalty * alpha, penalty * (1 - alpha))
        before, explained = explained, 1 - ((target - Z @ beta) ** 2).mean()
        models.append(beta * spread / scale)
        if len(models) >= 5 and (explained > 0.999 or explained - before < 1e-5 * explained):
            break
    return grid[: len(models)] * spread, np.array(models)


def _descend(Z: np.ndarray, target: np.ndarray, beta: np.ndarray, lasso: float, ridge: float) -> None:
    gram, towards = Z.T @ Z / len(target), Z.T @ target / len(target)
    for _ in range(100_000):
        largest = 0.0
        for k in range(len(beta)):
            pull = towards[k] - gram[k] @ beta + beta[k]
            new = np.sign(pull) * max(abs(pull) - lasso, 0.0) / (1 + ridge)
            largest, beta[k] = max(largest, abs(new - beta[k])), new
        if largest < 1e-9:
            return
    raise AssertionError("the obvious way did not settle")
