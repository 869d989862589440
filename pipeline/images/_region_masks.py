"""A study's regions drawn on a grid.

The rule: spheres are drawn on the grid itself. Labels and masks of two values go to it by nearest neighbour, so a
voxel belongs where its centre lies in the region. All other maps are interpolated linearly, and a voxel belongs where
the value is above the threshold, see `_map_scale`. Box and hemisphere then keep the voxels whose centre is within.

The target circuit is six regions of the Harvard-Oxford atlas, cut to what the field calls them. The masks that the
ketamine study used are not published. These are defaults with stated limits, in mm of MNI space, and no claim to be the
same; `threshold`, `box` and `hemisphere` of a region change them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from ..study import Box, Region, Sphere, Study, circuit_region
from ._atlas import Atlas, RegionMask, find_atlas, mask_of_labels
from ._grid import Grid, RegionError, grid_of, open_image, read_volumes, resample_to_grid, sphere, volume_count
from ._map_scale import infer_map_scale, mask_threshold

ATLAS = "harvard_oxford"
CORTEX, NUCLEUS = 0.25, 0.5  # of certainty

LARGEST = 100.0  # mm, the radius of a head
VoxelMasks = Mapping[str, Bool[np.ndarray, "i j k"]]


@dataclass(frozen=True)
class CircuitRegion:
    """One region: labels without their side, threshold as a share of certainty, and limits."""

    labels: tuple[str, ...]
    threshold: float
    box: Box | None = None


CIRCUIT = {
    # Before the genu's front edge the anterior cingulate is "rostral"; above the callosum's body "dorsal".
    "dACC": CircuitRegion(
        ("Cingulate_Gyrus_anterior_division", "Paracingulate_Gyrus"), CORTEX, Box(y=(0, 30), z=(15, 60))
    ),
    "rACC": CircuitRegion(
        ("Cingulate_Gyrus_anterior_division", "Paracingulate_Gyrus"), CORTEX, Box(y=(30.001, 60), z=(-5, 30))
    ),
    "vmPFC": CircuitRegion(("Frontal_Medial_Cortex", "Subcallosal_Cortex"), CORTEX, Box(y=(20, 70), z=(-40, -5.001))),
    # The uncal apex, y = −21, parts anterior from posterior (Poppenk et al. 2013, Trends Cogn Sci 17, 230–240).
    "hippocampus": CircuitRegion(("Hippocampus",), NUCLEUS, Box(y=(-21, 0))),
    # The central sulcus of the insula meets its middle near y = 0.
    "insula": CircuitRegion(("Insular_Cortex",), CORTEX, Box(y=(0, 40))),
    "amygdala": CircuitRegion(("Amygdala",), NUCLEUS),
}


def circuit_labels(definition: CircuitRegion, hemisphere: str) -> tuple[str, ...]:
    """Labels with their side."""
    sides = {"both": ("Left", "Right"), "left": ("Left",), "right": ("Right",)}[hemisphere]
    return tuple(f"{side}_{label}" for label in definition.labels for side in sides)


def region_masks(study: Study, grid: Grid) -> Mapping[str, RegionMask]:
    """Every region of a study on a grid, by name; drawn once in each process.

    Raises `RegionError`, with the region's name, where one cannot be drawn or is empty.
    """
    return {name: region_mask(name, region, grid) for name, region in study.regions.items()}


def region_mask(name: str, region: Region, grid: Grid) -> RegionMask:
    """One region on a grid; see `region_masks`."""
    key = json.dumps(region.model_dump(mode="json"), sort_keys=True)
    try:
        stamps = tuple(
            (path.stat().st_size, path.stat().st_mtime_ns) for path in region_source_files(region) if path.is_file()
        )
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
            found.update(dict.fromkeys(region_source_files(region)))
        except RegionError as error:
            raise RegionError(f"region {name}: {error}") from None
    return list(found)


def region_source_files(region: Region) -> tuple[Path, ...]:
    """Files that a region is made from."""
    if region.mask is not None:
        return (region.mask,)
    if region.sphere is not None:
        return ()
    return _atlas_of(region).files


def _atlas_of(region: Region) -> Atlas:
    return find_atlas(ATLAS if region.atlas is None else str(region.atlas))


@lru_cache(maxsize=256)
def _drawn(name: str, key: str, stamps: tuple[tuple[int, int], ...], grid: Grid) -> RegionMask:
    """The key is the region as JSON and the stamps its files', so that a file that changed is read again."""
    region = Region.model_validate_json(key)
    source = _source_on(name, region, grid)
    if not source.voxels.any():
        raise RegionError(
            "lies outside the field of view, or between the voxels, of the images; check that it is in their space"
        )
    kept = source.voxels & _inside_box(region.box, region.hemisphere, grid)
    if not kept.any():
        raise RegionError(f"is empty: none of its {source.whole} voxels is within its box or hemisphere; widen it (mm)")
    kept.setflags(write=False)
    return replace(source, voxels=kept)


