"""The statistics as they are handed over: tables, answers, notices and pictures."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_statistics import made_up_measures, made_up_participants, write_measures
from matplotlib.figure import Figure
from report_texts import report_texts
from scipy import stats

from pipeline.page._analysis_report import AnalysisReport
from pipeline.page._html import pictures
from pipeline.page._stored_report import read_report, save_report
from pipeline.statistics import MeasureChange, ParticipantScores, measure_changes, report_statistics
from pipeline.study import Statistics

PARTICIPANTS = made_up_participants()
HOW = Statistics(
    outcomes=("caps",),
    measures=("*",),
    subscales=tuple(PARTICIPANTS.subscales),
    null_checks=tuple(PARTICIPANTS.null_checks),
    cohort=tuple(PARTICIPANTS.cohort),
    bootstraps=200,
)


def changes(participants: ParticipantScores = PARTICIPANTS) -> tuple[MeasureChange, ...]:
    columns = made_up_measures(participants)
    return tuple(
        MeasureChange(name, "z", values[:, 1] - values[:, 0])
        for name, values in columns.items()
        if not name.startswith("motion")
    )


def reported(participants: ParticipantScores = PARTICIPANTS, how: Statistics = HOW) -> AnalysisReport:
    return report_statistics(participants, changes(participants), how)


def rows(report: AnalysisReport, name: str) -> list[dict[str, Any]]:
    (found,) = [dict(enumerate(record.rows)) for record in report.records if record.name == name]
    return [dict(row) for row in found.values()]


def test_every_table_is_there_once() -> None:
    names = [record.name for record in reported().records]
    assert names == ["outcomes", "outcome-means", "correlations", "null-checks", "cohort"]


def test_only_what_is_asked_for_is_handed_over() -> None:
    nothing = dict.fromkeys(("measures", "subscales", "null_checks", "cohort"), ())
    participants = replace(PARTICIPANTS, subscales={}, null_checks={}, cohort={})
    found = report_statistics(participants, (), HOW.model_copy(update=nothing))
    assert [record.name for record in found.records] == ["outcomes", "outcome-means"]
    assert [section.title for section in found.draw()] == ["Scores before and after"]


def test_the_arms_are_told_apart_where_they_differ_and_only_there() -> None:
    (caps,) = [answer for answer in reported().answers if "caps change" in answer.question]
    assert caps.verdict == "yes"
    assert caps.question == "Did caps change differently in ketamine and midazolam?"
    score = PARTICIPANTS.outcomes[0]
    change = (score.after - score.before)[:-1]
    exact = stats.ttest_ind(change[:11], change[11:])
    assert f"t(18) = {exact.statistic:.2f}".replace("-", "−") in caps.headline
    same = replace(score, after=score.before - np.tile([3.0, 8.0, 5.0], 7))
    (open_,) = [
        answer
        for answer in reported(replace(PARTICIPANTS, outcomes=(same,))).answers
        if "caps change" in answer.question
    ]
    assert open_.verdict == "open"
    assert any("not shown to be absent" in detail for detail in open_.details)


def test_the_exact_test_stands_beside_walds() -> None:
    found = [row for row in rows(reported(), "outcomes") if row["effect"] == "session × arm"]
    assert [row["test"] for row in found] == ["mixed model, Wald z", "t test of changes"]
    assert [row["people"] for row in found] == [21, 20]


def test_correlations_are_scipys() -> None:
    found = rows(reported(), "correlations")
    change = changes()[0].values
    fall = PARTICIPANTS.subscales["caps_fall"]
    there = np.isfinite(fall)
    assert (found[0]["measure"], found[0]["score"]) == ("gppi_faces_amygdala_from_vmPFC", "caps_fall")
    assert found[0]["r"] == pytest.approx(stats.pearsonr(change[there], fall[there]).statistic)
    assert len(found) == 2 * 3 * 2


def test_an_answer_for_each_measure_or_one_for_many() -> None:
    few = [
        answer
        for answer in reported().answers
        if "correlated with" in answer.question and "change of" in answer.question
    ]
    assert [answer.verdict for answer in few] == ["yes", "open"]
    rng = np.random.default_rng(0)
    many = [MeasureChange(f"m{i}", "z", rng.normal(size=21)) for i in range(6)]
    found = report_statistics(PARTICIPANTS, [*changes(), *many], HOW)
    (one,) = [
        answer for answer in found.answers if answer.question == "Is the change of a measure correlated with a score?"
    ]
    pearson = [row for row in rows(found, "correlations") if row["kind"] == "Pearson"]
    passing = {row["measure"] for row in pearson if row["holm"] < 0.05}
    assert one.verdict == ("yes" if min(row["p_value"] for row in pearson) * len(pearson) <= 0.05 else "open")
    assert f"{len(pearson)} correlations asked" in one.headline
    assert f"{len(passing)} of 8 measures" in one.details[0]
    assert "gppi_faces_amygdala_from_vmPFC with caps_fall" in one.headline


def test_null_checks_say_what_could_not_be_seen() -> None:
    (found,) = [answer for answer in reported().answers if "infusions" in answer.question]
    assert found.question == "Is anything correlated with infusions or days_between?"
    assert found.verdict == "open"
    assert "With 20 participants, correlations weaker than |r| = 0.59 go unseen in more than 2 of 10" in found.headline


def test_one_of_many_checks_must_pass_for_all_of_them_to_make_a_yes() -> None:
    """Holm over the checks of one measure alone would find something among enough measures, whatever they are."""
    rng = np.random.default_rng(1)
    days = PARTICIPANTS.null_checks["days_between"]
    weak = MeasureChange("weak", "z", (days - days.mean()) / days.std() + rng.normal(0, 2.2, 21))
    how = HOW.model_copy(update={"subscales": ()})
    participants = replace(PARTICIPANTS, subscales={}, null_checks={"days_between": days})

    def verdict(changes: list[MeasureChange]) -> str:
        (found,) = [
            answer
            for answer in report_statistics(participants, changes, how).answers
            if "days_between" in answer.question
        ]
        return found.verdict

    apart = rng.normal(size=(30, 21))
    apart -= np.outer(apart @ (days - days.mean()), days - days.mean()) / np.sum((days - days.mean()) ** 2)
    others = [MeasureChange(f"m{i}", "z", values) for i, values in enumerate(apart)]  # that do not go with it
    assert verdict([weak]) == "yes"
    assert verdict([weak, *others]) == "open"


def test_each_check_has_the_band_of_the_people_who_have_it() -> None:
    fewer = PARTICIPANTS.null_checks["days_between"].copy()
    fewer[:9] = np.nan
    found = [MeasureChange("m", "z", changes()[0].values)]
    participants = replace(
        PARTICIPANTS, subscales={}, null_checks=dict(PARTICIPANTS.null_checks) | {"days_between": fewer}
    )
    report = report_statistics(participants, found, HOW.model_copy(update={"subscales": ()}))
    (picture,) = [drawn for drawn in pictures(report.draw()) if drawn.name == "null-checks"]
    assert isinstance(picture.figure, Figure)
    widths = [patch.get_width() / 2 for patch in picture.figure.axes[0].patches]
    shown = [row["detectable"] for row in rows(report, "null-checks") if row["kind"] == "Pearson"]
    assert shown[0] < shown[1]
    assert widths == pytest.approx(shown)


def test_a_check_that_hangs_on_few_people_is_told() -> None:
    assert ("infusions:", "nearly everybody has the same value; its correlations depend on very few participants.") in (
        reported().notices
    )


def test_what_cannot_be_correlated_is_told_and_the_rest_goes_on() -> None:
    flat = MeasureChange("flat", "z", np.zeros(21))
    found = report_statistics(PARTICIPANTS, [*changes(), flat], HOW)
    notes = [text for heading, text in found.notices if heading == "Change of flat:"]
    assert len(notes) == 3
    assert "is the same for all" in notes[0]
    assert len(rows(found, "correlations")) == 12


def test_a_fit_that_is_not_in_order_is_told() -> None:
    rng = np.random.default_rng(3)
    after = 60 - PARTICIPANTS.outcomes[0].before + rng.normal(0, 1, 21)
    participants = replace(PARTICIPANTS, outcomes=(replace(PARTICIPANTS.outcomes[0], after=after),))
    assert any(
        heading == "caps:" and "no variance between participants" in text
        for heading, text in reported(participants).notices
    )


def test_the_cohort_has_no_p_values() -> None:
    (records,) = [record for record in reported().records if record.name == "cohort"]
    table = records.table()
    assert table.columns[2:4] == ("ketamine, n = 11", "midazolam, n = 10")
    assert not any("p" in column.split() for column in table.columns)
    assert "no p values" in records.lead
    assert table.rows[1][0] == "caps_before, points"


def test_the_same_settings_give_the_same_bytes(tmp_path: Path) -> None:
    files = [save_report(reported(), tmp_path / name) for name in ("one", "two")]
    for file, other in zip(*files, strict=True):
        assert file.read_bytes() == other.read_bytes(), file.name
    assert json.loads((tmp_path / "one" / "statistics.json").read_text())["bootstraps"] == 200
    assert [record.name for record in read_report(tmp_path / "one").records] == [
        record.name for record in reported().records
    ]


def test_pictures_of_hostile_names_are_drawn_without_a_warning() -> None:
    hostile = '<script>$x_{1}$</script>\n"&' * 4
    participants = made_up_participants(
        arms=(hostile, "b" * 90),
        subscales={hostile: PARTICIPANTS.subscales["caps_fall"]},
        outcomes=(replace(PARTICIPANTS.outcomes[0], name=hostile),),
    )
    found = report_statistics(participants, [MeasureChange(hostile, "z", changes()[0].values)], HOW)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = pictures(found.draw())
        assert [section.name for section in drawn] == ["scores-0", "correlations", "null-checks"]
        for section in drawn:
            assert isinstance(section.figure, Figure)
            assert "<script" not in section.svg


def test_a_picture_of_many_rows_keeps_the_largest_and_says_so() -> None:
    rng = np.random.default_rng(0)
    many = [MeasureChange(f"m{i}", "z", rng.normal(size=21)) for i in range(9)]
    found = report_statistics(PARTICIPANTS, [*changes(), *many], HOW.model_copy(update={"null_checks": ()}))
    (picture,) = [drawn for drawn in pictures(found.draw()) if drawn.name == "correlations"]
    assert "Only the 24 largest of 33 are drawn" in picture.caption


def test_numbers_read_from_the_table_are_those_reported(tmp_path: Path) -> None:
    found = report_statistics(
        PARTICIPANTS, measure_changes(write_measures(tmp_path, PARTICIPANTS), HOW.measures, PARTICIPANTS), HOW
    )
    assert {row["motion"] for row in rows(found, "correlations")} == {"motion_faces"}
    assert "in 2 of them" in dict(found.facts)["Measures"]


def test_of_two_groups_that_are_no_arms_no_arm_is_spoken_of() -> None:
    report = reported(replace(PARTICIPANTS, group_word="group"))
    assert not [text for text in report_texts(report) if re.search(r"\b[Aa]rms?\b", text)]
    assert {row["effect"] for row in rows(report, "outcomes")} >= {"session", "group", "session × group"}
    assert [records.name for records in report.records] == [records.name for records in reported().records]
