"""What an example of a study's design is made of: participants, visits, runs, and the effects planted in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Source = Literal["images", "series"]

INHIBITION, EXCITATION = "B[amygdala<-vmPFC, faces]", "B[vmPFC<-amygdala, faces]"  # what most designs plant, and do not
SESSION = "session"  # the column that a session is called by
FACES_TEXT = """
[tasks.faces]                              # conditions are the trial types of the events
contrasts.faces-over-shapes = "faces - shapes"
"""
MODEL_TEXT = """\
task = "faces"
regions = ["vmPFC", "amygdala"]
inputs.task = ["faces", "shapes"]          # an input is on in any of these conditions
inputs.faces = ["faces"]
a = "full"
b.faces = ["vmPFC <- amygdala", "amygdala <- vmPFC"]   # to <- from: what faces change
c.task = ["vmPFC", "amygdala"]             # what the task drives
"""


@dataclass(frozen=True)
class CircuitModel:
    """The DCM that makes the runs of an example.

    Fields:
        regions, inputs: their names; an input is the conditions that it adds up, or a column of the events that weighs
            them.
        b: input → connections (to, from) that it changes.
        c: input → regions that it drives.
    """

    regions: tuple[str, ...] = ("vmPFC", "amygdala")
    inputs: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"task": ("faces", "shapes"), "faces": ("faces",)}
    )
    b: Mapping[str, tuple[tuple[str, str], ...]] = field(
        default_factory=lambda: {"faces": (("vmPFC", "amygdala"), ("amygdala", "vmPFC"))}
    )
    c: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"task": ("vmPFC", "amygdala")})


@dataclass(frozen=True)
class PlantedEffect:
    """Hz that are added to one parameter in some visits.

    Fields:
        parameter: such as ``B[amygdala<-vmPFC, faces]``.
        size: Hz; per unit of `number`, where there is one.
        levels: column → level, of participants or visits: where it is added; everywhere if none.
        number: column that it is in proportion to, about the mean over participants.
    """

    parameter: str
    size: float
    levels: Mapping[str, str] = field(default_factory=dict)
    number: str | None = None


@dataclass(frozen=True)
class AskedEffect:
    """An effect that a group analysis of the example estimates, and what was planted of it.

    Fields:
        analysis: its heading, ``[group.NAME]``.
        effect: contrast, or column of the design, by which the analysis calls it.
        words: what it is.
        planted: parameter → Hz, or Hz per unit of the column; 0 of all other parameters.
    """

    analysis: str
    effect: str
    words: str
    planted: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ExampleDesign:
    """A study of one shape, as small as it can be and still tell what was planted.

    Fields:
        name: of ``effconn demo --design NAME``.
        title: of the study.
        shape: the design, in a few words.
        size: participants of each group; of all, where there are no groups.
        group_column, groups: the column that names groups, and them, the reference last; none where there are none.
        is_trial: whether the groups are arms.
        sessions: their labels in order; none where participants have one visit.
        runs: of the task in every visit.
        factors: column of participants → levels, dealt in turn within each group.
        numbers: column of participants → mean and standard deviation.
        drugs: sequence → drug in each session; makes the columns ``sequence`` of participants, ``drug`` and ``period``
            of visits.
        missing: (number of the participant, session) of visits that never were.
        modulation: B of vmPFC ← amygdala and of amygdala ← vmPFC in everybody, Hz.
        effects: what is planted beyond.
        asked: what the analyses estimate of it.
        model: that makes the runs.
        rest: whether the runs are at rest, without task and model.
        rest_coupling: group → correlation of the two regions' slow fluctuations at rest, before noise.
        scans: of a run.
        repetition_time: s.
        slower: level of ``site`` → repetition time there, s; of as many scans fewer, so that runs last as long.
        decimal_commas: whether tables are as a European spreadsheet writes them.
        only_series: whether there are no images but region series alone.
        text: of study.toml after its sections on files, participants, sessions, confounds and regions.
    """

    name: str
    title: str
    shape: str
    size: int
    text: str
    asked: tuple[AskedEffect, ...] = ()
    effects: tuple[PlantedEffect, ...] = ()
    group_column: str = ""
    groups: tuple[str, ...] = ()
    is_trial: bool = False
    sessions: tuple[str, ...] = ()
    runs: int = 1
    factors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    drugs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing: tuple[tuple[int, str], ...] = ()
    modulation: tuple[float, float] = (0.4, 0.0)
    model: CircuitModel = field(default_factory=CircuitModel)
    rest: bool = False
    rest_coupling: Mapping[str, float] = field(default_factory=dict)
    scans: int = 80
    repetition_time: float = 1.5
    slower: Mapping[str, float] = field(default_factory=dict)
    decimal_commas: bool = False
    only_series: bool = False

    @property
    def task(self) -> str:
        """The one task there is."""
        return "rest" if self.rest else "faces"

    @property
    def session_labels(self) -> tuple[str | None, ...]:
        """All sessions; one without a label where there are none."""
        return self.sessions or (None,)

    @property
    def intensities(self) -> bool:
        """Whether faces differ in intensity, as an input of the model says it."""
        return any("intensity" in members for members in self.model.inputs.values())
