"""A BIDS dataset's folders, each listed once, and which files there are about a run, near and inherited."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..common import natural_key
from ._error import DataError

Kind = tuple[str, str]  # suffix and extension, such as ("bold", "nii.gz")
_INDICES = ("run", "echo", "flip", "inv", "split")  # entities whose values are numbers, by BIDS
_READ = {"bold", "mask", "timeseries", "regressors", "events"}  # suffixes of files that a study is made from


@dataclass(frozen=True)
class FileName:
    """A file with its name taken apart: ``sub-01_task-faces_bold.nii.gz`` has entities, a suffix and an extension.

    Fields:
        indexed: the entities, by which names of one run are the same: ``run-1`` is ``run-01``.
    """

    where: str
    entities: Mapping[str, str]
    kind: Kind
    indexed: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "indexed", by_index(self.entities))

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.where)

    def label(self, entity: str) -> str | None:
        """Such as ``faces`` for ``task``; None where the name has no such part."""
        return self.entities.get(entity)


def by_index(entities: Mapping[str, str]) -> dict[str, str]:
    """Entities with BIDS's indices as numbers, without leading zeros; labels of all others are text."""
    return {key: index_of(label) if key in _INDICES else label for key, label in entities.items()}


def index_of(label: str) -> str:
    """``1`` for ``01``; a label that is no number as it is."""
    return label.lstrip("0") or "0" if label.isascii() and label.isdecimal() else label


Listing = tuple[tuple[str, ...], dict[Kind, list[FileName]]]  # of a folder: its folders, its files


def take_apart(folder: str, name: str) -> FileName | None:
    """A file's name in its parts; None where it is no BIDS name of a kind that a study reads."""
    *parts, last = name.split("_")
    suffix, dot, extension = last.partition(".")
    if not dot or suffix not in _READ:
        return None
    pairs = [part.partition("-") for part in parts]
    if not all(key and dash and label for key, dash, label in pairs):
        return None
    return FileName(f"{folder}/{name}", {key: label for key, _, label in pairs}, (suffix, extension))


class Tree:
    """A dataset, listed as it is asked about; every folder is read once.

    Every method raises `DataError` where a folder may not be listed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listings: dict[str, Listing] = {}

    def folders(self, within: str = "") -> tuple[str, ...]:
        """Names of the folders in a folder, in natural order; none where it does not exist."""
        return self._listed(within)[0]

    def participants(self) -> list[str]:
        """Names of the participants' folders."""
        return [name for name in self.folders() if name.startswith("sub-")]

    def functional(self, participant: str, session: str, kind: Kind) -> list[FileName]:
        """A session's functional files of one kind, by name."""
        return self._listed(f"{participant}/{session}/func")[1].get(kind, [])

    def inherited(self, participant: str, session: str, entities: Mapping[str, str], kind: Kind) -> Iterator[FileName]:
        """Files of a kind that hold for a run, the most particular first.

        By BIDS's inheritance principle: those beside the run or in a folder above it whose name has no part that the
        run's name has not.
        """
        wanted = by_index(entities)
        for within in (f"{participant}/{session}/func", f"{participant}/{session}", participant, ""):
            fit = [one for one in self._listed(within)[1].get(kind, []) if one.indexed.items() <= wanted.items()]
            yield from sorted(fit, key=lambda one: -len(one.entities))

    def _listed(self, within: str) -> Listing:
        if within not in self._listings:
            self._listings[within] = _scan(f"{self.root}/{within}" if within else str(self.root))
        return self._listings[within]


def _scan(folder: str) -> Listing:
    """Folders and BIDS files in a folder. A link whose target is absent is a file: it is named as such later."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(((entry.name, _is_folder(entry)) for entry in entries), key=lambda one: natural_key(one[0]))
    except (FileNotFoundError, NotADirectoryError):
        found = []
    except OSError as error:
        raise DataError(f"{folder} cannot be listed ({error.strerror}); check its permissions") from None
    files: dict[Kind, list[FileName]] = {}
    for name, is_folder in found:
        if not is_folder and (file := take_apart(folder, name)) is not None:
            files.setdefault(file.kind, []).append(file)
    return tuple(name for name, is_folder in found if is_folder), files


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself
        return False
