"""Text for terminals, logs, pages and sentences: escapes, lengths, lists of names, durations."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from ._names import sorted_names

LONGEST = 80  # characters of a value within a message
LONGEST_VALUE = 300  # characters of a value that a message was given whole; the name of a file has 255 at most
LONGEST_LINE = 2000  # characters of a message
SHOWN = 8  # names, before the rest is only counted
ALIKE = 0.55  # share of letters in common, from which a name may be a slip for another
LABELS = 6  # likewise, in front of a remark; labels of runs are long

# Control characters but tab and line ends, what XML has no place for, and marks and overrides of direction.
_UNSHOWABLE = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\ufffe\\uffff\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]"
)
# What stands between quotation marks, or has neither a space nor, as paths have, a slash in it.
_LONG_VALUE = re.compile(
    rf"(?<!\w)'(?=\S)[^']{{{LONGEST_VALUE},}}'|(?<!\w)\"(?=\S)[^\"]{{{LONGEST_VALUE},}}\"|[^\s/]{{{LONGEST_VALUE},}}"
)
# After joints, and before an arrow or what is in brackets; never amid a word or a number.
_JOINT = re.compile(r"(?<=[_/|←→×])(?=[^\s_])|(?<=[,:;])(?=[^\W\d])|(?<=\w)(?=[(\[←→])")


def visible_text(text: str) -> str:
    """The text with every character that is not printable (control, direction, surrogate) as its escape.

    ``"\\x1b[31mred"`` becomes ``"\\\\x1b[31mred"``: a name cannot colour, clear or reorder what a terminal shows.
    """
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def page_text(text: str) -> str:
    """The text with what a page or a drawing cannot hold, and what turns the direction of writing, as its escape."""
    return _UNSHOWABLE.sub(lambda found: ascii(found.group())[1:-1], text)


def shorten(text: str, longest: int = LONGEST) -> str:
    """The visible text, cut in its middle where it is longer than `longest` characters."""
    if len(text) > 2 * longest:  # no more of it is shown; the rest need not be made visible
        text = f"{text[:longest]}…{text[-longest:]}"
    shown = visible_text(text)
    if len(shown) <= longest:
        return shown
    head = (longest - 1) * 2 // 3
    return f"{shown[:head]}…{shown[len(shown) - (longest - 1 - head) :]}"


def error_line(error: BaseException, longest: int = LONGEST) -> str:
    """The text of an error of another library, as a part of a message; its class where it has no text."""
    return shorten(" ".join(str(error).split()) or type(error).__name__, longest)


def message_line(text: str) -> str:
    """A message as one line of a terminal or a log: visible, with long values cut in their middle."""
    line = " ".join(text.splitlines())
    if len(line) > LONGEST_VALUE:
        line = _LONG_VALUE.sub(lambda found: shorten(found.group()), line)
    return shorten(line, LONGEST_LINE)


def file_name_text(name: str) -> str:
    """A file's name as text that UTF-8 can hold: bytes that are no UTF-8 stand as ``\\xff``, all else as it is."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def first_names(names: Sequence[str], shown: int = SHOWN) -> str:
    """Names in one line with commas between them, the first few where there are many: ``a, b and 3 more``."""
    more = len(names) - shown
    return ", ".join(" ".join(name.split()) for name in names[:shown]) + (f" and {more} more" if more > 0 else "")


def list_names(names: Iterable[str], nothing: str = "none") -> str:
    """Names in a sentence, each once and in natural order, not too many of them."""
    return first_names(sorted_names(set(names))) or nothing


def nearest_name(name: str, choices: Iterable[str]) -> str | None:
    """The choice that is most like a name, capitals and hyphens aside; None where none is like it."""
    wanted = _letters(name)
    scored = [(SequenceMatcher(None, wanted, _letters(choice)).ratio(), choice) for choice in sorted(set(choices))]
    score, nearest = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
    return nearest if score >= ALIKE else None


def did_you_mean(name: str, choices: Sequence[str], kind: str) -> str:
    """The end of a message about a name that does not exist: ``; did you mean 'shapes'? (conditions: faces, shapes)``.

    Arguments:
        kind: what the choices are, in the plural.
    """
    if not choices:
        return f"; there are no {kind}"
    nearest = nearest_name(name, choices)
    question = f"; did you mean {nearest!r}?" if nearest is not None else ""
    return f"{question} ({kind}: {first_names(choices)})"


def _letters(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "").replace(" ", "")


def join_words(names: Iterable[str]) -> str:
    """All names as a sentence has them: ``a, b and c``."""
    *first, last = [*names] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def with_article(noun: str) -> str:
    """``an arm``, ``a group``."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def labels_by_remark(remarks: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Text → labels of what it is about, in the order in which texts first come up.

    Arguments:
        remarks: (label of what it is about, text).
    """
    about: dict[str, list[str]] = {}
    for label, text in remarks:
        about.setdefault(text, []).append(label)
    return {text: first_names(labels, LABELS) for text, labels in about.items()}


def merge_remarks(remarks: Iterable[tuple[str, str]]) -> list[str]:
    """One line for each text of `labels_by_remark`."""
    return [f"{labels}: {text}" for text, labels in labels_by_remark(remarks).items()]


def name_parts(name: str) -> list[str]:
    """The parts of a name, which are the name when put together: ``gppi_faces`` is ``gppi_`` and ``faces``."""
    return [part for part in _JOINT.split(name) if part]


def format_duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
