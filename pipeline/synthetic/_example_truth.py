"""What was planted in an example, written as tables, and read again from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..common import read_json, write_json
from ..tables import MISSING, read_table
from ._bids_files import write_table
from ._example_design import AskedEffect, ExampleDesign
from ._example_participants import ExampleParticipant
from ._planted_truth import CONNECTIVITY_FILE, PARTICIPANTS_FILE, TRUTH_FOLDER, numbers_of

DESIGN_FILE, EFFECTS_FILE, COUPLING_FILE = "design.json", "effects.tsv", "coupling.tsv"


@dataclass(frozen=True)
class ExampleTruth:
    """What was planted.

    Fields:
        design: name of the example.
        connectivity: visit → parameter → planted value, of every free parameter of the model.
        asked: effects that group analyses estimate, with what was planted of each.
        coupling: at rest, group → correlation of the regions' slow fluctuations.
    """

    design: str
    connectivity: Mapping[str, Mapping[str, float]]
    asked: tuple[AskedEffect, ...]
    coupling: Mapping[str, float] = field(default_factory=dict)


def claim_folder(folder: Path, design: str, source: str) -> None:
    """Mark a folder as that of one study. Raises `ValueError` where it holds another."""
    own = {"design": design, "source": source}
    refuse_other_study(folder, own)
    (folder / TRUTH_FOLDER).mkdir(parents=True, exist_ok=True)
    write_json(folder / TRUTH_FOLDER / DESIGN_FILE, own)


def refuse_other_study(folder: Path, own: Mapping[str, str]) -> None:
    """Raises `ValueError` where a folder holds another study than the one that is marked as `own`; the trial has no
    mark.
    """
    there = [name for name in ("bids", "series") if (folder / name).exists()]
    if there and not (folder / TRUTH_FOLDER).is_dir():
        raise ValueError(f"{folder / there[0]} is not of a synthetic study; give another folder")
    found = _marked(folder / TRUTH_FOLDER / DESIGN_FILE)
    if there and found != own:
        held = f"the design {found['design']}, from {found['source']}" if "design" in found else "the two-arm trial"
        raise ValueError(f"{folder} holds another synthetic study ({held}); give another folder")


def held_example(folder: str | Path) -> str:
    """The name of the design whose study a folder holds; empty where it holds another, or none."""
    return str(_marked(Path(folder) / TRUTH_FOLDER / DESIGN_FILE).get("design", ""))


def _marked(path: Path) -> Mapping[str, str]:
    """What the file says of the study; nothing where there is no file."""
    return dict(read_json(path)) if path.is_file() else {}


def write_example_truth(folder: Path, design: ExampleDesign, participants: Sequence[ExampleParticipant]) -> None:
    """The tables in the `truth` folder of a study."""
    truth = folder / TRUTH_FOLDER
    columns = list(participants[0].columns)
    rows = [(participant.name, *(participant.columns[name] for name in columns)) for participant in participants]
    write_table(truth / PARTICIPANTS_FILE, ("participant_id", *columns), rows)
    if design.rest:
        write_table(truth / COUPLING_FILE, ("group", "correlation"), list(design.rest_coupling.items()))
        return
    write_table(
        truth / CONNECTIVITY_FILE,
        ("participant_id", "session_id", "parameter", "planted"),
        [
            (visit.participant, visit.session, name, value)
            for participant in participants
            for visit in participant.visits
            for name, value in visit.planted.items()
        ],
    )
    names = [name for name in participants[0].visits[0].planted if name.startswith("B[")]
    write_table(
        truth / EFFECTS_FILE,
        ("analysis", "effect", "words", "parameter", "planted"),
        [
            (asked.analysis, asked.effect, asked.words, name, float(asked.planted.get(name, 0.0)))
            for asked in design.asked
            for name in names
        ],
    )


def example_truth_files(folder: str | Path) -> tuple[Path, ...]:
    """The tables that `read_example_truth` reads."""
    truth = Path(folder) / TRUTH_FOLDER
    rest = (truth / COUPLING_FILE).exists()
    return tuple(
        truth / name for name in (DESIGN_FILE, *([COUPLING_FILE] if rest else [CONNECTIVITY_FILE, EFFECTS_FILE]))
    )


def read_example_truth(folder: str | Path) -> ExampleTruth:
    """What was planted in the study that `write_example` wrote into a folder.

    Raises `TableError` where its tables are missing or have been changed beyond reading.
    """
    _, *tables = example_truth_files(folder)
    if len(tables) == 1:
        rest = read_table(tables[0])
        pairs = zip(rest.column("group"), numbers_of(rest, "correlation"), strict=True)
        return ExampleTruth(held_example(folder), {}, (), dict(pairs))
    connectivity, effects = map(read_table, tables)
    planted: dict[str, dict[str, float]] = {}
    columns = map(connectivity.column, ("participant_id", "session_id", "parameter"))
    for participant, session, name, value in zip(*columns, numbers_of(connectivity, "planted"), strict=True):
        visit = participant if session == MISSING else f"{participant}_{session}"
        planted.setdefault(visit, {})[name] = value
    asked: dict[tuple[str, str, str], dict[str, float]] = {}
    keys = zip(*map(effects.column, ("analysis", "effect", "words")), strict=True)
    for key, name, value in zip(keys, effects.column("parameter"), numbers_of(effects, "planted"), strict=True):
        asked.setdefault(key, {})[name] = value
    return ExampleTruth(held_example(folder), planted, tuple(AskedEffect(*key, of) for key, of in asked.items()))
