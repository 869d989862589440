"""`effconn peb compare` and `search`: which model of the group is best?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from peb import (
    Comparison,
    FamilyComparison,
    Gaussian,
    GroupPosterior,
    RandomEffects,
    Search,
    compare,
    families,
    fixed_effects,
    random_effects,
    reduce,
    search,
    switched,
)

from ._connection_names import connections
from ._figure_style import signed
from ._group_delivery import Delivery
from ._group_fit import STRONG, facts, fit_group, notices, save_group, summary, unit_of, verdict_of
from ._group_predict import column_of
from ._model_space import ModelSpace, ModelSpaceError, read_model_space
from ._peb_inputs import GroupInputs
from ._peb_write import write_bma
from ._records import EFFECT, PROBABILITY, SPREAD, Column, Records
from ._report import Answer, Section, Verdict
from ._runtime import UsageError

AVERAGE_COLUMNS = (
    Column("covariate", "Covariate"),
    Column("connection", "Connection"),
    Column("mean", "Average", EFFECT),
    Column("sd", "SD", SPREAD),
    Column("probability", "Pp with v without", PROBABILITY),
    Column("unit", "Unit", where="page"),
    Column("parameter", "Parameter", where="file"),
)


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
    """

    group: GroupPosterior
    comparison: Comparison
    families: Mapping[str, FamilyComparison]
    participants: Float[np.ndarray, "participant model"]
    fixed: Float[np.ndarray, "model"]
    random: RandomEffects
    warnings: tuple[str, ...]


def compare_models(inputs: GroupInputs, path: Path, covariates: Sequence[str] | None = None) -> Models:
    """Fit the full group and compare the models in a file, for some covariates, by default the first two.

    Raises `UsageError` where the models are not of this group, or the design lacks a covariate.
    """
    space = _space(path)
    group, warnings = fit_group(inputs)
    try:
        on = space.switches(group.parameters, inputs.spec)
        _check_different(space, on)
        chosen = None if covariates is None else [column_of(inputs, name, "--for") for name in covariates]
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
    )


def deliver_comparison(inputs: GroupInputs, found: Models) -> Delivery:
    """Tables, pictures and answers of a comparison."""
    return Delivery(
        name="models",
        title=f"{len(found.comparison.models)} models of {len(inputs.design.participants)} participants",
        subtitle=f"Each is a choice among the full model's effects of {' and '.join(found.comparison.covariates)}.",
        answers=tuple(_best(found.comparison, covariate) for covariate in found.comparison.covariates),
        records=(
            _models(found),
            *(_families(i, name, one) for i, (name, one) in enumerate(found.families.items())),
            _average(inputs, found.group, found.comparison.average, _probabilities(found), found.comparison.unseen),
        ),
        draw=lambda: _comparison_sections(found),
        facts=facts(inputs, found.group),
        notices=notices(inputs, (*found.warnings, *_unseen(found.comparison.unseen))),
        summary=summary(inputs, found.group, found.warnings) | {"unseen": list(found.comparison.unseen)},
        save=lambda folder: _save(inputs, found.group, found.comparison.average, _probabilities(found), folder),
    )


def search_models(inputs: GroupInputs) -> tuple[GroupPosterior, Search, tuple[str, ...]]:
    """Fit the full group and drop what the evidence does not ask for."""
    group, warnings = fit_group(inputs)
    return group, search(group), warnings


def deliver_search(inputs: GroupInputs, group: GroupPosterior, found: Search, warnings: tuple[str, ...]) -> Delivery:
    """Tables, pictures and answers of a search."""
    probability = found.probability.reshape(len(group.design.covariates), -1)
    average = _average(inputs, group, found.average, probability, found.unseen)
    rounds = [
        {"round": i, "dropped": "; ".join(one.dropped) or "none", "free_energy": one.free_energy}
        for i, one in enumerate(found.rounds, start=1)
    ]
    columns = (
        Column("round", "Round", "d"),
        Column("dropped", "Dropped"),
        Column("free_energy", "F beyond the full, nats", "+.2f"),
    )
    return Delivery(
        name="search",
        title=f"What {len(inputs.design.participants)} participants' connectivity needs",
        subtitle="Effects that the evidence does not ask for are switched off; the rest is averaged over models."
        if len(found.rounds) > 1
        else "So few effects are compared in every combination, none is dropped beforehand, and models are averaged.",
        answers=tuple(_kept(covariate, average.rows) for covariate in group.design.covariates),
        records=(
            average,
            Records("rounds", "Rounds of the search", "F is relative to the full model.", columns, rounds, brief=False),
        ),
        draw=lambda: _search_sections(inputs, found),
        facts=facts(inputs, group),
        notices=notices(inputs, (*warnings, *_unseen(found.unseen))),
        summary=summary(inputs, group, warnings) | {"unseen": list(found.unseen)},
        save=lambda folder: _save(inputs, group, found.average, probability, folder),
    )


