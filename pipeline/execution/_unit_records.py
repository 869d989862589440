"""Records of what was made from what, by which a later run knows whether a result is still up to date.

A record holds the unit's recipe, and size, time and SHA-256 of every input and output. Files whose size and time are as
recorded are taken to be the same unread; others are read, and are the same where their SHA-256 is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..common import file_digest, read_json, write_text
from ._unit import Unit

RECORD_FORMAT = "effconn record 1"


@dataclass(frozen=True)
class FileStamp:
    """A file as it was: size in bytes, time of its last change in ns, SHA-256 of its content."""

    size: int
    changed: int
    sha256: str

    def unchanged(self, path: Path) -> bool:
        """Whether size and time say that the file is the same; nothing is read."""
        try:
            now = path.stat()
        except OSError:
            return False
        return (now.st_size, now.st_mtime_ns) == (self.size, self.changed)

    def refresh(self, path: Path) -> FileStamp | None:
        """The file's stamp as of now, None where its content has changed; reads it only where its time differs."""
        if self.unchanged(path):
            return self
        try:
            if path.stat().st_size != self.size:
                return None
            now = stamp_file(path)
        except OSError:
            return None
        return now if now.sha256 == self.sha256 else None


def stamp_file(path: Path) -> FileStamp:
    """A file as it is now; raises `OSError` where it cannot be read."""
    now = path.stat()  # before it is read: what changes meanwhile has another time, and is read again
    return FileStamp(now.st_size, now.st_mtime_ns, file_digest(path))


@dataclass(frozen=True)
class Record:
    """What a unit was made from and what it left.

    Fields:
        recipe: SHA-256 of the unit's recipe.
        inputs: in the order of the unit's; their places may have changed since.
        outputs: by path, relative to the folder that the folder of records is in.
    """

    recipe: str
    inputs: tuple[FileStamp, ...]
    outputs: Mapping[str, FileStamp]

    def refresh(self, unit: Unit, root: Path) -> Record | None:
        """The record as of now; None where the unit would be made from other inputs, or its outputs have changed."""
        if self.recipe != recipe_digest(unit) or len(self.inputs) != len(unit.inputs):
            return None
        before = [*self.inputs, *self.outputs.values()]
        paths = [*unit.inputs, *(root / path for path in self.outputs)]
        now = []
        for stamp, path in zip(before, paths, strict=True):
            found = stamp.refresh(path)
            if found is None:  # no need to read the others
                return None
            now.append(found)
        count = len(self.inputs)
        return Record(self.recipe, tuple(now[:count]), dict(zip(self.outputs, now[count:], strict=True)))


def record_path(folder: Path, unit: Unit) -> Path:
    """Where a unit's record lies."""
    return folder / unit.stage / f"{unit.name}.json"


def recipe_digest(unit: Unit) -> str:
    """SHA-256 of a unit's recipe."""
    text = json.dumps(unit.recipe, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_record(folder: Path, unit: Unit) -> Record | None:
    """A unit's record; None where none can be read, so that the unit is made again."""
    try:
        content = read_json(record_path(folder, unit))
        if content["form"] != RECORD_FORMAT:
            return None
        return Record(
            content["recipe"],
            tuple(FileStamp(**stamp) for stamp in content["inputs"]),
            {path: FileStamp(**stamp) for path, stamp in content["outputs"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_record(folder: Path, unit: Unit, inputs: Sequence[FileStamp], outputs: Sequence[Path]) -> None:
    """Records a unit; its outputs are complete on disk."""
    stamps = {_relative_path(path, folder.parent): stamp_file(path) for path in outputs}
    _remove_outputs(folder, unit, keep=stamps)
    _write_record_file(record_path(folder, unit), Record(recipe_digest(unit), tuple(inputs), stamps))
    _failure_path(folder, unit).unlink(missing_ok=True)


def write_failure(folder: Path, unit: Unit, reason: str) -> None:
    """Notes why a unit has no result, for a later run's report; removes what an earlier run left of it."""
    _remove_outputs(folder, unit, keep=())
    record_path(folder, unit).unlink(missing_ok=True)
    write_text(_failure_path(folder, unit), f"{reason}\n")


def read_failure(folder: Path, unit: Unit) -> str | None:
    """Why a unit has no result; None where it has one or was never tried."""
    try:
        return _failure_path(folder, unit).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None


def _remove_outputs(folder: Path, unit: Unit, keep: Container[str]) -> None:
    """Removes what the unit's record names: made from other data or settings, it would be taken for a result."""
    record = read_record(folder, unit)
    for path in () if record is None else record.outputs:
        if path not in keep and ".." not in Path(path).parts and not Path(path).is_absolute():
            (folder.parent / path).unlink(missing_ok=True)


def _failure_path(folder: Path, unit: Unit) -> Path:
    return record_path(folder, unit).with_suffix(".failed")


def delete_record(folder: Path, unit: Unit) -> None:
    """Removes a unit's record, so that it is made anew."""
    record_path(folder, unit).unlink(missing_ok=True)


def find_kept_outputs(folder: Path, unit: Unit) -> tuple[Path, ...] | None:
    """The outputs of a unit that is up to date; None where it is to be made."""
    record, root = read_record(folder, unit), folder.parent
    now = None if record is None else record.refresh(unit, root)
    if now is None:
        return None
    if now != record:  # so that the next run need not read the files again
        _write_record_file(record_path(folder, unit), now)
    return tuple(root / path for path in now.outputs)


def _relative_path(path: Path, root: Path) -> str:
    """A path within `root`, by its name there: a folder may be a link to another disk."""
    within, named = Path(os.path.abspath(root)), Path(os.path.abspath(path))  # noqa: PTH100 - which follow no links
    if not named.is_relative_to(within):  # the two were reached by different links
        within, named = root.resolve(), path.resolve()
    return named.relative_to(within).as_posix()


def _write_record_file(path: Path, record: Record) -> None:
    content: dict[str, Any] = {
        "form": RECORD_FORMAT,
        "recipe": record.recipe,
        "inputs": [asdict(stamp) for stamp in record.inputs],
        "outputs": {name: asdict(stamp) for name, stamp in record.outputs.items()},
    }
    write_text(path, json.dumps(content, indent=1) + "\n")
