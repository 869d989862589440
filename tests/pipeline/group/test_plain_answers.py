"""Answers of a group begin with a plain sentence: what is sure in each shape of analysis; open is called open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up_group import SPEC

from peb import Design, Estimate, Gaussian, PebSettings, make_design
from pipeline.group._arms import compare_arms
from pipeline.group._arms_report import report_arms
from pipeline.group._fit import fit_group
from pipeline.group._fit_report import report_fit
from pipeline.group._group_inputs import GroupInputs
from pipeline.group._plain_answers import _place

A, B = "A[amygdala<-vmPFC]", "B[amygdala<-vmPFC, faces]"
NAMES = tuple(f"sub-{i:02d}" for i in range(16))
GROUPS = ["patients"] * 8 + ["controls"] * 8


def estimate(name: str, base: float, changed: float, sd: float = 0.05) -> Estimate:
    return Estimate(
        name,
        (A, B),
        ("A", "B"),
        Gaussian(np.zeros(2), np.eye(2)),
        Gaussian(np.array([base, changed]), sd**2 * np.eye(2)),
        -1.0,
    )


def inputs_of(difference: float, *, base: float = 0.0, change: bool = False, alone: bool = False) -> GroupInputs:
    """Sixteen participants whose B is −0.4, and by `difference` higher in the first eight."""
    rng = np.random.default_rng(3)
    shift = np.where(np.arange(16) < 8, difference, 0.0)
    estimates = tuple(
        estimate(name, base + 0.03 * rng.normal(), -0.4 + own + 0.03 * rng.normal())
        for name, own in zip(NAMES, shift, strict=True)
    )
    columns = {} if alone else {"group": GROUPS}
    design = make_design(NAMES, columns, plus=["patients"])
    pair = ("pre", "post") if change else None
    return GroupInputs(estimates, design, SPEC, (B,), PebSettings(), pair, (), (), group_word="group")


def headlines(inputs: GroupInputs) -> list[str]:
    return [answer.headline for answer in report_fit(inputs, *fit_group(inputs)).answers]


def test_a_mean_inhibits_only_where_the_whole_connection_is_surely_negative() -> None:
    assert headlines(inputs_of(0.0, base=-0.2, alone=True))[0].startswith(
        "Faces make vmPFC inhibit amygdala more. 1 of 1"
    )
    assert headlines(inputs_of(0.0, base=0.9, alone=True))[0].startswith("Faces make vmPFC excite amygdala less.")
    pushed = "Faces push the influence of vmPFC on amygdala towards inhibition."
    assert headlines(inputs_of(0.0, base=0.4, alone=True))[0].startswith(pushed)


def test_a_difference_between_groups_is_of_the_first() -> None:
    said = headlines(inputs_of(-0.6, base=-0.2))[1]
    assert said.startswith("Faces make vmPFC inhibit amygdala more in patients than in controls.")


@pytest.mark.parametrize("by_formula", [False, True])
def test_a_difference_in_a_change_says_what_each_group_does(by_formula: bool) -> None:
    inputs = inputs_of(-0.6, base=-0.2, change=True)
    if by_formula:
        frame = pd.DataFrame({"participant_id": NAMES, "group": GROUPS})
        inputs = replace(inputs, design=Design.from_formula(frame, "1 + group", reference={"group": "controls"}))
    said = headlines(inputs)[1]
    assert said.startswith(
        "The change from pre to post of the effect of faces on the influence of vmPFC on amygdala is more negative in "
        "patients than in controls. In patients, faces make vmPFC inhibit amygdala more in post than in pre; in "
        "controls, faces make vmPFC inhibit amygdala more in post than in pre."
    )


def test_a_difference_between_drugs_in_groups_says_what_each_group_does() -> None:
    inputs = inputs_of(-0.6, base=-0.2)
    frame = pd.DataFrame({"participant_id": NAMES, "group": GROUPS})
    design = Design.from_formula(frame, "1 + group", reference={"group": "controls"})
    of, contrasted = "the contrast ketamine − placebo of visits", ("with placebo", "with ketamine")
    said = headlines(replace(inputs, design=design, of=of, contrasted=contrasted))[1]
    assert "In patients, faces make vmPFC inhibit amygdala more with ketamine than with placebo; in controls, " in said


def test_a_difference_that_is_open_or_small_is_said_to_be() -> None:
    alike = inputs_of(0.0)
    (_, small) = headlines(alike)
    assert small.startswith("If the effect of faces on the influence of vmPFC on amygdala differs between patients and")
    (_, unsure) = headlines(replace(alike, smallest_effect=1e-4))
    assert unsure.startswith(
        "It is open whether the effect of faces on the influence of vmPFC on amygdala differs between"
    )


@pytest.mark.parametrize("treated", [False, True], ids=["groups", "trial"])
def test_two_groups_that_change_differently_are_told_what_is_sure_of_each(treated: bool) -> None:
    inputs = replace(
        inputs_of(-0.6, base=-0.2, change=True), is_treated=treated, group_word="arm" if treated else "group"
    )
    (answer,) = report_arms(inputs, compare_arms(inputs, "group", order=("patients", "controls"))).answers
    where, when = ("after", "than before") if treated else ("in", "in post than in pre")
    assert answer.question == f"Do the {'arms' if treated else 'groups'} differ in the change?"
    assert answer.headline.startswith(
        "The change from pre to post of the effect of faces on the influence of vmPFC on amygdala is more negative in "
        f"patients than in controls. {where.capitalize()} patients, faces make vmPFC inhibit amygdala more {when}; "
        f"{where} controls,"
    )


def test_a_change_of_everybody_is_between_its_visits() -> None:
    (said,) = headlines(inputs_of(0.0, base=-0.2, change=True, alone=True))
    assert said.startswith("Faces make vmPFC inhibit amygdala more in post than in pre.")


def test_a_contrast_of_levels_of_visits_is_with_these() -> None:
    inputs = replace(
        inputs_of(0.0, base=-0.2, alone=True),
        contrasted=("with placebo", "with ketamine"),
        of="the contrast x of visits",
    )
    (answer,) = report_fit(inputs, *fit_group(inputs)).answers
    assert answer.question == "Which connections differ between ketamine and placebo?"
    assert answer.headline.startswith("Faces make vmPFC inhibit amygdala more with ketamine than with placebo.")


def test_among_visits_drugs_are_had_with_and_groups_are_in() -> None:
    visits = {f"{name}_ses-{v}": name for name in NAMES for v in (1, 2)}
    frame = pd.DataFrame(
        {
            "participant_id": list(visits),
            "group": np.repeat(GROUPS, 2),
            "drug": ["ketamine", "placebo", "placebo", "ketamine"] * 8,
            "session": ["ses-1", "ses-2"] * 16,
        }
    )
    design = Design.from_formula(frame, "1 + group + drug + session")
    inputs = replace(inputs_of(0.0), design=design, participant_of=visits)
    assert [_place(inputs, level) for level in ("ketamine", "patients", "ses-2")] == [
        "with ketamine",
        "in patients",
        "in ses-2",
    ]


def test_an_effect_of_a_number_is_per_its_unit_where_that_is_known() -> None:
    inputs = inputs_of(0.0)
    frame = pd.DataFrame({"participant_id": NAMES, "weeks": [float(i) for i in range(16)]})
    inputs = replace(inputs, design=Design.from_formula(frame, "1 + weeks"))
    details = [
        report_fit(own, *fit_group(own)).answers[1].details[0]
        for own in (inputs, replace(inputs, units={"weeks": "week"}))
    ]
    assert [text.partition(" per ")[2].partition(" (")[0] for text in details] == ["unit of weeks", "week"]
