"""Patterns of files, such as ``conn/ROI_Subject{participant}_Condition000.mat``: which files there are, and whose."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ._bids_names import comparable_label, name_entities
from ._files import relative_path, walk_folders
from ._names import bids_label, natural_key, order_visits

PATTERN_FIELDS = {"participant": "sub", "session": "ses", "task": "task", "run": "run"}  # and BIDS's entities for them
MOST_MATCHES = 100_000  # files of one pattern
MOST_ENTRIES = 500_000  # files and folders that ** goes through: seconds
_FIELD = re.compile(r"\{([^{}]*)\}")
_TOKEN = re.compile(r"\{[^{}]*\}|\*\*/?|\*|\?|\[[^\]]*\]|.", re.DOTALL)


class PatternError(ValueError):
    """A pattern that says nothing; the message says what to write."""


@dataclass(frozen=True)
class MatchedFile:
    """A file and what its name says.

    Fields:
        path: the file.
        labels: participant, session, task and run as the name has them, without BIDS's prefixes; those that it has.
    """

    path: Path
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def participant(self) -> str | None:
        """Such as ``sub-01``; None where the name does not say."""
        label = self.labels.get("participant")
        return None if label is None else bids_label(label)

    @property
    def session(self) -> str | None:
        """Such as ``ses-1``; None likewise."""
        label = self.labels.get("session")
        return None if label is None else bids_label(label, "ses-")


def check_pattern(pattern: str) -> None:
    """Raises `PatternError` where a field has a name that is not known, or braces are not closed."""
    for name in _FIELD.findall(pattern):
        if name not in PATTERN_FIELDS:
            raise PatternError(
                f"{{{name}}} is no field; those are {', '.join(f'{{{known}}}' for known in PATTERN_FIELDS)}"
            )
    if _FIELD.sub("", pattern).strip("/") == "" or set("{}") & set(_FIELD.sub("", pattern)):
        raise PatternError(f'{pattern!r} is no pattern of files, such as "series/{{participant}}_{{session}}.csv"')


def matching_files(pattern: str) -> list[MatchedFile]:
    """The files that match an absolute pattern, in natural order.

    ``*`` and ``?`` stand for any part of one name, ``**/`` for folders, a field in braces for a label without ``_`` or
    ``/``, the same wherever the field is. What is in no field is taken from BIDS's parts of the name (``sub-01``).

    Raises `PatternError` where the pattern says nothing.
    """
    check_pattern(pattern)
    path = Path(pattern)
    within = re.compile(_expression(pattern))
    relative = _FIELD.sub("*", path.relative_to(path.anchor).as_posix())
    found = []
    for place in _glob(path, relative):
        if match := within.fullmatch(place.as_posix()):
            found.append(MatchedFile(place, _labels(match.groupdict(), name_entities(place))))
    return sorted(found, key=lambda file: natural_key(file.path.as_posix()))


def _glob(path: Path, relative: str) -> list[Path]:
    """The files that a pattern below a path's root matches; raises `PatternError` where it is no name of a file, or
    goes through far more files than a study has.
    """
    parts = relative.split("/")
    if parts[0] == "**":
        raise PatternError(f"{path} goes through the whole disk; begin it with the folder that holds the files")
    found: dict[Path, None] = {}
    try:
        for place in _places(Path(path.anchor), parts, path):
            if not place.is_dir():  # a link to content that is not here is somebody's
                found[place] = None
            if len(found) > MOST_MATCHES:
                raise PatternError(f"{path} matches more than {MOST_MATCHES:,} files; write more of their names")
    except PatternError:
        raise
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise PatternError(f"{path} cannot be looked for ({reason}); correct it") from None
    return list(found)


def _places(root: Path, parts: Sequence[str], whole: Path) -> Iterator[Path]:
    """What a pattern matches below a folder, through links too; ** goes through no more than it may."""
    if "**" not in parts:
        *above, last = parts
        yield from root.glob("/".join(parts))
        if not set("*?[") & set(last):  # of which `Path.glob` leaves out links to what is not here
            folders = root.glob("/".join(above)) if above else [root]
            yield from (path for folder in folders if (path := folder / last).is_symlink() and not path.exists())
        return
    at = parts.index("**")
    below, entries = parts[at + 1 :] or ["*"], 0
    for start in root.glob("/".join(parts[:at])) if at else [root]:
        for folder, inside, files in walk_folders(start):
            entries += len(inside) + len(files)
            if entries > MOST_ENTRIES:
                raise PatternError(
                    f"{whole} goes through more than {MOST_ENTRIES:,} files and folders below {start}; begin it with "
                    "the folder that holds the files, or write the folders in the place of **"
                )
            yield from _places(folder, below, whole)


def _expression(pattern: str) -> str:
    """A pattern as a regular expression, in which a field is a group the first time and a reference to it then."""
    parts, seen = [], set()
    for token in _TOKEN.findall(Path(pattern).as_posix()):
        if token.startswith("{"):
            name = token[1:-1]
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>[^/_]+)")
            seen.add(name)
        elif token.startswith("**"):
            parts.append("(?:.*/)?")
        elif token.startswith("[") and len(token) > 2:
            inside = token[1:-1].replace("\\", "\\\\").replace("[", r"\[")
            parts.append(f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]")
        else:
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(token, re.escape(token)))
    return "".join(parts)


def _labels(fields: Mapping[str, str], entities: Mapping[str, str]) -> dict[str, str]:
    named = {field: entities[entity] for field, entity in PATTERN_FIELDS.items() if entity in entities}
    return named | {field: label.removeprefix(f"{PATTERN_FIELDS[field]}-") for field, label in fields.items()}


def fill_pattern(pattern: str, labels: Mapping[str, str]) -> list[Path]:
    """The files that an absolute pattern with one run's labels in its fields matches; ``run-1`` is ``run-01``.

    Where the pattern has wildcards, files that are another run's by BIDS's parts of their names are left out.

    Raises `PatternError` where a field has no label.
    """
    check_pattern(pattern)
    absent = [name for name in _FIELD.findall(pattern) if name not in labels]
    if absent:
        raise PatternError(f"{{{absent[0]}}} of its pattern is not known of this run")
    if "run" not in labels:
        return _filled(pattern, labels)
    bare = comparable_label(labels["run"])
    spellings = dict.fromkeys((labels["run"], bare, bare.zfill(2)))
    found = (_filled(pattern, {**labels, "run": run}) for run in spellings)
    return next((files for files in found if files), [])


def _filled(pattern: str, labels: Mapping[str, str]) -> list[Path]:
    path = Path(_FIELD.sub(lambda match: labels[match[1]], pattern))
    if path.is_file() or path.is_symlink():  # whatever its name holds
        return [path]
    files = sorted(_glob(path, path.relative_to(path.anchor).as_posix()))
    return [file for file in files if may_be_of(file, labels)] if set("*?[") & set(path.as_posix()) else files


def may_be_of(path: Path, labels: Mapping[str, str]) -> bool:
    """Whether BIDS's parts of a file's name, those that it has, are a run's labels; ``run-1`` is ``run-01``."""
    entities = name_entities(path)
    return all(
        comparable_label(entities[entity]) == comparable_label(labels[name])
        for name, entity in PATTERN_FIELDS.items()
        if entity in entities and name in labels
    )


