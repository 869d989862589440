"""Families of models: what models have in common, compared whatever else they are (Penny et al. 2010).

    p(m) = 1 / (number of families · size of m's family),    p(family | y) = Σ_{m in family} p(m | y)

so that a family is not likelier for having more members. For combinations of models, one per covariate, priors multiply
and families form combinations too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dcm.tables import DataFrame, data_frame, html_table, short_repr

from ._average import probabilities
from ._comparison import Comparison, marginal


@dataclass(frozen=True, eq=False)
class FamilyComparison:
    """A comparison under a prior that is uniform over families; arrays have an axis for each covariate compared.

    Fields:
        covariates: names, in the order of the axes.
        names: the families of each covariate's models, in the order in which models name them.
        model_prior: of each combination of models; sums to 1.
        model_probability: of each combination of models.
        family_prior: of each combination of families; sums to 1.
        family_probability: of each combination of families.
    """

    covariates: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    model_prior: Float[np.ndarray, "*model"]
    model_probability: Float[np.ndarray, "*model"]
    family_prior: Float[np.ndarray, "*family"]
    family_probability: Float[np.ndarray, "*family"]

    def summary(self) -> DataFrame:
        """One row a family of each covariate: covariate, family, prior, probability, whatever the others' families."""
        rows = [
            (covariate, family, prior, probability)
            for covariate, names in zip(self.covariates, self.names, strict=True)
            for family, prior, probability in zip(
                names,
                marginal(self.family_prior, self.covariates, covariate),
                marginal(self.family_probability, self.covariates, covariate),
                strict=True,
            )
        ]
        return data_frame(
            dict(zip(("covariate", "family", "prior", "probability"), zip(*rows, strict=True), strict=True))
        )

    __repr__ = short_repr

    def _repr_html_(self) -> str:
        return html_table("FamilyComparison", self.summary())

    def of_models(self, covariate: str) -> Float[np.ndarray, "model"]:
        """The probability of each model for one covariate under the family prior: Pw and Px of SPM12's families."""
        return marginal(self.model_probability, self.covariates, covariate)

    def of_families(self, covariate: str) -> dict[str, float]:
        """The probability of each family of models for one covariate."""
        found = marginal(self.family_probability, self.covariates, covariate)
        names = self.names[self.covariates.index(covariate)]
        return dict(zip(names, found.tolist(), strict=True))


def families(comparison: Comparison, labels: Sequence[str] | Mapping[str, Sequence[str]]) -> FamilyComparison:
    """The families' probabilities, and the models' under a prior that is uniform over families.

    Arguments:
        comparison: of M models for c covariates.
        labels: the family of each model, for every covariate; or covariate → the family of each model.

    Raises `ValueError` where there is not one label for each model, or the covariates are not those compared.
    """
    each = _by_covariate(comparison, labels)
    names, codes = zip(*(_coded(labels_of_models) for labels_of_models in each), strict=True)
    prior = np.ones(())
    for code in codes:
        prior = np.multiply.outer(prior, 1 / (code.max() + 1) / np.bincount(code)[code])
    probability = probabilities(comparison.free_energy + np.log(prior))
    return FamilyComparison(
        covariates=comparison.covariates,
        names=names,
        model_prior=prior,
        model_probability=probability,
        family_prior=_summed(prior, codes),
        family_probability=_summed(probability, codes),
    )


def _by_covariate(comparison: Comparison, labels: Sequence[str] | Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    given = labels if isinstance(labels, Mapping) else dict.fromkeys(comparison.covariates, labels)
    if set(given) != set(comparison.covariates):
        raise ValueError(
            f"families are given for {', '.join(given)}, but models were compared "
            f"for {', '.join(comparison.covariates)}"
        )
    each = [tuple(map(str, given[name])) for name in comparison.covariates]
    for covariate, own in zip(comparison.covariates, each, strict=True):
        if len(own) != len(comparison.models):
            raise ValueError(
                f"{len(own)} family labels for {covariate}, but {len(comparison.models)} models; give one for each"
            )
    return each


def _coded(labels: tuple[str, ...]) -> tuple[tuple[str, ...], Int[np.ndarray, "model"]]:
    names = tuple(dict.fromkeys(labels))
    return names, np.array([names.index(label) for label in labels])


def _summed(values: np.ndarray, codes: tuple[np.ndarray, ...]) -> np.ndarray:
    """Values of combinations of models summed within combinations of families."""
    for axis, code in enumerate(codes):
        member = np.arange(code.max() + 1)[:, None] == code  # (family, model)
        values = np.moveaxis(np.tensordot(member.astype(float), values, (1, axis)), 0, axis)
    return values
