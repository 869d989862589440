"""Whether a time is in seconds: what each kind of time can be in an MRI scan, and what is said of one that cannot."""

from __future__ import annotations

from typing import Literal

Time = Literal["repetition time", "microtime bin", "echo time", "delay"]

PLAUSIBLE = {  # s, from the fastest line scanning to sparse sampling, with room on both sides
    "repetition time": (0.01, 30.0),
    "microtime bin": (1e-4, 30.0),
    "echo time": (5e-4, 0.3),
    "delay": (0.0, 30.0),
}
UNITS = (("milliseconds", 1e3), ("microseconds", 1e6))  # how many make a second


def time_problem(seconds: float, kind: Time) -> str | None:
    """Why a number cannot be this time in seconds, and what to write instead; None where it can.

    ``time_problem(2000, "repetition time")`` is "is 2000 s, longer than any repetition time; if these are milliseconds
    write 2".
    """
    least, most = PLAUSIBLE[kind]
    if least <= seconds <= most:
        return None
    if not seconds > 0:
        return f"is {seconds:g} s; give the {kind} in seconds"
    if seconds < least:
        return f"is {seconds:g} s, shorter than any {kind}; give seconds"
    for unit, factor in UNITS:
        if least <= seconds / factor <= most:
            return f"is {seconds:g} s, longer than any {kind}; if these are {unit} write {seconds / factor:g}"
    return f"is {seconds:g} s, longer than any {kind}; give seconds"
