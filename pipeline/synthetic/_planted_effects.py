"""What is planted: the DCM of vmPFC and amygdala that makes the faces runs, and the measures that treatment changes.

Inputs are 0 or 1, as presented: A is the connectivity while nothing is shown, B what faces add to it. Faces change both
connections between the regions (B, Hz), and that change is tied to the improvement of symptoms: B of amygdala ← vmPFC
falls with improvement under ketamine only, B of vmPFC ← amygdala in both arms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from dcm import Parameters, Spec

from ._study_design import AMYGDALA, ARMS, VMPFC, Arm, StudyDesign

CIRCUIT_REGIONS = ("vmPFC", "amygdala")
CIRCUIT_INPUTS = ("task", "faces")
TASK, FACES = 0, 1

SELF_SD, HAEMODYNAMIC_SD = 1 / 8, 1 / 16  # log scale; the prior's own, as no run says much about these parameters
LEAST_DECAY = 0.1  # 1/s; the least rate at which planted activity dies away, with faces and without


def circuit_model() -> Spec:
    """The study's model: A full, B(faces) on both connections between the regions, C(task) on both regions."""
    b = np.zeros((2, 2, 2))
    b[VMPFC, AMYGDALA, FACES] = b[AMYGDALA, VMPFC, FACES] = 1
    c = np.zeros((2, 2))
    c[:, TASK] = 1
    return Spec(CIRCUIT_REGIONS, CIRCUIT_INPUTS, np.ones((2, 2)), b, c)


def draw_connectivity(
    design: StudyDesign, arm: Arm, improvement: float, rng: np.random.Generator
) -> tuple[Parameters, Parameters]:
    """Planted parameters of one participant before and after treatment, drawn again where activity would run away."""
    while True:
        A = rng.normal([[0.0, 0.1], [0.15, 0.0]], [[SELF_SD, 0.1], [0.1, SELF_SD]])  # Hz; log scale on the diagonal
        modulation = rng.normal([0.45, 0.0], 0.2)  # Hz, by faces: vmPFC ← amygdala, amygdala ← vmPFC
        drive = rng.normal([0.3, 0.45], 0.08)  # C, Hz · 16
        haemodynamics = rng.normal(0.0, HAEMODYNAMIC_SD, size=4)
        slopes = np.array([design.slope(VMPFC, arm), design.slope(AMYGDALA, arm)])
        change = slopes * improvement + rng.normal(0.0, design.scatter, size=2)
        retest = rng.normal(0.0, 0.03, size=(2, 2))  # A differs a little from day to day, whatever the treatment
        before = _parameters(A, modulation, drive, haemodynamics)
        after = _parameters(A + retest, modulation + change, drive, haemodynamics)
        if all(_slowest_decay(planted) > LEAST_DECAY for planted in (before, after)):
            return before, after


def modulation_name(to: int) -> str:
    """The parameter by which faces change the connection to a region from the other one."""
    return f"B[{CIRCUIT_REGIONS[to]}<-{CIRCUIT_REGIONS[1 - to]}, {CIRCUIT_INPUTS[FACES]}]"


def _parameters(A: np.ndarray, modulation: np.ndarray, drive: np.ndarray, haemodynamics: np.ndarray) -> Parameters:
    B, C = np.zeros((2, 2, 2)), np.zeros((2, 2))
    B[VMPFC, AMYGDALA, FACES], B[AMYGDALA, VMPFC, FACES] = modulation
    C[:, TASK] = drive
    transit, decay, epsilon = haemodynamics[:2], haemodynamics[2], haemodynamics[3]
    return Parameters(*map(jnp.asarray, (A, B, C, np.zeros((2, 2, 2)), transit, decay, epsilon)))


def _slowest_decay(planted: Parameters) -> float:
    """Rate, 1/s, at which the slowest pattern of activity dies away, in the worse of faces on and faces off."""
    rates = []
    for faces in (0.0, 1.0):
        E = np.asarray(planted.A) + faces * np.asarray(planted.B)[:, :, FACES]
        np.fill_diagonal(E, -0.5 * np.exp(np.diag(np.asarray(planted.A))))
        rates.append(-np.linalg.eigvals(E).real.max())
    return float(min(rates))


FACES_CONTRAST, STROOP_CONTRAST = "faces-over-shapes", "conflict"  # as the configuration calls them
CONNECTION_EFFECT = f"connection of {CIRCUIT_REGIONS[VMPFC]} and {CIRCUIT_REGIONS[AMYGDALA]}"


@dataclass(frozen=True)
class PlantedMeasure:
    """A column of the table of measures whose change was planted as a function of improvement.

    Fields:
        measure: name of the column.
        effect: what was planted, in words; several measures can show the same.
        quantity: what was changed in the brains, such as a parameter of the DCM.
        slopes: arm → change of that quantity per point of improvement.
        unit: of the quantity.
    """

    measure: str
    effect: str
    quantity: str
    slopes: Mapping[str, float]
    unit: str

    def predictor_signs(self, arms: tuple[str, str]) -> dict[str, float]:
        """Predictor of a change score → the sign its coefficient should have, +1 or −1.

        Where arms are coded +1 and −1 and slopes are a and b, the change has slope (a + b)/2 on improvement, and its
        product with the arm as (a − b)/2; one that is zero is no planted predictor.
        """
        first, second = (self.slopes[arm] for arm in arms)
        change = f"change({self.measure})"
        halves = {change: first + second, f"arm × {change}": first - second}
        return {term: 1.0 if value > 0 else -1.0 for term, value in halves.items() if value}


def planted_measures(design: StudyDesign) -> tuple[PlantedMeasure, ...]:
    """Those of the tasks that are part of the study, the circuit's first."""
    connections = [(to, CIRCUIT_REGIONS[to], CIRCUIT_REGIONS[1 - to]) for to in (AMYGDALA, VMPFC)]
    names = (f"gppi_faces_{FACES_CONTRAST}", f"dcm_B_{CIRCUIT_INPUTS[1]}")
    circuit_model = [
        _planted_measure(
            f"{name}_{target}_from_{source}",
            CONNECTION_EFFECT,
            modulation_name(to),
            "Hz",
            [design.slope(to, arm) for arm in ARMS],
        )
        for name in names
        for to, target, source in connections
    ]
    responses = [
        _planted_measure(
            f"response_stroop_{STROOP_CONTRAST}_{region}",
            f"{region}'s response to conflict",
            f"response of {region}, incongruent − congruent",
            "percent",
            [design.response_slope(region, arm) for arm in ARMS],
        )
        for region in ("dACC", "rACC")
    ]
    return (*circuit_model, *(responses if "stroop" in design.tasks else ()))


def _planted_measure(measure: str, effect: str, quantity: str, unit: str, slopes: list[float]) -> PlantedMeasure:
    return PlantedMeasure(measure, effect, quantity, dict(zip(ARMS, slopes, strict=True)), unit)
