"""The right side of a model in text: ``change(gppi_*) + arm + arm:change(gppi_*)``. It is read, never executed."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Literal, NoReturn, get_args

from ..common import UsageError, did_you_mean

Take = Literal["", "before", "after", "change", "fall"]
TAKES = tuple(take for take in get_args(Take) if take)
ARM = "arm"
_MARKS = (
    ("*", "* stands for anything in a name; a product is written", ":"),
    ("-", "terms are joined by +", " + "),
)
_TOKEN = re.compile(r"\s*(?:(?P<quoted>`[^`\r\n\t]*`)|(?P<mark>[+:()])|(?P<name>[^+:()`\s]+(?:[ \t]+[^+:()`\s]+)*))")


@dataclass(frozen=True)
class Factor:
    """One column as it enters a model.

    Fields:
        take: what of both sessions; empty for a column with one value per person.
        name: of the column; ``*`` stands for anything where `glob` is set.
        glob: whether it stands for several.
        at: where it is in the formula, from 1.
    """

    take: Take
    name: str
    glob: bool = False
    at: int = 0

    @property
    def text(self) -> str:
        """Such as ``change(madrs)``, by which a predictor is called."""
        return f"{self.take}({self.name})" if self.take else self.name

    @property
    def is_arm(self) -> bool:
        """Whether it is the arm, ±1."""
        return not self.take and self.name == ARM


FactorTerm = tuple[Factor, ...]  # one factor, or two that are multiplied


def parse_formula(text: str, what: str = "formula") -> tuple[FactorTerm, ...]:
    """The terms of a formula, as they are written.

    Terms are joined by ``+``; a term is a factor or a product ``FACTOR:FACTOR``; a factor is a column or
    ``change(COLUMN)`` (after − before), ``fall(COLUMN)`` (before − after), ``before(COLUMN)``, ``after(COLUMN)``.
    ``arm`` is the arm, ±1. A column whose name has one of ``+ : ( ) *`` stands between backquotes.

    Arguments:
        what: the text is called in errors.

    Raises `UsageError`, with the place, where it cannot be read.
    """
    return _Reader(text, what).terms()


def parse_factor(text: str, what: str) -> Factor:
    """A single factor, such as an outcome; raises `UsageError` where it is anything else."""
    terms = parse_formula(text, what)
    if len(terms) > 1 or len(terms[0]) > 1 or terms[0][0].glob:
        raise UsageError(
            f"{what} {text!r}: name one column, or fall(COLUMN), change(COLUMN), before(COLUMN), after(COLUMN)"
        )
    return terms[0][0]


@dataclass(frozen=True)
class _Token:
    kind: str  # a mark itself, "name", "quoted" or "end"
    text: str
    at: int


class _Reader:
    """Reads from left to right, one token ahead."""

    def __init__(self, text: str, what: str) -> None:
        self._text, self._what = text, what
        self._tokens = self._split()
        self._place = 0

    def terms(self) -> tuple[FactorTerm, ...]:
        found = [self._term()]
        while self._next.kind == "+":
            self._take()
            found.append(self._term())
        if self._next.kind != "end":
            self._fail(f"{self._next.text!r} is not expected; join terms by + and multiply by :")
        return tuple(found)

    def _term(self) -> FactorTerm:
        factors = [self._factor()]
        while self._next.kind == ":":
            self._take()
            factors.append(self._factor())
        if len(factors) > 2:
            self._fail("a product has two factors; leave one out", factors[2].at)
        if len(factors) == 2 and replace(factors[0], at=0) == replace(factors[1], at=0):
            self._fail(f"{factors[1].text} is multiplied by itself; leave the product out", factors[1].at)
        if all(one.glob for one in factors) and len(factors) == 2:
            self._fail("one factor of a product may hold *, not both; write the products out", factors[1].at)
        return tuple(factors)

    def _factor(self) -> Factor:
        token = self._name("a column")
        if token.kind == "quoted" or self._next.kind != "(":
            return _of("", token, token.at)
        if token.text not in TAKES:
            self._unknown(token)
        self._take()
        inner = self._name(f"the column that {token.text}(…) is of")
        if self._next.kind == "(":
            self._fail(f"{token.text}(…) is of a column, not of {inner.text}(…)", inner.at)
        if self._next.kind != ")":
            self._fail(f"{token.text}( is not closed; write {token.text}({inner.text})", token.at)
        self._take()
        take: Take = token.text  # type: ignore[assignment]  # one of TAKES
        return _of(take, inner, token.at)

    def _name(self, wanted: str) -> _Token:
        token = self._take()
        if token.kind not in ("name", "quoted") or not token.text.strip("` "):
            found = f"{token.text!r} is there" if token.text else "it ends there"
            self._fail(f"{wanted} is expected, and {found}", token.at)
        return token

    def _unknown(self, token: _Token) -> NoReturn:
        if "*" in token.text:
            self._fail("* stands for anything in a name; multiply by : instead, as in arm:change(x)", token.at)
        self._fail(f"there is no {token.text}(…){did_you_mean(token.text, TAKES, 'functions')}", token.at)

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._next
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token

    def _split(self) -> list[_Token]:
        found, place, text = [], 0, self._text
        if "~" in text:
            self._fail("write what is right of ~ alone; the outcome has an option of its own", text.index("~") + 1)
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                self._fail("a backquote is not closed", text.index("`", place) + 1)
            kind = str(match.lastgroup)
            cell = match.group(kind)
            found.append(_Token(cell if kind == "mark" else kind, cell, match.start(kind) + 1))
            place = match.end()
        return [*found, _Token("end", "", len(text) + 1)]

    def _fail(self, problem: str, at: int | None = None) -> NoReturn:
        place = self._next.at if at is None else at
        raise UsageError(f"{self._what} {self._text!r}, character {place}: {problem}")


def misread(name: str, columns: Container[str]) -> str:
    """What was meant by a name that is of two columns with a mark between them, as other formulas have it; or nothing.

    Such a mark may be part of a column's name, so that only the table tells.
    """
    for mark, remedy, sign in _MARKS:
        parts = [part.strip() for part in name.split(mark)]
        if len(parts) > 1 and all(part in columns or part == ARM for part in parts):
            return f"; {remedy}: {sign.join(parts)}"
    return ""


def _of(take: Take, token: _Token, at: int) -> Factor:
    quoted = token.kind == "quoted"
    name = token.text[1:-1].strip() if quoted else token.text
    return Factor(take, name, not quoted and "*" in name, at)
