"""What participants see: blocks of faces and shapes, and a Stroop of single trials, as events with response times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ._design import BLOCK, PAUSE, StudyDesign, TaskName

BINS = 16  # microtime bins in a repetition time
TRIAL = 3.0  # s; six of them fill a block
WORD = 1.0  # s; how long a trial of the Stroop is shown
QUIET = 12.0  # s; from the last Stroop trial to the end of the run


@dataclass(frozen=True)
class Event:
    """One trial; times in s."""

    onset: float
    duration: float
    trial_type: str
    response_time: float | None


def draw_events(design: StudyDesign, task: TaskName, rng: np.random.Generator) -> tuple[Event, ...]:
    """The trials of one run; none at rest."""
    length = design.scans(task) * design.spacing(task)
    if task == "faces":
        return _blocks(length, rng)
    return _stroop(length, rng) if task == "stroop" else ()


def inputs_of(
    events: Sequence[Event], conditions: Sequence[Sequence[str]], bins: int, bin_width: float
) -> Float[np.ndarray, "bin input"]:
    """1 in the bins in which a trial of a condition, a set of trial types, is on, and 0 in all others."""
    inputs = np.zeros((bins, len(conditions)))
    for event in events:
        first, last = round(event.onset / bin_width), round((event.onset + event.duration) / bin_width)
        for column, trial_types in enumerate(conditions):
            if event.trial_type in trial_types:
                inputs[first:last, column] = 1
    return inputs


def _blocks(length: float, rng: np.random.Generator) -> tuple[Event, ...]:
    """Pauses and blocks in turn, shapes first; matching faces takes longer than matching shapes."""
    events = []
    for number in range(int(length // (PAUSE + BLOCK))):
        trial_type, usual = ("faces", 1.1) if number % 2 else ("shapes", 0.8)
        start = number * (PAUSE + BLOCK) + PAUSE
        events += [
            Event(start + k * TRIAL, TRIAL, trial_type, _response_time(usual, rng)) for k in range(int(BLOCK / TRIAL))
        ]
    return tuple(events)


def _stroop(length: float, rng: np.random.Generator) -> tuple[Event, ...]:
    """As many congruent as incongruent trials, 2.5 to 4.5 s apart; a trial without an answer now and then."""
    onsets = [6.0]
    while (onset := onsets[-1] + float(rng.integers(25, 46)) / 10) < length - QUIET:
        onsets.append(round(onset, 1))
    kinds = np.resize(["congruent", "incongruent"], len(onsets))
    rng.shuffle(kinds)
    return tuple(
        Event(onset, WORD, str(kind), _response_time(0.85 if kind == "incongruent" else 0.7, rng, lapses=0.04))
        for onset, kind in zip(onsets, kinds, strict=True)
    )


def _response_time(usual: float, rng: np.random.Generator, lapses: float = 0.0) -> float | None:
    """Log-normal about what is usual, s; None where nothing was pressed."""
    drawn, lapse = usual * float(np.exp(rng.normal(0.0, 0.2))), rng.random()
    return None if lapse < lapses else round(drawn, 3)
