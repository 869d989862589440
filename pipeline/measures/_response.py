"""Regional responses: mean of a contrast's effect over a region's voxels."""

from __future__ import annotations

from ..images import Extraction
from ..study import Study
from ._measure import PERCENT, Measure


def response_plan(study: Study) -> list[Measure]:
    """A measure for every task, contrast and region."""
    return [
        Measure(
            _name(task, contrast, region),
            "response",
            task,
            PERCENT,
            f"Effect of {text} in {region}, mean over its voxels",
            region,
            of=contrast,
        )
        for task, settings in study.tasks.items()
        for contrast, text in settings.contrasts.items()
        for region in study.regions
    ]


def response_values(extraction: Extraction) -> dict[str, float]:
    """Measure → value of one run."""
    return {
        _name(extraction.task, contrast, region): float(extraction.responses[i, j])
        for i, contrast in enumerate(extraction.contrasts)
        for j, region in enumerate(extraction.regions)
    }


def _name(task: str, contrast: str, region: str) -> str:
    return f"response_{task}_{contrast}_{region}"
