"""One effect on a connection in one plain sentence, which claims no more than its verdict.

A connection excites or inhibits only where the sign of the connection itself is sure: of A its own; of what an input
adds to a connection (B), that of the sum of both. Otherwise its influence is *more positive* or *more negative*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from peb import VerdictKind

from ..results import Connection

Sign = Literal[-1, 0, 1]


@dataclass(frozen=True)
class SureSigns:
    """What is sure of a connection where a sentence is about it; 0 where it is not.

    Fields:
        own: the sign of the parameter itself.
        total: of a parameter that an input adds to a connection, the sign of both together.
    """

    own: Sign = 0
    total: Sign = 0


@dataclass(frozen=True)
class Compared:
    """What is compared, in words: ``in ses-2`` and ``in ses-1``; the effect is the first minus the second."""

    here: str
    there: str

    @property
    def than(self) -> str:
        """``in ses-2 than in ses-1``."""
        return f"{self.here} than {self.there}"


def mean_sentence(connection: Connection, sign: Sign, signs: SureSigns = SureSigns()) -> str:
    """What is sure of a connection itself: ``vmPFC inhibits amygdala``, ``faces make vmPFC excite amygdala more``."""
    source, to = connection.source, connection.to
    if _kind(connection) == "drive":
        return f"{source} {_verb(source, 'raise' if sign > 0 else 'lower')} the activity of {to}"
    if _kind(connection) == "self":
        return f"the self-inhibition of {to} is {'stronger' if sign > 0 else 'weaker'} than the model's default"
    if _kind(connection) == "changed self":
        by = _modulator(connection)
        return f"{by} {_verb(by, 'strengthen' if sign > 0 else 'weaken')} the self-inhibition of {to}"
    if _kind(connection) == "changed":
        by = _modulator(connection)
        if signs.total:
            how = "more" if signs.total == sign else "less"
            return f"{by} {_verb(by, 'make')} {source} {_acts(signs.total)} {to} {how}"
        return f"{by} {_verb(by, 'push', 'pushes')} the influence of {source} on {to} towards {_towards(sign)}"
    if _kind(connection) == "influence":
        return f"{source} {_acts(sign)}s {to}"
    return f"{connection.words} is {'above' if sign > 0 else 'below'} its default"


def compared_sentence(
    connection: Connection, sign: Sign, compared: Compared, signs: SureSigns = SureSigns(), *, to_end: bool = True
) -> str:
    """What is sure of a difference: ``vmPFC inhibits amygdala more in patients than in controls``.

    Arguments:
        sign: of the difference, first minus second.
        signs: of the connection in the first.
        to_end: whether the words end with what is compared; a sentence that goes on says it by itself.
    """
    than = f" {compared.than}" if to_end else f" than {compared.there}"
    source, to, kind = connection.source, connection.to, _kind(connection)
    own, how = signs.own, "more" if signs.own == sign else "less"
    if kind == "self":
        return f"the self-inhibition of {to} is {'stronger' if sign > 0 else 'weaker'}{than}"
    if not own or kind == "other":
        return f"{describe_influence(connection)} is more {_signed(sign)}{than}"
    if kind == "influence":
        return f"{source} {_acts(own)}s {to} {how}{than}"
    if kind == "drive":
        return f"{source} {_verb(source, 'raise' if own > 0 else 'lower')} the activity of {to} {how}{than}"
    by = _modulator(connection)
    if kind == "changed self":
        return f"{by} {_verb(by, 'strengthen' if own > 0 else 'weaken')} the self-inhibition of {to} {how}{than}"
    if own == sign == signs.total:
        return f"{by} {_verb(by, 'make')} {source} {_acts(own)} {to} more{than}"
    return f"{by} {_verb(by, 'push', 'pushes')} the influence of {source} on {to} towards {_towards(own)} {how}{than}"


def change_compared_sentence(connection: Connection, sign: Sign, change: tuple[str, str], compared: Compared) -> str:
    """Of the difference between two groups in a change."""
    first, second = change
    return (
        f"the change from {first} to {second} of {describe_influence(connection)} is more {_signed(sign)} "
        f"{compared.than}"
    )


def slope_sentence(connection: Connection, sign: Sign, number: str, change: tuple[str, str] | None = None) -> str:
    """What is sure of an association: ``where age is higher, the influence of vmPFC on amygdala is more negative``."""
    of = f"the change from {change[0]} to {change[1]} of " if change else ""
    if _kind(connection) == "self" and not change:
        how = "stronger" if sign > 0 else "weaker"
        return f"where {number} is higher, the self-inhibition of {connection.to} is {how}"
    return f"where {number} is higher, {of}{describe_influence(connection)} is more {_signed(sign)}"


def unsure_sentence(connection: Connection, kind: VerdictKind, question: str, size: str) -> str:
    """Of what is open, or surely small.

    Arguments:
        question: what is asked of it: ``differs between patients and controls``.
        size: below which an effect counts as none, with its unit.
    """
    what = describe_influence(connection)
    if kind == "open":
        return f"it is open whether {what} {question}"
    return f"if {what} {question} at all, then by less than {size}"


def describe_influence(connection: Connection) -> str:
    """``the influence of vmPFC on amygdala``; of what an input adds, ``the effect of faces on the influence of …``."""
    kind = _kind(connection)
    if kind == "drive":
        return f"the effect of {connection.source} on the activity of {connection.to}"
    if kind == "other":
        return connection.words
    own = kind in ("self", "changed self")
    base = (
        f"the self-inhibition of {connection.to}" if own else f"the influence of {connection.source} on {connection.to}"
    )
    return f"the effect of {_modulator(connection)} on {base}" if kind.startswith("changed") else base


def as_sentence(text: str) -> str:
    """With a capital and a full stop; a name that has capitals of its own keeps its first letter."""
    first = text.split(" ", 1)[0]
    return f"{text[:1].upper() if first == first.lower() else text[:1]}{text[1:]}."


def _kind(connection: Connection) -> Literal["influence", "self", "changed", "changed self", "drive", "other"]:
    if connection.kind == "input":
        return "drive"
    if connection.kind == "connection" and connection.to != connection.source and connection.field in ("A", "B", "D"):
        return "changed" if connection.modulator else "influence"
    if connection.kind == "self-inhibition":
        return "changed self" if connection.modulator else "self"
    return "other"


def _modulator(connection: Connection) -> str:
    return f"activity of {connection.modulator}" if connection.field == "D" else connection.modulator


def _verb(subject: str, plain: str, singular: str = "") -> str:
    """The verb of one or several: ``faces make``, ``task makes``."""
    plural = subject.endswith("s") and not subject.endswith("ss")
    return plain if plural else singular or f"{plain}s"


def _acts(sign: Sign) -> str:
    return "excite" if sign > 0 else "inhibit"


def _towards(sign: Sign) -> str:
    return "excitation" if sign > 0 else "inhibition"


def _signed(sign: Sign) -> str:
    return "positive" if sign > 0 else "negative"
