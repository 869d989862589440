"""The pictures of the group level, each with what to look for in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from dcm import Spec
from peb import MEAN, ArmComparison, Comparison, CrossValidation, FamilyComparison, GroupPosterior, Permutation, Search

from ..figures import (
    arm_densities,
    arm_figure,
    effects_figure,
    influence_figure,
    leave_one_out_figure,
    matrix_figure,
    permutation_figure,
    posterior_figure,
    probability_figure,
    search_figure,
)
from ..page import Picture, Section, slug
from ..results import connections, per_covariate
from ..verdicts import CovariateVerdict
from ._effect_numbers import effect_numbers

MANY = 12  # models, whose names a heat map has no room for


def effects_section(group: GroupPosterior, spec: Spec | None, judged: Mapping[str, CovariateVerdict]) -> Section:
    """Every effect with its interval and its verdict, and the P(effect > 0) that this is from."""
    above = np.stack([judged[covariate].above_zero for covariate in group.design.covariates], axis=1)
    shown, called = effect_numbers(group, judged), _called(group, judged)
    names, covariates = group.parameters, group.design.covariates
    return Section(
        "Effects on connections",
        "The mean is what participants have in common; the effect of a covariate is the change for one unit of it.",
        (
            Picture(
                "effects",
                "Effects with 90 % intervals",
                "Filled: the verdict is yes. The colour is the sign. An interval may exclude zero and the verdict be "
                "open: the more connections are asked about, the surer each must be. A narrow interval around zero is "
                "news too: there is little to find there.",
                effects_figure(
                    names, covariates, shown.mean, shown.sd, spec=spec, interval=shown.interval, called=called
                ),
            ),
            Picture(
                "probabilities",
                "How probable each effect is",
                "The share of the posterior above zero: near 1 or 0 for a sure effect, around ½ where the data do not "
                "tell its sign. Beyond the lines the verdict is yes; they lie the further out the more connections are "
                "asked about.",
                probability_figure(names, covariates, above, definition="posterior beyond zero", spec=spec),
            ),
        ),
    )


def _called(group: GroupPosterior, judged: Mapping[str, CovariateVerdict]) -> np.ndarray:
    """(parameter, covariate), whether the verdict is yes."""
    return np.array([[one == "yes" for one in judged[covariate].found.each] for covariate in group.design.covariates]).T


def matrices_section(
    group: GroupPosterior, spec: Spec | None, judged: Mapping[str, CovariateVerdict]
) -> Section | None:
    """Connectivity as matrices, one picture for each covariate; None where the group is not over a DCM's A or B."""
    if spec is None or not {"A", "B"} & set(group.fields):
        return None
    shown, called = effect_numbers(group, judged), _called(group, judged)
    drawn = tuple(
        Picture(
            f"matrix-{slug(covariate)}-{k}",
            f"{covariate}: from the column's region to the row's",
            "Bold and deep: the verdict is yes. Hatched: not in the model. The diagonal is the "
            "log scale of a "
            "region's self-inhibition: above zero means more of it.",
            matrix_figure(
                group.parameters,
                shown.mean[:, k],
                shown.sd[:, k],
                spec,
                covariate=covariate,
                interval=shown.interval[:, k],
                called=called[:, k],
            ),
        )
        for k, covariate in enumerate(group.design.covariates)
    )
    return Section("Connectivity", "The same effects, laid out by region.", drawn)


def arms_section(
    comparisons: Sequence[ArmComparison],
    spec: Spec | None,
    draws: Callable[[ArmComparison, int], Sequence[np.ndarray | None]] = lambda comparison, i: (None, None, None),
) -> Section:
    """One picture for each covariate and connection: both arms, and their difference.

    `draws(comparison, i)` gives a sampler's draws of the first arm's, the second's effect on parameter i, and of their
    difference, where there are any.
    """
    drawn = []
    for number, comparison in enumerate(comparisons):
        for i, connection in enumerate(connections(comparison.parameters, spec)):
            first, second, difference = arm_densities(comparison, i, draws(comparison, i))
            about = "mean" if comparison.covariate == MEAN else f"effect of {comparison.covariate}"
            drawn.append(
                Picture(
                    f"arms-{number}-{slug(comparison.covariate)}-{i}",
                    f"{connection.words}: {about}",
                    "Above, what is believed of the effect in each arm; below, of the difference. The further "
                    "the lower curve lies to one side of zero, the surer the arms differ. Where there are draws, "
                    "they are of one group of both arms.",
                    arm_figure(
                        [first, second],
                        difference,
                        effect=f"{connection.words}, {about}",
                        unit=per_covariate(connection.unit, comparison.covariate),
                    ),
                )
            )
    lead = "The posterior in each arm and of the difference, connection by connection."
    return Section("Arms beside each other", lead, tuple(drawn))


def influence_section(group: GroupPosterior, spec: Spec | None) -> Section | None:
    """Who counts for how much; None where all count alike."""
    if group.influence is None:
        return None
    return Section(
        "Influence of participants",
        "A participant who lies far from what the others and the design expect is heeded less, connection by "
        "connection.",
        (
            Picture(
                "influence",
                "Who pulls, and how much",
                "1 is the weight that a participant's own precision deserves. Named: below a half somewhere; look at "
                "these participants' data.",
                influence_figure(group.design.participants, group.parameters, group.influence, spec=spec),
            ),
        ),
    )


def prediction_section(found: CrossValidation, centre: float) -> Section:
    """Predicted against actual values of participants left out, with what the design took off them."""
    return Section(
        "Prediction of participants left out",
        "Each participant's value is estimated from connectivity alone, by a group that never saw this participant.",
        (
            Picture(
                "left-out",
                f"{found.covariate}: estimated and actual",
                "Points on the dashed line are estimated right. What counts is that points rise from left to "
                "right beyond "
                "chance; estimates are drawn toward the mean where connectivity tells little.",
                leave_one_out_figure(
                    found.actual + centre,
                    found.estimate + centre,
                    np.sqrt(found.variance),
                    covariate=found.covariate,
                    correlation=found.correlation,
                    p_value=found.p_value,
                    shuffles=None if found.shuffled is None else found.shuffled.size,
                ),
            ),
        ),
    )


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


def search_section(found: Search, spec: Spec | None) -> Section:
    """What the search dropped and kept."""
    energy = [0.0, *(one.free_energy for one in found.rounds)]
    rounds = [one for one in found.rounds if one.dropped]
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
                    [one.dropped for one in rounds],
                    [after - before for before, after in pairwise(energy)][: len(rounds)],
                    found.probability[seen],
                    spec=spec,
                ),
            ),
        ),
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
