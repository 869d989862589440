"""`effconn peb` as a clinician runs it: folders and a table in, tables, a page and exit codes out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from made_up_posterior import posterior_at
from typer.testing import CliRunner, Result

from dcm import Spec, prior
from pipeline.cli._app import app, main
from pipeline.results import posterior_dataset, read_group, write_dataset
from pipeline.spm._peb_read import SpmGroup, read_group_results

Run = Callable[..., Result]

SPEC = Spec(
    ("vmPFC", "amygdala"),
    ("task", "faces"),
    np.ones((2, 2)),
    np.stack([np.zeros((2, 2)), 1 - np.eye(2)], 2),
    np.array([[1, 0], [1, 0]]),
)
PEOPLE = 12
DOWN, UP = "B[amygdala<-vmPFC, faces]", "B[vmPFC<-amygdala, faces]"
MODELS = {"both": (1, 1), "down": (1, 0), "up": (0, 1), "neither": (0, 0)}  # has DOWN, has UP


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve participants, two sessions; under ketamine B of amygdala ← vmPFC falls by 0.08 Hz a point."""
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
            write_dataset(
                folder / f"{name}.nc", posterior_dataset(posterior_at(SPEC, mean, np.diag(sd**2)), name=name, attrs={})
            )
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
    monkeypatch.setattr("pipeline.cli._guard.start_jax", lambda: None)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["peb", *map(str, arguments)], standalone_mode=False)

    return run


