"""A search for the effects that the evidence asks for, and its report."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from dcm import Spec
from peb import (
    GroupPosterior,
    Search,
    search,
)

from ..common import first_names
from ..figures import (
    search_figure,
)
from ..page import AnalysisReport, Column, Picture, Records, Section
from ..results import connections
from ..verdicts import judge_group
from ._arms import compare_kinds
from ._comparison import save_average, unseen_warnings
from ._effect_tables import average_records, effect_records
from ._fit import fit_group
from ._fit_report import effect_answers, facts, group_notices, summary, verdicts_summary
from ._group_inputs import GroupInputs


def search_models(inputs: GroupInputs) -> tuple[GroupPosterior, Search, tuple[str, ...]]:
    """Fit the full group and drop what the evidence does not ask for."""
    group, warnings = fit_group(inputs)
    return group, search(group), warnings


def report_search(
    inputs: GroupInputs, group: GroupPosterior, found: Search, warnings: tuple[str, ...]
) -> AnalysisReport:
    """Tables, pictures and answers of a search."""
    probability = found.probability.reshape(len(group.design.covariates), -1)
    judged = judge_group(group, compare_kinds(inputs), inputs.smallest_effect)
    effects = effect_records(inputs, group, judged)
    average = average_records(inputs, group, found.average, probability, found.unseen, judged)
    words = {connection.name: connection.words for connection in connections(group.effects, inputs.spec)}
    rounds = [
        {
            "round": i,
            "words": "; ".join(words[name] for name in search_round.dropped) or "none",
            "dropped": "; ".join(search_round.dropped) or "none",
            "free_energy": search_round.free_energy,
        }
        for i, search_round in enumerate(found.rounds, start=1)
    ]
    columns = (
        Column("round", "Round", "d"),
        Column("words", "Dropped"),
        Column("dropped", "Effects", where="file"),
        Column("free_energy", "F beyond the full, nats", "+.2f"),
    )
    return AnalysisReport(
        name="search",
        title=f"What {len(inputs.participants)} participants' connectivity needs",
        subtitle="Effects that the evidence does not ask for are switched off; the rest is averaged over models."
        if len(found.rounds) > 1
        else "So few effects are compared in every combination, none is dropped beforehand, and models are averaged.",
        answers=effect_answers(
            inputs,
            group,
            effects,
            judged,
            {name: _retained_line(name, average.rows) for name in group.design.covariates},
        ),
        records=(
            average,
            replace(effects, brief=False),
            Records("rounds", "Rounds of the search", "F is relative to the full model.", columns, rounds, brief=False),
        ),
        draw=lambda: (search_section(found, inputs.spec),),
        facts=facts(inputs, group),
        notices=group_notices(inputs, (*warnings, *unseen_warnings(found.unseen))),
        summary=summary(inputs, group, warnings)
        | {"unseen": list(found.unseen), "verdicts": verdicts_summary(judged, effects.rows)},
        save=lambda folder: save_average(inputs, group, found.average, probability, folder),
    )


def _retained_line(covariate: str, rows: Any) -> str:
    """What the search keeps of a covariate's effects."""
    own = [row for row in rows if row["covariate"] == covariate]
    if all(np.isnan(row["probability"]) for row in own):
        return "The search did not test them; SPM12's conventions leave them out."
    likely = sorted((row for row in own if row["probability"] >= 0.5), key=lambda row: -row["probability"])
    named = first_names([f"{row['connection']} (Pp {row['probability']:.2f})" for row in likely], 4)
    return f"The search keeps {len(likely)} of {len(own)} as likelier than not{f': {named}' if named else ''}."


def search_section(found: Search, spec: Spec | None) -> Section:
    """What the search dropped and kept."""
    energy = [0.0, *(search_round.free_energy for search_round in found.rounds)]
    rounds = [search_round for search_round in found.rounds if search_round.dropped]
    seen = [i for i, name in enumerate(found.effects) if name not in found.unseen]
    return Section(
        "Search",
        "Effects that the evidence does not ask for are switched off, round by round.",
        (
            Picture(
                "search",
                "What was dropped, and when",
                "Each round's gain in evidence, and the probability of each effect that is left.",
                search_figure(
                    [found.effects[i] for i in seen],
                    [search_round.dropped for search_round in rounds],
                    [after - before for before, after in pairwise(energy)][: len(rounds)],
                    found.probability[seen],
                    spec=spec,
                ),
            ),
        ),
    )
