"""How a run was timed, by its sidecars and its header: repetition time, echo time, where slices were corrected to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..common import shorten, time_problem
from ._readable_files import DataError, read_sidecar

MIDDLE = 0.5
SETTING, SIDECAR, HEADER = "the study's file", "the sidecar", "the image's header"
_AGES = 1e12  # s; JSON has whole numbers that no 64-bit number holds
_SAME = 1e-3  # s: headers hold 32-bit numbers, sidecars rounded ones


@dataclass(frozen=True)
class TimingNeeds:
    """What a study wants to know of a run's timing.

    Fields:
        task: its name.
        repetition_time: s, which takes precedence over files; ``sidecar`` where the sidecar does so over the header;
            None where the study's file says neither.
        echo_time: whether a model needs it.
        reference: whether it matters where slices were corrected to; at rest it does not.
    """

    task: str
    repetition_time: float | Literal["sidecar"] | None = None
    echo_time: bool = False
    reference: bool = True


@dataclass(frozen=True)
class RunTiming:
    """A run's timing; as the fields of `Run`, with what the repetition time was read from."""

    repetition_time: float
    echo_time: float | None
    reference: float
    sidecars: tuple[Path, ...]
    source: str
    remarks: tuple[str, ...] = ()


def read_timing(
    derived: Sequence[Path], raw: Sequence[Path], in_header: float | None, wanted: TimingNeeds
) -> RunTiming:
    """The timing of a run.

    Arguments:
        derived: fMRIPrep's sidecars that hold for the run, the most particular first.
        raw: the BIDS dataset's; asked where fMRIPrep's do not tell.
        in_header: s; the repetition time by the image, None where it does not tell.

    Raises `DataError` where nothing tells the repetition time, header and sidecar contradict each other, or a value
    that is wanted makes no sense.
    """
    remarks: list[str] = []
    from_derived = _merged(derived, needed=wanted.reference, remarks=remarks)
    by_others = isinstance(wanted.repetition_time, float) or "RepetitionTime" in from_derived
    from_raw = _merged(raw, needed=wanted.echo_time or not by_others, remarks=remarks)
    both = {**from_raw, **from_derived}
    step, source = _repetition_time(both, in_header, wanted, remarks)
    return RunTiming(
        step,
        _echo(both, wanted, remarks),
        _reference(from_derived, step) if wanted.reference else MIDDLE,
        (*derived, *raw),
        source,
        tuple(remarks),
    )


def _repetition_time(
    sidecar: Mapping[str, Any], in_header: float | None, wanted: TimingNeeds, remarks: list[str]
) -> tuple[float, str]:
    """Seconds, and what they were read from."""
    remedy = f"write repetition_time = SECONDS under [tasks.{wanted.task}] of the study's file"
    if isinstance(wanted.repetition_time, float):
        stated = sidecar.get("RepetitionTime")
        others = [f"{stated} by {SIDECAR}"] if stated is not None and stated != wanted.repetition_time else []
        if in_header is not None and abs(in_header - wanted.repetition_time) > _SAME:
            others.append(f"{in_header:g} s by {HEADER}")
        if others:
            remarks.append(
                f"the repetition time is {wanted.repetition_time:g} s by {SETTING}, which takes precedence over "
                f"{' and '.join(others)}"
            )
        return wanted.repetition_time, SETTING
    stated = _seconds(sidecar, "RepetitionTime", remedy)
    if stated is None and in_header is None:
        raise DataError(
            "neither a sidecar nor the header gives the repetition time; add RepetitionTime to the task's _bold.json, "
            f"or {remedy}"
        )
    if stated is None and wanted.repetition_time == "sidecar":
        raise DataError(
            f"no sidecar gives RepetitionTime, which repetition_time = 'sidecar' asks for; add it, or {remedy}"
        )
    if stated is not None and in_header is not None and abs(stated - in_header) > _SAME:
        both = f"the repetition time is {stated:g} s by {SIDECAR}"
        if wanted.repetition_time is None:
            raise DataError(
                f"{both}, {in_header:g} s by {HEADER}; correct the one that is wrong, or {remedy}, or 'sidecar' where "
                "headers are wrong"
            )
        remarks.append(f"{both}, which takes precedence over {in_header:g} s by {HEADER}")
    if stated is None:
        remarks.append("no sidecar gives the repetition time; the image's own is used")
    step, source = (stated, SIDECAR) if stated is not None else (in_header, HEADER)
    assert step is not None
    if problem := time_problem(step, "repetition time"):
        raise DataError(f"the repetition time in {source} {problem}: correct it, or {remedy}")
    return step, source


def _merged(paths: Sequence[Path], *, needed: bool, remarks: list[str]) -> dict[str, Any]:
    """All values, the more particular file's where several have one; a file that nothing needs may be damaged."""
    merged: dict[str, Any] = {}
    for path in reversed(paths):
        try:
            values = read_sidecar(path)
            if "_echo-" in path.name:  # of one of several echoes, which were combined
                values.pop("EchoTime", None)
            merged |= values
        except DataError as error:
            if needed:
                raise
            remarks.append(f"{error}; nothing needs it")
    return merged


def _seconds(values: Mapping[str, Any], key: str, remedy: str = "") -> float | None:
    value = values.get(key)
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value < _AGES:
        raise DataError(f"{key} in the sidecar is {_shown(value)}, not a number of seconds; {remedy or 'correct it'}")
    if value == 0 and key != "StartTime":
        raise DataError(f"{key} in the sidecar is 0; {remedy or 'correct it'}")
    return float(value)


def _shown(value: Any) -> str:
    return shorten(repr(value))


def _echo(values: Mapping[str, Any], wanted: TimingNeeds, remarks: list[str]) -> float | None:
    """The echo time; None where no sidecar has it, or it makes no sense and is not needed."""
    if isinstance(values.get("EchoTime"), list):  # of several echoes, which were combined: there is no one time
        echo, problem = None, ""
    else:
        try:
            echo = _seconds(values, "EchoTime")
            problem = (echo is not None and time_problem(echo, "echo time")) or ""
            problem = f"EchoTime in the sidecar {problem}" if problem else ""
        except DataError as error:
            echo, problem = None, str(error)
    if wanted.echo_time and problem:
        raise DataError(problem)
    if wanted.echo_time and echo is None:
        raise DataError("no sidecar gives EchoTime, which [dcm] echo_time = 'scanner' needs; add it")
    if problem:
        remarks.append(f"{problem}; nothing needs it")
        return None
    return echo


def _reference(values: Mapping[str, Any], step: float) -> float:
    """Where in a scan slices were corrected to: StartTime of fMRIPrep's sidecar over the repetition time."""
    start = _seconds(values, "StartTime")
    if start is None:
        return MIDDLE
    if start > step:
        tip = f"if it is in milliseconds, write {start / 1000:g}" if start / 1000 <= step else "correct it"
        raise DataError(
            f"StartTime in fMRIPrep's sidecar is {start:g} s, beyond the repetition time of {step:g} s; {tip}"
        )
    return start / step