def improvement(person: int) -> float:
    return 2.0 + 1.7 * (person // 2) + 0.3 * (person % 3)


def changes(results: Path, table: Path) -> Sequence[object]:
    """The change of B, by the default settings."""
    return (results, "--design", table, "--change", "ses-1,ses-2", "--fields", "B")


def common(results: Path, table: Path) -> Sequence[object]:
    """The change of B, by the settings that are quickest."""
    return (*changes(results, table), "--between", "gaussian")


def last_line(found: Result) -> str:
    """The error, after remarks on what was read."""
    return found.stderr.strip().splitlines()[-1]


def report(path: Path) -> dict[str, Any]:
    """What --json wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def model_table(path: Path, models: Mapping[str, tuple[int, int]] = MODELS) -> Path:
    """A TSV of models; its columns are in another order than the group's parameters."""
    rows = [f"{name}\t{up}\t{'has' if down else 'lacks'} it\t{down}" for name, (down, up) in models.items()]
    path.write_text(f"model\t{UP}\tfamily of down\t{DOWN}\n" + "\n".join(rows) + "\n")
    return path


def model_masks(path: Path) -> Path:
    """The same models as SPM's GCM."""
    cell = np.empty((1, len(MODELS)), dtype=object)
    for place, (name, (down, up)) in enumerate(MODELS.items()):
        b = np.zeros((2, 2, 2))
        b[1, 0, 1], b[0, 1, 1] = down, up
        cell[0, place] = {"a": SPEC.a.astype(float), "b": b, "c": SPEC.c.astype(float), "name": name}
    scipy.io.savemat(path, {"GCM": cell})
    return path


def test_fit_writes_page_tables_and_posteriors_for_us_and_for_spm(
    peb: Run, results: Path, table: Path, tmp_path: Path
) -> None:
    found = peb("fit", *common(results, table), "--out", tmp_path / "out", "--json", tmp_path / "fit.json")
    assert found.return_value == 0, found.output
    group = read_group(tmp_path / "out" / "group.nc").group
    assert group.design.covariates == ("mean", "arm[midazolam]", "improvement")
    (spm,) = read_group_results(tmp_path / "out" / "PEB_group.mat")
    assert isinstance(spm, SpmGroup)
    np.testing.assert_allclose(spm.posterior.mean, group.posterior.mean)
    assert (tmp_path / "out" / "group.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    rows = (tmp_path / "out" / "effects.tsv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 3 * 2
    written = json.loads((tmp_path / "fit.json").read_text(encoding="utf-8"))
    assert written["participants_used"] == [f"sub-{i + 1:02d}" for i in range(PEOPLE)]


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
    assert "sub-11, sub-12: left out, no row in the design" in found.stderr


def test_results_without_a_command_are_fitted(peb: Run, results: Path, table: Path, tmp_path: Path) -> None:
    found = [
        peb(*words, *common(results, table), "--json", tmp_path / f"{len(words)}.json") for words in ((), ("fit",))
    ]
    assert [result.return_value for result in found] == [0, 0]
    assert found[0].stdout == found[1].stdout
    assert report(tmp_path / "0.json") == report(tmp_path / "1.json")


@pytest.mark.parametrize(("mode", "road"), [("none", "a group per arm"), ("spm12", "third level")])
def test_a_second_model_of_the_arms_finds_what_was_planted(
    peb: Run, results: Path, table: Path, tmp_path: Path, mode: str, road: str
) -> None:
    found = peb("arms", *changes(results, table), "--compat", mode, "--json", tmp_path / "arms.json")
    assert found.return_value == 0, found.output
    written = report(tmp_path / "arms.json")
    assert written["compat"] == mode
    mixture = "first-level results are of mode spm12, and the group is fitted in mode none"
    assert (mixture in found.stderr) == (mode == "none")
    levels = [row for row in written["arms"] if row["road"] == road]
    assert {(row["covariate"], row["parameter"]) for row in levels} == {
        (covariate, name) for covariate in ("mean", "improvement") for name in (DOWN, UP)
    }
    for row in levels:
        assert row["difference"] == pytest.approx(row["first"] - row["second"], rel=0.05)
    (planted,) = (row for row in levels if row["covariate"] == "improvement" and row["parameter"] == DOWN)
    assert planted["difference"] == pytest.approx(-0.08, abs=0.03)
    # the same words in every mode, on its own posterior, with Pp beside them
    (asked,) = (
        row
        for row in written["arms"]
        if row["verdict"] is not None and row["parameter"] == DOWN and row["covariate"] == "improvement"
    )
    assert asked["road"] == (road if mode == "none" else "one group")
    sure = 2 * 2 * min(asked["probability_beyond_zero"], 1 - asked["probability_beyond_zero"]) <= 0.05
    assert asked["verdict"] == ("yes" if sure else "open")
    assert [answer["verdict"] for answer in written["answers"]] == [
        verdict["verdict"] for verdict in written["verdicts"]
    ]
    assert written["answers"][1]["verdict"] == asked["verdict"]
    assert "2 connections asked" in written["answers"][1]["answer"]
    assert "Pp (with v without)" in written["answers"][1]["answer"]


def test_compare_finds_the_model_the_data_were_made_by(peb: Run, results: Path, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    models = ("--models", model_table(tmp_path / "models.tsv"), "--for", "mean,arm", "--out", out)
    found = peb("compare", *common(results, table), *models, "--json", tmp_path / "models.json")
    assert found.return_value == 0, found.output
    written = report(tmp_path / "models.json")
    chances = {row["model"]: row["probability_mean"] for row in written["models"]}
    assert list(chances) == list(MODELS)
    assert chances["down"] > 0.9
    assert sum(chances.values()) == pytest.approx(1)
    families = {
        row["family"]: row["probability"] for row in written["family-0-family-of-down"] if row["covariate"] == "mean"
    }
    # both families have two members, so that a prior over families is one over models
    assert families["has it"] == pytest.approx(chances["both"] + chances["down"])
    averaged = [row["probability"] for row in written["average"] if row["covariate"] == "mean"]
    assert averaged == pytest.approx([chances["both"] + chances["down"], chances["both"] + chances["up"]])
    assert {row["probability"] for row in written["average"] if row["covariate"] == "improvement"} == {
        None
    }  # not compared
    assert {"models.html", "BMA_group.mat", "models.tsv", "average.tsv"} <= {path.name for path in out.iterdir()}


def test_models_by_masks_are_models_by_names(peb: Run, results: Path, table: Path, tmp_path: Path) -> None:
    files = model_table(tmp_path / "models.tsv"), model_masks(tmp_path / "GCM.mat")
    for path in files:
        found = peb("compare", *common(results, table), "--models", path, "--json", tmp_path / f"{path.name}.json")
        assert found.return_value == 0, found.output
    named, masked = (report(tmp_path / f"{path.name}.json")["models"] for path in files)
    assert named == masked


def test_search_keeps_what_was_planted(peb: Run, results: Path, table: Path, tmp_path: Path) -> None:
    # more than 8 effects, so that there are rounds that drop some
    found = peb("search", *common(results, table), "--fields", "A,B", "--json", tmp_path / "search.json")
    assert found.return_value == 0, found.output
    written = report(tmp_path / "search.json")
    chances = {f"{row['covariate']}: {row['parameter']}": row["probability"] for row in written["average"]}
    assert len(chances) == 3 * 6
    surely = {f"{covariate}: {DOWN}" for covariate in ("mean", "arm[midazolam]")}
    assert {name for name, chance in chances.items() if chance > 0.95} == surely
    *before, last = written["rounds"]
    dropped = {name for row in before for name in row["dropped"].split("; ")}
    assert len(dropped) >= 10
    assert {chances[name] for name in dropped} == {0.0}
    assert last["dropped"] == "none"


def test_leave_one_out_tells_everybody_apart_by_what_was_planted(
    peb: Run, results: Path, table: Path, tmp_path: Path
) -> None:
    found = peb("leave-one-out", *common(results, table), "--covariate", "arm", "--json", tmp_path / "loo.json")
    assert found.return_value == 0, found.output
    written = report(tmp_path / "loo.json")
    rows = written["left-out"]
    assert [row["actual"] for row in rows] == [(-1.0, 1.0)[i % 2] for i in range(PEOPLE)]
    assert [row["fold"] for row in rows] == list(range(1, PEOPLE + 1))
    correlation = np.corrcoef([row["actual"] for row in rows], [row["estimate"] for row in rows])[0, 1]
    assert written["correlation"] == pytest.approx(correlation)
    assert correlation > 0.7
    assert written["p_value"] < 0.01
    assert written["accuracy"] >= 10 / 12


def test_left_out_values_are_those_of_the_table(peb: Run, results: Path, table: Path, tmp_path: Path) -> None:
    given = ("--covariate", "improvement", "--folds", "3", "--json", tmp_path / "folds.json")
    found = peb("leave-one-out", *common(results, table), *given)
    assert found.return_value == 0, found.output
    rows = report(tmp_path / "folds.json")["left-out"]
    assert [row["actual"] for row in rows] == pytest.approx([improvement(i) for i in range(PEOPLE)])
    assert sorted(row["fold"] for row in rows) == sorted(list(range(1, 4)) * 4)


def test_permute_counts_the_shuffles_that_reach_the_effect(
    peb: Run, results: Path, table: Path, tmp_path: Path
) -> None:
    given = ("--covariate", "arm", "--on", DOWN, "--permutations", "19", "--seed", "1")
    files = tmp_path / "one.json", tmp_path / "again.json"
    for path in files:
        found = peb("permute", *common(results, table), *given, "--json", path)
        assert found.return_value == 0, found.output
    written = report(files[0])
    (row,) = written["permutation"]
    assert (row["permutations"], row["seed"], row["covariate"]) == (19, 1, "arm[midazolam]")
    assert len(written["null"]) == 19
    reached = sum(value >= row["log_bayes_factor"] for value in written["null"])
    assert row["p_value"] == pytest.approx((1 + reached) / 20)
    assert row["p_value"] == pytest.approx(1 / 20)  # the difference between the arms is planted
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("models", "named"),
    [
        ({"first": (1, 0), "other": (0, 1), "twin": (1, 0)}, ("first", "twin", "the same")),
        ({"lonely": (1, 2)}, (UP, "'2'", "line 2")),
    ],
)
def test_models_that_cannot_be_compared_are_named(
    peb: Run, results: Path, table: Path, tmp_path: Path, models: Mapping[str, tuple[int, int]], named: Sequence[str]
) -> None:
    path = model_table(tmp_path / "models.tsv", models)
    found = peb("compare", *common(results, table), "--models", path)
    assert found.return_value == 2
    assert all(word in last_line(found) for word in ("models.tsv", *named))


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (f"model\t{DOWN}\t{UP}\tB[insula<-vmPFC, faces]", "B[insula<-vmPFC, faces]"),
        (f"model\t{DOWN}\tB[insula<-vmPFC, faces]\tx", UP),
    ],
)
def test_models_of_other_parameters_are_refused(
    peb: Run, results: Path, table: Path, tmp_path: Path, header: str, named: str
) -> None:
    path = tmp_path / "models.tsv"
    path.write_text(f"{header}\none\t1\t1\t1\nother\t1\t0\t1\n")
    found = peb("compare", *common(results, table), "--models", path)
    assert found.return_value == 2
    assert named in last_line(found)


