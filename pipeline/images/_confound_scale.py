"""The units of a run's motion: whether framewise displacement follows from the motion parameters and is in mm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from ..bids import Confounds

HEAD = 50.0  # mm, the radius on which a rotation counts as displacement
MOST_MEAN, LEAST_MEAN = 5.0, 0.002  # mm, of framewise displacement; 0.05 … 0.5 is usual
MOST_ROTATION = 1.0  # rad, within a run; nobody turns their head by 57° in a coil
AGREES = 0.15  # by which a displacement may differ from the one of its parameters
_UNITS = {  # factors that make translations mm, rotations rad and displacement mm
    "rotations are in degrees, not radians": (1.0, np.pi / 180, 1.0),
    "translations are in m, not mm": (1000.0, 1.0, 1.0),
    "translations are in cm, not mm": (10.0, 1.0, 1.0),
    "framewise displacement is in cm, not mm": (1.0, 1.0, 10.0),
    "framewise displacement is in m, not mm": (1.0, 1.0, 1000.0),
    "framewise displacement is in µm, not mm": (1.0, 1.0, 1e-3),
}


def motion_remarks(confounds: Confounds) -> Iterator[str]:
    """What is unlikely of a run's motion, a line each.

    Framewise displacement is the sum of the absolute changes of three translations, mm, and of three rotations, rad,
    on a sphere of 50 mm.

    Source: Power et al. 2012, NeuroImage 59, 2142–2154.
    """
    displacement = confounds.framewise_displacement
    if confounds.motion is not None:
        wrong = _wrong_unit(confounds.motion, displacement)
        if wrong:
            yield wrong
            return
    mean = float(np.nanmean(displacement)) if np.isfinite(displacement).any() else 0.0
    if mean > MOST_MEAN or 0 < mean < LEAST_MEAN:
        yield (
            f"mean framewise displacement is {mean:.3g} mm, where 0.05 to 0.5 is usual; check that it is in mm, as "
            "censor_above is"
        )


def _wrong_unit(motion: Float[np.ndarray, "scan 6"], displacement: Float[np.ndarray, "scan"]) -> str | None:
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
