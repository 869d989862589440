"""Text from files as a terminal, a log or a message may show it."""

from __future__ import annotations

LONGEST = 80  # characters of a value within a message


def visible(text: str) -> str:
    """The text with every character that is not printable (control, direction, surrogate) as its escape.

    ``"\\x1b[31mred"`` becomes ``"\\\\x1b[31mred"``: a name cannot colour, clear or reorder what a terminal shows.
    """
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def shorten(text: str, longest: int = LONGEST) -> str:
    """The visible text, cut in its middle where it is longer than `longest` characters."""
    shown = visible(text)
    if len(shown) <= longest:
        return shown
    head = (longest - 1) * 2 // 3
    return f"{shown[:head]}…{shown[len(shown) - (longest - 1 - head) :]}"
