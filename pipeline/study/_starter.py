"""A commented configuration to start from, guessed from what a dataset holds."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..common import first_names, sorted_names, visible_text
from ._analysis_settings import NAME
from ._guesses import TRIAL_TYPE, guess_arms, guess_contrast, guess_sessions
from ._schema import PLACEHOLDER, SCHEMA_FILE
from ._survey import DatasetSurvey, SurveyedScore, SurveyedTask

MOST_CONDITIONS = 24
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}


class _Written(str):
    """Text that is TOML already."""


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
    return environment.get_template("study.toml.j2").render(_guesses(found, folder))


def describe_guesses(found: DatasetSurvey) -> tuple[str, ...]:
    """What a starter guesses and why, and what it leaves to be filled in, a line each."""
    sessions, arms = guess_sessions(found.sessions, found.times), guess_arms(found.arms)
    lines = ["before and after: " + (f"{' and '.join(sessions.names)}, " if sessions.names else "") + sessions.reason]
    if len(found.arm_candidates) > 1:
        lines.append(f"arms: which column names them? There are {first_names(found.arm_candidates)}")
    elif found.arm:
        lines.append("arms: " + (f"{' minus '.join(arms.names)}, " if arms.names else "") + arms.reason)
    for task in found.tasks:
        if task.candidates:
            lines.append(
                f"conditions of {task.name}: which column holds them? There are {first_names(task.candidates)}"
            )
        elif task.column != TRIAL_TYPE:
            lines.append(f"conditions of {task.name}: by the column {task.column}, as events have no {TRIAL_TYPE}")
    scores = _scores(found.scores, Path())
    if _outcome(scores) == PLACEHOLDER:
        lines.append(f"outcome: which score is it? There are {_candidates(scores)}")
    elif outcome := _outcome(scores):
        lines.append(f"outcome: {scores[outcome]['column']} of {scores[outcome]['file']}, {scores[outcome]['reason']}")
    return tuple(lines)


def toml(value: Any) -> str:
    """A text, a number, or a list of them, as TOML writes it; whatever is in a text stays in its quotes."""
    if isinstance(value, _Written):
        return value
    if isinstance(value, str):
        return f'"{"".join(map(_escaped, value))}"'
    if isinstance(value, Path):
        return toml(value.as_posix())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return str(value)


def _escaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isprintable():
        return letter
    code = ord(letter)
    if 0xD800 <= code <= 0xDFFF:  # a byte of a file name that is no text
        return "\\uFFFD"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _key(name: str) -> _Written:
    return _Written(name if _BARE.fullmatch(name) else toml(name))


def _guesses(found: DatasetSurvey, folder: Path) -> dict[str, Any]:
    sessions, arms = guess_sessions(found.sessions, found.times), guess_arms(found.arms)
    before, after = sessions.names or (PLACEHOLDER,) * 2
    tasks = [_task(task) for task in found.tasks]
    scores = _scores(found.scores, folder)
    with_events = [task for task in tasks if task["conditions"]]
    return {
        "schema": _Written(SCHEMA_FILE),
        "placeholder": PLACEHOLDER,
        "name": found.name,
        "bids": _relative(found.bids, folder),
        "found_derivatives": found.derivatives is not None,
        "derivatives": _relative(found.derivatives or found.bids / "derivatives" / "fmriprep", folder),
        "others": [path.name for path in found.other_derivatives],
        "spaces": found.spaces,
        "resolutions": found.resolutions,
        "participant_count": len(found.participants),
        "columns": found.columns,
        "arm": found.arm or PLACEHOLDER,
        "likely": found.arm_candidates,
        "arms": list(arms.names or [PLACEHOLDER] * 2),
        "arms_reason": _comment(arms.reason),
        "found_arms": found.arms,
        "sessions": found.sessions,
        "sessions_reason": _comment(sessions.reason),
        "runs": sorted_names({f"run-{run}" for task in found.tasks for run in task.runs}),
        "before": before,
        "after": after,
        "tasks": tasks,
        "main": next(iter(with_events), None),
        "mains": [task["name"] for task in with_events],
        "scores": {name: score for name, score in scores.items() if score["column"] is not None},
        "open_scores": {name: score for name, score in scores.items() if score["column"] is None},
        "score": _outcome(scores),
        "candidates": _candidates(scores),
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


def _relative(path: Path, folder: Path) -> str:
    """A path as seen from a folder, where there is a way that does not leave the drive."""
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:
        return path.absolute().as_posix()


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
        "runs": [f"run-{run}" for run in task.runs],
        "run": next(iter(task.runs), None),
        "conditions": dict(zip(names, types, strict=True)),
        "more": len(usable) - len(types),
        "left_out": left_out,
        "contrast_name": "-over-".join(pair),
        "contrast": " - ".join(pair) or None,
        "reason": _comment(guess.reason),
        "first": next(iter(pair), None),
    }


def _scores(scores: Sequence[SurveyedScore], folder: Path) -> dict[str, dict[str, Any]]:
    """By name; the only score there is, in a table with sessions, is the improvement."""
    alone = len(scores) == 1 and scores[0].sessions
    names = _named(["improvement" if alone else score.table.stem for score in scores])
    return {
        name: {
            "table": _relative(score.table, folder),
            "file": score.table.name,
            "column": score.column,
            "columns": score.columns,
            "reason": _comment(score.reason),
            "others": _comment(first_names([column for column in score.columns if column != score.column])),
            "take": "fall" if score.sessions else "once",
        }
        for name, score in zip(names, scores, strict=True)
    }


def _named(texts: Sequence[str]) -> list[str]:
    """Names of ours for some texts: the same where they may stand as they are, all different, in capitals too."""
    names: list[str] = []
    for text in texts:
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-") or "x"
        name = name if NAME.fullmatch(name) else f"x{name}"
        taken = {used.casefold() for used in names}
        bare, number = name, 2
        while name.casefold() in taken:
            name, number = f"{bare}-{number}", number + 1
        names.append(name)
    return names
