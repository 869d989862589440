"""What a user reads where a run or a region cannot be used."""

from __future__ import annotations

from ..common import message_line


class ExtractionError(ValueError):
    """A run that nothing can be taken from: run, region where it is one, cause and remedy in one line."""

    def __init__(self, problem: str) -> None:
        super().__init__(message_line(problem))


class RegionError(ValueError):
    """A region that cannot be drawn: its name, cause and remedy in one line."""

    def __init__(self, problem: str) -> None:
        super().__init__(message_line(problem))
