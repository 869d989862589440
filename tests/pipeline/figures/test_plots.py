"""Pictures as functions of axes: they draw the result's numbers, return the axes, and leave global state alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from made_up_group import SPEC, made_up_group
from made_up_posterior import made_up_posterior
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Circle, FancyArrowPatch

from dcm import Data, Posterior, Spec, Status, prior
from peb import (
    CrossValidation,
    DesignError,
    GroupPosterior,
    GroupStatus,
    arms_from_interactions,
    compare,
    families,
    fit,
    make_design,
)
from pipeline.figures import (
    BLUE,
    VERMILION,
    plot_arms,
    plot_connectivity,
    plot_effects,
    plot_fit,
    plot_free_energy,
    plot_graph,
    plot_leave_one_out,
    plot_models,
    plot_posterior,
)
from pipeline.results import LEVEL, Z


@pytest.fixture(autouse=True)
def _pyplot() -> Iterator[None]:
    pyplot.switch_backend("agg")  # chosen before the settings are looked at
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return made_up_posterior()


@pytest.fixture(scope="module")
def group() -> GroupPosterior:
    return made_up_group()


@pytest.fixture(scope="module")
def arms_group() -> GroupPosterior:
    from group_models import estimate

    rng = np.random.default_rng(0)
    estimates = [estimate(f"sub-{i}", rng.normal(size=3), rng) for i in range(12)]
    design = make_design([participant.name for participant in estimates], {"arm": ["a", "b"] * 6})
    return fit(estimates, design)


@pytest.fixture(scope="module")
def left_out() -> CrossValidation:
    ones = np.ones(3)
    return CrossValidation(
        "age", ("x", "y", "z"), np.array([1.0, 2, 3]), np.array([1.5, 2, 2]), 0.25 * ones, ones[:2],
        np.ones((3, 2)), np.arange(3), (GroupStatus.CONVERGED,) * 3, 0.87, 0.16, None, None,
    )  # fmt: skip


def text_of(axes: Axes) -> str:
    return axes.get_title(loc="left").replace("\n", " ")


def marked(axes: Axes, marker: str) -> list[float]:
    """Where along x each point of one marker is."""
    return [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == marker]


def every_plot(posterior: Posterior, group: GroupPosterior, arms_group: GroupPosterior, found: CrossValidation) -> Any:
    switches = np.array([[1, 1, 1], [1, 0, 0]])
    comparison = compare(arms_group, switches, ["full", "small"])
    (arms, *_) = arms_from_interactions(arms_group, "arm[b]", ("a", "b"))
    return {
        "fit": lambda ax=None: plot_fit(posterior, ax),
        "free energy": lambda ax=None: plot_free_energy(posterior, ax),
        "connectivity": lambda ax=None: plot_connectivity(posterior, ax),
        "graph": lambda ax=None: plot_graph(posterior, ax),
        "effects": lambda ax=None: plot_effects(group, ax, covariates=["age"]),
        "posterior": lambda ax=None: plot_posterior(posterior, ax, fields=("transit",)),
        "arms": lambda ax=None: plot_arms(arms, ax),
        "one arm effect": lambda ax=None: plot_arms(arms, ax, parameter=arms.parameters[0]),
        "models": lambda ax=None: plot_models(comparison, ax),
        "families": lambda ax=None: plot_models(families(comparison, ["x", "y"]), ax, covariate="mean"),
        "leave one out": lambda ax=None: plot_leave_one_out(found, ax),
    }


def test_each_draws_on_the_axes_it_is_given_returns_them_and_leaves_settings_alone(
    posterior: Posterior, group: GroupPosterior, arms_group: GroupPosterior, left_out: CrossValidation
) -> None:
    for name, plot in every_plot(posterior, group, arms_group, left_out).items():
        with mpl.rc_context({"font.size": 7.0}):
            before = mpl.rcParams.copy()
            own = plot()
            count = np.size(own)
            figure, given = pyplot.subplots(1, count)
            returned = plot(given)
            assert np.ravel(returned).tolist() == np.ravel(given).tolist(), name
            assert all(axes.has_data() or axes.patches for axes in np.ravel(given)), name
            figure.canvas.draw()
            assert mpl.rcParams.copy() == before, name
        pyplot.close("all")


def test_a_new_figure_is_one_that_pyplot_shows(posterior: Posterior) -> None:
    axes = plot_connectivity(posterior)
    assert pyplot.gcf() is axes.figure


def test_drawing_chooses_no_backend() -> None:
    from pipeline.figures import style

    before = mpl.rcParams["backend"]
    with style():
        assert mpl.rcParams["backend"] == before


def test_another_number_of_axes_is_refused_with_the_number_needed(posterior: Posterior, group: GroupPosterior) -> None:
    _, one = pyplot.subplots()
    with pytest.raises(ValueError, match="2 panels, and needs as many axes, not 1"):
        plot_fit(posterior, one)
    with pytest.raises(ValueError, match="2 panels"):
        plot_effects(group, one)


def test_another_result_than_the_picture_is_made_for_is_named(posterior: Posterior, group: GroupPosterior) -> None:
    wrong: list[tuple[Callable[[Any], object], object, str]] = [
        (plot_fit, group, "is of a Posterior, not of a GroupPosterior"),
        (plot_effects, posterior, "is of a GroupPosterior, not of a Posterior"),
        (plot_arms, (), "is of an ArmComparison, not of a tuple; draw them one by one"),
        (plot_graph, [posterior], "is of a Posterior or a GroupPosterior, not of a list"),
    ]
    for plot, given, message in wrong:
        with pytest.raises(TypeError, match=message):
            plot(given)


def test_the_fit_is_in_the_data_s_units_over_scans_or_seconds(posterior: Posterior) -> None:
    over_scans = plot_fit(posterior)
    np.testing.assert_allclose(over_scans[1].lines[-1].get_ydata(), posterior.prediction[:, 1] / posterior.data_scale)
    assert over_scans[-1].get_xlabel() == "Scan"
    inputs = np.repeat([[1.0, 0.0], [0.0, 0.0]], 20, axis=0)
    data = Data(np.random.default_rng(0).normal(size=(20, 2)), inputs, bin_width=1.0, repetition_time=2.0)
    over_time = plot_fit(posterior, data=data, title="sub-01")
    assert over_time[0].lines[-1].get_xdata()[0] == pytest.approx(1.0)
    assert text_of(over_time[0]) == "vmPFC (sub-01)"
    assert [patch.get_width() for patch in over_time[0].patches] == [20.0]  # the block of the first input, s
    with pytest.raises(ValueError, match="the data have 20 scans, but the prediction has 19"):
        plot_fit(replace(posterior, prediction=posterior.prediction[:19]), data=data)


def test_the_path_of_the_free_energy_is_from_its_highest_and_starts_from_theirs(posterior: Posterior) -> None:
    axes = plot_free_energy(posterior)  # in SPM's mode: the path and the starts are of different quantities
    path = next(line for line in axes.lines if len(line.get_xdata()) == 5)
    np.testing.assert_allclose(path.get_ydata(), posterior.free_energy_history - posterior.free_energy_history.max())
    ends = [float(y) for line in axes.lines if line.get_marker() == "D" for y in line.get_ydata()]
    assert ends == pytest.approx([-1.0, -np.inf, 0.0])
    assert "1 failed" in "".join(text.get_text() for text in axes.figure.legends[0].get_texts())


def test_where_f_is_settled_the_key_says_f_and_no_more(posterior: Posterior) -> None:
    ours = replace(posterior, free_energy=-2.0, settled_free_energy=-2.0, free_energy_history=np.array([-9.0, -2.5]))
    axes = plot_free_energy(ours)
    path = next(line for line in axes.lines if line.get_marker() == "o")
    np.testing.assert_allclose(path.get_ydata(), [-6.5, 0.0])
    said = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert said == ["F at each iteration", "F of the best of 3 starts", "F of the other starts; 1 failed"]


def test_connectivity_of_a_group_lies_at_to_from_without_a_model(group: GroupPosterior) -> None:
    axes = plot_connectivity(group, matrix="B[faces]", covariate="age", covariate_unit="year")
    assert text_of(axes) == "B: added by faces, effect of age, Hz per year of age"
    to_amygdala = group.mean[1, 1]
    numbers = {text.get_position(): text.get_text() for text in axes.texts}
    order = [label.get_text() for label in axes.get_xticklabels()]
    place = (order.index("vmPFC"), order.index("amygdala"))
    assert float(numbers[place].replace("−", "-")) == pytest.approx(to_amygdala, abs=0.006)


def test_a_matrix_that_is_not_there_is_refused(posterior: Posterior, group: GroupPosterior) -> None:
    for plot in (plot_connectivity, plot_graph):
        with pytest.raises(ValueError, match=r"no matrix 'B.task.'; there is A"):
            plot(posterior, matrix="B[task]")
    with pytest.raises(ValueError, match="a covariate of a group"):
        plot_connectivity(posterior, covariate="age")
    with pytest.raises(ValueError, match=r"scale is two sizes"):
        plot_connectivity(posterior, scale=1.0)
    with pytest.raises(DesignError):
        plot_graph(group, covariate="dose")


def test_a_graph_has_a_circle_for_each_region_and_an_arrow_for_each_connection(posterior: Posterior) -> None:
    axes = plot_graph(posterior)
    circles = [patch for patch in axes.patches if isinstance(patch, Circle)]
    arrows = {patch.get_label(): patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)}
    own = [name for name in posterior.names if name[0] == "A"]
    assert len(circles) == 2
    assert set(arrows) == set(own)
    sizes = {name: abs(posterior.mean[posterior.spec.parameter_names.index(name)]) for name in own}
    between = ["A[amygdala<-vmPFC]", "A[vmPFC<-amygdala]"]
    widths = [arrows[name].get_linewidth() for name in between]
    assert np.argsort(widths).tolist() == np.argsort([sizes[name] for name in between]).tolist()


def test_a_graph_s_arrows_end_at_their_target_in_the_colour_of_their_sign(group: GroupPosterior) -> None:
    sure = replace(group, posterior=replace(group.posterior, covariance=1e-6 * np.eye(6)))
    axes = plot_graph(sure, matrix="B[faces]", spec=SPEC, coordinates={"vmPFC": (0, 60), "amygdala": (20, 0)})
    circles = [np.array(patch.center) for patch in axes.patches if isinstance(patch, Circle)]
    arrow = next(
        patch
        for patch in axes.patches
        if isinstance(patch, FancyArrowPatch) and patch.get_label() == "B[amygdala<-vmPFC, faces]"
    )
    value = sure.mean[1, 0]
    assert to_hex(arrow.get_edgecolor()) == (VERMILION if value > 0 else BLUE)
    path: Any = arrow._path_original  # type: ignore[attr-defined]  # in the axes' units; get_path() is in pixels
    start, end = path.vertices[0], path.vertices[-1]
    assert np.linalg.norm(start - circles[0]) < np.linalg.norm(start - circles[1])
    assert np.linalg.norm(end - circles[1]) < np.linalg.norm(end - circles[0])
    assert circles[0][1] > circles[1][1]


def test_a_graph_fades_what_may_be_zero_and_leaves_out_what_is_switched_off(group: GroupPosterior) -> None:
    wide = replace(group, posterior=replace(group.posterior, covariance=np.diag([1.0, 0.0, 1e6, 1, 1, 1])))
    axes = plot_graph(wide, matrix="B[faces]")
    (arrow,) = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    assert arrow.get_label() == "B[vmPFC<-amygdala, faces]"
    assert to_hex(arrow.get_edgecolor()) not in (VERMILION, BLUE)


def test_a_graph_s_coordinates_are_two_numbers_for_every_region(posterior: Posterior) -> None:
    with pytest.raises(ValueError, match="coordinates lack amygdala"):
        plot_graph(posterior, coordinates={"vmPFC": (0, 1)})
    with pytest.raises(ValueError, match="choose two of three axes"):
        plot_graph(posterior, coordinates={"vmPFC": (0, 1, 2), "amygdala": (1, 2, 3)})


def test_effects_are_drawn_with_the_group_s_own_intervals(group: GroupPosterior) -> None:
    (axes,) = plot_effects(group, covariates="age", covariate_units={"age": "year"})
    lines = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2 and np.ptp(line.get_ydata()) == 0]
    np.testing.assert_allclose(lines, group.interval(LEVEL)[:, 1])
    assert axes.get_xlabel() == "Hz per year of age"


def test_the_posterior_is_drawn_over_its_prior(posterior: Posterior) -> None:
    (axes,) = plot_posterior(posterior, fields=("transit",))
    wide = [bar.get_width() for bar in axes.patches]
    places = [posterior.spec.parameter_names.index(f"transit[{region}]") for region in posterior.spec.regions]
    np.testing.assert_allclose(wide, 2 * Z * np.sqrt(np.diag(posterior.prior.covariance)[places]))
    np.testing.assert_allclose(marked(axes, "o"), posterior.mean[places])
    with pytest.raises(ValueError, match="none of the parameters is of D"):
        plot_posterior(posterior, fields=("D",))


def test_arms_are_rows_or_densities_of_one_parameter(arms_group: GroupPosterior) -> None:
    (arms, *_) = arms_from_interactions(arms_group, "arm[b]", ("a", "b"))
    left, right = plot_arms(arms)
    np.testing.assert_allclose(marked(left, "o"), arms.first.mean)
    np.testing.assert_allclose(marked(left, "s"), arms.second.mean)
    np.testing.assert_allclose(marked(right, "D"), arms.difference.mean)
    assert text_of(right) == "a − b"
    above, below = plot_arms(arms, parameter=arms.parameters[1])
    assert text_of(below).startswith("P(a > b) = ")
    assert above is not below
    with pytest.raises(ValueError, match="not among the parameters compared"):
        plot_arms(arms, parameter="A[z<-y]")


def test_models_are_bars_of_one_covariate_and_a_map_of_two(arms_group: GroupPosterior) -> None:
    comparison = compare(arms_group, np.array([[1, 1, 1], [1, 0, 0]]), ["full", "small"])
    bars = plot_models(comparison, covariate="mean")
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches], comparison.model_probability("mean"))
    assert text_of(plot_models(comparison)).startswith("Best: ")
    found = families(comparison, {"mean": ["x", "y"], "arm[b]": ["u", "v"]})
    with pytest.raises(ValueError, match="say of which covariate"):
        plot_models(found)
    own = plot_models(found, covariate="arm[b]")
    assert [label.get_text() for label in own.get_yticklabels()] == ["u", "v"]


def test_left_out_participants_are_where_they_were_predicted(left_out: CrossValidation) -> None:
    axes = plot_leave_one_out(left_out, centre=40.0, unit="years")
    dots = axes.lines[1]
    np.testing.assert_allclose(dots.get_ydata(), left_out.estimate + 40)
    assert (axes.get_xlabel(), text_of(axes)) == ("Actual age, years", "Out of sample: r = +0.87, p = 0.16 (one-sided)")


def test_a_picture_without_its_key_has_none(posterior: Posterior) -> None:
    axes = plot_graph(posterior, legend=False)
    assert not axes.figure.legends
    assert axes.get_legend() is None


@pytest.mark.parametrize(
    "plot", [plot_connectivity, plot_graph, plot_posterior, plot_fit, plot_free_energy, plot_effects, plot_arms]
)
@pytest.mark.parametrize("odd", [None, "posterior", {"a": 1}])
def test_what_a_picture_cannot_be_of_is_named(plot: Any, odd: object) -> None:
    with pytest.raises(TypeError, match=f"this picture is of an? .*, not of a {type(odd).__name__}"):
        plot(odd)


@pytest.mark.parametrize("plot", [plot_connectivity, plot_graph, plot_free_energy])
@pytest.mark.parametrize("odd", ["axes", [1], "polar"])
def test_what_is_no_axes_is_named(plot: Any, odd: object) -> None:
    ax = pyplot.subplots(subplot_kw={"polar": True})[1] if odd == "polar" else odd
    with pytest.raises(TypeError, match="ax is a picture's axes"):
        plot(made_up_posterior(), ax)
    pyplot.close("all")


@pytest.mark.parametrize("plot", [plot_connectivity, plot_graph, plot_posterior])
def test_a_failed_inversion_has_no_picture_of_its_parameters(plot: Any) -> None:
    with pytest.raises(ValueError, match="no posterior to draw: the inversion failed"):
        plot(replace(made_up_posterior(), status=Status.NOT_FINITE))


def test_a_path_without_a_number_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="no free energy to draw"):
        plot_free_energy(replace(made_up_posterior(), start_free_energies=np.full(3, -np.inf)))


def test_an_input_called_a_does_not_take_the_place_of_the_average() -> None:
    made, shape = made_up_posterior(), np.ones((2, 2))
    spec = Spec(("V1", "V5"), ("A",), shape, shape[..., None], np.ones((2, 1)))
    size = prior(spec).free.size
    posterior = replace(made, spec=spec, prior=prior(spec), mean=prior(spec).mean, free=prior(spec).free)
    posterior = replace(posterior, covariance=np.eye(size))
    for plot in (plot_connectivity, plot_graph):
        assert plot(posterior, matrix="A").get_title(loc="left").startswith("A: average")
        assert plot(posterior, matrix="B[A]").get_title(loc="left").startswith("B: added by A")
    pyplot.close("all")


@pytest.mark.parametrize("scale", [3, (0, 1), (np.nan, 1)])
def test_a_scale_that_is_no_two_sizes_is_named(scale: object) -> None:
    with pytest.raises(ValueError, match="two sizes above 0"):
        plot_connectivity(made_up_posterior(), scale=scale)  # type: ignore[arg-type]  # of the wrong kind on purpose


def test_a_single_covariate_may_be_a_text() -> None:
    group = made_up_group()
    assert len(plot_effects(group, covariates="age")) == len(plot_effects(group, covariates=["age"]))
    with pytest.raises(ValueError, match="no covariate is asked for"):
        plot_effects(group, covariates=[])
    pyplot.close("all")
