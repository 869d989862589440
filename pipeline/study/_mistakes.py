"""A mistake in a study's configuration: which key, what is wrong, and its line in the TOML file."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..common import did_you_mean, shorten

Keys = tuple[str | int, ...]  # keys, and places in lists from 0

_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")  # numbers, truth values, dates (which may hold a space)

LONGEST = 60  # of a value that a message repeats
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def locate_keys(text: str) -> dict[Keys, int]:
    """The line, from 1, of every key, table and entry of a list in a TOML text.

    Arguments:
        text: that `tomllib` has parsed without complaint; nothing is checked here.

    A table that several headers make stands where its own header is, or else where it was first named.
    """
    return _Scanner(text).scan()


def line_of(lines: Mapping[Keys, int], path: Keys) -> int:
    """The line of a key, or of the innermost thing around it that has one; the first line where nothing has."""
    return next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 1)


class _Scanner:
    """Walks through a text once. `at` is the place in it, `lines` what was found so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Keys, int] = {}
        self.counts: dict[Keys, int] = {}  # entries so far of each list that headers make
        self._seen, self._line = 0, 1

    def scan(self) -> dict[Keys, int]:
        table: Keys = ()
        self.skip(_SPACE)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(_SPACE)
        return self.lines

    def header(self) -> Keys:
        """``[a.b]`` or ``[[a.b]]``, and the table that it opens."""
        line = self.line()
        entry = self.text.startswith("[[", self.at)
        self.at += 2 if entry else 1
        *outer, last = self.key()
        table: Keys = ()
        for part in outer:
            table = self.newest((*table, part))
            self.lines.setdefault(table, line)
        table = (*table, last)
        if entry:
            self.lines.setdefault(table, line)
            self.counts[table] = self.counts.get(table, 0) + 1
            table = self.newest(table)
        self.lines[table] = line
        self.at += 2 if entry else 1
        return table

    def newest(self, table: Keys) -> Keys:
        """A table, or the last entry of a list of tables."""
        return (*table, self.counts[table] - 1) if table in self.counts else table

    def pair(self, table: Keys) -> None:
        """``key = value``."""
        line = self.line()
        for part in self.key():
            table = (*table, part)
            self.lines.setdefault(table, line)
        self.at += 1  # the equals sign
        self.skip(_SPACE)
        self.value(table)

    def key(self) -> list[str]:
        """The parts of a dotted key."""
        parts = []
        while True:
            self.skip(_BLANK)
            if quoted := _STRING.match(self.text, self.at):
                parts.append(str(tomllib.loads(f"key = {quoted[0]}")["key"]))
                self.at = quoted.end()
            elif bare := _BARE_KEY.match(self.text, self.at):
                parts.append(bare[0])
                self.at = bare.end()
            else:
                raise ValueError(f"no key at character {self.at}")  # tomllib would not have accepted it
            self.skip(_BLANK)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def value(self, path: Keys) -> None:
        """Whatever stands to the right of an equals sign, or in a list."""
        opening = self.text[self.at]
        if opening == "[":
            self.entries(path, "]")
        elif opening == "{":
            self.entries(path, "}")
        else:
            self.skip(_STRING if opening in "\"'" else _SCALAR)

    def entries(self, path: Keys, closing: str) -> None:
        """A list or a table in one piece, entries with commas between them."""
        self.at += 1
        place = 0
        self.skip(_SPACE)
        while self.text[self.at] != closing:
            if closing == "}":
                self.pair(path)
            else:
                self.lines[(*path, place)] = self.line()
                self.value((*path, place))
                place += 1
            self.skip(_SPACE)
            if self.text[self.at] == ",":
                self.at += 1
                self.skip(_SPACE)
        self.at += 1

    def skip(self, pattern: re.Pattern[str]) -> None:
        if found := pattern.match(self.text, self.at):
            self.at = found.end()

    def line(self) -> int:
        """The line of where we are."""
        self._line += self.text.count("\n", self._seen, self.at)
        self._seen = self.at
        return self._line


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Fields:
        path: key it is at, or table it is in.
        text: what is wrong, what was expected, what to do.
        about: other keys whose content it depends on; where one of them is wrong itself, this may be no mistake.
    """

    path: Keys
    text: str
    about: tuple[Keys, ...] = ()

    def words(self, name: str, lines: Mapping[Keys, int]) -> str:
        """``study.toml:14: tasks.faces.rest: …``, in one line."""
        key = key_as_written(self.path)
        text = " ".join(f"{key + ': ' if key else ''}{self.text}".split())
        return f"{name}:{line_of(lines, self.path)}: {text}"


def key_as_written(path: Keys) -> str:
    """A path as the file spells it: ``regions."left amygdala".labels (entry 2)``."""
    keys = [key for key in path if isinstance(key, str)]
    places = [f"entry {index + 1}" for index in path if isinstance(index, int)]
    text = ".".join(key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in keys)
    return f"{text} ({', '.join(places)})" if places else text


def heading(path: Keys) -> str:
    """``[tasks.faces]``, or ``the file`` for what stands above the first heading."""
    return f"[{key_as_written(path)}]" if path else "the file"


def quoted(value: object) -> str:
    """A value as a message repeats it: on one line, and not too long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return shorten(repr(value), LONGEST)


def names_differing_in_case(path: Keys, names: Iterable[str], kind: str) -> Iterator[Mistake]:
    """A problem for every name that differs from an earlier one in capitals alone: some file systems take them for one.

    Arguments:
        path: of the table whose keys the names are.
        kind: what they are names of, in the plural.
    """
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            yield Mistake(
                (*path, name), f"the {kind} {other!r} and {name!r} differ in capitals only, and so would their files"
            )


def check_names(
    path: Keys,
    names: Sequence[Any],
    known: Sequence[str] | None = None,
    unknown: str = "",
    kind: str = "",
    about: tuple[Keys, ...] = (),
) -> Iterator[Mistake]:
    """A problem for every entry of a list that repeats an earlier one, or is none of the known names.

    Arguments:
        path: of the list.
        known: names that exist; None where entries may be anything.
        unknown: what any other name is, such as "no region of the model".
        kind: what the known names are, in the plural.
        about: see `Mistake`.
    """
    for place, name in enumerate(names):
        if name in names[:place]:
            yield Mistake((*path, place), f"names {name!r} twice; name it once")
        elif known is not None and name not in known:
            yield Mistake((*path, place), f"{name!r} is {unknown}{did_you_mean(name, known, kind)}", about)
