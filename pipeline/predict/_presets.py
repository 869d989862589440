"""The five models of Norbury et al. 2021 as formulas over measures, the arm and covariates."""

from __future__ import annotations

from collections.abc import Sequence

from ..common import UsageError
from ..study import MODELS_WITH_COVARIATES, Preset
from ._formula import ARM, Factor, FactorTerm, Take, parse_factor

TAKEN: dict[Preset, Take] = {
    "change": "change",
    "change-by-arm": "change",
    "change-by-arm-and-covariates": "change",
    "baseline": "before",
    "baseline-by-arm": "before",
}
BY_ARM = ("change-by-arm", "change-by-arm-and-covariates", "baseline-by-arm")


def preset_terms(
    model: Preset, measures: Sequence[str], covariates: Sequence[str], *, sessions: bool = True
) -> tuple[FactorTerm, ...]:
    """The terms of a preset, in order: measures, covariates, the arm, and its products with the measures.

    Arguments:
        measures: columns.
        covariates: factors, such as ``age`` or ``change(madrs)``.
        sessions: whether the table has a row for each; with one row per person, columns are taken as they are.

    Raises `UsageError` where a model has covariates and none are given, or the other way round.
    """
    check_covariates(model, covariates)
    take: Take = TAKEN[model] if sessions else ""
    taken = [Factor(take, name) for name in measures]
    terms: list[FactorTerm] = [(one,) for one in taken]
    terms += [(parse_factor(one, "covariate"),) for one in covariates]
    if model in BY_ARM:
        arm = Factor("", ARM)
        terms += [(arm,), *((arm, one) for one in taken)]
    return tuple(terms)


def check_covariates(model: Preset, covariates: Sequence[str]) -> None:
    """Raises `UsageError` where covariates would be ignored, or the model is about them and has none."""
    if covariates and model not in MODELS_WITH_COVARIATES:
        other = "change-by-arm-and-covariates" if model in BY_ARM else " or ".join(MODELS_WITH_COVARIATES)
        raise UsageError(f"{model} has no covariates; take {other}, a formula, or leave them out")
    if not covariates and model == "change-by-arm-and-covariates":
        raise UsageError(f"{model} needs covariates (--covariates A,B); without any it is change-by-arm")


def preset_formula(model: Preset, measures: Sequence[str], covariates: Sequence[str], *, sessions: bool = True) -> str:
    """The same as text, patterns of measures as they were given."""
    take = TAKEN[model] if sessions else ""
    taken = [f"{take}({one})" if take else one for one in measures if not one.startswith("!")] or ["*"]
    parts = [*taken, *covariates]
    if model in BY_ARM:
        parts += [ARM, *(f"{ARM}:{one}" for one in taken)]
    return " + ".join(parts)
