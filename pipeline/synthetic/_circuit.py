"""The circuit of vmPFC and amygdala: the model that makes the faces runs, and what is planted in each participant.

Inputs are 0 or 1, as presented: A is the connectivity while nothing is shown, B what faces add to it. Faces change both
connections between the regions (B, Hz), and that change is tied to the improvement of symptoms: B of amygdala ← vmPFC
falls with improvement under ketamine only, B of vmPFC ← amygdala in both arms.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from dcm import Parameters, Spec

from ._design import AMYGDALA, VMPFC, Arm, StudyDesign

REGIONS = ("vmPFC", "amygdala")
INPUTS = ("task", "faces")
TASK, FACES = 0, 1

SELF_SD, HAEMODYNAMIC_SD = 1 / 8, 1 / 16  # log scale; the prior's own, as no run says much about these parameters
DAMPING = 0.1  # 1/s; the least rate at which planted activity dies away, with faces and without


def circuit() -> Spec:
    """The study's model: A full, B(faces) on both connections between the regions, C(task) on both regions."""
    b = np.zeros((2, 2, 2))
    b[VMPFC, AMYGDALA, FACES] = b[AMYGDALA, VMPFC, FACES] = 1
    c = np.zeros((2, 2))
    c[:, TASK] = 1
    return Spec(REGIONS, INPUTS, np.ones((2, 2)), b, c)


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
        if all(_damping(planted) > DAMPING for planted in (before, after)):
            return before, after


def modulation_name(to: int) -> str:
    """The parameter by which faces change the connection to a region from the other one."""
    return f"B[{REGIONS[to]}<-{REGIONS[1 - to]}, {INPUTS[FACES]}]"


def _parameters(A: np.ndarray, modulation: np.ndarray, drive: np.ndarray, haemodynamics: np.ndarray) -> Parameters:
    B, C = np.zeros((2, 2, 2)), np.zeros((2, 2))
    B[VMPFC, AMYGDALA, FACES], B[AMYGDALA, VMPFC, FACES] = modulation
    C[:, TASK] = drive
    transit, decay, epsilon = haemodynamics[:2], haemodynamics[2], haemodynamics[3]
    return Parameters(*map(jnp.asarray, (A, B, C, np.zeros((2, 2, 2)), transit, decay, epsilon)))


def _damping(planted: Parameters) -> float:
    """Rate, 1/s, at which the slowest pattern of activity dies away, in the worse of faces on and faces off."""
    rates = []
    for faces in (0.0, 1.0):
        E = np.asarray(planted.A) + faces * np.asarray(planted.B)[:, :, FACES]
        np.fill_diagonal(E, -0.5 * np.exp(np.diag(np.asarray(planted.A))))
        rates.append(-np.linalg.eigvals(E).real.max())
    return float(min(rates))
