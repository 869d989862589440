"""Values and columns that are allowed, and told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up_predictors import made_up

from features import Outcome, Predictors
from pipeline.predict._table_checks import suspicious_values


@pytest.fixture
def sound() -> tuple[Predictors, Outcome]:
    return made_up(20, 3, 1.0, seed=0)


def test_sound_values_raise_none(sound: tuple[Predictors, Outcome]) -> None:
    assert suspicious_values(*sound) == ()


@pytest.mark.parametrize("code", [-999.0, 999999.0])
def test_a_code_for_missing_is_named_with_its_person(sound: tuple[Predictors, Outcome], code: float) -> None:
    sound[0].values[4, 1] = code
    (line,) = suspicious_values(*sound)
    assert f"x2 of sub-05 is {code:g}" in line


def test_an_outcome_far_from_others_is_named(sound: tuple[Predictors, Outcome]) -> None:
    sound[1].values[2] = 1e6
    (line,) = suspicious_values(*sound)
    assert "improvement of sub-03 is 1e+06" in line


def test_what_follows_the_outcome_by_any_curve_is_named(sound: tuple[Predictors, Outcome]) -> None:
    predictors, outcome = sound
    predictors.values[:, 2] = -np.arctan(outcome.values / 10)
    (line,) = suspicious_values(predictors, outcome)
    assert "x3 (rank correlation −1.00)" in line


def test_a_minus_in_a_name_stays_as_it_is_written(sound: tuple[Predictors, Outcome]) -> None:
    predictors, outcome = sound
    columns = tuple(replace(column, name=f"rest-{column.name}") for column in predictors.columns)
    predictors.values[:, 2] = -outcome.values
    (line,) = suspicious_values(
        replace(predictors, columns=columns, terms=tuple((one.name,) for one in columns)), outcome
    )
    assert "rest-x3 (rank correlation −1.00)" in line


def test_what_is_missing_is_no_suspicion(sound: tuple[Predictors, Outcome]) -> None:
    sound[0].values[:3, 0] = np.nan
    assert suspicious_values(*sound) == ()
