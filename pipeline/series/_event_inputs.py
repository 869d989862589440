"""An events table → microtime inputs of a DCM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ..bids import read_events
from ..common import did_you_mean
from ..images import BINS, boxcars, convolve_and_sample

if TYPE_CHECKING:
    import pandas as pd

_LONGEST_REPETITION_TIME = 60.0  # s; above it, it is in ms
_MOST_SCANS = 1_000_000
_LARGEST = 1e12  # s, or height; what is larger is a slip
COLUMNS = ("onset", "duration", "trial_type")
MODULATION = "modulation"


class EventsError(ValueError):
    """An events table that inputs cannot be made from; the message says which row and what to write."""


def inputs_from_events(
    events: pd.DataFrame | str | PathLike[str],
    scans: int,
    repetition_time: float,
    *,
    inputs: Mapping[str, str | Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Inputs of a DCM at 16 bins a scan, as SPM makes them: a box for every event.

    An event begins and ends at the nearest bin edge and lasts one bin at least; where events of one input overlap,
    their heights add up. An event of duration 0 is an impulse of one bin whose area is 1 s. What lies before the first
    scan or after the last is cut off.

    Arguments:
        events: a table with the columns onset (s from the start of the first scan), duration (s) and trial_type, as
            nilearn and BIDS have it, or the path of a BIDS events file. Where either has a column modulation, it is the
            height of the boxes, otherwise 1.
        scans: number of scans.
        repetition_time: s.
        inputs: name of each input → the trial types that it pools; each trial type is an input of its own where None.

    Returns:
        A data frame, bin × input; its index is the time of each bin's beginning, s. The bin width is
        repetition_time / 16.

    Raises `EventsError` where columns are absent or twice there, an onset, duration or modulation is no finite number,
    a duration is negative, an input names a trial type that does not occur, or no event lies within the run;
    `TableError` where a file cannot be read.

    >>> events = pd.DataFrame({"onset": [0, 40], "duration": [20, 20], "trial_type": ["faces", "shapes"]})
    >>> inputs_from_events(events, scans=40, repetition_time=2.0, inputs={"task": ["faces", "shapes"]}).shape
    (640, 1)
    """
    import pandas as pd

    repetition_time = one_number("repetition_time", repetition_time)
    if scans != (scans := int(one_number("scans", scans))) or not 0 < scans <= _MOST_SCANS:
        raise EventsError(f"scans is a whole number of scans, from 1 to {_MOST_SCANS:,}")
    if not (np.isfinite(repetition_time) and repetition_time > 0):
        raise EventsError(f"{scans} scans of {repetition_time:g} s; both must be positive")
    if repetition_time > _LONGEST_REPETITION_TIME:
        raise EventsError(f"a repetition time of {repetition_time:g} s; give seconds, not milliseconds")
    onset, duration, height, kinds = _checked(events)
    series = {}
    for name, members in _pooled(inputs, kinds).items():
        for member in members:
            if member not in kinds:
                raise EventsError(
                    f"input {name!r}: no event has the trial type {member!r}"
                    f"{did_you_mean(member, sorted(set(kinds)), 'trial types')}"
                )
        chosen = np.isin(kinds, members)
        series[name] = boxcars(onset[chosen], duration[chosen], height[chosen], scans, repetition_time)
        if not height[chosen].any():
            raise EventsError(f"input {name!r}: the modulation of all its events is 0; give the heights of its boxes")
        if not series[name].any():
            raise EventsError(
                f"input {name!r}: none of its {int(chosen.sum())} events lies within the run of "
                f"{scans * repetition_time:g} s; onsets count in seconds from the start of the first scan"
            )
    time = pd.Index(np.arange(scans * BINS) * (repetition_time / BINS), name="time")
    return pd.DataFrame(series, index=time)


