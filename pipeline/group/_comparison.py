"""Named models of a group compared: which is best for every covariate, and for its participants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from peb import (
    Comparison,
    FamilyComparison,
    Gaussian,
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
from ..figures import (
    posterior_figure,
)
from ..page import PROBABILITY, AnalysisReport, Answer, Column, Picture, Records, Section, slug
from ..spm import write_bma
from ..verdicts import describe_model_rule, judge_group, judge_model
from ._arms import compare_kinds
from ._design_table import RowOrder
from ._effect_tables import average_records
from ._fit import fit_group
from ._fit_report import facts, group_notices, save_group, summary
from ._group_inputs import GroupInputs, design_column
from ._model_space import ModelSpace, ModelSpaceError, read_model_space

MANY = 12  # models, whose names a heat map has no room for


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
    space = _read_space(path)
    group, warnings = fit_group(inputs)
    try:
        on = space.switches(group.parameters, inputs.spec, inputs.spm_names)
        _check_different(space, on)
        chosen = None if covariates is None else [design_column(inputs, name, "--for") for name in covariates]
        comparison = compare(group, on, space.models, covariates=chosen)
    except (ModelSpaceError, ValueError) as error:
        raise UsageError(str(error)) from error
    alone = _participant_evidence(inputs, group.first_level, on)
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
        title=f"{len(found.comparison.models)} models of {len(inputs.participants)} participants",
        subtitle=f"Each is a choice among the full model's effects of {' and '.join(found.comparison.covariates)}.",
        answers=tuple(_best_model_answer(found.comparison, covariate) for covariate in found.comparison.covariates),
        records=(
            _models(found),
            *(_families(i, name, families) for i, (name, families) in enumerate(found.families.items())),
            average_records(
                inputs, found.group, found.comparison.average, _probabilities(found), found.comparison.unseen, judged
            ),
            *([found.order.records()] if found.order else []),
        ),
        draw=lambda: (comparison_section(found.comparison, found.families),),
        facts=(*facts(inputs, found.group), ("Best model", describe_model_rule())),
        notices=group_notices(
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


def _read_space(path: Path) -> ModelSpace:
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


def _participant_evidence(inputs: GroupInputs, parameters: tuple[str, ...], on: np.ndarray) -> np.ndarray:
    """Every participant's evidence for every model, the group left out of it."""
    rows = []
    for estimate in inputs.estimates:
        places = np.array([estimate.parameters.index(name) for name in parameters])
        patterns = np.ones((len(on), len(estimate.parameters)), dtype=bool)
        patterns[:, places] = on
        means, covariances = switched(estimate.prior, patterns)
        rows.append(reduce(estimate.prior, estimate.posterior, means, covariances).delta_free_energy)
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


def _best_model_answer(comparison: Comparison, covariate: str) -> Answer:
    probability = comparison.model_probability(covariate)
    order = np.argsort(-probability)
    top = float(probability[order[0]])
    runners = "; ".join(f"{comparison.models[i]} ({probability[i]:.2f})" for i in order[1:4])
    return Answer(
        f"Is there one best model for {covariate}?",
        judge_model(top),
        f"{comparison.models[order[0]]}, probability {top:.2f} among {len(comparison.models)} models compared.",
        (f"Next: {runners}.",) if runners else (),
    )


def unseen_warnings(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    covariates = ", ".join(dict.fromkeys(name.split(": ")[0] for name in names))
    return [
        f"SPM12's conventions do not reduce the effects of {covariates}, whose units make their prior variance "
        "very small; "
        "they stay in every model, and SPM12 reports them as 0; here they are left empty. --compat none "
        "reduces them like the others."
    ]


def save_average(
    inputs: GroupInputs, group: GroupPosterior, average: Gaussian, probability: np.ndarray, folder: Path
) -> list[tuple[str, str]]:
    files = save_group(inputs, group, folder)
    write_bma(
        folder / f"BMA_{group.name}.mat",
        group,
        average,
        probability=np.nan_to_num(probability.ravel(), nan=1.0),
        **inputs.spm_places(group),
    )
    return [*files, (f"BMA_{group.name}.mat", "the average for SPM12 (spm_dcm_peb_review)")]


def comparison_section(comparison: Comparison, families: Mapping[str, FamilyComparison]) -> Section:
    """Posterior probabilities of models, and of families."""
    axes = comparison.covariates[:2]
    many = len(comparison.models) > MANY
    names = [str(i) for i in range(1, len(comparison.models) + 1)] if many else comparison.models
    drawn = []
    if len(comparison.covariates) <= 2:
        drawn.append(
            Picture(
                "models",
                "Which model is best?",
                "One winner that stands far above the rest is an answer; many models of like probability are "
                "not, and their families or their average say more."
                + (" Models go by their numbers in the table below." if many else ""),
                posterior_figure(comparison.probability, names, covariates=axes),
            )
        )
        drawn += [
            Picture(
                f"family-{number}-{slug(name)}",
                f"Families: {name}",
                "What the models of a family have in common, whatever else they are.",
                posterior_figure(found.family_probability, found.names[0], compared="family", covariates=axes),
            )
            for number, (name, found) in enumerate(families.items())
            if len(set(found.names)) == 1
        ]
    return Section("Models", "Posterior probability of each model, all as likely beforehand.", tuple(drawn))
