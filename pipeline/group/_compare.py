"""`effconn peb compare`: which model of the group is best?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from peb import (
    Comparison,
    FamilyComparison,
    GroupPosterior,
    RandomEffects,
    compare,
    families,
    fixed_effects,
    random_effects,
    reduce,
    switched,
)

from ..common import UsageError
from ..page import PROBABILITY, AnalysisReport, Answer, Column, Records, Section, slug
from ..verdicts import describe_model_rule, judge_group, judge_model
from ._arms import compare_kinds
from ._average import average_records, save_average, unseen_warnings
from ._estimation import fit_group
from ._fit import facts, notices, summary
from ._inputs import GroupInputs
from ._leave_one_out import design_column
from ._model_space import ModelSpace, ModelSpaceError, read_model_space
from ._row_order import RowOrder


@dataclass(frozen=True, eq=False)
class Models:
    """Named models compared, for the group and for its participants.

    Fields:
        group: the full model.
        comparison: all combinations of one model per covariate.
        families: by the name of the partition.
        participants: (participant, model) ln p(y | model) − ln p(y | full) of each participant alone, nats.
        fixed: (model,) posterior if one model is everybody's.
        random: if participants may differ in theirs.
        warnings: what should be known before it is trusted.
        order: which model is of which families, where the file says it by order.
    """

    group: GroupPosterior
    comparison: Comparison
    families: Mapping[str, FamilyComparison]
    participants: Float[np.ndarray, "participant model"]
    fixed: Float[np.ndarray, "model"]
    random: RandomEffects
    warnings: tuple[str, ...]
    order: RowOrder | None = None


def compare_models(inputs: GroupInputs, path: Path, covariates: Sequence[str] | None = None) -> Models:
    """Fit the full group and compare the models in a file, for some covariates, by default the first two.

    Raises `UsageError` where the models are not of this group, or the design lacks a covariate.
    """
    space = _space(path)
    group, warnings = fit_group(inputs)
    try:
        on = space.switches(group.parameters, inputs.spec)
        _check_different(space, on)
        chosen = None if covariates is None else [design_column(inputs, name, "--for") for name in covariates]
        comparison = compare(group, on, space.models, covariates=chosen)
    except (ModelSpaceError, ValueError) as error:
        raise UsageError(str(error)) from error
    alone = _alone(inputs, group.first_level, on)
    return Models(
        group,
        comparison,
        {name: families(comparison, labels) for name, labels in space.families.items()},
        alone,
        fixed_effects(alone),
        random_effects(alone),
        warnings,
        order_of(space),
    )


def order_of(space: ModelSpace) -> RowOrder | None:
    """A MATLAB file has families as one number for each model, in the order of the models."""
    if space.layout is None or not space.families:
        return None
    said = [
        f"{model} ({', '.join(f'{name} {labels[place]}' for name, labels in space.families.items())})"
        for place, model in enumerate(space.models)
    ]
    return RowOrder(space.path.name, "model", tuple(said), name="order-of-models")


def report_comparison(inputs: GroupInputs, found: Models) -> AnalysisReport:
    """Tables, pictures and answers of a comparison."""
    judged = judge_group(found.group, compare_kinds(inputs), inputs.smallest_effect)
    return AnalysisReport(
        name="models",
        title=f"{len(found.comparison.models)} models of {len(inputs.design.participants)} participants",
        subtitle=f"Each is a choice among the full model's effects of {' and '.join(found.comparison.covariates)}.",
        answers=tuple(_best(found.comparison, covariate) for covariate in found.comparison.covariates),
        records=(
            _models(found),
            *(_families(i, name, one) for i, (name, one) in enumerate(found.families.items())),
            average_records(
                inputs, found.group, found.comparison.average, _probabilities(found), found.comparison.unseen, judged
            ),
            *([found.order.records()] if found.order else []),
        ),
        draw=lambda: _comparison_sections(found),
        facts=(*facts(inputs, found.group), ("Best model", describe_model_rule())),
        notices=notices(
            inputs,
            (
                *found.warnings,
                *unseen_warnings(found.comparison.unseen),
                *([found.order.line()] if found.order else []),
            ),
        ),
        summary=summary(inputs, found.group, found.warnings) | {"unseen": list(found.comparison.unseen)},
        save=lambda folder: save_average(inputs, found.group, found.comparison.average, _probabilities(found), folder),
    )


def _space(path: Path) -> ModelSpace:
    from ..tables import TableError

    try:
        return read_model_space(path)
    except (ModelSpaceError, TableError) as error:
        raise UsageError(str(error)) from error


def _check_different(space: ModelSpace, on: np.ndarray) -> None:
    first: dict[bytes, str] = {}
    for name, row in zip(space.models, on, strict=True):
        if (other := first.setdefault(row.tobytes(), name)) != name:
            raise UsageError(
                f"{space.path.name}: {other} and {name} are the same in the connections explained, and would share "
                "its probability; leave one out, or have the group explain more (--fields)"
            )


def _alone(inputs: GroupInputs, parameters: tuple[str, ...], on: np.ndarray) -> np.ndarray:
    """Every participant's evidence for every model, the group left out of it."""
    rows = []
    for one in inputs.estimates:
        places = np.array([one.parameters.index(name) for name in parameters])
        patterns = np.ones((len(on), len(one.parameters)), dtype=bool)
        patterns[:, places] = on
        means, covariances = switched(one.prior, patterns)
        rows.append(reduce(one.prior, one.posterior, means, covariances).delta_free_energy)
    return np.array(rows)


