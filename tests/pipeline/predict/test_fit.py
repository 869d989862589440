"""A model fitted from a table: how folds are drawn, and what cannot be drawn spoils nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import made_up_table as made
import numpy as np
import pytest

from features import fit_whole_sample
from pipeline.execution import CurrentProcess
from pipeline.predict import ElasticNetResult, fit_model, read_model_data


@contextmanager
def silent(what: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


def fitted(tmp_path: Path, table: made.Rows, **more: Any) -> ElasticNetResult:
    options = made.asked(
        made.write(tmp_path, table), in_sample_only=True, bootstraps=0, permutations=0, alphas=(0.5,), **more
    )
    return fit_model(read_model_data(options), options, tmp_path, CurrentProcess(), silent)


@pytest.mark.parametrize("model", ["change", "change-by-arm"])
def test_folds_are_dealt_out_arm_by_arm_only_where_the_model_has_the_arm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    dealt: list[Any] = []

    def seen(*given: Any) -> Any:
        dealt.append(given[2])
        return fit_whole_sample(*given)

    monkeypatch.setattr("pipeline.predict._fit.fit_whole_sample", seen)
    table = made.rows()
    found = fitted(tmp_path, table, model=model, folds=3)
    other = fitted(tmp_path, made.with_cells(_other_arms), model=model, folds=3)
    assert found.arm is not None
    assert other.arm is not None
    assert not np.array_equal(found.arm, other.arm)
    one, two = dealt
    assert np.array_equal(one, two) == (model == "change")
    if model == "change-by-arm":
        assert [int((found.arm[one == group] > 0).sum()) for group in range(3)] == [2, 2, 2]


def _other_arms(number: int, row: dict[str, str]) -> dict[str, str]:
    return {"arm": "drug" if number // 2 < 6 else "placebo"}


def test_a_product_that_has_no_line_in_an_arm_spoils_nothing(tmp_path: Path) -> None:
    """The covariate differs in one arm alone, and tells the outcome there."""

    def cells(number: int, row: dict[str, str]) -> dict[str, str]:
        kind = 1 if number // 2 in (0, 4, 8) else 0
        score = 20 + number % 3 + (9 * kind if row["session"] == "pre" else 0)
        return {"sex": f"{kind}", "score": f"{score}"}

    found = fitted(tmp_path, made.with_cells(cells), formula="sex + arm + arm:sex + change(gppi_a)")
    assert any("sex" in found.names[place] and "arm" in found.names[place] for place in found.retained)
    assert found.slopes == ()