def _source_on(name: str, region: Region, grid: Grid) -> RegionMask:
    """A region before box and hemisphere."""
    if region.sphere is not None:
        return _sphere_on(region.sphere, grid)
    if region.mask is not None:
        return _mask_on(region.mask, region.threshold, grid)
    if region.preset is None:
        return mask_of_labels(_atlas_of(region), region.labels, region.threshold, grid)
    definition = CIRCUIT[circuit_region(name) or name]
    labels = circuit_labels(definition, region.hemisphere)
    drawn = mask_of_labels(_atlas_of(region), labels, region.threshold, grid, definition.threshold)
    voxels = drawn.voxels & _inside_box(definition.box, "both", grid)
    return replace(drawn, voxels=voxels, whole=int(voxels.sum()), volume=None)


def _sphere_on(wanted: Sphere, grid: Grid) -> RegionMask:
    """Raises `RegionError` where the radius cannot be in mm."""
    radius = wanted.radius
    if radius > LARGEST:
        raise RegionError(f"its radius of {radius:g} mm is larger than a head; give it in mm, such as radius = 8")
    edge = float(np.linalg.norm(grid.affine[:3, :3], axis=0).min())
    if radius < edge / 2:
        metres = f" ({radius:g} m is radius = {1000 * radius:g})" if 0.001 <= radius < 0.1 else ""
        raise RegionError(
            f"its radius of {radius:g} mm is less than half a voxel of {edge:.3g} mm; give it in mm{metres}"
        )
    voxels = sphere(grid, wanted.centre, radius)
    centre = ", ".join(f"{value:g}" for value in wanted.centre).replace("-", "−")
    words = f"sphere of {radius:g} mm around ({centre})"
    return RegionMask(voxels, words, None, int(voxels.sum()), 4 / 3 * float(np.pi) * radius**3)


def _mask_on(path: Path, given: float | None, grid: Grid) -> RegionMask:
    what = f"mask {path}"
    image = open_image(path, "mask")
    if volume_count(image) > 1:
        raise RegionError(f"{what} has {volume_count(image)} volumes; give a mask of one, or name it as an atlas")
    values = read_volumes(image, what)
    scale = infer_map_scale(values, image)
    threshold = mask_threshold(scale, given, what)
    chosen = values > threshold
    if given is None:
        _check_not_inverted(chosen[0], what)
    own = grid_of(image)
    if scale.graded:
        moved = resample_to_grid(values, own, grid, between=True)[0] > threshold
    else:
        moved = resample_to_grid(chosen.astype(np.float64), own, grid, between=False)[0] > 0.5
    return RegionMask.from_map(np.asarray(moved), scale.describe(), threshold, chosen[0], own)


def _check_not_inverted(chosen: Bool[np.ndarray, "i j k"], what: str) -> None:
    """No region holds all corners of the field of view and leaves a hole."""
    corners = chosen[:: max(chosen.shape[0] - 1, 1), :: max(chosen.shape[1] - 1, 1), :: max(chosen.shape[2] - 1, 1)]
    if corners.all() and 0.5 < chosen.mean() < 1:
        raise RegionError(
            f"{what} holds {chosen.mean():.0%} of its field of view with all corners, as an inverted mask does; "
            "invert it, or set the region's threshold if this is meant"
        )


def _inside_box(box: Box | None, hemisphere: str, grid: Grid) -> Bool[np.ndarray, "i j k"]:
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
