"""The units of a run: images in percent of the run's mean, motion in mm, and what is unlikely of either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..bids import DataError, ImageRun, RunConfounds, read_confounds
from ..study import Study
from ._grid import ExtractionError, run_grids
from ._voxels import read_first_scans, read_mask, voxel_blocks

MOST_SPREAD, LEAST_SPREAD = 20.0, 0.01  # percent of the mean, of a voxel over scans; 0.5 … 5 is usual
MOST_RANGE, LEAST_RANGE = 20.0, 0.01  # percent, of a region's series from its least to its greatest value
DARK, MOST_DARK = 1 / 8, 0.3  # of the mean, below which a voxel is air; share of such voxels in a brain mask
LEAST_LEVEL = 20.0  # percent of the run's mean, below which a region has lost its signal

HEAD = 50.0  # mm, the radius on which a rotation counts as displacement
MOST_MEAN, LEAST_MEAN = 5.0, 0.002  # mm, of framewise displacement; 0.05 … 0.5 is usual
MOST_ROTATION = 1.0  # rad, within a run; a head cannot turn by 57° in a coil
AGREES = 0.15  # by which a displacement may differ from the one of its parameters
_UNITS = {  # factors that make translations mm, rotations rad and displacement mm
    "rotations are in degrees, not radians": (1.0, np.pi / 180, 1.0),
    "translations are in m, not mm": (1000.0, 1.0, 1.0),
    "translations are in cm, not mm": (10.0, 1.0, 1.0),
    "framewise displacement is in cm, not mm": (1.0, 1.0, 10.0),
    "framewise displacement is in m, not mm": (1.0, 1.0, 1000.0),
    "framewise displacement is in µm, not mm": (1.0, 1.0, 1e-3),
}
SCANS = 12  # that are read of the images


@dataclass(frozen=True)
class SignalScale:
    """The unit of one run's images.

    Fields:
        mean: over the voxels of the brain and all scans, in the unit of the images.
        spread: standard deviation over scans of an average voxel, percent of the mean.
        dark: share of voxels whose own mean is less than an eighth of that.
    """

    mean: float
    spread: float
    dark: float

    @property
    def percent(self) -> float:
        """Percent of the mean per unit of the images."""
        return 100.0 / self.mean


def signal_scale(label: str, series: Float[np.ndarray, "scan voxel"]) -> SignalScale:
    """The scale of a run's images.

    Arguments:
        series: of the voxels of the brain, as stored.

    Raises `ExtractionError` where there is no percent of the mean, as the mean was removed.
    """
    parts = [(block.mean(axis=0), block.std(axis=0)) for block in voxel_blocks(series, 1.0)]
    means, spreads = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    mean, typical = float(means.mean()), float(spreads.mean())
    if mean <= typical:
        raise ExtractionError(
            f"{label}: the mean over brain and scans is {mean:.3g}, no more than the spread over scans "
            f"({typical:.3g}), so there is no percent of it; {_why_no_percent(mean, typical)}; give images with their "
            "mean, such as fMRIPrep's desc-preproc_bold"
        )
    return SignalScale(mean, 100 * typical / mean, float((means < DARK * mean).mean()))


def _why_no_percent(mean: float, typical: float) -> str:
    if mean < -typical:
        return "a negative mean is no signal of a scanner"
    if abs(typical - 1) < 0.1:
        return "images whose voxels have a spread of 1 were standardised (z-scores)"
    return "these images were demeaned, as denoised images often are"


def signal_remarks(scale: SignalScale) -> Iterator[str]:
    """What is unlikely of a run's images, a line each."""
    if scale.spread > MOST_SPREAD:
        yield (
            f"voxels vary by {scale.spread:.3g} % of the run's mean over scans, where 0.5 to 5 % is usual; check that "
            "the images keep their mean"
        )
    if scale.spread < LEAST_SPREAD:
        yield (
            f"voxels vary by {scale.spread:.2g} % of the run's mean over scans, where 0.5 to 5 % is usual; check the "
            "images' scale, such as an offset that was added"
        )
    if scale.dark > MOST_DARK:
        yield (
            f"{scale.dark:.0%} of the brain mask's voxels have less than an eighth of its mean signal, so that percent "
            "of the mean are too large; check that the brain mask holds no air"
        )


