"""What is wrong with a file from SPM, said in one line."""

from __future__ import annotations

from pathlib import Path

from ..common import shorten

LONGEST = 600  # characters of a message; a name may have thousands


class SpmFileError(ValueError):
    """File, field, problem and remedy in one line.

    Attributes:
        path: the file.
        field: SPM's name of the field, such as ``Y.y``; empty where the file as a whole is wrong.
        index: position in a GCM cell array, column-major and from 0; None where the file is no such array.
        cell: that position as people count it, row and column from 1, where the array has several columns; else empty.
    """

    def __init__(self, path: Path, field: str, problem: str, index: int | None = None, cell: str = "") -> None:
        place = path.name + (f"[{cell}]" if cell else "" if index is None else f"[{index + 1}]")
        super().__init__(shorten(" ".join(f"{place}: {field} {problem}".split()), LONGEST))
        self.path = path
        self.field = field
        self.index = index
        self.cell = cell

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), self.path, self.field, self.index, self.cell, str(self))


def _again(
    kind: type[SpmFileError], path: Path, field: str, index: int | None, cell: str, message: str
) -> SpmFileError:
    """Unpickles an error, so that a worker process can hand one back."""
    error = kind(path, field, "", index, cell)
    error.args = (message,)
    return error
