"""The imaging measures: between regions, missing values, and all of them in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ..common import join_words
from ..figures import INK, LINE, PAPER, VERMILION, literal_text, new_figure, shorten_name, style
from ..measures import KIND_NAMES, FeatureTable, Measure, changes_of_measures, missingness, of_session
from ..page import EFFECT, SPREAD, Column, Picture, Records, Section
from ._group_plots import MeanInterval, PairMatrix, pair_figure, pair_matrix, pair_scale

PAIR_KINDS = ("gppi", "rest")


def measures_section(
    table: FeatureTable, *, predicts: bool = True, by_level: Mapping[str, Records] | None = None
) -> Section | None:
    """Pictures of every measure between regions and of what is missing, and the table; None where there is none.

    Arguments:
        predicts: whether the study has predictions.
        by_level: column of visits that comes in several orders → the table of the measures by its levels.
    """
    if not table.measures:
        return None
    by_level = by_level or {}
    pictures = [_pair_picture(table, f"pairs-{i}", group) for i, group in enumerate(_pair_groups(table.measures))]
    gaps = _missing_picture(table)
    return Section(
        "Imaging measures",
        _lead(table, predicts) + _of_crossover([*by_level]),
        (*pictures, *([] if gaps is None else [gaps])),
        folded=tuple(
            records.collapsible() for records in (*by_level.values(), measure_records(table), missingness(table))
        ),
        anchor="measures",
    )


FIRST_COLUMNS = (
    Column("measure", "Measure"),
    Column("unit", "Unit", where="file"),
    Column("description", "What it is", where="file"),
)


def measure_records(table: FeatureTable) -> Records:
    """One row a measure: of two sessions the mean in the first and the mean change of each group.

    Of one session, or more than two, a row for each of them with the mean of each group.
    """
    lead = "Means over participants with the measure, without imputation and without adjustment for motion."
    if len(table.order) != 2:
        return Records("measures", "Every measure", lead, _columns_of_means(table), list(_rows_of_means(table)))
    columns = (
        *FIRST_COLUMNS,
        Column("people", "Participants with both sessions", "d"),
        Column("before", f"Mean in {table.order[0]}", EFFECT),
        Column("spread", "SD", SPREAD),
        *(
            Column(key, f"Mean change, {group}" if group else "Mean change", EFFECT)
            for key, group in _group_keys(table).items()
        ),
    )
    return Records("measures", "Every measure", lead, columns, _rows(table))


def _group_keys(table: FeatureTable) -> dict[str, str]:
    """Key of a column → its group; a single one without a name where the study has no groups."""
    if len(table.levels) == 2:
        return dict(zip(("first_arm", "second_arm"), table.levels, strict=True))
    return {f"group_{place + 1}": group for place, group in enumerate(table.levels or ("",))}


def _rows(table: FeatureTable) -> list[dict[str, Any]]:
    found, before = changes_of_measures(table), of_session(table, table.order[0])
    groups = np.array(found.groups)
    return [
        {
            **_about(measure),
            "people": int(np.isfinite(found.values[:, place]).sum()),
            "before": _mean_of_known(before[:, place]),
            "spread": _sd_of_known(before[:, place]),
            **{key: _mean_of_known(found.values[groups == group, place]) for key, group in _group_keys(table).items()},
        }
        for place, measure in enumerate(table.measures)
    ]


def _about(measure: Measure) -> dict[str, str]:
    return {"measure": measure.name, "unit": measure.unit, "description": measure.description}


def _columns_of_means(table: FeatureTable) -> tuple[Column, ...]:
    return (
        *FIRST_COLUMNS,
        *((Column("session", "Session"),) if len(table.order) > 1 else ()),
        Column("people", "Participants", "d"),
        *(Column(key, f"Mean, {group}" if group else "Mean", EFFECT) for key, group in _group_keys(table).items()),
        Column("spread", "SD", SPREAD),
    )


def _rows_of_means(table: FeatureTable) -> Iterator[dict[str, Any]]:
    groups = np.array(changes_of_measures(table).groups)
    for place, measure in enumerate(table.measures):
        for session in table.order:
            values = of_session(table, session)[:, place]
            yield {
                **_about(measure),
                "session": session,
                "people": int(np.isfinite(values).sum()),
                **{key: _mean_of_known(values[groups == group]) for key, group in _group_keys(table).items()},
                "spread": _sd_of_known(values),
            }


def _mean_of_known(values: Float[np.ndarray, "participant"]) -> float:
    return MeanInterval.of(values[np.isfinite(values)].tolist()).value


def _sd_of_known(values: Float[np.ndarray, "participant"]) -> float:
    known = values[np.isfinite(values)]
    return float(known.std(ddof=1)) if known.size > 1 else float("nan")


def _of_crossover(columns: Sequence[str]) -> str:
    """That sessions hold several levels each, where that is so."""
    words = join_words(columns)
    return f" Sessions are compared whatever the {words}; a table below has the measures by {words}." if columns else ""


def _lead(table: FeatureTable, predicts: bool) -> str:
    changes = len(table.order) == 2
    values = changes_of_measures(table).values if changes else table.values[:, table.columns_of("measure")]
    absent = np.isnan(values)
    text = (
        f"{len(table.measures)} measures of every run, from which the predictive models are built. They are shown as "
        "measured; adjustment for motion and imputation of missing values belong to the models."
        if predicts
        else f"{len(table.measures)} measures of every run, as measured, without adjustment for motion."
    )
    what = "changes" if changes else "values"
    return f"{text} Of all {what} {absent.mean():.0%} are missing." if absent.any() else f"{text} None is missing."


def _pair_groups(measures: Sequence[Measure]) -> list[tuple[Measure, ...]]:
    """Measures between regions that belong into one picture: of one kind, task and contrast."""
    found: dict[tuple[str, str, str], list[Measure]] = {}
    for measure in measures:
        if measure.kind in PAIR_KINDS:
            found.setdefault((measure.kind, measure.task, measure.of), []).append(measure)
    return [tuple(group) for group in found.values()]


def _pair_picture(table: FeatureTable, name: str, group: tuple[Measure, ...]) -> Picture:
    regions = list(dict.fromkeys(region for measure in group for region in (measure.target, measure.source)))
    both = {(measure.target, measure.source) for measure in group}
    directed = any((source, target) in both for target, source in both)
    groups = np.array(changes_of_measures(table).groups)

    def matrices(values: Float[np.ndarray, "participant measure"]) -> list[PairMatrix]:
        return [
            pair_matrix(level, _pair_values(values[groups == level], table, group, regions, directed))
            for level in table.levels or ("",)
        ]

    if len(table.order) == 2:
        rows = [
            (table.order[0], matrices(of_session(table, table.order[0]))),
            ("change", matrices(changes_of_measures(table).values)),
        ]
    else:
        rows = [(session, matrices(of_session(table, session))) for session in table.order]
    title, what = _pair_wording(group[0], directed)
    caption = (
        f"{what}{_what_rows_are(table, rows)} Bold and deep: the mean's 90 % interval over "
        f"participants excludes zero, each cell by itself: among many cells some will by chance. {_scales(table, rows)}"
    )
    return Picture(name, title, caption, pair_figure(rows, regions, directed))


Rows = Sequence[tuple[str, Sequence[PairMatrix]]]


def _what_rows_are(table: FeatureTable, rows: Rows) -> str:
    if len(table.order) == 2:
        above = "before treatment" if table.is_trial else table.order[0]
        return f" Above: {above}. Below: how much it changed{'' if table.is_trial else f' to {table.order[1]}'}."
    return " One row of matrices for each session." if len(rows) > 1 else ""


def _scales(table: FeatureTable, rows: Rows) -> str:
    """At which size colours are deepest."""
    sizes = [f"{pair_scale(matrices):.2g}" for _, matrices in rows]
    word = "arm" if table.is_trial else "group"
    if len(table.levels) < 2:
        has = "Colours are"
    else:
        has = f"{'Both' if len(table.levels) == 2 else 'All'} {word}s have one scale of colours,"
    if len(table.order) == 2:
        return f"{has} deepest at {sizes[0]} above and at {sizes[1]} below."
    where = [f"{size} in {session}" if session else size for size, (session, _) in zip(sizes, rows, strict=True)]
    return f"{has} deepest at {join_words(where)}."


def _pair_wording(measure: Measure, directed: bool) -> tuple[str, str]:
    """Title, and what a cell is."""
    if measure.kind == "rest":
        return f"{measure.task}: connectivity at rest", "Correlation of every two regions as Fisher's z."
    how = "from the column's region to the row's" if directed else "mean of both directions"
    what = f"How much the coupling of the regions changes with {measure.of}, {how}, as regression weight (gPPI)."
    return f"{measure.task}: interaction with {measure.of}", what


def _pair_values(
    values: Float[np.ndarray, "participant measure"],
    table: FeatureTable,
    group: Sequence[Measure],
    regions: Sequence[str],
    directed: bool,
) -> Float[np.ndarray, "participant region region"]:
    """(participant, target, source); both halves where measures have no direction."""
    square = np.full((len(values), len(regions), len(regions)), np.nan)
    places = {measure.name: place for place, measure in enumerate(table.measures)}
    for measure in group:
        to, source = regions.index(measure.target), regions.index(measure.source)
        square[:, to, source] = values[:, places[measure.name]]
        if not directed:
            square[:, source, to] = values[:, places[measure.name]]
    return square


def _missing_picture(table: FeatureTable) -> Picture | None:
    """None where nothing is missing."""
    participants = participants_with_gaps(table)
    if not participants:
        return None
    caption = (
        "Participants with missing measures; all others have every measure. Columns are measures, grouped by kind "
        "and task; a block that is filled entirely is a run that is absent or failed."
    )
    if len(participants) > MOST_PARTICIPANTS:
        caption += f" Of {len(participants)} the first {MOST_PARTICIPANTS} are drawn; the table has all."
    return Picture(
        "measure-gaps", "Missing measures", caption, missing_measures_figure(table, participants[:MOST_PARTICIPANTS])
    )


MOST_PARTICIPANTS = 60  # participants in the picture


def missing_measures_figure(table: FeatureTable, participants: Sequence[str]) -> Figure:
    """One row a participant, one panel a session, one column a measure; filled where it is missing."""
    blocks = _measure_blocks(table.measures)
    with style():
        figure = new_figure(1.35 + 0.17 * max(len(participants), 3))
        panels = figure.subplots(1, len(table.order), sharey=True)
        for axes, session in zip(np.atleast_1d(panels), table.order, strict=True):
            _missing_panel(axes, _missing_of(table, participants, session), blocks)
            axes.set_title(literal_text(shorten_name(session, 20)))
        first = np.atleast_1d(panels)[0]
        first.set_yticks(
            range(len(participants)),
            [literal_text(shorten_name(participant, 18)) for participant in participants],
            fontsize=8,
        )
        first.set_ylim(len(participants) - 0.4, -0.6)
        key = [
            Patch(facecolor=LINE, alpha=0.7, label="measured"),
            Patch(facecolor=VERMILION, alpha=0.85, label="missing"),
        ]
        figure.legend(handles=key, loc="outside lower left", ncols=2, columnspacing=1.2, handletextpad=0.5)
    return figure


def participants_with_gaps(table: FeatureTable) -> list[str]:
    """Participants with a missing measure in any session, in the table's order."""
    rows = np.isnan(table.values[:, table.columns_of("measure")]).any(axis=1)
    return list(dict.fromkeys(participant for participant, gap in zip(table.participants, rows, strict=True) if gap))


