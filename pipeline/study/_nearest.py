"""What was probably meant by a name that is none of those there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from ..common import first_names

LIKE = 0.55


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice that is most like a name, capitals aside; None where none is like it."""
    wanted = _plain(name)
    scored = [(SequenceMatcher(None, wanted, _plain(choice)).ratio(), choice) for choice in sorted(set(choices))]
    score, best = max(scored, key=lambda one: one[0], default=(0.0, ""))
    return best if score >= LIKE else None


def meant(name: str, choices: Sequence[str], kind: str) -> str:
    """``; did you mean 'shapes'? (conditions: faces, shapes)``."""
    if not choices:
        return f"; there are no {kind}"
    found = nearest(name, choices)
    question = f"; did you mean {found!r}?" if found is not None else ""
    return f"{question} ({kind}: {first_names(choices)})"


def _plain(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "").replace(" ", "")
