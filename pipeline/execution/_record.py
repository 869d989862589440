"""Records of what was made from what: whether a result still stands is told by them, without making it again.

A record holds the unit's recipe, and size, time and SHA-256 of every input and output. Files whose size and time are as
recorded are taken to be the same unread; others are read, and are the same where their SHA-256 is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .._atomic import atomic_write
from .._provenance import file_digest
from ._unit import Unit

FORM = "effconn record 1"


@dataclass(frozen=True)
class Stamp:
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

    def same(self, path: Path) -> bool:
        """Whether the content is the same; reads the file where size and time leave it open."""
        if self.unchanged(path):
            return True
        try:
            return path.stat().st_size == self.size and file_digest(path) == self.sha256
        except OSError:
            return False


def stamp(path: Path) -> Stamp:
    """A file as it is now; raises `OSError` where it cannot be read."""
    digest, now = file_digest(path), path.stat()
    return Stamp(now.st_size, now.st_mtime_ns, digest)


@dataclass(frozen=True)
class Record:
    """What a unit was made from and what it left.

    Fields:
        recipe: SHA-256 of the unit's recipe.
        inputs: in the order of the unit's; their places may have changed since.
        outputs: by path, relative to the folder that the folder of records is in.
    """

    recipe: str
    inputs: tuple[Stamp, ...]
    outputs: Mapping[str, Stamp]

    def stands(self, unit: Unit, root: Path) -> bool:
        """Whether the unit would be made from the same again, and its outputs are there as they were left."""
        return (
            self.recipe == recipe_digest(unit)
            and len(self.inputs) == len(unit.inputs)
            and all(one.same(path) for one, path in zip(self.inputs, unit.inputs, strict=True))
            and all(one.same(root / path) for path, one in self.outputs.items())
        )

    def unread(self, unit: Unit, root: Path) -> bool:
        """Whether all of that was told without reading a file."""
        inputs = zip(self.inputs, unit.inputs, strict=True)
        return all(one.unchanged(path) for one, path in inputs) and all(
            one.unchanged(root / path) for path, one in self.outputs.items()
        )


def record_path(folder: Path, unit: Unit) -> Path:
    """Where a unit's record lies."""
    return folder / unit.stage / f"{unit.name}.json"


def recipe_digest(unit: Unit) -> str:
    """SHA-256 of a unit's recipe."""
    text = json.dumps(unit.recipe, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_record(folder: Path, unit: Unit) -> Record | None:
    """A unit's record; None where there is none that can be read: then the unit is to be made."""
    try:
        content = json.loads(record_path(folder, unit).read_text(encoding="utf-8"))
        if content["form"] != FORM:
            return None
        return Record(
            content["recipe"],
            tuple(Stamp(**one) for one in content["inputs"]),
            {path: Stamp(**one) for path, one in content["outputs"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_record(folder: Path, unit: Unit, inputs: Sequence[Stamp], outputs: Sequence[Path]) -> None:
    """Records a unit; its outputs are complete on disk."""
    root = folder.parent.resolve()
    content: dict[str, Any] = {
        "form": FORM,
        "recipe": recipe_digest(unit),
        "inputs": [asdict(one) for one in inputs],
        "outputs": {path.resolve().relative_to(root).as_posix(): asdict(stamp(path)) for path in outputs},
    }
    with atomic_write(record_path(folder, unit)) as aside:
        aside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def kept_outputs(folder: Path, unit: Unit) -> tuple[Path, ...] | None:
    """The outputs of a unit that still stands; None where it is to be made."""
    record, root = read_record(folder, unit), folder.parent
    if record is None or not record.stands(unit, root):
        return None
    outputs = tuple(root / path for path in record.outputs)
    if not record.unread(unit, root):  # so that the next run need not read them again
        write_record(folder, unit, [stamp(path) for path in unit.inputs], outputs)
    return outputs