def test_sessions_are_not_participants(peb: Run, results: Path) -> None:
    found = peb("fit", results, "--fields", "B")
    assert found.return_value == 2
    assert all(word in last_line(found) for word in ("sub-01_ses-1", "sub-01_ses-2", "--change"))


def test_an_arm_of_two_people_is_refused_by_name(peb: Run, results: Path, tmp_path: Path) -> None:
    path = tmp_path / "participants.tsv"
    rows = [f"sub-{i + 1:02d}\t{'ketamine' if i > 1 else 'midazolam'}\t{improvement(i)}" for i in range(PEOPLE)]
    path.write_text("participant_id\tarm\timprovement\n" + "\n".join(rows) + "\n")
    found = peb("arms", *common(results, path))
    assert found.return_value == 2
    assert "midazolam has fewer than 3" in last_line(found)
    assert "ketamine" not in last_line(found)


@pytest.mark.parametrize(
    ("command", "more", "named"),
    [
        ("permute", ("--covariate", "dose"), "'dose'"),
        ("permute", ("--covariate", "mean"), "mean"),
        ("permute", ("--covariate", "arm", "--on", "B[x<-y, z]"), "B[x<-y, z]"),
        ("leave-one-out", ("--covariate", "dose"), "'dose'"),
        ("leave-one-out", ("--covariate", "arm", "--folds", "13"), "13"),
        ("arms", ("--arm", "improvement"), "improvement"),
        ("arms", ("--arm", "group"), "group"),
        ("compare", ("--models", "nowhere.tsv"), "nowhere.tsv"),
    ],
)
def test_what_an_analysis_cannot_use_is_named(
    peb: Run, results: Path, table: Path, command: str, more: Sequence[str], named: str
) -> None:
    found = peb(command, *common(results, table), *more)
    assert found.return_value == 2, found.output
    assert named in last_line(found)


