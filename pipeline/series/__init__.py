"""Region series from files of every kind, and an events table → what is inverted, without images."""

from ._collect_series import collect_series
from ._event_inputs import EventsError, convolve_inputs, inputs_from_events
from ._extract_series import extract_region_series, region_series_to_files
from ._read_series import read_series
from ._region_series import RegionSeries, SeriesError
from ._series_starter import find_events, nearby_events, series_starter
from ._subject import subject_from_series
from ._survey_series import SeriesSurvey, find_series_files, survey_lines, survey_series

__all__ = [
    "EventsError",
    "RegionSeries",
    "SeriesError",
    "SeriesSurvey",
    "collect_series",
    "convolve_inputs",
    "extract_region_series",
    "find_events",
    "find_series_files",
    "inputs_from_events",
    "nearby_events",
    "read_series",
    "region_series_to_files",
    "series_starter",
    "subject_from_series",
    "survey_lines",
    "survey_series",
]
