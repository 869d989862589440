"""Permutation test: has a covariate an effect, by shuffling it over participants?"""

from __future__ import annotations

from collections.abc import Sequence

from peb import (
    DesignError,
    PebError,
    Permutation,
    permutation_test,
)

from ..common import UsageError
from ..figures import (
    permutation_figure,
)
from ..page import AnalysisReport, Answer, Column, Picture, Records, Section
from ..results import connections
from ..tables import shuffled_p_cell, shuffled_p_words
from ..verdicts import describe_p_rule, judge_p_value, unbalanced_shuffle_note
from ._arms import unbalanced_kinds
from ._fit_report import group_notices
from ._group_inputs import GroupInputs, design_column
from ._options import mode_words

COLUMNS = (
    Column("covariate", "Covariate"),
    Column("connections", "On"),
    Column("log_bayes_factor", "log Bayes factor, nats", "+.3f"),
    Column("p", "p"),
    Column("p_value", "p, number", ".4f", where="file"),
    Column("permutations", "Permutations", "d"),
    Column("seed", "Seed", "d"),
)


def permute_covariate(
    inputs: GroupInputs, covariate: str, effects: Sequence[str], permutations: int, seed: int
) -> Permutation:
    """The test of a covariate, on all connections that the group explains or on some."""
    inputs.require_rows_of_participants("a permutation test")
    try:
        return permutation_test(
            inputs.estimates,
            inputs.design.in_own_units,  # no Bayes factor depends on them, but SPM12's steps do
            inputs.settings,
            covariate=design_column(inputs, covariate),
            parameters=inputs.chosen,
            effects=list(effects) or None,
            permutations=permutations,
            seed=seed,
        )
    except (DesignError, PebError) as error:
        raise UsageError(str(error)) from error


def report_permutation(inputs: GroupInputs, found: Permutation) -> AnalysisReport:
    """Table, picture and answer of a permutation test."""
    named = ", ".join(connection.words for connection in connections(found.effects, inputs.spec))
    count = found.null.size
    row = {
        "covariate": found.covariate,
        "connections": named,
        "log_bayes_factor": found.statistic,
        "p": shuffled_p_cell(found.p_value, count),
        "p_value": found.p_value,
        "permutations": count,
        "seed": found.seed,
    }
    lead = "log Bayes factor of the model with the effects over the one without, and how often shuffling reaches it. "
    lead += f"p cannot be less than 1 / {1 + count}, whatever the effect."
    uneven = unbalanced_kinds(inputs, found.covariate)
    answer = Answer(
        f"Has {found.covariate} an effect?",
        "open" if uneven else judge_p_value(found.p_value),
        f"{shuffled_p_words(found.p_value, count)}; log Bayes factor {found.statistic:+.2f} nats.".replace(" -", " −"),
        (
            *([unbalanced_shuffle_note(uneven)] if uneven else []),
            f"Tested together, as one question: {named}.",
            "p weighs the effect against chance; the log Bayes factor against its prior, too.",
        ),
    )
    unfinished = (
        [f"{found.unfinished} of {1 + count} fits ended at the limit of iterations."] if found.unfinished else []
    )
    return AnalysisReport(
        name="permutation",
        title=f"Has {found.covariate} an effect on connectivity?",
        subtitle=f"{len(inputs.design.participants)} participants, {count} permutations.",
        answers=(answer,),
        records=(Records("permutation", "Permutation test", lead, COLUMNS, [row]),),
        draw=lambda: (permutation_section(found),),
        facts=(
            (
                "Scheme",
                f"the covariate, cleared of the others, is shuffled; seed {found.seed}; {mode_words(inputs.settings)}",
            ),
            ("Covariates", "; ".join(inputs.design.covariates)),
            ("Verdict", describe_p_rule()),
        ),
        notices=group_notices(inputs, unfinished),
        summary={"null": found.null.tolist(), "notes": list(inputs.notes), "errors": list(inputs.errors)},
    )


def permutation_section(found: Permutation) -> Section:
    """The statistic among its permutations."""
    return Section(
        "Permutation test",
        "How large the evidence for the effect gets when participants and covariate are shuffled.",
        (
            Picture(
                "permutation",
                f"Evidence for an effect of {found.covariate}",
                "The line is what was observed. The more of the histogram lies to its right, the easier chance "
                "alone gives "
                "as much.",
                permutation_figure(
                    found.null,
                    found.statistic,
                    statistic="log Bayes factor, with v without the effect (nats)",
                    p_value=found.p_value,
                ),
            ),
        ),
    )
