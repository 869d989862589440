"""`effconn check`: what a study has on disk and what is missing, before anything runs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ._console import say, tell
from ._records import Column, Records
from .bids import Absence, Inventory
from .bids._words import gathered
from .study import Study

SHOWN = 40  # participants in a table; of more, only those who lack something are shown
MOST = 60  # lines of what is missing, before the rest is only counted
THERE, ABSENT = "✓", "missing"


def show_inventory(study: Study, inventory: Inventory) -> None:
    """Print who has what, what is missing and why, and what the study cannot go on with."""
    table = participant_records(inventory, study)
    if table.rows:
        _shown(table).print()
        tell()
    for line in _totals(study, inventory):
        tell(line)
    missing = gathered([(_label(one), one.problem) for one in inventory.absences])
    _lines("missing", missing)
    _lines("remark", list(inventory.remarks))
    for error in inventory.errors:
        say(f"error: {error}")


def participant_records(inventory: Inventory, study: Study) -> Records:
    """Everybody in the study: arm, scores, and for each session and task whether there is a usable run."""
    cells = [(session, task) for session in (study.sessions.before, study.sessions.after) for task in study.tasks]
    there = {(run.participant, run.session, run.task) for run in inventory.runs}
    rows: list[dict[str, Any]] = [
        {
            "participant_id": who.name,
            "arm": who.arm,
            **{f"score_{name}": who.scores.get(name) for name in study.scores},
            **{_key(*cell): THERE if (who.name, *cell) in there else ABSENT for cell in cells},
        }
        for who in inventory.participants
    ]
    columns = (
        Column("participant_id", "Participant"),
        Column("arm", "Arm"),
        *(Column(f"score_{name}", f"{name}, {score.unit}", ".4g") for name, score in study.scores.items()),
        *(Column(_key(*cell), " ".join(cell)) for cell in cells),
    )
    marked = frozenset(i for i, row in enumerate(rows) if ABSENT in row.values())
    lead = "A run is there where all of its files are and their headers agree."
    return Records("participants", "Participants and their runs", lead, columns, rows, marked)


def _key(session: str, task: str) -> str:
    return f"{session}_task-{task}"


def _label(one: Absence) -> str:
    return f"{one.participant}_{_key(one.session, one.task)}"


def _shown(table: Records) -> Records:
    """Everybody of a small study; of a big one, those who lack something."""
    if len(table.rows) <= SHOWN:
        return table
    rows = [table.rows[i] for i in sorted(table.marked)]
    title = f"Participants who lack a run, {len(rows)} of {len(table.rows)}"
    if len(rows) > SHOWN:
        title += f"; the first {SHOWN}"
    return Records(table.name, title, table.lead, table.columns, rows[:SHOWN])


def _totals(study: Study, inventory: Inventory) -> list[str]:
    arms = Counter(who.arm for who in inventory.participants)
    counts = ", ".join(f"{arms[arm]} {arm}" for arm in study.participants.arms)
    lines = [f"{len(inventory.participants)} participants ({counts}), {len(inventory.left_out)} left out"]
    for task in study.tasks:
        done = {(run.participant, run.session) for run in inventory.runs if run.task == task}
        both = sum(
            all((who.name, session) in done for session in (study.sessions.before, study.sessions.after))
            for who in inventory.participants
        )
        lines.append(f"{task}: {len(done)} runs of {2 * len(inventory.participants)}; both sessions of {both}")
    return lines


def _lines(kind: str, lines: list[str]) -> None:
    for line in lines[:MOST]:
        say(f"{kind}: {line}")
    if len(lines) > MOST:
        say(f"{kind}: and {len(lines) - MOST} more")
