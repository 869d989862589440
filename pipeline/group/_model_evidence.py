"""Alternative models of every visit compared by their evidence, and how well reduction predicts that evidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from peb import RandomEffects, ReductionCheck, check_reduction, is_nested, random_effects

from ..figures import BLUE, MUTED, literal_text, new_figure, style
from ..page import PROBABILITY, AnalysisReport, Answer, Column, Picture, Records, Section
from ..results import read_posterior
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


def report_model_evidence(posteriors: Mapping[str, Mapping[str, Path]], name: str) -> AnalysisReport:
    """Compare alternative models of the same visits by random effects over participants.

    Arguments:
        posteriors: model → visit → file.
        name: of the analysis.

    Raises `ValueError` where no visit has a posterior of every model, or models were inverted in different modes.
    """
    participants, evidence, mode = _summed_evidence(posteriors)
    reductions = reduction_records(posteriors)
    return _report(name, list(posteriors), participants, evidence, random_effects(evidence), mode, reductions)


def _summed_evidence(posteriors: Mapping[str, Mapping[str, Path]]) -> tuple[list[str], np.ndarray, str]:
    """Participants, (participant, model) the evidence summed over the visits that every model has, nats, and the mode.

    In SPM's modes it is F with the noise at its optimum: SPM's steps end up to hundreds of nats from it, by chance.

    Raises `ValueError` where models were inverted in different modes, whose F are of different noise and priors.
    """
    shared = set.intersection(*(set(visits) for visits in posteriors.values()))
    visits = [visit for visit in next(iter(posteriors.values())) if visit in shared]
    if not visits:
        raise ValueError("no visit has a posterior of every model; see the failures of the invert stage")
    participants = list(dict.fromkeys(visit.split("_")[0] for visit in visits))
    evidence = np.zeros((len(participants), len(posteriors)))
    modes: dict[str, str] = {}
    for column, (model, files) in enumerate(posteriors.items()):
        for visit in visits:
            posterior, _ = read_posterior(files[visit])
            evidence[participants.index(visit.split("_")[0]), column] += posterior.settled_free_energy
            modes.setdefault(posterior.mode, f"{model} of {visit}")
    if len(modes) > 1:
        made = "; ".join(f"{where}: mode {mode}" for mode, where in modes.items())
        raise ValueError(f"models were inverted in different modes ({made}), so that their F do not compare; run again")
    return participants, evidence, next(iter(modes))


def _report(
    name: str,
    models: list[str],
    participants: list[str],
    evidence: np.ndarray,
    found: RandomEffects,
    mode: str,
    reductions: Records | None,
) -> AnalysisReport:
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
    risk = f"{found.omnibus_risk:.3f}"
    kind = "free energies"
    if mode.startswith("spm") or "noise = 'spm" in mode:
        kind = "free energies of SPM's noise, at its optimum"
        lead += f" In mode {mode} {SPM_EVIDENCE}"
    return AnalysisReport(
        name=name,
        title=f"{len(models)} models of {len(participants)} participants",
        subtitle="Which structure the data of all visits speak for.",
        answers=(_answer(models, found),),
        records=(
            Records("models", "Models compared", lead, COLUMNS, rows),
            each,
            *([] if reductions is None else [reductions]),
        ),
        draw=lambda: (_section(models, found),),
        facts=(
            ("Model comparison", f"random effects on {kind}"),
            ("Omnibus risk", risk),
            ("Verdict", describe_model_rule()),
        ),
        summary={"participants_used": participants, "omnibus_risk": found.omnibus_risk},
    )


def _answer(models: list[str], found: RandomEffects) -> Answer:
    best = int(np.argmax(found.protected_exceedance))
    chance = float(found.protected_exceedance[best])
    said = f"{models[best]}: protected probability of being the most frequent {chance:.2f}"
    share = f", expected in {found.frequency[best]:.0%} of participants."
    rest = "The other analyses rest on the model called main, whichever is best here."
    return Answer("Which model do most participants have?", judge_model(chance), said + share, (rest,))


def _section(models: list[str], found: RandomEffects) -> Section:
    caption = (
        "How frequent each model is expected to be among participants (bars), and the protected probability that it is "
        "the most frequent (diamonds). Bars of equal length mean that the data do not choose."
    )
    picture = Picture("models-random-effects", "How frequent each model is", caption, _figure(models, found))
    return Section("Models compared", "Which structure the data of all visits speak for.", (picture,))


def _figure(models: list[str], found: RandomEffects) -> Figure:
    with style():
        figure = new_figure(0.9 + 0.42 * len(models))
        axes = figure.subplots()
        rows = np.arange(len(models))[::-1]
        axes.barh(rows, found.frequency, height=0.55, color=BLUE, label="expected frequency")
        axes.plot(found.protected_exceedance, rows, "D", color=MUTED, label="P(most frequent), protected")
        axes.set_yticks(rows, [literal_text(name) for name in models])
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
