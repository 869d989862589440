"""Pictures of a prediction: every number given is drawn, both panels on one scale, and long names stay inside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from made_up_prediction import made_up_prediction, null_prediction
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from pipeline.figures._style import BLUE, VERMILION, style, svg, themed_svg
from pipeline.figures._svg import checked_svg
from pipeline.predict._result import ElasticNetResult
from pipeline.predict._result_figures import arm_colours, name_lines, predicted_figure, predictors_figure, slopes_figure
from pipeline.predict._tuning_figures import curve_figure, missing_predictors_figure, path_figure

HOSTILE = "<script>alert({})</script> $x_{{1$ \n 名前 --> _" + "very long " * 30
LONG = "change(gppi_facesversusshapes_{:02d}_right-anterior-hippocampus_from_ventromedial-prefrontal-cortex)"
FIGURES = (predicted_figure, predictors_figure, path_figure, curve_figure, slopes_figure, missing_predictors_figure)


def markers(axes: Axes, marker: str = "o") -> list[tuple[float, float]]:
    return [
        (float(x), float(y))
        for line in axes.lines
        if line.get_marker() == marker
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]


def upright(axes: Axes) -> set[float]:
    """Where lines from bottom to top stand."""
    return {float(line.get_xdata()[0]) for line in axes.lines if list(line.get_ydata()) == [0, 1]}


def drawn(figure: Figure | None) -> Figure:
    assert figure is not None
    return figure


@pytest.mark.parametrize(
    ("folds", "label", "other"),
    [(0.9, "bootstraps, stable", "bootstraps, not stable"), (0.2, "bootstraps, not stable", "bootstraps, stable")],
)
def test_the_key_of_shares_is_about_the_bars_that_are_drawn(folds: float, label: str, other: str) -> None:
    found = made_up_prediction()
    assert found.stability is not None
    assert found.stability.within is not None
    every = np.ones(len(found.names))
    within = replace(found.stability.within, p_value=0.01 * every)
    stability = replace(found.stability, bootstraps=every, folds=folds * every, within=within)
    figure = drawn(predictors_figure(replace(found, stability=stability)))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert label in labels
    assert other not in labels


# -- the path and the error ------------------------------------------------------------------------------------------


def test_the_path_of_every_predictor_is_drawn_with_both_choices() -> None:
    found = made_up_prediction()
    curve = found.in_sample.curve
    axes = path_figure(found).axes[0]
    paths = [line for line in axes.lines if len(line.get_xdata()) == curve.penalties.size]
    np.testing.assert_array_equal([line.get_ydata() for line in paths], curve.coefficients.T)
    assert upright(axes) == {curve.penalties[curve.minimum], curve.penalties[curve.one_se]}


def test_the_error_has_its_band_its_other_mixings_and_the_mean_as_a_rival() -> None:
    found = made_up_prediction()
    curve, y = found.in_sample.curve, found.outcome.values
    axes = curve_figure(found).axes[0]
    errors = [line.get_ydata() for line in axes.lines if len(line.get_xdata()) == curve.penalties.size]
    assert len(errors) == len(found.in_sample.curves)
    edge = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert edge.max() == pytest.approx((curve.mse + curve.se).max())
    rival = np.mean([(y[i] - np.delete(y, i).mean()) ** 2 for i in range(y.size)])
    assert any(len(set(line.get_ydata())) == 1 and line.get_ydata()[0] == pytest.approx(rival) for line in axes.lines)
    assert set(markers(axes)) == {(curve.penalties[i], curve.mse[i]) for i in (curve.minimum, curve.one_se)}


def test_numbers_along_the_top_are_of_predictors_retained_there() -> None:
    found = made_up_prediction()
    curve = found.in_sample.curve
    counts = {label.xy[0]: label.get_text() for label in curve_figure(found).axes[0].texts}
    for penalty, text in counts.items():
        place = int(np.flatnonzero(curve.penalties == penalty)[0])
        assert text == str(np.count_nonzero(curve.coefficients[place]))
    assert counts[curve.penalties[0]] == "0"


# -- participants ------------------------------------------------------------------------------------------


def test_both_panels_show_everybody_on_the_same_axes() -> None:
    found = made_up_prediction()
    assert found.nested is not None
    fitted, left_out = predicted_figure(found).axes
    assert fitted.get_xlim() == fitted.get_ylim() == left_out.get_xlim() == left_out.get_ylim()
    for axes, guess in ((fitted, found.in_sample.fitted), (left_out, found.nested.predictions)):
        points = {*markers(axes, "o"), *markers(axes, "s")}
        assert points == set(zip(found.outcome.values.tolist(), guess.tolist(), strict=True))
        assert all(axes.get_xlim()[0] < value < axes.get_xlim()[1] for point in points for value in point)
    assert fitted.get_title(loc="left") == "In-sample: r² 0.83"
    assert left_out.get_title(loc="left") == "Left out: Q² −0.18"


def test_without_a_nested_estimate_there_is_one_panel() -> None:
    assert len(predicted_figure(replace(made_up_prediction(), nested=None)).axes) == 1


@pytest.mark.parametrize(
    ("arms", "colours"),
    [
        (("ketamine", "midazolam"), (VERMILION, BLUE)),
        (("midazolam", "ketamine"), (BLUE, VERMILION)),
        (("placebo", "ketamine"), (BLUE, VERMILION)),
        (("a", "b"), (VERMILION, BLUE)),
        (("ketamine", "Ketamine"), (VERMILION, BLUE)),
    ],
)
def test_arms_keep_their_colour_and_never_share_it(arms: tuple[str, str], colours: tuple[str, str]) -> None:
    assert arm_colours(arms) == colours


# -- predictors ------------------------------------------------------------------------------------------------------


def test_coefficients_intervals_and_shares_are_those_of_the_retained() -> None:
    found = made_up_prediction()
    assert found.stability is not None
    left, right = drawn(predictors_figure(found)).axes
    places = list(found.retained)
    assert markers(left) == [(found.in_sample.coefficients[i], row) for row, i in enumerate(places)]
    intervals = [tuple(line.get_xdata()) for line in left.lines if len(line.get_xdata()) == 2][1:]
    assert intervals == [(found.stability.low[i], found.stability.high[i]) for i in places]
    assert [bar.get_width() for bar in right.patches] == [found.stability.bootstraps[i] for i in places]
    assert markers(right, "D") == [(found.stability.folds[i], row) for row, i in enumerate(places)]


def test_where_nothing_is_retained_what_bootstraps_retain_most_often_is_drawn() -> None:
    found = null_prediction()
    assert found.stability is not None
    left, right = drawn(predictors_figure(found)).axes
    assert {x for x, _ in markers(left)} == {0.0}
    widths = [bar.get_width() for bar in right.patches]
    assert widths == sorted(found.stability.bootstraps, reverse=True)[: len(widths)]
    assert predictors_figure(replace(found, stability=None)) is None


def test_folds_are_drawn_where_no_bootstraps_were() -> None:
    found = made_up_prediction()
    assert found.stability is not None
    none = np.full(len(found.names), np.nan)
    alone = replace(found.stability, samples=0, bootstraps=none, low=none, median=none, high=none, positive=none)
    right = drawn(predictors_figure(replace(found, stability=alone))).axes[1]
    assert not right.patches
    assert len(markers(right, "D")) == len(found.retained)


# -- arms ------------------------------------------------------------------------------------------------------------


def test_bands_of_slopes_are_those_of_least_squares() -> None:
    found = made_up_prediction(measures=1)
    axes = drawn(slopes_figure(found)).axes[0]
    one = found.slopes[0]
    for sign, band in zip((1, -1), axes.collections, strict=True):
        assert isinstance(band, PolyCollection)
        x, y = one.x[one.arm == sign], found.outcome.values[one.arm == sign]
        across = np.linspace(x.min(), x.max(), 60)
        fit = sm.OLS(y, sm.add_constant(x)).fit()
        expected = fit.get_prediction(sm.add_constant(across)).conf_int(alpha=0.05)
        edges = band.get_paths()[0].vertices
        for at, (low, high) in zip(across[::7], expected[::7], strict=True):
            here = edges[np.isclose(edges[:, 0], at, rtol=0, atol=1e-9), 1]
            assert (here.min(), here.max()) == pytest.approx((low, high))


def test_an_arm_too_small_for_a_band_still_has_its_points() -> None:
    found = made_up_prediction(measures=1)
    one = found.slopes[0]
    arm = np.where(np.arange(21) < 19, 1.0, -1.0)
    few = replace(
        one, arm=arm, low=np.array([-1.0, np.nan]), high=np.array([1.0, np.nan]), participants=np.array([19, 2])
    )
    axes = drawn(slopes_figure(replace(found, slopes=(few,)))).axes[0]
    assert len(markers(axes, "s")) == 2
    assert len(axes.collections) == 1


def test_without_products_no_slopes_are_drawn() -> None:
    assert slopes_figure(made_up_prediction(products=False)) is None


# -- what is missing -------------------------------------------------------------------------------------------------


def test_every_missing_value_has_its_block() -> None:
    found = made_up_prediction(participants=40, measures=30, missing=0.3)
    axes = drawn(missing_predictors_figure(found)).axes[0]
    covered = 0.0
    for row, blocks in enumerate(axes.collections):
        for path in blocks.get_paths():
            (left, bottom), (right, top) = path.get_extents().get_points()
            assert bottom < row < top
            covered += right - left
        assert to_hex(blocks.get_facecolor()[0]) == VERMILION  # each is beyond a fifth
    assert covered == pytest.approx(np.isnan(found.predictors.values).sum())
    assert missing_predictors_figure(made_up_prediction()) is None


# -- whatever the names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "found",
    [
        made_up_prediction(measures=5, label=LONG, missing=0.2),
        made_up_prediction(measures=3, label=HOSTILE, missing=0.3, arms=("<b>$a$</b>" * 9, "-->")),
        null_prediction(),
    ],
    ids=["long", "hostile", "null"],
)
def test_nothing_leaves_the_picture(found: ElasticNetResult) -> None:
    for figure in (make(found) for make in FIGURES):
        if figure is None:
            continue
        with style():
            figure.draw_without_rendering()
        edge = figure.bbox.padded(1)
        shown = [axes for axes in figure.axes if axes.get_visible()]
        for artist in (*shown, *figure.legends):
            box = artist.get_tightbbox()
            assert box is not None
            assert edge.x0 <= box.x0 <= box.x1 <= edge.x1, artist
            assert edge.y0 <= box.y0 <= box.y1 <= edge.y1, artist


def test_hostile_names_stay_text_and_pictures_repeat() -> None:
    found = made_up_prediction(measures=3, label=HOSTILE, missing=0.3, arms=("<b>", "-->"))
    first, again = (themed_svg(svg(path_figure(found)), "path", HOSTILE) for _ in range(2))
    assert first == again
    assert checked_svg(first) == first
    assert "<script" not in first


@pytest.mark.parametrize("width", [8, 27, 60])
@pytest.mark.parametrize("name", ["x", LONG, HOSTILE, "a" * 500, "_" * 40, "a_b-c(d) " * 30])
def test_names_fit_their_lines_with_both_ends(name: str, width: int) -> None:
    lines = name_lines(name, width, 3).replace(r"\$", "$").split("\n")
    assert len(lines) <= 3
    assert max(map(len, lines)) <= width
    whole = "".join(lines).replace(" ", "")
    name = "".join(name.split())
    assert whole[0] == name[0]
    assert whole[-1] == name[-1]
    assert "…" in whole or whole == name
