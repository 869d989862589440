"""The data in plain paragraphs: participants, groups, visits and what differs between them, runs, what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..common import are_numbers, join_words, sorted_names
from ..study import Dcm, formula_names, inversion_settings, select_visits
from ..tables import MISSING
from ._methods_series import series_source
from ._study_result import StudyResult
from ._study_words import number_word, plural

MOST_LEVELS = 8  # of a column that is described by its levels


def data_paragraphs(result: StudyResult) -> list[str]:
    """Who and what was measured; and what differs between visits and participants, where analyses are about it."""
    found = [_data_paragraph(result)]
    described = [*_visit_sentences(result), *_covariate_sentences(result)]
    return [*found, " ".join(described)] if described else found


def _data_paragraph(result: StudyResult) -> str:
    study = result.study
    counted = ", ".join(f"{len(result.members(group))} {group}" for group in result.words.groups)
    counts = f" ({counted})" if counted else ""
    times = sorted({run.repetition_time for run in result.inventory.runs})
    every = f" Repetition time: {join_words([f'{repetition_time:g} s' for repetition_time in times])}." if times else ""
    if len(times) > 1:
        every += " Every run was modelled with its own."
    given = {name: task.repetition_time for name, task in study.tasks.items() if task.repetition_time is not None}
    set_here = [f"{name} ({time:g} s)" for name, time in given.items() if not isinstance(time, str)]
    by_sidecar = [name for name, time in given.items() if isinstance(time, str)]
    every += f" It was set in the configuration, whatever files say, for {join_words(set_here)}." if set_here else ""
    every += f" It is that of the sidecars, whatever headers say, for {join_words(by_sidecar)}." if by_sidecar else ""
    missing = len(result.inventory.absences) + sum(failure.stage == "extract" for failure in result.failures)
    excluded = len(study.participants.exclude)
    what, source = data_source(result)
    return (
        f"{what} of {plural(len(result.participants), 'participant')}{counts}{_sessions(result)}, {source}, "
        f"were analysed; {'task' if len(study.tasks) == 1 else 'tasks'}: {join_words(study.tasks)}.{every} "
        f"{plural(len(result.extractions), 'run was', 'runs were')} used; {missing or 'none'} "
        f"{'was' if missing == 1 else 'were'} missing or could not be used"
        + (f", and {plural(excluded, 'participant')} were excluded beforehand." if excluded else ".")
    )


def data_source(result: StudyResult) -> tuple[str, str]:
    """What was analysed, and where it comes from."""
    if result.study.series is not None:
        return "Region series", series_source(result)
    return "Functional images", f"preprocessed with fMRIPrep in the space {result.study.study.space}"


def _sessions(result: StudyResult) -> str:
    words = result.words
    if words.is_treated:
        before, after = words.sessions
        return f" from sessions {before} (before treatment) and {after} (after)"
    if len(words.sessions) == 1:
        return f" from session {words.sessions[0]}"
    return f" from {number_word(len(words.sessions))} sessions ({join_words(words.sessions)})" if words.sessions else ""


def _visit_sentences(result: StudyResult) -> list[str]:
    """How many visits there are, how many runs each has, and what differs between the visits of a participant."""
    words, found = result.words, []
    runs: dict[str, Counter[str]] = {}
    for run in result.extractions:
        runs.setdefault(run.task, Counter())[run.visit] += 1
    if len(words.sessions) > 1:
        expected = len(result.participants) * len(words.sessions)
        seen = {visit for own in runs.values() for visit in own}
        if len(seen) < expected:
            complete = sum(
                all(f"{participant.name}_{session}" in seen for session in words.sessions)
                for participant in result.participants
            )
            found.append(
                f"{len(seen)} of {expected} visits had a run that was used; {complete} of "
                f"{plural(len(result.participants), 'participant')} had {words.all_sessions}."
            )
    for task, own in runs.items():
        numbers = sorted(set(own.values()))
        if numbers[-1] > 1:
            span = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
            found.append(f"There were {span} runs of {task} in each visit.")
    return [*found, *(_levels_sentence(result, column) for column in _visit_columns(result))]


def _visit_columns(result: StudyResult) -> list[str]:
    """Columns of the table of visits that an analysis is about, and that differ within participants."""
    named: set[str] = set()
    for analysis in result.study.group.values():
        named |= set(formula_names(analysis.design)) if analysis.design else set()
        selection = select_visits(result.study, analysis)
        if not selection.of_sessions:
            named |= {
                column
                for column in result.inventory.visit_columns
                if set(selection.weights) <= {visit.values.get(column, MISSING) for visit in result.inventory.visits}
            }
    return [
        column
        for column in result.inventory.visit_columns
        if column in named and any(len(set(own.values())) > 1 for own in levels_of_visits(result, column).values())
    ]


def levels_of_visits(result: StudyResult, column: str) -> dict[str, dict[str, str]]:
    """Participant → session → level of a column of the table of visits, where it is known, of visits with a run."""
    used = {run.visit for run in result.extractions}
    found: dict[str, dict[str, str]] = {participant.name: {} for participant in result.participants}
    for visit in result.inventory.visits:
        level = visit.values.get(column, MISSING)
        if visit.participant in found and level != MISSING and visit.label in used:
            found[visit.participant][visit.session or ""] = level
    return found


def _levels_sentence(result: StudyResult, column: str) -> str:
    """How the levels of a column lie over the visits: whether each participant had all, and in how many orders."""
    own = levels_of_visits(result, column)
    levels = sorted_names({level for levels in own.values() for level in levels.values()})
    if len(levels) > MOST_LEVELS:
        return f"{column[:1].upper()}{column[1:]} differed between visits of a participant."
    named = join_words(levels)
    orders = _orders(result, own)
    whole = sum(orders.values())
    if whole == len(own):
        said = f"Each participant had every level of {column} ({named})"
    else:
        said = f"{whole} of {plural(len(own), 'participant')} had every level of {column} ({named})"
    if not orders:
        return f"{said}."
    if len(orders) == 1:
        return f"{said}, all in the same order ({next(iter(orders))}), so that it cannot be told from that of sessions."
    if len(orders) > MOST_LEVELS:
        return f"{said}, in {len(orders)} orders."
    listed = join_words([f"{count} {order}" for order, count in orders.items()])
    return f"{said}, in {number_word(len(orders))} orders: {listed}."


def _orders(result: StudyResult, own: Mapping[str, Mapping[str, str]]) -> Counter[str]:
    """The orders of levels over the sessions, of participants who had all of them."""
    every = {level for levels in own.values() for level in levels.values()}
    return Counter(
        " then ".join(levels[session] for session in result.sessions if session in levels)
        for levels in own.values()
        if set(levels.values()) == every
    )


def crossover_columns(result: StudyResult) -> list[str]:
    """Columns of visits of which participants had every level, in more than one order."""
    return [column for column in _visit_columns(result) if len(_orders(result, levels_of_visits(result, column))) > 1]


def _covariate_sentences(result: StudyResult) -> list[str]:
    """How many participants have each level of what distinguishes them in a design, the groups apart."""
    named = dict.fromkeys(
        name
        for analysis in result.study.group.values()
        for name in [*(formula_names(analysis.design) if analysis.design else ()), *analysis.covariates]
    )
    found = []
    for name in named:
        if name in ("group", result.study.participants.group_column) or name in result.study.scores:
            continue
        cells = [participant.values.get(name, MISSING) for participant in result.participants]
        known = [cell for cell in cells if cell != MISSING]
        if not known or are_numbers(known) or len(set(known)) > MOST_LEVELS:
            continue
        counts = Counter(known)
        found.append(f"Participants by {name}: {join_words([f'{count} {level}' for level, count in counts.items()])}.")
    return found


def runs_sentence(result: StudyResult, dcm: Dcm) -> str:
    """How several runs of a visit became one posterior; empty where visits have one run."""
    counts = Counter(run.visit for run in result.extractions if run.task == dcm.task)
    if not counts or max(counts.values()) == 1:
        return ""
    if dcm.runs == "average":
        return (
            "One model was inverted of each run, and the posteriors of a visit's runs were put together by Bayesian "
            "parameter averaging, each weighted by its precision and the prior counted once. "
        )
    if inversion_settings(dcm).as_spm:
        return (
            "Runs of a visit were concatenated into one model, with constants and confounds of their own; as in SPM, "
            "the states of the model run on from one run to the next. "
        )
    return (
        "Runs of a visit were concatenated into one model of the same parameters: each run begins at rest, its noise "
        "begins anew, and constants and confounds are its own. "
    )
