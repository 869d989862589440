"""The same question, asked by several commands of one group, has one answer; arms; sizes; sampling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas
import pytest

from peb import Design, Estimate, Gaussian, PebSettings, fit, make_design
from pipeline.group._arms import ArmAnalysis, compare_arms
from pipeline.group._arms_report import _sampled_difference, report_arms
from pipeline.group._fit import fit_group
from pipeline.group._fit_report import report_fit
from pipeline.group._group_inputs import GroupInputs
from pipeline.group._leave_one_out import cross_validate_covariate, report_leave_one_out
from pipeline.group._permutation import permute_covariate, report_permutation
from pipeline.group._search import report_search, search_models
from pipeline.page._analysis_report import AnalysisReport
from pipeline.verdicts import describe_size, judge_difference, judge_group, question_about

DOWN, UP = "B[amygdala<-vmPFC, faces]", "B[vmPFC<-amygdala, faces]"
CONNECTIONS = (DOWN, UP)
SIZES = {"even": (8, 8), "uneven": (12, 4), "too few": (14, 2)}


def group(
    counts: tuple[int, int],
    difference: float = 1.0,
    spread: float = 0.2,
    size: float = 0.5,
) -> GroupInputs:
    """Two arms that differ in the first connection by so many Hz, and a score that nothing varies with."""
    rng = np.random.default_rng(1)
    people = sum(counts)
    arm = ["ketamine"] * counts[0] + ["midazolam"] * counts[1]
    names = [f"sub-{i:02d}" for i in range(people)]
    prior = Gaussian(np.zeros(2), np.eye(2))
    estimates = []
    for i in range(people):
        mean = np.array([difference / 2 * (1 if i < counts[0] else -1), 0.0]) + spread * rng.normal(size=2)
        estimates.append(Estimate(names[i], CONNECTIONS, ("B", "B"), prior, Gaussian(mean, 0.02 * np.eye(2)), -5.0))
    score = rng.permutation(np.linspace(0, 20, people))
    design = make_design(names, {"arm": arm, "score": score}, interactions=[("arm", "score")], plus=["ketamine"])
    return GroupInputs(tuple(estimates), design, None, ("B",), PebSettings(), None, (), (), smallest_effect=size)


def arms_of(inputs: GroupInputs) -> tuple[ArmAnalysis, AnalysisReport]:
    arms = compare_arms(inputs, "arm")
    return arms, report_arms(inputs, arms)


def verdict_of(report: AnalysisReport, start: str) -> str:
    (found,) = [answer.verdict for answer in report.answers if answer.question.startswith(start)]
    return found


@pytest.mark.parametrize("counts", [SIZES["even"], SIZES["uneven"]], ids=["even", "uneven"])
def test_fit_search_and_arms_give_one_answer_to_one_question(counts: tuple[int, int]) -> None:
    inputs = group(counts)
    _, compared = arms_of(inputs)
    fitted = report_fit(inputs, *fit_group(inputs))
    searched = report_search(inputs, *search_models(inputs))
    for about, both in (("the mean", "differ between ketamine"), ("the effect of score", "score differently in")):
        said = {
            verdict_of(compared, f"Do the arms differ in {about}"),
            *(answer.verdict for page in (fitted, searched) for answer in page.answers if both in answer.question),
        }
        assert len(said) == 1
    assert verdict_of(compared, "Do the arms differ in the mean") == "yes"
    rows = {(row["covariate"], row["parameter"]): row["verdict"] for row in fitted.records[0].rows}
    first, second = (
        {
            row["parameter"]: row["verdict"]
            for row in compared.records[0].rows
            if row["verdict"] and row["covariate"] == x
        }
        for x in ("mean", "score")
    )
    assert [rows["arm[ketamine]", name] for name in CONNECTIONS] == [first[name] for name in CONNECTIONS]
    assert [rows["arm[ketamine]×score", name] for name in CONNECTIONS] == [second[name] for name in CONNECTIONS]


def test_a_question_has_one_verdict_on_a_page() -> None:
    _, compared = arms_of(group(SIZES["uneven"]))
    arms, effects = compared.records[:2]
    asked = [(row["covariate"], row["parameter"]) for row in arms.rows if row["verdict"] is not None]
    assert len(asked) == len(set(asked)) == 4
    assert {row["road"] for row in arms.rows if row["verdict"]} == {"a group per arm"}
    assert {row["covariate"] for row in effects.rows if row["verdict"]} == {"mean", "score"}


def test_answers_count_the_connections_and_say_how_small_none_is() -> None:
    _, found = arms_of(group(SIZES["even"], difference=0.0, spread=0.05))
    (mean,) = [answer for answer in found.answers if answer.question.startswith("Do the arms differ in the mean")]
    assert mean.verdict == "no difference"
    assert mean.headline.startswith("No difference above 0.5 Hz: 2 connections asked")
    assert found.summary["verdicts"][0] == {
        "covariate": "mean",
        "verdict": "no difference",
        "which": [],
        "questions": 2,
        "smallest_effect": 0.5,
        "per": "",
    }
    _, finer = arms_of(group(SIZES["even"], difference=0.0, spread=0.05, size=0.05))
    assert verdict_of(finer, "Do the arms differ in the mean") == "open"


@pytest.mark.parametrize("counts", [SIZES["even"], SIZES["uneven"]], ids=["even", "uneven"])
def test_arms_are_answered_from_a_group_of_each_and_the_numbers_are_its(counts: tuple[int, int]) -> None:
    inputs = group(counts)
    arms, compared = arms_of(inputs)
    fitted = report_fit(inputs, *fit_group(inputs))
    for report, about in ((compared, "Do the arms differ in the mean"), (fitted, "Which connections differ between")):
        (found,) = [answer for answer in report.answers if answer.question.startswith(about)]
        assert found.details[0].startswith("From a separate group for each")
    (mean,) = [verdict for verdict in arms.by_groups if verdict.covariate == "mean"]
    rows = [row for row in fitted.records[0].rows if row["covariate"] == "arm[ketamine]"]
    assert [row["mean"] for row in rows] == (mean.difference.mean / 2).tolist()
    np.testing.assert_allclose([(row["low"], row["high"]) for row in rows], mean.interval(0.9) / 2)
    assert [row["probability_beyond_zero"] for row in rows] == mean.beyond_zero.difference.tolist()


def test_kinds_that_cannot_be_fitted_alone_are_left_to_the_group_of_both() -> None:
    """Everybody of one arm has the same score."""
    inputs = group(SIZES["even"])
    arm = ["ketamine"] * 8 + ["midazolam"] * 8
    score = np.where(np.arange(16) < 8, 1.0, np.linspace(0, 20, 16))
    design = make_design(inputs.design.participants, {"arm": arm, "score": score}, plus=["ketamine"])
    report = report_fit(replace(inputs, design=design), *fit_group(replace(inputs, design=design)))
    (found,) = [answer for answer in report.answers if "differ between" in answer.question]
    assert found.verdict == "yes"
    notes = ("separate group for each", "a group of each kind")
    assert not any(note in line for note in notes for line in found.details)


def test_an_arm_too_small_for_a_group_of_its_own_leaves_the_question_open() -> None:
    inputs = group(SIZES["too few"], difference=3.0)
    fitted = report_fit(inputs, *fit_group(inputs))
    (found,) = [answer for answer in fitted.answers if "differ between" in answer.question]
    assert found.verdict == "open"
    assert any("too small" in line for line in found.details)


def test_shuffling_does_not_answer_a_question_about_unbalanced_arms() -> None:
    inputs = group(SIZES["uneven"])
    answers = [
        *report_permutation(inputs, permute_covariate(inputs, "arm", (), 19, 0)).answers,
        *report_leave_one_out(inputs, cross_validate_covariate(inputs, "arm", None, 0)).answers,
    ]
    assert [answer.verdict for answer in answers] == ["open", "open"]
    assert all(answer.details[0].startswith("Left open: shuffling") for answer in answers)


def test_effects_of_numbers_are_judged_per_standard_deviation() -> None:
    inputs = group(SIZES["uneven"])
    design = inputs.design
    sd = float(np.std(design.matrix[:, design.column("score")]))
    assert question_about(design, "mean").factor == 1
    assert (question_about(design, "arm[ketamine]").factor, question_about(design, "arm[ketamine]").per) == (2, "")
    assert question_about(design, "score").factor == pytest.approx(sd)
    product = question_about(design, "arm[ketamine]×score")
    assert (product.factor, product.per) == (pytest.approx(2 * sd), "SD of score")
    alone = Design(design.participants, ("mean", "arm[ketamine]×score"), design.matrix[:, [0, 3]], {}, design.kinds)
    assert question_about(alone, "arm[ketamine]×score").factor == pytest.approx(2 * sd, rel=0.05)


def test_what_one_group_of_all_answers_for_want_of_another_says_so() -> None:
    inputs = group(SIZES["uneven"])
    fitted = fit(inputs.estimates, inputs.design)
    alone, noted = (judge_group(fitted, apart, 0.5)["score"] for apart in ({}, {"score": "From one group of all."}))
    assert (alone.note, noted.note) == ("", "From one group of all.")
    assert noted.found == alone.found


def test_two_groups_are_judged_alike_as_a_number_and_as_levels() -> None:
    frame = pandas.DataFrame({"participant_id": list("abcdefg"), "sex": [1, 1, 2, 2, 2, 2, 2], "age": range(7)})
    asked = {text: Design.from_formula(frame, text) for text in ("sex * age", "C(sex) * age")}
    number, levels = ([question_about(design, name) for name in design.covariates[1:]] for design in asked.values())
    assert [each.factor for each in number] == pytest.approx([each.factor for each in levels])
    assert [each.per for each in number] == ["unit of sex", "SD of age", "SD of age × unit of sex"]


@pytest.mark.parametrize(("sign", "said"), [(-1, "P(difference > 0) <0.001"), (1, "P(difference > 0) >0.999")])
def test_draws_of_one_sign_are_not_printed_as_certain(sign: int, said: str) -> None:
    assert said in _sampled_difference(sign * np.linspace(0.1, 1, 1000), "Hz")


def test_draws_that_are_less_sure_decide() -> None:
    inputs = group(SIZES["even"])
    arms = compare_arms(inputs, "arm")
    one = arms.by_interactions[0]
    sure = judge_difference(one, inputs.design, 0.5)
    assert sure.found.kind == "yes"
    rng = np.random.default_rng(0)
    draws = [rng.normal(0.3, 0.3, 4000), None]
    checked = judge_difference(one, inputs.design, 0.5, drawn=draws)
    assert checked.found.kind == "open"
    assert checked.above_zero[0] == pytest.approx(np.mean(np.asarray(draws[0]) > 0))
    assert checked.above_zero[1] == sure.above_zero[1]
    assert judge_difference(one, inputs.design, 0.5, drawn=[-rng.normal(0.9, 0.1, 99), None]).above_zero[0] == 0.5


@pytest.mark.parametrize(
    ("units", "per", "text"),
    [
        (("Hz", "Hz"), "", "0.5 Hz"),
        (("Hz",), "SD of score", "0.5 Hz per SD of score"),
        (("log scale of -0.5 Hz",), "", "0.5 on the log scale of self-inhibition"),
        (("Hz", "log scale of -0.5 Hz"), "", "0.5 Hz (or 0.5 on the log scale of self-inhibition)"),
        (("",), "", "0.5 in the parameter's own unit"),
        (("Hz", ""), "", "0.5 Hz (or 0.5 in the parameter's own unit)"),
        (("log scale",), "", "0.5 on a log scale"),
    ],
)
def test_sizes_have_the_units_of_what_was_asked_about(units: tuple[str, ...], per: str, text: str) -> None:
    assert describe_size(0.5, units, per) == text
