"""Terms as they are written → terms of single columns: what ``*`` stands for, each once, and nothing of the outcome."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from ..common import UsageError, did_you_mean
from ._formula import ARM, Factor, FactorTerm, misread
from ._measures import fits


def expand(
    terms: Sequence[FactorTerm], measures: Sequence[str], formula: str, columns: Container[str] = ()
) -> tuple[FactorTerm, ...]:
    """Terms without ``*``, which stands for anything in the name of a measure.

    Arguments:
        columns: of the table, to tell a ``*`` that was meant to multiply two of them.

    Raises `UsageError` where it stands for nothing, or a term is there twice.
    """
    found = [one for term in terms for one in _expanded(term, measures, formula, columns)]
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
        if factor.take != "before" or outcome.take in ("", "before"):
            same = "the outcome itself" if text == outcome.text else f"part of the outcome, {outcome.text}"
            raise UsageError(f"{text} is {same}: it cannot predict it; leave it out")
    return tuple(
        f"{text} is part of {outcome.text}: what it predicts is partly regression to the mean."
        for text in own
        if outcome.take in ("change", "fall")
    )


def uses_arm(terms: Sequence[FactorTerm]) -> bool:
    """Whether the arm is in the model."""
    return any(factor.is_arm for term in terms for factor in term)


def check_arm_name(terms: Sequence[FactorTerm], column: str | None) -> None:
    """Raises `UsageError` where the arm is called by its column."""
    for factor in (factor for term in terms for factor in term):
        if column is not None and factor.name == column and not factor.is_arm:
            raise UsageError(f"{factor.text} is of the arm, which a formula calls {ARM}; write {ARM}")


def _expanded(term: FactorTerm, measures: Sequence[str], formula: str, columns: Container[str]) -> list[FactorTerm]:
    place = next((i for i, factor in enumerate(term) if factor.glob), None)
    if place is None:
        return [term]
    pattern = term[place]
    names = [name for name in measures if fits(pattern.name, name)]
    if not names:
        raise UsageError(
            f"formula {formula!r}, character {pattern.at}: {pattern.name} stands for no measure"
            f"{misread(pattern.name, columns) or did_you_mean(pattern.name, measures, 'measures')}"
        )
    single = [replace(pattern, name=name, glob=False) for name in names]
    return [(*term[:place], one, *term[place + 1 :]) for one in single if one.text not in _texts(term, place)]


def _texts(term: FactorTerm, place: int) -> set[str]:
    """The other factors of a product: what ``*`` stands for is not multiplied by itself."""
    return {factor.text for i, factor in enumerate(term) if i != place}
