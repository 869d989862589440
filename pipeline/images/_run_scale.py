"""The units of one run before anything runs: of its images, from the first scans, and of its confounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..bids import DataError, Run, read_confounds
from ..study import Study
from ._confound_scale import motion_remarks
from ._error import ExtractionError
from ._grid import grids_of
from ._signal_scale import signal_remarks, signal_scale
from ._voxels import read_first_scans, read_mask

SCANS = 12  # that are read of the images


@dataclass(frozen=True)
class RunScale:
    """What the numbers of a run are.

    Fields:
        run: its label.
        mean: of the brain over the first scans, in the unit of the images; NaN where that cannot be had.
        spread: of an average voxel over these scans, percent of the mean; NaN likewise.
        displacement: mean framewise displacement, mm; NaN likewise.
        confounds: number of confounds of the study's strategy.
        remarks: what is unlikely of these, a line each.
    """

    run: str
    mean: float
    spread: float
    displacement: float
    confounds: int
    remarks: tuple[str, ...]


def run_scale(study: Study, run: Run) -> RunScale:
    """The units of one run; what cannot be read is a remark."""
    mean = spread = displacement = float("nan")
    count = 0
    remarks: list[str] = []
    try:
        inside = read_mask(run.brain_mask, grids_of([run])[0], run.label)
        signal = signal_scale(run.label, read_first_scans(run.bold, inside, run.label, SCANS))
        mean, spread = signal.mean, signal.spread
        remarks += [f"{run.label}: {one}" for one in signal_remarks(signal)]
    except ExtractionError as error:
        remarks.append(str(error))
    try:
        found = read_confounds(run, study)
        count = len(found.names)
        known = found.framewise_displacement[np.isfinite(found.framewise_displacement)]
        displacement = float(known.mean()) if known.size else displacement
        remarks += [f"{run.label}: {one}" for one in motion_remarks(found)]
        remarks += _censoring(study, known)
    except DataError as error:
        remarks.append(f"{run.label}: {error}")
    return RunScale(run.label, mean, spread, displacement, count, tuple(remarks))


def _censoring(study: Study, displacement: np.ndarray) -> list[str]:
    """A limit that nobody can reach, or nobody can keep to."""
    limit = study.confounds.censor_above
    if limit is None or not displacement.size:
        return []
    if 0.05 <= limit <= 5:
        return []
    share = float((displacement > limit).mean())
    return [f"[confounds] censor_above is {limit:g} mm, above which {share:.0%} of the scans lie; it is in mm"]
