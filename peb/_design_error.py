"""What is said of a design that cannot be used, and how names stand in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_LONG_WORD = re.compile(r"\S{81,}")  # names come from files, and a message is one line


class DesignError(ValueError):
    """A design that cannot be used; the message says which column or participant, and what to do."""

    def __init__(self, message: str) -> None:
        shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in message)
        super().__init__(_LONG_WORD.sub(lambda word: f"{word[0][:40]}…{word[0][-20:]}", shown))


def repeated_names(names: Sequence[str]) -> list[str]:
    """The names that are there more than once, in the order of the alphabet."""
    return sorted(name for name, times in Counter(names).items() if times > 1)


def name_list(names: Sequence[str]) -> str:
    """Names in a sentence, not too many of them."""
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
