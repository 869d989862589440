"""One name, one thing: a reader who meets a name in two rooms may take one thing for the other."""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("dcm", "peb", "features", "pipeline", "effconn", "benchmarks")
# Participles, pronouns and catch-alls say nothing of what a module or a class is.
RIDDLES = {
    *("asked", "beside", "doing", "ended", "found", "kept", "look", "made", "said", "stands", "taken", "told", "who"),
    *("core", "helpers", "misc", "stuff", "things", "utils"),
}


@functools.cache
def texts_of(room: str) -> list[tuple[str, str]]:
    """Every module's path and text."""
    paths = sorted((ROOT / room).rglob("*.py"))
    return [(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in paths]


def defined(kind: str, *rooms: str) -> list[tuple[str, str]]:
    """(path, name) of each class or function at the top of a module; no string of code has one at its margin."""
    top = re.compile(rf"^{kind} (\w+)\s*[(:\[]", re.M)
    return [(path, name) for room in rooms for path, text in texts_of(room) for name in top.findall(text)]


def defined_twice(found: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Public name → where it is defined at the top of a module, if in more than one."""
    places = defaultdict(list)
    for path, name in found:
        if name[0] != "_":
            places[name].append(path)
    return {name: paths for name, paths in places.items() if len(paths) > 1}


def test_no_class_is_called_as_another() -> None:
    assert defined_twice(defined("class", *ROOMS)) == {}


def test_no_public_function_of_the_pipeline_is_called_as_another() -> None:
    """Functions of `cli/` are commands, which are called what is typed."""
    found = [where for where in defined("def", "features", "pipeline") if not where[0].startswith("pipeline/cli/")]
    assert defined_twice(found) == {}


def test_modules_and_classes_are_called_what_they_are() -> None:
    names = [(path, Path(path).stem) for room in ROOMS for path, _ in texts_of(room)]
    names += defined("class", *ROOMS)
    assert [where for where in names if where[1].strip("_").lower() in RIDDLES] == []


@pytest.mark.parametrize("room", [*ROOMS, "tests", "docs", "examples"])
def test_loop_variables_say_what_they_are(room: str) -> None:
    """`one` alone does not, and `who` is a participant; `one` with `other`, of a pair, does."""
    loops = [
        (path, node.target.lineno)
        for path, text in texts_of(room)
        if re.search(r"\bfor\b[\s(]*(one|who)\b", text)  # few; only these are parsed
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.For, ast.comprehension))
        and isinstance(node.target, ast.Name)
        and node.target.id in ("one", "who")
    ]
    assert loops == []
