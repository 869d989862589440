"""Rows of results once, shown three ways: a table to read, a TSV file, JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..common import print_table, write_text
from ..tables import MISSING, number_cell, number_text, tab_separated
from ._html import PageTable, Section

PROBABILITY = "probability"  # the form of a number between 0 and 1 that must not be rounded to either
EFFECT, SPREAD = "effect", "spread"  # of a number in some unit, with and without its sign: three digits that count


@dataclass(frozen=True)
class Column:
    """One column.

    Fields:
        key: of the rows; the column's name in TSV and JSON.
        heading: what is shown above it.
        form: how a number is shown, such as ``+.3f``, or EFFECT, SPREAD, PROBABILITY; empty for text.
        where: a terminal and a page have room for some columns, a file for all.
    """

    key: str
    heading: str
    form: str = ""
    where: Literal["everywhere", "file"] = "everywhere"

    def text(self, value: Any) -> str:
        """A value as it is shown."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "–"
        if self.form == PROBABILITY:
            return probability_text(value)
        if self.form in (EFFECT, SPREAD):
            return number_text(float(value), sign=self.form == EFFECT)
        return format(value, self.form).replace("-", "−") if self.form else str(value)


def probability_text(value: float) -> str:
    """A probability that is never rounded to 0 or 1."""
    return "<0.001" if 0 < value < 0.001 else ">0.999" if 0.999 < value < 1 else f"{value:.3f}"


@dataclass(frozen=True, eq=False)
class Records:
    """Rows of named values.

    Fields:
        name: a word of our own; ``NAME.tsv`` is the file.
        title, lead: above the table.
        columns: in order.
        rows: one mapping each, with every column's key.
        marked: rows that something is wrong with.
        sure: rows that stand out as found.
        brief: whether it is printed on a terminal too.
    """

    name: str
    title: str
    lead: str
    columns: tuple[Column, ...]
    rows: Sequence[Mapping[str, Any]]
    marked: frozenset[int] = frozenset()
    sure: frozenset[int] = frozenset()
    brief: bool = True

    def table(self) -> PageTable:
        """For a page and a terminal."""
        columns = [column for column in self.columns if column.where == "everywhere"]
        texts = tuple(tuple(column.text(row[column.key]) for column in columns) for row in self.rows)
        numeric = frozenset(i for i, column in enumerate(columns) if column.form)
        headings = tuple(column.heading for column in columns)
        return PageTable(self.title, self.lead, headings, texts, numeric, self.marked, self.sure, self.name, self.tsv())

    def collapsible(self) -> Section:
        """A long table as a section that opens on request, under its own title."""
        return Section(self.title, "", tables=(replace(self.table(), title=""),))

    def print(self) -> None:
        """On the terminal, as far as it is meant for one."""
        if not self.brief:
            return
        table = self.table()
        left = [i for i in range(len(table.columns)) if i not in table.numeric]
        print_table(table.columns, table.rows, left=left, title=self.title)

    def tsv(self) -> str:
        """As text: numbers in full, missing ones as n/a."""
        head = [column.key for column in self.columns]
        return tab_separated([head, *([_cell(row[key]) for key in head] for row in self.rows)])

    def write(self, folder: Path) -> None:
        """``NAME.tsv``."""
        write_text(folder / f"{self.name}.tsv", self.tsv())

    def plain(self) -> list[dict[str, Any]]:
        """For JSON."""
        return [{column.key: row[column.key] for column in self.columns} for row in self.rows]


def _cell(value: Any) -> str:
    if value is None:
        return MISSING
    return number_cell(value) if isinstance(value, float) else str(value)
