"""Lists in the text of one option: names, pairs and numbers with commas between them."""

from __future__ import annotations

from ..common import UsageError, read_number


def name_list(text: str | None) -> list[str]:
    """Names with commas between them; none where there is no text. Raises `UsageError` where one comes up twice."""
    found = [part.strip() for part in (text or "").split(",") if part.strip()]
    if repeated := [name for i, name in enumerate(found) if name in found[:i]]:
        raise UsageError(f"{repeated[0]} is named twice in {text!r}; name each once")
    return found


def name_pair(text: str, mark: str, option: str) -> tuple[str, str]:
    """Two names with a mark between them; raises `UsageError`, naming the option, where they are not two."""
    parts = [part.strip() for part in text.split(mark)]
    if len(parts) != 2 or not all(parts):
        raise UsageError(f"{option} {text!r} must be two names with {mark!r} between them")
    return parts[0], parts[1]


def number_list(text: str, option: str, example: str) -> tuple[float, ...]:
    """Numbers with commas between them; raises `UsageError`, naming the option, where a part is none."""
    found = [read_number(part) for part in text.split(",") if part.strip()]
    if None in found:
        raise UsageError(f"{option} {text!r} must be numbers with commas between them, such as {example}")
    return tuple(number for number in found if number is not None)
