"""Pictures of a group: every number given is drawn, signs and units are reported, and names from data stay text."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dcm import Spec
from pipeline.figures._arms import Density, arm_figure
from pipeline.figures._effect_panels import shorten_name, wrap_text
from pipeline.figures._effects import effects_figure, probability_figure
from pipeline.figures._matrices import BETWEEN, SELF, matrix_figure, matrix_scale
from pipeline.figures._models import posterior_figure, search_figure
from pipeline.figures._predictions import leave_one_out_figure, permutation_figure
from pipeline.figures._style import BLUE, INK, MUTED, VERMILION, svg, themed_svg
from pipeline.results import Z

NAMES = ("A[amygdala<-vmPFC]", "A[amygdala<-amygdala]", "B[amygdala<-vmPFC, faces]", "B[vmPFC<-amygdala, faces]")
COVARIATES = ("mean", "improvement")
MEAN = np.array([[-0.30, -0.004], [0.20, 0.02], [-0.02, -0.021], [0.5, 0.0]])
SD = np.array([[0.05, 0.003], [0.04, 0.02], [0.06, 0.004], [0.08, 0.0]])
HOSTILE = "<script>alert(1)</script> $x_{1$ \n 名前 -->" + "very long " * 30


def spec() -> Spec:
    b = np.stack([np.zeros((2, 2)), 1 - np.eye(2)], axis=-1)
    return Spec(("vmPFC", "amygdala"), ("task", "faces"), np.ones((2, 2)), b, np.ones((2, 2)))


def words(figure: Figure | Axes) -> list[str]:
    return [text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text"))]


def bars(axes: Axes) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def intervals(axes: Axes) -> list[tuple[float, float, str]]:
    """(low, high, colour) of every horizontal line of two points."""
    lines = [line for line in axes.lines if len(line.get_xdata()) == 2 and np.ptp(line.get_ydata()) == 0]
    return [(*(float(x) for x in line.get_xdata()), to_hex(line.get_color())) for line in lines]


# -- effects ---------------------------------------------------------------------------------------------------------


def test_every_effect_has_its_90_percent_interval_in_the_model_s_order() -> None:
    mean_hertz = effects_figure(NAMES, COVARIATES, MEAN, SD).axes[0]
    rows = [0, 2, 3]  # between regions
    for (low, high, _), row in zip(intervals(mean_hertz), rows, strict=True):
        assert (low, high) == pytest.approx((MEAN[row, 0] - Z * SD[row, 0], MEAN[row, 0] + Z * SD[row, 0]))
    labels = [label.get_text() for label in mean_hertz.get_yticklabels()]
    assert labels == ["amygdala ← vmPFC", "amygdala ← vmPFC (faces)", "vmPFC ← amygdala (faces)"]
    assert mean_hertz.get_ylim()[0] > mean_hertz.get_ylim()[1]  # the first at the top


def test_colour_and_fill_tell_sign_and_whether_zero_is_excluded() -> None:
    axes = effects_figure(NAMES, COVARIATES, MEAN, SD).axes[0]
    assert [colour for *_, colour in intervals(axes)] == [BLUE, MUTED, VERMILION]
    markers = [line for line in axes.lines if line.get_marker() == "o"]
    assert [to_hex(line.get_markerfacecolor()) == to_hex(line.get_color()) for line in markers] == [True, False, True]


def test_self_inhibition_has_an_axis_of_its_own_with_its_unit() -> None:
    figure = effects_figure(NAMES, COVARIATES, MEAN, SD, covariate_units={"improvement": "point"})
    units = [axes.get_xlabel().replace("\n", " ") for axes in figure.axes]
    log_scale = "log scale (+ = more inhibition)"
    assert units == ["Hz", "Hz per point of improvement", log_scale, f"{log_scale} per point of improvement"]
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["mean", "improvement"]


def test_effects_on_another_level_s_effects_are_not_put_on_one_axis() -> None:
    names = ["mean: A[x<-y]", "improvement: A[x<-y]", "improvement: A[y<-x]"]
    figure = effects_figure(
        names, ("mean",), np.ones((3, 1)), np.ones((3, 1)), covariate_units={"improvement": "point"}
    )
    assert [axes.get_xlabel() for axes in figure.axes] == ["Hz", "Hz per point of improvement"]
    assert [len(intervals(axes)) for axes in figure.axes] == [1, 2]


def test_an_effect_switched_off_is_a_cross_and_said_so() -> None:
    figure = effects_figure(NAMES, COVARIATES, MEAN, SD)
    assert [line.get_marker() for line in figure.axes[1].lines].count("x") == 1
    assert "switched off" in words(figure)
    assert "switched off" not in words(effects_figure(NAMES, COVARIATES[:1], MEAN[:, :1], SD[:, :1]))


def test_thirty_effects_of_three_covariates_do_not_overlap() -> None:
    regions = [f"left region {i}" for i in range(6)]
    names = [f"A[{to}<-{source}]" for source in regions for to in regions if to != source]
    rng = np.random.default_rng(0)
    figure = effects_figure(names, ("mean", "a", "b"), rng.normal(size=(30, 3)), np.ones((30, 3)))
    figure.draw_without_rendering()
    for axes in figure.axes:
        for labels in (axes.get_yticklabels(), axes.get_xticklabels()):
            boxes = [label.get_window_extent() for label in labels if label.get_text()]
            assert not any(box.overlaps(other) for box, other in itertools.pairwise(boxes))
        assert axes.get_tightbbox().x1 <= figure.bbox.x1


def test_effects_of_another_shape_or_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match=r"effects are \(4, 2\), but 4 parameters and 1 covariates"):
        effects_figure(NAMES, ("mean",), MEAN, SD)
    with pytest.raises(ValueError, match="NaN or infinite"):
        effects_figure(NAMES, COVARIATES, MEAN * np.nan, SD)


# -- probabilities ---------------------------------------------------------------------------------------------------


def test_probability_bars_are_as_long_as_pp_with_lines_at_strong_evidence() -> None:
    pp = np.array([[0.5, 0.0], [0.995, 0.2], [0.97, 1.0], [0.9999, 0.3]])
    figure = probability_figure(NAMES, COVARIATES, pp, definition="free energy, with v without")
    axes = figure.axes[0]
    assert [bar.get_width() for bar in bars(axes)] == pytest.approx([0.5, 0.97, 0.9999])
    lines = [line.get_xdata()[0] for line in axes.lines if np.ptp(line.get_xdata()) == 0]
    assert lines == [0.95, 0.99]
    assert ">0.99" in words(axes)
    assert any("free energy" in text for text in words(figure))


def test_probability_beyond_zero_is_measured_from_a_half_and_strong_on_both_sides() -> None:
    figure = probability_figure(NAMES[:1], ("mean",), [[0.001]], definition="posterior beyond zero")
    (bar,) = bars(figure.axes[0])
    assert (bar.get_x() + bar.get_width(), bar.get_x()) == pytest.approx((0.001, 0.5))
    assert to_hex(bar.get_facecolor()) == BLUE
    assert any("P(effect > 0)" in text for text in words(figure))


# -- matrices --------------------------------------------------------------------------------------------------------


def test_matrix_cells_lie_at_to_from_with_the_hue_of_their_sign() -> None:
    figure = matrix_figure(NAMES, MEAN[:, 0], SD[:, 0], spec())
    average, faces = figure.axes
    assert (average.get_xlabel(), average.get_ylabel()) == ("from", "to")
    placed = {text.get_text(): text.get_position() for text in average.texts}
    assert placed == {"−0.30": (0, 1), "+0.20": (1, 1)}  # x is from, y is to
    hue = {
        (round(p.get_x() + 0.48), round(p.get_y() + 0.48)): to_hex(p.get_facecolor()) for p in bars(average) if p.fill
    }
    assert hue[0, 1] == BETWEEN[1]
    assert hue[1, 1] == SELF[0]  # + on the diagonal is inhibition, and has another hue
    assert {text.get_text() for text in faces.texts} == {"−0.02", "+0.50"}
    assert faces.get_title(loc="left") == "B: added by faces"


def test_matrix_hatches_what_is_off_and_pales_what_includes_zero() -> None:
    sd = SD[:, 0].copy()
    sd[3] = 0.0
    faces = matrix_figure(NAMES, MEAN[:, 0], sd, spec()).axes[1]
    assert sum(patch.get_hatch() is not None for patch in bars(faces)) == 3  # two diagonal cells and the one off
    (text,) = faces.texts
    assert (text.get_text(), text.get_color(), text.get_fontweight()) == ("−0.02", MUTED, "normal")


def test_matrix_opacity_grows_with_size_from_the_paper_at_zero() -> None:
    axes = matrix_figure(NAMES[2:], [-0.25, 0.5], [0.01, 0.01], spec()).axes[0]
    alpha = {
        patch.get_facecolor()[:3]: patch.get_alpha() for patch in bars(axes) if patch.fill and not patch.get_hatch()
    }
    low, high = sorted(alpha.values())
    assert high == pytest.approx(2 * low)


def test_matrix_says_whose_effect_and_unit() -> None:
    figure = matrix_figure(NAMES, MEAN[:, 1], SD[:, 1], spec(), covariate="improvement", covariate_unit="point")
    title = figure.get_suptitle().replace("\n", " ")
    assert title == "Effect of improvement, Hz per point of improvement; diagonal on a log scale"
    with pytest.raises(ValueError, match="none of the parameters belongs to A or B"):
        matrix_figure(["C[vmPFC<-task]"], [0.1], [0.1], spec())


# -- models ----------------------------------------------------------------------------------------------------------


def test_the_best_model_is_marked_among_bars() -> None:
    figure = posterior_figure([0.1, 0.7, 0.2], ["null", "full", "one way"])
    assert [bar.get_width() for bar in bars(figure.axes[0])] == pytest.approx([0.1, 0.7, 0.2])
    assert "0.70 (best)" in words(figure)
    assert to_hex(bars(figure.axes[0])[1].get_facecolor()) == BLUE


def test_the_best_pair_is_framed_in_a_heat_map_and_named() -> None:
    values = np.array([[0.1, 0.6], [0.0, 0.3]])
    figure = posterior_figure(values, ["with", "without"], compared="family", covariates=("mean", "age"))
    (frame,) = [patch for patch in bars(figure.axes[0]) if not patch.fill]
    assert (frame.get_x(), frame.get_y()) == (0.5, -0.5)  # the second family for age, the first for the mean
    assert figure.get_suptitle() == "Best: with for mean,\nwithout for age: P = 0.60"
    assert (figure.axes[0].get_ylabel(), figure.axes[0].get_xlabel()) == ("family for mean", "family for age")


def test_figures_of_one_scale_have_the_same_colour_for_the_same_value() -> None:
    scale = matrix_scale(NAMES, [MEAN[:, 0], 3 * MEAN[:, 0]], spec())
    figures = [matrix_figure(NAMES, size * MEAN[:, 0], SD[:, 0], spec(), scale=scale) for size in (1, 3)]
    small, large = (sorted(bar.get_alpha() or 0 for bar in bars(figure.axes[0])) for figure in figures)
    assert large[-1] == pytest.approx(3 * small[-1])


def test_probabilities_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(ValueError, match="sum of 1"):
        posterior_figure([0.5, 0.6], ["a", "b"])
    with pytest.raises(ValueError, match=r"probabilities are \(2, 2\), but 2 names and 1 covariates"):
        posterior_figure(np.full((2, 2), 0.25), ["a", "b"])


def test_search_tells_rounds_gains_and_what_was_kept() -> None:
    figure = search_figure(NAMES, [NAMES[:2], [NAMES[2]], []], [3.0, 1.0, 0.0], [0, 0, 0, 0.98])
    path, fate = figure.axes
    np.testing.assert_allclose(path.lines[0].get_ydata(), [0, 3, 4, 4])
    assert [text.get_text() for text in path.texts] == ["−2", "−1", "0"]
    assert "+4.0 nats" in path.get_title(loc="left")
    assert [text.get_text() for text in fate.texts] == [*["dropped in round 1"] * 2, "dropped in round 2", "0.98"]


def test_a_search_that_drops_what_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"round 2 of the search drops .*, which is dropped twice"):
        search_figure(NAMES, [NAMES[:1], NAMES[:1]], [1, 1], [0, 1, 1, 1])
    with pytest.raises(ValueError, match="not among the parameters"):
        search_figure(NAMES, [["B[x<-y]"]], [1], [0, 1, 1, 1])


# -- prediction and permutation --------------------------------------------------------------------------------------


def test_leave_one_out_draws_each_participant_and_the_identity() -> None:
    actual, estimate, sd = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0]), np.array([0.5, 0.4, 0.3])
    figure = leave_one_out_figure(
        actual, estimate, sd, covariate="improvement", unit="points", correlation=0.5, p_value=0.03
    )
    axes = figure.axes[0]
    identity, dots = axes.lines[0], axes.lines[1]
    np.testing.assert_array_equal(identity.get_xdata(), identity.get_ydata())
    np.testing.assert_array_equal(
        np.column_stack([dots.get_xdata(), dots.get_ydata()]), np.column_stack([actual, estimate])
    )
    (bars_,) = axes.collections
    spans: Any = bars_
    np.testing.assert_allclose([np.ptp(path[:, 1]) for path in spans.get_segments()], 2 * sd)
    assert axes.get_title(loc="left") == "Out of sample: r = +0.50, p = 0.03 (one-sided)"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Actual improvement, points", "Predicted improvement, points")


def test_leave_one_out_without_a_correlation_says_so() -> None:
    figure = leave_one_out_figure(
        [1, 2], [1, 1], [1, 1], covariate="age", correlation=float("nan"), p_value=float("nan")
    )
    assert figure.axes[0].get_title(loc="left") == "Out of sample: r is undefined"


@pytest.mark.parametrize(("two_sided", "count"), [(False, 5), (True, 8)])
def test_permutations_that_reach_the_observed_are_counted_and_coloured(two_sided: bool, count: int) -> None:
    null = np.concatenate([np.linspace(-1, 1, 95) * 0.5, [0.8, 0.6, 0.7, 0.9, 0.6], [-0.6, -0.7, -0.9]])
    figure = permutation_figure(null, 0.6, statistic="r", p_value=count / 100, two_sided=two_sided)
    axes = figure.axes[0]
    coloured = [bar for bar in bars(axes) if to_hex(bar.get_facecolor()) == VERMILION]
    assert sum(bar.get_height() for bar in coloured) == count
    assert sum(bar.get_height() for bar in bars(axes)) == null.size
    assert axes.get_title(loc="left").startswith(f"{count} of {null.size} reach it: p = 0.0{count}")


def test_one_bar_of_the_null_is_never_of_both_kinds() -> None:
    figure = permutation_figure(np.random.default_rng(0).normal(size=500), 0.3, statistic="r", p_value=0.4)
    edges = [bar.get_x() for bar in bars(figure.axes[0])]
    assert np.abs(np.array(edges) - 0.3).min() < 1e-9


# -- arms ------------------------------------------------------------------------------------------------------------


def test_arms_and_difference_are_drawn_and_the_probability_told() -> None:
    arms = (Density("ketamine", -0.02, 0.004), Density("midazolam", -0.01, 0.003))
    figure = arm_figure(arms, Density("difference", -0.01, 0.005), effect="amygdala ← vmPFC", unit="Hz per point")
    above, below = figure.axes
    peaks = [line.get_xdata()[np.argmax(line.get_ydata())] for line in above.lines if len(line.get_xdata()) == 201]
    assert peaks == pytest.approx([-0.02, -0.01])
    assert below.get_title(loc="left") == "P(ketamine > midazolam) = 0.02"  # Φ(−2) = 0.023
    (shaded,) = below.collections
    assert shaded.get_paths()[0].vertices[:, 0].min() >= 0
    assert below.get_xlabel() == "ketamine − midazolam, Hz per point"
    assert {VERMILION, BLUE} <= {to_hex(line.get_color()) for line in above.lines}


def test_draws_are_laid_over_the_gaussian_and_counted() -> None:
    draws = np.linspace(-1, 3, 400)
    arms = (Density("a", 1.0, 1.0, draws), Density("b", 0.0, 1.0))
    figure = arm_figure(arms, Density("difference", 1.0, 1.0, draws), effect="x", unit="Hz", half=True)
    assert figure.axes[1].get_title(loc="left") == "P(a > b) = 0.84 (sampled: 0.75)"
    assert figure.axes[1].get_xlabel() == "half of a − b, Hz"
    assert "sampled (NUTS)" in words(figure)


@pytest.mark.parametrize(("sd", "draws"), [(0.0, None), (1.0, np.array([np.nan, 1.0]))])
def test_a_density_that_is_none_is_refused(sd: float, draws: np.ndarray | None) -> None:
    with pytest.raises(ValueError, match="arm x: "):
        Density("arm x", 0.0, sd, draws)


# -- all -------------------------------------------------------------------------------------------------------------


def every_figure(name: str) -> list[Figure]:
    """Each picture with `name` for every name from data."""
    regions, inputs = (name, "other"), (name + "u",)
    odd = Spec(regions, inputs, np.ones((2, 2)), np.ones((2, 2, 1)))
    names = [parameter for parameter in odd.parameter_names if parameter[0] in "AB"]
    covariates = ("mean", name + "x")
    effect, half = np.full((8, 2), 0.1), np.full((8, 2), 0.5)
    density = Density(name, 0.1, 1.0)
    return [
        effects_figure(names, covariates, effect, effect, spec=odd, covariate_units={name + "x": name}),
        probability_figure(names, covariates, half, definition="posterior beyond zero"),
        matrix_figure(names, effect[:, 0], effect[:, 0], odd, covariate=name),
        posterior_figure([1, 0], [name, "b"], covariates=(name,)),
        posterior_figure([[1, 0], [0, 0]], [name, "b"], covariates=covariates),
        search_figure(names, [names[:1]], [1.0], np.full(8, 0.9), spec=odd),
        leave_one_out_figure([1, 2], [1, 2], [1, 1], covariate=name, correlation=1, p_value=0.1, unit=name),
        permutation_figure([1, 2, 3], 2, statistic=name, p_value=0.7),
        arm_figure([density, density], density, effect=name, unit=name),
    ]


def test_names_from_data_never_become_markup_or_mathematics_and_files_repeat() -> None:
    for first, second in zip(every_figure(HOSTILE), every_figure(HOSTILE), strict=True):
        assert svg(first) == svg(second)
        text = themed_svg(svg(first), "one", HOSTILE)
        assert "<script" not in text
        assert INK not in text  # the page's theme sets the ink
        assert first.get_size_inches()[1] < 12


def test_long_names_keep_both_ends() -> None:
    assert shorten_name("left dorsolateral prefrontal cortex", 12) == "left d…ortex"
    assert wrap_text("one two three four", 9) == "one two\nthree\nfour"
    assert wrap_text("a $b", 20) == r"a \$b"
    assert wrap_text("arm[ketamine]×improvement", 16) == "arm[ketamine]×\nimprovement"
    assert wrap_text("one two three four", 16, balanced=True) == "one two\nthree four"


def test_the_picture_of_a_permutation_test_says_so_too() -> None:
    figure = permutation_figure(np.linspace(-1, 1, 99), 3.0, statistic="r", p_value=0.01)
    assert "p ≤ 0.01" in figure.axes[0].get_title(loc="left")
