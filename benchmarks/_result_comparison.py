"""Two recordings file by file: which are identical, which say the same in other words, and which differ."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ._result_files import Value, Values, kind_of, read_content, read_lines, read_values

Outcome = Literal["identical", "masked", "reworded", "differing"]
SENTENCE = 4  # words. What is shorter is a name or an answer, such as "no difference", which must stay what it is.
BOOKKEEPING = (".effconn",)  # folders of what a later run needs to know: times of files, processes
# Named values that are not results: how long something took, what computed it, where it lay, and what follows of these.
MASKED_NAMES = re.compile(r"(^|[/@])(seconds|effconn|jax|Version|source_place|\w*sha256|\w*_key)(/|$)")
# Named values that are words to be read, however few.
WORDS = re.compile(r"(^|[/@])(title|subtitle|heading|headline|question|caption|description|label)$")
MASKS: tuple[tuple[str, str], ...] = (  # in every text
    (r"\b[0-9a-f]{64}\b", "(digest)"),
    (r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", "(time of day)"),
    (r"\beffconn v?\d+\.\d+(\.\d+)?\b", "effconn (version)"),
)
_TIME = r"(?:[\d.]+ (?:h|min|s|ms) ?)+"
PRINTED_MASKS: tuple[tuple[str, str], ...] = (  # in what commands print
    (r"(?m)^.*\babout .* left$", ""),  # progress
    (rf"\({_TIME}\)", "(duration)"),
    (rf"{_TIME}(?=compiling|running)", "(duration) "),
    (rf"(?<=evaluations of the model, ){_TIME}", "(duration)"),
)
NUMBER = re.compile(r"(?<![\w.])[-+−<>]?\d+(?:[.,]\d+)*(?:[eE][-+−]?\d+)?")


@dataclass(frozen=True)
class Change:
    """What was somewhere before, and what is there after."""

    place: str
    before: str
    after: str


@dataclass
class FileComparison:
    """One file of both recordings: its path after, what became of it, and what changed in numbers and in words."""

    path: str
    kind: str
    outcome: Outcome = "identical"
    differing: list[Change] = field(default_factory=list)
    reworded: list[Change] = field(default_factory=list)


class Renames:
    """Names that were changed on purpose: old → new. An empty old name was added, an empty new one dropped."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self.used: set[str] = set()
        self._new = {old: new for old, new in pairs if old}
        self._old_names = _any_of(list(self._new))
        self._added = _any_of([new for old, new in pairs if not old])

    def rename(self, text: str) -> str:
        """What a text of before is called after."""

        def replaced(found: re.Match[str]) -> str:
            self.used.add(found[0])
            return self._new[found[0]]

        return self._old_names.sub(replaced, text) if self._old_names else text

    def without_added(self, text: str) -> str:
        """A text of after without what was added on purpose."""
        return self._added.sub("", text) if self._added else text

    @property
    def unused(self) -> list[str]:
        """Old names that were met nowhere."""
        return sorted(set(self._new) - self.used)


