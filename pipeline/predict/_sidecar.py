"""The description of a table, a JSON file of the same name: what its columns are, and what was done to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..common import JsonError, did_you_mean, read_json
from ..tables import Table, TableError

ROLES = ("measure", "motion", "arm", "covariate", "outcome")
TRANSFORMS = "WholeSampleTransforms"


@dataclass(frozen=True)
class Sidecar:
    """What is known of a table's columns beside their values.

    Fields:
        path: the file; none where there is none.
        roles: column → role; empty where the file gives none to any column.
        units: column → unit.
        motion: measure → column of its mean framewise displacement.
        levels: column → its values, in order: before and after, or the arm coded +1 and the other.
        whole_sample: what was estimated over all participants already.
    """

    path: Path | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    motion: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    whole_sample: tuple[str, ...] = ()

    def of(self, role: str) -> tuple[str, ...]:
        """The columns of a role."""
        return tuple(name for name, own in self.roles.items() if own == role)


def table_sidecar_path(table: Path) -> Path:
    """Where a table's description would be."""
    return table.with_suffix(".json")


def read_table_sidecar(table: Table) -> Sidecar:
    """The description of a table, empty where there is none.

    It is as BIDS has it: for each column an object with ``Units``, ``Levels``, … and our ``Role`` and ``Motion``;
    beside them ``WholeSampleTransforms``. What is known of other things is left alone.

    Raises `TableError` where the file cannot be read, or says of a column what cannot be.
    """
    path = table_sidecar_path(table.path)
    return parse_sidecar(table, _content(path), path) if path.is_file() else Sidecar()


def parse_sidecar(table: Table, content: Mapping[str, Any], path: Path) -> Sidecar:
    """What a description says; see `read_table_sidecar`. `path` is what errors call it."""
    columns = {name: content[name] for name in table.columns if name in content}
    for name, entry in columns.items():
        if not isinstance(entry, dict):
            raise TableError(
                path, f'{name} must be an object such as {{"Role": "measure"}}; correct it, or remove the file'
            )
    return Sidecar(
        path,
        roles={name: _role(path, name, entry["Role"]) for name, entry in columns.items() if "Role" in entry},
        units={name: _text(path, name, "Units", entry["Units"]) for name, entry in columns.items() if "Units" in entry},
        motion={name: _motion(table, path, name, entry) for name, entry in columns.items() if entry.get("Motion")},
        levels={name: _levels(path, name, entry["Levels"]) for name, entry in columns.items() if "Levels" in entry},
        whole_sample=_transforms(path, content.get(TRANSFORMS, [])),
    )


def _content(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except JsonError as error:
        raise TableError(path, f"{error.problem}; write it again, or remove it", error.line) from None
    if not isinstance(content, dict):
        raise TableError(
            path, "describes no columns: it must be an object with one entry for each; correct or remove it"
        )
    return content


def _role(path: Path, name: str, role: Any) -> str:
    if role not in ROLES:
        raise TableError(path, f"Role of {name} is {role!r}{did_you_mean(str(role), ROLES, 'roles')}; correct it")
    return str(role)


def _text(path: Path, name: str, key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TableError(path, f"{key} of {name} is {value!r}, where text is needed; correct it")
    return value


def _motion(table: Table, path: Path, name: str, entry: dict[str, Any]) -> str:
    motion = _text(path, name, "Motion", entry["Motion"])
    if entry.get("Role") != "measure":
        raise TableError(path, f"{name} has Motion, and its Role is not measure; correct one of both")
    if motion not in table.columns:
        raise TableError(path, f"Motion of {name} is {motion!r}, no column of {table.path.name}; correct it")
    return motion


def _levels(path: Path, name: str, levels: Any) -> tuple[str, ...]:
    if not isinstance(levels, dict | list) or not all(isinstance(level, str) for level in levels):
        raise TableError(path, f"Levels of {name} must be an object or a list of texts; correct it")
    return tuple(levels)


def _transforms(path: Path, done: Any) -> tuple[str, ...]:
    if not isinstance(done, list) or not all(isinstance(transform, str) and transform for transform in done):
        raise TableError(
            path,
            f"{TRANSFORMS} must be a list of texts, [] where nothing was estimated over all participants; correct it",
        )
    return tuple(done)
