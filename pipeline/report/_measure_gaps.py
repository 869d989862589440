"""A picture of which measures are missing of whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from jaxtyping import Bool
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ..figures import INK, LINE, PAPER, VERMILION, new_figure, plain, shortened, style
from ..measures import KINDS, FeatureTable, Measure

MOST = 60  # participants in the picture


def gaps_figure(table: FeatureTable, people: Sequence[str]) -> Figure:
    """One row a participant, one panel a session, one column a measure; filled where it is missing."""
    blocks = _blocks(table.measures)
    with style():
        figure = new_figure(1.35 + 0.17 * max(len(people), 3))
        panels = figure.subplots(1, len(table.order), sharey=True)
        for axes, session in zip(np.atleast_1d(panels), table.order, strict=True):
            _panel(axes, _absent(table, people, session), blocks)
            axes.set_title(plain(shortened(session, 20)))
        first = np.atleast_1d(panels)[0]
        first.set_yticks(range(len(people)), [plain(shortened(participant, 18)) for participant in people], fontsize=8)
        first.set_ylim(len(people) - 0.4, -0.6)
        key = [
            Patch(facecolor=LINE, alpha=0.7, label="measured"),
            Patch(facecolor=VERMILION, alpha=0.85, label="missing"),
        ]
        figure.legend(handles=key, loc="outside lower left", ncols=2, columnspacing=1.2, handletextpad=0.5)
    return figure


def lacking(table: FeatureTable) -> list[str]:
    """Participants who lack a measure in either session, in the table's order."""
    rows = np.isnan(table.values[:, table.of("measure")]).any(axis=1)
    return list(dict.fromkeys(who for who, gap in zip(table.participants, rows, strict=True) if gap))


def _absent(table: FeatureTable, people: Sequence[str], session: str) -> Bool[np.ndarray, "person measure"]:
    places = {key: row for row, key in enumerate(zip(table.participants, table.sessions, strict=True))}
    return np.isnan(table.values[[places[who, session] for who in people]][:, table.of("measure")])


def _blocks(measures: Sequence[Measure]) -> list[tuple[str, range]]:
    """Neighbouring measures of one kind and task."""
    found, start = [], 0
    for (kind, task), group in groupby(measures, key=lambda measure: (measure.kind, measure.task)):
        stop = start + len(list(group))
        label = shortened(task, 14) if kind == "rest" else f"{KINDS[kind]} {shortened(task, 10)}"
        found.append((label, range(start, stop)))
        start = stop
    return found


def _panel(axes: Axes, absent: Bool[np.ndarray, "person measure"], blocks: Sequence[tuple[str, range]]) -> None:
    """Blocks are of equal width whatever they hold, so that a few responses are seen beside many interactions."""
    for place, (_, columns) in enumerate(blocks):
        for row, gaps in enumerate(absent[:, list(columns)]):
            axes.add_patch(Rectangle((place + 0.04, row - 0.4), 0.92, 0.8, facecolor=LINE, alpha=0.7, linewidth=0))
            for start, stop in _stretches(gaps):
                left, right = (place + 0.04 + 0.92 * edge / gaps.size for edge in (start, stop))
                box = Rectangle((left, row - 0.4), right - left, 0.8, facecolor=VERMILION, alpha=0.85, linewidth=0)
                axes.add_patch(box)
    axes.set_xlim(0, len(blocks))
    labels = [plain(label) for label, _ in blocks]
    axes.set_xticks(
        np.arange(len(blocks)) + 0.5, labels, rotation=40, ha="right", rotation_mode="anchor", fontsize=8, color=INK
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_facecolor(PAPER)


def _stretches(gaps: Bool[np.ndarray, "measure"]) -> Iterator[tuple[int, int]]:
    """First and last + 1 of every run of missing measures."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], gaps.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
