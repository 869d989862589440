"""Reduction held against inversion where both were done: how far the shortcut can be trusted in this study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from peb import ReductionCheck, check_reduction, is_nested

from ..page import Column, Records
from ..results import read_posterior

CLOSE = 0.5  # nats; a difference beyond it could turn a choice between models

COLUMNS = (
    Column("model", "Model"),
    Column("reduced_from", "Reduced from"),
    Column("visits", "Visits", "d"),
    Column("inverted", "Evidence less the larger model's, by inversion, nats", "+.2f"),
    Column("reduced", "by reduction", "+.2f"),
    Column("largest_difference", "Largest difference at a visit", ".2f"),
    Column("largest_at", "at"),
    Column("furthest_mean", "Furthest mean, SD", ".2f"),
)


def reduction_records(posteriors: Mapping[str, Mapping[str, Path]]) -> Records | None:
    """A row for every model that is nested in a larger one; None where no model is.

    Arguments:
        posteriors: model → visit → file.
    """
    read = {
        model: {visit: read_posterior(path)[0] for visit, path in visits.items()}
        for model, visits in posteriors.items()
    }
    rows = []
    for small, own in read.items():
        nested = [
            (len(next(iter(other.values())).names), large)
            for large, other in read.items()
            if own and other and is_nested(next(iter(own.values())), next(iter(other.values())))
        ]
        if not nested:
            continue
        large = max(nested)[1]
        shared = [visit for visit in own if visit in read[large]]
        found = {visit: check_reduction(own[visit], read[large][visit]) for visit in shared}
        if found:
            rows.append(_row(small, large, found))
    if not rows:
        return None
    lead = (
        "The evidence of a smaller model by reduction of a larger one (Friston et al. 2016) beside its own inversion, "
        f"summed over visits. Marked: a visit where they differ by more than {CLOSE:g} nats, so that reductions of "
        "this model are not to be trusted to the nat."
    )
    marked = frozenset(i for i, row in enumerate(rows) if row["largest_difference"] > CLOSE)
    return Records("reductions", "Reduction against inversion", lead, COLUMNS, rows, marked=marked)


def _row(small: str, large: str, found: Mapping[str, ReductionCheck]) -> dict[str, Any]:
    visits, checks = list(found), list(found.values())
    differences = np.abs([one.difference for one in checks])
    worst = int(differences.argmax())
    return {
        "model": small,
        "reduced_from": large,
        "visits": len(visits),
        "inverted": float(sum(one.inverted for one in checks)),
        "reduced": float(sum(one.reduced for one in checks)),
        "largest_difference": float(differences[worst]),
        "largest_at": visits[worst],
        "furthest_mean": max(one.furthest for one in checks),
    }
