"""Alternative models of every visit compared by their evidence, and how well reduction predicts that evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.special import logsumexp

from peb import RandomEffects, ReductionCheck, check_reduction, is_nested, random_effects

from ..figures import BLUE, MUTED, literal_text, new_figure, style
from ..page import PROBABILITY, AnalysisReport, Answer, Column, Picture, Records, Section
from ..results import read_posterior, read_reduced_models
from ..verdicts import describe_model_rule, judge_model

SPM_EVIDENCE = (
    "this F takes the noise for independent from scan to scan and close to 5 % of the series' range, so that "
    "where noise is otherwise it may favour the wrong model by several nats."
)

COLUMNS = (
    Column("model", "Model"),
    Column("frequency", "Expected share of participants", PROBABILITY),
    Column("exceedance", "P(most frequent)", PROBABILITY),
    Column("protected_exceedance", "protected", PROBABILITY),
    Column("log_evidence", "Evidence minus the best's, nats", ".1f"),
    Column("participants", "Participants", "d", where="file"),
)

FAMILY_COLUMNS = (
    Column("connection", "Connection"),
    Column("frequency", "Expected share of participants with it", PROBABILITY),
    Column("protected_exceedance", "P(more have it than not), protected", PROBABILITY),
    Column("difference", "Evidence with minus without, nats", "+.1f"),
    Column("with", "Models with it", "d"),
    Column("without", "without", "d"),
)
MOST_DRAWN = 24  # models in the picture
_EACH = 'Where the choice matters, invert every model: invert = "each" under [dcm].'
LARGEST_REDUCTION_ERROR = 0.5  # nats; a larger difference could turn a choice between models
REDUCTION_COLUMNS = (
    Column("model", "Model"),
    Column("reduced_from", "Reduced from"),
    Column("visits", "Visits", "d"),
    Column("inverted", "Evidence minus the larger model's, by inversion, nats", "+.2f"),
    Column("reduced", "by reduction", "+.2f"),
    Column("largest_difference", "Largest difference at a visit", ".2f"),
    Column("largest_at", "at"),
    Column("furthest_mean", "Furthest mean, SD", ".2f"),
)


@dataclass(frozen=True, eq=False)
class ModelEvidence:
    """What the models of a study are compared by.

    Fields:
        models, participants: names.
        evidence: (participant, model) summed over the visits that every model has, nats.
        mode: that they were inverted in.
        reduced_from: the model that others were reduced from; empty where each was inverted.
        checks: reduction beside inversion, of models that were inverted; None where there is none.
        same_best: whether the best of the models that were checked is the same by both; None where none were checked.
    """

    models: tuple[str, ...]
    participants: tuple[str, ...]
    evidence: Float[np.ndarray, "participant model"]
    mode: str
    reduced_from: str = ""
    checks: Records | None = None
    same_best: bool | None = None


def report_model_evidence(
    posteriors: Mapping[str, Mapping[str, Path]],
    name: str,
    reduced: Mapping[str, Path] | None = None,
    inverted: Mapping[str, Mapping[str, Path]] | None = None,
    switches: Mapping[str, Sequence[str]] | None = None,
) -> AnalysisReport:
    """Compare alternative models of the same visits by random effects over participants.

    Arguments:
        posteriors: model → visit → file, of models that were inverted.
        name: of the analysis.
        reduced: visit → file of the models that are reduced from one of these.
        inverted: model → visit → file, of models that were reduced, and inverted as well to check the reduction.
        switches: what is on in some models and off in others → the models that have it.

    Raises `ValueError` where no visit has a posterior of every model, or models were inverted in different modes.
    """
    found = _summed_evidence(posteriors, reduced or {})
    if not found.reduced_from:
        found = replace(found, checks=reduction_records(posteriors))
    elif inverted:
        concerned = {visit for visits in inverted.values() for visit in visits}
        full = {visit: path for visit, path in posteriors[found.reduced_from].items() if visit in concerned}
        checks = reduction_records({found.reduced_from: full, **inverted})
        found = replace(found, checks=checks, same_best=_same_best(checks))
    return _report(name, found, random_effects(found.evidence), _families(found, switches or {}))


def _same_best(checks: Records | None) -> bool | None:
    """Whether the same of the checked models, the larger one among them, is best by reduction and by inversion."""
    if checks is None:
        return None
    reduced, inverted = ([0.0, *(float(row[key]) for row in checks.rows)] for key in ("reduced", "inverted"))
    return int(np.argmax(reduced)) == int(np.argmax(inverted))


def _families(found: ModelEvidence, switches: Mapping[str, Sequence[str]]) -> Records | None:
    """Models that have a connection beside those that lack it, whatever else they have (Penny et al. 2010)."""
    rows: list[dict[str, Any]] = []
    for switch, having in switches.items():
        has = np.isin(found.models, list(having))
        lacks = ~has
        if not has.any() or not lacks.any():
            continue
        pair = np.column_stack([logsumexp(found.evidence[:, of], axis=1) - np.log(of.sum()) for of in (has, lacks)])
        effects = random_effects(pair)
        rows.append(
            {
                "connection": switch,
                "frequency": float(effects.frequency[0]),
                "protected_exceedance": float(effects.protected_exceedance[0]),
                "difference": float((pair[:, 0] - pair[:, 1]).sum()),
                "with": int(has.sum()),
                "without": int(lacks.sum()),
            }
        )
    if not rows:
        return None
    lead = (
        "Models with a connection beside those without it, as families: the mean evidence of a family's models, by "
        "participant, then random effects over participants (Penny et al. 2010)."
    )
    return Records("families", "With and without each connection", lead, FAMILY_COLUMNS, rows)


def _summed_evidence(posteriors: Mapping[str, Mapping[str, Path]], reduced: Mapping[str, Path]) -> ModelEvidence:
    """The evidence of every model, from their files, and how it was found.

    In SPM's modes it is F with the noise at its optimum: SPM's steps end up to hundreds of nats from it, by chance.

    Raises `ValueError` where models were inverted in different modes, whose F are of different noise and priors.
    """
    shared = set.intersection(*(set(visits) for visits in posteriors.values()), *([set(reduced)] if reduced else []))
    visits = [visit for visit in next(iter(posteriors.values())) if visit in shared]
    if not visits:
        raise ValueError("no visit has a posterior of every model; see the failures of the invert stage")
    participants = list(dict.fromkeys(visit.split("_")[0] for visit in visits))
    evidence: dict[str, np.ndarray] = {}
    modes: dict[str, str] = {}
    reduced_from = ""

    def add(model: str, visit: str, found: float) -> None:
        evidence.setdefault(model, np.zeros(len(participants)))[participants.index(visit.split("_")[0])] += found

    for model, files in posteriors.items():
        for visit in visits:
            posterior, _ = read_posterior(files[visit])
            add(model, visit, posterior.settled_free_energy)
            modes.setdefault(posterior.mode, f"{model} of {visit}")
    for visit in visits if reduced else ():
        models = read_reduced_models(reduced[visit])
        reduced_from = models.full_name
        for model, found in zip(models.names, models.settled_free_energy.tolist(), strict=True):
            add(model, visit, found)
    if len(modes) > 1:
        made = "; ".join(f"{where}: mode {mode}" for mode, where in modes.items())
        raise ValueError(f"models were inverted in different modes ({made}), so that their F do not compare; run again")
    columns = np.column_stack(list(evidence.values()))
    return ModelEvidence(tuple(evidence), tuple(participants), columns, next(iter(modes)), reduced_from)


def _report(name: str, compared: ModelEvidence, found: RandomEffects, families: Records | None) -> AnalysisReport:
    models, participants, evidence, mode = compared.models, compared.participants, compared.evidence, compared.mode
    total = evidence.sum(axis=0)
    rows: list[dict[str, Any]] = [
        {
            "model": model,
            "frequency": float(found.frequency[i]),
            "exceedance": float(found.exceedance[i]),
            "protected_exceedance": float(found.protected_exceedance[i]),
            "log_evidence": float(total[i] - total.max()),
            "participants": len(participants),
        }
        for i, model in enumerate(models)
    ]
    each = Records(
        "model-evidence",
        "Evidence of every model, by participant",
        "Free energy summed over a participant's visits, minus that of the participant's best model, nats.",
        (Column("participant_id", "Participant"), *(Column(model, model, ".2f") for model in models)),
        [
            {"participant_id": participant, **dict(zip(models, (row - row.max()).tolist(), strict=True))}
            for participant, row in zip(participants, evidence, strict=True)
        ],
    )
    lead = (
        "Random effects over participants (Stephan et al. 2009; Rigoux et al. 2014): each may have their own model. "
        "Protected probabilities allow for models being equally frequent."
    )
    kind = "free energies"
    if mode.startswith("spm") or "noise = 'spm" in mode:
        kind = "free energies of SPM's noise, at its optimum"
        lead += f" In mode {mode} {SPM_EVIDENCE}"
    lead += _how(compared)
    return AnalysisReport(
        name=name,
        title=f"{len(models)} models of {len(participants)} participants",
        subtitle="Which structure the data of all visits speak for.",
        answers=(_answer(compared, found),),
        records=(
            Records("models", "Models compared", lead, COLUMNS, rows),
            *([] if families is None else [families]),
            each,
            *([] if compared.checks is None else [compared.checks]),
        ),
        draw=lambda: (_section(list(models), found),),
        facts=(
            ("Model comparison", f"random effects on {kind}"),
            *([("Models", f"reduced from {compared.reduced_from}")] if compared.reduced_from else []),
            ("Omnibus risk", f"{found.omnibus_risk:.3f}"),
            ("Verdict", describe_model_rule()),
        ),
        summary={"participants_used": list(participants), "omnibus_risk": found.omnibus_risk},
    )


def _how(compared: ModelEvidence) -> str:
    """Where models were reduced: from which, what the check of it gave, and so whose evidence is to be trusted."""
    full = compared.reduced_from
    if not full:
        return ""
    said = f" {full} was inverted, and the others were reduced from it (Friston et al. 2016)."
    others = len(compared.models) - 1
    if compared.checks is None:
        return (
            f"{said} The reduction was not checked: trust the evidence of {full}, and of the others no more than its "
            f"sign. {_EACH}"
        )
    rows = compared.checks.rows
    good = [row["model"] for row in rows if row["largest_difference"] <= LARGEST_REDUCTION_ERROR]
    poor = [row for row in rows if row["largest_difference"] > LARGEST_REDUCTION_ERROR]
    which = f"The best {len(rows)} of them were" if len(rows) > 1 else "The best of them was"
    same = "the same model is best" if compared.same_best else "another model is best"
    said += f" {which} inverted as well, at a few visits: {same} by inversion. To be trusted: the evidence of "
    said += f"{', '.join([full, *good])}{f', to {LARGEST_REDUCTION_ERROR:g} nats a visit' if good else ' alone'}."
    if poor:
        far = ", ".join(
            f"{row['model']} (off by {row['largest_difference']:.1f} nats at {row['largest_at']})" for row in poor
        )
        said += f" Not to be trusted: {far}."
    if unchecked := others - len(rows):
        rest = "the other model, which was not checked," if unchecked == 1 else f"the other {unchecked}, not checked,"
        said += f" Of {rest} reduction is the worse the further the evidence is below that of {full}, by tens of nats "
        said += "and more: it may say that such a model is worse, not by how much."
    return said if compared.same_best and not poor else f"{said} {_EACH}"


def _answer(compared: ModelEvidence, found: RandomEffects) -> Answer:
    best = int(np.argmax(found.protected_exceedance))
    chance = float(found.protected_exceedance[best])
    said = f"{compared.models[best]}: protected probability of being the most frequent {chance:.2f}"
    share = f", expected in {found.frequency[best]:.0%} of participants."
    notes = ["The other analyses rest on the model called main, whichever is best here."]
    if compared.same_best is False:
        notes.append(
            "Evidence is by reduction, and not to be trusted here: of the models that were inverted to check it, "
            f"another is best. {_EACH}"
        )
    return Answer("Which model do most participants have?", judge_model(chance), said + share, tuple(notes))


def _section(models: list[str], found: RandomEffects) -> Section:
    caption = (
        "How frequent each model is expected to be among participants (bars), and the protected probability that it is "
        "the most frequent (diamonds). Bars of equal length mean that the data do not choose."
    )
    if len(models) > MOST_DRAWN:
        caption += f" The {MOST_DRAWN} most frequent of {len(models)} are drawn."
    picture = Picture("models-random-effects", "How frequent each model is", caption, _figure(models, found))
    return Section("Models compared", "Which structure the data of all visits speak for.", (picture,))


def _figure(models: list[str], found: RandomEffects) -> Figure:
    shown = np.sort(np.argsort(-found.frequency, kind="stable")[:MOST_DRAWN])
    with style():
        figure = new_figure(0.9 + 0.42 * len(shown))
        axes = figure.subplots()
        rows = np.arange(len(shown))[::-1]
        axes.barh(rows, found.frequency[shown], height=0.55, color=BLUE, label="expected frequency")
        axes.plot(found.protected_exceedance[shown], rows, "D", color=MUTED, label="P(most frequent), protected")
        axes.set_yticks(rows, [literal_text(models[i]) for i in shown])
        axes.set_xlim(0, 1.02)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)
    return figure


def reduction_records(posteriors: Mapping[str, Mapping[str, Path]]) -> Records | None:
    """A row for every model that is nested in a larger one; None where no model is.

    Arguments:
        posteriors: model → visit → file.
    """
    read = {
        model: {visit: read_posterior(path)[0] for visit, path in visits.items()}
        for model, visits in posteriors.items()
    }
    rows = []
    for small, own in read.items():
        nested = [
            (len(next(iter(other.values())).names), large)
            for large, other in read.items()
            if own and other and is_nested(next(iter(own.values())), next(iter(other.values())))
        ]
        if not nested:
            continue
        large = max(nested)[1]
        shared = [visit for visit in own if visit in read[large]]
        found = {visit: check_reduction(own[visit], read[large][visit]) for visit in shared}
        if found:
            rows.append(_reduction_row(small, large, found))
    if not rows:
        return None
    lead = (
        "The evidence of a smaller model by reduction of a larger one (Friston et al. 2016) beside its own inversion, "
        f"summed over visits. Marked: a visit where they differ by more than {LARGEST_REDUCTION_ERROR:g} nats, so that "
        "reductions of this model are not to be trusted to the nat."
    )
    marked = frozenset(i for i, row in enumerate(rows) if row["largest_difference"] > LARGEST_REDUCTION_ERROR)
    return Records("reductions", "Reduction against inversion", lead, REDUCTION_COLUMNS, rows, marked=marked)


def _reduction_row(small: str, large: str, found: Mapping[str, ReductionCheck]) -> dict[str, Any]:
    visits, checks = list(found), list(found.values())
    differences = np.abs([check.difference for check in checks])
    worst = int(differences.argmax())
    return {
        "model": small,
        "reduced_from": large,
        "visits": len(visits),
        "inverted": float(sum(check.inverted for check in checks)),
        "reduced": float(sum(check.reduced for check in checks)),
        "largest_difference": float(differences[worst]),
        "largest_at": visits[worst],
        "furthest_mean": max(check.furthest for check in checks),
    }
