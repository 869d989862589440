"""Region series from files of every kind, and an events table → what is inverted, without images."""

from ._event_inputs import EventsError, convolve_inputs, inputs_from_events
from ._read_series import read_runs, read_series
from ._region_series import RegionSeries, SeriesError
from ._subject import subject_from_series

__all__ = [
    "EventsError",
    "RegionSeries",
    "SeriesError",
    "convolve_inputs",
    "inputs_from_events",
    "read_runs",
    "read_series",
    "subject_from_series",
]
