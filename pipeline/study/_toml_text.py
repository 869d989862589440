"""Texts, numbers, keys and names as TOML writes them; whatever is in a text stays in its quotes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._analysis_settings import NAME

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}


class WrittenToml(str):
    """Text that is TOML already."""

    __slots__ = ()


def toml_text(value: Any) -> str:
    """A text, a number, or a list of them, as TOML writes it; whatever is in a text stays in its quotes."""
    if isinstance(value, WrittenToml):
        return value
    if isinstance(value, str):
        return f'"{"".join(map(_escaped, value))}"'
    if isinstance(value, Path):
        return toml_text(value.as_posix())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_text, value))}]"
    return str(value)


def _escaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isprintable():
        return letter
    code = ord(letter)
    if 0xD800 <= code <= 0xDFFF:  # a byte of a file name that is no text
        return "\\uFFFD"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def toml_key(name: str) -> WrittenToml:
    """A key, in quotes where it needs them."""
    return WrittenToml(name if _BARE.fullmatch(name) else toml_text(name))


def toml_names(texts: Sequence[str]) -> list[str]:
    """Names of ours for some texts: the same where they may stand as they are, all different, in capitals too."""
    names: list[str] = []
    for text in texts:
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-") or "x"
        name = name if NAME.fullmatch(name) else f"x{name}"
        taken = {used.casefold() for used in names}
        bare, number = name, 2
        while name.casefold() in taken:
            name, number = f"{bare}-{number}", number + 1
        names.append(name)
    return names
