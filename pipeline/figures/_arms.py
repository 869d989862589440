"""Pictures of two arms: one effect in each arm, and how sure the difference between them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from dcm import Spec
from peb import MEAN, ArmComparison, NormalMixture

from ..results import LEVEL, Connection, connections, per_covariate
from ..tables import numbers_text
from ._effect_panels import Panel, effect_panels, shorten_name, wrap_text
from ._style import (
    ARM_COLOUR,
    GREEN,
    INK,
    MUTED,
    PAPER,
    PURPLE,
    AxesArray,
    add_key,
    check_class,
    given_or_new_array,
    literal_text,
    new_figure,
    pyplot_figure,
    style,
)

OTHER_COLOURS = (PURPLE, GREEN)  # of arms that the house has no colour for
Dashes = Literal["solid", "dashed"]
DASHES: tuple[Dashes, Dashes] = ("solid", "dashed")
MARKERS = ("o", "s")
TAILS = 4.0  # standard deviations drawn either side


@dataclass(frozen=True, eq=False)
class Density:
    """What is known of one quantity: N(mean, sd²) or a mixture, and draws of it where there are any.

    Arguments:
        label: whose it is, such as an arm's name.
        mean, sd: of the Gaussian posterior; sd above 0.
        draws: (draw,) of a sampler such as NUTS, in the same unit.
        mixture: the posterior itself; None for the Gaussian.
    """

    label: str
    mean: float
    sd: float
    draws: Float[np.ndarray, "draw"] | None = None
    mixture: NormalMixture | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.mean) and np.isfinite(self.sd) and self.sd > 0):
            raise ValueError(
                f"{self.label}: a density needs a finite mean and an sd above 0, not {self.mean}, {self.sd}"
            )
        if self.draws is not None and (np.size(self.draws) < 2 or not np.isfinite(self.draws).all()):
            raise ValueError(f"{self.label}: draws are fewer than 2, or not finite")

    @property
    def above_zero(self) -> float:
        """P(quantity > 0)."""
        return float(self.posterior.above_zero)

    @property
    def posterior(self) -> NormalMixture:
        """The mixture, or the Gaussian."""
        return self.mixture or NormalMixture.normal(np.array(self.mean), np.array(self.sd))

    @property
    def drawn_above_zero(self) -> float:
        """The share of draws above 0; NaN where there are none."""
        return float("nan") if self.draws is None else float((np.asarray(self.draws) > 0).mean())


def plot_arms(
    comparison: ArmComparison,
    ax: ArrayLike | None = None,
    *,
    parameter: str | None = None,
    covariate_unit: str = "",
    spec: Spec | None = None,
    legend: bool = True,
) -> AxesArray:
    """A covariate's effect in each of two arms, and their difference, with 90 % intervals.

    Every parameter is a row, in the panels of its unit: the arms at the left, the first minus the second at the right.
    One `parameter` is drawn as densities instead, the arms above and their difference below, with the probability that
    it is above zero.

    Arguments:
        comparison: of `peb.arms_from_interactions`, `peb.arms_from_groups` or `peb.arms_from_separate_groups`.
        ax: an array of axes, one for each panel, row by row, or two for one parameter; those of a new figure where
            None.
        parameter: one name, such as ``B[amygdala<-vmPFC, faces]``; all where None.
        covariate_unit: what the covariate is counted in, such as ``point``.
        spec: the model, for names with brackets or commas in them.
        legend: whether to draw the key.

    Returns the axes, (panel,).

    Raises `ValueError` where the parameter is not among those compared, or another number of axes is given.
    """
    check_class(comparison, ArmComparison)
    parameters = connections(comparison.parameters, spec)
    if parameter is None:
        return _plot_every_arm(comparison, parameters, ax, covariate_unit, legend)
    if parameter not in comparison.parameters:
        raise ValueError(f"{parameter} is not among the parameters compared: {', '.join(comparison.parameters)}")
    place = comparison.parameters.index(parameter)
    first, second, difference = arm_densities(comparison, place)
    about = "mean" if comparison.covariate == MEAN else f"effect of {comparison.covariate}"
    with style():
        panels = given_or_new_array(ax, 2, 4.9)
        _draw_arms(
            panels[0],
            panels[1],
            (first, second),
            difference,
            effect=f"{parameters[place].words}, {about}",
            unit=per_covariate(parameters[place].unit, comparison.covariate, covariate_unit),
            half=False,
        )
        if legend:
            add_key(panels[1], _key((first, second), difference, half=False), given=ax is not None)
    return panels


def arm_densities(
    comparison: ArmComparison, place: int, draws: Sequence[np.ndarray | None] = (None, None, None)
) -> tuple[Density, Density, Density]:
    """What is known of one parameter: of the effect in the first arm, in the second, and of the difference.

    `draws` are a sampler's of the same three, None where there are none.
    """
    first, second, difference = (
        Density(label, float(each.mean[place]), float(each.sd[place]), own, each[place])
        for label, each, own in zip((*comparison.arms, "difference"), comparison.marginals, draws, strict=True)
    )
    return first, second, difference


def _plot_every_arm(
    comparison: ArmComparison, parameters: Sequence[Connection], ax: ArrayLike | None, covariate_unit: str, legend: bool
) -> AxesArray:
    covariate = comparison.covariate
    names = [shorten_name(name, 20) for name in comparison.arms]
    about = "" if covariate == MEAN else f", effect of {covariate}"
    titles = (f"In each arm{about}", f"{names[0]} − {names[1]}")
    with style():
        _, panels = effect_panels(
            parameters, (covariate, covariate), {covariate: covariate_unit}, ax=ax, make_figure=pyplot_figure
        )
        for place, panel in enumerate(panels):
            if place < 2:
                panel.axes.set_title(wrap_text(titles[place], 18, 3, balanced=True))
            panel.axes.set_xlabel(panel.unit)
            panel.axes.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
            panel.axes.xaxis.set_major_locator(MaxNLocator(nbins=4, min_n_ticks=2, steps=[1, 2, 5, 10]))
            if panel.covariate == 0:
                for arm, shift in enumerate((-0.17, 0.17)):
                    colour = _arm_colour(comparison.arms[arm], arm)
                    _draw_rows(panel, comparison.marginals[arm][panel.rows], colour, MARKERS[arm], shift)
            else:
                _draw_rows(panel, comparison.marginals[2][panel.rows], INK, "D", 0.0)
        key = [
            Line2D(
                [], [], color=_arm_colour(name, arm), marker=MARKERS[arm], markersize=5, label=literal_text(names[arm])
            )
            for arm, name in enumerate(comparison.arms)
        ]
        key.append(Line2D([], [], color=INK, marker="D", markersize=5, label="difference"))
        key.append(
            Line2D([], [], color=INK, marker="D", markerfacecolor=PAPER, markersize=5, label="90 % interval includes 0")
        )
        if legend:
            add_key(panels[-1].axes, key, given=ax is not None)
    found = np.empty(len(panels), dtype=object)
    found[:] = [panel.axes for panel in panels]
    return found


def _draw_rows(panel: Panel, density: NormalMixture, colour: str, marker: str, shift: float) -> None:
    """Mean and interval of every row, `shift` below its line; hollow where the interval includes zero."""
    rows = np.arange(panel.rows.size) + shift
    for row, mean, (low, high) in zip(rows, density.mean, density.interval(LEVEL), strict=True):
        face = colour if low > 0 or high < 0 else PAPER
        panel.axes.plot([low, high], [row, row], color=colour, linewidth=1.5)
        panel.axes.plot(mean, row, marker, color=colour, markerfacecolor=face, markersize=5, zorder=3)
    panel.axes.margins(x=0.06)


def arm_figure(arms: Sequence[Density], difference: Density, *, effect: str, unit: str, half: bool = False) -> Figure:
    """An effect's posterior in both arms, and of their difference, with the probability that it is above zero.

    Arguments:
        arms: two.
        difference: the first arm minus the second.
        effect: what is compared, such as ``amygdala ← vmPFC (faces), change with improvement``.
        unit: of all of them, such as ``Hz per point of improvement``.
        half: whether `difference` is half the difference, as a third level with a column of ±1 has it.
    """
    if len(arms) != 2:
        raise ValueError(f"two arms are compared, not {len(arms)}")
    with style():
        figure = new_figure(4.9)
        above, below = figure.subplots(2, 1)
        _draw_arms(above, below, arms, difference, effect=effect, unit=unit, half=half)
        figure.legend(handles=_key(arms, difference, half), loc="outside lower left", ncols=2, columnspacing=1.2)
    return figure


def _draw_arms(
    above: Axes, below: Axes, arms: Sequence[Density], difference: Density, *, effect: str, unit: str, half: bool
) -> None:
    what = f"{'half of ' if half else ''}{shorten_name(arms[0].label, 20)} − {shorten_name(arms[1].label, 20)}"
    for place, arm in enumerate(arms):
        _curve(above, arm, _arm_colour(arm.label, place), DASHES[place], place)
    _finish(above, arms)
    above.set_title(wrap_text(effect, 50, 2, balanced=True))
    above.set_xlabel(wrap_text(f"In each arm, {unit}", 60, 2, balanced=True))
    _curve(below, difference, INK, "solid")
    _shade(below, difference)
    _finish(below, [difference])
    below.set_title(wrap_text(_verdict(arms, difference), 54, 2, balanced=True))
    below.set_xlabel(wrap_text(f"{what}, {unit}", 60, 2, balanced=True))


def _verdict(arms: Sequence[Density], difference: Density) -> str:
    first, second = (shorten_name(arm.label, 20) for arm in arms)
    text = f"P({first} > {second}) = {_probability(difference.above_zero)}".replace("= <", "<").replace("= >", ">")
    if difference.draws is not None:
        text += f" (sampled: {_probability(difference.drawn_above_zero)})"
    return text


def _probability(value: float) -> str:
    """Two digits, three near 0 and 1, and never rounded to either."""
    if 0.01 <= value <= 0.99:
        return f"{value:.2f}"
    return "> 0.999" if value > 0.999 else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _curve(axes: Axes, density: Density, colour: str, dashes: Dashes, place: int = 0) -> None:
    across = density.mean + density.sd * np.linspace(-TAILS, TAILS, 201)
    height = density.posterior.density(across)
    if density.draws is not None:
        axes.hist(density.draws, 40, density=True, histtype="step", color=colour, alpha=0.75, linewidth=0.9)
    axes.plot(across, height, color=colour, linestyle=dashes, linewidth=2)
    ends = density.posterior.interval(LEVEL)
    under = -0.06 - 0.07 * place  # of the axes' height, so that the arms' intervals lie side by side
    axes.plot(
        ends,
        [under] * 2,
        color=colour,
        linewidth=4,
        solid_capstyle="butt",
        clip_on=False,
        transform=axes.get_xaxis_transform(),
    )


def _shade(axes: Axes, difference: Density) -> None:
    """The part above zero."""
    low, high = difference.mean - TAILS * difference.sd, difference.mean + TAILS * difference.sd
    across = np.linspace(max(low, 0.0), max(high, 0.0), 201)
    axes.fill_between(across, difference.posterior.density(across), color=MUTED, alpha=0.35, linewidth=0)


def _finish(axes: Axes, densities: Sequence[Density]) -> None:
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(bottom=0)
    axes.tick_params(axis="x", length=0, pad=4 + 8 * len(densities))
    ends = [each.mean + side * TAILS * each.sd for each in densities for side in (-1, 1)]
    for density in densities:
        ends += [] if density.draws is None else np.quantile(density.draws, [0.002, 0.998]).tolist()
    margin = 0.02 * (max(*ends, 0.0) - min(*ends, 0.0))
    axes.set_xlim(min(*ends, 0.0) - margin, max(*ends, 0.0) + margin)


def _arm_colour(name: str, place: int) -> str:
    return ARM_COLOUR.get(name.strip().lower(), OTHER_COLOURS[place])


def _key(arms: Sequence[Density], difference: Density, half: bool) -> list[Line2D | Patch]:
    name = "half the difference" if half else "difference"
    means = [*(arm.mean for arm in arms), difference.mean]
    *texts, between = numbers_text(means, min(arm.sd for arm in arms))
    key: list[Line2D | Patch] = [
        Line2D(
            [],
            [],
            color=_arm_colour(arm.label, place),
            linestyle=DASHES[place],
            linewidth=2,
            label=literal_text(f"{shorten_name(arm.label, 20)}: {text}"),
        )
        for place, (arm, text) in enumerate(zip(arms, texts, strict=True))
    ]
    key.append(Line2D([], [], color=INK, linewidth=2, label=f"{name}: {between}"))
    key.append(Patch(facecolor=MUTED, alpha=0.35, label="P(difference > 0)"))
    key.append(Line2D([], [], color=MUTED, linewidth=5, label="90 % interval"))
    if any(density.draws is not None for density in (*arms, difference)):
        key.append(Line2D([], [], color=MUTED, linewidth=0.9, drawstyle="steps", label="sampled (NUTS)"))
    return key
