"""What no answer depends on never stops a run, and a run that lacks something keeps the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.bids import check_groups

Small = Any  # the conftest's SmallStudy, which tests cannot import
Spoil = Callable[[Small], Any]
HEAD = "sub-01_ses-1_task-faces"


def appended(*rows: str) -> Spoil:
    def spoil(small: Small) -> None:
        path = small.events()
        path.write_text(path.read_text() + "".join(f"{row}\n" for row in rows))

    return spoil


def sidecar(**values: Any) -> Spoil:
    return lambda small: small.sidecar().write_text(json.dumps({"RepetitionTime": 2.0} | values))


UNUSED: dict[str, tuple[Spoil, str]] = {
    "a press without duration": (appended("5\tn/a\tbutton\tn/a"), "events of trial type button are in no condition"),
    "a press without onset": (appended("n/a\tn/a\tbutton\tn/a"), "events of trial type button are in no condition"),
    "a time that is text": (appended("late\tlong\tbutton\t?"), "events of trial type button are in no condition"),
    "a time below zero": (appended("7\t-1\tbutton\t1"), "events of trial type button are in no condition"),
    "a press after the end": (appended("9000\t1\tbutton\t1"), "events of trial type button are in no condition"),
    "events without a type": (appended("n/a\t\t\t"), "1 events have no trial type"),
    "an echo in milliseconds": (sidecar(EchoTime=30), "EchoTime in the sidecar is 30 s, longer than any echo time"),
    "an echo that is text": (sidecar(EchoTime="30 ms"), "EchoTime in the sidecar is '30 ms', not a number"),
    "slice times that are nonsense": (sidecar(SliceTiming=["x", None, -5]), ""),
    "a raw sidecar that is no JSON": (
        lambda small: (small.bids / "sub-01" / "ses-1" / "func" / f"{HEAD}_bold.json").write_text("{"),
        "; nothing needs it",
    ),
    "events' sidecar that is no JSON": (
        lambda small: small.events().with_suffix(".json").write_text("nonsense"),
        "",
    ),
}


@pytest.mark.parametrize("case", UNUSED)
def test_what_nothing_needs_never_stops_a_run(case: str, small: Small) -> None:
    spoil, remark = UNUSED[case]
    spoil(small)
    inventory = small.inventory()
    assert (inventory.absences, inventory.errors) == ((), ())
    assert any(remark in line for line in inventory.remarks) if remark else inventory.remarks == ()


def test_the_scanner_s_echo_time_in_milliseconds_is_told_where_a_model_takes_it(small: Small) -> None:
    sidecar(EchoTime=30)(small)
    small.set("dcm", echo_time="scanner")
    assert "if these are milliseconds write 0.03" in small.inventory().absences[0].problem


def test_where_every_type_is_a_condition_one_without_duration_is_left_out(small: Small) -> None:
    small.set("tasks.faces", conditions={})
    appended("5\tn/a\tbutton\tn/a")(small)
    inventory = small.inventory()
    assert inventory.absences == ()
    assert f"{HEAD}: events of trial type button are in no condition; they are not modelled" in inventory.remarks
    small.set("tasks.faces", contrasts={"press": "button"})
    assert "line 6: duration of button is n/a; write seconds" in small.inventory().absences[0].problem


def test_a_run_that_lacks_one_condition_keeps_its_other_contrasts(small: Small) -> None:
    small.set("tasks.faces", contrasts={"diff": "faces - shapes", "faces": "faces"})
    small.edit(small.events(), "shapes", "forms")
    inventory = small.inventory()
    assert inventory.absences == ()
    assert f"{HEAD}: no event of shapes, so no contrast diff (trial types: faces, forms)" in inventory.remarks
    assert inventory.runs[0].undriven == ()


def test_a_run_that_lacks_an_input_keeps_its_contrasts_and_has_no_model(small: Small) -> None:
    small.set("tasks.faces", contrasts={"shapes": "shapes", "faces": "faces"})
    small.edit(small.events(), "faces", "people")
    inventory = small.inventory()
    assert inventory.absences == ()
    assert inventory.runs[0].undriven == ("faces",)
    (problem,) = check_groups(small.study(), inventory)
    assert "sub-01: left out, no faces of ses-1" in problem


def test_a_modulator_that_is_the_same_for_all_costs_only_what_is_made_of_it(small: Small) -> None:
    small.set("tasks.faces", modulators={"speed": {"condition": "faces", "column": "response_time"}})
    small.set("tasks.faces", contrasts={"faces": "faces", "speed": "speed"})
    small.edit(small.events(), "0.9", "0.8")
    inventory = small.inventory()
    assert inventory.absences == ()
    reported = [line for line in inventory.remarks if "speed" in line]
    assert "response_time is 0.8 for all events of the condition" in reported[0]
    assert "no event of speed, so no contrast speed" in reported[1]


TIMES: dict[str, tuple[Spoil, float | None]] = {
    "sidecar in milliseconds": (sidecar(RepetitionTime=2000), None),
    "sidecar and header contradict each other": (sidecar(RepetitionTime=2.5), None),
    "a sidecar that is text": (sidecar(RepetitionTime="2 s"), None),
    "a header in milliseconds": (sidecar(RepetitionTime=2.0), 2000.0),
    "a header alone, in milliseconds": (
        lambda small: [small.sidecar().unlink(), (small.bids / "task-faces_bold.json").unlink()],
        2000.0,
    ),
}


@pytest.mark.parametrize("case", TIMES)
def test_a_repetition_time_is_overruled_in_the_study_s_file(
    case: str, small: Small, image: Callable[..., None]
) -> None:
    spoil, header = TIMES[case]
    spoil(small)
    if header is not None:
        image(small.bold(), (3, 3, 3, 40), step=header)
    problem = small.inventory().absences[0].problem
    assert "write repetition_time = SECONDS under [tasks.faces] of the study's file" in problem
    small.set("tasks.faces", repetition_time=2.0)
    inventory = small.inventory()
    assert (inventory.absences, inventory.runs[0].repetition_time) == ((), 2.0)
    assert inventory.runs[0].timed_by == "the study's file"
    assert any("by the study's file, which takes precedence over" in line for line in inventory.remarks)


@pytest.mark.parametrize("wanted", [1, "1", "01", "run-01"])
def test_run_1_is_run_01_in_every_name(small: Small, wanted: str | int) -> None:
    for path in [*small.bold().parent.glob(f"{HEAD}_*")]:
        label = "run-01" if "confounds" in path.name else "run-1"
        path.rename(path.with_name(path.name.replace("task-faces", f"task-faces_{label}")))
    small.events().rename(small.events().with_name(f"{HEAD}_run-001_events.tsv"))
    small.set("tasks.faces", run=wanted)
    inventory = small.inventory()
    assert (inventory.runs[0].participant, inventory.runs[0].run) == ("sub-01", "1")
    assert inventory.runs[0].events.name == f"{HEAD}_run-001_events.tsv"


def test_events_of_another_run_are_named(small: Small) -> None:
    small.events().rename(small.events().with_name(f"{HEAD}_run-2_events.tsv"))
    (absence,) = small.inventory().absences
    assert absence.problem.endswith(f"there is {HEAD}_run-2_events.tsv, whose name is not that of the image")


def test_conditions_may_be_in_another_column(small: Small) -> None:
    for path in small.bids.glob("sub-*/ses-*/func/*_events.tsv"):
        small.edit(path, "trial_type", "condition")
    (error,) = small.inventory().errors
    assert "its conditions seem to be in 'condition': write condition_column = \"condition\"" in error
    small.set("tasks.faces", condition_column="condition")
    assert len(small.inventory().runs) == 24


def test_events_in_scans_are_suspected(small: Small) -> None:
    rows = ["onset\tduration\ttrial_type", "0\t5\tfaces", "10\t5\tshapes", "20\t5\tfaces", "30\t5\tshapes"]
    small.events().write_text("\n".join(rows) + "\n")
    assert f"{HEAD}: all events end within 35 of 80 s; are they in scans, of which there are 40?" in (
        small.inventory().remarks
    )


def test_a_merged_type_that_nobody_has_is_no_mistake_unless_it_may_be_a_slip(small: Small) -> None:
    small.set("tasks.faces", conditions={"faces": ("faces", "houses"), "shapes": ("shapes",)})
    inventory = small.inventory()
    assert (inventory.errors, len(inventory.runs)) == ((), 24)
    assert any("no event of trial type houses, which condition faces names" in line for line in inventory.remarks)
    appended("70\t2\thouse\t1")(small)
    (error,) = small.inventory().errors
    assert "no run has the trial type 'houses'; did you mean 'house'?" in error


def test_durations_in_milliseconds_are_suspected(small: Small) -> None:
    rows = [f"{onset}\t50\t{kind}" for onset, kind in zip(range(0, 60, 10), ["faces", "shapes"] * 3, strict=True)]
    small.events().write_text("\n".join(["onset\tduration\ttrial_type", *rows]) + "\n")
    reported = (
        f"{HEAD}: events of faces last 50 s and begin 20 s apart, so that they overlap; are their durations in seconds?"
    )
    assert reported in small.inventory().remarks


def test_a_repetition_time_that_is_too_short_is_not_taken_for_milliseconds(small: Small) -> None:
    small.set("tasks.faces", repetition_time=1.0)
    assert any("check units and the repetition time" in error for error in small.inventory().errors)


def test_sessions_whose_labels_say_the_reverse_are_remarked_on(small: Small) -> None:
    small.set("sessions", before="ses-2", after="ses-1")
    reported = "[sessions] ses-2 comes after ses-1 by its label, but is taken for before: a change is ses-1 minus ses-2"
    assert reported in small.inventory().remarks
