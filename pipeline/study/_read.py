"""A configuration file → a checked study; or every mistake in it, each with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..common import UsageError, message_line
from ._check_dcm import check_dcm
from ._check_group import check_group
from ._check_people import check_people
from ._check_predict import check_predict
from ._check_regions import check_regions
from ._check_settings import check_settings
from ._check_tasks import check_tasks
from ._lines import Keys, line_of, locate
from ._places import with_places
from ._problem import Problem
from ._salvage import salvaged, trusted
from ._shape import shaped
from ._study import Study

LARGEST = 2**20  # bytes; a configuration is text that people write
DEEPEST = 20

CHECKS: tuple[Callable[[Study], Iterator[Problem]], ...] = (
    check_people,
    check_tasks,
    check_settings,
    check_regions,
    check_dcm,
    check_group,
    check_predict,
)

# What tomllib says → what to do.
_REMEDIES = {
    "Invalid value": "text needs quotes around it",
    "Expected '='": "write key = value; a key with spaces or special characters needs quotes",
    "Cannot overwrite a value": "this key has a value already; keep one of the two",
    "Cannot declare": "this heading is there twice; put everything under one of the two",
    "Cannot redefine namespace": "this heading is there twice; put everything under one of the two",
    "Unescaped '\\'": "write paths with / or between single quotes",
    "Illegal character": "end the text with a quotation mark on the same line",
    "Unterminated string": "end the text with a quotation mark",
    "Unclosed array": "end the list with a bracket ]",
    "Expected ']'": "end the heading with a bracket ]",
    "Unclosed inline table": "end the table with a brace }",
}


class StudyError(UsageError):
    """Mistakes in a configuration, all of them at once.

    Attributes:
        lines: one line for each mistake, in the order of the file.
    """

    def __init__(self, name: str, lines: list[str]) -> None:
        lines = [message_line(line) for line in lines]
        head = [f"{name} has {len(lines)} mistakes:"] if len(lines) > 1 else []
        super().__init__("\n".join([*head, *lines]))
        self.lines = tuple(lines)


def read_study(path: str | Path) -> Study:
    """The study that a TOML file describes, with all its paths absolute.

    Arguments:
        path: of the file; relative paths in it are relative to its folder.

    Raises `StudyError` with every mistake in the file at once, a line each: where, which key, what was expected, and
    the nearest valid name.
    """
    name = str(path)
    text = _text(Path(path), name)
    content = _parsed(text, name)
    study, problems = _checked(content)
    if problems or study is None:
        lines = locate(text)
        raise StudyError(name, _told(problems, name, lines))
    return with_places(study, Path(path).expanduser().absolute().parent)


def _checked(content: Mapping[str, Any]) -> tuple[Study | None, list[Problem]]:
    study, problems = shaped(content)
    if not problems and study is not None:
        return study, [problem for check in CHECKS for problem in check(study)]
    rest, broken = salvaged(content, problems)
    if rest is not None:
        problems += trusted([problem for check in CHECKS for problem in check(rest)], broken)
    return None, problems


def _told(problems: list[Problem], name: str, lines: Mapping[Keys, int]) -> list[str]:
    """One line for each, in the order of the file."""
    ordered = sorted(problems, key=lambda one: line_of(lines, one.path))
    return list(dict.fromkeys(one.words(name, lines) for one in ordered))


def _text(path: Path, name: str) -> str:
    try:
        content = path.expanduser().read_bytes()
    except FileNotFoundError:
        raise StudyError(name, [f"{name} does not exist; effconn init BIDS writes one to start from"]) from None
    except IsADirectoryError:
        raise StudyError(name, [f"{name} is a folder; give the configuration file in it"]) from None
    except OSError as error:
        raise StudyError(name, [f"{name} cannot be opened ({error.strerror}); check the path"]) from None
    if len(content) > LARGEST or b"\0" in content:
        raise StudyError(name, [f"{name} is no configuration file, which is a short text (TOML, UTF-8)"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise StudyError(name, [f"{name}:{line}: is not in UTF-8; save the file as UTF-8 text"]) from None


def _parsed(text: str, name: str) -> dict[str, Any]:
    too_deep = StudyError(name, [f"{name}: tables and lists are nested too deeply; a study needs five levels"])
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(name, [_syntax(str(error), text, name)]) from None
    except RecursionError:
        raise too_deep from None
    except ValueError as error:  # a number of thousands of digits
        raise StudyError(name, [f"{name}: a number cannot be read ({error}); write a shorter one"]) from None
    if _depth(content) > DEEPEST:
        raise too_deep
    return content


def _depth(content: Any) -> int:
    """How many tables and lists lie in each other, at most."""
    depth, level = 0, [content]
    while level:
        inside = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = [one for items in inside for one in items]
        depth += 1
    return depth


def _syntax(message: str, text: str, name: str) -> str:
    place = re.search(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    what = message[: place.start()] if place else message
    line = place[1] if place and place[1] else str(text.rstrip("\n").count("\n") + 1)
    column = place[2] if place and place[2] else str(len(text.rstrip("\n").rpartition("\n")[2]) + 1)
    remedy = next((remedy for start, remedy in _REMEDIES.items() if what.startswith(start)), "correct it")
    return " ".join(f"{name}:{line}: column {column}: this is not TOML: {what}; {remedy}".split())
