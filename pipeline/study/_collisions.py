"""Names that differ, but not in file names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ._lines import Keys
from ._problem import Problem


def collisions(path: Keys, names: Iterable[str], kind: str) -> Iterator[Problem]:
    """A problem for every name that differs from an earlier one in capitals alone: some file systems take them for one.

    Arguments:
        path: of the table whose keys the names are.
        kind: what they are names of, in the plural.
    """
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            yield Problem(
                (*path, name), f"the {kind} {other!r} and {name!r} differ in capitals only, and so would their files"
            )
