"""The demo's pictures of change, and its verdicts: what is drawn and said is what the group found."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from peb import Gaussian
from pipeline._connection_names import Connection
from pipeline._demo_answers import _verdict
from pipeline._demo_pictures import _with_planted
from pipeline._recovery import Change, Z
from pipeline._report import Picture
from pipeline._trial_figures import change_figure, improvement_figure, in_group_figure


@pytest.fixture
def arms() -> list[Change]:
    rng = np.random.default_rng(1)

    def change(arm: Any, slope: float) -> Change:
        improvement = rng.normal(12, 6, 9)
        planted = slope * improvement
        mean = planted + rng.normal(0, 0.1, 9)
        effect = Gaussian(np.array([12 * slope + 0.02, slope + 0.005]), np.array([[0.05**2, 1e-4], [1e-4, 0.01**2]]))
        sd, nearer = np.full(9, 0.1), (mean + planted) / 2
        return Change("amygdala", "vmPFC", arm, improvement, mean, sd, nearer, planted, slope, 12.0, effect)

    return [change("ketamine", -0.03), change("midazolam", 0.0)]


def test_line_of_an_arm_is_the_group_s_with_its_uncertainty(arms: list[Change]) -> None:
    ketamine = arms[0]
    mean, sd = ketamine.line(np.array([12.0, 22.0]))
    np.testing.assert_allclose(mean, [-0.34, -0.34 - 10 * 0.025])
    np.testing.assert_allclose(sd, np.sqrt([0.05**2, 0.05**2 + 2 * 10 * 1e-4 + 100 * 1e-4]))
    assert ketamine.average.high - ketamine.average.value == pytest.approx(Z * 0.05)


def test_change_figure_marks_what_the_group_found_and_what_was_planted(arms: list[Change]) -> None:
    axes = change_figure(arms, "Change", "less of it").axes[0]
    drawn = {tuple(np.round(np.asarray(line.get_ydata(), dtype=float), 9)) for line in axes.lines}
    for change in arms:
        assert (round(change.average.value, 9),) in drawn
        assert (round(12 * change.planted_slope, 9),) * 2 in drawn
    assert "more negative = less of it" in axes.get_xlabel()
    assert "Hz" in axes.get_ylabel()


def test_improvement_figure_draws_the_group_s_lines_and_the_planted_ones(arms: list[Change]) -> None:
    axes = improvement_figure(arms, "Change").axes[0]
    ends = [np.asarray(line.get_ydata(), dtype=float)[[0, -1]] for line in axes.lines if len(line.get_xdata()) > 1]
    across = np.array([min(0.0, *(one.improvement.min() for one in arms)), max(one.improvement.max() for one in arms)])
    for change in arms:
        for expected in (change.line(across)[0], change.planted_slope * across):
            assert any(np.allclose(line, expected) for line in ends)


def test_in_group_figure_draws_every_participant_twice(arms: list[Change]) -> None:
    axes = in_group_figure(arms, "Change").axes[0]
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines]
    for change in arms:
        assert any(np.array_equal(values, change.mean) for values in drawn)
        assert any(np.array_equal(values, change.in_group) for values in drawn)


def test_planted_values_are_drawn_inside_the_axes_and_said() -> None:
    figure = Figure()
    for axes in figure.subplots(2, 1):
        axes.set_xlim(-0.1, 0.1)
    connection = Connection("B[amygdala<-vmPFC, faces]", "B", "amygdala", "vmPFC", "faces")
    marked = _with_planted(Picture("one", "One", "", figure), connection, (-0.27, 0.0, -0.27), "mean")
    assert marked.title == "amygdala ← vmPFC: change"
    assert "ketamine −0.27, midazolam 0.00, difference −0.27 Hz" in marked.caption
    for axes, values in zip(figure.axes, ([-0.27, 0.0], [-0.27]), strict=True):
        assert [float(np.asarray(line.get_xdata())[0]) for line in axes.lines] == values
        assert axes.get_xlim()[0] < -0.27


@pytest.mark.parametrize(
    ("below_zero", "pp", "expected"),
    [(0.999, 0.97, "yes"), (0.999, 0.4, "partly"), (0.9, 0.4, "no"), (0.001, 0.97, "no")],
)
def test_verdict_asks_for_the_planted_sign_and_then_for_evidence(below_zero: float, pp: float, expected: str) -> None:
    found: Any = SimpleNamespace(
        beyond_zero=SimpleNamespace(difference=np.array([1 - below_zero])),
        with_v_without=SimpleNamespace(difference=np.array([pp])),
    )
    assert _verdict(found, 0, -0.27) == expected
