"""The benchmark of designs adds up what each run of an example came to."""

from __future__ import annotations

from benchmarks.designs import summary

RUN = {"planted": 2, "signs": 2, "called": 1, "wrong": 0, "none": 2, "false": 1, "held": 3, "people": [100.0, 80.0]}


def test_a_design_s_row_adds_up_its_seeds() -> None:
    row = summary("sites", [RUN, RUN | {"signs": 1, "people": [90.0, 90.0]}])
    assert (row["right_sign"], row["called"], row["called_of_none"]) == ("3 of 4", "2 of 4", "2 of 4")
    assert (row["effects_90%"], row["visits_90%"]) == ("6 of 8", "90.0 (4.1)")
