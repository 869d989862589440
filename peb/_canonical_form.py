"""One form of every design, in which the prior over effects is set whatever way factors are coded.

A design of factors and numbers has, for every product of them, a block of canonical columns: of a factor with L levels
the L − 1 orthonormal columns H with 1ᵀH = 0, of numbers the product of the centred numbers z, and products of those.
What the user has is X_user = X_canonical M, so that β_canonical = M β_user, with, in units of the prior variance PC of
a participant,

    β_canonical ~ N(pE e_mean, PC V),    V = 1 for the mean, Π 2 (each factor) · N / Σz² (numbers) for a product.

So the effects of a factor's levels are a = Hb with covariance 2 PC (I − 11ᵀ/L): exchangeable, any two of them apart by
a variance of 4 PC, which a column of −1 and +1 has with SPM's N/Σx² (Zeidman et al. 2019b) as well. Slopes of a number
differ between two levels by a variance of 4 PC / var. Two-valued numbers are centred halfway and so are factors of two
levels. In the user's columns β_user = M^-1 β_canonical has mean M^-1 e_mean pE and covariance M^-1 V M^-T PC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ._formula import FormulaTerms

ROUNDING = 1e-12


class DesignFactor(NamedTuple):
    """A variable of levels.

    Fields:
        levels: in their order.
        reference: the level that the others are taken from.
        coding: (level, column) what formulas that need one column less than levels have; None for the usual, each level
            minus the reference, about the unweighted average.
        labels: of the columns of `coding`.
    """

    levels: tuple[str, ...]
    reference: str
    coding: Float[np.ndarray, "level column"] | None = None
    labels: tuple[str, ...] = ()


class CanonicalTerm(NamedTuple):
    """A product of factors and numbers; of none, the mean."""

    factors: tuple[str, ...]
    numbers: tuple[str, ...]


class Cell(NamedTuple):
    """What a contrast names: levels of some factors, and numbers whose slopes are meant."""

    levels: Mapping[str, str]
    numbers: frozenset[str]


def contrasts_of(levels: int) -> Float[np.ndarray, "level column"]:
    """H: orthonormal, each column summing to 0."""
    places = np.arange(1, levels)
    H = np.where(np.arange(levels)[:, None] < places, 1.0, 0.0)
    H[places, places - 1] = -places
    return np.asarray(H / np.sqrt(places * (places + 1.0)))


def usual_coding(factor: DesignFactor) -> Float[np.ndarray, "level column"]:
    """Each level minus the reference: its own column, about the average of all levels."""
    levels = len(factor.levels)
    kept = [place for place, level in enumerate(factor.levels) if level != factor.reference]
    return np.asarray(np.eye(levels)[:, kept] - 1 / levels)


@dataclass(frozen=True, eq=False)
class CanonicalForm:
    """The variables of a design and how its columns follow from canonical ones.

    Fields (K columns):
        factors: by name.
        centres: of the numbers, what was subtracted.
        sds: their standard deviations over participants.
        terms: the canonical blocks, the mean first.
        variance: (K,) V.
        to_canonical: (K, K) M.
        steps: of numbers with two values, which are centred halfway: from one to the other.
    """

    factors: Mapping[str, DesignFactor]
    centres: Mapping[str, float]
    sds: Mapping[str, float]
    terms: tuple[CanonicalTerm, ...]
    variance: Float[np.ndarray, "canonical"]
    to_canonical: Float[np.ndarray, "canonical covariate"]
    steps: Mapping[str, float] = field(default_factory=dict)

    def as_plain(self) -> dict[str, Any]:
        """All of it in lists, texts and numbers, as JSON holds them."""
        return {
            "factors": {
                name: [*factor[:2], None if factor.coding is None else factor.coding.tolist(), factor.labels]
                for name, factor in self.factors.items()
            },
            "centres": dict(self.centres),
            "sds": dict(self.sds),
            "terms": [[list(term.factors), list(term.numbers)] for term in self.terms],
            "variance": self.variance.tolist(),
            "to_canonical": self.to_canonical.tolist(),
            "steps": dict(self.steps),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> CanonicalForm:
        """What `as_plain` gave."""
        return cls(
            {
                name: DesignFactor(
                    tuple(levels), reference, None if coding is None else np.array(coding), tuple(labels)
                )
                for name, (levels, reference, coding, labels) in plain["factors"].items()
            },
            dict(plain["centres"]),
            dict(plain["sds"]),
            tuple(CanonicalTerm(tuple(factors), tuple(numbers)) for factors, numbers in plain["terms"]),
            np.array(plain["variance"]),
            np.array(plain["to_canonical"]),
            dict(plain.get("steps", {})),  # files of before have none
        )

    def size(self, term: CanonicalTerm) -> int:
        """How many columns a block has."""
        return int(np.prod([len(self.factors[name].levels) - 1 for name in term.factors], dtype=int))

    def slices(self) -> dict[CanonicalTerm, slice]:
        """Where the blocks lie."""
        ends = np.cumsum([self.size(term) for term in self.terms]).tolist()
        return {term: slice(end - self.size(term), end) for term, end in zip(self.terms, ends, strict=True)}

    @property
    def prior_mean(self) -> Float[np.ndarray, "covariate"]:
        """Of the user's effects, for a first level with prior mean 1."""
        return np.asarray(np.linalg.solve(self.to_canonical, np.eye(len(self.variance))[0]) + 0.0)

    @property
    def prior_covariance(self) -> Float[np.ndarray, "covariate covariate"]:
        """Of the user's effects, for a first level with prior variance 1."""
        half = np.linalg.solve(self.to_canonical, np.diag(np.sqrt(self.variance)))
        return np.asarray(half @ half.T)

    def weights_of(self, cell: Cell) -> Float[np.ndarray, "canonical"]:
        """The sum of canonical effects that is a cell's mean, or slope, numbers at their centres and other factors'
        levels weighing the same.
        """
        weights = np.zeros(len(self.variance))
        for term, where in self.slices().items():
            if set(term.factors) <= set(cell.levels) and frozenset(term.numbers) == cell.numbers:
                rows = [
                    contrasts_of(len(self.factors[name].levels))[self.factors[name].levels.index(cell.levels[name])]
                    for name in term.factors
                ]
                weights[where] = _product(rows)
        return weights

    def level_weights(
        self, weights: Float[np.ndarray, "canonical"], numbers: frozenset[str]
    ) -> tuple[tuple[str, ...], Float[np.ndarray, "*level"]]:
        """A sum of canonical effects as the least one of cells' means (or slopes): factors, and an axis for each."""
        involved = [
            (term, where)
            for term, where in self.slices().items()
            if frozenset(term.numbers) == numbers and np.abs(weights[where]).max() > ROUNDING
        ]
        names = tuple(name for name in self.factors if any(name in term.factors for term, _ in involved))
        cells = np.zeros([len(self.factors[name].levels) for name in names])
        for term, where in involved:
            shape = [len(self.factors[name].levels) for name in term.factors]
            block = weights[where].reshape([levels - 1 for levels in shape])
            for axis, levels in enumerate(shape):
                block = np.moveaxis(np.tensordot(contrasts_of(levels), block, axes=(1, axis)), 0, axis)
            order = [term.factors.index(name) for name in names if name in term.factors]
            own = [len(self.factors[name].levels) if name in term.factors else 1 for name in names]
            shared = np.prod([len(self.factors[name].levels) for name in names if name not in term.factors])
            cells += block.transpose(order).reshape(own) / shared
        return names, cells


