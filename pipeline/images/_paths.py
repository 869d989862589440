"""Where an extraction's files lie, by BIDS's names: ``OUT/sub-01/ses-1/func/sub-01_ses-1_task-faces_…``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from ..bids import Run

Stat = Literal["effect", "variance", "t"]
STATS: tuple[Stat, ...] = ("effect", "variance", "t")


def series_path(out: Path, run: Run) -> Path:
    """A run's extraction."""
    return _folder(out, run) / f"{run.label}_desc-effconn_timeseries.nc"


def sidecar_path(out: Path, run: Run) -> Path:
    """What the extraction is, for people and BIDS tools."""
    return series_path(out, run).with_suffix(".json")


def map_paths(out: Path, run: Run, contrast: str) -> dict[Stat, Path]:
    """The maps of a contrast."""
    head = f"{run.label}_contrast-{entity(contrast)}"
    return {stat: _folder(out, run) / f"{head}_stat-{stat}_statmap.nii.gz" for stat in STATS}


def entity(name: str) -> str:
    """A name as a BIDS entity can have it, letters and digits only: ``faces-over-shapes`` → ``facesOverShapes``."""
    first, *rest = [part for part in re.split(r"[^A-Za-z0-9]+", name) if part]
    return first + "".join(part[0].upper() + part[1:] for part in rest)


def _folder(out: Path, run: Run) -> Path:
    return out / run.participant / run.session / "func"
