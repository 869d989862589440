"""A study's regions before anything runs: what each was taken for, what is wrong with it, and what is unlikely."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..bids import ImageRun
from ..study import Study
from ._atlas import RegionMask
from ._grid import ExtractionError, Grid, RegionError, run_grids
from ._region_masks import VoxelMasks, region_mask, region_source_files
from ._voxels import read_mask

HALF, FEW = 0.5, 8  # share of a region's volume; voxels of the images that it must fill to be compared
LARGE = 30.0  # mm, a radius beyond which a sphere is as large as a lobe
HUGE = 250_000.0  # mm³, twice the largest gyrus of both hemispheres
OWN_SPACES = {"t1w", "t2w", "anat", "func", "bold", "boldref", "orig", "individual", "scanner"}  # by BIDS and fMRIPrep
NEAR = 10.0  # mm of the origin, within which no three regions of a circuit all lie


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
            missing = [path for path in region_source_files(region) if not path.is_file()]
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
        voxels = int(region_mask(name, region, grid).voxels.sum())
    except RegionError as error:
        return [str(error)]
    if voxels >= region.least_voxels:
        return []
    size = " × ".join(f"{edge:.3g}" for edge in np.linalg.norm(grid.affine[:3, :3], axis=0))
    return [
        f"region {name}: has {voxels} of the {region.least_voxels} voxels it needs on images of {size} mm; "
        "widen it, or lower its least_voxels"
    ]


@dataclass(frozen=True)
class RegionExtent:
    """A region on the images of a study.

    Fields:
        name: of the region.
        source: what its map was taken for, or which sphere it is, in words.
        threshold: above which a voxel belongs, in the unit of the map; None where there is none.
        map_volume: of the region in its own file, before box and hemisphere, mm³; None where it has none.
        voxels: on the grid of the images.
        volume: of these, mm³.
        in_brain: of these voxels inside the brain mask of one run; None where that cannot be read.
    """

    name: str
    source: str
    threshold: float | None
    map_volume: float | None
    voxels: int
    volume: float
    in_brain: int | None


def region_extents(study: Study, run: ImageRun) -> list[RegionExtent]:
    """Every region that can be drawn on the grid of a run, with how much of it the run's brain mask holds."""
    grid = run_grids([run])[0]
    try:
        brain = read_mask(run.brain_mask, grid, run.label)
    except ExtractionError:
        brain = None  # the run's own error, when it is extracted
    return [
        RegionExtent(
            name,
            drawn.scale,
            drawn.threshold,
            drawn.volume,
            int(drawn.voxels.sum()),
            int(drawn.voxels.sum()) * grid.voxel_volume,
            None if brain is None else int((drawn.voxels & brain).sum()),
        )
        for name, drawn in _drawable(study, grid).items()
    ]


def region_remarks(study: Study, grids: Iterable[Grid]) -> list[str]:
    """What is worth knowing of the regions on the grids of the images, a line each.

    That is: pairs that share voxels, as they share signal too; maps of which less than half lies on the images; regions
    as large as a part of the brain; images in no standard space; spheres as large as a lobe or all near the origin.
    """
    lines: dict[str, None] = {}
    for grid in dict.fromkeys(grids):
        drawn = _drawable(study, grid)
        lines.update(dict.fromkeys(_overlaps({name: mask.voxels for name, mask in drawn.items()})))
        lines.update(dict.fromkeys([*_cut_off(drawn, grid), *_huge(drawn, grid)]))
    return [*_own_space(study), *lines, *_unlikely_spheres(study)]


def _own_space(study: Study) -> Iterator[str]:
    """That images are not in a standard space, as regions of a study have to be."""
    if study.study.space.casefold() in OWN_SPACES:
        yield (
            f"[study] space: {study.study.space} is each participant's own, in which a sphere or mask is another place "
            "of every brain; take images in a standard space (MNI152NLin2009cAsym)"
        )


def _drawable(study: Study, grid: Grid) -> Mapping[str, RegionMask]:
    drawn = {}
    for name, region in study.regions.items():
        try:
            drawn[name] = region_mask(name, region, grid)
        except RegionError:
            continue  # `check_regions` reports it
    return drawn


def _huge(drawn: Mapping[str, RegionMask], grid: Grid) -> Iterator[str]:
    """Regions that hold no area of a brain but much of it."""
    for name, mask in drawn.items():
        volume, share = mask.voxels.sum() * grid.voxel_volume, mask.voxels.mean()
        if volume > HUGE or share > HALF:
            yield (
                f"region {name}: it holds {volume / 1000:,.0f} cm³, {share:.0%} of the field of view; check that "
                "its file is the map of one region, and its threshold"
            )


def _cut_off(drawn: Mapping[str, RegionMask], grid: Grid) -> Iterator[str]:
    """Regions that are far smaller on the images than in their own file."""
    for name, mask in drawn.items():
        if mask.volume is None or mask.volume < FEW * grid.voxel_volume:
            continue  # so few voxels that their edges decide
        share = mask.whole * grid.voxel_volume / mask.volume
        if share < HALF:
            yield (
                f"region {name}: {share:.0%} of its {mask.volume:,.0f} mm³ lie on the images; check that it is in "
                "their space"
            )


def _unlikely_spheres(study: Study) -> Iterator[str]:
    """Radii and centres that look like cm, or voxels."""
    spheres = {name: region.sphere for name, region in study.regions.items() if region.sphere is not None}
    for name, sphere in spheres.items():
        if sphere.radius > LARGE:
            yield (
                f"region {name}: its radius of {sphere.radius:g} mm makes {4.18879e-3 * sphere.radius**3:,.0f} cm³, "
                "as large as a lobe; radii are in mm"
            )
    furthest = max((max(map(abs, sphere.centre)) for sphere in spheres.values()), default=0.0)
    if len(spheres) >= 3 and furthest < NEAR:
        yield (
            f"the centres of all {len(spheres)} spheres lie within {NEAR:g} mm of the origin; check that they are in "
            "mm, not in cm"
        )


def _overlaps(masks: VoxelMasks) -> list[str]:
    shared = {(first, other): int((masks[first] & masks[other]).sum()) for first, other in combinations(masks, 2)}
    return [
        f"regions {first} and {other} share {voxels} voxels "
        f"({voxels / min(masks[first].sum(), masks[other].sum()):.0%} of the smaller)"
        for (first, other), voxels in shared.items()
        if voxels
    ]
