"""Contrasts in words: signed sums of conditions, with weights if need be."""

from __future__ import annotations

import math
import re

_SIGN = re.compile(r"\s*([+−-])\s*")
_TERM = re.compile(
    r"(?:(?P<weight>[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)\s*[*×·]\s*)?(?P<name>[^\W\d][\w-]*(?<!-))"
)


def parse_contrast(text: str) -> dict[str, float]:
    """Weights of a contrast by condition, in order: ``0.5*a + 0.5*b - c`` → {a: 0.5, b: 0.5, c: −1}.

    A hyphen between letters belongs to the name (``left-hand``); around a sign there are spaces.

    Raises `ValueError` where it is no such sum, a condition comes twice, or every weight is zero.
    """
    weights: dict[str, float] = {}
    at, first = 0, True
    while first or text[at:].strip():
        sign = _SIGN.match(text, at)
        if sign is None and not first:
            raise ValueError(f"{text!r} has {text[at:].strip()!r} where + or - is expected, with spaces around it")
        at = sign.end() if sign else at + len(text[at:]) - len(text[at:].lstrip())
        term = _TERM.match(text, at)
        if term is None:
            raise ValueError(f"{text!r} is no sum of conditions; write it like 'faces - shapes' or '0.5*a + 0.5*b - c'")
        name, size = term["name"], float(term["weight"] or 1)
        if name in weights:
            raise ValueError(f"{text!r} names {name!r} twice; name it once, with a weight such as 2*{name}")
        if not math.isfinite(size):
            raise ValueError(f"{text!r} gives {name!r} a weight that is not finite; give it a smaller one")
        weights[name] = -size if sign and sign[1] != "+" else size
        at, first = term.end(), False
    if not any(weights.values()):
        raise ValueError(f"{text!r} weights everything by zero; give a condition another weight")
    return weights