def labelled_files(paths: Sequence[Path]) -> list[MatchedFile]:
    """Some files with what their names tell of them: by BIDS, else by the parts in which names differ.

    Names are split at ``_`` and ``/``. The one part that varies is the participant; of two, the one that names visits
    by its words is the session, the one of fewer labels where both may. Without labels where they differ otherwise.
    """
    named = [MatchedFile(path, _labels({}, name_entities(path))) for path in paths]
    if all(file.participant for file in named) or len(paths) < 2:
        return named
    split = {path: _parts(path, paths) for path in paths}
    if len({len(parts) for parts in split.values()}) != 1:
        return named
    columns = list(zip(*split.values(), strict=True))
    varying = [place for place, labels in enumerate(columns) if len(set(labels)) > 1]
    visits = [place for place in varying if order_visits(sorted(set(columns[place]))) is not None]
    counts = {place: len(set(columns[place])) for place in varying}
    if len(varying) == 2 and len(visits) == 2 and len(set(counts.values())) == 2:  # P01, P02 … could count visits too
        visits = [min(varying, key=counts.__getitem__)]
    if len(varying) == 2 and len(visits) == 1:
        places = {"session": visits[0], "participant": next(place for place in varying if place not in visits)}
    elif len(varying) == 1:
        places = {"participant": varying[0]}
    else:
        return named
    return [MatchedFile(path, {name: parts[place] for name, place in places.items()}) for path, parts in split.items()]


def _parts(path: Path, others: Sequence[Path]) -> list[str]:
    """A path below the folder that all have in common, without its suffix, in parts."""
    common = Path(os.path.commonpath([other.parent for other in others]))
    return re.split("[_/]", path.relative_to(common).with_suffix("").as_posix())


def guess_patterns(files: Sequence[MatchedFile], folder: Path) -> tuple[str, ...]:
    """Patterns, relative to a folder, that match some files: their labels as fields."""
    return tuple(dict.fromkeys(_with_fields(file, folder) for file in files))


def _with_fields(file: MatchedFile, folder: Path) -> str:
    text = relative_path(file.path, folder)
    for name, entity in PATTERN_FIELDS.items():
        if (label := file.labels.get(name)) is None:
            continue
        whole = re.compile(rf"(?<![A-Za-z0-9]){entity}-{re.escape(label)}(?![A-Za-z0-9])")
        if whole.search(text):
            text = whole.sub(f"{entity}-{{{name}}}", text)
        else:
            text = re.sub(rf"(?:(?<=[_/])|(?<=Subject)|(?<=^)){re.escape(label)}(?=[_/.])", f"{{{name}}}", text)
    return text
