"""Whether a file can be read at all: links that lead nowhere, pointers that stand for data, empty files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..common import JsonError, read_json
from ._error import DataError

_POINTERS = ((b"/annex/objects/", "git-annex"), (b"version https://git-lfs", "git-lfs"))


def head_of(path: Path, size: int = 64) -> bytes:
    """The first bytes of a file.

    Raises `DataError` where it is absent, a link to nothing, not readable, empty, or only stands for data kept
    elsewhere (DataLad, git-annex, git-lfs).
    """
    try:
        with path.open("rb") as file:
            head = file.read(size)
    except FileNotFoundError:
        if path.is_symlink():
            raise DataError(f"{path.name} is a link to a file that is not here; fetch it (datalad get)") from None
        raise DataError(f"{path.name} does not exist") from None
    except IsADirectoryError:
        raise DataError(f"{path.name} is a folder, not a file") from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be opened ({error.strerror}); check its permissions") from None
    if not head:
        raise DataError(f"{path.name} is empty (0 bytes); copy it or make it again")
    for mark, keeper in _POINTERS:
        if head.startswith(mark):
            raise DataError(f"{path.name} only stands for the data, which {keeper} keeps elsewhere; fetch them")
    return head


def read_sidecar(path: Path) -> dict[str, Any]:
    """A JSON sidecar; raises `DataError` where it is no JSON object."""
    head_of(path)
    try:
        content = read_json(path)
    except JsonError as error:
        where = f", line {error.line}" if error.line is not None else ""
        raise DataError(f"{path.name}{where} {error.problem}; correct it") from None
    if not isinstance(content, dict):
        raise DataError(f"{path.name} is no JSON object {{…}}; correct it")
    return content
