"""Coverage of known truths by known posteriors, and the power of simulated groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.calibration import (
    CalibrationDesign,
    CalibrationRun,
    GroupQuestion,
    InversionMode,
    _power,
    measure_coverage,
    measure_power,
    percent_with_error,
)
from pipeline.calibration._power import FirstLevelPrecision

RNG = np.random.default_rng(0)
PRECISION = FirstLevelPrecision(("B[a<-b, x]", "B[b<-a, x]"), np.full((5, 2), 0.15), np.zeros(2), np.ones(2))


def test_posteriors_as_wide_as_their_errors_are_calibrated() -> None:
    truth = RNG.standard_normal(4000)
    sd = np.full(4000, 0.5)
    mean = truth * 0.75 + 0.25 * np.sqrt(3) * RNG.standard_normal(4000)  # prior N(0, 1), data of variance 1/3
    found = measure_coverage(truth, mean, sd, np.arange(4000))
    assert found.coverage == pytest.approx(90, abs=3 * found.coverage_se)
    assert found.coverage_se == pytest.approx(100 * np.sqrt(0.09 / 4000), rel=0.1)
    assert found.sd_z == pytest.approx(1, abs=3 * found.sd_z_se)
    assert found.sd_z_se == pytest.approx(1 / np.sqrt(8000), rel=0.1)
    assert found.rank_p > 0.01
    assert found.bias == pytest.approx(-0.25 * np.abs(truth).mean(), abs=0.03)


def test_narrow_posteriors_are_found_out() -> None:
    truth = RNG.standard_normal(1000)
    found = measure_coverage(truth, truth + 0.2 * RNG.standard_normal(1000), np.full(1000, 0.1), np.arange(1000))
    assert found.coverage == pytest.approx(100 * 0.589, abs=5)  # P(|N(0, 1)| < 1.645 / 2)
    assert found.sd_z == pytest.approx(2, abs=0.2)
    assert found.rank_p < 1e-6


def test_signs_and_zeros_are_counted_apart() -> None:
    truth = np.array([1.0, -1.0, 1.0, 1.0, 0.0, 0.0])
    mean = np.array([3.0, 3.0, -1.0, 0.5, 2.0, 0.1])
    found = measure_coverage(truth, mean, np.ones(6), np.arange(6))
    assert found.wrong_sign_99 == 25  # the second; the third is not sure
    assert found.right_sign_99 == 25
    assert (found.zeros, found.zeros_beyond_90) == (2, 50)


def test_estimates_of_one_data_set_count_as_one() -> None:
    agree = np.repeat([1.0, 0.0, 1.0, 1.0], 10)
    assert percent_with_error(agree, np.repeat(np.arange(4), 10)) == pytest.approx((75, 100 * np.sqrt(0.75) / 4))
    assert percent_with_error(agree, np.arange(40))[1] < 10


def test_what_nothing_was_there_for_is_missing_and_not_zero() -> None:
    found = measure_coverage(np.ones(3), np.ones(3), np.ones(3), np.arange(3))
    assert np.isnan([found.zeros_beyond_90, found.rank_p, found.correlation]).all()
    assert found.coverage_se == 25  # not 0


@pytest.mark.parametrize("question", [("arms", (6, 6), 2), ("arms", (8, 4), 1), ("mean", (12,), 1)])
def test_larger_effects_are_found_more_often(
    design: CalibrationDesign,
    mode: InversionMode,
    monkeypatch: pytest.MonkeyPatch,
    question: tuple[str, tuple[int, ...], int],
) -> None:
    monkeypatch.setattr(_power, "EFFECTS", (0.1, 2.0))
    monkeypatch.setattr(_power, "first_level_precision", lambda run: PRECISION)
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
