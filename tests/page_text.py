"""What a report says, as plain text."""

from __future__ import annotations

import html
import re
from pathlib import Path


def methods(page: Path) -> str:
    """The Methods of a report as plain text, without its list of software and references."""
    text = page.read_text(encoding="utf-8")
    start = text.rindex("Methods, to paste")
    plain = html.unescape(re.sub(r"<[^>]+>", " ", text[start : text.index("Software:", start)]))
    return " ".join(plain.split())
