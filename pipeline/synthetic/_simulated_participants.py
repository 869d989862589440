"""The participants: arm, symptoms, clinical records, and what is planted in their brains.

Depression falls with the main score. No other clinical record is related to improvement, and none to any image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from dcm import Parameters

from ._planted_effects import draw_connectivity
from ._regional_series import Responses, draw_responses
from ._study_design import ARMS, Arm, StudyDesign

CLINICAL_SEED = 9  # sets these chances apart from those of a participant and of each run
DEPRESSION = (30.0, 5.0)  # mean and standard deviation of the score before treatment, points
SHARED, REST_OF_FALL, OWN_SD = 0.6, 3.0, 4.5  # fall of depression: points per point of improvement, and its own
MOST_DEPRESSION = 60  # points that a depression score can reach
DISSOCIATION = {"ketamine": (12.0, 5.0), "midazolam": (3.0, 2.0)}  # highest during an infusion, points
INFUSIONS = (4, 6)
DAYS = (18, 35)  # between the sessions


@dataclass(frozen=True)
class ClinicalRecord:
    """One participant's other records.

    Fields:
        depression: score before and after treatment, points.
        dissociation: highest score of this side effect during an infusion, points.
        infusions: how many were given.
        days: between the sessions.
        medication: whether psychiatric medication was taken.
    """

    depression: tuple[int, int]
    dissociation: int
    infusions: int
    days: int
    medication: bool


def draw_clinical_record(arm: Arm, improvement: float, rng: np.random.Generator) -> ClinicalRecord:
    """Records of a participant whose main score falls by `improvement` points."""
    before = float(np.clip(rng.normal(*DEPRESSION), 18, MOST_DEPRESSION))
    fall = REST_OF_FALL + SHARED * improvement + rng.normal(0.0, OWN_SD)
    return ClinicalRecord(
        (round(before), round(float(np.clip(before - fall, 0, MOST_DEPRESSION)))),
        max(0, round(rng.normal(*DISSOCIATION[arm]))),
        int(rng.integers(INFUSIONS[0], INFUSIONS[1] + 1)),
        int(rng.integers(DAYS[0], DAYS[1] + 1)),
        bool(rng.random() < 0.4),
    )


SYMPTOM_CLUSTERS: Mapping[str, float] = {"intrusion": 0.25, "avoidance": 0.1, "mood": 0.35, "arousal": 0.3}
"""Symptom clusters of the score and each one's usual share of it."""
BASELINE_SCORE = (37.0, 6.0)  # mean and standard deviation of the score before treatment, points
LEAST_BASELINE = 32  # of the score before treatment, points; leaves room for the greatest improvement


@dataclass(frozen=True, eq=False)
class SimulatedParticipant:
    """One participant.

    Fields:
        number, name: such as 1 and ``sub-01``.
        arm: the treatment.
        age, sex: years; F or M.
        clusters: of the symptom score before and after treatment, points.
        connectivity: planted before and after treatment.
        responses: planted before and after treatment.
        clinical: what else was recorded.
    """

    number: int
    name: str
    arm: Arm
    age: int
    sex: str
    clusters: tuple[Mapping[str, int], Mapping[str, int]]
    connectivity: tuple[Parameters, Parameters]
    responses: tuple[Responses, Responses]
    clinical: ClinicalRecord

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


def draw_participants(design: StudyDesign, seed: int) -> tuple[SimulatedParticipant, ...]:
    """All participants, ketamine's arm first.

    Improvements are the evenly spaced quantiles of one normal distribution in each arm, dealt out by chance: the arms
    span the same, so that whether slopes can be estimated does not depend on the seed.
    """
    rng = np.random.default_rng([seed, 0])
    improvements = np.concatenate([_spread_improvements(design, design.size(arm), rng) for arm in ARMS])
    pairs = zip(design.participants(), improvements.tolist(), strict=True)
    return tuple(_draw_participant(design, number, arm, improvement, seed) for (number, arm), improvement in pairs)


def _spread_improvements(design: StudyDesign, count: int, rng: np.random.Generator) -> np.ndarray:
    spread = stats.norm.ppf((np.arange(count) + 0.5) / count)
    return rng.permutation(design.improvement_mean + design.improvement_sd * spread)


def _draw_participant(
    design: StudyDesign, number: int, arm: Arm, improvement: float, seed: int
) -> SimulatedParticipant:
    rng = np.random.default_rng([seed, number])
    before = max(LEAST_BASELINE, round(rng.normal(*BASELINE_SCORE)))
    after = before - round(improvement)
    return SimulatedParticipant(
        number,
        f"sub-{number:02d}",
        arm,
        age=int(rng.integers(22, 61)),
        sex=str(rng.choice(["F", "M"])),
        clusters=(_split_by_cluster(before, rng), _split_by_cluster(after, rng)),
        connectivity=draw_connectivity(design, arm, before - after, rng),
        responses=draw_responses(design, arm, before - after, rng),
        clinical=draw_clinical_record(arm, before - after, np.random.default_rng([seed, number, CLINICAL_SEED])),
    )


def _split_by_cluster(total: int, rng: np.random.Generator) -> dict[str, int]:
    points = rng.multinomial(total, list(SYMPTOM_CLUSTERS.values()))
    return dict(zip(SYMPTOM_CLUSTERS, points.tolist(), strict=True))
