"""The one rule in words, and the sentence that an answer begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from peb import ABSENCE_PROBABILITY, ALPHA

from ..common import first_names
from ..results import HERTZ, INPUT_UNIT, LOG_SCALE
from ._covariates import CovariateVerdict
from ._rules import BEST

NAMED = 3  # connections, before the rest is only counted
_ON_A_LOG_SCALE = "on the log scale of self-inhibition"


def describe_effect_rule(size: float, units: Sequence[str] = (HERTZ, LOG_SCALE)) -> str:
    """How effects are judged, for the reader of a table; `units` are those of the parameters."""
    hertz = "Hz, or the log scale of self-inhibition" if _in_hertz(units) else "in the parameters' own units"
    return (
        f"Verdict: yes where 2 min(P, 1 − P) times the number of connections asked about is at most {ALPHA:g}; no "
        f"difference where the effect is below {size:g} ({hertz}; of a covariate, per "
        f"SD, or from one to the other of two values) with a probability of at least {ABSENCE_PROBABILITY:g}; open "
        "otherwise"
    )


def describe_units(units: Sequence[str]) -> str:
    """What the parameters of a table count in, as a table's lead begins."""
    if _in_hertz(units):
        return "Hz between regions, a log scale for self-inhibition"
    return "On a log scale" if units and all(units) else "In the parameters' own units, which their files do not say"


def _in_hertz(units: Sequence[str]) -> list[str]:
    return [unit for unit in units if unit in (HERTZ, INPUT_UNIT)] or [unit for unit in units if unit == LOG_SCALE]


def describe_p_rule(questions: int = 1) -> str:
    """How p values are judged."""
    times = f" times {questions}" if questions > 1 else ""
    return f"yes where p{times} is at most {ALPHA:g}; open otherwise, as a test that finds nothing shows no absence"


def describe_model_rule() -> str:
    """How models are judged."""
    return f"yes where the best one has a probability of at least {BEST:g}; open otherwise"


def describe_count(questions: int, what: str = "connection") -> str:
    """``2 connections asked about``."""
    return f"{questions} {what}{'' if questions == 1 else 's'} asked about"


def describe_size(size: float, units: Sequence[str], per: str = "") -> str:
    """The size below which an effect counts as none: ``0.5 Hz``, ``0.5 Hz per SD of improvement``."""
    hertz = any(unit in (HERTZ, INPUT_UNIT) for unit in units)
    sizes = [f"{size:g} Hz"] if hertz else []
    sizes += [f"{size:g} {_ON_A_LOG_SCALE}"] if LOG_SCALE in units else []
    sizes += [f"{size:g} on a log scale"] if set(units) - {HERTZ, INPUT_UNIT, LOG_SCALE, ""} else []
    sizes += [f"{size:g} in the parameter's own unit"] if "" in units or not units else []
    text = sizes[0] + (f" (or {' or '.join(sizes[1:])})" if sizes[1:] else "")
    return f"{text} per {per}" if per else text


def verdict_headline(
    judged: CovariateVerdict,
    names: Sequence[str],
    units: Sequence[str],
    of: Literal["effect", "difference"] = "effect",
    chief: str = "",
) -> str:
    """What was asked and said, in a sentence.

    Arguments:
        judged: the verdict.
        names, units: of the parameters, in words.
        of: what δ is.
        chief: the numbers of the surest; then only the others are named.
    """
    found = judged.found
    asked = describe_count(found.questions)
    if found.kind == "no difference":
        said = f"No {of} above {describe_size(found.size, units, judged.question.per)}: {asked}, all surely smaller."
    elif found.kind == "open":
        said = f"{asked}, none surely there, nor all surely small."
    else:
        sure = [names[i] for i in (found.which[1:] if chief else found.which)]
        named = f"{'also ' if chief else ''}{first_names(sure, NAMED)}" if sure else ""
        said = f"{len(found.which)} of {asked}{f': {named}' if named else ''}."
    return f"{said} {chief}" if chief else said
