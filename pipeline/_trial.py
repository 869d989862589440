"""A simulated trial: two arms, two sessions, two regions, with connectivity and a treatment effect that are known.

The circuit is vmPFC and amygdala. Participants look at blocks of faces and of shapes before (session 1) and after
(session 2) treatment with ketamine or midazolam. Faces change both connections between the regions (B, Hz), and that
change is tied to the improvement of symptoms: B of amygdala ← vmPFC falls with improvement under ketamine only, B of
vmPFC ← amygdala in both arms. Nobody's data are used; every number comes from the seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dcm import Parameters, Simulation, Spec, simulate

Arm = Literal["ketamine", "midazolam"]

ARMS: tuple[Arm, Arm] = ("ketamine", "midazolam")
REGIONS = ("vmPFC", "amygdala")
INPUTS = ("task", "faces")
VMPFC, AMYGDALA = 0, 1
TASK, FACES = 0, 1

HAEMODYNAMIC_SD = 1 / 16  # log scale; the prior's own, so that planted haemodynamics are ones the model expects
CUTOFF = 128.0  # s; SPM's high-pass filter: slower cosines are confounds
DAMPING = 0.1  # 1/s; the least rate at which planted activity dies away, in shapes and in faces blocks


@dataclass(frozen=True)
class Design:
    """What is planted and how it is measured.

    Fields:
        ketamine, midazolam: participants in each arm.
        scans: per visit.
        repetition_time: from scan to scan, s.
        bins_per_scan: microtime bins in one repetition time.
        rest, block: length of a pause and of the block after it, s; every other block shows faces.
        snr_low, snr_high: range of the signal-to-noise ratio (of standard deviations), drawn for each visit.
        drift: standard deviation of the slow drift over that of the noise.
        improvement_mean, improvement_sd: of the symptom score, points; the same in both arms.
        inhibition_slope: change of B(faces), amygdala ← vmPFC, per point of improvement under ketamine, Hz.
        excitation_slope: change of B(faces), vmPFC ← amygdala, per point of improvement in both arms, Hz.
        scatter: standard deviation of these changes about their lines, Hz.

    Raises `ValueError` where an arm has fewer than three participants (no line with an interval can be drawn through
    two) or a visit is too short for one block of faces and one of shapes.
    """

    ketamine: int = 11
    midazolam: int = 10
    scans: int = 220
    repetition_time: float = 1.5
    bins_per_scan: int = 16
    rest: float = 12.0
    block: float = 18.0
    snr_low: float = 1.0
    snr_high: float = 1.5
    drift: float = 0.5
    improvement_mean: float = 12.0
    improvement_sd: float = 6.5
    inhibition_slope: float = -0.03
    excitation_slope: float = -0.03
    scatter: float = 0.05

    def __post_init__(self) -> None:
        problems = []
        for arm in ARMS:
            if self.size(arm) < 3:
                problems.append(f"each arm needs at least 3 participants, but {arm} has {self.size(arm)}")
        needed = 2 * (self.rest + self.block)
        if self.scans * self.repetition_time < needed:
            problems.append(f"a visit must last at least {needed:g} s, one block of faces and one of shapes")
        if problems:
            raise ValueError("; ".join(problems))

    @property
    def participants(self) -> int:
        """In both arms."""
        return self.ketamine + self.midazolam

    def size(self, arm: Arm) -> int:
        """Number of participants in an arm."""
        return self.ketamine if arm == "ketamine" else self.midazolam

    def slope(self, to: int, arm: Arm) -> float:
        """Planted change of B(faces) into region `to` per point of improvement, Hz."""
        if to == VMPFC:
            return self.excitation_slope
        return self.inhibition_slope if arm == "ketamine" else 0.0


@dataclass(frozen=True, eq=False)
class Visit:
    """One participant in one session.

    Fields:
        participant: such as ``sub-01``.
        arm: the treatment.
        session: 1 before treatment, 2 after it.
        improvement: fall of the participant's symptom score from session 1 to 2, points.
        planted: the connectivity that made the data.
        simulation: the data, with noise and drift, and their noise-free signal.
    """

    participant: str
    arm: Arm
    session: int
    improvement: float
    planted: Parameters
    simulation: Simulation

    @property
    def name(self) -> str:
        """Such as ``sub-01_ses-1``."""
        return f"{self.participant}_ses-{self.session}"


@dataclass(frozen=True, eq=False)
class Trial:
    """All visits, participant by participant.

    Fields:
        design: what was planted.
        seed: of everything drawn.
        spec: the model that made the data, and that is fitted to them.
        paradigm: (bin, input) 0 or 1, whether the input is on. The model sees it centred, as SPM's option "centre"
            has it, so that A is the connectivity averaged over the run.
        visits: two for each participant.
    """

    design: Design
    seed: int
    spec: Spec
    paradigm: Float[np.ndarray, "bin input"]
    visits: tuple[Visit, ...]


def simulate_trial(
    design: Design = Design(),
    *,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Trial:
    """Draw participants and simulate their visits; `on_progress` is called with visits done and in all.

    y = g(θ) + drift + e, where e is white with standard deviation sd(g) / snr in each region.
    """
    spec, paradigm = circuit(), block_design(design)
    rng = np.random.default_rng(seed)
    arms = [arm for arm in ARMS for _ in range(design.size(arm))]
    visits: list[Visit] = []
    for number, arm in enumerate(arms, start=1):
        improvement = float(rng.normal(design.improvement_mean, design.improvement_sd))
        for session, planted in enumerate(_draw_connectivity(design, arm, improvement, rng), start=1):
            simulation = _measure(design, spec, paradigm, planted, rng)
            visits.append(Visit(f"sub-{number:02d}", arm, session, improvement, planted, simulation))
            if on_progress is not None:
                on_progress(len(visits), 2 * len(arms))
    return Trial(design, seed, spec, paradigm, tuple(visits))


def circuit() -> Spec:
    """The study's model: A full, B(faces) on both connections between the regions, C(task) on both regions."""
    b = np.zeros((2, 2, 2))
    b[VMPFC, AMYGDALA, FACES] = b[AMYGDALA, VMPFC, FACES] = 1
    c = np.zeros((2, 2))
    c[:, TASK] = 1
    return Spec(REGIONS, INPUTS, np.ones((2, 2)), b, c)


