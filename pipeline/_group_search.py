"""`effconn peb search`: which effects does the evidence ask for?"""

from __future__ import annotations

from typing import Any

import numpy as np

from peb import GroupPosterior, Search, search

from ._connection_names import connections
from ._group_average import average_records, save_average, unseen_warnings
from ._group_delivery import Delivery
from ._group_estimation import STRONG, fit_group
from ._group_fit import facts, notices, summary, verdict_of
from ._peb_inputs import GroupInputs
from ._records import Column, Records
from ._report import Answer, Section
from .common import effect_text


def search_models(inputs: GroupInputs) -> tuple[GroupPosterior, Search, tuple[str, ...]]:
    """Fit the full group and drop what the evidence does not ask for."""
    group, warnings = fit_group(inputs)
    return group, search(group), warnings


def deliver_search(inputs: GroupInputs, group: GroupPosterior, found: Search, warnings: tuple[str, ...]) -> Delivery:
    """Tables, pictures and answers of a search."""
    probability = found.probability.reshape(len(group.design.covariates), -1)
    average = average_records(inputs, group, found.average, probability, found.unseen)
    words = {one.name: one.words for one in connections(group.effects, inputs.spec)}
    rounds = [
        {
            "round": i,
            "words": "; ".join(words[name] for name in one.dropped) or "none",
            "dropped": "; ".join(one.dropped) or "none",
            "free_energy": one.free_energy,
        }
        for i, one in enumerate(found.rounds, start=1)
    ]
    columns = (
        Column("round", "Round", "d"),
        Column("words", "Dropped"),
        Column("dropped", "Effects", where="file"),
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
        notices=notices(inputs, (*warnings, *unseen_warnings(found.unseen))),
        summary=summary(inputs, group, warnings) | {"unseen": list(found.unseen)},
        save=lambda folder: save_average(inputs, group, found.average, probability, folder),
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
        f"{row['connection']} ({effect_text(row['mean'])}, Pp {row['probability']:.2f})" for row in (sure or likely)[:4]
    )
    headline = f"{len(sure)} of {len(own)} surely (Pp ≥ {STRONG:g}), {len(likely)} likelier than not."
    return Answer(f"Which effects of {covariate} are needed?", verdict, headline, (named,) if named else ())


def _search_sections(inputs: GroupInputs, found: Search) -> tuple[Section, ...]:
    from ._group_pictures import search_section

    return (search_section(found, inputs.spec),)
