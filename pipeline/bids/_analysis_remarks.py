"""What to know of a study's group analyses before they run: who is left out, and what a design takes from where."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import suppress

from ..common import are_numbers, list_names, merge_remarks, sorted_names
from ..study import GroupAnalysis, Study, is_control, select_visits
from ..tables import MISSING
from ._analysis_data import (
    GroupRows,
    analysis_design,
    design_columns,
    group_rows,
    is_group_column,
    level_order,
    participant_cell,
)
from ._inventory import Inventory, Participant
from ._scores import known_columns


def group_remarks(study: Study, inventory: Inventory) -> list[str]:
    """A line for all that is worth knowing of an analysis: who is left out for want of a covariate, what is guessed or
    hard to tell apart, and what a change in a crossover is of.
    """
    lines = []
    known = known_columns(study, inventory)
    for name, analysis in study.group.items():
        wanted = design_columns(study, analysis)
        wanted = [name for name in wanted if not is_group_column(study, name, known)]
        lacking: dict[str, list[str]] = {}  # what is missing → of whom
        for participant in inventory.participants:
            missing = [own for own in wanted if own in known and participant_cell(participant, own) == MISSING]
            if missing:
                lacking.setdefault(" and ".join(missing), []).append(participant.name)
        lines += [
            f"[group.{name}]: {list_names(names)}: left out, for want of {missing}"
            for missing, names in lacking.items()
        ]
        left_out = {participant for names in lacking.values() for participant in names}
        lines += [f"[group.{name}]: {line}" for line in _remarks_on_visits(study, inventory, analysis, left_out)]
    return lines


def _remarks_on_visits(
    study: Study, inventory: Inventory, analysis: GroupAnalysis, lacking: Container[str]
) -> Iterator[str]:
    """What the table of visits leaves out of an analysis, and what of a design is taken from it though it is elsewhere.

    Arguments:
        lacking: participants who are left out whatever that table says.
    """
    selection, rows = select_visits(study, analysis), group_rows(study, inventory, analysis)
    of_visits = selection.kind in ("visit", "visits")
    own = [name for name in design_columns(study, analysis) if name in inventory.visit_columns] if of_visits else []
    if own or not selection.of_sessions:
        lines = [line.partition(": ")[::2] for line in rows.left_out]
        yield from merge_remarks((label, why) for label, why in lines if label.partition("_")[0] not in lacking)
    if not selection.of_sessions:
        several = [
            name for name, visits in zip(rows.names, rows.visits, strict=True) if len(visits) > len(selection.weights)
        ]
        if several:
            yield f"{list_names(several)}: several visits of one level of {analysis.of}; their average counts"
    yield from _cautions(study, analysis, rows)
    yield from _guessed_references(study, analysis, rows)
    yield from _drugs_of_a_change(study, inventory, analysis)
    for name in own:
        by_visit = {visit.label: visit.values[name] for visit in inventory.visits}
        others = {participant.name: _own_cell(study, participant, name) for participant in inventory.participants}
        used = dict(zip(rows.names, rows.participants, strict=True))
        if any(others[whom] not in (None, by_visit[label]) for label, whom in used.items()):
            taken, left = "the participants' table", "[visits]"
            taken, left = (taken, left) if is_group_column(study, name, ()) else (left, taken)
            yield f"{name} is in {left} and in {taken} with other values; that of {taken} is used"


def _cautions(study: Study, analysis: GroupAnalysis, rows: GroupRows) -> Iterator[str]:
    """What of a design is hard to tell apart, or rests on one row or, where rows are visits, on one participant."""
    if not rows.names:
        return
    with suppress(ValueError):  # said among the errors
        design = analysis_design(study, analysis, rows)
        yield from design.cautions
        for factor in design.levels:
            whose: dict[str, list[str]] = {}  # level → the participant of each of its rows
            for level, participant in zip(rows.columns[factor], rows.participants, strict=True):
                whose.setdefault(level, []).append(participant)
            for level, members in whose.items():
                if len(members) > 1 and len(set(members)) == 1:
                    yield f"{members[0]} alone is {level} of {factor}, so that {level} rests on {members[0]}"


def _own_cell(study: Study, participant: Participant, name: str) -> str | None:
    """What a participant's own table says in a column; None where it is not in it."""
    if is_group_column(study, name, ()):
        return participant.group
    return participant_cell(participant, name) if name in participant.values or name in participant.scores else None


def _guessed_references(study: Study, analysis: GroupAnalysis, rows: GroupRows) -> Iterator[str]:
    """Levels that others are taken from because of what they are called."""
    if analysis.design is None:
        return
    for factor, level in level_order(study, analysis, rows).guessed.items():
        yield (
            f"levels of {factor} are compared with {level}, which is guessed from its name; "
            f'reference = {{ {factor} = "…" }} names another'
        )


def _drugs_of_a_change(study: Study, inventory: Inventory, analysis: GroupAnalysis) -> Iterator[str]:
    """That a change of sessions is none of a drug that some had first and others second, and what is."""
    pair = select_visits(study, analysis).pair
    for column in inventory.visit_columns if pair is not None else ():
        levels = {(visit.participant, visit.session): visit.values[column] for visit in inventory.visits}
        orders = {
            tuple(levels.get((participant.name, session), MISSING) for session in pair or ())
            for participant in inventory.participants
        }
        orders = {order for order in orders if order[0] != order[1] and MISSING not in order}
        both = sorted_names({order[0] for order in orders} & {order[1] for order in orders})
        if len(both) < 2 or are_numbers(both):
            continue
        last = next((level for level in both if is_control(level)), both[-1])
        first = next(level for level in both if level != last)
        yield (
            f"the change from {' to '.join(pair or ())} is one over time, whatever the {column}, as either session has "
            f'participants with {first} and with {last}; of = "{first} - {last}" compares them within participants'
        )