@pytest.mark.parametrize(
    "arguments",
    [
        ("permute", "--covariate", "arm", "--permutations", "18"),
        ("leave-one-out", "--covariate", "arm", "--folds", "1"),
        ("leave-one-out",),
        ("compare",),
        ("fit", "--between-prior", "narrow"),
    ],
)
def test_the_parser_refuses_with_the_same_code(
    results: Path, table: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    command, *more = arguments
    monkeypatch.setattr("sys.argv", ["effconn", "peb", command, *map(str, changes(results, table)), *more])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--fields", "B,Z"], "'Z'"),
        (["--covariates", "dose"], "no covariate 'dose'"),
        (["--change", "ses-1"], "--change 'ses-1' must be two names"),
        (["--change", "ses-1,ses-9"], "no participant has both ses-1 and ses-9"),
        (["--interactions", "arm:dose"], "needs dose"),
        (["--parameter", "B[x<-y, z]"], "B[x<-y, z]"),
        (["--smallest-effect", "0"], "must be a size in Hz above 0, such as 0.5, not 0"),
        (["--smallest-effect", "nan"], "must be a size in Hz above 0"),
    ],
)
def test_what_cannot_be_done_costs_one_line(
    peb: Run, results: Path, table: Path, arguments: list[str], line: str
) -> None:
    given = {"--design": str(table), "--change": "ses-1,ses-2", "--fields": "B"}
    given |= dict(zip(arguments[::2], arguments[1::2], strict=True))
    found = peb("fit", results, *(part for pair in given.items() for part in pair))
    assert found.return_value == 2
    assert line in found.stderr
    assert len(found.stderr.strip().splitlines()) <= 3


