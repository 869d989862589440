"""What is wrong with a study's regions, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np

from ..study import Study
from ._draw import Masks, files_of, region_on
from ._error import RegionError
from ._grid import Grid


def check_regions(study: Study, grids: Iterable[Grid]) -> list[str]:
    """One line for everything that is wrong with the regions on the grids of the images.

    That is: a file that is missing or no image, an unknown label (with the nearest there is), a region that is empty
    after threshold and box, outside the field of view, or smaller than its `least_voxels`.

    Arguments:
        grids: of the images, as `grid_of` tells; each is checked once.
    """
    lines: dict[str, None] = {}
    different = list(dict.fromkeys(grids))
    for name, region in study.regions.items():
        try:
            missing = [path for path in files_of(region) if not path.is_file()]
        except RegionError as error:
            lines[f"region {name}: {error}"] = None
            continue
        if missing:
            lines[f"region {name}: {missing[0]} does not exist; check the path"] = None
            continue
        for grid in different:
            lines.update(dict.fromkeys(_problems(study, name, grid)))
    return list(lines)


def _problems(study: Study, name: str, grid: Grid) -> list[str]:
    region = study.regions[name]
    try:
        voxels = int(region_on(name, region, grid).sum())
    except RegionError as error:
        return [str(error)]
    if voxels >= region.least_voxels:
        return []
    size = " × ".join(f"{edge:.3g}" for edge in np.linalg.norm(grid.affine[:3, :3], axis=0))
    return [
        f"region {name}: has {voxels} of the {region.least_voxels} voxels it needs on images of {size} mm; "
        "widen it, or lower its least_voxels"
    ]


def region_remarks(study: Study, grids: Iterable[Grid]) -> list[str]:
    """Pairs of regions that share voxels: worth knowing, as they share signal too. A line each."""
    lines: dict[str, None] = {}
    for grid in dict.fromkeys(grids):
        lines.update(dict.fromkeys(_overlaps(_drawable(study, grid))))
    return list(lines)


def _drawable(study: Study, grid: Grid) -> Masks:
    drawn = {}
    for name, region in study.regions.items():
        try:
            drawn[name] = region_on(name, region, grid)
        except RegionError:
            continue  # `check_regions` reports it
    return drawn


def _overlaps(masks: Masks) -> list[str]:
    shared = {(one, other): int((masks[one] & masks[other]).sum()) for one, other in combinations(masks, 2)}
    return [
        f"regions {one} and {other} share {voxels} voxels "
        f"({voxels / min(masks[one].sum(), masks[other].sum()):.0%} of the smaller)"
        for (one, other), voxels in shared.items()
        if voxels
    ]
