"""Region series in the unit that priors are in, and a regressor for each scan that has no value of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ._region_series import RegionSeries, SeriesError, Unit

LARGEST = 1e12  # of a signal in whatever unit
RANGE = 4.0  # of all regions of a run whose unit is arbitrary; that to which SPM scales whatever it inverts


@dataclass(frozen=True, eq=False)
class ScaledSeries:
    """Series of a run as they are modelled.

    Fields:
        values: (scan, region) percent signal change, or for an arbitrary unit of a range of 4 over all regions.
        regions: their names.
        unit: what they were in.
        factor: that those in an arbitrary unit were multiplied by; 1 for others.
        spikes: (scan, spike) a column for each scan without a value of its own: 1 there, 0 elsewhere.
        missing: numbers of these scans, from 0.
        remarks: what columns lack, a line each.
    """

    values: Float[np.ndarray, "scan region"]
    regions: tuple[str, ...]
    unit: Unit
    factor: float
    spikes: Float[np.ndarray, "scan spike"]
    missing: tuple[int, ...]
    remarks: tuple[str, ...]


def scaled_series(
    series: RegionSeries,
    regions: Sequence[str] | Mapping[str, Sequence[str | int]] | None = None,
    unit: Unit | None = None,
) -> ScaledSeries:
    """The series of some regions, ready to be modelled.

    Raw series become 100 (y / mean − 1), with each region's own mean over the scans that have a value. Series in an
    arbitrary unit, such as standardised ones, are multiplied by one number for all regions of the run, so that they
    range over 4: connectivity in Hz keeps its meaning, driving inputs are relative to that range.

    Arguments:
        regions: names of columns, or name → the columns that it is the mean of; all that have values where None.
        unit: what the values are in; what the file says, or else looks like, where None.

    Raises `SeriesError` where a region is absent, without values or constant, or raw series have no positive mean.
    """
    if regions is None:
        regions = [name for name in series.regions if name not in series.empty_regions]
    wanted = regions if isinstance(regions, Mapping) else {str(name): (name,) for name in regions}
    unit = series.likely_unit if unit is None else unit
    chosen, remarks = series.select(wanted)
    values, missing = chosen.filled()
    measured = np.setdiff1d(np.arange(chosen.scans), missing)
    if measured.size < 2:
        raise SeriesError(series.path, f"{len(missing)} of {chosen.scans} scans have no value; leave the run out")
    if (most := np.abs(values[measured]).max()) > LARGEST:
        raise SeriesError(series.path, f"its numbers reach {most:.3g}, as no signal does; save it again")
    spans = np.ptp(values[measured], axis=0)
    if not spans.all():
        name = chosen.regions[int(np.argmin(spans))]
        raise SeriesError(series.path, f"region {name} is constant; check its mask, or leave it out")
    if twins := _twins(values):
        remarks = (*remarks, f"regions {' and '.join(chosen.regions[place] for place in twins)} have the same series")
    factor = 1.0
    if unit == "raw":
        means = values[measured].mean(axis=0)
        if (means <= 0).any():
            name = chosen.regions[int(np.argmax(means <= 0))]
            problem = (
                f"the mean of {name} is not positive, so it is no raw signal; say that the unit is percent or arbitrary"
            )
            raise SeriesError(series.path, problem)
        values = 100 * (values / means - 1)
    elif unit == "arbitrary":
        values = values - values[measured].mean(axis=0)
        factor = RANGE / float(np.ptp(values[measured]))
        values = values * factor
    spikes = np.zeros((chosen.scans, len(missing)))
    spikes[list(missing), np.arange(len(missing))] = 1
    return ScaledSeries(values, chosen.regions, unit, factor, spikes, missing, remarks)


def _twins(values: Float[np.ndarray, "scan region"]) -> tuple[int, int] | None:
    """The first two regions whose series are one."""
    for place in range(1, values.shape[1]):
        for other in range(place):
            if np.array_equal(values[:, place], values[:, other]):
                return other, place
    return None


def shorter_period(*periods: float | None) -> float | None:
    """The shortest of some high-pass periods, s; None where there is none.

    What a filter has taken out of series is missing from a model of them only if it is taken out of that as well.
    """
    return min((period for period in periods if period is not None), default=None)
