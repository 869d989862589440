"""Region series, events and a model in words → a `Subject`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from dcm import SPM12_ECHO_TIME, Data, Subject

from ..images import cosine_drifts
from ..study import make_spec
from ._inputs import inputs_from_events

if TYPE_CHECKING:
    import pandas as pd


def subject_from_series(
    series: pd.DataFrame | ArrayLike,
    events: pd.DataFrame | str | PathLike[str],
    repetition_time: float,
    *,
    inputs: Mapping[str, str | Sequence[str]] | None = None,
    a: Literal["full"] | Sequence[str] = "full",
    b: Mapping[str, Sequence[str]] | None = None,
    c: Mapping[str, Sequence[str]],
    d: Mapping[str, Sequence[str]] | None = None,
    regions: Sequence[str] | None = None,
    confounds: pd.DataFrame | ArrayLike | None = None,
    high_pass_period: float | None = 128.0,
    slice_time_ref: float = 0.5,
    echo_time: float = SPM12_ECHO_TIME,
    name: str = "participant",
) -> Subject:
    """A DCM of region series from anywhere: a nilearn masker, XCP-D, CONN, a table.

    Arguments:
        series: (scan, region) series, percent signal change or arbitrary units; a data frame's columns name the
            regions.
        events: see `inputs_from_events`.
        repetition_time: s.
        inputs: name of each input → the trial types that it pools; each trial type is an input of its own where None.
        a: connections that exist, as ``"vmPFC <- amygdala"`` (to <- from); "full" for all. Self-connections always do.
        b: input → connections that it changes.
        c: input → regions that it drives.
        d: region → connections that it gates.
        regions: their names, where `series` is an array.
        confounds: (scan, confound) nuisance regressors; drifts and the constant are added.
        high_pass_period: cosines of longer periods, s, are confounds; only a constant where None.
        slice_time_ref: time within a scan that slices were corrected to, as a share of the repetition time.
        echo_time: s; SPM12's fixed 0.04 s by default.
        name: what messages and results call the participant.

    Raises `EventsError`, or `ValueError` naming everything that is wrong, where names or shapes do not match.

    >>> subject = subject_from_series(series, events, 2.0, b={"faces": ["amygdala <- vmPFC"]}, c={"faces": ["vmPFC"]})
    >>> posterior = invert(subject)
    """
    values, names = _named(series, regions)
    if values.ndim != 2:
        raise ValueError(f"series must be (scan, region), but have {values.ndim} axes")
    if not 0 <= slice_time_ref <= 1:
        raise ValueError(f"slice_time_ref is a share of the repetition time from 0 to 1, not {slice_time_ref:g}")
    scans = values.shape[0]
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


def _named(series: pd.DataFrame | ArrayLike, regions: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """(scan, region) values and the regions' names."""
    columns = getattr(series, "columns", None)
    values = np.asarray(series, dtype=np.float64)
    if columns is not None:
        if regions is not None:
            raise ValueError("the data frame's columns name the regions; leave regions out, or rename the columns")
        return values, tuple(map(str, columns))
    if regions is None:
        raise ValueError("name the regions: regions=[...], or give a data frame whose columns are called after them")
    return values, tuple(regions)


def _nuisance(
    confounds: pd.DataFrame | ArrayLike | None, scans: int, repetition_time: float, high_pass_period: float | None
) -> Float[np.ndarray, "scan confound"]:
    """Confounds, drifts, and the constant last."""
    drifts = np.ones((scans, 1))
    if high_pass_period is not None:
        drifts = cosine_drifts(scans, repetition_time, high_pass_period)
    if confounds is None:
        return drifts
    given = np.asarray(confounds, dtype=np.float64)
    if given.ndim != 2 or given.shape[0] != scans:
        raise ValueError(f"confounds have shape {given.shape}, but there are {scans} scans; give (scan, confound)")
    return np.column_stack([given, drifts])
