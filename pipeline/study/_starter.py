"""A commented configuration to start from, guessed from what a dataset holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..common import are_numbers, find_before_and_after, first_names, relative_path, visible_text
from ._guesses import TRIAL_TYPE, guess_contrast, guess_groups, guess_sessions
from ._schema import PLACEHOLDER, SCHEMA_FILE
from ._survey import DatasetSurvey
from ._survey_tables import SurveyedScore
from ._survey_tasks import SurveyedTask
from ._toml_text import WrittenToml as _Written
from ._toml_text import toml_key as _key
from ._toml_text import toml_names as _named
from ._toml_text import toml_text as toml

MOST_CONDITIONS = 24
MOST_LEVELS = 4  # of a column of visits, that are named


def starter_toml(found: DatasetSurvey, folder: Path) -> str:
    """The TOML text of a configuration for a dataset.

    Arguments:
        found: what is in the dataset.
        folder: where the file will be, which its paths are relative to.

    What cannot be guessed at all is a placeholder that `read_study` refuses; what should be looked at is marked.
    """
    environment = Environment(
        loader=PackageLoader("pipeline.study"),
        autoescape=False,  # what is written is TOML, which `finalize` escapes
        finalize=toml,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["key"] = _key
    environment.filters["plain"] = _comment
    return environment.get_template("study.toml.j2").render(_guesses(found, folder))


def describe_guesses(found: DatasetSurvey) -> tuple[str, ...]:
    """What a starter guesses and why, and what it leaves to be filled in, a line each."""
    sessions, groups = guess_sessions(found.sessions, found.visits.times), guess_groups(found.table.groups)
    word = "arms" if found.table.trial else "groups"
    lines = []
    if found.sessions:
        lines.append("sessions: " + (f"{', '.join(sessions.names)}, " if sessions.names else "") + sessions.reason)
    if len(found.table.candidates) > 1:
        lines.append(f"{word}: which column names them? There are {first_names(found.table.candidates)}")
    elif found.table.group:
        lines.append(f"{word}: " + (f"{', '.join(groups.names)}, " if groups.names else "") + groups.reason)
    for task in found.tasks:
        if task.candidates:
            lines.append(
                f"conditions of {task.name}: which column holds them? There are {first_names(task.candidates)}"
            )
        elif task.column != TRIAL_TYPE:
            lines.append(f"conditions of {task.name}: by the column {task.column}, as events have no {TRIAL_TYPE}")
        elif not task.trial_types and not task.rest:
            lines.append(f"events of {task.name}: none were found; say where they are, or that it is a rest run")
    scores = _scores(found.scores, Path(), paired=len(found.sessions) > 1)
    if _outcome(scores) == PLACEHOLDER:
        lines.append(f"outcome: which score is it? There are {_candidates(scores)}")
    elif outcome := _outcome(scores):
        lines.append(f"outcome: {scores[outcome]['column']} of {scores[outcome]['file']}, {scores[outcome]['reason']}")
    return tuple(lines)


def _guesses(found: DatasetSurvey, folder: Path) -> dict[str, Any]:
    tasks = [_task(task) for task in found.tasks]
    scores = _scores(found.scores, folder, paired=len(found.sessions) > 1)
    with_events = [task for task in tasks if task["conditions"]]
    derivatives = found.derivatives or (found.bids or Path()) / "derivatives" / "fmriprep"
    return {
        "schema": _Written(SCHEMA_FILE),
        "placeholder": PLACEHOLDER,
        "name": found.name,
        "bids": None if found.bids is None else relative_path(found.bids, folder),
        "found_derivatives": found.derivatives is not None,
        "beside": found.bids is not None and not derivatives.is_relative_to(found.bids),
        "derivatives": relative_path(derivatives, folder),
        "others": [relative_path(path, folder) for path in found.other_derivatives],
        "spaces": found.spaces,
        "resolutions": found.resolutions,
        **_participants(found, folder),
        **_sessions(found),
        "tasks": tasks,
        "main": next(iter(with_events), None),
        "mains": [task["name"] for task in with_events],
        "scores": {name: score for name, score in scores.items() if score["column"] is not None},
        "open_scores": {name: score for name, score in scores.items() if score["column"] is None},
        "score": _outcome(scores),
        "candidates": _candidates(scores),
    }


def _participants(found: DatasetSurvey, folder: Path) -> dict[str, Any]:
    """Who takes part, in which groups."""
    table, groups = found.table, guess_groups(found.table.groups)
    beside = found.bids is None and table.table is not None
    return {
        "participant_count": len(found.participants),
        "table": relative_path(table.table, folder) if beside and table.table is not None else None,
        "has_table": table.table is not None,
        "columns": _comment(first_names(table.columns)),
        "covariates": _comment(", ".join(table.covariates)),
        "group_key": _Written("arm" if table.trial else "group"),
        "group": table.group or (PLACEHOLDER if table.candidates else None),
        "likely": table.candidates,
        "groups": list(groups.names or [PLACEHOLDER] * max(2, len(table.groups))),
        "groups_reason": _comment(groups.reason),
        "difference": " - ".join(groups.names[:2]) if groups.names and len(groups.names) > 2 else None,
        "trial": table.trial,
        "two_arms": table.trial and len(table.groups) == 2,
        "design": f"1 + {table.group}" if table.group and table.group.isidentifier() else None,
    }


def _sessions(found: DatasetSurvey) -> dict[str, Any]:
    """The sessions in their order, and what differs between visits."""
    sessions, visits = guess_sessions(found.sessions, found.visits.times), found.visits
    order = sessions.names or (PLACEHOLDER,) * min(2, len(found.sessions))
    between = (find_before_and_after(order) or (order[0], order[-1])) if order else ()
    drugs = guess_groups(visits.levels.get(visits.drug or "", ())).names or ()
    return {
        "order": order if sessions.names else order[:1],
        "order_reason": _comment(sessions.reason),
        "between": between,
        "paired": len(found.sessions) > 1,
        "several": len(found.sessions) > 2,
        "visit_columns": _comment(
            first_names(
                [
                    f"{name} ({'numbers' if are_numbers(levels) else ' / '.join(levels[:MOST_LEVELS])})"
                    for name, levels in visits.levels.items()
                ]
            )
        ),
        "drug": visits.drug,
        "drugs": " - ".join(drugs) if len(drugs) == 2 else None,
    }


def _outcome(scores: Mapping[str, dict[str, Any]]) -> str | None:
    """The score to explain: the only one there is; a placeholder where there are several, None where there is none."""
    (first, score), *others = scores.items() or [("", {"column": None})]
    if not first:
        return None
    return first if not others and score["column"] is not None else PLACEHOLDER


def _candidates(scores: Mapping[str, dict[str, Any]]) -> _Written:
    """What the outcome may be, in words."""
    candidates = [
        f"{name} ({score['column'] or first_names(score['columns'])} of {score['file']})"
        for name, score in scores.items()
    ]
    return _comment(first_names(candidates))


def _comment(text: str) -> _Written:
    """Text of a dataset's as a comment may hold it, in one line."""
    return _Written(visible_text(text))


