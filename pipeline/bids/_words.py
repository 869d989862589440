"""How messages name things: not too many of them, and the same remark about many runs in one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from peb import some

from ..common import message_line, sorted_names


class DataError(ValueError):
    """Something in a study's files that cannot be used: file, problem and remedy in one line."""

    def __init__(self, problem: str) -> None:
        super().__init__(message_line(problem))


def listed(names: Iterable[str], nothing: str = "none") -> str:
    """Names in a sentence, in natural order, not too many of them."""
    return some(sorted_names(set(names))) or nothing


def gathered(said: Sequence[tuple[str, str]]) -> list[str]:
    """One line for each text, in the order in which it first came up, naming what it was said of.

    Arguments:
        said: (what it is about, the text).
    """
    about: dict[str, list[str]] = {}
    for label, text in said:
        about.setdefault(text, []).append(label)
    return [f"{some(labels)}: {text}" for text, labels in about.items()]
