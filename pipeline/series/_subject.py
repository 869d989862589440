"""Region series, events and a model in words → a `Subject`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from dcm import SPM12_ECHO_TIME, Data, Subject, concatenate_runs

from ..common import first_names
from ..images import cosine_drifts
from ..study import make_spec
from ._event_inputs import inputs_from_events, one_number
from ._region_series import RegionSeries
from ._scaled_series import scaled_series, shorter_period

if TYPE_CHECKING:
    import pandas as pd


def subject_from_series(
    series: pd.DataFrame | ArrayLike | RegionSeries | Sequence[pd.DataFrame | ArrayLike | RegionSeries],
    events: pd.DataFrame | str | PathLike[str] | Sequence[pd.DataFrame | str | PathLike[str]],
    repetition_time: float | None = None,
    *,
    inputs: Mapping[str, str | Sequence[str]] | None = None,
    a: Literal["full"] | Sequence[str] = "full",
    b: Mapping[str, Sequence[str]] | None = None,
    c: Mapping[str, Sequence[str]],
    d: Mapping[str, Sequence[str]] | None = None,
    regions: Sequence[str] | Mapping[str, Sequence[str | int]] | None = None,
    confounds: pd.DataFrame | ArrayLike | Sequence[pd.DataFrame | ArrayLike | None] | None = None,
    high_pass_period: float | None = 128.0,
    slice_time_ref: float = 0.5,
    echo_time: float = SPM12_ECHO_TIME,
    name: str = "participant",
) -> Subject:
    """A DCM of region series from anywhere: a nilearn masker, XCP-D, CONN, a table.

    Arguments:
        series: (scan, region) series, percent signal change (in SPM's modes, which scale them, arbitrary units do as
            well); a data frame's columns name the regions. Of `read_series`: brought to percent where raw, to a range
            of 4 where arbitrary; scans without a value get a regressor of their own, and drifts are taken out up to
            the period that the file's own filter took out, if that is shorter. Of several runs a list, with lists of
            their events and confounds: they go into one model, as `concatenate_runs` has it.
        events: see `inputs_from_events`.
        repetition_time: s; not needed where the file says.
        inputs: name of each input → the trial types that it pools; each trial type is an input of its own where None.
        a: connections that exist, as ``"vmPFC <- amygdala"`` (to <- from); "full" for all. Self-connections always do.
        b: input → connections that it changes.
        c: input → regions that it drives.
        d: region → connections that it gates.
        regions: their names, where `series` is an array; of `read_series` those to take, or name → columns to average.
        confounds: (scan, confound) nuisance regressors; drifts and the constant are added. fMRIPrep leaves the first
            row of what it computes from scan to scan empty: ``confounds.fillna(0)``.
        high_pass_period: cosines of longer periods, s, are confounds; only a constant where None.
        slice_time_ref: time within a scan that slices were corrected to, as a share of the repetition time.
        echo_time: s; SPM12's fixed 0.04 s by default.
        name: what messages and results call the participant.

    Raises `EventsError`, or `ValueError` saying what is wrong and what there is, where names or shapes do not match.

    >>> subject = subject_from_series(series, events, 2.0, b={"faces": ["amygdala <- vmPFC"]}, c={"faces": ["vmPFC"]})
    >>> posterior = invert(subject)
    """
    if isinstance(events, list | tuple):
        words: dict[str, Any] = {"inputs": inputs, "a": a, "b": b, "c": c, "d": d, "regions": regions}
        words |= {"high_pass_period": high_pass_period, "slice_time_ref": slice_time_ref, "echo_time": echo_time}
        return _of_runs(series, events, confounds, repetition_time, name, words)
    if isinstance(series, RegionSeries):
        found = scaled_series(series, regions)
        values, names = found.values, found.regions
        repetition_time = series.repetition_time if repetition_time is None else repetition_time
        high_pass_period = shorter_period(high_pass_period, series.high_pass_period)
        confounds = _with_spikes(confounds, found.spikes)
    elif isinstance(regions, Mapping):
        raise ValueError("a mapping of regions goes with what read_series returns; name the columns in their order")
    else:
        values, names = _named(series, regions)
    if events is None:
        raise ValueError("a DCM needs events; connectivity at rest is measured by effconn.rest_connectivity")
    slice_time_ref = one_number("slice_time_ref", slice_time_ref)
    if not 0 <= slice_time_ref <= 1:
        raise ValueError(f"slice_time_ref is a share of the repetition time from 0 to 1, not {slice_time_ref:g}")
    scans = values.shape[0]
    if repetition_time is None:
        raise ValueError("the repetition time is not known; give it in seconds: repetition_time=2.0")
    repetition_time = one_number("repetition_time", repetition_time)
    table = inputs_from_events(events, scans, repetition_time, inputs=inputs)
    spec = make_spec(names, list(table.columns), a=a, b=b, c=c, d=d)
    data = Data(
        values,
        table.to_numpy(),
        bin_width=float(table.index[1] - table.index[0]),
        repetition_time=repetition_time,
        confounds=_nuisance(confounds, scans, repetition_time, high_pass_period),
        delays=np.full(len(names), slice_time_ref * repetition_time),
        echo_time=echo_time,
    )
    return Subject(name, spec, data)


def _of_runs(
    series: Any, events: Sequence[Any], confounds: Any, repetition_time: float | None, name: str, words: dict[str, Any]
) -> Subject:
    """One subject of several runs; raises where these are not as many, or of other regions or inputs."""
    confounds = [None] * len(events) if confounds is None else confounds
    for what, given in (("series", series), ("confounds", confounds)):
        if not isinstance(given, list | tuple) or len(given) != len(events):
            raise ValueError(f"events are of {len(events)} runs; give {what} as a list of as many")
    subjects: list[Subject] = []
    for number, (own, of_run, nuisance) in enumerate(zip(series, events, confounds, strict=True), start=1):
        try:
            found = subject_from_series(own, of_run, repetition_time, confounds=nuisance, name=name, **words)
        except ValueError as error:
            raise type(error)(f"run {number}: {error}") from None
        first = subjects[0].spec if subjects else found.spec
        for what, here, there in (
            ("regions", found.spec.regions, first.regions),
            ("inputs", found.spec.inputs, first.inputs),
        ):
            if here != there:
                raise ValueError(f"run {number} has the {what} {', '.join(here)}, but the first {', '.join(there)}")
        subjects.append(found)
    return Subject(name, subjects[0].spec, concatenate_runs([own.data for own in subjects]))


def _with_spikes(
    confounds: pd.DataFrame | ArrayLike | None, spikes: Float[np.ndarray, "scan spike"]
) -> pd.DataFrame | ArrayLike | None:
    """Confounds with a column for each scan that has no value of its own."""
    import pandas as pd

    if not spikes.size:
        return confounds
    columns = pd.DataFrame(spikes, columns=[f"scan_{int(np.argmax(spike)) + 1}" for spike in spikes.T])
    if confounds is None:
        return columns
    given = confounds if isinstance(confounds, pd.DataFrame) else pd.DataFrame(np.asarray(confounds))
    if len(given) != len(columns):
        return confounds  # refused with its shape
    return pd.concat([given.reset_index(drop=True), columns], axis=1)


def _named(series: pd.DataFrame | ArrayLike, regions: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """(scan, region) values and the regions' names; raises where a value is missing or the two do not fit."""
    columns = getattr(series, "columns", None)
    if columns is not None:
        if regions is not None:
            raise ValueError("the data frame's columns name the regions; leave regions out, or rename the columns")
        regions = list(columns)
    if regions is None:
        raise ValueError("name the regions: regions=[...], or give a data frame whose columns are called after them")
    if isinstance(regions, str | set | frozenset):  # letters; an order of chance
        raise ValueError(f"regions are a list of names in the order of the columns, not a {type(regions).__name__}")
    names = tuple(map(str, regions))
    values = _numbers("series", series)
    if not values.size:
        raise ValueError(f"series have shape {values.shape}; give one scan and one region at least")
    if values.ndim != 2:
        raise ValueError(f"series have shape {values.shape}; give (scan, region), one region as table[['vmPFC']]")
    if values.shape[1] != len(names):
        raise ValueError(f"series have shape {values.shape}, but {len(names)} regions are named; give (scan, region)")
    _refuse_missing("series", values, names, "exclude the run or interpolate these scans")
    if constant := [name for name, column in zip(names, values.T, strict=True) if not np.ptp(column)]:
        raise ValueError(f"the series of {', '.join(constant)} are constant; check masks and coverage")
    return values, names


