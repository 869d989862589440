"""Alternative models of every visit, compared by their evidence: which structure, before what it says is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from peb import RandomEffects, random_effects

from ..common import release
from ..execution import Unit, UnitRecorder
from ..figures import BLUE, MUTED, new_figure, plain, style
from ..page import PROBABILITY, Answer, Column, Delivery, Picture, Records, Section, store_delivery
from ..results import read_posterior
from ..verdicts import judge_model, model_rule_words
from ._layout import Layout
from ._reductions import reduction_records

NAME = "models"
SPM_EVIDENCE = (
    "this F takes the noise for independent from scan to scan and close to 5 % of the series' range, so that "
    "where noise is otherwise it may favour the wrong model by several nats."
)

COLUMNS = (
    Column("model", "Model"),
    Column("frequency", "Expected share of participants", PROBABILITY),
    Column("exceedance", "P(most frequent)", PROBABILITY),
    Column("protected_exceedance", "protected", PROBABILITY),
    Column("log_evidence", "Evidence less the best's, nats", ".1f"),
    Column("participants", "Participants", "d", where="file"),
)


@dataclass(frozen=True)
class Comparing:
    """The posteriors of every model, by visit, as a worker gets them."""

    posteriors: Mapping[str, Mapping[str, Path]]
    folder: Path


def model_units(posteriors: Mapping[str, Mapping[str, Path]], layout: Layout) -> list[Unit]:
    """One unit where there are alternatives, none otherwise.

    Arguments:
        posteriors: model → visit → file.
    """
    if len(posteriors) < 2:
        return []
    inputs = tuple(path for visits in posteriors.values() for path in visits.values())
    recipe = {
        "visits": {model: list(visits) for model, visits in posteriors.items()},
        **{package: release(package) for package in ("effconn", "numpy", "scipy", "matplotlib")},
    }
    return [Unit("group", NAME, recipe, inputs, Comparing(posteriors, layout.group(NAME)))]


def compare_models(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Compare, and write everything handed over. The work of this stage."""
    for unit in units:
        job: Comparing = unit.payload
        try:
            people, evidence, mode = _evidence(job.posteriors)
            found = random_effects(evidence)
            reductions = reduction_records(job.posteriors)
        except ValueError as error:
            recorder.failed(unit, str(error))
            continue
        delivery = _deliver(list(job.posteriors), people, evidence, found, mode, reductions)
        recorder.done(unit, store_delivery(delivery, job.folder))


def _evidence(posteriors: Mapping[str, Mapping[str, Path]]) -> tuple[list[str], np.ndarray, str]:
    """Participants, (participant, model) the evidence summed over the visits that every model has, nats, and the mode.

    In SPM's modes it is F with the noise at its optimum: SPM's steps end up to hundreds of nats from it, by chance.

    Raises `ValueError` where models were inverted in different modes, whose F are of different noise and priors.
    """
    shared = set.intersection(*(set(visits) for visits in posteriors.values()))
    visits = [visit for visit in next(iter(posteriors.values())) if visit in shared]
    if not visits:
        raise ValueError("no visit has a posterior of every model; see the failures of the invert stage")
    people = list(dict.fromkeys(visit.split("_")[0] for visit in visits))
    evidence = np.zeros((len(people), len(posteriors)))
    modes: dict[str, str] = {}
    for column, (model, files) in enumerate(posteriors.items()):
        for visit in visits:
            posterior, _ = read_posterior(files[visit])
            evidence[people.index(visit.split("_")[0]), column] += posterior.settled_free_energy
            modes.setdefault(posterior.mode, f"{model} of {visit}")
    if len(modes) > 1:
        made = "; ".join(f"{where}: mode {mode}" for mode, where in modes.items())
        raise ValueError(f"models were inverted in different modes ({made}), so that their F do not compare; run again")
    return people, evidence, next(iter(modes))


def _deliver(
    models: list[str],
    people: list[str],
    evidence: np.ndarray,
    found: RandomEffects,
    mode: str,
    reductions: Records | None,
) -> Delivery:
    total = evidence.sum(axis=0)
    rows: list[dict[str, Any]] = [
        {
            "model": model,
            "frequency": float(found.frequency[i]),
            "exceedance": float(found.exceedance[i]),
            "protected_exceedance": float(found.protected_exceedance[i]),
            "log_evidence": float(total[i] - total.max()),
            "participants": len(people),
        }
        for i, model in enumerate(models)
    ]
    each = Records(
        "model-evidence",
        "Evidence of every model, by participant",
        "Free energy summed over a participant's visits, less that of the participant's best model, nats.",
        (Column("participant_id", "Participant"), *(Column(model, model, ".2f") for model in models)),
        [
            {"participant_id": who, **dict(zip(models, (row - row.max()).tolist(), strict=True))}
            for who, row in zip(people, evidence, strict=True)
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
    return Delivery(
        name=NAME,
        title=f"{len(models)} models of {len(people)} participants",
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
            ("Verdict", model_rule_words()),
        ),
        summary={"participants_used": people, "omnibus_risk": found.omnibus_risk},
    )


def _answer(models: list[str], found: RandomEffects) -> Answer:
    best = int(np.argmax(found.protected_exceedance))
    chance = float(found.protected_exceedance[best])
    said = f"{models[best]}: protected probability of being the most frequent {chance:.2f}"
    share = f", expected in {found.frequency[best]:.0%} of participants."
    rest = "The other analyses rest on the model called main, whichever is best here."
    return Answer("Which model is most people's?", judge_model(chance), said + share, (rest,))


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
        axes.set_yticks(rows, [plain(name) for name in models])
        axes.set_xlim(0, 1.02)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)
    return figure
