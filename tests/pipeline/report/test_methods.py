"""The Methods of studies of several shapes: what they say follows from the file and the data, and nothing is untrue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from reshaped_study import reshaped

from pipeline.page._analysis_report import AnalysisReport
from pipeline.report import StudyResult
from pipeline.report._methods import methods

DRUGS = ("ketamine", "placebo")


def text_of(result: StudyResult) -> str:
    return "\n".join(methods(result))


def crossover(result: StudyResult, orders: tuple[tuple[str, str], ...] = (DRUGS, DRUGS[::-1])) -> StudyResult:
    """Eight participants with a drug in each of two sessions, in these orders in turn."""
    visits = {
        (f"sub-{i + 1:02d}", session): {"drug": orders[i % len(orders)][place]}
        for i in range(8)
        for place, session in enumerate(("ses-1", "ses-2"))
    }
    analyses: dict[str, Any] = {
        "drug": {"of": "ketamine - placebo"},
        "levels": {"of": "visits", "design": "1 + drug", "contrasts": {"drug": "ketamine - placebo"}},
    }
    return reshaped(result, sessions=("ses-1", "ses-2"), visits=visits, settings={"group": analyses})


def test_patients_and_controls_of_one_session(result: StudyResult) -> None:
    settings = {"group": {"groups": {"design": "1 + group + age", "contrasts": {"illness": "patients - controls"}}}}
    text = text_of(reshaped(result, groups=("patients", "controls"), settings=settings))
    assert "Functional images of 8 participants (4 patients, 4 controls), preprocessed" in text
    assert "It was over one visit. The design was 1 + group + age." in text
    assert "illness (patients - controls)" in text
    assert "groups were not assigned, as far as the study's file says" in text
    assert "session" not in text
    assert "time or repetition" not in text


def test_one_group_that_is_measured_twice(result: StudyResult) -> None:
    settings = {"sessions": {"before": "pre", "after": "post"}, "group": {"change": {"of": "change"}}}
    text = text_of(reshaped(result, settings=settings))
    assert "8 participants from two sessions (pre and post)" in text
    assert "Analysis change: the mean change of B from pre to post over participants." in text
    assert "a change from one session to another may be one of time or repetition" in text
    assert "treatment" not in text


def test_a_trial_says_what_its_arms_allow(result: StudyResult) -> None:
    text = text_of(result)
    assert "from sessions ses-1 (before treatment) and ses-2 (after)" in text
    assert "only the difference between the arms speaks of treatment" in text
    assert "not assigned" not in text


def test_a_crossover_says_who_had_what_and_in_which_order(result: StudyResult) -> None:
    text = text_of(crossover(result))
    assert (
        "Each participant had every level of drug (ketamine and placebo), in two orders: 4 ketamine then placebo and 4 "
        "placebo then ketamine." in text
    )
    assert "It was over the contrast ketamine − placebo of visits." in text
    assert "It had three levels: all visits, participants with means of their own, and the group" in text


def test_a_drug_that_always_comes_first_is_said_to_be_one_with_the_session(result: StudyResult) -> None:
    text = text_of(crossover(result, orders=(DRUGS,)))
    assert "all in the same order (ketamine then placebo), so that it cannot be told from that of sessions" in text


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("concatenate", "concatenated into one model of the same parameters: each run begins at rest"),
        ("average", "One model was inverted of each run, and the posteriors of a visit's runs were put together"),
    ],
)
def test_several_runs_say_how_they_became_one_posterior(result: StudyResult, how: str, said: str) -> None:
    dcm = result.study.dcm
    assert dcm is not None
    settings = {"dcm": {**dcm.model_dump(exclude_unset=True), "runs": how}}
    text = text_of(reshaped(result, runs=3, size=4, settings=settings))
    assert "There were 3 runs of faces in each visit." in text
    assert said in text
    assert "concatenated" not in text_of(reshaped(result, size=4))


@pytest.mark.parametrize(("how", "said"), [("reduce", "reduced from the posterior"), ("each", "inverted each")])
def test_alternatives_are_said_to_be_reduced_or_inverted(result: StudyResult, how: str, said: str) -> None:
    dcm = result.study.dcm
    assert dcm is not None
    more = {"models": {"no-input": {"c": {"task": ["amygdala"]}}}, "invert": how}
    text = text_of(reshaped(result, size=4, settings={"dcm": {**dcm.model_dump(exclude_unset=True), **more}}))
    assert "Alternatives compared by their evidence (random effects over participants): no-input." in text
    assert said in text


def test_missing_visits_sites_and_several_repetition_times_are_counted(result: StudyResult) -> None:
    settings = {"group": {"course": {"of": "mean", "design": "1 + site"}}}
    whole = reshaped(result, sessions=("a", "b", "c"), size=4, settings=settings)
    participants = tuple(
        replace(participant, values={**participant.values, "site": "AB"[i % 2]})
        for i, participant in enumerate(whole.inventory.participants)
    )
    runs = tuple(replace(run, repetition_time=1.0 + i % 2) for i, run in enumerate(whole.inventory.runs))
    inventory = replace(whole.inventory, participants=participants, runs=runs)
    there = tuple(run for run in whole.extractions if run.visit != "sub-04_c")
    text = text_of(replace(whole, inventory=inventory, extractions=there))
    assert "11 of 12 visits had a run that was used; 3 of 4 participants had all three sessions." in text
    assert "Participants by site: 2 A and 2 B." in text
    assert "Repetition time: 1 s and 2 s. Every run was modelled with its own." in text
    assert "the Bayesian average of each participant's visits" in text


def test_designs_and_contrasts_are_given_in_the_words_of_the_analysis(result: StudyResult) -> None:
    summary = {
        "participants_used": ["sub-01", "sub-02", "sub-03"],
        "design": {"effects": {"mean": "mean", "drug[ketamine]": "ketamine minus placebo"}, "rows": [{}] * 6},
        "contrast_answers": [{"name": "drug", "what": "ketamine minus placebo"}],
        "own_effects": [],
    }
    report = AnalysisReport("group", "", "", (), (), lambda: (), (), (), summary)
    shared = text_of(replace(crossover(result), analyses={"levels": report}))
    assert "participants with means of their own (what differs between visits has the same effect in all" in shared
    report = replace(report, summary={**summary, "own_effects": ["drug", "weeks"]})
    text = text_of(replace(crossover(result), analyses={"levels": report}))
    assert "6 visits of 3 participants, participants with means and effects of drug and weeks of their own" in text
    assert "their own (of all alike or of one most, which was averaged over), and the group" in text
    assert "5 participants without what it takes were left out" in text
    assert "whose columns are mean: mean; drug[ketamine]: ketamine minus placebo." in text
    assert (
        "A contrast was answered by the posterior of that combination of effects: drug (ketamine minus placebo)."
        in text
    )


def test_rest_alone_has_no_models(result: StudyResult) -> None:
    text = text_of(reshaped(result, tasks=("rest",), size=4))
    assert "dynamic causal" not in text
    assert "(DCM)" not in text
    assert "Imaging measures of each participant" in text
    assert "At the group level" not in text


def test_repetition_times_of_sidecars_are_said_to_be_theirs(result: StudyResult) -> None:
    """`repetition_time = "sidecar"` is no number of seconds."""
    faces = result.study.tasks["faces"].model_copy(update={"repetition_time": "sidecar"})
    study = result.study.model_copy(update={"tasks": {**result.study.tasks, "faces": faces}})
    assert "It is that of the sidecars, whatever headers say, for faces." in text_of(replace(result, study=study))
