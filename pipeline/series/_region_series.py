"""Region series of one run as a file holds them, and what the file says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from ..common import did_you_mean, first_names, message_line

Unit = Literal["percent", "raw", "arbitrary"]
UNITS: tuple[Unit, ...] = ("percent", "raw", "arbitrary")
MOST_SCANS = 1_000_000
STANDARDISED = 0.01  # by which standard deviations that are all 1 may differ from it
FAR_FROM_ZERO = 3.0  # standard deviations between a mean and zero, from which a series has kept its mean


class SeriesError(ValueError):
    """A file of region series that cannot be used: file, problem and remedy in one line."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(message_line(" ".join(f"{path.name}: {problem}".split())))
        self.path = path


@dataclass(frozen=True, eq=False)
class RegionSeries:
    """One run: series of its regions, with every scan there was.

    Fields:
        path: the file.
        kind: what it is: ``table``, ``XCP-D``, ``CONN``, ``NetCDF``, ``NumPy`` or ``effconn``.
        values: (scan, region) as stored; NaN where the file has none, as in scans that were cut out.
        regions: names of the columns, all different; numbers from 1 where the file has none.
        entities: parts of its name as BIDS has them, such as ``{"sub": "01", "task": "rest"}``.
        repetition_time: s; None where the file does not say.
        unit: ``percent`` signal change, ``raw`` as the scanner counts, or ``arbitrary``; None where it does not say.
        estimated: scans, from 0, whose values stand for a scan that was left out, such as interpolated ones.
        high_pass_period: s, beyond which a filter took everything out already; None where the file does not say.
        low_pass_frequency: Hz, above which it did; None likewise.
        framewise_displacement: (scan,) mm, NaN where not known; None where no file has it.
        remarks: what was inferred, a line each.
        files: every file that was read for it.
    """

    path: Path
    kind: str
    values: Float[np.ndarray, "scan region"]
    regions: tuple[str, ...]
    entities: Mapping[str, str] = field(default_factory=dict)
    repetition_time: float | None = None
    unit: Unit | None = None
    estimated: tuple[int, ...] = ()
    high_pass_period: float | None = None
    low_pass_frequency: float | None = None
    framewise_displacement: Float[np.ndarray, "scan"] | None = None
    remarks: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        values = self.values
        if values.ndim != 2 or not values.size:
            raise SeriesError(self.path, f"has series of shape {values.shape}; give (scan, region)")
        if values.shape[0] > MOST_SCANS:
            raise SeriesError(self.path, f"has {values.shape[0]:,} scans; give one run, scans in rows")
        if len(self.regions) != values.shape[1]:
            raise SeriesError(self.path, f"names {len(self.regions)} regions for {values.shape[1]} columns")
        if twice := sorted({name for name in self.regions if self.regions.count(name) > 1}):
            raise SeriesError(self.path, f"has several columns called {first_names(twice)}; give each its own name")
        if np.isinf(values).any():
            scan, region = np.argwhere(np.isinf(values))[0]
            raise SeriesError(self.path, f"{self.regions[region]} is infinite in scan {scan + 1}; correct it")

    @property
    def scans(self) -> int:
        """How many there are, those without a value too."""
        return int(self.values.shape[0])

    @property
    def empty_regions(self) -> tuple[str, ...]:
        """Regions without any value, such as parcels outside the images."""
        return tuple(name for name, gone in zip(self.regions, np.isnan(self.values).all(axis=0), strict=True) if gone)

    @property
    def missing(self) -> tuple[int, ...]:
        """Scans, from 0, without a value in a region that has others, and those whose values are estimates."""
        lacking = np.isnan(self.values) & ~np.isnan(self.values).all(axis=0)
        return tuple(sorted({*np.flatnonzero(lacking.any(axis=1)).tolist(), *self.estimated}))

    @property
    def likely_unit(self) -> Unit:
        """What the numbers look like, where the file does not say.

        Raw where series lie far from zero for their standard deviation, arbitrary where all vary by 1 or by more than
        10, else percent.
        """
        if self.unit is not None:
            return self.unit
        kept = self.values[:, ~np.isnan(self.values).all(axis=0)]
        if not kept.size:
            return "arbitrary"
        deviations = np.nanstd(kept, axis=0)
        spread = float(np.median(deviations))
        if np.median(np.abs(np.nanmean(kept, axis=0))) > FAR_FROM_ZERO * spread and spread > 0:
            return "raw"
        standardised = bool((np.abs(deviations - 1) < STANDARDISED).all())
        return "arbitrary" if standardised or not 0.01 < spread < 10 else "percent"

    def column(self, wanted: str | int) -> Float[np.ndarray, "scan"]:
        """One column, by name or by number from 1; raises `SeriesError` where there is none."""
        if isinstance(wanted, int):
            if not 1 <= wanted <= len(self.regions):
                raise SeriesError(self.path, f"has no column {wanted}; it has {len(self.regions)}, counted from 1")
            return self.values[:, wanted - 1]
        if wanted not in self.regions:
            tip = did_you_mean(wanted, list(self.regions), "regions")
            raise SeriesError(self.path, f"has no region {wanted!r}{tip}")
        return self.values[:, self.regions.index(wanted)]

    def select(self, regions: Mapping[str, Sequence[str | int]]) -> tuple[RegionSeries, tuple[str, ...]]:
        """The same run with regions of one's own, each the mean of some columns, and a line for what they lack.

        Columns without any value are left out of a mean of several.

        Raises `SeriesError` where a column does not exist, or none of a region's has values.
        """
        chosen, lines = {}, []
        for name, wanted in regions.items():
            columns = np.column_stack([self.column(column) for column in wanted])
            there = ~np.isnan(columns).all(axis=0)
            if not there.any():
                empty = first_names(list(map(str, wanted)))
                raise SeriesError(
                    self.path, f"region {name}: {empty} has no value in this run; leave it out, or the run"
                )
            if not there.all():
                lines.append(
                    f"{name}: {int((~there).sum())} of its {len(wanted)} columns have no value; mean of the others"
                )
            chosen[name] = columns[:, there].mean(axis=1)
        values = np.column_stack(list(chosen.values()))
        return replace(self, values=values, regions=tuple(chosen)), tuple(lines)

    def filled(self) -> tuple[Float[np.ndarray, "scan region"], tuple[int, ...]]:
        """Values with a number in every scan, and the scans, from 0, that had none or an estimate.

        What is missing is interpolated linearly between the scans around it. Such a scan is to have a regressor of its
        own, and then the number in it makes no difference to any estimate.

        Raises `SeriesError` where a region has no value at all, or fewer than two.
        """
        values, scans = self.values.copy(), np.arange(self.scans)
        for name, column in zip(self.regions, values.T, strict=True):
            known = ~np.isnan(column)
            if known.sum() < 2:
                raise SeriesError(self.path, f"region {name} has {int(known.sum())} values; leave it out, or the run")
            column[~known] = np.interp(scans[~known], scans[known], column[known])
        return values, self.missing
