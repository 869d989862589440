"""A commented configuration to start from, guessed from what a dataset holds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ._look import Found, FoundScore, FoundTask
from ._part import NAME
from ._schema import SCHEMA_FILE
from ._shape import PLACEHOLDER

MOST_CONDITIONS = 24
# Arms and conditions that others are compared with come second.
CONTROLS = (
    *("placebo", "control", "controls", "sham", "midazolam", "saline", "vehicle", "waitlist", "hc", "0", "no"),
    *("shapes", "shape", "neutral", "congruent", "baseline", "fixation", "rest"),
)

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}


class _Written(str):
    """Text that is TOML already."""


def starter(found: Found, folder: Path) -> str:
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


def _guesses(found: Found, folder: Path) -> dict[str, Any]:
    before, after = (found.sessions[0], found.sessions[-1]) if len(found.sessions) > 1 else (PLACEHOLDER,) * 2
    tasks = [_task(task) for task in found.tasks]
    scores = _scores(found.scores, folder)
    return {
        "schema": _Written(SCHEMA_FILE),
        "placeholder": PLACEHOLDER,
        "name": found.name,
        "bids": _relative(found.bids, folder),
        "found_derivatives": found.derivatives is not None,
        "derivatives": _relative(found.derivatives or found.bids / "derivatives" / "fmriprep", folder),
        "spaces": found.spaces,
        "resolutions": found.resolutions,
        "people": len(found.participants),
        "columns": found.columns,
        "arm": found.arm or PLACEHOLDER,
        "arms": list(_controls_last(found.arms)) if len(found.arms) == 2 else [PLACEHOLDER] * 2,
        "found_arms": found.arms,
        "sessions": found.sessions,
        "before": before,
        "after": after,
        "tasks": tasks,
        "main": next((task for task in tasks if task["conditions"]), None),
        "scores": scores,
        "score": next(iter(scores), None),
    }


def _relative(path: Path, folder: Path) -> str:
    """A path as seen from a folder, where there is a way that does not leave the drive."""
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:
        return path.absolute().as_posix()


def _controls_last(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: name.lower() in CONTROLS))


def _task(task: FoundTask) -> dict[str, Any]:
    types = task.trial_types[:MOST_CONDITIONS]
    names = _named(types)
    ordered = _controls_last(names)
    contrast = f"{ordered[0]} - {ordered[1]}" if len(ordered) > 1 else next(iter(ordered), None)
    return {
        "name": task.name,
        "rest": task.rest,
        "conditions": dict(zip(names, types, strict=True)),
        "more": len(task.trial_types) - len(types),
        "contrast_name": "-over-".join(ordered[:2]),
        "contrast": contrast,
        "first": next(iter(ordered), None),
    }


def _scores(scores: Sequence[FoundScore], folder: Path) -> dict[str, dict[str, Any]]:
    names = _named(["improvement" if score.sessions and score == scores[0] else score.table.stem for score in scores])
    return {
        name: {
            "table": _relative(score.table, folder),
            "column": score.column,
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
        taken = {one.casefold() for one in names}
        bare, number = name, 2
        while name.casefold() in taken:
            name, number = f"{bare}-{number}", number + 1
        names.append(name)
    return names
