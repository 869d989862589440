"""What the data allow of group analyses and statistics, before anything runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.bids import (
    analysis_design,
    check_groups,
    check_statistics,
    group_remarks,
    group_rows,
    level_order,
    write_design,
)
from pipeline.group._design_table import FormulaOptions, read_design
from pipeline.study import GroupAnalysis
from pipeline.tables import sidecar_units

Small = Any  # the conftest's SmallStudy, which tests cannot import
Spoil = Callable[[Small], Any]


def problems(small: Small) -> list[str]:
    study = small.study()
    return check_groups(study, small.inventory())


def analysis(**changes: Any) -> Spoil:
    return lambda small: small.set("group.arms", **changes)


def people(old: str, new: str, *also: Spoil) -> Spoil:
    def spoil(small: Small) -> None:
        small.edit(small.bids / "participants.tsv", old, new)
        for column in also:
            column(small)

    return spoil


def constant_in_one_arm(small: Small) -> None:
    table = small.bids / "participants.tsv"
    lines = [line.split("\t") for line in table.read_text().splitlines()]
    for line in lines[1:4]:
        line[-1] = "5"
    table.write_text("\n".join("\t".join(line) for line in lines) + "\n")


def fewer(small: Small) -> None:
    shutil.rmtree(small.derivatives / "sub-01" / "ses-2")


PROBLEMS: dict[str, tuple[Spoil, str]] = {
    "an unknown covariate": (
        analysis(covariates=("improvemnt",)),
        r"^\[group\.arms\]: 'improvemnt' is no score and no column .*; did you mean 'improvement'\?",
    ),
    "an unknown covariate to predict": (
        analysis(analysis="leave-one-out", predict="agee"),
        r"'agee' is no score and no column .*; did you mean 'age'\?",
    ),
    "text of three kinds": (
        people("31\tF", "31\tX", analysis(covariates=("sex",))),
        r"^\[group\.arms\]: sex holds text of 3 kinds \(F, M, X\)",
    ),
    "text among numbers": (
        people("\t31\t", "\tyoung\t", analysis(covariates=("age",))),
        r"age is 'young', where other rows hold numbers; .* \(of sub-02\)",
    ),
    "a constant": (
        lambda small: [
            small.set("scores.one", column="one"),
            (small.bids / "participants.tsv").write_text(
                "".join(
                    f"{line}\t{'one' if i == 0 else 1}\n"
                    for i, line in enumerate((small.bids / "participants.tsv").read_text().splitlines())
                )
            ),
            analysis(covariates=("one",))(small),
        ],
        r"one is constant: 1 for every participant",
    ),
    "a constant in one arm": (constant_in_one_arm, "among ketamine alone, improvement is constant: 5"),
    "the same twice": (
        lambda small: [
            small.set("scores.better", column="improvement"),
            analysis(covariates=("improvement", "better"), analysis="fit")(small),
        ],
        "better is a combination of improvement",
    ),
    "too few in an arm": (
        fewer,
        r"2 of ketamine have the change of faces and every covariate; an arm takes 3 "
        r"\(1 are left out, such as sub-01: left out, no faces of ses-2\)",
    ),
    "nobody with a covariate": (
        lambda small: [
            small.edit(small.bids / "participants.tsv", "participant_id", "participant_id"),
            [small.edit(small.bids / "participants.tsv", f"\t{age}\t", "\tn/a\t") for age in (30, 31, 34, 39, 46, 55)],
            analysis(covariates=("age",))(small),
        ],
        "0 participants have the change of faces and every covariate; it takes 3",
    ),
    "more covariates than people allow": (
        analysis(covariates=("improvement", "caps", "age")),
        "among ketamine alone, 4 covariates .* for 3 participants; leave some out",
    ),
}


@pytest.mark.parametrize(("spoil", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_group_that_cannot_be_analysed_is_told_before(spoil: Spoil, expected: str, small: Small) -> None:
    assert problems(small) == []
    spoil(small)
    (line,) = problems(small)
    assert re.search(expected, line), line


def test_the_table_is_the_design_that_the_group_reads(small: Small, tmp_path: Path) -> None:
    study, inventory = small.study(), small.inventory()
    path = write_design(study, inventory, study.group["arms"], tmp_path / "group" / "design.tsv")
    assert path.read_text().splitlines()[:2] == ["participant_id\tgroup\timprovement", "sub-01\tketamine\t0.0"]
    names = [participant.name for participant in inventory.participants]
    design = read_design(path, names, ["group", "improvement"], interactions=[("group", "improvement")])
    assert design.participants == tuple(names)
    assert design.kinds == {"group[midazolam]": ("ketamine", "midazolam")}


def test_units_of_the_participants_table_go_with_the_design(small: Small, tmp_path: Path) -> None:
    small.set("group.arms", analysis="fit", covariates=[], design="1 + age")
    (small.bids / "participants.json").write_text('{"age": {"Units": "years"}}', encoding="utf-8")
    study, inventory = small.study(), small.inventory()
    path = write_design(study, inventory, study.group["arms"], tmp_path / "design.tsv")
    assert sidecar_units(path) == {"age": "year"}
    (small.bids / "participants.json").unlink()
    write_design(study, inventory, study.group["arms"], path)
    assert not path.with_suffix(".json").exists()


def test_the_same_table_is_not_written_again(small: Small, tmp_path: Path) -> None:
    study, inventory = small.study(), small.inventory()
    path = write_design(study, inventory, study.group["arms"], tmp_path / "design.tsv")
    before = path.stat()
    write_design(study, inventory, study.group["arms"], path)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(("of", "session"), [("before", "ses-1"), ("after", "ses-2")])
def test_an_analysis_of_one_session_has_rows_called_like_its_estimates(small: Small, of: str, session: str) -> None:
    small.set("group.arms", of=of)
    study = small.study()
    rows = group_rows(study, small.inventory(), study.group["arms"])
    assert rows.names == tuple(f"sub-0{i}_{session}" for i in range(1, 7))


def test_who_lacks_a_session_or_a_value_is_left_out_and_named(small: Small) -> None:
    small.events("sub-02_ses-1_task-faces").unlink()
    small.edit(small.bids / "participants.tsv", "sub-05\tmidazolam\t46", "sub-05\tmidazolam\tn/a")
    small.set("group.arms", covariates=("age", "improvement"))
    study = small.study()
    rows = group_rows(study, small.inventory(), study.group["arms"])
    assert rows.names == ("sub-01", "sub-03", "sub-04", "sub-06")
    assert rows.left_out == ("sub-02: left out, no faces of ses-1", "sub-05: left out, no age")
    assert {name: len(cells) for name, cells in rows.columns.items()} == {"group": 4, "age": 4, "improvement": 4}


def test_a_run_of_another_task_does_not_put_anybody_in(small: Small) -> None:
    small.bold("sub-01_ses-1_task-faces").unlink()
    small.bold("sub-02_ses-1_task-rest").unlink()
    study = small.study()
    names = group_rows(study, small.inventory(), study.group["arms"]).names
    assert "sub-01" not in names
    assert "sub-02" in names


def test_who_lacks_a_covariate_is_said_with_what_is_missing(small: Small) -> None:
    people("\t31\t", "\tn/a\t", analysis(covariates=("age", "improvement")))(small)
    assert group_remarks(small.study(), small.inventory()) == ["[group.arms]: sub-02: left out, for want of age"]


def test_what_is_predicted_is_in_the_table(small: Small) -> None:
    small.set("group.guess", analysis="leave-one-out", predict="caps", covariates=("age",))
    study = small.study()
    rows = group_rows(study, small.inventory(), study.group["guess"])
    assert list(rows.columns) == ["group", "age", "caps"]
    assert rows.columns["caps"][0] == "5.0"
    assert problems(small) == []


GOOD: dict[str, Any] = {
    "outcomes": ("caps",),
    "measures": ("gppi_*",),
    "subscales": ("improvement",),
    "null_checks": ("age",),
    "cohort": ("age", "sex", "caps"),
}


def settings(**changes: Any) -> Spoil:
    return lambda small: small.set("statistics", **changes)


def statistics_problems(small: Small) -> list[str]:
    return check_statistics(small.study(), small.inventory())


PROBLEMS: dict[str, tuple[Spoil, str]] = {
    "nothing asked": (
        settings(**dict.fromkeys(GOOD, ())),
        r"^\[statistics\]: asks for nothing; give outcomes, measures with subscales, or cohort",
    ),
    "measures for nothing": (
        settings(subscales=(), null_checks=()),
        r"^\[statistics\] measures: are correlated with nothing; name subscales or null_checks",
    ),
    "subscales for nothing": (
        settings(measures=(), null_checks=()),
        r"^\[statistics\] subscales: are correlated with nothing",
    ),
    "checks of nothing": (
        settings(measures=(), subscales=()),
        r"^\[statistics\] null_checks: there is nothing to check",
    ),
    "a subscale that is a check too": (
        settings(null_checks=("improvement",)),
        r"^\[statistics\] null_checks: 'improvement' is among the subscales too",
    ),
    "an unknown outcome": (
        settings(outcomes=("capz",)),
        r"^\[statistics\] outcomes: 'capz' is no score; did you mean 'caps'\? \(scores: improvement, caps\)",
    ),
    "a column as an outcome": (settings(outcomes=("age",)), r"^\[statistics\] outcomes: 'age' is no score"),
    "an outcome of one session": (
        settings(outcomes=("improvement",)),
        r"^\[statistics\] outcomes: improvement is one number a participant; an outcome has one in both sessions",
    ),
    "an outcome of too few": (
        lambda small: small.edit(small.bids / "phenotype" / "caps5.tsv", "sub-01\tses-2\t30", "sub-01\tses-2\tn/a"),
        r"^\[statistics\] outcomes: 2 of ketamine have caps in both sessions; an arm takes 3",
    ),
    "an unknown subscale": (
        settings(subscales=("improvment",)),
        r"subscales: 'improvment' is no score and no column of the participants' table; did you mean 'improvement'\?",
    ),
    "a subscale named twice": (
        settings(subscales=("improvement", "improvement")),
        r"subscales: names 'improvement' twice; name it once",
    ),
    "a check that is text": (settings(null_checks=("sex",)), r"null_checks: sex is 'M', where a number is needed"),
    "a check that is constant": (
        lambda small: [small.edit(small.bids / "participants.tsv", f"\t{age}\t", "\t5\t") for age in _AGES],
        r"null_checks: age is 5 for every participant; nothing can correlate with it",
    ),
    "a check of too few": (
        lambda small: [small.edit(small.bids / "participants.tsv", f"\t{age}\t", "\tn/a\t") for age in _AGES[:2]],
        r"null_checks: 4 participants have age; a correlation takes 5",
    ),
    "an unknown column of the cohort": (
        settings(cohort=("gender",)),
        r"cohort: 'gender' is no score and no column of the participants' table",
    ),
}
_AGES = (30, 31, 34, 39, 46, 55)


@pytest.mark.parametrize(("spoil", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_statistics_that_cannot_be_had_are_told_before(spoil: Spoil, expected: str, small: Small) -> None:
    settings(**GOOD)(small)
    assert statistics_problems(small) == []
    spoil(small)
    (line,) = statistics_problems(small)
    assert re.search(expected, line), line


def test_a_study_without_statistics_has_nothing_to_check(small: Small) -> None:
    assert statistics_problems(small) == []


def test_numbers_with_a_reference_are_levels_to_the_check_as_to_the_group(small: Small, tmp_path: Path) -> None:
    table = small.bids / "participants.tsv"
    head, *lines = table.read_text().splitlines()
    doses = [f"{line}\t{('0', '2', '10')[i % 3]}" for i, line in enumerate(lines)]
    table.write_text("\n".join([f"{head}\tdose", *doses]) + "\n")
    analysis = GroupAnalysis(design="1 + dose", reference={"dose": "0"})
    study, inventory = small.study(), small.inventory()
    rows = group_rows(study, inventory, analysis)
    levels = level_order(study, analysis, rows)
    formula = FormulaOptions("1 + dose", levels.reference, levels.order)
    read = read_design(write_design(study, inventory, analysis, tmp_path / "design.tsv"), rows.names, formula=formula)
    assert read.covariates == ("mean", "dose[2]", "dose[10]")
    assert analysis_design(study, analysis, rows).covariates == read.covariates
