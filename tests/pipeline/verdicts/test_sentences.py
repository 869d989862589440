"""Effects in plain sentences: each says what is sure and no more, whatever the field, the sign and what is compared."""

from __future__ import annotations

import pytest

from pipeline.results import Connection, connections
from pipeline.verdicts import (
    Compared,
    Sign,
    SureSigns,
    as_sentence,
    change_compared_sentence,
    compared_sentence,
    describe_influence,
    mean_sentence,
    slope_sentence,
    unsure_sentence,
)

A, SELF, B, B_SELF, C, D, DECAY = connections(
    (
        "A[amygdala<-vmPFC]",
        "A[amygdala<-amygdala]",
        "B[amygdala<-vmPFC, faces]",
        "B[amygdala<-amygdala, task]",
        "C[vmPFC<-task]",
        "D[amygdala<-vmPFC, insula]",
        "decay",
    )
)
LATER = Compared("in ses-2", "in ses-1")
INHIBITS, EXCITES, UNSURE = SureSigns(-1, -1), SureSigns(1, 1), SureSigns()


@pytest.mark.parametrize(
    ("connection", "sign", "signs", "said"),
    [
        (A, 1, UNSURE, "vmPFC excites amygdala"),
        (A, -1, UNSURE, "vmPFC inhibits amygdala"),
        (SELF, 1, UNSURE, "the self-inhibition of amygdala is stronger than the model's default"),
        (B, -1, SureSigns(-1, -1), "faces make vmPFC inhibit amygdala more"),
        (B, 1, SureSigns(1, -1), "faces make vmPFC inhibit amygdala less"),
        (B, -1, SureSigns(-1, 0), "faces push the influence of vmPFC on amygdala towards inhibition"),
        (B_SELF, -1, UNSURE, "task weakens the self-inhibition of amygdala"),
        (C, 1, UNSURE, "task raises the activity of vmPFC"),
        (D, 1, UNSURE, "activity of insula pushes the influence of vmPFC on amygdala towards excitation"),
    ],
)
def test_a_mean_excites_or_inhibits_where_the_sign_of_the_connection_is_sure(
    connection: Connection, sign: Sign, signs: SureSigns, said: str
) -> None:
    assert mean_sentence(connection, sign, signs) == said


@pytest.mark.parametrize(
    ("connection", "sign", "signs", "said"),
    [
        (A, -1, INHIBITS, "vmPFC inhibits amygdala more in ses-2 than in ses-1"),
        (A, 1, INHIBITS, "vmPFC inhibits amygdala less in ses-2 than in ses-1"),
        (A, 1, UNSURE, "the influence of vmPFC on amygdala is more positive in ses-2 than in ses-1"),
        (SELF, -1, EXCITES, "the self-inhibition of amygdala is weaker in ses-2 than in ses-1"),
        (B, -1, INHIBITS, "faces make vmPFC inhibit amygdala more in ses-2 than in ses-1"),
        (
            B,
            -1,
            SureSigns(-1, 0),
            "faces push the influence of vmPFC on amygdala towards inhibition more in ses-2 than in ses-1",
        ),
        (
            B,
            -1,
            SureSigns(1, 1),
            "faces push the influence of vmPFC on amygdala towards excitation less in ses-2 than in ses-1",
        ),
        (
            B,
            -1,
            UNSURE,
            "the effect of faces on the influence of vmPFC on amygdala is more negative in ses-2 than in ses-1",
        ),
        (B_SELF, 1, EXCITES, "task strengthens the self-inhibition of amygdala more in ses-2 than in ses-1"),
        (C, -1, EXCITES, "task raises the activity of vmPFC less in ses-2 than in ses-1"),
    ],
)
def test_a_difference_says_more_and_less_of_what_is_sure_of_the_first(
    connection: Connection, sign: Sign, signs: SureSigns, said: str
) -> None:
    assert compared_sentence(connection, sign, LATER, signs) == said


def test_changes_and_slopes_name_what_they_are_of() -> None:
    groups = Compared("in patients", "in controls")
    assert change_compared_sentence(A, -1, ("pre", "post"), groups) == (
        "the change from pre to post of the influence of vmPFC on amygdala is more negative in patients than in "
        "controls"
    )
    assert slope_sentence(A, 1, "age") == "where age is higher, the influence of vmPFC on amygdala is more positive"
    assert slope_sentence(SELF, -1, "age") == "where age is higher, the self-inhibition of amygdala is weaker"
    assert slope_sentence(A, 1, "age", ("pre", "post")) == (
        "where age is higher, the change from pre to post of the influence of vmPFC on amygdala is more positive"
    )


def test_what_is_open_is_called_open_and_what_is_small_is_given_its_size() -> None:
    asked = "differs between patients and controls"
    assert unsure_sentence(A, "open", asked, "0.5 Hz") == (
        "it is open whether the influence of vmPFC on amygdala differs between patients and controls"
    )
    assert unsure_sentence(A, "no difference", asked, "0.5 Hz") == (
        "if the influence of vmPFC on amygdala differs between patients and controls at all, then by less than 0.5 Hz"
    )


def test_parameters_that_are_no_connections_keep_their_words() -> None:
    assert describe_influence(DECAY) == DECAY.words
    assert "more negative" in compared_sentence(DECAY, -1, LATER, EXCITES)


def test_names_that_have_capitals_keep_their_first_letter() -> None:
    assert as_sentence("vmPFC excites amygdala") == "vmPFC excites amygdala."
    assert as_sentence("faces make vmPFC excite amygdala more") == "Faces make vmPFC excite amygdala more."
