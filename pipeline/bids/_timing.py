"""How a run was timed, by its sidecars and its header: repetition time, echo time, where slices were corrected to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._readable import read_sidecar
from ._words import DataError

MIDDLE = 0.5
_SAME = 1e-3  # s: headers hold 32-bit numbers, sidecars rounded ones
_LONGEST_ECHO = 1.0  # s
_AGES = 1e6  # s


@dataclass(frozen=True)
class Timing:
    """A run's timing; as the fields of `Run`."""

    repetition_time: float
    echo_time: float | None
    reference: float
    sidecars: tuple[Path, ...]
    remarks: tuple[str, ...] = ()


def read_timing(derived: Sequence[Path], raw: Sequence[Path], in_header: float | None) -> Timing:
    """The timing of a run.

    Arguments:
        derived: fMRIPrep's sidecars that hold for the run, the most particular first.
        raw: the BIDS dataset's; asked where fMRIPrep's do not tell.
        in_header: s; the repetition time by the image, None where it does not tell.

    Raises `DataError` where nothing tells the repetition time, header and sidecar contradict each other, or a value
    makes no sense.
    """
    from_derived, from_raw = _merged(derived), _merged(raw)
    both = {**from_raw, **from_derived}
    remarks = []
    stated = _seconds(both, "RepetitionTime")
    if stated is None and in_header is None:
        raise DataError(
            "neither a sidecar nor the header tells the repetition time; add RepetitionTime to the task's _bold.json"
        )
    if stated is None:
        remarks.append("no sidecar tells the repetition time; the image's own is used")
    elif in_header is not None and abs(stated - in_header) > _SAME:
        raise DataError(
            f"the repetition time is {stated:g} s by the sidecar, {in_header:g} s by the image's header; correct the "
            "one that is wrong"
        )
    step = stated if stated is not None else in_header
    assert step is not None
    return Timing(step, _echo(both), _reference(from_derived, step), (*derived, *raw), tuple(remarks))


def _merged(paths: Sequence[Path]) -> dict[str, Any]:
    """All values, the more particular file's where several have one."""
    merged: dict[str, Any] = {}
    for path in reversed(paths):
        merged |= read_sidecar(path)
    return merged


def _seconds(values: Mapping[str, Any], key: str) -> float | None:
    value = values.get(key)
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _AGES
    if not number or not math.isfinite(value) or value < 0:
        raise DataError(f"{key} in the sidecar is {value!r}, not a number of seconds; correct it")
    if value == 0 and key != "StartTime":
        raise DataError(f"{key} in the sidecar is 0; correct it")
    return float(value)


def _echo(values: Mapping[str, Any]) -> float | None:
    if isinstance(values.get("EchoTime"), list):  # of several echoes, which were combined: there is no one time
        return None
    echo = _seconds(values, "EchoTime")
    if echo is not None and echo > _LONGEST_ECHO:
        raise DataError(f"EchoTime in the sidecar is {echo:g}, which would be seconds; write {echo / 1000:g}")
    return echo


def _reference(values: Mapping[str, Any], step: float) -> float:
    """Where in a scan slices were corrected to: StartTime of fMRIPrep's sidecar over the repetition time."""
    start = _seconds(values, "StartTime")
    if start is None:
        return MIDDLE
    if start > step:
        raise DataError(
            f"StartTime in fMRIPrep's sidecar is {start:g} s, beyond the repetition time of {step:g} s; correct it"
        )
    return start / step