def _missing_of(
    table: FeatureTable, participants: Sequence[str], session: str
) -> Bool[np.ndarray, "participant measure"]:
    places = {key: row for row, key in enumerate(zip(table.participants, table.sessions, strict=True))}
    return np.isnan(
        table.values[[places[participant, session] for participant in participants]][:, table.columns_of("measure")]
    )


def _measure_blocks(measures: Sequence[Measure]) -> list[tuple[str, range]]:
    """Neighbouring measures of one kind and task."""
    found, start = [], 0
    for (kind, task), group in groupby(measures, key=lambda measure: (measure.kind, measure.task)):
        stop = start + len(list(group))
        label = shorten_name(task, 14) if kind == "rest" else f"{KIND_NAMES[kind]} {shorten_name(task, 10)}"
        found.append((label, range(start, stop)))
        start = stop
    return found


def _missing_panel(
    axes: Axes, absent: Bool[np.ndarray, "participant measure"], blocks: Sequence[tuple[str, range]]
) -> None:
    """Blocks are of equal width whatever they hold, so that a few responses remain visible among many interactions."""
    for place, (_, columns) in enumerate(blocks):
        for row, gaps in enumerate(absent[:, list(columns)]):
            axes.add_patch(Rectangle((place + 0.04, row - 0.4), 0.92, 0.8, facecolor=LINE, alpha=0.7, linewidth=0))
            for start, stop in _runs_of_gaps(gaps):
                left, right = (place + 0.04 + 0.92 * edge / gaps.size for edge in (start, stop))
                box = Rectangle((left, row - 0.4), right - left, 0.8, facecolor=VERMILION, alpha=0.85, linewidth=0)
                axes.add_patch(box)
    axes.set_xlim(0, len(blocks))
    labels = [literal_text(label) for label, _ in blocks]
    axes.set_xticks(
        np.arange(len(blocks)) + 0.5, labels, rotation=40, ha="right", rotation_mode="anchor", fontsize=8, color=INK
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_facecolor(PAPER)


def _runs_of_gaps(gaps: Bool[np.ndarray, "measure"]) -> Iterator[tuple[int, int]]:
    """First and last + 1 of every run of missing measures."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], gaps.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
