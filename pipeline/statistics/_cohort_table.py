"""The cohort by arm, as a table of a paper has it."""

from __future__ import annotations

from typing import Any

from features import CohortRow, Share, Spread, cohort

from ..page import Column, Records
from ..tables import numbers_text
from ._people import StudyPeople

LEAD = (
    "Numbers: mean ± SD (median, quartiles). Categories: count (share of those who are known). The standardised "
    "difference is {first} − {second} in standard deviations. There are no p values: where people came into the arms "
    "by lot, any difference is chance, and what counts is whether it is large enough to matter for the outcome."
)


def cohort_records(people: StudyPeople) -> Records:
    """A row for each number, and for each category of a text."""
    first, second = people.arms
    columns = (
        Column("characteristic", "Characteristic"),
        Column("category", "Category"),
        *(Column(f"{arm}_summary", f"{arm}, n = {int((people.arm == sign).sum())}") for arm, sign in _signs(people)),
        Column("missing", "Missing"),
        Column("standardised_difference", "Standardised difference", "+.2f"),
        *(Column(f"{arm}_{key}", f"{arm}: {key}", ".4g", where="file") for arm in people.arms for key in _KEYS),
    )
    rows = [_row(one, people) for one in cohort(people.cohort, people.arm)]
    return Records("cohort", "Who was studied", LEAD.format(first=first, second=second), columns, rows)


_KEYS = ("people", "mean", "sd", "lower", "median", "upper", "count")


def _signs(people: StudyPeople) -> tuple[tuple[str, float], tuple[str, float]]:
    return (people.arms[0], 1.0), (people.arms[1], -1.0)


def _row(one: CohortRow, people: StudyPeople) -> dict[str, Any]:
    unit = people.units.get(one.name, "") if not one.category else ""
    row: dict[str, Any] = {
        "characteristic": f"{one.name}, {unit}" if unit else one.name,
        "category": one.category,
        "missing": " + ".join(str(part.missing) for part in one.arms) if any(p.missing for p in one.arms) else "none",
        "standardised_difference": one.difference,
    }
    parts: tuple[Spread | Share, Spread | Share] = one.arms
    for arm, part in zip(people.arms, parts, strict=True):
        row[f"{arm}_summary"] = _summary(part)
        row |= {f"{arm}_{key}": getattr(part, key, None) for key in _KEYS}
    return row


def _summary(part: Spread | Share) -> str:
    if not part.people:
        return "–"
    if isinstance(part, Share):
        return f"{part.count} ({part.count / part.people:.0%})".replace("%", " %")
    numbers = [part.mean, part.sd, part.lower, part.median, part.upper]
    mean, sd, lower, median, upper = numbers_text(numbers, part.sd, sign=False)
    spread = f" ± {sd}" if part.people > 1 else ""
    return f"{mean}{spread} ({median}, {lower} to {upper})"
