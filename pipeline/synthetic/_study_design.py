"""What a synthetic study is made of: participants, measurements, planted effects, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Arm = Literal["ketamine", "midazolam"]
TaskName = Literal["faces", "stroop", "rest"]

ARMS: tuple[Arm, Arm] = ("ketamine", "midazolam")
SESSIONS = ("ses-1", "ses-2")
TASKS: tuple[TaskName, ...] = ("faces", "stroop", "rest")
VMPFC, AMYGDALA = 0, 1  # of the circuit's regions

PAUSE, BLOCK = 12.0, 18.0  # s; of the faces task: a pause, then a block; every other block shows faces


@dataclass(frozen=True)
class StudyDesign:
    """Sizes, planted effects and mishaps of a synthetic study. Participants are numbered from 1, ketamine's first.

    The default is meant to be like real studies: half of the variance of the circuit's series is signal, which ranges
    over 1.4 % of the mean (0.7 to 2.8 in most runs). Its planted effects are large, as 21 participants can tell no
    others.

    Fields:
        ketamine, midazolam: participants in each arm.
        faces_scans, stroop_scans, rest_scans: per run; 0 where the task is not part of the study.
        repetition_time, rest_repetition_time: of the two tasks and of rest, s.
        snr_low, snr_high: range of sd(signal) / sd(noise) of a region's series in the circuit, drawn for each run.
        voxel_noise: standard deviation of the noise of one voxel, in thousandths of the image's mean.
        inhibition_slope: change of B(faces), amygdala ← vmPFC, per point of improvement under ketamine, Hz.
        excitation_slope: change of B(faces), vmPFC ← amygdala, per point of improvement in both arms, Hz.
        scatter: standard deviation of these changes about their lines, Hz.
        conflict_slope: change of dACC's response to conflict, incongruent minus congruent, per point of improvement
            under ketamine, and as much the other way under midazolam, percent.
        control_slope: change of rACC's response to conflict per point of improvement in both arms, percent.
        improvement_mean, improvement_sd: of the fall of the symptom score, points; the same in both arms.
        missing: (participant, session, task) of runs that were never acquired.
        restless: (participant, session) of those who moved much.
        unsteady: (participant, session) whose first two volumes are not at steady state.
        dropout: participant whose images have lost signal in vmPFC.

    Raises `ValueError` where an arm has fewer than three participants (no line with an interval can be drawn through
    two) or a faces run is too short for one block of faces and one of shapes.
    """

    ketamine: int = 11
    midazolam: int = 10
    faces_scans: int = 220
    stroop_scans: int = 200
    rest_scans: int = 160
    repetition_time: float = 1.5
    rest_repetition_time: float = 2.0
    snr_low: float = 0.8
    snr_high: float = 1.4
    voxel_noise: float = 3.0
    inhibition_slope: float = -0.04
    excitation_slope: float = -0.03
    scatter: float = 0.05
    conflict_slope: float = -0.05
    control_slope: float = 0.04
    improvement_mean: float = 12.0
    improvement_sd: float = 8.5
    missing: tuple[tuple[int, int, TaskName], ...] = ((5, 1, "stroop"), (9, 2, "faces"), (16, 2, "rest"))
    restless: tuple[tuple[int, int], ...] = ((3, 1), (14, 2))
    unsteady: tuple[tuple[int, int], ...] = ((7, 1),)
    dropout: int | None = 12

    def __post_init__(self) -> None:
        problems = [
            f"each arm needs at least 3 participants, but {arm} has {self.size(arm)}"
            for arm in ARMS
            if self.size(arm) < 3
        ]
        needed = 2 * (PAUSE + BLOCK)
        if self.faces_scans * self.repetition_time < needed:
            problems.append(f"a faces run must last at least {needed:g} s, one block of faces and one of shapes")
        if problems:
            raise ValueError("; ".join(problems))

    @property
    def tasks(self) -> tuple[TaskName, ...]:
        """Those of the study."""
        return tuple(task for task in TASKS if self.scans(task))

    def size(self, arm: Arm) -> int:
        """Number of participants in an arm."""
        return self.ketamine if arm == "ketamine" else self.midazolam

    def scans(self, task: TaskName) -> int:
        """Of a run."""
        return {"faces": self.faces_scans, "stroop": self.stroop_scans, "rest": self.rest_scans}[task]

    def spacing(self, task: TaskName) -> float:
        """Repetition time of a task, s."""
        return self.rest_repetition_time if task == "rest" else self.repetition_time

    def slope(self, to: int, arm: Arm) -> float:
        """Planted change of B(faces) into region `to` of the circuit per point of improvement, Hz."""
        if to == VMPFC:
            return self.excitation_slope
        return self.inhibition_slope if arm == "ketamine" else 0.0

    def response_slope(self, region: str, arm: Arm) -> float:
        """Planted change of a region's response to conflict per point of improvement, percent."""
        if region == "dACC":
            return self.conflict_slope if arm == "ketamine" else -self.conflict_slope
        return self.control_slope if region == "rACC" else 0.0

    def participants(self) -> Iterator[tuple[int, Arm]]:
        """Number and arm of every participant."""
        arms = [arm for arm in ARMS for _ in range(self.size(arm))]
        yield from enumerate(arms, start=1)

    def acquired(self, number: int, session: int) -> tuple[TaskName, ...]:
        """Tasks that a participant has a run of in a session (1 or 2)."""
        return tuple(task for task in self.tasks if (number, session, task) not in self.missing)

    @property
    def runs(self) -> int:
        """How many there are in all."""
        return sum(len(self.acquired(number, session)) for number, _ in self.participants() for session in (1, 2))


QUICK = StudyDesign(
    ketamine=4,
    midazolam=4,
    stroop_scans=0,
    rest_scans=0,
    snr_low=2.0,
    snr_high=3.0,
    inhibition_slope=-0.05,
    excitation_slope=-0.035,
    scatter=0.03,
    missing=(),
    restless=((2, 2),),
    unsteady=(),
    dropout=7,
)
"""Small enough for half a minute: eight participants who look at faces twice, with less noise than real series have and
greater effects, to make up for the few."""