def block_design(design: Design) -> Float[np.ndarray, "bin input"]:
    """Pauses and blocks in turn, shapes first: `task` is on in every block, `faces` in every other."""
    time = np.arange(design.scans * design.bins_per_scan) * (design.repetition_time / design.bins_per_scan)
    cycle, within = np.divmod(time, design.rest + design.block)
    task = within >= design.rest
    return np.column_stack([task, task & (cycle % 2 == 1)]).astype(np.float64)


def drift_confounds(scans: int, repetition_time: float) -> Float[np.ndarray, "scan confound"]:
    """A constant and the cosines slower than 1/128 Hz, SPM's high-pass filter; columns have unit mean square."""
    slow = int(2 * scans * repetition_time / CUTOFF)
    phase = np.pi * (np.arange(scans) + 0.5) / scans
    return np.column_stack([np.ones(scans), *(np.sqrt(2) * np.cos(phase * k) for k in range(1, slow + 1))])


def _draw_connectivity(
    design: Design, arm: Arm, improvement: float, rng: np.random.Generator
) -> tuple[Parameters, Parameters]:
    """Planted parameters of one participant before and after treatment, drawn again where activity would run away."""
    while True:
        A = rng.normal([[0.0, 0.12], [0.15, 0.0]], [[0.1, 0.05], [0.05, 0.1]])  # Hz; log scale on the diagonal
        modulation = rng.normal([0.6, -0.1], 0.15)  # Hz, by faces: vmPFC ← amygdala, amygdala ← vmPFC
        drive = rng.normal(0.2, 0.04, size=2)  # C, Hz · 16
        haemodynamics = rng.normal(0.0, HAEMODYNAMIC_SD, size=4)
        slopes = np.array([design.slope(VMPFC, arm), design.slope(AMYGDALA, arm)])
        change = slopes * improvement + rng.normal(0.0, design.scatter, size=2)
        retest = rng.normal(0.0, 0.03, size=(2, 2))  # A differs a little from day to day, whatever the treatment
        before = _parameters(A, modulation, drive, haemodynamics)
        after = _parameters(A + retest, modulation + change, drive, haemodynamics)
        if all(_damping(planted) > DAMPING for planted in (before, after)):
            return before, after


def _parameters(A: np.ndarray, modulation: np.ndarray, drive: np.ndarray, haemodynamics: np.ndarray) -> Parameters:
    B, C = np.zeros((2, 2, 2)), np.zeros((2, 2))
    B[VMPFC, AMYGDALA, FACES], B[AMYGDALA, VMPFC, FACES] = modulation
    C[:, TASK] = drive
    transit, decay, epsilon = haemodynamics[:2], haemodynamics[2], haemodynamics[3]
    return Parameters(*map(jnp.asarray, (A, B, C, np.zeros((2, 2, 2)), transit, decay, epsilon)))


def _damping(planted: Parameters) -> float:
    """Rate, 1/s, at which the slowest pattern of activity dies away, in the worse of faces on and faces off."""
    rates = []
    for faces in (-0.5, 1.0):  # beyond what a centred 0/1 input reaches on either side
        E = np.asarray(planted.A) + faces * np.asarray(planted.B)[:, :, FACES]
        np.fill_diagonal(E, -0.5 * np.exp(np.diag(np.asarray(planted.A))))
        rates.append(-np.linalg.eigvals(E).real.max())
    return float(min(rates))


def _measure(
    design: Design, spec: Spec, paradigm: np.ndarray, planted: Parameters, rng: np.random.Generator
) -> Simulation:
    confounds = drift_confounds(design.scans, design.repetition_time)
    simulation = simulate(
        spec,
        planted,
        paradigm - paradigm.mean(axis=0),
        design.repetition_time / design.bins_per_scan,
        design.repetition_time,
        snr=float(rng.uniform(design.snr_low, design.snr_high)),
        seed=int(rng.integers(2**32)),
        confounds=confounds,
    )
    noise = (simulation.data.bold - simulation.signal).std(axis=0)
    weights = rng.normal(0.0, design.drift, size=(confounds.shape[1], spec.n)) / np.sqrt(confounds.shape[1])
    data = replace(simulation.data, bold=simulation.data.bold + confounds @ weights * noise)
    return replace(simulation, data=data)
