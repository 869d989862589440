"""The lines of keys in a TOML text are found, however it is written."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.study._mistakes import Keys, line_of, locate_keys
from pipeline.study._starter import toml

SCALARS = (
    "1",
    "-0.5e3",
    "inf",
    "true",
    "1979-05-27 07:32:00",
    "07:32:00.5",
    '"a # b ] } , = \\" \\\\"',
    "'[x] # \\'",
    '""',
    "''",
    '"""\n[no.header]\nkey = 1 # \\"""\n"" """',
    "'''\n'' [[no]]\n'''",
    '"""x"""""',
    "''''y'''",
)
BARE = st.from_regex(r"[A-Za-z0-9_-]{1,4}", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


class Writer:
    """Writes a TOML text and notes the line of everything as it goes."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Keys, int] = {}
        self.count = 0

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def choose(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def gap(self, several_lines: bool = False) -> None:
        self.text += self.choose(*(["", " ", "\n", "  # ] } \" '''\n\t"] if several_lines else ["", " ", "\t "]))

    def name(self) -> tuple[str, str]:
        """A key that was not there before, and how it is spelled."""
        self.count += 1
        if self.choose(True, False):
            key = f"{self.draw(BARE)}{self.count}"
            return key, self.choose(key, f'"{key}"', f"'{key}'")
        key = f"{self.draw(TEXT)}.{self.count}"
        return key, toml(key)

    def key(self, table: Keys, at_most: int) -> Keys:
        for part in range(self.draw(st.integers(1, at_most))):
            name, spelled = self.name()
            if part:
                self.gap()
                self.text += "."
                self.gap()
            table = (*table, name)
            self.text += spelled
            self.lines[table] = self.line
        return table

    def pair(self, table: Keys, depth: int) -> None:
        path = self.key(table, 3)
        self.gap()
        self.text += "="
        self.gap()
        self.value(path, depth)

    def value(self, path: Keys, depth: int) -> None:
        kind = self.choose("scalar", "list", "table") if depth else "scalar"
        if kind == "scalar":
            self.text += self.choose(*SCALARS)
            return
        many = self.draw(st.integers(0, 3))
        self.text += "[" if kind == "list" else "{"
        for place in range(many):
            self.gap(several_lines=kind == "list")
            if kind == "list":
                self.lines[(*path, place)] = self.line
                self.value((*path, place), depth - 1)
            else:
                self.pair(path, depth - 1)
            self.gap(several_lines=kind == "list")
            if place < many - 1 or (kind == "list" and self.choose(True, False)):
                self.text += ","
        self.gap(several_lines=kind == "list")
        self.text += "]" if kind == "list" else "}"

    def pairs(self, table: Keys) -> None:
        for _ in range(self.draw(st.integers(0, 2))):
            self.gap()
            self.pair(table, 2)
            self.gap()
            self.text += self.choose("\n", "# x = 1\n", "\n\n")

    def header(self, table: Keys, opening: str, closing: str) -> Keys:
        self.text += opening
        self.gap()
        path = self.key(table, 3)
        self.gap()
        self.text += closing + self.choose("\n", " # [x]\n")
        return path

    def lists(self) -> None:
        """A list of tables, an entry with a table in it."""
        name, spelled = self.name()
        self.lines[(name,)] = self.line
        for place in range(self.draw(st.integers(1, 3))):
            self.lines[(name, place)] = self.line
            self.text += f"[[ {spelled}]]\n"
            self.pairs((name, place))
            if self.choose(True, False):
                inner, also = self.name()
                self.lines[(name, place, inner)] = self.line
                self.text += f"[{spelled} . {also}]\n"
                self.pairs((name, place, inner))


@st.composite
def documents(draw: Any) -> tuple[str, dict[Keys, int]]:
    writer = Writer(draw)
    writer.pairs(())
    for _ in range(draw(st.integers(0, 3))):
        if writer.choose(True, False):
            writer.pairs(writer.header((), "[", "]"))
        else:
            writer.lists()
    return writer.text, writer.lines


def paths(value: Any, path: Keys = ()) -> set[Keys]:
    """Every key and place of a parsed file."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path, *(found for key, item in items for found in paths(item, (*path, key)))}


@settings(max_examples=150, deadline=None)
@given(documents())
def test_every_key_is_found_on_its_line(document: tuple[str, dict[Keys, int]]) -> None:
    text, lines = document
    assert locate_keys(text) == lines
    assert set(lines) == paths(tomllib.loads(text)) - {()}
    assert locate_keys(text.replace("\n", "\r\n")) == lines


def test_a_table_named_before_its_header_stands_at_its_header() -> None:
    lines = locate_keys("[a.b]\nx = 1\n\n[a]\ny = 2\n")
    assert lines == {("a",): 4, ("a", "b"): 1, ("a", "b", "x"): 2, ("a", "y"): 5}


def test_what_has_no_line_of_its_own_is_where_it_would_be() -> None:
    lines = locate_keys("x = 1\n[a]\ny = [\n1,\n2]\n")
    assert line_of(lines, ("a", "missing")) == 2
    assert line_of(lines, ("a", "y", 1, "z")) == 5
    assert line_of(lines, ("b",)) == 1
