"""BIDS file names taken apart, and folders of a dataset listed; nothing is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from ._names import natural_key

Kind = tuple[str, str]  # suffix and extension, such as ("bold", "nii.gz")
PARTICIPANT_FOLDER = re.compile(r"sub-[A-Za-z0-9+]+")
SESSION_FOLDER = re.compile(r"ses-[A-Za-z0-9+]+")
_INDICES = ("run", "echo", "flip", "inv", "split")  # entities whose values are numbers, by BIDS
_READ = {"bold", "mask", "timeseries", "regressors", "events"}  # suffixes of files that a study is made from
_IGNORE_FILE = ".bidsignore"
_ENTITY = re.compile(r"([A-Za-z]+)-([A-Za-z0-9+]+)")
_CONN_NAME = re.compile(r"ROI_Subject([0-9]+)_(Condition|Session)([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True)
class FileName:
    """A file with its name taken apart: ``sub-01_task-faces_bold.nii.gz`` has entities, a suffix and an extension.

    Fields:
        where: the file.
        entities: in the order of the name, which may be any.
        is_link: whether it is a symbolic link, as files in DataLad's datasets are.
    """

    where: str
    entities: Mapping[str, str]
    kind: Kind
    is_link: bool = False

    @cached_property
    def indexed(self) -> Mapping[str, str]:
        """The entities, by which names of one run are the same: ``run-1`` is ``run-01``."""
        return comparable_entities(self.entities)

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.where)

    @property
    def space(self) -> str | None:
        """The space that an image is in, with its cohort where it has one; None where the name does not say."""
        space, cohort = self.label("space"), self.label("cohort")
        return space if space is None or cohort is None else f"{space}_cohort-{cohort}"

    def label(self, entity: str) -> str | None:
        """Such as ``faces`` for ``task``; None where the name has no such part."""
        return self.entities.get(entity)


def comparable_entities(entities: Mapping[str, str]) -> dict[str, str]:
    """Entities with BIDS's indices as numbers, without leading zeros; labels of all others are text."""
    return {key: comparable_label(label) if key in _INDICES else label for key, label in entities.items()}


def comparable_label(label: str) -> str:
    """``1`` for ``01``; a label that is no number as it is."""
    return label.lstrip("0") or "0" if label.isascii() and label.isdecimal() else label


def name_entities(path: Path) -> dict[str, str]:
    """Parts of a file's name as BIDS has them: ``sub-01_ses-1_task-rest_bold.tsv`` → sub, ses, task; of CONN's too."""
    if conn := _CONN_NAME.match(path.name):
        return {"sub": conn[1]} | ({"ses": conn[3].lstrip("0") or "0"} if conn[2].lower() == "session" else {})
    parts = (_ENTITY.fullmatch(part) for part in path.name.split(".")[0].split("_"))
    return {part[1]: part[2] for part in parts if part}


def parse_file_name(folder: str, name: str, *, is_link: bool = False) -> FileName | None:
    """A file's name in its parts; None where it is no BIDS name of a kind that a study reads."""
    head, _, last = name.rpartition("_")
    suffix, dot, extension = last.partition(".")
    if not dot or suffix not in _READ:
        return None
    pairs = [part.partition("-") for part in head.split("_")] if head else []
    if not all(key and dash and label for key, dash, label in pairs):
        return None
    return FileName(f"{folder}/{name}", {key: label for key, _, label in pairs}, (suffix, extension), is_link)


@dataclass(frozen=True)
class FolderContent:
    """What is in a folder.

    Fields:
        folders: names, in natural order.
        files: those that a study reads, by kind, in natural order. A link whose target is absent is one of them: it
            is named as such where it is read.
    """

    folders: tuple[str, ...] = ()
    files: Mapping[Kind, Sequence[FileName]] = field(default_factory=dict)

    @property
    def participants(self) -> tuple[str, ...]:
        """Folders of participants: sub- and letters or digits. Others, such as ``sub-01 copy``, are none."""
        return tuple(name for name in self.folders if PARTICIPANT_FOLDER.fullmatch(name))

    @property
    def sessions(self) -> tuple[str, ...]:
        """Folders of sessions."""
        return tuple(name for name in self.folders if SESSION_FOLDER.fullmatch(name))


def list_folder(folder: str) -> FolderContent:
    """Folders and files in a folder, by their names; nothing where there is no such folder.

    Raises `OSError` where it may not be listed.
    """
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, _is_folder(entry), entry.is_symlink()) for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return FolderContent()
    folders = sorted((name for name, is_folder, _ in found if is_folder), key=natural_key)
    files: dict[Kind, list[FileName]] = {}
    for name, is_folder, is_link in found:
        if not is_folder and (file := parse_file_name(folder, name, is_link=is_link)) is not None:
            files.setdefault(file.kind, []).append(file)
    for named in files.values():
        named.sort(key=lambda file: natural_key(file.where))
    return FolderContent(tuple(folders), files)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself
        return False


def ignored_folders(root: Path, folders: Iterable[str]) -> frozenset[str]:
    """Folders of participants and sessions (``sub-01/ses-2``) that a dataset's .bidsignore names.

    Files are not looked up: fMRIPrep's own .bidsignore names its confounds, which are no mistake but not yet in BIDS.
    """
    try:
        lines = (root / _IGNORE_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    patterns = [line.strip().removeprefix("**/").strip("/").removesuffix("/**") for line in lines]
    patterns = [pattern for pattern in patterns if pattern and pattern[0] not in "#!" and pattern != "*"]
    return frozenset(
        name
        for name in folders
        if any(fnmatchcase(part, pattern) for pattern in patterns for part in (name, name.rpartition("/")[2]))
    )
