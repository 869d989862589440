"""The functional files of a dataset by their names: every folder is listed once, and no file is opened."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..common import (
    FileName,
    FolderContent,
    JsonError,
    ignored_folders,
    list_folder,
    natural_key,
    read_json,
)

PROBED = 40  # participants by whose files a folder is known for what it is
_CONFOUNDS = ("timeseries", "regressors")
_IMAGES = ("nii.gz", "nii")
_DEEPEST = 4  # folders above a derivative's in which the dataset that it is of may be
_BEFORE_BIDS = "_preproc.nii.gz"  # as images of fMRIPrep before 1.2 end


@dataclass(frozen=True)
class FunctionalFile:
    """A functional file, and whose it is; the session is None where folders are not of sessions."""

    participant: str
    session: str | None
    file: FileName

    @property
    def task(self) -> str | None:
        """Label of its task."""
        return self.file.label("task")

    @property
    def is_image(self) -> bool:
        """Whether it is a series of images, raw or derived."""
        return self.file.kind[0] == "bold" and self.file.kind[1] in _IMAGES

    @property
    def is_preprocessed(self) -> bool:
        """Whether it is a preprocessed image, or the sidecar of one."""
        suffix, extension = self.file.kind
        return suffix == "bold" and extension in (*_IMAGES, "json") and self.file.label("desc") == "preproc"

    @property
    def is_confounds(self) -> bool:
        """Whether it holds confounds."""
        return self.file.kind[0] in _CONFOUNDS and self.file.label("desc") == "confounds"

    @property
    def is_series(self) -> bool:
        """Whether it holds series of regions, as XCP-D writes them."""
        atlas = self.file.label("seg") or self.file.label("atlas")
        return self.file.kind == ("timeseries", "tsv") and atlas is not None

    @property
    def is_denoised(self) -> bool:
        """Whether it is an image out of which confounds have been taken."""
        return self.is_image and "enois" in (self.file.label("desc") or "")


@dataclass(frozen=True)
class DatasetFiles:
    """What a dataset holds by its names.

    Fields:
        root: of the dataset.
        participants: labels with a folder.
        functional: files in func folders, or beside them, by participant and session.
        inherited: files above, which hold for several runs.
        passed_over: folders that begin like those of participants and are none, or are named by .bidsignore.
    """

    root: Path
    participants: tuple[str, ...] = ()
    functional: tuple[FunctionalFile, ...] = ()
    inherited: tuple[FileName, ...] = ()
    passed_over: tuple[str, ...] = ()

    @property
    def absent(self) -> tuple[int, int]:
        """How many files are links to content that is not here, as in a dataset of DataLad's; and of how many.

        Images of raw data do not count, as nobody reads them.
        """
        files = [
            *self.inherited,
            *(found.file for found in self.functional if not found.is_image or found.is_preprocessed),
        ]
        return sum(file.is_link and not os.path.exists(file.where) for file in files), len(files)  # noqa: PTH110 - 100,000 of them


def list_dataset(root: Path, most: int | None = None) -> DatasetFiles:
    """The functional files of a dataset.

    Arguments:
        root: of the dataset, or of derivatives.
        most: participants after which no more are looked at.
    """
    content = _listed(str(root))
    above = [*content.files.values()]
    ignored = ignored_folders(root, content.participants)
    participants = tuple(name for name in content.participants if name not in ignored)[:most]
    functional: list[FunctionalFile] = []
    known = set(content.participants)
    skipped = [name for name in content.folders if name.startswith("sub-") and name not in known]
    for participant in participants:
        visits = _listed(f"{root}/{participant}")
        sessions = [f"{participant}/{session}" for session in visits.sessions]
        left_out = ignored_folders(root, sessions)
        skipped += left_out
        folders: list[tuple[str, str | None]] = [(participant, None)]
        folders += [(within, within.partition("/")[2]) for within in sessions if within not in left_out]
        for within, session in folders:
            visit = visits if session is None else _listed(f"{root}/{within}")
            above += visit.files.values()
            for place in (visit, _listed(f"{root}/{within}/func") if "func" in visit.folders else FolderContent()):
                functional += (
                    FunctionalFile(participant, session, file)
                    for files in place.files.values()
                    for file in files
                    if place is not visit or file.kind[1] in _IMAGES or file.kind[0] in _CONFOUNDS
                )
    inherited = tuple(file for files in above for file in files)
    return DatasetFiles(root, participants, tuple(functional), inherited, (*skipped, *sorted(ignored, key=natural_key)))


def _listed(folder: str) -> FolderContent:
    """What is in a folder; nothing where it may not be listed, as what is missing is `effconn check`'s to say."""
    try:
        return list_folder(folder)
    except OSError:
        return FolderContent()


