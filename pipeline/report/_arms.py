"""Both arms and both sessions, as every picture of the report shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy import stats

from ..figures import ARM_COLOUR, GREEN, INK, PURPLE, plain, shortened
from ..results import LEVEL
from ._result import StudyResult

OTHERS = (PURPLE, GREEN)  # of arms that the house has no colour for; as in `_arm_figures`
MARKERS = ("o", "s")


@dataclass(frozen=True)
class Look:
    """An arm's name, colour and marker."""

    arm: str
    colour: str
    marker: str

    @property
    def label(self) -> str:
        """The name, fit for a legend."""
        return plain(shortened(self.arm, 22))


def looks(result: StudyResult) -> tuple[Look, Look]:
    """Of both arms, the first first."""
    first, second = (
        Look(arm, ARM_COLOUR.get(arm.strip().lower(), OTHERS[place]), MARKERS[place])
        for place, arm in enumerate(result.study.participants.arms)
    )
    return first, second


@dataclass(frozen=True)
class Mean:
    """A mean with its 90 % interval (Student's t); the interval is NaN with fewer than two values."""

    value: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """Of numbers that are there."""
        count = len(values)
        if not count:
            return cls(np.nan, np.nan, np.nan, 0)
        value = float(np.mean(values))
        if count < 2:
            return cls(value, np.nan, np.nan, count)
        half = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * np.std(values, ddof=1) / np.sqrt(count))
        return cls(value, value - half, value + half, count)


def draw_points(axes: Axes, place: float, values: Sequence[float], look: Look) -> None:
    """A column of points and beside it their mean with its interval."""
    if not len(values):
        return
    spread = np.linspace(-0.13, 0.13, len(values)) if len(values) > 1 else np.zeros(1)
    order = np.argsort(values, kind="stable")
    across = np.empty(len(values))
    across[order] = np.roll(spread, len(values) // 2)  # neighbours in value side by side, none on top of another
    axes.plot(
        place + across - 0.08,
        values,
        look.marker,
        color=look.colour,
        markersize=4,
        markeredgewidth=0,
        alpha=0.65,
    )
    mean = Mean.of(values)
    half = [[mean.value - mean.low], [mean.high - mean.value]] if mean.count > 1 else None
    axes.errorbar(
        place + 0.2,
        mean.value,
        yerr=half,
        fmt="D",
        color=INK,
        markerfacecolor=look.colour,
        markersize=6,
        elinewidth=1.8,
    )


def arm_key(result: StudyResult) -> list[Line2D]:
    """A legend of both arms, and of the mean."""
    both = [
        Line2D(
            [],
            [],
            color=arm_style.colour,
            marker=arm_style.marker,
            linestyle="none",
            markersize=5,
            label=arm_style.label,
        )
        for arm_style in looks(result)
    ]
    return [*both, Line2D([], [], color=INK, marker="D", linewidth=1.8, markersize=5, label="mean, 90 %")]
