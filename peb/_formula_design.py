"""A data frame and a formula → the design: what is a factor, where numbers are centred, and what is refused."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dcm.tables import DataFrame

from ._canonical_form import DesignFactor, build_columns
from ._design import MEAN, ROUNDING, Design, DesignPrior, participants_of
from ._design_error import DesignError, name_list
from ._formula import FormulaTerms, Variable, parse_formula

LARGEST = 1e100  # of numbers that may be squared
INTERCEPT = "intercept"  # the column of ones, where its effect is not the mean of all


def design_from_formula(
    frame: DataFrame,
    formula: str,
    participant: str | None,
    reference: Mapping[str, str],
    order: Mapping[str, Sequence[str]],
) -> Design:
    """See `Design.from_formula`."""
    parsed = parse_formula(formula)
    names = participants_of(frame, participant)
    factors: dict[str, DesignFactor] = {}
    levels: dict[str, np.ndarray] = {}
    numbers: dict[str, np.ndarray] = {}
    centres: dict[str, float] = {}
    for name, variable in parsed.variables.items():
        column = _column(frame, name)
        values = _values(variable, column, names)
        if values.dtype.kind == "f":
            numbers[name], centres[name] = _centred(name, values)
        else:
            own = getattr(getattr(column, "cat", None), "categories", None)
            factors[name] = _factor(variable, values, own, reference.get(name), order.get(name))
            place = {level: i for i, level in enumerate(factors[name].levels)}
            levels[name] = np.array([place[value] for value in values.tolist()])
    for what, given in (("reference", reference), ("order", order)):
        if unused := [name for name in given if name not in factors]:
            kind = "a number" if unused[0] in numbers else "no factor of the formula"
            raise DesignError(f"{what}: {unused[0]} is {kind}; its factors are {name_list(list(factors)) or 'none'}")
    terms = parsed.terms(factors)
    _check_number_of_columns(terms, factors, len(names))
    _check_cells(terms, factors, levels, numbers)
    built = build_columns(terms, factors, levels, numbers, centres, len(names))
    form = built.form
    if not any(term.factors == term.numbers == () for term in form.terms):
        raise DesignError(f"formula {formula!r} has no mean: without 1 a factor has to stand for it, as in -1 + group")
    prior, covariates = DesignPrior(form.prior_mean, form.prior_covariance), list(built.names)
    if () in terms.blocks:
        first = np.linalg.inv(form.to_canonical)[terms.blocks.index(())]
        is_mean = np.abs(first - np.eye(len(first))[0]).max() < ROUNDING
        covariates[terms.blocks.index(())] = MEAN if is_mean else INTERCEPT
    if taken := [name for name in parsed.variables if name in (MEAN, INTERCEPT)]:
        raise DesignError(f"a column of the table is called {taken[0]}, as is the design's own first; rename it")
    return Design(names, tuple(covariates), built.matrix, centres, {}, formula, form, levels, prior)


def _column(frame: DataFrame, name: str) -> Any:
    columns = {str(column): column for column in frame.columns}
    if name not in columns:
        near = difflib.get_close_matches(name, list(columns), n=1, cutoff=0.5)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise DesignError(f"the table has no column {name!r}{meant or f'; it has {name_list(list(columns))}'}")
    if "×" in name or "[" in name:
        raise DesignError(f"{name}: × and [ stand for products and levels in a design; rename the column")
    return frame[columns[name]]


def _values(variable: Variable, column: Any, participants: Sequence[str]) -> np.ndarray:
    """Numbers as floats, the levels of factors as texts."""
    name = variable.name
    if bool((missing := column.isna().to_numpy()).any()):
        absent = [participants[i] for i in np.flatnonzero(missing).tolist()]
        raise DesignError(
            f"{name} is missing for {name_list(absent)}; fill it in, or leave these participants or {name} out"
        )
    kind = getattr(column.dtype, "kind", "O")
    if kind in "Mmc":
        raise DesignError(f"{name} holds {column.dtype}; give it as numbers, such as days from a fixed date")
    given = column.to_numpy(dtype=object).tolist()
    is_category = getattr(column, "cat", None) is not None
    is_number = [isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in given]
    if variable.is_factor or is_category:
        return np.array([_level(value) for value in given], dtype=object)
    if all(is_number):
        values = np.array([float(value) for value in given])
        if not np.isfinite(values).all():
            infinite = [participants[i] for i in np.flatnonzero(~np.isfinite(values)).tolist()]
            raise DesignError(f"{name} is infinite for {name_list(infinite)}; leave these participants or {name} out")
        return values
    texts = [str(value) for value in given]
    looks = [known or _looks_like_number(text) for known, text in zip(is_number, texts, strict=True)]
    if any(looks) and not all(isinstance(value, bool | np.bool_) for value in given):
        if all(looks):
            raise DesignError(f"{name} holds numbers as text; turn them into numbers, or write C({name}) for a factor")
        odd = looks.index(False)
        raise DesignError(
            f"{name} holds numbers and text ({texts[odd]!r} for {participants[odd]}); mend it, or write C({name})"
        )
    return np.array(texts, dtype=object)


def _level(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)


def _looks_like_number(text: str) -> bool:
    try:
        float(text.replace(",", ".").replace("−", "-"))
    except ValueError:
        return False
    return True


def _centred(name: str, values: np.ndarray) -> tuple[np.ndarray, float]:
    """A number less its average, or less the middle of its two values; and what was subtracted."""
    if (most := np.abs(values).max()) > LARGEST or 0 < most < 1 / LARGEST:
        raise DesignError(f"{name} reaches {most:g}, whose square is no number; give it in another unit")
    if np.ptp(values) <= ROUNDING * most:
        raise DesignError(f"{name} is constant: {values[0]:g} for every participant; leave it out")
    distinct = np.unique(values)
    centre = float(distinct.mean() if distinct.size == 2 else values.mean())
    return values - centre, centre


def _factor(
    variable: Variable, values: np.ndarray, own: Any, reference: str | None, order: Sequence[str] | None
) -> DesignFactor:
    name, found = variable.name, list(dict.fromkeys(values.tolist()))
    if len(found) == 1:
        raise DesignError(f"{name} is constant: {found[0]} for every participant; leave it out")
    if len(found) == len(values):
        raise DesignError(
            f"{name} has a level of its own for every participant, so that it tells nothing; leave it out"
        )
    if own is None and order is None:
        _check_capitals(name, found)
    levels = sorted(found, key=_sort_key)
    if own is not None and order is None:
        levels = [level for level in map(_level, own) if level in found]
    if order is not None:
        order = [str(level) for level in order]
        if absent := [level for level in order if level not in found]:
            raise DesignError(
                f"{name}: no participant is {absent[0]!r}, which its order names{_nearest(absent[0], found)}"
            )
        if left := [level for level in levels if level not in order]:
            raise DesignError(f"{name}: its order leaves {name_list(left)} out; name all levels")
        levels = list(dict.fromkeys(order))
    base = variable.base if variable.base is not None else reference
    if base is not None and base not in levels:
        raise DesignError(f"{name}: no participant is {base!r}, its reference{_nearest(base, levels)}")
    if any("×" in level or "]" in level for level in levels):
        raise DesignError(f"{name}: a level holds × or ], which stand for products and levels in a design; rename it")
    first = levels[0] if base is None else base
    if variable.coding is None:
        return DesignFactor(tuple(levels), first)
    coding, labels = _contrasts(variable.coding, tuple(levels), first)
    return DesignFactor(tuple(levels), first, coding, labels)


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; its levels are {name_list(list(known))}"


def _check_capitals(name: str, found: Sequence[str]) -> None:
    """Raises `DesignError` where two levels are one by all but their capitals; who means both gives them an order."""
    alike: dict[str, str] = {}
    for level in found:
        other = alike.setdefault(level.casefold(), level)
        if other != level:
            raise DesignError(f"{name}: the levels {other} and {level} differ in capitals alone; write them alike")


def _sort_key(level: str) -> tuple[bool, float, str]:
    """Numbers by size, before texts by the alphabet."""
    if _looks_like_number(level):
        return False, float(level.replace(",", ".").replace("−", "-")), level
    return True, 0.0, level


def _contrasts(coding: str, levels: tuple[str, ...], reference: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The columns of R's codings, by formulaic."""
    from formulaic.transforms import contrasts

    kinds = {
        "treatment": lambda: contrasts.TreatmentContrasts(base=reference),
        "SAS": contrasts.SASContrasts,
        "sum": contrasts.SumContrasts,
        "helmert": contrasts.HelmertContrasts,
        "diff": contrasts.DiffContrasts,
        "poly": contrasts.PolyContrasts,
    }
    made = kinds[coding]()
    matrix = np.asarray(made.get_coding_matrix(list(levels), reduced_rank=True), dtype=np.float64)
    labels = [str(label) for label in made.get_coding_column_names(list(levels), reduced_rank=True)]
    own = [label if coding in ("treatment", "SAS") else f"{coding} {label.strip('.')}" for label in labels]
    return matrix, tuple(own)


