"""Formulas as they are read, and the presets as formulas."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common import UsageError
from pipeline.predict._formula import Factor, expand_terms, matches_pattern, parse_factor, parse_formula, term_text
from pipeline.predict._request import preset_formula, preset_terms
from pipeline.study import PresetModel

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_<>.-]{0,8}", fullmatch=True)
FACTORS = st.builds(Factor, st.sampled_from(["", "before", "after", "change", "fall"]), NAMES)


def texts(formula: str) -> list[str]:
    return [term_text(term) for term in parse_formula(formula)]


def test_terms_are_columns_functions_and_products() -> None:
    assert texts("change(x) + arm + arm:change(x) + age") == ["change(x)", "arm", "arm:change(x)", "age"]


def test_spaces_mean_nothing() -> None:
    assert texts(" change( x )+arm :fall(y)\n+ z") == ["change(x)", "arm:fall(y)", "z"]


def test_a_name_between_backquotes_may_hold_anything() -> None:
    ((factor,),) = parse_formula("change(`Age (y) + * 2`)")
    assert factor.name == "Age (y) + * 2"
    assert not factor.glob


@given(st.lists(st.lists(FACTORS, min_size=1, max_size=2, unique_by=lambda one: one.text), min_size=1, max_size=5))
def test_what_is_written_is_read(terms: list[list[Factor]]) -> None:
    written = [":".join(factor.text for factor in term) for term in terms]
    assert texts(" + ".join(written)) == written


@given(st.text(alphabet="xy+:()*`~ \t\n", max_size=12))
def test_any_text_is_read_as_it_stands_or_refused(text: str) -> None:
    try:
        found = parse_formula(text)
    except UsageError:
        return
    assert "".join("+".join(map(term_text, found)).split()) == "".join(text.split()).replace("`", "")


@pytest.mark.parametrize(
    ("formula", "place", "words"),
    [
        ("", 1, "a column is expected"),
        ("x +", 4, "it ends there"),
        ("x + + y", 5, "'+' is there"),
        ("change(x", 1, "is not closed; write change(x)"),
        ("x)", 2, "join terms by + and multiply by :"),
        ("chagne(x)", 1, "did you mean 'change'?"),
        ("change(before(x))", 8, "is of a column, not of before(…)"),
        ("change()", 8, "the column that change(…) is of is expected"),
        ("arm*change(x)", 1, "multiply by : instead"),
        ("a:b:c", 5, "a product has two factors"),
        ("arm + x:x", 9, "x is multiplied by itself"),
        ("a*:b*", 4, "one factor of a product may hold *"),
        ("y ~ x", 3, "write what is right of ~ alone"),
        ("x + `y", 5, "a backquote is not closed"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(formula: str, place: int, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_formula(formula)
    assert f"character {place}: " in str(raised.value)
    assert words in str(raised.value)


def test_an_outcome_is_one_factor() -> None:
    assert parse_factor("fall(madrs)", "outcome") == Factor("fall", "madrs", at=1)
    for wrong in ("a + b", "a:b", "change(x_*)"):
        with pytest.raises(UsageError, match="name one column"):
            parse_factor(wrong, "outcome")


def test_a_star_stands_for_every_measure_that_fits_in_order() -> None:
    found = expand_terms(parse_formula("change(g_*) + arm:change(g_*)"), ["g_1", "r_1", "g_2"], "…")
    assert [term_text(term) for term in found] == [
        "change(g_1)",
        "change(g_2)",
        "arm:change(g_1)",
        "arm:change(g_2)",
    ]


def test_a_star_that_stands_for_nothing_is_told() -> None:
    with pytest.raises(UsageError, match=r"character 5: gpi_\* stands for no measure; did you mean 'gppi_a'"):
        expand_terms(parse_formula("x + change(gpi_*)"), ["gppi_a", "rest"], "x + change(gpi_*)")


@pytest.mark.parametrize("formula", ["change(a) + change(*)", "arm + arm", "a:arm + arm:a"])
def test_a_term_that_is_there_twice_is_told(formula: str) -> None:
    with pytest.raises(UsageError, match=r"is there twice \(characters \d+ and \d+\)"):
        expand_terms(parse_formula(formula), ["a", "b"], formula)


@given(NAMES, NAMES, NAMES)
def test_only_a_star_is_special_in_a_pattern(start: str, middle: str, end: str) -> None:
    assert matches_pattern(f"{start}*{end}", start + middle + end)
    assert matches_pattern(f"{start}[a]{end}", f"{start}[a]{end}")
    assert not matches_pattern(f"{start}.{end}", f"{start}~{end}")


MEASURES = ("gppi_a", "rest_a")
COVARIATES = {"change-by-arm-and-covariates": ("change(madrs)",), "baseline": ("age", "sex")}
TERMS = {
    "change": "change(gppi_a) + change(rest_a)",
    "change-by-arm": "change(gppi_a) + change(rest_a) + arm + arm:change(gppi_a) + arm:change(rest_a)",
    "change-by-arm-and-covariates": "change(gppi_a) + change(rest_a) + change(madrs) + arm + arm:change(gppi_a) + "
    "arm:change(rest_a)",
    "baseline": "before(gppi_a) + before(rest_a) + age + sex",
    "baseline-by-arm": "before(gppi_a) + before(rest_a) + arm + arm:before(gppi_a) + arm:before(rest_a)",
}


@pytest.mark.parametrize("model", get_args(PresetModel))
def test_a_preset_has_the_terms_of_its_model(model: PresetModel) -> None:
    found = preset_terms(model, MEASURES, COVARIATES.get(model, ()))
    assert " + ".join(map(term_text, found)) == TERMS[model]


@pytest.mark.parametrize("model", get_args(PresetModel))
def test_the_formula_of_a_preset_stands_for_the_same_terms(model: PresetModel) -> None:
    covariates = COVARIATES.get(model, ())
    formula = preset_formula(model, ("*",), covariates)
    found = expand_terms(parse_formula(formula), MEASURES, formula)
    assert list(map(term_text, found)) == list(map(term_text, preset_terms(model, MEASURES, covariates)))


def test_with_one_row_per_person_columns_are_taken_as_they_are() -> None:
    found = preset_terms("change-by-arm", MEASURES, (), sessions=False)
    assert [term_text(term) for term in found] == ["gppi_a", "rest_a", "arm", "arm:gppi_a", "arm:rest_a"]


@pytest.mark.parametrize(
    ("model", "covariates", "words"),
    [
        ("change", ("age",), "change has no covariates"),
        ("baseline-by-arm", ("age",), "take change-by-arm-and-covariates, a formula"),
        ("change-by-arm-and-covariates", (), "needs covariates"),
    ],
)
def test_covariates_are_neither_ignored_nor_made_up(
    model: PresetModel, covariates: tuple[str, ...], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        preset_terms(model, MEASURES, covariates)