def series_remarks(
    series: Mapping[str, Float[np.ndarray, "scan"]], means: Float[np.ndarray, "scan region"]
) -> Iterator[str]:
    """Regions whose series, or level, is unlikely in percent of the run's mean, a line each.

    Arguments:
        series: of each region, adjusted.
        means: of the regions in the same order, neither whitened nor adjusted.
    """
    for (name, values), level in zip(series.items(), means.mean(axis=0), strict=True):
        reach = float(np.ptp(values))
        if reach > MOST_RANGE or reach < LEAST_RANGE:
            yield (
                f"region {name}: its series ranges over {reach:.3g} % of the run's mean, where 1 to 10 % is usual; "
                + ("check the images' scale, and motion" if reach > MOST_RANGE else "check the images' scale")
            )
        if level < LEAST_LEVEL:
            yield (
                f"region {name}: its mean signal is {level:.3g} % of the brain's; check that it lies in the brain and "
                "has not lost its signal"
            )


def motion_remarks(confounds: RunConfounds) -> Iterator[str]:
    """What is unlikely of a run's motion, a line each.

    Framewise displacement is the sum of the absolute changes of three translations, mm, and of three rotations, rad,
    on a sphere of 50 mm.

    Source: Power et al. 2012, NeuroImage 59, 2142–2154.
    """
    displacement = confounds.framewise_displacement
    if confounds.motion is not None:
        wrong = _likely_unit_error(confounds.motion, displacement)
        if wrong:
            yield wrong
            return
    mean = float(np.nanmean(displacement)) if np.isfinite(displacement).any() else 0.0
    if mean > MOST_MEAN or 0 < mean < LEAST_MEAN:
        yield (
            f"mean framewise displacement is {mean:.3g} mm, where 0.05 to 0.5 is usual; check that it is in mm, as "
            "censor_above is"
        )


def _likely_unit_error(motion: Float[np.ndarray, "scan 6"], displacement: Float[np.ndarray, "scan"]) -> str | None:
    """Which unit explains a displacement that its parameters do not; None where they do, or none does."""
    steps = np.abs(np.diff(motion, axis=0))
    moved, turned = steps[:, :3].sum(axis=1), HEAD * steps[:, 3:].sum(axis=1)
    own = displacement[1:]
    if not np.isfinite(own).all() or not np.isfinite(steps).all() or not own.any():
        return None

    def agrees(translation: float, rotation: float, unit: float) -> bool:
        expected = translation * moved + rotation * turned
        error = np.abs(unit * own - expected).mean()
        return bool(error <= AGREES * max(expected.mean(), unit * own.mean()))

    if agrees(1.0, 1.0, 1.0):
        turn = float(np.ptp(motion[:, 3:], axis=0).max())
        if turn <= MOST_ROTATION:
            return None
        return f"motion parameters: a rotation of {turn:.3g} rad is more than a head can do; fMRIPrep's are in radians"
    cause = next((words for words, factors in _UNITS.items() if agrees(*factors)), None)
    if cause is not None:
        return f"motion parameters: {cause}, as the one follows from the other then; correct the table of confounds"
    expected = float((moved + turned).mean())
    if 0.25 * expected <= own.mean() <= 4 * expected:  # of another definition, such as FSL's
        return None
    return (
        f"mean framewise displacement is {own.mean():.3g}, but the motion parameters (mm, radians) give "
        f"{expected:.3g} mm; check the units in the table of confounds"
    )


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


def measure_run_scale(study: Study, run: ImageRun) -> RunScale:
    """The units of one run; what cannot be read is a remark."""
    mean = spread = displacement = float("nan")
    count = 0
    remarks: list[str] = []
    try:
        inside = read_mask(run.brain_mask, run_grids([run])[0], run.label)
        signal = signal_scale(run.label, read_first_scans(run.bold, inside, run.label, SCANS))
        mean, spread = signal.mean, signal.spread
        remarks += [f"{run.label}: {remark}" for remark in signal_remarks(signal)]
    except ExtractionError as error:
        remarks.append(str(error))
    try:
        found = read_confounds(run, study)
        count = len(found.names)
        known = found.framewise_displacement[np.isfinite(found.framewise_displacement)]
        displacement = float(known.mean()) if known.size else displacement
        remarks += [f"{run.label}: {remark}" for remark in motion_remarks(found)]
        remarks += _censoring_remarks(study, known)
    except DataError as error:
        remarks.append(f"{run.label}: {error}")
    return RunScale(run.label, mean, spread, displacement, count, tuple(remarks))


def _censoring_remarks(study: Study, displacement: np.ndarray) -> list[str]:
    """A limit on displacement that no scan, or nearly every scan, exceeds."""
    limit = study.confounds.censor_above
    if limit is None or not displacement.size:
        return []
    if 0.05 <= limit <= 5:
        return []
    share = float((displacement > limit).mean())
    return [f"[confounds] censor_above is {limit:g} mm, above which {share:.0%} of the scans lie; it is in mm"]