def is_derivative(root: Path) -> bool:
    """Whether a folder holds derivatives rather than raw data: it says so, or its images are preprocessed."""
    if dataset_facts(root).get("DatasetType") == "derivative":
        return True
    found = list_dataset(root, PROBED).functional
    return any(file.is_preprocessed or file.is_confounds or file.is_series for file in found)


def dataset_facts(root: Path) -> dict[str, object]:
    """What dataset_description.json says; nothing where it cannot be read."""
    try:
        described = read_json(root / "dataset_description.json")
    except JsonError:
        return {}
    return described if isinstance(described, dict) else {}


def find_derivatives(bids: Path) -> list[Path]:
    """Folders of derivatives of a dataset, in it or beside it: those with images first, then fMRIPrep's."""
    places = [*_folders(bids / "derivatives"), *_folders(bids.parent / "derivatives")]
    places += [inner for place in places for inner in _folders(place)]  # fmriprep/fmriprep, as older releases wrote
    places += [bids / "derivatives", bids.parent / "derivatives"]
    places += [place for place in _folders(bids.parent) if place.name.lower().startswith(("fmriprep", "nibabies"))]
    own = set(_listed(str(bids)).participants)
    ranks: dict[Path, int] = {}
    for place in dict.fromkeys(places):
        files = list_dataset(place, PROBED) if place != bids else DatasetFiles(place)
        if own & set(files.participants):
            preprocessed = any(found.is_preprocessed or found.is_confounds for found in files.functional)
            if preprocessed or any(found.is_series or found.is_denoised for found in files.functional):
                ranks[place] = (not preprocessed) * 2 + (not place.name.lower().startswith("fmriprep"))
    return sorted(ranks, key=lambda place: ranks[place])


def _folders(place: Path) -> list[Path]:
    names = _listed(str(place)).folders
    return [place / name for name in names if not name.startswith((".", "sub-", "sourcedata", "freesurfer"))]


def find_raw_dataset(derivatives: Path) -> Path | None:
    """The dataset that derivatives are of: within them as sourcedata, or around them; None where it is not there."""
    root = derivatives.absolute()
    wanted = set(_listed(str(root)).participants)
    places = [root / "sourcedata" / "raw", root / "sourcedata", *list(root.parents)[:_DEEPEST]]
    places += [place / name for place in list(root.parents)[:2] for name in ("bids", "raw", "rawdata", "sourcedata")]
    for place in places:
        if wanted & set(_listed(str(place)).participants) and not is_derivative(place):
            return place
    return None


def has_old_names(root: Path) -> bool:
    """Whether images are called as fMRIPrep before 1.2 called them."""
    for participant in _listed(str(root)).participants[:PROBED]:
        sessions = _listed(f"{root}/{participant}").sessions
        for visit in (participant, *(f"{participant}/{session}" for session in sessions)):
            try:
                with os.scandir(f"{root}/{visit}/func") as entries:
                    if any(entry.name.endswith(_BEFORE_BIDS) for entry in entries):
                        return True
            except OSError:
                continue
    return False
