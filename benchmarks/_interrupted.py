"""What two runs of the same command left, compared: every file, and the records of what was made from what."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FolderComparison:
    """Two folders of results.

    Fields:
        files, size: compared; their size in bytes.
        differing: names of those that only one folder has, or that differ.
        left_aside: unfinished files of killed runs that nobody removed.
    """

    files: int
    size: int
    differing: list[str]
    left_aside: int


def compare_folders(one: Path, other: Path) -> FolderComparison:
    """Compares every file but locks; of a record all but the times, and the results' own folder."""
    first, second = _files(one), _files(other)
    names = sorted(first.keys() | second.keys())
    differing = [name for name in names if _content(one, name) != _content(other, name)]
    size = sum(path.stat().st_size for path in first.values())
    aside = [path for path in other.rglob(".*") if path.is_file()]
    return FolderComparison(len(names), size, differing, len(aside))


def _files(folder: Path) -> dict[str, Path]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path for path in paths if not path.name.startswith(".")}


def _content(folder: Path, name: str) -> bytes | Any | None:
    path = folder / name
    if not path.exists():
        return None
    if name.startswith(".effconn") and path.suffix == ".json":
        return _timeless(json.loads(path.read_text(encoding="utf-8")))
    return path.read_bytes()


def _timeless(record: Any) -> Any:
    if isinstance(record, dict):
        return {key: _timeless(value) for key, value in record.items() if key != "changed"}
    return [_timeless(value) for value in record] if isinstance(record, list) else record
