"""What `benchmarks.alternatives` gives to programs that know events instead of inputs."""

from __future__ import annotations

import numpy as np

from benchmarks import alternatives
from benchmarks._models import BINS, REPETITION_TIME, block_inputs


def test_events_are_the_blocks_of_pictures_and_words() -> None:
    scans = 60
    seconds = (np.arange(scans * BINS) + 0.5) * REPETITION_TIME / BINS - REPETITION_TIME
    later = seconds > 0  # a block's part before the first scan is cut off
    inputs = block_inputs(scans)[:, 1:] > 0
    for k, events in enumerate(alternatives._events(scans)):
        assert np.all(np.diff(events[:, 0]) > events[:-1, 1])
        inside = ((seconds[:, None] >= events[:, 0]) & (seconds[:, None] < events[:, :2].sum(axis=1))).any(axis=1)
        assert np.mean(inside[later] != inputs[later, k]) < 0.01


def test_errors_are_of_connections_between_regions() -> None:
    truth = np.array([np.eye(4) + 0.5 * np.eye(4, k=1)])
    found = truth + 3.0 * np.eye(4) + 0.25 * np.eye(4, k=1) + np.eye(4, k=2)
    assert alternatives._accuracy(found, truth)["rms_error_Hz"] == 0.25
