"""A greedy search through a group's effects for those that earn their place (Friston & Penny 2011).

In each round every effect is dropped by itself; the 8 that are least missed (all, if there are no more) are compared in
all 2^8 on/off combinations, and what the best combination lacks is dropped for good. The last round is that in which
nothing would be dropped, or in which no more than 8 effects (or a quarter of all) are left: it drops nothing, and its
combinations give probabilities and the average.

Where a group follows SPM12 (`compat`), effects of very small prior variance beside the others are not searched
(`unseen`, see `_average.reducible_effects`): they stay in every model, integrated out, yet are reported as SPM12 does,
as 0 with probability 0. Every other mode searches every effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from dcm import NormalMixture, one_blas_thread
from dcm.tables import DataFrame, counted, data_frame, density_columns, html_table, short_repr

from ._average import WINDOW, average_of_switches, probabilities, reducible_effects
from ._comparison import every_combination
from ._gaussian import Gaussian
from ._group import GroupPosterior
from ._reduction import ProbabilityKind

CANDIDATES = 8  # at most, compared in all combinations


@dataclass(frozen=True, eq=False)
class SearchRound:
    """One round of a search.

    Fields:
        candidates: the effects compared in all combinations, the least missed first.
        missed: (candidate,) ln p(y | all that is left) − ln p(y | all but this one), nats; negative where the model is
            better without.
        dropped: those of them that the best combination lacks.
        free_energy: of the best combination, relative to the full model, nats.
    """

    candidates: tuple[str, ...]
    missed: Float[np.ndarray, "candidate"]
    dropped: tuple[str, ...]
    free_energy: float

    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class Search:
    """Where a search ended.

    Fields (E effects; c candidates of the last round, n = 2^c combinations of them):
        effects: E names, those of the group.
        probability: (E,) of each effect, of the kind "free energy, with v without" over the combinations of the last
            round; 0 where dropped or unseen, 1 where kept and not among the candidates of the last round.
        kept: (E,) whether the best combination of the last round has an effect; unseen ones are not counted.
        unseen: effects that SPM12's convention does not search, integrated out; none outside SPM's modes.
        candidates: c names, the least missed first.
        switches: (n, c) the combinations.
        free_energy: (n,) of each, relative to the full model, nats.
        combination_probability: (n,) of each, all as likely a priori.
        average: over the combinations, over all E effects.
        rounds: what was dropped, in order; the last drops nothing.
    """

    effects: tuple[str, ...]
    probability: Float[np.ndarray, "effect"]
    kept: Bool[np.ndarray, "effect"]
    unseen: tuple[str, ...]
    candidates: tuple[str, ...]
    switches: Bool[np.ndarray, "combination candidate"]
    free_energy: Float[np.ndarray, "combination"]
    combination_probability: Float[np.ndarray, "combination"]
    average: Gaussian
    rounds: tuple[SearchRound, ...]

    def summary(self, level: float = 0.9) -> DataFrame:
        """One row an effect, over the last round's average: effect, mean, sd, lower, upper, probability, kept.

        `lower` and `upper` are the central interval that holds `level`; `probability` is of the kind "free energy,
        with v without".
        """
        columns = density_columns(NormalMixture.normal(self.average.mean, self.average.sd), level)
        columns |= {"probability": self.probability, "kept": self.kept}
        return data_frame({"effect": self.effects, **columns})

    def __repr__(self) -> str:
        rounds = counted(len(self.rounds), "round")
        return f"Search({int(self.kept.sum())} of {len(self.effects)} effects kept in {rounds})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.summary().sort_values("probability", ascending=False, kind="stable"))

    kind: ClassVar[ProbabilityKind] = "free energy, with v without"


@dataclass(frozen=True, eq=False)
class _ScoredCombinations:
    """All combinations of some effects, the others as they are."""

    places: Int[np.ndarray, "candidate"]
    missed: Float[np.ndarray, "candidate"]
    patterns: Bool[np.ndarray, "combination effect"]
    free_energy: Float[np.ndarray, "combination"]

    @property
    def best(self) -> Bool[np.ndarray, "effect"]:
        return np.asarray(self.patterns[self.free_energy.argmax()])

    @property
    def dropped(self) -> Int[np.ndarray, "dropped"]:
        return self.places[~self.best[self.places]]


@one_blas_thread()
def search(group: GroupPosterior, *, window: float = WINDOW) -> Search:
    """Drop the effects that the evidence does not ask for, of all covariates alike.

    Arguments:
        group: the full model.
        window: nats below the best combination of the last round from which one is left out of the average.

    Every run is the same: ties go to the effect and the combination that come first.

    Source: Friston & Penny 2011.
    """
    reducible = reducible_effects(group)
    few = max(int(reducible.sum()) // 4, CANDIDATES)
    on, rounds = np.ones_like(reducible), list[SearchRound]()
    while True:
        left = np.flatnonzero(on & reducible)
        scored = _score(group, on, left)
        last = left.size <= few or scored.dropped.size == 0
        rounds.append(_described(group, scored, last))
        if last:
            break
        on = scored.best
    probability = probabilities(scored.free_energy)
    return Search(
        effects=group.effects,
        probability=np.where(reducible, np.clip(probability @ scored.patterns, 0.0, 1.0), 0.0),
        kept=scored.best & reducible,
        unseen=_named(group, np.flatnonzero(~reducible)),
        candidates=_named(group, scored.places),
        switches=scored.patterns[:, scored.places],
        free_energy=scored.free_energy,
        combination_probability=probability,
        average=average_of_switches(group, scored.patterns, scored.free_energy, window),
        rounds=tuple(rounds),
    )


def _score(group: GroupPosterior, on: Bool[np.ndarray, "effect"], left: Int[np.ndarray, "left"]) -> _ScoredCombinations:
    """The evidence of all combinations of the effects least missed among those left."""
    missed = group.evidence_lost_by_each(on, left)
    order = np.argsort(missed, kind="stable")[:CANDIDATES]
    combinations = every_combination(order.size)
    patterns = np.tile(on, (len(combinations), 1))
    patterns[:, left[order]] = combinations
    free_energy = group.evidence_of(patterns)
    return _ScoredCombinations(left[order], missed[order], patterns, free_energy)


def _described(group: GroupPosterior, scored: _ScoredCombinations, last: bool) -> SearchRound:
    dropped = () if last else _named(group, scored.dropped)
    return SearchRound(_named(group, scored.places), scored.missed, dropped, float(scored.free_energy.max()))


def _named(group: GroupPosterior, places: np.ndarray) -> tuple[str, ...]:
    return tuple(group.effects[i] for i in places)