def _check_number_of_columns(terms: FormulaTerms, factors: Mapping[str, DesignFactor], participants: int) -> None:
    """Before any is made."""
    total = 0
    for block in terms.blocks:
        sizes = [len(factors[part.variable].levels) - (not part.full) for part in block if part.variable in factors]
        total += int(np.prod(sizes, dtype=object)) if sizes else 1
    if total > participants:
        most = max(factors, key=lambda name: len(factors[name].levels), default="")
        many = f" ({most} has {len(factors[most].levels)} levels)" if most else ""
        raise DesignError(f"the formula has {total:,} columns{many} for {participants} participants; leave some out")


def _check_cells(
    terms: FormulaTerms,
    factors: Mapping[str, DesignFactor],
    levels: Mapping[str, np.ndarray],
    numbers: Mapping[str, np.ndarray],
) -> None:
    """A product of factors needs somebody in every cell, one with a number two values of it there."""
    for block in terms.blocks:
        names = [part.variable for part in block if part.variable in factors]
        own = [part.variable for part in block if part.variable in numbers]
        if len(names) + len(own) < 2 or not names:
            continue
        shape = tuple(len(factors[name].levels) for name in names)
        cell = np.ravel_multi_index(tuple(levels[name] for name in names), shape)
        product = "×".join(part.variable for part in block)
        for place in range(int(np.prod(shape))):
            called = " and ".join(
                f"{factors[name].levels[i]} ({name})"
                for name, i in zip(names, np.unravel_index(place, shape), strict=True)
            )
            members = cell == place
            if not members.any():
                raise DesignError(f"nobody is {called}, so that {product} cannot be told; leave it out of the formula")
            for number in own:
                if np.ptp(numbers[number][members]) == 0:
                    raise DesignError(
                        f"{number} is the same for everybody who is {called}, so that {product} cannot be told; leave "
                        "it out of the formula"
                    )
