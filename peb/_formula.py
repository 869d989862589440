"""Design formulas, read without executing anything: `"1 + group + age"` → variables and the terms made of them.

A formula may hold names, `:`, `*`, `+`, `-`, `1`, `0`, parentheses, names in backticks, and `C(name)` or
`C(name, contr.sum)` for categorical coding. It is taken apart here, by a list of what is allowed; what is handed on to
`formulaic`, which expands it and decides how many columns each factor needs in each term (Wilkinson & Rogers 1973;
Chambers & Hastie 1992), has v0, v1, … in the place of every name, so that no text of a user or a file is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from dcm.tables import data_frame

from ._design_error import DesignError

MOST_LETTERS, MOST_TERMS, DEEPEST = 2_000, 500, 20
CODINGS = ("treatment", "sum", "helmert", "diff", "poly", "SAS")  # that C() may name

HOW_TO_CODE = "C() takes a name and perhaps a coding, as C(site) or C(group, contr.treatment('controls'))"
_NAME = r"`[^`]*`|[^\W\d][\w.]*"
_TEXT = r"\"[^\"]*\"|'[^']*'"
_CODED = re.compile(
    rf"C\(\s*(?P<name>{_NAME})\s*(?:,\s*contr\.(?P<coding>\w+)\s*(?:\(\s*(?:base\s*=\s*)?(?P<base>{_TEXT})?\s*\))?\s*)?\)"
)
_TOKEN = re.compile(rf"(?P<space>\s+)|(?P<name>{_NAME})|(?P<one>[01](?![\w.]))|(?P<sign>[-+:*()])")
_NOT_IN_FORMULAS = {
    "~": "a formula has no left side and no ~: what is explained is the connectivity; write what explains it",
    "|": "| stands for random effects, which a design of participants has not; write + or :",
    "^": "^ is not understood; write the products out, as a:b",
    "/": "/ is not understood; write a + a:b",
    "%": "% is not understood; write a:b",
}


class Variable(NamedTuple):
    """A column of the table, as the formula has it."""

    name: str
    is_factor: bool  # whether C() makes it one
    coding: str | None  # of contr.*; None for the usual one
    base: str | None  # the reference level that contr.treatment("…") names


class TermVariable(NamedTuple):
    """One variable in one term."""

    variable: str
    full: bool  # a column for every level of a factor, not one less


class FormulaTerms(NamedTuple):
    """Products of variables, each a block of columns; no part at all is the column of ones."""

    blocks: tuple[tuple[TermVariable, ...], ...]


@dataclass(frozen=True)
class ParsedFormula:
    """A formula taken apart.

    Fields:
        text: as it was given.
        variables: by name.
        abstract: the same with v0, v1, … in the place of the variables, in their order.
    """

    text: str
    variables: Mapping[str, Variable]
    abstract: str

    def terms(self, factors: Collection[str]) -> FormulaTerms:
        """The blocks of columns, where these variables are factors and the others numbers."""
        import formulaic

        names = list(self.variables)
        stand_ins: dict[str, list[Any]] = {"none": [1.0, 1.0]}  # it asks for no more than of which kind a variable is
        for place, name in enumerate(names):
            stand_ins[f"v{place}"] = ["a", "b"] if name in factors else [0.5, 1.5]
        spec = formulaic.model_matrix(self.abstract, data_frame(stand_ins), context={}).model_spec
        blocks = [
            tuple(TermVariable(names[int(part.factor.expr[1:])], not part.reduced) for part in scoped.factors)
            for term in spec.structure
            for scoped in term.scoped_terms
        ]
        return FormulaTerms(tuple(dict.fromkeys(blocks)))


def parse_formula(text: str) -> ParsedFormula:
    """A formula taken apart; raises `DesignError` where it holds what no formula may."""
    if not isinstance(text, str):
        raise DesignError(f"a formula is a text, such as '1 + group + age', not a {type(text).__name__}")
    if len(text) > MOST_LETTERS:
        raise DesignError(f"the formula has {len(text):,} letters; at most {MOST_LETTERS:,} are read")
    tokens, variables = _tokens(text)
    if not tokens:
        raise DesignError("the formula is empty; write 1 for a mean alone, or names of columns, as 1 + group + age")
    end, count = _sum(tokens, 0, text, 0)
    if end < len(tokens):
        _refuse(text, f"{_shown(tokens[end])} is where no term can end")
    if count > MOST_TERMS:
        raise DesignError(f"the formula has up to {count:,} terms; at most {MOST_TERMS} can be told apart")
    _check_repeated(tokens, text)
    place = {name: f"v{i}" for i, name in enumerate(variables)}
    abstract = " ".join(place[value] if kind == "name" else value for kind, value in tokens)
    return ParsedFormula(text, variables, abstract)


def formula_columns(text: str) -> tuple[str, ...]:
    """The columns of a table that a formula names, in its order; raises `DesignError` as `Design.from_formula`."""
    return tuple(parse_formula(text).variables)


Token = tuple[str, str]  # its kind: name, one or sign; and what it is


def _tokens(text: str) -> tuple[list[Token], dict[str, Variable]]:
    tokens: list[Token] = []
    variables: dict[str, Variable] = {}
    at = 0
    while at < len(text):
        coded = _CODED.match(text, at)
        if coded is not None and (at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "_.")):
            at, variable = coded.end(), _coded_variable(coded, text)
        else:
            found = _TOKEN.match(text, at)
            if found is None:
                _refuse_letter(text, at)
            kind, value, at = str(found.lastgroup), found.group(), found.end()
            if kind == "space":
                continue
            if kind == "one" or (kind == "sign" and not (value == "(" and tokens and tokens[-1][0] == "name")):
                if value == "*" and tokens and tokens[-1][1] == "*":
                    _refuse(text, "** is not understood; write the products out, as a:b")
                tokens.append((kind, value))
                continue
            if kind == "sign":
                name = tokens[-1][1]
                if name == "C":
                    _refuse(text, HOW_TO_CODE)
                _refuse(
                    text,
                    f"{name}(…) is not understood: nothing is computed in a formula but C(name); make a column of it",
                )
            variable = Variable(_bare(value), False, None, None)
        known = variables.setdefault(variable.name, variable)
        if known != variable:
            _refuse(text, f"{variable.name} is coded in two ways; write it alike each time")
        tokens.append(("name", variable.name))
    return tokens, variables


def _coded_variable(found: re.Match[str], text: str) -> Variable:
    coding, base = found["coding"], found["base"]
    if coding is not None and coding not in CODINGS:
        _refuse(text, f"contr.{coding} is not understood; there are {', '.join(f'contr.{each}' for each in CODINGS)}")
    if base is not None and coding != "treatment":
        _refuse(text, "only contr.treatment takes a level, which is its reference")
    return Variable(_bare(found["name"]), True, coding, None if base is None else base[1:-1])


def _bare(name: str) -> str:
    return name[1:-1] if name.startswith("`") else name


def _shown(token: Token) -> str:
    return repr(token[1])


def _refuse(text: str, why: str) -> NoReturn:
    shown = text if len(text) <= 80 else f"{text[:79]}…"
    raise DesignError(f"formula {shown!r}: {why}")


def _refuse_letter(text: str, at: int) -> NoReturn:
    letter = text[at]
    if letter in _NOT_IN_FORMULAS:
        _refuse(text, _NOT_IN_FORMULAS[letter])
    if letter == "`":
        _refuse(text, "a backtick is not closed")
    if letter.isdigit() or letter == ".":
        _refuse(
            text,
            "of numbers only 1 (a mean) and 0 (none) may be in it; a name that begins with a digit is put in backticks",
        )
    if letter in "\"'":
        _refuse(text, HOW_TO_CODE)
    _refuse(
        text, f"{letter!r} may not be in it; names that hold other than letters, digits, _ and . are put in backticks"
    )


def _sum(tokens: Sequence[Token], at: int, text: str, depth: int) -> tuple[int, int]:
    """Where a sum of terms ends, and how many terms it may have."""
    if depth > DEEPEST:
        _refuse(text, "its parentheses are too deep")
    count, first = 0, True
    while True:
        if at < len(tokens) and tokens[at] in (("sign", "+"), ("sign", "-")):
            at += 1
        elif not first:
            return at, count
        first = False
        if at < len(tokens) and tokens[at][0] == "one":
            at, more = at + 1, 1
            if at < len(tokens) and tokens[at][1] in ":*":
                _refuse(text, "1 and 0 stand by themselves, for a mean and for none")
        else:
            at, more = _product(tokens, at, text, depth)
        count += more


def _product(tokens: Sequence[Token], at: int, text: str, depth: int) -> tuple[int, int]:
    count = -1
    while True:
        if at >= len(tokens):
            _refuse(text, "a term is missing at its end")
        kind, value = tokens[at]
        if kind == "name":
            at, more = at + 1, 1
        elif value == "(":
            at, more = _sum(tokens, at + 1, text, depth + 1)
            if at >= len(tokens) or tokens[at][1] != ")":
                _refuse(text, "a parenthesis is not closed")
            at += 1
        else:
            _refuse(text, f"{_shown(tokens[at])} is where a term should be")
        count = more if count < 0 else (count + 1) * (more + 1)
        if count > MOST_TERMS**2 or at >= len(tokens) or tokens[at] not in (("sign", ":"), ("sign", "*")):
            if count > MOST_TERMS**2:
                raise DesignError(f"the formula has more than {MOST_TERMS} terms; more cannot be told apart")
            return at, count
        at += 1


def _check_repeated(tokens: Sequence[Token], text: str) -> None:
    """A term that stands twice by itself is a mistake, though it would change nothing."""
    depth, terms, sign = 0, [list[str]()], ["+"]
    for kind, value in tokens:
        depth += (value == "(") - (value == ")") if kind == "sign" else 0
        if depth == 0 and kind == "sign" and value in "+-":
            terms.append([])
            sign.append(value)
        else:
            terms[-1].append(value)
    added = ["".join(term) for term, plus in zip(terms, sign, strict=True) if term and plus == "+"]
    if twice := [term for term in added if added.count(term) > 1]:
        _refuse(text, f"{twice[0]} is in it twice; write it once")
