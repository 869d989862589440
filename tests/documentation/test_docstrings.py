"""Docstrings name the arguments and fields that are there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = [file for package in ("dcm", "peb", "features", "pipeline") for file in sorted((ROOT / package).rglob("*.py"))]
LIST = re.compile(r"^(Arguments|Fields)[^\n]*:\n((?: {4}.*\n?|\n)+)", re.M)
ENTRY = re.compile(r"^ {4}([A-Za-z_]\w*(?:, \*{0,2}[A-Za-z_]\w*)*):(?:\s|$)", re.M)


def documented(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    """What a docstring lists under Arguments or Fields."""
    for part in LIST.finditer(ast.get_docstring(node) or ""):
        for entry in ENTRY.finditer(part[2]):
            yield from (name.strip(" *") for name in entry[1].split(","))


def names_of(node: ast.FunctionDef | ast.ClassDef) -> set[str]:
    """Arguments of a function, or of a class everything that its body names."""
    if isinstance(node, ast.FunctionDef):
        return {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
    words = {child.name for child in node.body if isinstance(child, ast.FunctionDef)}
    for child in ast.walk(node):
        words |= {child.id} if isinstance(child, ast.Name) else set()
        words |= {child.attr} if isinstance(child, ast.Attribute) else set()
        words |= {child.arg} if isinstance(child, ast.arg) else set()
    return words


@pytest.mark.parametrize("package", ["dcm", "peb", "features", "pipeline"])
def test_what_a_docstring_lists_is_there(package: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}: {name}"
        for file in FILES
        if file.is_relative_to(ROOT / package)
        if "Arguments" in (text := file.read_text(encoding="utf-8")) or "Fields" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        for name in documented(node)
        if name not in names_of(node)
    ]
    assert not wrong
