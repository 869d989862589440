"""Scores and columns of the participants' table that a study's analyses name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from ._study import Study

_NAME = re.compile(r"[A-Za-z*][A-Za-z0-9_*-]*")  # in a formula or a factor such as fall(caps5)


def is_used(name: str, study: Study) -> bool:
    """Whether an analysis names a score or column, by itself or by a pattern."""
    return any(name == one or ("*" in one and fnmatchcase(name, one)) for one in _named(study))


def _named(study: Study) -> Iterator[str]:
    for analysis in study.group.values():
        yield from analysis.covariates
        yield from ([analysis.predict] if analysis.predict is not None else [])
        yield from (part.strip() for text in analysis.interactions for part in text.split(":"))
    for prediction in study.predict.values():
        for text in (prediction.outcome, prediction.formula or "", *prediction.covariates):
            yield from _NAME.findall(text)
    if study.statistics is not None:
        how = study.statistics
        yield from (*how.outcomes, *how.subscales, *how.null_checks, *how.cohort)
