"""Texts with a grammar in the configuration: connections, contrasts, and the names that analyses use."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from peb import DesignError, formula_columns

from ._study import Study

_ARROW = re.compile(r"\s*(<-+|←|-+>|→)\s*")
_REGION = re.compile(r"[^<>←→]+")
FORM = "write it like 'vmPFC <- amygdala' (to <- from)"

_SIGN = re.compile(r"\s*([+−-])\s*")
_TERM = re.compile(
    r"(?:(?P<weight>[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)\s*[*×·]\s*)?(?P<name>[^\W\d][\w-]*(?<!-))"
)
_NAME_IN_FORMULA = re.compile(r"[A-Za-z*][A-Za-z0-9_*-]*")  # in a formula or a factor such as fall(caps5)


def parse_connection(text: str) -> tuple[str, str]:
    """(to, from) of ``to <- from`` or ``from -> to``; ← and → serve as well.

    Raises `ValueError` where there are not two names with one arrow between them.
    """
    parts = _ARROW.split(text.strip())
    if len(parts) != 3 or not _REGION.fullmatch(parts[0]) or not _REGION.fullmatch(parts[2]):
        raise ValueError(f"{text!r} is no connection; {FORM}")
    left, arrow, right = parts
    return (left, right) if arrow[0] in "<←" else (right, left)


def parse_contrast(text: str, of: str = "conditions") -> dict[str, float]:
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
            raise ValueError(f"{text!r} is no sum of {of}; write it like 'a - b' or '0.5*a + 0.5*b - c'")
        name, size = term["name"], float(term["weight"] or 1)
        if name in weights:
            raise ValueError(f"{text!r} names {name!r} twice; name it once, with a weight such as 2*{name}")
        if not math.isfinite(size):
            raise ValueError(f"{text!r} gives {name!r} a weight that is not finite; give it a smaller one")
        weights[name] = -size if sign and sign[1] != "+" else size
        at, first = term.end(), False
    if not any(weights.values()):
        raise ValueError(f"{text!r} weights everything by zero; give one of the {of} another weight")
    return weights


def formula_names(formula: str) -> list[str]:
    """Every column that a formula of a design names: ``1 + group + C(site):age`` → group, site, age."""
    try:
        return list(formula_columns(formula))
    except DesignError:  # what is wrong with it is said where the study is checked
        return []


def is_used_in_analyses(name: str, study: Study) -> bool:
    """Whether an analysis names a score or column, by itself or by a pattern."""
    return any(name == pattern or ("*" in pattern and fnmatchcase(name, pattern)) for pattern in _named(study))


def _named(study: Study) -> Iterator[str]:
    for analysis in study.group.values():
        yield from analysis.covariates
        yield from formula_names(analysis.design or "")
        yield from ([analysis.predict] if analysis.predict is not None else [])
        yield from (part.strip() for text in analysis.interactions for part in text.split(":"))
    for prediction in study.predict.values():
        for text in (prediction.outcome, prediction.formula or "", *prediction.covariates):
            yield from _NAME_IN_FORMULA.findall(text)
    if study.statistics is not None:
        how = study.statistics
        yield from (*how.outcomes, *how.subscales, *how.null_checks, *how.cohort)
