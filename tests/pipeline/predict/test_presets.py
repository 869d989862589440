"""The five models of the study, term by term."""

from __future__ import annotations

from typing import get_args

import pytest

from pipeline.common import UsageError
from pipeline.predict import parse_formula, preset_formula, preset_terms
from pipeline.predict._formula import expand_terms, term_text
from pipeline.study import PresetModel

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
