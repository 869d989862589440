"""The same model for every participant: folders with an SPM.mat and VOIs → DCM files, one for each session."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common import UsageError, file_name_text, find_files, natural_key, visible_text
from ..matlab import FieldProblem
from ..spm import DcmFile, MissingVoiError, SpmFileError, read_voi, sessions_of, specify_from_vois, write_dcm
from ..study import SpecifiedDcm

VOI_PATTERN = "VOI_*.mat"
SPM_MAT = "SPM.mat"
SPECIFY_COLUMNS = ("Participant", "Session", "Scans", "TR, s", "Bins", "File")


@dataclass(frozen=True)
class ParticipantFolder:
    """Where one participant's first level lies.

    Fields:
        name: the participant.
        spm_mat: the first-level model.
        vois: the extracted regions, of all sessions.
    """

    name: str
    spm_mat: Path
    vois: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class SpecifiedFile:
    """What became of one session of one participant: a file, or the reason why there is none."""

    participant: str
    session: int | None
    path: Path | None = None
    source: DcmFile | None = None
    failure: str = ""

    def row(self) -> list[str]:
        """Cells of `SPECIFY_COLUMNS`."""
        session = "" if self.session is None else str(self.session)
        if self.source is None or self.path is None:
            return [self.participant, session, "", "", "", "not written"]
        data = self.source.data
        bins = f"{data.inputs.shape[0]}"
        return [self.participant, session, str(data.scans), f"{data.repetition_time:g}", bins, self.path.name]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        told: dict[str, Any] = {"participant": self.participant, "session": self.session}
        if self.source is None or self.path is None:
            return told | {"failure": self.failure}
        data = self.source.data
        return told | {
            "file": str(self.path),
            "scans": data.scans,
            "repetition_time": data.repetition_time,
            "bin_width": data.bin_width,
            "delays": data.delays.tolist(),
            "regions": list(self.source.spec.regions),
            "inputs": list(self.source.spec.inputs),
            "remarks": list(self.source.remarks),
        }


def find_participant_folders(folders: Sequence[Path], voi_pattern: str = VOI_PATTERN) -> list[ParticipantFolder]:
    """Every folder with an SPM.mat among those given and below them, in natural order, with its VOIs.

    Participants are called by the parts of their paths that begin with sub- and ses-, else by those in which the paths
    differ, else by their folder.

    Arguments:
        voi_pattern: where VOIs are, from the folder of the SPM.mat: ``VOI_*_1.mat``, ``../voi/VOI_*.mat``.

    Raises `UsageError` where a folder is none or has no SPM.mat, or where two participants would be called the same.
    """
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder; give folders that hold {SPM_MAT} and VOI_*.mat")
        here = os.path.lexists(folder / SPM_MAT)
        own = [folder] if here else [path.parent for path in find_files(folder) if path.name == SPM_MAT]
        if not own:
            raise UsageError(f"{folder} holds no {SPM_MAT}, nor does a folder below it; give first-level folders")
        found += sorted(own, key=lambda path: natural_key(str(path)))
    once: dict[Path, Path] = {}  # by what they are; participants are called by the path that leads there
    for path in found:
        once.setdefault(path.resolve(), path.absolute())
    places = list(once.values())
    names = _names(places)
    if repeated := next((name for name, count in Counter(names).items() if count > 1), ""):
        where = " and ".join(str(place) for place, name in zip(places, names, strict=True) if name == repeated)
        raise UsageError(f"{where} would both be called {repeated}; give them apart, each with its own --out")
    return [
        ParticipantFolder(name, place / SPM_MAT, _matching(place, voi_pattern))
        for name, place in zip(names, places, strict=True)
    ]


def specify_group(
    model: SpecifiedDcm,
    participants: Sequence[ParticipantFolder],
    out: Path,
    *,
    replace: bool = False,
    on_file: Callable[[SpecifiedFile], None] = lambda file: None,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[SpecifiedFile]:
    """A DCM file of every participant, and of every session where the model asks for all; one by one.

    What is wrong with one participant is in its `SpecifiedFile.failure` and stops no other.

    Arguments:
        out: folder of the files, DCM_PARTICIPANT.mat, made where it is not there.
        replace: whether to write over files that are there.
        on_file, on_progress: called after each file, and after each participant.
    """
    made: list[SpecifiedFile] = []
    for done, participant in enumerate(participants, start=1):
        for file in _specify_participant(model, participant, out, replace):
            made.append(file)
            on_file(file)
        on_progress(done, len(participants))
    return made


def _specify_participant(
    model: SpecifiedDcm, participant: ParticipantFolder, out: Path, replace: bool
) -> list[SpecifiedFile]:
    vois, others = [], []
    for path in participant.vois:
        try:
            vois.append(read_voi(path))
        except SpmFileError as error:
            if any(region in path.stem for region in model.regions):  # another region's file is not needed
                return [SpecifiedFile(participant.name, None, failure=str(error))]
            others.append(f" ({error})")
    every = model.session == "all"
    sessions = (sessions_of(vois) or [1]) if model.session == "all" else [model.session]
    made = []
    for session in sessions:
        parts = [participant.name, *([f"ses-{session}"] if every else []), *([model.name] if model.name else [])]
        path = out / f"DCM_{file_name_text('_'.join(parts))}.mat"
        try:
            if path.exists() and not replace:
                raise FieldProblem(str(path), "is there already; --force replaces it")
            source = specify_from_vois(
                vois,
                participant.spm_mat,
                model.spec,
                name="_".join(parts),
                session=session,
                conditions=model.conditions,
                delays=model.region_delays,
                echo_time=model.echo_time,
                centre_inputs=model.centre_inputs,
            )
            write_dcm(path, source)
            made.append(SpecifiedFile(participant.name, session, path, source))
        except (SpmFileError, FieldProblem) as error:
            hint = others[0] if others and isinstance(error, MissingVoiError) else ""
            made.append(SpecifiedFile(participant.name, session, failure=f"{error}{hint}"))
    return made


def _matching(folder: Path, pattern: str) -> tuple[Path, ...]:
    paths = glob.glob(str(Path(glob.escape(str(folder))) / pattern), recursive=True)  # noqa: PTH207 - takes ".."
    return tuple(Path(path) for path in sorted(paths, key=natural_key) if not Path(path).is_dir())


def _names(places: Sequence[Path]) -> list[str]:
    """What the participants of some folders are called."""
    marked = [[part for part in place.parts if part.startswith(("sub-", "ses-"))] for place in places]
    if all(any(part.startswith("sub-") for part in parts) for parts in marked):
        return ["_".join(parts) for parts in marked]
    if len(places) > 1 and len({len(place.parts) for place in places}) == 1:
        rows = list(zip(*(place.parts for place in places), strict=True))
        differing = [level for level, row in enumerate(rows) if len(set(row)) > 1]
        return ["_".join(place.parts[level] for level in differing) for place in places]
    return [visible_text(place.name) for place in places]
