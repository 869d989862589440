"""The participants: who they are, how their symptoms change, and what is planted in their brains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from dcm import Parameters

from ._circuit import draw_connectivity
from ._clinic import CLINIC, Clinic, draw_clinic
from ._design import ARMS, Arm, StudyDesign
from ._signals import Responses, draw_responses

CLUSTERS: Mapping[str, float] = {"intrusion": 0.25, "avoidance": 0.1, "mood": 0.35, "arousal": 0.3}
"""Symptom clusters of the score and each one's usual share of it."""
BASELINE = (37.0, 6.0)  # mean and standard deviation of the score before treatment, points
LEAST = 32  # of the score before treatment, points; leaves room for the greatest improvement


@dataclass(frozen=True, eq=False)
class Person:
    """One participant.

    Fields:
        number, name: such as 1 and ``sub-01``.
        arm: the treatment.
        age, sex: years; F or M.
        clusters: of the symptom score before and after treatment, points.
        connectivity: planted before and after treatment.
        responses: planted before and after treatment.
        clinic: what else was recorded.
    """

    number: int
    name: str
    arm: Arm
    age: int
    sex: str
    clusters: tuple[Mapping[str, int], Mapping[str, int]]
    connectivity: tuple[Parameters, Parameters]
    responses: tuple[Responses, Responses]
    clinic: Clinic

    @property
    def totals(self) -> tuple[int, int]:
        """The symptom score before and after treatment, points."""
        before, after = (sum(points.values()) for points in self.clusters)
        return before, after

    @property
    def improvement(self) -> int:
        """Fall of the symptom score, points."""
        before, after = self.totals
        return before - after


def draw_people(design: StudyDesign, seed: int) -> tuple[Person, ...]:
    """Everybody, ketamine's arm first.

    Improvements are the evenly spaced quantiles of one normal distribution in each arm, dealt out by chance: the arms
    span the same, so that whether slopes can be told does not hang on the seed.
    """
    rng = np.random.default_rng([seed, 0])
    improvements = np.concatenate([_dealt(design, design.size(arm), rng) for arm in ARMS])
    pairs = zip(design.people(), improvements.tolist(), strict=True)
    return tuple(_draw_person(design, number, arm, improvement, seed) for (number, arm), improvement in pairs)


def _dealt(design: StudyDesign, count: int, rng: np.random.Generator) -> np.ndarray:
    spread = stats.norm.ppf((np.arange(count) + 0.5) / count)
    return rng.permutation(design.improvement_mean + design.improvement_sd * spread)


def _draw_person(design: StudyDesign, number: int, arm: Arm, improvement: float, seed: int) -> Person:
    rng = np.random.default_rng([seed, number])
    before = max(LEAST, round(rng.normal(*BASELINE)))
    after = before - round(improvement)
    return Person(
        number,
        f"sub-{number:02d}",
        arm,
        age=int(rng.integers(22, 61)),
        sex=str(rng.choice(["F", "M"])),
        clusters=(_split(before, rng), _split(after, rng)),
        connectivity=draw_connectivity(design, arm, before - after, rng),
        responses=draw_responses(design, arm, before - after, rng),
        clinic=draw_clinic(arm, before - after, np.random.default_rng([seed, number, CLINIC])),
    )


def _split(total: int, rng: np.random.Generator) -> dict[str, int]:
    points = rng.multinomial(total, list(CLUSTERS.values()))
    return dict(zip(CLUSTERS, points.tolist(), strict=True))
