"""What `effconn peb` says of a covariate in other units, SPM12's scheme included."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_group import CHOSEN, SPEC

from peb import Estimate, Gaussian, PebSettings, make_design
from pipeline.group._effect_tables import effect_records
from pipeline.group._fit import fit_group
from pipeline.group._group_inputs import GroupInputs
from pipeline.group._leave_one_out import cross_validate_covariate, report_leave_one_out
from pipeline.group._permutation import permute_covariate
from pipeline.tables import number_text, numbers_text

PEOPLE = 12
RNG = np.random.default_rng(5)
SCORE = RNG.normal(3.5, 1.1, PEOPLE)


def inputs(factor: float, compat: str = "spm12") -> GroupInputs:
    rng = np.random.default_rng(6)
    effects = 0.65 + 0.15 * (SCORE - SCORE.mean())
    estimates = tuple(
        Estimate(
            f"sub-{i:02d}",
            CHOSEN[1:2],
            ("B",),
            Gaussian(np.zeros(1), np.eye(1)),
            Gaussian(np.array([effect + rng.normal(scale=0.05)]), np.array([[0.004]])),
            -60.0,
        )
        for i, effect in enumerate(effects)
    )
    design = make_design([estimate.name for estimate in estimates], {"score": factor * SCORE})
    settings = PebSettings(compat=compat)  # type: ignore[arg-type]  # a str stands for one of its words
    return GroupInputs(estimates, design, SPEC, ("B",), settings, None, (), ())


@pytest.mark.parametrize("factor", [1e-9, 1e-6, 1e6, 1e9])
@pytest.mark.parametrize("compat", ["none", "spm12"])
def test_a_fit_in_other_units_says_the_same(factor: float, compat: str) -> None:
    usual, _ = fit_group(inputs(1.0, compat))
    group, warnings = fit_group(inputs(factor, compat))
    least = 1e-6 if compat == "none" else 0.05  # of a posterior standard deviation
    assert np.abs(group.mean * [1, factor] - usual.mean) == pytest.approx(np.zeros((1, 2)), abs=least * 0.05)
    assert group.probability == pytest.approx(usual.probability, abs=least)
    said = [line for line in warnings if line.startswith("SPM12's steps depend on the units of covariates, and score")]
    assert len(said) == (compat == "spm12")
    shown = [column for column in effect_records(inputs(factor, compat), group, {}).columns if column.key == "mean"]
    assert float(shown[0].text(float(group.mean[0, 1])).replace("−", "-").replace(",", "")) == pytest.approx(
        group.mean[0, 1], rel=0.005
    )


def test_spm12s_numbers_stay_in_units_in_which_its_steps_arrive() -> None:
    for factor in (0.3, 1.0, 30.0):
        _, warnings = fit_group(inputs(factor))
        assert not [line for line in warnings if "units of covariates" in line]


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_spm12s_other_analyses_in_other_units_say_the_same(factor: float) -> None:
    usual, found = (cross_validate_covariate(inputs(unit), "score", 3, 0) for unit in (1.0, factor))
    assert found.correlation == pytest.approx(usual.correlation, abs=0.02)
    assert found.actual == pytest.approx(factor * usual.actual)
    assert "units of covariates" in report_leave_one_out(inputs(factor), found).notices[-1][1]
    first, second = (permute_covariate(inputs(unit), "score", (), 19, 0) for unit in (1.0, factor))
    assert second.statistic == pytest.approx(first.statistic, rel=1e-6)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.15, "0.150"),
        (-0.0123456, "−0.0123"),
        (0.99999, "1.00"),
        (12.345, "12.3"),
        (149610.0, "149,610"),
        (1.5e-7, "1.50e−7"),
        (-2.5e9, "−2.50e9"),
        (0.0, "0"),
        (float("nan"), "–"),
    ],
)
def test_numbers_have_three_digits_in_any_unit(value: float, text: str) -> None:
    assert number_text(value) == text


def test_numbers_beside_each_other_have_as_many_decimals_as_their_spread_allows() -> None:
    assert numbers_text([-9.21, -15.14, -3.3], 2.9) == ["−9.2", "−15.1", "−3.3"]
    assert numbers_text([1.2e-7, -1e-8], 3e-8) == ["+1.20e−7", "−1.00e−8"]
