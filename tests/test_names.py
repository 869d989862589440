"""One name, one thing: a reader who meets a name in two rooms may take one thing for the other."""

from __future__ import annotations

import ast
import functools
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
def modules_of(room: str) -> list[tuple[str, ast.Module]]:
    """Every module's path and syntax."""
    paths = sorted((ROOT / room).rglob("*.py"))
    return [(str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def modules(*rooms: str) -> list[tuple[str, ast.Module]]:
    return [module for room in rooms for module in modules_of(room)]


def defined_twice(kind: type[ast.AST], found: list[tuple[str, ast.Module]]) -> dict[str, list[str]]:
    """Public name → where it is defined at the top of a module, if in more than one."""
    places = defaultdict(list)
    for path, module in found:
        for node in module.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and isinstance(node, kind) and node.name[0] != "_":
                places[node.name].append(path)
    return {name: paths for name, paths in places.items() if len(paths) > 1}


def test_no_class_is_called_as_another() -> None:
    assert defined_twice(ast.ClassDef, modules(*ROOMS)) == {}


def test_no_public_function_of_the_pipeline_is_called_as_another() -> None:
    """Functions of `cli/` are commands, which are called what is typed."""
    found = [module for module in modules("features", "pipeline") if not module[0].startswith("pipeline/cli/")]
    assert defined_twice(ast.FunctionDef, found) == {}


def test_modules_and_classes_are_called_what_they_are() -> None:
    names = [(path, Path(path).stem) for path, _ in modules(*ROOMS)]
    names += [(path, n.name) for path, module in modules(*ROOMS) for n in module.body if isinstance(n, ast.ClassDef)]
    assert [where for where in names if where[1].strip("_").lower() in RIDDLES] == []


@pytest.mark.parametrize("room", [*ROOMS, "tests", "docs", "examples"])
def test_loop_variables_say_what_they_are(room: str) -> None:
    """`one` alone does not, and `who` is a participant; `one` with `other`, of a pair, does."""
    loops = [
        (path, node.target.lineno)
        for path, module in modules(room)
        for node in ast.walk(module)
        if isinstance(node, (ast.For, ast.comprehension))
        and isinstance(node.target, ast.Name)
        and node.target.id in ("one", "who")
    ]
    assert loops == []
