"""What a clinic records beside the main score: depression, side effects, treatment days; little of it means anything.

Depression falls with the main score. Nothing else goes with improvement, and nothing here with any image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._design import Arm

CLINIC = 9  # sets these chances apart from those of a person and of each run
DEPRESSION = (30.0, 5.0)  # mean and standard deviation of the score before treatment, points
SHARED, REST_OF_FALL, OWN_SD = 0.6, 3.0, 4.5  # fall of depression: points per point of improvement, and its own
MOST = 60  # points that a depression score can reach
DISSOCIATION = {"ketamine": (12.0, 5.0), "midazolam": (3.0, 2.0)}  # highest during an infusion, points
INFUSIONS = (4, 6)
DAYS = (18, 35)  # between the sessions


@dataclass(frozen=True)
class Clinic:
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


def draw_clinic(arm: Arm, improvement: float, rng: np.random.Generator) -> Clinic:
    """Records of a participant whose main score falls by `improvement` points."""
    before = float(np.clip(rng.normal(*DEPRESSION), 18, MOST))
    fall = REST_OF_FALL + SHARED * improvement + rng.normal(0.0, OWN_SD)
    return Clinic(
        (round(before), round(float(np.clip(before - fall, 0, MOST)))),
        max(0, round(rng.normal(*DISSOCIATION[arm]))),
        int(rng.integers(INFUSIONS[0], INFUSIONS[1] + 1)),
        int(rng.integers(DAYS[0], DAYS[1] + 1)),
        bool(rng.random() < 0.4),
    )
