"""Regions that contradict themselves: one source each, and no option that it does not take."""

from __future__ import annotations

from collections.abc import Iterator

from ._collisions import collisions
from ._lines import Keys
from ._nearest import meant
from ._problem import Problem
from ._study import TARGET_CIRCUIT, Box, Region, Study

SOURCES = ("mask", "sphere", "atlas", "preset")


def check_regions(study: Study) -> Iterator[Problem]:
    """Every mistake in `[regions]` that its shape alone does not show."""
    yield from collisions(("regions",), study.regions, "regions")
    for name, region in study.regions.items():
        path: Keys = ("regions", name)
        given = [source for source in SOURCES if getattr(region, source) is not None]
        if len(given) != 1:
            there = f"has {' and '.join(given)}, which exclude each other" if given else "says nowhere where it lies"
            yield Problem(path, f"{there}; give exactly one of {', '.join(SOURCES)}")
            continue
        yield from _options(path, region, given[0])
        if region.preset is not None and circuit_region(name) is None:
            tip = meant(name, TARGET_CIRCUIT, "its regions")
            yield Problem(path, f"{name!r} is no region of the preset {region.preset!r}{tip}")
        if region.box is not None:
            yield from _box((*path, "box"), region.box)


def circuit_region(name: str) -> str | None:
    """The region of the target circuit that a name means, where halves may be told apart: ``amygdala-left``."""
    bare = name
    for side in ("left", "right"):
        bare = bare.removesuffix(f"-{side}").removesuffix(f"_{side}")
    return bare if bare in TARGET_CIRCUIT else None


def _options(path: Keys, region: Region, source: str) -> Iterator[Problem]:
    if source == "atlas" and not region.labels:
        yield Problem(path, "takes an atlas, but no labels of it; add labels")
    if source != "atlas" and region.labels:
        yield Problem((*path, "labels"), f"only an atlas has labels, and this region is a {source}; remove them")
    if region.threshold is not None and source == "sphere":
        yield Problem((*path, "threshold"), "a sphere has no threshold, so it would be ignored; remove it")
    if region.threshold is not None and region.threshold < 0:
        yield Problem((*path, "threshold"), f"must not be negative, and is {region.threshold:g}")
    repeated = [place for place, one in enumerate(region.labels) if one in region.labels[:place]]
    for place in repeated:
        yield Problem((*path, "labels", place), f"names {region.labels[place]!r} twice; name it once")


def _box(path: Keys, box: Box) -> Iterator[Problem]:
    limits = {axis: span for axis in ("x", "y", "z") if (span := getattr(box, axis)) is not None}
    if not limits:
        yield Problem(path, "limits no axis; give x, y or z a list [from, to] in mm, or remove it")
    for axis, (low, high) in limits.items():
        if low >= high:
            yield Problem((*path, axis), f"goes from {low:g} to {high:g}; the first must be less than the second")
