"""The right side of a model in text: ``change(gppi_*) + arm + arm:change(gppi_*)``. It is read, never executed."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NoReturn, get_args

from ..common import UsageError, did_you_mean

SessionFunction = Literal["", "before", "after", "change", "fall"]
FUNCTIONS = tuple(take for take in get_args(SessionFunction) if take)
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
        function: what of both sessions; empty for a column with one value per participant.
        name: of the column; ``*`` stands for anything where `glob` is set.
        glob: whether it stands for several.
        at: where it is in the formula, from 1.
    """

    function: SessionFunction
    name: str
    glob: bool = False
    at: int = 0

    @property
    def text(self) -> str:
        """Such as ``change(madrs)``, by which a predictor is called."""
        return f"{self.function}({self.name})" if self.function else self.name

    @property
    def is_arm(self) -> bool:
        """Whether it is the arm, ±1."""
        return not self.function and self.name == ARM


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
    return _FormulaReader(text, what).terms()


def parse_factor(text: str, what: str) -> Factor:
    """A single factor, such as an outcome; raises `UsageError` where it is anything else."""
    terms = parse_formula(text, what)
    if len(terms) > 1 or len(terms[0]) > 1 or terms[0][0].glob:
        raise UsageError(
            f"{what} {text!r}: name one column, or fall(COLUMN), change(COLUMN), before(COLUMN), after(COLUMN)"
        )
    return terms[0][0]


@dataclass(frozen=True)
class _FormulaToken:
    kind: str  # a mark itself, "name", "quoted" or "end"
    text: str
    at: int


class _FormulaReader:
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
        if all(factor.glob for factor in factors) and len(factors) == 2:
            self._fail("one factor of a product may hold *, not both; write the products out", factors[1].at)
        return tuple(factors)

    def _factor(self) -> Factor:
        token = self._name("a column")
        if token.kind == "quoted" or self._next.kind != "(":
            return _make_factor("", token, token.at)
        if token.text not in FUNCTIONS:
            self._unknown(token)
        self._take()
        inner = self._name(f"the column that {token.text}(…) is of")
        if self._next.kind == "(":
            self._fail(f"{token.text}(…) is of a column, not of {inner.text}(…)", inner.at)
        if self._next.kind != ")":
            self._fail(f"{token.text}( is not closed; write {token.text}({inner.text})", token.at)
        self._take()
        function: SessionFunction = token.text  # type: ignore[assignment]  # one of FUNCTIONS
        return _make_factor(function, inner, token.at)

    def _name(self, wanted: str) -> _FormulaToken:
        token = self._take()
        if token.kind not in ("name", "quoted") or not token.text.strip("` "):
            found = f"{token.text!r} is there" if token.text else "it ends there"
            self._fail(f"{wanted} is expected, and {found}", token.at)
        return token

    def _unknown(self, token: _FormulaToken) -> NoReturn:
        if "*" in token.text:
            self._fail("* stands for anything in a name; multiply by : instead, as in arm:change(x)", token.at)
        self._fail(f"there is no {token.text}(…){did_you_mean(token.text, FUNCTIONS, 'functions')}", token.at)

    @property
    def _next(self) -> _FormulaToken:
        return self._tokens[self._place]

    def _take(self) -> _FormulaToken:
        token = self._next
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token

    def _split(self) -> list[_FormulaToken]:
        found, place, text = [], 0, self._text
        if "~" in text:
            self._fail("write what is right of ~ alone; the outcome has an option of its own", text.index("~") + 1)
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                self._fail("a backquote is not closed", text.index("`", place) + 1)
            kind = str(match.lastgroup)
            cell = match.group(kind)
            found.append(_FormulaToken(cell if kind == "mark" else kind, cell, match.start(kind) + 1))
            place = match.end()
        return [*found, _FormulaToken("end", "", len(text) + 1)]

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


def _make_factor(take: SessionFunction, token: _FormulaToken, at: int) -> Factor:
    quoted = token.kind == "quoted"
    name = token.text[1:-1].strip() if quoted else token.text
    return Factor(take, name, not quoted and "*" in name, at)


def expand_terms(
    terms: Sequence[FactorTerm], measures: Sequence[str], formula: str, columns: Container[str] = ()
) -> tuple[FactorTerm, ...]:
    """Terms without ``*``, which stands for anything in the name of a measure.

    Arguments:
        columns: of the table, to tell a ``*`` that was meant to multiply two of them.

    Raises `UsageError` where it stands for nothing, or a term is there twice.
    """
    found = [single for term in terms for single in _expanded(term, measures, formula, columns)]
    first: dict[frozenset[str], FactorTerm] = {}
    for term in found:
        key = frozenset(factor.text for factor in term)
        if key in first:
            where = f"characters {first[key][0].at} and {term[0].at}"
            raise UsageError(f"formula {formula!r}: {term_text(term)} is there twice ({where}); leave one out")
        first[key] = term
    return tuple(found)


def term_text(term: FactorTerm) -> str:
    """As a formula has it."""
    return ":".join(factor.text for factor in term)


def check_outcome(terms: Sequence[FactorTerm], outcome: Factor) -> tuple[str, ...]:
    """What should be known where a score before treatment tells its own fall, a line each.

    Raises `UsageError` where the outcome, or what it is reckoned from, is among the predictors.
    """
    own = {factor.text: factor for term in terms for factor in term if factor.name == outcome.name}
    for text, factor in own.items():
        if factor.function != "before" or outcome.function in ("", "before"):
            same = "the outcome itself" if text == outcome.text else f"part of the outcome, {outcome.text}"
            raise UsageError(f"{text} is {same}: it cannot predict it; leave it out")
    return tuple(
        f"{text} is part of {outcome.text}: what it predicts is partly regression to the mean."
        for text in own
        if outcome.function in ("change", "fall")
    )


def uses_arm(terms: Sequence[FactorTerm]) -> bool:
    """Whether the arm is in the model."""
    return any(factor.is_arm for term in terms for factor in term)


def check_arm_name(terms: Sequence[FactorTerm], column: str | None, word: str = "arm") -> None:
    """Raises `UsageError` where the arm, or the group, is called by its column: ``arm`` stands for either."""
    for factor in (factor for term in terms for factor in term):
        if column is not None and factor.name == column and not factor.is_arm:
            raise UsageError(f"{factor.text} is of the {word}, which a formula calls {ARM}; write {ARM}")


def _expanded(term: FactorTerm, measures: Sequence[str], formula: str, columns: Container[str]) -> list[FactorTerm]:
    place = next((i for i, factor in enumerate(term) if factor.glob), None)
    if place is None:
        return [term]
    pattern = term[place]
    names = [name for name in measures if matches_pattern(pattern.name, name)]
    if not names:
        raise UsageError(
            f"formula {formula!r}, character {pattern.at}: {pattern.name} stands for no measure"
            f"{misread(pattern.name, columns) or did_you_mean(pattern.name, measures, 'measures')}"
        )
    single = [replace(pattern, name=name, glob=False) for name in names]
    return [(*term[:place], factor, *term[place + 1 :]) for factor in single if factor.text not in _texts(term, place)]


def _texts(term: FactorTerm, place: int) -> set[str]:
    """The other factors of a product: what ``*`` stands for is not multiplied by itself."""
    return {factor.text for i, factor in enumerate(term) if i != place}


def matches_pattern(pattern: str, name: str) -> bool:
    """Whether ``*`` in a pattern can stand for what the name has there."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), name, re.DOTALL) is not None
