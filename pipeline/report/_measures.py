"""The imaging measures: between regions, what is missing, and all of them in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from ..measures import FeatureTable, Measure, change, missingness
from ..page import EFFECT, SPREAD, Column, Picture, Records, Section
from ._arms import Mean
from ._fold import fold
from ._measure_gaps import MOST, gaps_figure, lacking
from ._pair_matrices import PairMatrix, pair_figure, pair_matrix, pair_scale

PAIRS = ("gppi", "rest")


def measures_section(table: FeatureTable) -> Section | None:
    """Pictures of every measure between regions and of what is missing, and the table; None where there is none."""
    if not table.measures:
        return None
    pictures = [_pair_picture(table, f"pairs-{i}", group) for i, group in enumerate(_groups(table.measures))]
    gaps = _gaps_picture(table)
    return Section(
        "Imaging measures",
        _lead(table),
        (*pictures, *([] if gaps is None else [gaps])),
        folded=(fold(measure_records(table)), fold(missingness(table))),
        anchor="measures",
    )


def measure_records(table: FeatureTable) -> Records:
    """One row a measure: its mean before treatment and its mean change in each arm."""
    arms = table.levels
    columns = (
        Column("measure", "Measure"),
        Column("unit", "Unit", where="file"),
        Column("description", "What it is", where="file"),
        Column("people", "People with both sessions", "d"),
        Column("before", f"Mean in {table.order[0]}", EFFECT),
        Column("spread", "SD", SPREAD),
        Column("first_arm", f"Mean change, {arms[0]}", EFFECT),
        Column("second_arm", f"Mean change, {arms[1]}", EFFECT),
    )
    lead = "Means over those who have the measure; nothing is imputed, and motion is not taken out."
    return Records("measures", "Every measure", lead, columns, _rows(table))


def _rows(table: FeatureTable) -> list[dict[str, Any]]:
    found, before = change(table), _before(table)
    arms = np.array(found.arms)
    return [
        {
            "measure": measure.name,
            "unit": measure.unit,
            "description": measure.description,
            "people": int(np.isfinite(found.values[:, place]).sum()),
            "before": _mean(before[:, place]),
            "spread": _spread(before[:, place]),
            "first_arm": _mean(found.values[arms == table.levels[0], place]),
            "second_arm": _mean(found.values[arms == table.levels[1], place]),
        }
        for place, measure in enumerate(table.measures)
    ]


def _mean(values: Float[np.ndarray, "person"]) -> float:
    return Mean.of(values[np.isfinite(values)].tolist()).value


def _spread(values: Float[np.ndarray, "person"]) -> float:
    known = values[np.isfinite(values)]
    return float(known.std(ddof=1)) if known.size > 1 else float("nan")


def _before(table: FeatureTable) -> Float[np.ndarray, "person measure"]:
    rows = [row for row, session in enumerate(table.sessions) if session == table.order[0]]
    return table.values[rows][:, table.of("measure")]


def _lead(table: FeatureTable) -> str:
    absent = np.isnan(change(table).values)
    text = (
        f"{len(table.measures)} measures from every run, which predictive models are made from. They are as they "
        "were measured: motion is taken out and gaps are filled within the models."
    )
    return f"{text} Of all changes {absent.mean():.0%} are missing." if absent.any() else f"{text} None is missing."


def _groups(measures: Sequence[Measure]) -> list[tuple[Measure, ...]]:
    """Measures between regions that belong into one picture: of one kind, task and contrast."""
    found: dict[tuple[str, str, str], list[Measure]] = {}
    for measure in measures:
        if measure.kind in PAIRS:
            found.setdefault((measure.kind, measure.task, measure.of), []).append(measure)
    return [tuple(group) for group in found.values()]


def _pair_picture(table: FeatureTable, name: str, group: tuple[Measure, ...]) -> Picture:
    regions = list(dict.fromkeys(region for measure in group for region in (measure.target, measure.source)))
    both = {(measure.target, measure.source) for measure in group}
    directed = any((source, target) in both for target, source in both)
    arms = np.array(change(table).arms)

    def matrices(values: Float[np.ndarray, "person measure"]) -> list[PairMatrix]:
        return [pair_matrix(arm, _square(values[arms == arm], table, group, regions, directed)) for arm in table.levels]

    rows = [(table.order[0], matrices(_before(table))), ("change", matrices(change(table).values))]
    title, what = _words(group[0], directed)
    above, below = (pair_scale(matrices) for _, matrices in rows)
    caption = (
        f"{what} Above: before treatment. Below: how much it changed. Bold and deep: the mean's 90 % interval over "
        "participants excludes zero, each cell by itself: among many cells some will by chance. Both arms have "
        f"one scale of colours, deepest at {above:.2g} above and at {below:.2g} below."
    )
    return Picture(name, title, caption, pair_figure(rows, regions, directed))


def _words(measure: Measure, directed: bool) -> tuple[str, str]:
    """Title, and what a cell is."""
    if measure.kind == "rest":
        return f"{measure.task}: connectivity at rest", "Correlation of every two regions as Fisher's z."
    how = "from the column's region to the row's" if directed else "mean of both directions"
    what = f"How much more the regions are coupled by the contrast {measure.of}, {how}, as regression weight (gPPI)."
    return f"{measure.task}: interaction with {measure.of}", what


def _square(
    values: Float[np.ndarray, "person measure"],
    table: FeatureTable,
    group: Sequence[Measure],
    regions: Sequence[str],
    directed: bool,
) -> Float[np.ndarray, "person region region"]:
    """(person, target, source); both halves where measures have no direction."""
    square = np.full((len(values), len(regions), len(regions)), np.nan)
    places = {measure.name: place for place, measure in enumerate(table.measures)}
    for measure in group:
        to, source = regions.index(measure.target), regions.index(measure.source)
        square[:, to, source] = values[:, places[measure.name]]
        if not directed:
            square[:, source, to] = values[:, places[measure.name]]
    return square


def _gaps_picture(table: FeatureTable) -> Picture | None:
    """None where nothing is missing."""
    people = lacking(table)
    if not people:
        return None
    caption = (
        "Participants who lack a measure; all others have every one. Columns are measures, gathered by kind and task: "
        "a block that is filled wholly is a run that is absent or failed."
    )
    if len(people) > MOST:
        caption += f" Of {len(people)} the first {MOST} are drawn; the table has all."
    return Picture("measure-gaps", "Measures that are missing", caption, gaps_figure(table, people[:MOST]))
