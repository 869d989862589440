"""Contrasts in the words of a design: `"ketamine - midazolam"` → weights of the design's columns.

A name is a level (``ketamine``, or ``drug[ketamine]``), whose mean is meant, at the average of numbers and with equal
weights of other factors' levels; a number (``age``), whose slope is meant; levels and numbers joined by ``:``, for
cells (``ketamine:ses-2``) and for slopes in a level (``patients:age``); ``mean``; or another column of the design. They
are added, subtracted and multiplied by numbers. Nothing is executed. The sum is one of canonical effects
(`_canonical_form`), so that it is the same however factors are coded.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

import numpy as np
from jaxtyping import Float

from ._canonical_form import CanonicalForm, CanonicalTerm, Cell
from ._design import MEAN, Design
from ._design_error import DesignError, name_list
from ._effect_words import describe_effect

MOST_LETTERS, DEEPEST = 2_000, 20
ROUNDING = 1e-9
LARGEST = 1e100  # a weight; squares of larger ones are no numbers
_NUMBER = re.compile(r"\d+(\.\d*)?([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?")
_WORD = re.compile(r"[^\s+*/():,]+")


@dataclass(frozen=True, eq=False)
class Contrast:
    """A sum of a design's effects.

    Fields (K columns):
        name: what it goes by.
        text: as it was written.
        weights: (K,) of the columns.
        explanation: what it is, in words.
        canonical: (K,) of the canonical effects, where the design is from a formula.
    """

    name: str
    text: str
    weights: Float[np.ndarray, "covariate"]
    explanation: str
    canonical: Float[np.ndarray, "canonical"] | None = None

    def __repr__(self) -> str:
        return f"Contrast({self.name!r}: {self.explanation})"


def parse_contrast(text: str, design: Design, name: str | None = None) -> Contrast:
    """The weights of a contrast over the columns of a design.

        parse_contrast("ketamine - midazolam", design)
        parse_contrast("0.5*a + 0.5*b - c", design)
        parse_contrast("patients:age - controls:age", design)

    Arguments:
        text: names, numbers, ``+``, ``-``, ``*``, ``/``, ``:`` and parentheses. Names of the design that hold these
            are known by themselves, the longest that fits; in backticks they are certain.
        design: of a formula, whose levels are known; of another, its columns alone.
        name: what it goes by; its text where None.

    Raises `DesignError` where a name is unknown or of two factors, the design cannot tell the sum, or it is nothing.
    """
    if not isinstance(text, str) or not text.strip():
        raise DesignError("a contrast is a text, such as 'patients - controls'")
    if len(text) > MOST_LETTERS:
        raise DesignError(f"the contrast has {len(text):,} letters; at most {MOST_LETTERS:,} are read")
    reader = _Reader(text, design)
    with np.errstate(over="ignore", invalid="ignore"):
        found = reader.read()
    if not np.isfinite(found).all() or np.abs(found).max() > LARGEST:
        reader.refuse("its numbers are too large")
    if isinstance(found, float):
        reader.refuse("it names no level, number or column of the design")
    if np.abs(found).max() < ROUNDING:
        reader.refuse(reader.why_nothing())
    form = design.form
    if form is None:
        weighted = zip(design.covariates, found, strict=True)
        said = " ".join(f"{'+' if w > 0 else '−'} {abs(w):.4g} {column}" for column, w in weighted if w)
        return Contrast(name or text, text, found, said.removeprefix("+ "))
    weights = form.to_canonical.T @ found
    weights[np.abs(weights) < ROUNDING * np.abs(weights).max()] = 0.0
    return Contrast(name or text, text, weights, describe_effect(form, found), found)


def column_contrast(design: Design, covariate: str) -> Contrast:
    """One column's effect as a contrast, which says what it is in levels and numbers."""
    weights = np.eye(len(design.covariates))[design.column(covariate)]
    canonical = None if design.form is None else np.linalg.solve(design.form.to_canonical.T, weights)
    return Contrast(covariate, covariate, weights, design.explanations[covariate], canonical)