def test_a_contrast_of_two_sessions_is_their_change(peb: Run, results: Path, table: Path, tmp_path: Path) -> None:
    given = (results, "--design", table, "--fields", "B", "--between", "gaussian")
    for name, of in (("of", ("--of", "ses-2 - ses-1")), ("change", ("--change", "ses-1,ses-2"))):
        assert peb("fit", *given, *of, "--json", tmp_path / f"{name}.json").return_value == 0
    contrast, change = (report(tmp_path / f"{name}.json")["effects"] for name in ("of", "change"))
    assert contrast == change


def test_three_levels_of_visits_from_files_to_page(peb: Run, results: Path, tmp_path: Path) -> None:
    rows = [
        (f"sub-{i + 1:02d}_ses-{s}", ("ketamine", "midazolam")[i % 2], ("before", "after")[s - 1])
        for i in range(PEOPLE)
        for s in (1, 2)
        if (i, s) != (3, 2)
    ]
    path = tmp_path / "visits.tsv"
    path.write_text("participant_id\tarm\tsession\n" + "\n".join("\t".join(row) for row in rows) + "\n")
    given = ("--design", path, "--of", "visits", "--interactions", "arm:session", "--fields", "B", "--matched-only")
    found = peb("fit", results, *given, "--out", tmp_path / "out", "--json", tmp_path / "fit.json")
    assert found.return_value == 0, found.output
    assert "12 participants, 23 visits; 1 has one visit only" in found.stderr
    group = read_group(tmp_path / "out" / "group.nc").group
    assert group.participant_of is not None
    assert group.participant_of[:2] == ("sub-01", "sub-01")
    written = report(tmp_path / "fit.json")
    assert written["participants_used"] == [f"sub-{i + 1:02d}" for i in range(PEOPLE)]
    assert "B, all visits in 12 participants" in (tmp_path / "out" / "group.html").read_text(encoding="utf-8")
    product = next(i for i, name in enumerate(group.design.covariates) if "×" in name)
    assert abs(group.probability[group.parameters.index(DOWN), product] - 0.5) > 0.45
    assert len((tmp_path / "out" / "influence.tsv").read_text(encoding="utf-8").splitlines()) == 1 + PEOPLE


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("fit", "--of", "visits", "--compat", "spm12"), "all visits are for the default group"),
        (("fit", "--of", "mean", "--change", "ses-1,ses-2"), "leave one of them out"),
        (("permute", "--covariate", "arm", "--of", "visits"), "a permutation test is of participants, and all visits"),
    ],
)
def test_what_visits_are_not_for_costs_one_line(
    peb: Run, results: Path, tmp_path: Path, arguments: tuple[str, ...], line: str
) -> None:
    rows = [f"sub-{i + 1:02d}_ses-{s}\t{'ab'[i % 2]}" for i in range(PEOPLE) for s in (1, 2)]
    path = tmp_path / "visits.tsv"
    path.write_text("participant_id\tarm\n" + "\n".join(rows) + "\n")
    command, *more = arguments
    found = peb(command, results, "--design", path, *more)
    assert found.return_value == 2
    assert line in last_line(found)