class UserColumns(NamedTuple):
    """The columns of a formula: names, values and M."""

    names: tuple[str, ...]
    matrix: Float[np.ndarray, "subject covariate"]
    form: CanonicalForm


def build_columns(
    terms: FormulaTerms,
    factors: Mapping[str, DesignFactor],
    levels: Mapping[str, np.ndarray],
    numbers: Mapping[str, np.ndarray],
    centres: Mapping[str, float],
    participants: int,
) -> UserColumns:
    """The columns of every block, and the canonical ones they are made of.

    Arguments:
        levels: place of every participant's level in each factor.
        numbers: centred.
        participants: N.
    """
    names: list[str] = []
    columns: list[np.ndarray] = []
    made_of: list[dict[CanonicalTerm, np.ndarray]] = []
    for block in terms.blocks:
        in_factors = [part for part in block if part.variable in factors]
        in_numbers = tuple(sorted(part.variable for part in block if part.variable not in factors))
        z = np.prod([numbers[name] for name in in_numbers], axis=0) if in_numbers else np.ones(participants)
        codings = {part.variable: _coding(part.variable, factors[part.variable], part.full) for part in in_factors}
        for choice in np.ndindex(*(len(labels) for labels, _ in codings.values())):
            chosen = dict(zip(codings, choice, strict=True))
            code = {name: codings[name][1][:, column] for name, column in chosen.items()}
            names.append(
                "×".join(
                    codings[part.variable][0][chosen[part.variable]] if part.variable in chosen else part.variable
                    for part in block
                )
            )
            columns.append(z * np.prod([code[name][levels[name]] for name in code] or [np.ones(1)], axis=0))
            made_of.append(_expansion(code, in_numbers))
    order = dict.fromkeys(
        sorted({term for parts in made_of for term in parts}, key=lambda term: (len(sum(term, ())), sum(term, ())))
    )
    variance = [
        np.full(
            int(np.prod([len(factors[name].levels) - 1 for name in term.factors], dtype=int)),
            2.0 ** len(term.factors) * _over_mean_square(term.numbers, numbers),
        )
        for term in order
    ]
    M = np.zeros((sum(map(len, variance)), len(columns)))
    sds = {name: float(np.std(values)) for name, values in numbers.items()}
    steps = {name: float(np.ptp(values)) for name, values in numbers.items() if np.unique(values).size == 2}
    form = CanonicalForm(factors, centres, sds, tuple(order), np.concatenate(variance or [np.zeros(0)]), M, steps)
    where = form.slices()
    for column, parts in enumerate(made_of):
        for term, weights in parts.items():
            M[where[term], column] = weights
    return UserColumns(tuple(names), np.column_stack(columns) if columns else np.zeros((participants, 0)), form)


