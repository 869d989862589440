"""The measured side of one participant: region series, experimental inputs and what is known about the scanner."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from .tables import short_repr

SPM12_ECHO_TIME = 0.04  # s; SPM12's observation equation uses this whatever echo time the user states


@dataclass(frozen=True, eq=False)
class Data:
    """Region series and inputs of one run, or of several that follow one another (`concatenate_runs`).

    Arguments:
        bold: (scan, region) region series, in percent signal change; in SPM's modes, which scale them, arbitrary units
            do as well.
        inputs: (bin, input) experimental inputs at microtime resolution.
        bin_width: width δ of a microtime bin, s.
        repetition_time: time from scan to scan, s; scans × repetition_time must equal bins × bin_width.
        confounds: (scan, confound) nuisance regressors X0; a constant where None.
        delays: (region,) time into each scan at which a region is sampled, s; half a repetition time where None.
        echo_time: echo time of the observation equation, s; SPM12's fixed 0.04 s by default.
        run_starts: (run,) the scan, from 0, with which each run begins; one run where None. Neural activity, vessels
            and noise begin anew with each.

    Raises `ValueError`, naming everything that is wrong, where shapes do not match, values are not finite, a region is
    constant, or there are not more scans than confounds.
    """

    bold: Float[np.ndarray, "scan region"]
    inputs: Float[np.ndarray, "bin input"]
    bin_width: float
    repetition_time: float
    confounds: Float[np.ndarray, "scan confound"]
    delays: Float[np.ndarray, "region"]
    echo_time: float
    run_starts: Int[np.ndarray, "run"]

    def __init__(
        self,
        bold: ArrayLike,
        inputs: ArrayLike,
        bin_width: float,
        repetition_time: float,
        confounds: ArrayLike | None = None,
        delays: ArrayLike | None = None,
        echo_time: float = SPM12_ECHO_TIME,
        run_starts: ArrayLike | None = None,
    ) -> None:
        bold = _real("bold", bold)
        inputs = _real("inputs", inputs)
        if bold.ndim != 2 or inputs.ndim != 2:
            raise ValueError(
                f"bold must be (scan, region) and inputs (bin, input), but they have {bold.ndim} and {inputs.ndim} axes"
            )
        if not bold.size or not inputs.size:
            raise ValueError(
                f"bold has shape {bold.shape} and inputs {inputs.shape}; give at least one scan, region, bin and input"
            )
        scans, regions = bold.shape
        repetition_time = _seconds("repetition_time", repetition_time)
        confounds = np.ones((scans, 1)) if confounds is None else _real("confounds", confounds)
        delays = _real("delays", repetition_time / 2 if delays is None else delays)
        if delays.size != 1 and delays.shape != (regions,):
            raise ValueError(f"delays have shape {delays.shape}; give one for each of the {regions} regions, or one")
        fields = {
            "bold": bold,
            "inputs": inputs,
            "bin_width": _seconds("bin_width", bin_width),
            "repetition_time": repetition_time,
            "confounds": confounds,
            "delays": np.array(np.broadcast_to(delays.ravel(), (regions,))),
            "echo_time": _seconds("echo_time", echo_time),
            "run_starts": _run_starts(run_starts, scans),
        }
        for name, value in fields.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, name, value)
        problems = _problems(self)
        if problems:
            raise ValueError("; ".join(problems))

    __repr__ = short_repr

    @property
    def scans(self) -> int:
        """Number of scans."""
        return self.bold.shape[0]

    @property
    def runs(self) -> tuple[slice, ...]:
        """The scans of each run."""
        ends = [*self.run_starts[1:].tolist(), self.scans]
        return tuple(slice(int(start), int(end)) for start, end in zip(self.run_starts, ends, strict=True))

    def as_one_run(self) -> Data:
        """The same with states and noise that run on over the borders of runs, as SPM has it."""
        return replace(self, run_starts=np.zeros(1)) if len(self.run_starts) > 1 else self

    def prepared(self, centre_inputs: bool) -> tuple[Data, float]:
        """The data as the inversion sees them, and the factor by which they were scaled.

        Each region is mean-centred, inputs are centred over all bins where asked for, and the series of all regions
        are scaled by 4 / max(range, 4), as SPM12 does.
        """
        bold = self.bold - self.bold.mean(axis=0)
        scale = 4.0 / max(float(np.ptp(bold)), 4.0)
        inputs = self.inputs - self.inputs.mean(axis=0) if centre_inputs else self.inputs
        return replace(self, bold=bold * scale, inputs=inputs), scale


def _real(name: str, value: ArrayLike) -> np.ndarray:
    """A copy of `value` as real numbers; raises `ValueError` where it is none."""
    try:
        array = np.array(value)
        if np.ma.isMaskedArray(value):
            array = np.ma.filled(value.astype(np.float64), np.nan)
        if array.dtype.kind in "biuf":
            return array.astype(np.float64)
        if array.dtype.kind == "O" and all(isinstance(item, int | float) for item in array.flat):
            return array.astype(np.float64)
    except (ValueError, TypeError, OverflowError):  # rows of different length, numbers beyond any float
        pass
    raise ValueError(f"{name} must be an array of real numbers, with rows of one length")


def _seconds(name: str, value: float) -> float:
    """`value` as one number; raises `ValueError` where it is none."""
    try:
        array = _real(name, value)
    except ValueError:
        raise ValueError(f"{name} must be one number of seconds, not {str(value)[:40]!r}") from None
    if array.size != 1:
        raise ValueError(f"{name} must be one number of seconds, not {array.size} of them")
    return float(array.flat[0])


def _run_starts(given: ArrayLike | None, scans: int) -> Int[np.ndarray, "run"]:
    """Scans at which runs begin; raises `ValueError` where they do not rise from 0 to below the number of scans."""
    starts = np.zeros(1) if given is None else _real("run_starts", given)
    whole = starts.ndim == 1 and starts.size > 0 and bool((starts == np.floor(starts)).all())
    if not whole or starts[0] != 0 or (np.diff(np.append(starts, scans)) < 1).any():
        raise ValueError(f"run_starts must rise from 0 to below the number of scans, {scans}, not {starts.tolist()}")
    return starts.astype(int)


def _problems(data: Data) -> list[str]:
    scans = data.scans
    bins = data.inputs.shape[0]
    problems = []
    for name in ("bold", "inputs", "confounds", "delays"):
        bad = int((~np.isfinite(getattr(data, name))).sum())
        if bad:
            problems.append(f"{name} holds {bad} values that are not finite; exclude or interpolate those scans")
    for name in ("bin_width", "repetition_time", "echo_time"):
        value = getattr(data, name)
        if not (np.isfinite(value) and value > 0):
            problems.append(f"{name} must be a positive number of seconds, not {value}")
    if problems:
        return problems
    constant = [str(i + 1) for i in np.flatnonzero(np.ptp(data.bold, axis=0) == 0)]
    if constant:
        problems.append(f"the series of region {', '.join(constant)} is constant; check its mask and coverage")
    if data.confounds.ndim != 2 or data.confounds.shape[0] != scans:
        problems.append(f"confounds have shape {data.confounds.shape}, but there are {scans} scans")
    elif scans <= data.confounds.shape[1]:
        problems.append(
            f"{scans} scans cannot carry {data.confounds.shape[1]} confounds; drop confounds or use more scans"
        )
    duration, needed = bins * data.bin_width, scans * data.repetition_time
    if abs(duration - needed) > 0.5 * data.bin_width:
        problems.append(
            f"inputs last {duration:g} s ({bins} bins of {data.bin_width:g} s) but the scans last {needed:g} s "
            f"({scans} scans of {data.repetition_time:g} s); cut or extend the inputs"
        )
    if (data.delays < 0).any() or (data.delays > data.repetition_time * (1 + 1e-9)).any():
        problems.append(f"delays must lie between 0 and the repetition time {data.repetition_time:g} s")
    return problems