def contrast_numbers(design: Design, contrast: Contrast) -> tuple[frozenset[str], ...]:
    """The numbers whose slopes a contrast is of, none of means; several where it is of several kinds of effects."""
    if design.form is None or contrast.canonical is None:
        return ()
    weights = contrast.canonical
    kinds = (
        frozenset(term.numbers)
        for term, where in design.form.slices().items()
        if np.abs(weights[where]).max() > ROUNDING
    )
    return tuple(dict.fromkeys(kinds))


class _Reader:
    """One contrast, read from left to right; of a formula in canonical effects, of another design in its columns."""

    def __init__(self, text: str, design: Design) -> None:
        self.text, self.design, self.at = text, design, 0
        self.missing: list[str] = []  # products that were named and the design lacks

    def refuse(self, why: str) -> NoReturn:
        shown = self.text if len(self.text) <= 80 else f"{self.text[:79]}…"
        raise DesignError(f"contrast {shown!r}: {why}")

    def why_nothing(self) -> str:
        if self.missing:
            return (
                f"the design has no {self.missing[0]}, and takes this as 0; add {self.missing[0]} to the formula to ask"
            )
        return "its weights are all 0, so that it asks for nothing"

    @cached_property
    def known(self) -> Mapping[str, list[str]]:
        """Every name → the factors of which it is a level; none of a number or a column."""
        form, names = self.design.form, dict[str, list[str]]()
        for factor, own in ({} if form is None else form.factors).items():
            for level in own.levels:
                names.setdefault(level, []).append(factor)
                names[f"{factor}[{level}]"] = [factor]
        for name in [*({} if form is None else form.centres), *self.design.covariates, MEAN]:
            names.setdefault(name, [])
        return names

    def read(self) -> float | np.ndarray:
        found = self._sum(0)
        if self.at < len(self.text):
            self.refuse(f"{self.text[self.at]!r} is where nothing more can be")
        return found

    def _peek(self) -> str:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at] if self.at < len(self.text) else ""

    def _sum(self, depth: int) -> float | np.ndarray:
        if depth > DEEPEST:
            self.refuse("its parentheses are too deep")
        total: float | np.ndarray | None = None
        while True:
            sign = 1.0
            signed = False
            while (letter := self._peek()) in ("+", "-", "−") and letter:
                sign, signed, self.at = sign * (1 if letter == "+" else -1), True, self.at + 1
            if total is not None and not signed:
                return total
            term = sign * self._product(depth)
            if total is not None and isinstance(total, float) != isinstance(term, float):
                self.refuse("a number by itself is added to names; write it with * before a name")
            total = term if total is None else total + term

    def _product(self, depth: int) -> float | np.ndarray:
        value = self._atom(depth)
        while (letter := self._peek()) in ("*", "/") and letter:
            self.at += 1
            other = self._atom(depth)
            if not isinstance(other, float) and (letter == "/" or not isinstance(value, float)):
                self.refuse("names are multiplied or divided by numbers alone")
            if letter == "/":
                if other == 0:
                    self.refuse("something is divided by 0")
                value = value / other
            else:
                value = value * other
        return value

    def _atom(self, depth: int) -> float | np.ndarray:
        letter = self._peek()
        if letter == "(":
            self.at += 1
            value = self._sum(depth + 1)
            if self._peek() != ")":
                self.refuse("a parenthesis is not closed")
            self.at += 1
            return value
        name = self._name()
        if name is None:
            if number := _NUMBER.match(self.text, self.at):
                self.at = number.end()
                return float(number.group())
            if not letter:
                self.refuse("something is missing at its end")
            self._unknown()
        names = [name]
        while self._peek() == ":":
            self.at += 1
            if (more := self._name()) is None:
                self._unknown()
            names.append(more)
        return self._weights(names)

    def _name(self) -> str | None:
        """The name that begins here: in backticks, or the longest that is known."""
        if self._peek() == "`":
            end = self.text.find("`", self.at + 1)
            if end < 0:
                self.refuse("a backtick is not closed")
            name, self.at = self.text[self.at + 1 : end], end + 1
            if name not in self.known:
                self._refuse_name(name)
            return name
        fits = [name for name in self.known if self._begins_with(name)]
        if not fits:
            return None
        name = max(fits, key=len)
        self.at += len(name)
        return name

    def _begins_with(self, name: str) -> bool:
        if not name or not self.text.startswith(name, self.at) or _NUMBER.fullmatch(name):
            return False
        end = self.at + len(name)
        return end == len(self.text) or not (_is_word(self.text[end]) and _is_word(name[-1]))

    def _unknown(self) -> NoReturn:
        found = _WORD.match(self.text, self.at)
        if self.at >= len(self.text):
            self.refuse("something is missing at its end")
        if found is None:
            self.refuse(f"{self.text[self.at : self.at + 1]!r} is where a name or a number should be")
        self._refuse_name(found.group())

    def _refuse_name(self, name: str) -> NoReturn:
        near = difflib.get_close_matches(name, list(self.known), n=1, cutoff=0.5)
        names = [known for known in self.known if "[" not in known]
        self.refuse(
            f"no level, number or column is called {name!r}"
            + (f"; did you mean {near[0]}?" if near else f"; there are {name_list(names)}")
        )

    def _weights(self, names: list[str]) -> np.ndarray:
        form = self.design.form
        for name in names:
            if form is not None and self.known[name] and (name == MEAN or name in form.centres):
                kind, factor = "the mean of all" if name == MEAN else "a number", self.known[name][0]
                self.refuse(f"{name} is {kind} and a level of {factor}; write {factor}[{name}], or rename one of them")
        if form is not None and names == [MEAN]:
            return form.weights_of(Cell({}, frozenset()))
        if form is None or (len(names) == 1 and self._is_column_alone(names[0], form)):
            if len(names) > 1:
                self.refuse(f"this design has columns alone, of which {':'.join(names)} is none")
            return self._column(names[0], form)
        levels: dict[str, str] = {}
        numbers: set[str] = set()
        for name in names:
            if name in form.centres:
                numbers.add(name)
                continue
            factors = self.known[name]
            if not factors:
                self.refuse(f"{name} is no level or number, and only these are joined by :")
            if len(factors) > 1:
                self.refuse(f"{name} is a level of {' and of '.join(factors)}; write {factors[0]}[{name}]")
            level = name if name in form.factors[factors[0]].levels else name[len(factors[0]) + 1 : -1]
            if factors[0] in levels:
                self.refuse(f"{':'.join(names)} names two levels of {factors[0]}")
            levels[factors[0]] = level
        self._note_missing(form, CanonicalTerm(tuple(sorted(levels)), tuple(sorted(numbers))))
        return form.weights_of(Cell(levels, frozenset(numbers)))

    def _note_missing(self, form: CanonicalForm, term: CanonicalTerm) -> None:
        known = [(set(own.factors), set(own.numbers)) for own in form.terms]
        if (set(term.factors), set(term.numbers)) not in known:
            self.missing.append(":".join((*term.factors, *term.numbers)))
        if term.numbers and not any(numbers == set(term.numbers) for _, numbers in known):
            self.refuse(f"the design has no slope of {':'.join(term.numbers)}; add it to the formula")

    def _is_column_alone(self, name: str, form: CanonicalForm) -> bool:
        return name != MEAN and not self.known[name] and name not in form.centres

    def _column(self, name: str, form: CanonicalForm | None) -> np.ndarray:
        if name not in self.design.covariates:
            self._refuse_name(name)
        own = np.eye(len(self.design.covariates))[self.design.column(name)]
        return own if form is None else np.linalg.solve(form.to_canonical.T, own)


def _is_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"
