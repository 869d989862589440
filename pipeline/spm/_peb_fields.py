"""The fields that SPM's group results share: names, places and sizes, each checked."""

from __future__ import annotations

import numpy as np

from ..matlab import Fields

AGAIN = "estimate it again in SPM and save all of it"


def names_of(holder: Fields, key: str, count: int | None, default: str | None = None) -> tuple[str, ...]:
    """Names, as many as `count` says where it is known; ``default 1``, … where the file has none.

    Raises `FieldProblem` where there are none and no default, or too few or too many.
    """
    found = holder.names(key)
    if found is None:
        if default is None or count is None:
            raise holder.problem(key, f"is missing or empty; {AGAIN}")
        return tuple(f"{default} {i + 1}" for i in range(count))
    if count is not None and len(found) != count:
        raise holder.problem(key, f"holds {len(found)} names, but {count} are needed; {AGAIN}")
    if key != "Snames" and len(set(found)) < len(found):
        raise holder.problem(key, f"names {next(one for one in found if found.count(one) > 1)} twice; {AGAIN}")
    return tuple(found)


def places_of(holder: Fields, count: int) -> np.ndarray | None:
    """Pind, from 0; None where the file has none."""
    if not holder.has("Pind"):
        return None
    places = holder.matrix("Pind", AGAIN).ravel(order="F")
    if places.size != count:
        raise holder.problem("Pind", f"holds {places.size} indices for {count} parameters; {AGAIN}")
    if (places < 1).any() or (places != np.round(places)).any():
        raise holder.problem("Pind", f"must hold whole numbers from 1; {AGAIN}")
    return places.astype(int) - 1


def table_of(holder: Fields, key: str) -> np.ndarray:
    """A field of finite numbers with two axes."""
    matrix = holder.matrix(key, AGAIN)
    if matrix.ndim != 2:
        raise holder.problem(key, f"has {matrix.ndim} axes, but 2 are needed; {AGAIN}")
    return matrix


def sized(holder: Fields, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """A field of finite numbers of this shape."""
    matrix = holder.matrix(key, AGAIN)
    if matrix.shape != shape:
        given, needed = (" × ".join(map(str, one)) for one in (matrix.shape, shape))
        raise holder.problem(key, f"is {given}, but {needed} is needed; {AGAIN}")
    return matrix