def _coding(name: str, factor: DesignFactor, full: bool) -> tuple[list[str], Float[np.ndarray, "level column"]]:
    """The columns of a factor in a term, and their labels."""
    if full:
        return [f"{name}[{level}]" for level in factor.levels], np.eye(len(factor.levels))
    if factor.coding is not None:
        return [f"{name}[{label}]" for label in factor.labels], factor.coding
    return [f"{name}[{level}]" for level in factor.levels if level != factor.reference], usual_coding(factor)


def _expansion(code: Mapping[str, np.ndarray], numbers: tuple[str, ...]) -> dict[CanonicalTerm, np.ndarray]:
    """A product of factors' columns as a sum of canonical ones: of each, its average and what H has of the rest."""
    parts = {}
    for size in range(len(code) + 1):
        for some in combinations(sorted(code), size):
            share = float(np.prod([code[name].mean() for name in code if name not in some]))
            own = [contrasts_of(len(code[name])).T @ code[name] for name in some]
            if abs(share) > ROUNDING:
                parts[CanonicalTerm(some, numbers)] = share * _product(own)
    return parts


def _product(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Kronecker's."""
    found = np.ones(1)
    for part in parts:
        found = np.kron(found, part)
    return found


def _over_mean_square(names: Sequence[str], numbers: Mapping[str, np.ndarray]) -> float:
    """N / Σz² of a product of numbers."""
    if not names:
        return 1.0
    square = float((np.prod([numbers[name] for name in names], axis=0) ** 2).mean())
    return 1 / square if square > 0 else np.inf