def read_renames(path: Path) -> Renames:
    """The names of a table with the columns old, new and why."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    lacking = [str(i) for i, row in enumerate(rows, 2) if not row["why"] or not (row["old"] or row["new"])]
    if lacking:
        raise ValueError(f"{path}: line {', '.join(lacking)} lacks a name or says no reason")
    return Renames([(row["old"], row["new"]) for row in rows])


def compare_folders(
    before: Path, after: Path, renames: Renames, places: tuple[Sequence[str], Sequence[str]] = ((), ())
) -> list[FileComparison]:
    """Every file under two folders.

    Arguments:
        before, after: the folders.
        renames: what was renamed on purpose; it holds for paths, columns, keys, and words in every text.
        places: absolute paths that are masked, of before and of after.
    """
    old = {renames.rename(path): before / path for path in _files(before)}
    new = {path: after / path for path in _files(after)}
    found = []
    for path in sorted(old | new):
        if not path or path.endswith("/"):  # a name that was dropped
            continue
        kind = kind_of(Path(path))
        if path not in new:
            found.append(FileComparison(path, kind, "differing", [Change("file", "there", "missing")]))
        elif path not in old and renames.without_added(Path(path).name):
            found.append(FileComparison(path, kind, "differing", [Change("file", "missing", "there")]))
        elif path in old:
            found.append(_compare_files(path, old[path], new[path], renames, places))
    return found


def _files(folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - set(BOOKKEEPING))
        yield from (Path(parent, name).relative_to(folder).as_posix() for name in sorted(names))


def _compare_files(
    path: str, before: Path, after: Path, renames: Renames, places: tuple[Sequence[str], Sequence[str]]
) -> FileComparison:
    found = FileComparison(path, kind_of(after))
    contents = read_content(before), read_content(after)
    if contents[0] == contents[1]:
        return found
    printed = found.kind == "printed"

    def old(text: str) -> str:
        return renames.rename(_mask(text, places[0], printed))

    def new(text: str) -> str:
        return renames.without_added(_mask(text, places[1], printed))

    if found.kind in ("table", "JSON", "NetCDF", "MATLAB"):
        _compare_values(_masked(read_values(before), old), _masked(read_values(after), new), found)
    elif found.kind == "image":
        found.differing.append(Change("content", f"{len(contents[0])} bytes", f"{len(contents[1])} others"))
    elif found.kind == "picture":
        _compare_pictures(before, after, old, new, found)
    else:
        _compare_lines(_changed(read_lines(before), old), _changed(read_lines(after), new), found)
    found.outcome = "differing" if found.differing else "reworded" if found.reworded else "masked"
    return found


def _compare_values(before: Values, after: Values, found: FileComparison) -> None:
    for place in before | after:
        if place not in after:
            found.differing.append(Change(place, _short(before[place]), "missing"))
        elif place not in before:
            found.differing.append(Change(place, "missing", _short(after[place])))
        elif not _same(before[place], after[place]):
            _compare_pair(place, before[place], after[place], found)
    if found.kind == "table" and not found.differing and list(before) != list(after):
        found.differing.append(Change("order", "", "the same values in another order"))


def _compare_pair(place: str, before: Value, after: Value, found: FileComparison) -> None:
    if isinstance(before, np.ndarray) or isinstance(after, np.ndarray):
        found.differing.append(Change(place, *_array_change(before, after)))
        return
    change = Change(place, before, after)
    words = WORDS.search(place) or min(len(before.split()), len(after.split())) >= SENTENCE
    (found.reworded if words and _numbers(before) == _numbers(after) else found.differing).append(change)


def _compare_lines(before: Sequence[str], after: Sequence[str], found: FileComparison) -> None:
    """Numbers in their order, wherever lines break, then the words. Lines that only came in between are listed."""
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    if _all_numbers(before) != _all_numbers(after):
        kept = [line for what, _, _, begin, end in blocks if what != "insert" for line in after[begin:end]]
        if _all_numbers(before) != _all_numbers(kept):
            found.differing.append(_first_other_number(before, kept))
            return
    for what, first, last, begin, end in blocks:
        if what == "equal":
            continue
        pairs = [(" / ".join(before[first:last]), " / ".join(after[begin:end]))]
        if last - first == end - begin:
            pairs = list(zip(before[first:last], after[begin:end], strict=True))
        found.reworded += [Change(what, *pair) for pair in pairs]


def _all_numbers(lines: Sequence[str]) -> list[str]:
    return [number for line in lines for number in _numbers(line)]


def _first_other_number(before: Sequence[str], after: Sequence[str]) -> Change:
    """The lines of the first number that is another, or that only one of both has."""
    old, new = ([(number, line) for line in lines for number in _numbers(line)] for lines in (before, after))
    for i, ((number, line), (other, other_line)) in enumerate(zip_longest(old, new, fillvalue=("", "(the end)"))):
        if number != other:
            return Change(f"number {i + 1}", line, other_line)
    raise ValueError("all numbers are the same")


def _compare_pictures(
    before: Path, after: Path, old: Callable[[str], str], new: Callable[[str], str], found: FileComparison
) -> None:
    """By the texts in an SVG file, which a PNG file has beside it; with the same texts the drawing must be the same."""
    drawn = before.with_suffix(".svg"), after.with_suffix(".svg")
    if all(path.is_file() for path in drawn):
        _compare_lines(_changed(read_lines(drawn[0]), old), _changed(read_lines(drawn[1]), new), found)
    if not found.differing and not found.reworded:
        found.differing.append(Change("drawing", "", "another with the same words"))


def _masked(values: Values, change: Callable[[str], str]) -> Values:
    """Values with their places and texts as they are compared."""
    return {
        change(place): "(masked)" if MASKED_NAMES.search(place) else change(held) if isinstance(held, str) else held
        for place, held in values.items()
    }


def _changed(lines: Sequence[str], change: Callable[[str], str]) -> list[str]:
    return [line for line in (" ".join(change(line).split()) for line in lines) if line]


def _mask(text: str, places: Sequence[str], printed: bool) -> str:
    for place in places:
        text = text.replace(place, "(place)")
    for pattern, shown in MASKS + (PRINTED_MASKS if printed else ()):
        text = re.sub(pattern, shown, text)
    return text


def _any_of(names: Sequence[str]) -> re.Pattern[str] | None:
    """Finds any of these, as whole words, the longest first."""
    words = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)") if words else None


def _numbers(text: str) -> list[str]:
    return NUMBER.findall(text)


def _same(before: Value, after: Value) -> bool:
    """To the last bit: NaN equals NaN, and 0 does not equal −0."""
    if isinstance(before, str) or isinstance(after, str):
        return isinstance(before, str) and isinstance(after, str) and before == after
    return before.dtype == after.dtype and before.shape == after.shape and before.tobytes() == after.tobytes()


def _array_change(before: Value, after: Value) -> tuple[str, str]:
    """The first entry that differs, and how many do."""
    if isinstance(before, str) or isinstance(after, str):
        return _short(before), _short(after)
    if before.shape != after.shape or before.dtype != after.dtype:
        return _short(before), _short(after)
    unequal = np.flatnonzero((_entries(before) != _entries(after)).any(axis=1))
    old, new = (array.ravel()[unequal[0]] for array in (before, after))
    return f"{old!r}", f"{new!r} (entry {unequal[0]}, {unequal.size} of {before.size})"


def _entries(array: np.ndarray) -> np.ndarray:
    """The bytes of every entry: entry × byte."""
    return np.frombuffer(array.tobytes(), np.uint8).reshape(array.size, array.dtype.itemsize)


def _short(value: Value) -> str:
    return value if isinstance(value, str) else f"{value.dtype} of shape {value.shape}"


def counts_by_kind(found: Sequence[FileComparison]) -> list[dict[str, Any]]:
    """Rows for a table: kinds, how many files, and how many of each outcome."""
    rows: list[dict[str, Any]] = []
    for kind in sorted({file.kind for file in found}):
        outcomes = [file.outcome for file in found if file.kind == kind]
        counts = {outcome: outcomes.count(outcome) for outcome in ("identical", "masked", "reworded", "differing")}
        rows.append({"kind": kind, "files": len(outcomes), **counts})
    return rows
