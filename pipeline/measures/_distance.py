"""Representational distances, which the extraction has computed from the region's voxels."""

from __future__ import annotations

import numpy as np

from ..images import Extraction
from ..study import Study
from ._measure import Measure

UNIT = "squared noise standard deviations per voxel"


def distance_plan(study: Study) -> list[Measure]:
    """A measure for every task, distance and region."""
    return [
        Measure(
            _name(task, name, region),
            "distance",
            task,
            UNIT,
            f"Crossnobis distance of {distance.between[0]} and {distance.between[1]} in {region}, over "
            f"{distance.folds} of the run; zero on average where the patterns are the same",
            region,
            of=name,
        )
        for task, settings in study.tasks.items()
        for name, distance in settings.distances.items()
        for region in study.regions
    ]


def distance_values(extraction: Extraction) -> dict[str, float]:
    """Measure → value of one run; a distance that it does not have is left out."""
    return {
        _name(extraction.task, name, region): float(extraction.distances[i, j])
        for i, name in enumerate(extraction.distance_names)
        for j, region in enumerate(extraction.regions)
        if np.isfinite(extraction.distances[i, j])
    }


def _name(task: str, distance: str, region: str) -> str:
    return f"distance_{task}_{distance}_{region}"
