"""Parameter names in words: direction, unit and sign are said, and odd names are never taken apart wrongly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm import Spec
from pipeline.results import connections, per_covariate, units

FULL = Spec(("vmPFC", "amygdala"), ("task", "faces"), np.ones((2, 2)), np.ones((2, 2, 2)), np.ones((2, 2)))


@pytest.mark.parametrize(
    ("name", "words", "unit"),
    [
        ("A[amygdala<-vmPFC]", "amygdala ← vmPFC", "Hz"),
        ("B[amygdala<-vmPFC, faces]", "amygdala ← vmPFC (faces)", "Hz"),
        ("A[vmPFC<-vmPFC]", "self-inhibition of vmPFC", "log scale of -0.5 Hz"),
        ("B[vmPFC<-vmPFC, faces]", "self-inhibition of vmPFC (faces)", "log scale of -0.5 Hz"),
        ("C[vmPFC<-task]", "vmPFC ← task (input)", "Hz per unit of input, times 16"),
        ("D[a<-b, c]", "a ← b (gated by c)", "Hz"),
        ("transit[vmPFC]", "transit time of vmPFC", "log scale"),
        ("decay", "signal decay", "log scale"),
        ("improvement: B[amygdala<-vmPFC, faces]", "amygdala ← vmPFC (faces), improvement", "Hz"),
        ("something else", "something else", ""),
    ],
)
def test_names_read_as_words_with_their_unit(name: str, words: str, unit: str) -> None:
    (found,) = connections([name])
    assert (found.name, found.words, found.unit) == (name, words, unit)


def test_units_are_those_of_the_stored_dataset() -> None:
    np.testing.assert_array_equal(
        [connection.unit for connection in connections(FULL.parameter_names, FULL)], units(FULL)
    )


def test_the_model_and_plain_names_agree() -> None:
    assert connections(FULL.parameter_names, FULL) == connections(FULL.parameter_names)


@pytest.mark.parametrize("name", ["B[a<-b, c, d]", "A[a<-b<-c]", "A[a[1]<-b]", "B[a<-b]", "A[<-b]", "A[a<-b], u: x"])
def test_what_can_be_read_in_two_ways_is_left_as_it_is(name: str) -> None:
    (found,) = connections([name])
    assert (found.field, found.words) == ("", name)


@given(st.lists(st.text("ab<-[], :", min_size=1, max_size=6), min_size=3, max_size=3, unique=True))
def test_with_the_model_odd_names_are_taken_apart_rightly(odd: list[str]) -> None:
    spec = Spec(odd[:2], odd[2:], np.ones((2, 2)), np.ones((2, 2, 1)), np.ones((2, 1)))
    names = spec.parameter_names
    for name, connection in zip(names, connections(names, spec), strict=True):
        if names.count(name) > 1:
            assert connection.words == name
            continue
        spelled = {
            "A": f"A[{connection.to}<-{connection.source}]",
            "B": f"B[{connection.to}<-{connection.source}, {connection.modulator}]",
        }
        spelled |= {"C": f"C[{connection.to}<-{connection.source}]", "transit": f"transit[{connection.to}]"}
        assert spelled.get(connection.field, connection.field) == name


def test_a_covariate_before_an_odd_name_is_found_with_the_model() -> None:
    spec = Spec(("a: b", "c, d"), ("u",), np.ones((2, 2)))
    (found,) = connections(["dose: high: A[a: b<-c, d]"], spec)
    assert (found.covariate, found.to, found.source) == ("dose: high", "a: b", "c, d")


def test_signs_are_explained_by_kind() -> None:
    between, within = connections(["A[x<-y]", "A[x<-x]"])
    assert "+ = more excitation" in between.meaning
    assert within.meaning == "+ = more inhibition"


@pytest.mark.parametrize(
    ("covariate", "unit", "expected"),
    [
        ("mean", "", "Hz"),
        ("improvement", "point", "Hz per point of improvement"),
        ("arm", "", "Hz per unit of arm"),
        ("drug[placebo]", "", "Hz"),
        ("drug[placebo]×age", "year", "Hz per year of age"),
    ],
)
def test_units_of_a_covariate_s_effect(covariate: str, unit: str, expected: str) -> None:
    assert per_covariate("Hz", covariate, unit) == expected
