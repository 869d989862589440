"""What is wrong with a study's files, said in one line."""

from __future__ import annotations

from ..common import message_line


class DataError(ValueError):
    """Something in a study's files that cannot be used: file, problem and remedy in one line."""

    def __init__(self, problem: str) -> None:
        super().__init__(message_line(problem))
