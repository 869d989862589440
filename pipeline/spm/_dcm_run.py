"""The data in SPM's DCM struct: series, inputs, names and timing, each checked under SPM's own field names.

What is odd of them and no error gets a remark: another unit, the same series twice, confounds by the dozen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from dcm import SPM12_ECHO_TIME, Data

from ..common import TimeKind, time_problem
from ..matlab import FieldProblem, Fields, StructArray, check_finite, real_array
from ._dcm_model import EchoTime, RunData

LEAST_RANGE = 1e-12  # of a series; one that ranges over less, or over more than 1e12, is in no unit of fMRI

LARGE, SMALL = 20.0, 0.02  # of what the priors of effects, in Hz for an input of 1, can follow
STICK = 2  # bins up to which an event is a stick, whose height SPM sets to 1 / dt
SAME = 1e-6
LOUD = 20.0  # standard deviation of a series, which in percent signal change is about 1
UNEQUAL = 30.0  # times that of another region

SERIES_REMEDY = "exclude or interpolate those scans"
SPM_NAMES = {
    "bold": "Y.y",
    "inputs": "U.u",
    "bin_width": "U.dt",
    "repetition_time": "Y.dt",
    "confounds": "Y.X0",
    "echo_time": "TE",
}


def read_run(
    dcm: Fields, label: str, echo_time: EchoTime, stated_echo_time: float | None, remarks: list[str]
) -> RunData:
    """Series, inputs, names and timing; `remarks` gets what is odd and not used."""
    series = dcm.struct("Y", "specify the DCM again")
    bold, regions = _series(dcm, series, remarks)
    inputs = dcm.struct("U", "specify the DCM again")
    driving, input_names = _inputs(inputs)
    repetition_time = _seconds(series, "dt", "repetition time")
    bin_width = _seconds(inputs, "dt", "microtime bin")
    needed, lasting = bold.shape[0] * repetition_time, driving.shape[0] * bin_width
    if abs(needed - lasting) > 0.5 * bin_width:
        raise inputs.problem(
            "u",
            f"lasts {lasting:g} s ({driving.shape[0]} bins of U.dt = {bin_width:g} s) but Y.y {needed:g} s "
            f"({bold.shape[0]} scans of Y.dt = {repetition_time:g} s); cut or extend the inputs, or correct dt",
        )
    try:
        data = Data(
            bold,
            driving,
            bin_width,
            repetition_time,
            confounds=_confounds(series, bold.shape[0]),
            delays=_delays(dcm, len(regions), repetition_time),
            echo_time=_echo_time(dcm, echo_time, stated_echo_time),
            run_starts=_run_starts(series, bold.shape[0]),
        )
        remarks += [*odd_inputs(driving, input_names, bin_width), *same_inputs(driving, input_names)]
        remarks += [*odd_series(bold, regions), *same_series(bold, regions), *many_confounds(data.confounds)]
        return RunData(label, tuple(regions), tuple(input_names), data, _coordinates(dcm, len(regions), remarks))
    except FieldProblem:
        raise
    except ValueError as error:
        message = str(error)
        first = next((spm for own, spm in SPM_NAMES.items() if message.startswith(own)), "Y")
        for own, spm in SPM_NAMES.items():
            message = message.replace(own, spm)
        raise FieldProblem(first, message.removeprefix(f"{first} ")) from error


def _run_starts(series: Fields, scans: int) -> np.ndarray | None:
    """The scans at which runs begin, where effconn wrote the lengths of several into Y.nscan."""
    if not series.has("nscan"):
        return None
    lengths = series.matrix("nscan", "give the number of scans of each run").ravel()
    if lengths.sum() != scans:
        raise series.problem("nscan", f"counts {lengths.sum():g} scans, but y has {scans}; correct or remove it")
    return np.concatenate([[0], np.cumsum(lengths)[:-1]])


def _series(dcm: Fields, series: Fields, remarks: list[str]) -> tuple[np.ndarray, list[str]]:
    bold = series.matrix("y", SERIES_REMEDY)
    if bold.ndim != 2:
        raise series.problem("y", f"has {bold.ndim} axes; give scans × regions")
    for key, size, what in (("v", bold.shape[0], "rows (scans)"), ("n", bold.shape[1], "columns (regions)")):
        try:
            stated = dcm.number(key, "remove it or correct it", default=float(size))
        except FieldProblem as error:
            remarks.append(error.as_remark("it is not used"))
            continue
        if stated != size:
            raise series.problem("y", f"has {size} {what}, but {key} = {stated:g}; transpose Y.y or correct {key}")
    regions = _names(series, "region", bold.shape[1], "y") if series.has("name") else _voi_names(dcm, bold.shape[1])
    for region, column in zip(regions, bold.T, strict=True):
        if np.ptp(column) == 0:
            how = "zero throughout" if column[0] == 0 else "constant"
            raise series.problem("y", f"of region '{region}' is {how}; check its mask and coverage, or leave it out")
        if not LEAST_RANGE < np.ptp(column) < 1 / LEAST_RANGE:
            raise series.problem(
                "y", f"of region '{region}' ranges over {np.ptp(column):.1g}; give percent signal change"
            )
    return bold, regions


def _inputs(inputs: Fields) -> tuple[np.ndarray, list[str]]:
    if not inputs.has("u"):
        raise inputs.problem(
            "u", "is missing or empty: models of rest without inputs are not supported; add experimental inputs"
        )
    driving = inputs.matrix("u", "correct onsets, durations or modulators in SPM")
    if driving.ndim != 2:
        raise inputs.problem("u", f"has {driving.ndim} axes; give bins × inputs")
    return driving, _names(inputs, "input", driving.shape[1], "u")


def _names(fields: Fields, kind: str, count: int, of: str) -> list[str]:
    names = fields.names("name")
    if names is None:
        return [f"{kind} {i + 1}" for i in range(count)]
    if len(names) != count:
        raise fields.problem(
            "name", f"holds {len(names)} names for {count} {kind}s; give one per column of {fields.name(of)}"
        )
    for name in names:
        if not name:
            raise fields.problem("name", f"holds an empty name; give every {kind} a name")
        if names.count(name) > 1:
            raise fields.problem("name", f"holds '{name}' twice; give every {kind} a name of its own")
    return names


def _vois(dcm: Fields, count: int) -> list[Fields]:
    """The struct array xY, one VOI per region; empty where there is none or it has another length."""
    vois = dcm.content.get("xY")
    items = list(vois) if isinstance(vois, StructArray) else [vois] if isinstance(vois, dict) else []
    return [Fields(item, f"xY({i + 1}).") for i, item in enumerate(items)] if len(items) == count else []


def _voi_names(dcm: Fields, count: int) -> list[str]:
    names = [voi.content.get("name") for voi in _vois(dcm, count)]
    texts = [name.strip() for name in names if isinstance(name, str) and name.strip()]
    return texts if len(set(texts)) == count else [f"region {i + 1}" for i in range(count)]


def _coordinates(dcm: Fields, count: int, remarks: list[str]) -> np.ndarray | None:
    vois = _vois(dcm, count)
    if not vois or not all(voi.has("xyz") for voi in vois):
        return None
    try:
        points = [voi.matrix("xyz", "give three coordinates in mm").ravel() for voi in vois]
    except FieldProblem as error:
        remarks.append(error.as_remark("regions have no coordinates"))
        return None
    return np.stack(points) if all(point.size == 3 for point in points) else None


def _seconds(fields: Fields, key: str, kind: TimeKind) -> float:
    value = fields.number(key, f"set it to the {kind} in seconds")
    if problem := time_problem(value, kind):
        raise fields.problem(key, problem)
    return value


def _confounds(series: Fields, scans: int) -> np.ndarray | None:
    if not series.has("X0"):
        return None
    value = series.content["X0"]
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.flat[0]  # one set of confounds per region: SPM uses the first region's
    confounds = real_array(series.name("X0"), value, "give scans × confounds, or remove it")
    if confounds.ndim != 2:
        raise series.problem("X0", f"has {confounds.ndim} axes; give scans × confounds")
    check_finite(series.name("X0"), confounds, "correct the confounds, or remove Y.X0")
    if confounds.shape[0] != scans:
        raise series.problem("X0", f"has {confounds.shape[0]} rows for {scans} scans; give one row per scan")
    if scans <= confounds.shape[1]:
        raise series.problem(
            "X0", f"has {confounds.shape[1]} confounds for {scans} scans; drop confounds or use more scans"
        )
    return confounds


def _delays(dcm: Fields, count: int, repetition_time: float) -> np.ndarray | None:
    if not dcm.has("delays"):
        return None
    delays = dcm.matrix("delays", "give one delay per region in seconds").ravel()
    if delays.size not in (1, count):
        raise dcm.problem("delays", f"holds {delays.size} values for {count} regions; give one per region, or one")
    if (delays < 0).any():
        raise dcm.problem("delays", f"holds {delays.min():g} s; give seconds from the start of a scan, 0 or more")
    if (latest := float(delays.max())) > repetition_time * (1 + 1e-9):
        raise dcm.problem(
            "delays",
            f"holds {latest:g} s, beyond the repetition time Y.dt = {repetition_time:g} s; give seconds"
            + (f" (if these are milliseconds, {latest / 1000:g})" if latest / 1000 <= repetition_time else ""),
        )
    return delays


def _echo_time(dcm: Fields, choice: EchoTime, stated: float | None) -> float:
    if choice == "spm12":
        return SPM12_ECHO_TIME
    if choice != "scanner":
        raise ValueError(f"echo_time must be 'spm12' or 'scanner', not {choice!r}")
    if stated is None:
        raise dcm.problem("TE", "is missing; give the scanner's echo time in seconds, or read with echo_time='spm12'")
    if problem := time_problem(stated, "echo time"):
        raise dcm.problem("TE", problem)
    return stated


def odd_inputs(inputs: Float[np.ndarray, "bin input"], names: Sequence[str], bin_width: float) -> Iterator[str]:
    """A line for each input in a unit that the priors of its effects do not expect, such as percent or ms."""
    for name, column in zip(names, inputs.T, strict=True):
        nonzero = column != 0
        if not nonzero.any() or not np.isfinite(column).all():
            continue
        peak = float(np.abs(column).max())
        edges = np.flatnonzero(np.diff(np.concatenate([[False], nonzero, [False]]).astype(np.int8)))
        sticks = int((edges[1::2] - edges[::2]).max()) <= STICK
        if peak * bin_width > LARGE if sticks else peak > max(LARGE, 1.5 / bin_width):
            odd = "reaches"
        elif peak < SMALL:
            odd = "never exceeds"
        else:
            continue
        usual = "1 / U.dt" if sticks else "1"
        yield (
            f"input {name} {odd} {peak:.3g}, where the priors expect about {usual}: its effects depend on this unit; "
            "scale its column of U.u"
        )


def same_series(series: Float[np.ndarray, "scan region"], regions: Sequence[str]) -> Iterator[str]:
    """A line for each region whose series is that of another, but for its unit."""
    for first, other in _alike(series):  # none is constant: that is refused
        yield f"regions {regions[first]} and {regions[other]} have the same series; check which VOI each is of"


def same_inputs(inputs: Float[np.ndarray, "bin input"], names: Sequence[str]) -> Iterator[str]:
    """A line for each input that is another, but for its unit or its zero."""
    varying = np.flatnonzero(np.ptp(inputs, axis=0) > 0)
    for first, other in _alike(inputs[:, varying]):
        yield (
            f"inputs {names[varying[first]]} and {names[varying[other]]} are the same; their effects cannot be told "
            "apart, and share what is there as their priors have it"
        )


def odd_series(series: Float[np.ndarray, "scan region"], regions: Sequence[str]) -> Iterator[str]:
    """A line where series are in another unit than percent signal change: all of them, or some."""
    spread = series.std(axis=0)
    loud, faint = int(spread.argmax()), int(spread.argmin())
    if spread[loud] > UNEQUAL * spread[faint]:
        yield (
            f"the series of {regions[loud]} varies {spread[loud] / spread[faint]:.0f} times as much as that of "
            f"{regions[faint]}; give all regions in percent signal change"
        )
    elif spread[faint] > LOUD:
        yield (
            f"series vary by {spread[loud]:.3g} (SD), where percent signal change does by about 1; divide each by its "
            "mean and multiply it by 100"
        )


def many_confounds(confounds: Float[np.ndarray, "scan confound"] | None) -> Iterator[str]:
    """A line where confounds take most of what was measured."""
    if confounds is None:
        return
    scans, rank = len(confounds), int(np.linalg.matrix_rank(confounds))
    if rank > scans / 2:
        yield f"confounds take {rank} of {scans} scans, so that estimates rest on {scans - rank}; give fewer confounds"


def _alike(columns: Float[np.ndarray, "row column"]) -> Iterator[tuple[int, int]]:
    """Pairs of columns that are one but for their unit and their mean."""
    centred = columns - columns.mean(axis=0)
    scaled = centred / np.linalg.norm(centred, axis=0)
    for first, other in np.argwhere(np.triu(scaled.T @ scaled, 1) > 1 - SAME):
        yield int(first), int(other)