def _models(found: Models) -> Records:
    comparison = found.comparison
    each = {name: comparison.model_probability(name) for name in comparison.covariates}
    columns = (
        Column("number", "No.", "d"),
        Column("model", "Model"),
        *(Column(f"probability_{name}", f"Pp for {name}", PROBABILITY) for name in comparison.covariates),
        Column("fixed", "One for all", PROBABILITY),
        Column("frequency", "Share of participants", PROBABILITY),
        Column("protected_exceedance", "Protected exceedance", PROBABILITY),
    )
    rows = [
        {
            "number": i + 1,
            "model": name,
            **{f"probability_{covariate}": float(each[covariate][i]) for covariate in comparison.covariates},
            "fixed": float(found.fixed[i]),
            "frequency": float(found.random.frequency[i]),
            "protected_exceedance": float(found.random.protected_exceedance[i]),
        }
        for i, name in enumerate(comparison.models)
    ]
    lead = (
        "Pp is the posterior probability of the model for a covariate of the group. The last three leave the "
        "group out: if one "
        "model were everybody's, how many participants have it if they may differ, and how surely it is the "
        "most frequent."
    )
    best = frozenset(int(each[name].argmax()) for name in comparison.covariates)
    return Records("models", "Models", lead, columns, rows, sure=best)


def _families(number: int, name: str, found: FamilyComparison) -> Records:
    columns = (
        Column("covariate", "Covariate"),
        Column("family", "Family"),
        Column("probability", "Probability", PROBABILITY),
    )
    rows = [
        {"covariate": covariate, "family": family, "probability": value}
        for covariate in found.covariates
        for family, value in found.of_families(covariate).items()
    ]
    lead = "Families are as likely beforehand whatever their size."
    return Records(f"family-{number}-{slug(name)}", f"Families: {name}", lead, columns, rows)


def _probabilities(found: Models) -> np.ndarray:
    """(covariate, parameter), NaN for covariates that were not compared."""
    covariates = found.group.design.covariates
    rows = np.full((len(covariates), len(found.group.parameters)), np.nan)
    for name in found.comparison.covariates:
        rows[covariates.index(name)] = found.comparison.parameter_probability(name)
    return rows


def _best(comparison: Comparison, covariate: str) -> Answer:
    probability = comparison.model_probability(covariate)
    order = np.argsort(-probability)
    top = float(probability[order[0]])
    runners = "; ".join(f"{comparison.models[i]} ({probability[i]:.2f})" for i in order[1:4])
    return Answer(
        f"Is there one best model for {covariate}?",
        judge_model(top),
        f"{comparison.models[order[0]]}, probability {top:.2f} among {len(comparison.models)} models asked.",
        (f"Next: {runners}.",) if runners else (),
    )


def _comparison_sections(found: Models) -> tuple[Section, ...]:
    from ._pictures import comparison_section

    return (comparison_section(found.comparison, found.families),)