def _task(task: SurveyedTask) -> dict[str, Any]:
    left_out = task.incomplete if set(task.incomplete) < set(task.trial_types) else ()
    usable = [kind for kind in task.trial_types if kind not in left_out]
    types = usable[:MOST_CONDITIONS]
    names = _named(types)
    guess = guess_contrast(names)
    pair = guess.names or tuple(names[:1])
    return {
        "name": task.name,
        "rest": task.rest,
        "column": None if task.column == TRIAL_TYPE else task.column,
        "candidates": task.candidates,
        "runs": task.runs,
        "several_runs": max(task.counts) > 1,
        "acquisitions": task.acquisitions,
        "run_counts": _Written(" or ".join(map(str, sorted(task.counts)))),
        "conditions": dict(zip(names, types, strict=True)),
        "more": len(usable) - len(types),
        "left_out": left_out,
        "incomplete": [] if left_out else [kind for kind in types if kind in task.incomplete],
        "contrast_name": "-over-".join(pair),
        "contrast": " - ".join(pair) or None,
        "reason": _comment(guess.reason),
        "first": next(iter(pair), None),
        "changing": pair[0] if pair and pair[0] != "task" else "effect",  # the input that changes connections
    }


def _scores(scores: Sequence[SurveyedScore], folder: Path, *, paired: bool) -> dict[str, dict[str, Any]]:
    """By name; the only score there is, in a table with a pair of sessions, is the improvement."""
    alone = len(scores) == 1 and scores[0].sessions and paired
    names = _named(["improvement" if alone else score.table.stem for score in scores])
    return {
        name: {
            "table": relative_path(score.table, folder),
            "file": score.table.name,
            "column": score.column,
            "columns": score.columns,
            "reason": _comment(score.reason),
            "others": _comment(first_names([column for column in score.columns if column != score.column])),
            "take": "fall" if score.sessions and paired else "once",
        }
        for name, score in zip(names, scores, strict=True)
    }
