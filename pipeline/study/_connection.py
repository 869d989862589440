"""Connections in words."""

from __future__ import annotations

import re

_ARROW = re.compile(r"\s*(<-+|←|-+>|→)\s*")
_NAME = re.compile(r"[^<>←→]+")
FORM = "write it like 'vmPFC <- amygdala' (to <- from)"


def parse_connection(text: str) -> tuple[str, str]:
    """(to, from) of ``to <- from`` or ``from -> to``; ← and → serve as well.

    Raises `ValueError` where there are not two names with one arrow between them.
    """
    parts = _ARROW.split(text.strip())
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]) or not _NAME.fullmatch(parts[2]):
        raise ValueError(f"{text!r} is no connection; {FORM}")
    left, arrow, right = parts
    return (left, right) if arrow[0] in "<←" else (right, left)
