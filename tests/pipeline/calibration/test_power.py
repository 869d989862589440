"""Groups simulated from first-level uncertainty: more is found of larger effects, and little where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.calibration import CalibrationDesign, CalibrationRun, GroupQuestion, InversionMode, _power, measure_power
from pipeline.calibration._power import FirstLevelPrecision

LEVEL = FirstLevelPrecision(("B[a<-b, x]", "B[b<-a, x]"), np.full((5, 2), 0.15), np.zeros(2), np.ones(2))


@pytest.mark.parametrize("question", [("arms", (6, 6), 2), ("arms", (8, 4), 1), ("mean", (12,), 1)])
def test_larger_effects_are_found_more_often(
    design: CalibrationDesign,
    mode: InversionMode,
    monkeypatch: pytest.MonkeyPatch,
    question: tuple[str, tuple[int, ...], int],
) -> None:
    monkeypatch.setattr(_power, "EFFECTS", (0.1, 2.0))
    monkeypatch.setattr(_power, "first_level_precision", lambda run: LEVEL)
    kind, sizes, visits = question
    asked = GroupQuestion(kind, sizes, visits, 0.2, "?")  # type: ignore[arg-type]  # a str stands for one of its words
    run = CalibrationRun(replace(design, question=asked), mode, (), 0.0, 0)
    small, large = measure_power(run, 0, groups=15, sizes=(12,))
    assert (small.n, small.effect, large.effect) == (12, 0.1, 2.0)
    assert large.power > 85
    assert small.power < 50
    assert small.false == large.false <= 20
    assert small.false_se > 0
    assert measure_power(run, 0, groups=15, sizes=(12,)) == [small, large]


def test_there_is_no_power_of_a_model_in_which_nothing_changes(design: CalibrationDesign, mode: InversionMode) -> None:
    assert measure_power(CalibrationRun(design, mode, (), 0.0, 0), 0) == []