def _space(path: Path) -> ModelSpace:
    from ._table import TableError

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
        Column("model", "Model"),
        *(Column(f"probability_{name}", f"Pp for {name}", PROBABILITY) for name in comparison.covariates),
        Column("fixed", "One for all", PROBABILITY),
        Column("frequency", "Share of participants", PROBABILITY),
        Column("protected_exceedance", "Protected exceedance", PROBABILITY),
    )
    rows = [
        {
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
    from ._group_pictures import word

    lead = "Families are as likely beforehand whatever their size."
    return Records(f"family-{number}-{word(name)}", f"Families: {name}", lead, columns, rows)


def _probabilities(found: Models) -> np.ndarray:
    """(covariate, parameter), NaN for covariates that were not compared."""
    covariates = found.group.design.covariates
    rows = np.full((len(covariates), len(found.group.parameters)), np.nan)
    for name in found.comparison.covariates:
        rows[covariates.index(name)] = found.comparison.parameter_probability(name)
    return rows


def _average(
    inputs: GroupInputs, group: GroupPosterior, average: Gaussian, probability: np.ndarray, unseen: Sequence[str]
) -> Records:
    """Effects averaged over models; `probability` is (covariate, parameter), `unseen` effects are left empty."""
    size = len(group.parameters)
    words = connections(group.parameters, inputs.spec)
    told = ~np.isin(group.effects, unseen)
    mean, sd = np.where(told, average.mean, np.nan), np.where(told, average.sd, np.nan)
    chances = np.where(told, probability.ravel(), np.nan)
    rows = [
        {
            "covariate": covariate,
            "connection": words[i].words,
            "mean": float(mean[place]),
            "probability": float(chances[place]),
            "unit": unit_of(group.design, covariate, words[i].unit),
            "sd": float(sd[place]),
            "parameter": group.parameters[i],
        }
        for k, covariate in enumerate(group.design.covariates)
        for i, place in enumerate(range(k * size, (k + 1) * size))
    ]
    lead = (
        "Averaged over models by their probability. Pp with v without is the probability of the models that "
        "have the effect. "
        f"Marked: at least {STRONG:g}."
    )
    sure = frozenset(np.flatnonzero(chances >= STRONG).tolist())
    return Records("average", "Effects averaged over models", lead, AVERAGE_COLUMNS, rows, sure=sure)


def _best(comparison: Comparison, covariate: str) -> Answer:
    probability = comparison.model_probability(covariate)
    order = np.argsort(-probability)
    top = float(probability[order[0]])
    verdict: Verdict = "yes" if top >= STRONG else "partly" if top >= 0.5 else "no"
    runners = "; ".join(f"{comparison.models[i]} ({probability[i]:.2f})" for i in order[1:4])
    return Answer(
        f"Is there one best model for {covariate}?",
        verdict,
        f"{comparison.models[order[0]]}, probability {top:.2f}.",
        (f"Next: {runners}.",) if runners else (),
    )


def _kept(covariate: str, rows: Any) -> Answer:
    own = [row for row in rows if row["covariate"] == covariate]
    if all(np.isnan(row["probability"]) for row in own):
        return Answer(
            f"Which effects of {covariate} are needed?", "open", "Not tested; SPM12's conventions leave them out."
        )
    sure = [row for row in own if row["probability"] >= STRONG]
    likely = [row for row in own if row["probability"] >= 0.5]
    verdict = verdict_of(max(row["probability"] for row in own))
    named = ", ".join(
        f"{row['connection']} ({signed(row['mean'], 3)}, Pp {row['probability']:.2f})" for row in (sure or likely)[:4]
    )
    headline = f"{len(sure)} of {len(own)} surely (Pp ≥ {STRONG:g}), {len(likely)} likelier than not."
    return Answer(f"Which effects of {covariate} are needed?", verdict, headline, (named,) if named else ())


def _unseen(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    covariates = ", ".join(dict.fromkeys(name.split(": ")[0] for name in names))
    return [
        f"SPM12's conventions do not reduce the effects of {covariates}, whose units make their prior variance "
        "very small; "
        "they stay in every model, and SPM12 reports them as 0; here they are left empty. --compat exact "
        "reduces them like the others."
    ]


def _save(
    inputs: GroupInputs, group: GroupPosterior, average: Gaussian, probability: np.ndarray, folder: Path
) -> list[tuple[str, str]]:
    files = save_group(inputs, group, folder)
    write_bma(
        folder / f"BMA_{group.name}.mat",
        group,
        average,
        probability=np.nan_to_num(probability.ravel(), nan=1.0),
        spec=inputs.spec,
    )
    return [*files, (f"BMA_{group.name}.mat", "the average for SPM12 (spm_dcm_peb_review)")]


def _comparison_sections(found: Models) -> tuple[Section, ...]:
    from ._group_pictures import comparison_section

    return (comparison_section(found.comparison, found.families),)


def _search_sections(inputs: GroupInputs, found: Search) -> tuple[Section, ...]:
    from ._group_pictures import search_section

    return (search_section(found, inputs.spec),)