def _nuisance(
    confounds: pd.DataFrame | ArrayLike | None, scans: int, repetition_time: float, high_pass_period: float | None
) -> Float[np.ndarray, "scan confound"]:
    """Confounds, drifts, and the constant last."""
    drifts = np.ones((scans, 1))
    if high_pass_period is not None:
        drifts = cosine_drifts(scans, repetition_time, one_number("high_pass_period", high_pass_period))
    if confounds is None:
        return drifts
    given = _numbers("confounds", confounds)
    if given.ndim != 2 or given.shape[0] != scans:
        raise ValueError(f"confounds have shape {given.shape}, but there are {scans} scans; give (scan, confound)")
    names = tuple(map(str, getattr(confounds, "columns", range(given.shape[1]))))
    _refuse_missing("confounds", given, names, "fill in the first scan, which fMRIPrep leaves empty: .fillna(0)")
    return np.column_stack([given, drifts])


def _numbers(what: str, table: pd.DataFrame | ArrayLike) -> np.ndarray:
    """A table as float64; raises `ValueError`, naming the columns, where some hold anything but numbers."""
    given: Any = table
    dtypes = list(given.dtypes) if hasattr(given, "columns") else [getattr(given, "dtype", None)]
    if {getattr(dtype, "kind", "O") for dtype in dtypes} & set("cmM"):
        raise ValueError(f"{what} must be real numbers, not complex numbers, dates or durations")
    if isinstance(given, np.ma.MaskedArray):
        given = np.ma.filled(given.astype(np.float64), np.nan)
    elif hasattr(given, "columns"):
        given = given.astype(object).where(given.notna(), np.nan)  # pandas' own missing value is no float
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        columns = getattr(table, "dtypes", None)
        texts = [] if columns is None else [str(name) for name, dtype in columns.items() if dtype.kind not in "biuf"]
        raise ValueError(
            f"{what} must be numbers; {', '.join(texts) or f'{type(table).__name__} given'}: {error}"
        ) from error


def _refuse_missing(what: str, values: np.ndarray, names: Sequence[str], remedy: str) -> None:
    """Raises `ValueError` where a value is not finite, naming the columns and the first scan."""
    bad = ~np.isfinite(values)
    if bad.any():
        columns = [name for name, column in zip(names, bad.T, strict=True) if column.any()]
        first = int(np.argmax(bad.any(axis=1)))
        raise ValueError(
            f"{what} hold values that are missing or not finite ({int(bad.sum())}) in {first_names(columns)}, "
            f"first in row {first}; {remedy}"
        )
