"""In which unit a map counts, and at which value a voxel belongs: decided here, for every map that is read.

A mask, a map of probabilities in fractions or in percent, a label image and a statistical map look alike in a NIfTI
header. What their values show beyond doubt is inferred; all else is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from ._grid import RegionError, is_whole

Kind = Literal["empty", "binary", "fraction", "percent", "labels", "statistic", "unknown"]

ROUNDING = 1e-4  # by which scaled integers may miss a whole number, or one value another
BEYOND = 0.02  # of certainty, by which interpolated probabilities may be below 0 or above 1
NEARLY = 0.99  # of certainty, from which fractional values are taken to reach it
# Between neighbouring voxels: of atlases at 1 to 2.5 mm, labels have 0.82 equal neighbours and a step of 0.27 levels at
# least, percentages 0.36 and 0.09 at most, and 0.10 at their edge where anatomical images begin with 0.34.
PIECEWISE, STEEP, ABRUPT = 0.5, 0.2, 0.25
ENOUGH = 400_000  # voxels that show how a map's numbers lie
COUNTED = 1_000_000
_STATISTICS = range(2, 25)  # NIfTI's intent codes of test statistics and p-values
_LABELS = 1002  # and of labels


@dataclass(frozen=True)
class MapScale:
    """What a map's values are.

    Fields:
        kind: 'binary' is 0 and one positive value; 'unknown' are positive values of no known unit.
        low, high: least and greatest value.
        full: the value of certainty; None where there is none.
        levels: different positive values, where all are whole numbers; else 0.
    """

    kind: Kind
    low: float
    high: float
    full: float | None = None
    levels: int = 0

    @property
    def graded(self) -> bool:
        """Whether values in between mean something, so that the map may be interpolated."""
        return self.kind not in ("binary", "labels")

    def describe(self) -> str:
        """As a report shows it, such as ``probabilities in percent, up to 100``."""
        if self.kind == "binary":
            return f"mask of 0 and {self.high:g}"
        if self.kind in ("fraction", "percent"):
            unit = "fractions" if self.kind == "fraction" else "percent"
            return f"probabilities in {unit}, up to {self.high:.4g}"
        return f"values from {self.low:.4g} to {self.high:.4g}".replace("-", "−")


def infer_map_scale(
    values: Float[np.ndarray, "volume i j k"], image: Any = None, probabilities: bool = False
) -> MapScale:
    """The scale of a map, from its values.

    Arguments:
        values: finite.
        image: whose header may say that it holds a statistic or labels.
        probabilities: whether they can be no labels, as a volume for each label says.
    """
    low, high = float(values.min()), float(values.max())
    if high <= 0:
        return MapScale("empty", low, high)
    intent = int(image.header["intent_code"]) if image is not None and "intent_code" in image.header else 0
    positive = values[values > 0]
    all_whole = is_whole(values, ROUNDING)
    single = float(positive.min()) >= high * (1 - ROUNDING) and low >= 0
    if single and (all_whole or abs(high - 1) < ROUNDING):
        return MapScale("binary", 0.0, high, high)
    if intent in _STATISTICS:
        return MapScale("statistic", low, high)
    if 0.5 < high <= 1 + BEYOND and low >= -BEYOND and not all_whole:
        return MapScale("fraction", low, high, 1.0)
    if low < -100 * BEYOND or (all_whole and low < 0):
        return MapScale("statistic", low, high)
    if not all_whole:
        near = 50.0 if probabilities else 100 * NEARLY
        percent = near < high <= 100 * (1 + BEYOND)
        return MapScale("percent", low, high, 100.0) if percent else MapScale("unknown", low, high)
    levels = _levels(np.rint(positive))
    count = int(levels.size)
    if probabilities and high <= 100 * (1 + BEYOND):
        return MapScale("percent", low, high, 100.0, count)
    pattern = _pattern(np.rint(values), levels)
    if not probabilities and (intent == _LABELS or pattern == "labels"):
        return MapScale("labels", low, high, None, count)
    steps = count < high  # some are left out, as numbers of labels seldom are
    if 50 < high <= 100 and (pattern == "smooth" or (pattern == "nested" and high == 100 and steps)):
        return MapScale("percent", low, high, 100.0, count)
    return MapScale("unknown", low, high, None, count)


def _levels(values: Float[np.ndarray, "voxel"]) -> Float[np.ndarray, "level"]:
    """Different whole numbers, in order; counted where they are small, which is faster than to sort them."""
    if values.max() > COUNTED:
        return np.unique(values)
    return np.flatnonzero(np.bincount(values.astype(np.int64))).astype(np.float64)


def _pattern(
    values: Float[np.ndarray, "volume i j k"], levels: Float[np.ndarray, "level"]
) -> Literal["labels", "smooth", "nested", "neither"]:
    """How whole numbers lie: in pieces of any number beside any other, or rising by degrees.

    Of neighbours within the map: how often both are equal. Of unequal neighbours: how many levels lie between them, of
    those there are; and on which level the map meets what is 0. Of a large map some planes are enough.
    """
    sides = [np.flatnonzero(values.any(axis=tuple({0, 1, 2, 3} - {axis}))) for axis in (1, 2, 3)]
    if not all(side.size for side in sides):  # every value is rounded to nothing
        return "neither"
    box = tuple(slice(max(side[0] - 1, 0), side[-1] + 2) for side in sides)
    values = values[:, box[0], box[1], box[2]]
    every = -(-values.size // ENOUGH)
    equal = pairs = steps = unequal = edge = rim = 0
    for axis in (1, 2, 3):
        along = np.moveaxis(values, axis, 0)
        planes = np.arange(0, along.shape[0] - 1, every)
        lower, upper = (np.searchsorted(levels, along[planes + i], side="right") for i in (0, 1))  # 0: not positive
        both = (lower > 0) & (upper > 0)
        differ = lower != upper
        equal += int((both & ~differ).sum())
        pairs += int(both.sum())
        steps += int(np.abs(lower - upper)[differ].sum())
        unequal += int(differ.sum())
        outside = differ & ~both
        edge += int(np.maximum(lower, upper)[outside].sum())
        rim += int(outside.sum())
    last = levels.size
    step = (steps / max(unequal, 1) - 1) / max(last - 1, 1)
    # A map that reaches 100 exactly may be cut at the midline, where it is high.
    abrupt = rim > 0 and (edge / rim - 1) / max(last - 1, 1) > ABRUPT and levels[-1] != 100
    pieces = pairs == 0 or equal / pairs > PIECEWISE
    if step > STEEP or abrupt:
        return "labels" if pieces else "neither"
    return "nested" if pieces else "smooth"


def mask_threshold(scale: MapScale, given: float | None, what: str, share: float = 0.5) -> float:
    """The value above which a voxel belongs: the study's, or a share of certainty.

    Arguments:
        given: the study's threshold, in the unit of the map.
        what: the map, at the head of errors.
        share: of certainty, where the study gives no threshold.

    Raises `RegionError` where the map needs a threshold and has none, or has one in another unit, or holds labels.
    """
    if scale.kind == "empty":
        raise RegionError(f"{what} holds no value above 0; check that it is the right file")
    if scale.kind == "labels":
        raise RegionError(
            f"{what} holds {_describe_labels(scale)}; name it as an atlas and give the labels that are meant"
        )
    if given is None:
        if scale.full is None:
            raise RegionError(f"{what} {_why_threshold_needed(scale)}")
        limit = scale.full * share
    else:
        _check_unit(scale, given, what)
        limit = given
    if scale.high <= limit:
        raise RegionError(
            f"{what} {_describe_maximum(scale)} and is never above the threshold {limit:g}; "
            + ("remove the threshold" if scale.kind == "binary" else "set a lower threshold")
        )
    return limit


def _check_unit(scale: MapScale, given: float, what: str) -> None:
    if scale.kind == "fraction" and given > 1 + BEYOND:
        raise RegionError(
            f"{what} is in fractions, up to {scale.high:.4g}, and the threshold {given:g} is not: "
            f"threshold = {given / 100:g} is {given:g} %"
        )
    if scale.kind == "percent" and 0 < given < 1:
        raise RegionError(
            f"{what} is in percent, up to {scale.high:.4g}, and the threshold {given:g} is a fraction: "
            f"threshold = {100 * given:g} is meant, or 1 or more"
        )
    if scale.kind == "unknown" and scale.high > 20 and 0 < given < 1:
        raise RegionError(
            f"{what} {_describe_maximum(scale)}, of which the threshold {given:g} is next to nothing; "
            f"give it in the unit of the file (threshold = {100 * given:g} where that is percent)"
        )


def _describe_labels(scale: MapScale) -> str:
    return f"{scale.levels} labels, up to {scale.high:.0f}" if scale.levels > 1 else f"the label {scale.high:.0f}"


def _describe_maximum(scale: MapScale) -> str:
    return f"is 0 and {scale.high:g}" if scale.kind == "binary" else f"reaches {scale.high:.4g}"


def _why_threshold_needed(scale: MapScale) -> str:
    """Why a threshold has to be asked for, and which might be meant."""
    spans = f"has values from {scale.low:.4g} to {scale.high:.4g}".replace("-", "−")
    if scale.kind == "statistic":
        return f"{spans}, as a statistical map has, and no probabilities; set the region's threshold, in its unit"
    if scale.levels:
        number = f"{scale.levels} different whole numbers"
        if scale.high <= 100:
            return (
                f"{spans}, {number}: if they are labels, name it as an atlas and give labels; if they are percent or "
                "counts, set the region's threshold (50 for half of 100 %)"
            )
        return f"{spans}, {number}; name it as an atlas if they are labels, or set the region's threshold, in its unit"
    if scale.high <= 0.5:
        return f"{spans}, never above one half; set the region's threshold, in its unit"
    percent = " (50 if it is percent)" if 50 < scale.high <= 100 * (1 + BEYOND) else ""
    return f"{spans}, which is neither fractions nor surely percent; set the region's threshold, in its unit{percent}"