def convolve_inputs(inputs: pd.DataFrame, repetition_time: float, *, slice_time_ref: float = 0.5) -> pd.DataFrame:
    """Inputs ∗ SPM12's haemodynamic kernel, read once a scan: regressors of a general linear model or of gPPI.

    Arguments:
        inputs: bin × input at 16 bins a scan, as of `inputs_from_events`.
        repetition_time: s.
        slice_time_ref: time within a scan at which it is read, as a share of the repetition time.

    Returns:
        A data frame, scan × input; its index is the time of each scan's beginning, s.

    Raises `ValueError` where the bins are not 16 a scan, or a time is none.
    """
    import pandas as pd

    scans, rest = divmod(len(inputs), BINS)
    if rest or not scans:
        raise ValueError(f"{len(inputs)} bins are no whole number of scans of {BINS} bins; see inputs_from_events")
    if not (np.isfinite(repetition_time) and repetition_time > 0 and 0 <= slice_time_ref <= 1):
        raise ValueError(
            f"a repetition time of {repetition_time:g} s, read at {slice_time_ref:g} of it; give seconds above 0, "
            "and a share from 0 to 1"
        )
    values = {
        name: convolve_and_sample(inputs[name].to_numpy(dtype=np.float64), repetition_time, slice_time_ref, 0)
        for name in inputs.columns
    }
    return pd.DataFrame(values, index=pd.Index(np.arange(scans) * repetition_time, name="time"))


def one_number(what: str, value: object) -> float:
    """`value` as a float; raises `EventsError` where it is a text, several numbers or none."""
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "biuf":
        raise EventsError(f"{what} is one number, not {str(value)[:40]!r}")
    return float(array.item())


def _pooled(inputs: Mapping[str, str | Sequence[str]] | None, kinds: np.ndarray) -> dict[str, tuple[str, ...]]:
    """Name of each input → its trial types, as texts."""
    if inputs is None:
        return {kind: (kind,) for kind in sorted(set(kinds))}
    if not isinstance(inputs, Mapping):
        raise EventsError(
            "inputs is a dictionary, input → trial types, as {'task': ['faces', 'shapes']}, "
            f"not a {type(inputs).__name__}"
        )
    pools = {}
    for name, pool in inputs.items():
        members = tuple(map(str, pool)) if isinstance(pool, Iterable) and not isinstance(pool, str) else (str(pool),)
        if not members:
            raise EventsError(f"input {name!r} has no trial type; name one at least, or leave the input out")
        pools[name] = members
    return pools


def _checked(
    events: pd.DataFrame | str | PathLike[str],
) -> tuple[Float[np.ndarray, "event"], Float[np.ndarray, "event"], Float[np.ndarray, "event"], np.ndarray]:
    """Onset, duration, height and trial type of every event."""
    if isinstance(events, str | PathLike):
        found = read_events(Path(events))
        table = found.of_trial_types(found.trial_types)  # refuses an event without onset or duration, with its line
        heights = table.numbers(MODULATION) if MODULATION in table.columns else np.ones(table.onset.size)
        return table.onset, table.duration, heights, np.array(table.trial_type, dtype=object)
    columns = getattr(events, "columns", None)
    if columns is None:
        raise EventsError(f"events are a data frame or the path of a BIDS events file, not a {type(events).__name__}")
    absent = [column for column in COLUMNS if column not in columns]
    if absent:
        raise EventsError(f"the events lack {', '.join(absent)}; an events table has {', '.join(COLUMNS)}")
    if twice := [column for column in (*COLUMNS, MODULATION) if list(columns).count(column) > 1]:
        raise EventsError(f"the events have two columns called {twice[0]}; rename or drop one")
    if not len(events):
        raise EventsError("the events table has no row")
    onset, duration = _numbers(events, "onset"), _numbers(events, "duration")
    height = _numbers(events, MODULATION) if MODULATION in events.columns else np.ones(len(events))
    if (duration < 0).any():
        row = int(np.argmax(duration < 0))
        raise EventsError(f"row {events.index[row]} of the events has the duration {duration[row]:g}; give 0 or more")
    unnamed = events["trial_type"].isna().to_numpy()
    if unnamed.any():
        raise EventsError(
            f"row {events.index[int(np.argmax(unnamed))]} of the events has no trial type; give one, or leave "
            "such rows out: events.dropna(subset=['trial_type'])"
        )
    return onset, duration, height, events["trial_type"].astype(str).to_numpy(dtype=object)


def _numbers(events: pd.DataFrame, column: str) -> Float[np.ndarray, "event"]:
    import pandas as pd

    if getattr(events[column].dtype, "kind", "O") in "mMc":
        raise EventsError(f"{column} holds {events[column].dtype}; give seconds from the start of the first scan")
    values = pd.to_numeric(events[column], errors="coerce").to_numpy(dtype=np.float64)
    bad = ~np.isfinite(values) | (np.abs(values) > _LARGEST)
    if bad.any():
        row = int(np.argmax(bad))
        found = events[column].iloc[row]
        raise EventsError(
            f"row {events.index[row]} of the events has the {column} "
            f"{found if isinstance(found, float) else repr(found)}; give a number"
        )
    return values
