"""Designs: what they say they did, and what they refuse."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peb import Design, DesignError, make_design

NAMES = ("sub-01", "sub-02", "sub-03", "sub-04", "sub-05", "sub-06")
AGE = [30.0, 41.0, 25.0, 38.0, 52.0, 47.0]
ARM = ["ketamine", "ketamine", "ketamine", "midazolam", "midazolam", "midazolam"]


def test_numbers_are_centred_and_it_says_so() -> None:
    design = make_design(NAMES, {"age": AGE})
    assert design.covariates == ("mean", "age")
    assert design.matrix[:, 1].mean() == pytest.approx(0)
    assert any("age was centred: 38.8333" in line for line in design.remarks)


def test_two_kinds_of_text_become_minus_and_plus_one() -> None:
    design = make_design(NAMES, {"arm": ARM})
    assert design.covariates == ("mean", "arm[midazolam]")
    np.testing.assert_array_equal(design.matrix[:, 1], [-1, -1, -1, 1, 1, 1])


def test_interactions_multiply_the_centred_columns() -> None:
    design = make_design(NAMES, {"arm": ARM, "age": AGE}, interactions=[("arm", "age")])
    assert design.covariates[3] == "arm[midazolam]×age"
    np.testing.assert_allclose(design.matrix[:, 3], design.matrix[:, 1] * (np.array(AGE) - np.mean(AGE)))


def test_what_others_nearly_explain_is_remarked_on() -> None:
    design = make_design(NAMES, {"age": AGE, "years": np.add(AGE, [0.1, -0.1, 0.2, 0, 0.1, -0.1])})
    assert any("explain 100 % of years" in line for line in design.remarks)


def test_rows_are_taken_in_the_order_asked_for() -> None:
    design = make_design(NAMES, {"age": AGE}).rows(["sub-05", "sub-01", "sub-02"])
    assert design.participants == ("sub-05", "sub-01", "sub-02")
    assert design.matrix[0, 1] == pytest.approx(52 - np.mean(AGE))


@pytest.mark.parametrize(
    ("covariates", "message"),
    [
        ({"age": [30, np.nan, 25, 38, 52, 47]}, "age is missing for sub-02"),
        ({"age": [30] * 6}, "age is constant: 30 for every participant"),
        ({"age": [0.1] * 6}, "age is constant: 0.1"),
        ({"age": AGE, "double": np.array(AGE) * 2}, "double is a combination of age"),
        ({"arm": ["a"] * 6}, "text of 1 kind"),
        ({"arm": ["a", "b", "c"] * 2}, "text of 3 kinds"),
        ({"age": AGE[:5]}, "age has 5 values, but there are 6"),
        ({"mean": AGE}, "rename it"),
        ({f"c{i}": np.random.default_rng(i).normal(size=6) for i in range(6)}, "7 covariates"),
    ],
)
def test_covariates_that_cannot_be_told_apart_or_are_not_there_are_refused(covariates: dict, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        make_design(NAMES, covariates)


def test_an_uncentred_constant_is_named() -> None:
    with pytest.raises(DesignError, match="dose is constant"):
        make_design(NAMES, {"dose": [0.5] * 6}, centre=False)


@pytest.mark.parametrize(
    ("names", "columns", "matrix", "message"),
    [
        (("a", "a"), ("mean",), np.ones((2, 1)), "participant a is in the design twice"),
        (("a", "b"), ("mean", "mean"), np.ones((2, 2)), "covariate mean is in the design twice"),
        (("a", "b"), ("mean",), np.ones((3, 1)), "2 participants and 1 covariates"),
    ],
)
def test_a_matrix_must_fit_its_names(names: tuple, columns: tuple, matrix: np.ndarray, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        Design(names, columns, matrix)


def test_unknown_rows_columns_and_interactions_are_named() -> None:
    design = make_design(NAMES, {"age": AGE})
    with pytest.raises(DesignError, match="no row of the design is for sub-99"):
        design.rows(["sub-99"])
    with pytest.raises(DesignError, match="no covariate 'sex'; it has mean, age"):
        design.column("sex")
    with pytest.raises(DesignError, match="needs sex"):
        make_design(NAMES, {"age": AGE}, interactions=[("age", "sex")])
    with pytest.raises(DesignError, match="sex is to be centred"):
        make_design(NAMES, {"age": AGE}, centre=["sex"])


@given(st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=6, unique=True))
def test_a_centred_covariate_is_orthogonal_to_the_mean(values: list[float]) -> None:
    try:
        design = make_design(NAMES, {"x": values})
    except DesignError:
        return  # so close together that they are constant
    assert abs(design.matrix[:, 1].sum()) <= 1e-14 * np.abs(values).sum()


def test_a_kind_is_plus_one_where_asked_for_whatever_the_alphabet_says() -> None:
    arms = ["a", "b", "a", "b", "a", "b"]
    design = make_design(NAMES, {"arm": arms}, plus=["a"])
    assert design.kinds == {"arm[a]": ("b", "a")}
    np.testing.assert_array_equal(design.matrix[:, 1], [1, -1, 1, -1, 1, -1])


def test_a_name_of_ten_thousand_characters_does_not_flood_a_message() -> None:
    with pytest.raises(DesignError) as refused:
        make_design(["a", "b", "c"], {"x" * 10_000: ["one", "two", "three"]})
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("covariates", [{"dose×age": [1, 2, 3]}, {"arm": ["a", "b×c", "a"]}])
def test_the_sign_of_products_is_refused_in_names(covariates: dict[str, list[int] | list[str]]) -> None:
    with pytest.raises(DesignError, match="× stands for products of covariates"):
        make_design(["p", "q", "r"], covariates)


def test_a_covariate_that_only_one_participant_changes_is_remarked_on() -> None:
    names = [f"sub-{i:02d}" for i in range(9)]
    age = np.array([40.0, 31, 52, 47, 38, 29, 44, 35, 61])
    alone = np.where(np.arange(9) == 4, 12.0, 1.0 + 1e-3 * age)
    remarks = make_design(names, {"age": age, "dose": alone}).remarks
    assert [remark for remark in remarks if "alone" in remark] == [
        "dose is nearly the same for all but sub-04: its effect is what sets sub-04 alone apart"
    ]


@pytest.mark.parametrize("reference", ["north", "south", "west"])
def test_a_level_of_one_participant_is_remarked_on_once_whatever_the_reference(reference: str) -> None:
    frame = pandas.DataFrame(
        {"participant_id": [f"sub-{i}" for i in range(9)], "site": ["north", "west"] * 4 + ["south"]}
    )
    design = Design.from_formula(frame, "site", reference={"site": reference})
    assert design.cautions == ("sub-8 alone is south of site, so that south rests on sub-8",)
