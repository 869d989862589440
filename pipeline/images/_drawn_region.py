"""A region on a run's grid, and what it was made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from ._grid import Grid


@dataclass(frozen=True, eq=False)
class DrawnRegion:
    """A region on a grid.

    Fields:
        voxels: of the grid that belong.
        scale: what the map was taken for, or which sphere it is, in words.
        threshold: above which a voxel belongs, in the unit of the map; None where there is none.
        whole: voxels of the grid before box and hemisphere.
        volume: of the region in its own file, mm³; None where it has none.
    """

    voxels: Bool[np.ndarray, "i j k"]
    scale: str
    threshold: float | None
    whole: int
    volume: float | None = None

    @classmethod
    def from_map(
        cls,
        voxels: Bool[np.ndarray, "i j k"],
        scale: str,
        threshold: float | None,
        chosen: Bool[np.ndarray, "x y z"],
        own: Grid,
    ) -> DrawnRegion:
        """A map brought to a grid.

        Arguments:
            chosen: voxels that belong on the map's own grid.
            own: that grid.
        """
        return cls(voxels, scale, threshold, int(voxels.sum()), int(chosen.sum()) * own.voxel_volume)

    def words(self) -> str:
        """What it was taken for and where it was cut, such as ``probabilities in percent, up to 100, above 50``."""
        if self.threshold is None or self.scale.startswith("mask"):
            return self.scale
        return f"{self.scale}, above {self.threshold:g}"
