"""Names and remarks in sentences: not too many, and the same remark about many things in one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ._natural_order import sorted_names

SHOWN = 8  # names, before the rest is only counted
LABELS = 6  # likewise, in front of a remark; labels of runs are long


def some(names: Sequence[str], shown: int = SHOWN) -> str:
    """Names in one line with commas between them, the first few where there are many: ``a, b and 3 more``."""
    more = len(names) - shown
    return ", ".join(" ".join(name.split()) for name in names[:shown]) + (f" and {more} more" if more > 0 else "")


def listed(names: Iterable[str], nothing: str = "none") -> str:
    """Names in a sentence, each once and in natural order, not too many of them."""
    return some(sorted_names(set(names))) or nothing


def joined(names: Iterable[str]) -> str:
    """All names as a sentence has them: ``a, b and c``."""
    *first, last = [*names] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def gather_remarks(said: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Text → what it was said of, in the order in which it first came up.

    Arguments:
        said: (what it is about, the text).
    """
    about: dict[str, list[str]] = {}
    for label, text in said:
        about.setdefault(text, []).append(label)
    return {text: some(labels, LABELS) for text, labels in about.items()}


def gathered(said: Iterable[tuple[str, str]]) -> list[str]:
    """One line for each text of `gather_remarks`."""
    return [f"{labels}: {text}" for text, labels in gather_remarks(said).items()]
