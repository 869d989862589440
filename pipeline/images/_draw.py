"""A study's regions drawn on a grid.

The rule: spheres are drawn on the grid itself. Labels and masks of whole numbers go to it by nearest neighbour, so a
voxel belongs where its centre lies in the region. Masks and atlases of fractions are interpolated linearly, and a voxel
belongs where the value is above the threshold. Box and hemisphere then keep the voxels whose centre is within.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from ..study import Box, Region, Study, circuit_region
from ._atlas import Atlas, draw_labels, find_atlas
from ._error import RegionError
from ._grid import Grid, grid_of, is_whole, open_image, sphere, to_grid, volumes_of
from ._preset import ATLAS, CIRCUIT, circuit_labels, circuit_threshold

MASK_THRESHOLD = 0.5

Masks = Mapping[str, Bool[np.ndarray, "i j k"]]


def regions_on(study: Study, grid: Grid) -> Masks:
    """Every region of a study on a grid, by name; drawn once in each process.

    Raises `RegionError`, with the region's name, where one cannot be drawn or is empty.
    """
    return {name: region_on(name, region, grid) for name, region in study.regions.items()}


def region_on(name: str, region: Region, grid: Grid) -> Bool[np.ndarray, "i j k"]:
    """One region on a grid; see `regions_on`."""
    key = json.dumps(region.model_dump(mode="json"), sort_keys=True)
    try:
        stamps = tuple((path.stat().st_size, path.stat().st_mtime_ns) for path in files_of(region) if path.is_file())
        return _drawn(name, key, stamps, grid)
    except RegionError as error:
        raise RegionError(f"region {name}: {error}") from None


def region_files(study: Study) -> list[Path]:
    """Files that the regions of a study are made from, each once; of an atlas its table too.

    Raises `RegionError` where an atlas is not to be found.
    """
    found: dict[Path, None] = {}
    for name, region in study.regions.items():
        try:
            found.update(dict.fromkeys(files_of(region)))
        except RegionError as error:
            raise RegionError(f"region {name}: {error}") from None
    return list(found)


def files_of(region: Region) -> tuple[Path, ...]:
    """Files that a region is made from."""
    if region.mask is not None:
        return (region.mask,)
    if region.sphere is not None:
        return ()
    return _atlas_of(region).files


def _atlas_of(region: Region) -> Atlas:
    return find_atlas(ATLAS if region.atlas is None else str(region.atlas))


@lru_cache(maxsize=256)
def _drawn(name: str, key: str, stamps: tuple[tuple[int, int], ...], grid: Grid) -> Bool[np.ndarray, "i j k"]:
    """The key is the region as JSON and the stamps its files', so that a file that changed is read again."""
    region = Region.model_validate_json(key)
    whole = _source_on(name, region, grid)
    if not whole.any():
        raise RegionError(
            "lies outside the field of view, or between the voxels, of the images; check that it is in their space"
        )
    kept = whole & _within(region.box, region.hemisphere, grid)
    if not kept.any():
        raise RegionError(f"is empty: none of its {int(whole.sum())} voxels is within its box or hemisphere; widen it")
    kept.setflags(write=False)
    return kept


def _source_on(name: str, region: Region, grid: Grid) -> Bool[np.ndarray, "i j k"]:
    if region.sphere is not None:
        return sphere(grid, region.sphere.centre, region.sphere.radius)
    if region.mask is not None:
        return _mask_on(region.mask, MASK_THRESHOLD if region.threshold is None else region.threshold, grid)
    if region.preset is None:
        return draw_labels(_atlas_of(region), region.labels, region.threshold, grid)
    definition = CIRCUIT[circuit_region(name) or name]
    threshold = circuit_threshold(definition, region)
    drawn = draw_labels(_atlas_of(region), circuit_labels(definition, region.hemisphere), threshold, grid)
    return drawn & _within(definition.box, "both", grid)


def _mask_on(path: Path, threshold: float, grid: Grid) -> Bool[np.ndarray, "i j k"]:
    image = open_image(path, "mask")
    if len(image.shape) > 3 and image.shape[3:] != (1,):
        raise RegionError(f"mask {path} has {image.shape[3]} volumes; give a mask of one, or name it as an atlas")
    values = volumes_of(image, f"mask {path}")
    if values.max() <= threshold:
        raise RegionError(f"mask {path} reaches {values.max():g}, never above the threshold {threshold:g}; lower it")
    whole = is_whole(values)
    chosen = (values > threshold).astype(np.float64) if whole else values
    moved = to_grid(chosen, grid_of(image), grid, between=not whole)[0]
    return np.asarray(moved > (0.5 if whole else threshold))


def _within(box: Box | None, hemisphere: str, grid: Grid) -> Bool[np.ndarray, "i j k"]:
    """Left is where x is negative; voxels on the midline are of neither side."""
    places = grid.places()
    inside = np.ones(grid.shape, dtype=bool)
    for axis, letter in enumerate("xyz"):
        span = None if box is None else getattr(box, letter)
        if span is not None:
            inside &= (places[..., axis] >= span[0]) & (places[..., axis] <= span[1])
    if hemisphere != "both":
        inside &= places[..., 0] < 0 if hemisphere == "left" else places[..., 0] > 0
    return inside
