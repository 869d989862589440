"""A task's conditions and modulators in microtime, from the events of a run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..bids import Events, NothingToModulate, Run, conditions_of, modulator_weights
from ..study import Task
from ._kernel import BINS
from ._microtime import boxcars, lead


@dataclass(frozen=True, eq=False)
class Regressors:
    """Series before convolution.

    Fields:
        series: name → (bin,) of every condition, then of every modulator, that events of the run make differ from zero;
            `before` bins are in front.
        before: bins before the first scan.
    """

    series: Mapping[str, Float[np.ndarray, "bin"]]
    before: int


def regressors_of(run: Run, task: Task, events: Events | None) -> Regressors:
    """Conditions and modulators of a run; none for rest.

    A condition pools the events of the trial types that it merges. A modulator has the boxes of its condition's events,
    as high as its column's value less the mean over these events. Where boxes overlap, their heights add up.
    """
    before = lead(run.repetition_time)
    if events is None:
        return Regressors({}, before)

    def boxes(chosen: Events, weight: np.ndarray) -> np.ndarray:
        return boxcars(chosen.onset, chosen.duration, weight, run.scans, run.repetition_time, before)

    series: dict[str, np.ndarray] = {}
    for name, kinds in conditions_of(task, events).items():
        chosen = events.of(kinds)
        series[name] = boxes(chosen, np.ones(chosen.onset.size))
    for name, modulator in task.modulators.items():
        with suppress(NothingToModulate):  # what is made from it is not to be had of this run
            series[name] = boxes(*modulator_weights(modulator, task, events))
    return Regressors({name: one for name, one in series.items() if one.any()}, before)


def conditions_in(run: Run, regressors: Regressors) -> Float[np.ndarray, "bin condition"]:
    """Every condition and modulator from the first scan on."""
    inside = [one[regressors.before :] for one in regressors.series.values()]
    return np.column_stack(inside) if inside else np.zeros((run.scans * BINS, 0))


def inputs_of(
    run: Run, inputs: Mapping[str, tuple[str, ...]], regressors: Regressors
) -> Float[np.ndarray, "bin input"]:
    """Inputs of a DCM: each the sum of its conditions and modulators from the first scan on; 0 where none occurs."""
    columns = np.zeros((run.scans * BINS, len(inputs)))
    for place, members in enumerate(inputs.values()):
        for member in members:
            if member in regressors.series:
                columns[:, place] += regressors.series[member][regressors.before :]
    return columns
