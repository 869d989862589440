"""Codes for missing that tables carry as numbers."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.tables import missing_codes

AGES = [22.0, 31.0, 45.0, 60.0, 38.0]


@pytest.mark.parametrize("code", [-9, -99, -999, -9999, 99, 999, 9999, -77, 888])
def test_a_code_among_ages_is_found(code: float) -> None:
    assert missing_codes([*AGES, code, np.nan]) == (code,)


@pytest.mark.parametrize(
    "values",
    [AGES, [90.0, 95.0, 99.0, 97.0, 101.0], [-12.0, -9.0, 4.0, 7.0], [-999.0, -1500.0, 10.0, 800.0], [1.0, 999.0], []],
)
def test_a_value_like_the_others_is_none(values: list[float]) -> None:
    assert missing_codes(values) == ()
