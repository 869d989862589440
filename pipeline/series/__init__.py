"""Region series and an events table → what is inverted, without images."""

from ._event_inputs import EventsError, convolve_inputs, inputs_from_events
from ._subject import subject_from_series

__all__ = ["EventsError", "convolve_inputs", "inputs_from_events", "subject_from_series"]
