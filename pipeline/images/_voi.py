"""The series of every region of one run, as a DCM takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..study import Region
from ._draw import Masks
from ._eigenvariate import Eigenvariate, eigenvariate, without
from ._error import ExtractionError
from ._voxels import Voxels


@dataclass(frozen=True, eq=False)
class Coverage:
    """What a run has of a region.

    Fields:
        columns: of the brain's series that are used.
        size: voxels that the region has on the run's grid.
        inside: of them inside the brain mask.
        centre: (3,) of the voxels used, mm.
    """

    columns: np.ndarray
    size: int
    inside: int
    centre: Float[np.ndarray, "3"]

    @property
    def share(self) -> float:
        """Of the region inside the brain mask."""
        return self.inside / self.size

    @property
    def dropped(self) -> int:
        """Voxels inside the brain mask that are constant or not finite."""
        return self.inside - self.columns.size


def cover(label: str, regions: Mapping[str, Region], masks: Masks, voxels: Voxels) -> dict[str, Coverage]:
    """What a run has of every region.

    Raises `ExtractionError` that names every region of which it has too little.
    """
    found, problems = {}, []
    for name, region in regions.items():
        mask = masks[name]
        columns = voxels.positions(mask)
        inside, size = int((mask & voxels.inside).sum()), int(mask.sum())
        if inside < region.least_coverage * size or inside == 0:
            problems.append(
                f"{name} has {inside / size:.0%} of its {size} voxels inside the brain mask "
                f"(least_coverage is {region.least_coverage:.0%})"
            )
        elif columns.size < region.least_voxels:
            spoilt = f", and {inside - columns.size} are constant or not finite" if inside > columns.size else ""
            problems.append(
                f"{name} has {columns.size} voxels that can be used{spoilt} (least_voxels is {region.least_voxels})"
            )
        else:
            used = mask & voxels.usable
            found[name] = Coverage(columns, size, inside, voxels.grid.places()[used].mean(axis=0))
    if problems:
        raise ExtractionError(
            f"{label}: region {'; region '.join(problems)}; look at the brain mask and signal there, change the region "
            "or exclude the run"
        )
    return found


def means_of(covered: Mapping[str, Coverage], voxels: Voxels, scale: float) -> Float[np.ndarray, "scan region"]:
    """Mean over the voxels of every region, times `scale`; nothing is taken out."""
    means = [voxels.series[:, one.columns].mean(axis=1, dtype=np.float64) * scale for one in covered.values()]
    return np.column_stack(means)


def series_of(
    label: str,
    covered: Mapping[str, Coverage],
    voxels: Voxels,
    scale: float,
    whiten: Float[np.ndarray, "scan scan"],
    confounds: Float[np.ndarray, "scan confound"],
) -> dict[str, Eigenvariate]:
    """The first eigenvariate of every region, whitened and adjusted.

    Arguments:
        scale: that makes the series percent of the run's mean.
        whiten: W of `whitener`.
        confounds: X0, whitened, drifts among them.

    Raises `ExtractionError` where nothing is left of a region's signal.
    """
    found = {}
    for name, coverage in covered.items():
        raw = whiten @ (voxels.series[:, coverage.columns].astype(np.float64) * scale)
        adjusted = without(raw, confounds)
        if np.abs(adjusted).max() <= 1e-10 * np.abs(raw).max():
            raise ExtractionError(
                f"{label}: the confounds explain all signal of region {name}; take fewer confounds or exclude the run"
            )
        found[name] = eigenvariate(adjusted)
    return found
