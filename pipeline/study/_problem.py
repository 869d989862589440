"""A mistake in a study's configuration: which key, and what about it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..common import shorten
from ._lines import Keys, line_of

LONGEST = 60  # of a value that a message repeats

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Problem:
    """One mistake.

    Fields:
        path: key it is at, or table it is in.
        text: what is wrong, what was expected, what to do.
        about: other keys whose content it depends on; where one of them is wrong itself, this may be no mistake.
    """

    path: Keys
    text: str
    about: tuple[Keys, ...] = ()

    def words(self, name: str, lines: Mapping[Keys, int]) -> str:
        """``study.toml:14: tasks.faces.rest: …``, in one line."""
        key = spelled(self.path)
        text = " ".join(f"{key + ': ' if key else ''}{self.text}".split())
        return f"{name}:{line_of(lines, self.path)}: {text}"


def spelled(path: Keys) -> str:
    """A path as the file spells it: ``regions."left amygdala".labels (entry 2)``."""
    keys = [one for one in path if isinstance(one, str)]
    places = [f"entry {one + 1}" for one in path if isinstance(one, int)]
    text = ".".join(one if _BARE.fullmatch(one) else json.dumps(one, ensure_ascii=False) for one in keys)
    return f"{text} ({', '.join(places)})" if places else text


def heading(path: Keys) -> str:
    """``[tasks.faces]``, or ``the file`` for what stands above the first heading."""
    return f"[{spelled(path)}]" if path else "the file"


def quoted(value: object) -> str:
    """A value as a message repeats it: on one line, and not too long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return shorten(repr(value), LONGEST)
