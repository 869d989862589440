"""The examples: one design of a study each, with what is planted and the file that a user would write for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ._example_design import (
    EXCITATION,
    FACES_TEXT,
    INHIBITION,
    MODEL_TEXT,
    SESSION,
    AskedEffect,
    CircuitModel,
    ExampleDesign,
    PlantedEffect,
)

_DCM = f"\n[dcm]\n{MODEL_TEXT}"
_BY_INTENSITY = "B[amygdala<-vmPFC, intensity]"

_CASE_CONTROL = """
[group.diagnosis]
design = "1 + group + age"                 # columns of the participants' table; group is the one named above
contrasts.diagnosis = "patients - controls"
"""

_ONE_GROUP = """
[group.faces]                              # what faces change, on average over participants
"""

_COVARIATES = """
[group.severity]
design = "1 + severity + age"              # numbers are centred: slopes, at average severity and age
"""

_PRE_POST = """
[group.training]
of = "change"                              # of each participant, the second session minus the first

[group.before]
of = "before"                              # and what there was before
"""

_THREE_ARMS = """
[group.drugs]
of = "change"
design = "1 + arm"
contrasts.ketamine = "ketamine - saline"
contrasts.midazolam = "midazolam - saline"
contrasts.ketamine-v-others = "ketamine - 0.5*midazolam - 0.5*saline"
"""

_LONGITUDINAL = """
[group.course]
of = "visits"                              # three levels: visits, participants, everybody; visits may be missing
design = "1 + session"
contrasts.middle = "ses-2 - ses-1"
contrasts.late = "ses-3 - ses-1"

[group.late]
of = "ses-3 - ses-1"                       # the same from the participants who have both
"""

_CROSSOVER = """
[group.drug]
of = "ketamine - placebo"                  # within each participant, whichever came first
design = "1 + sequence"                    # and whether it matters which one did

[group.visits]
of = "visits"                              # the same as levels: visits, participants, everybody
design = "1 + drug + period"
reference = { drug = "placebo" }
contrasts.drug = "ketamine - placebo"
"""

_MULTI_RUN = f"""
[dcm.concatenated]
runs = "concatenate"                       # one model of the three runs of each participant
{MODEL_TEXT}
[dcm.averaged]
runs = "average"                           # or a model of each run, and their Bayesian average
{MODEL_TEXT}
[group.concatenated]
dcm = "concatenated"

[group.averaged]
dcm = "averaged"
"""

_SITES = """
[group.diagnosis]
design = "1 + group + site"
contrasts.diagnosis = "patients - controls"
contrasts.site = "north - south"
"""

_MODULATOR = """
[tasks.faces]
contrasts.faces-over-shapes = "faces - shapes"

[tasks.faces.modulators.intensity]         # faces, weighted by a column of their events, about its mean
condition = "faces"
column = "intensity"

[dcm]
task = "faces"
regions = ["vmPFC", "amygdala"]
inputs.task = ["faces", "shapes"]
inputs.intensity = ["intensity"]
a = "full"
b.intensity = ["vmPFC <- amygdala", "amygdala <- vmPFC"]
c.task = ["vmPFC", "amygdala"]

[group.intensity]                          # what the intensity of faces changes, on average over participants
"""

_REST = """
[tasks.rest]
rest = true

[measures]
kinds = ["rest"]                           # correlations of the regions, filtered; there is no DCM without a task
"""

_PATIENTS_AND_CONTROLS = ExampleDesign(
    name="case-control",
    title="Patients and controls",
    shape="two groups, one session, a covariate",
    size=8,
    group_column="diagnosis",
    groups=("patients", "controls"),
    numbers={"age": (40.0, 10.0)},
    effects=(PlantedEffect(INHIBITION, -0.6, {"diagnosis": "controls"}),),
    asked=(AskedEffect("diagnosis", "diagnosis", "patients minus controls", {INHIBITION: 0.6}),),
    text=FACES_TEXT + _DCM + _CASE_CONTROL,
)
_DESIGNS = (
    _PATIENTS_AND_CONTROLS,
    ExampleDesign(
        name="one-group",
        title="What faces change",
        shape="one group, one session",
        size=8,
        modulation=(0.0, -0.6),
        asked=(AskedEffect("faces", "mean", "mean over participants", {INHIBITION: -0.6}),),
        text=FACES_TEXT + _DCM + _ONE_GROUP,
    ),
    ExampleDesign(
        name="covariates",
        title="Severity and inhibition of the amygdala",
        shape="one group, one session, two covariates",
        size=12,
        numbers={"severity": (20.0, 6.0), "age": (40.0, 10.0)},
        modulation=(0.0, -0.4),
        effects=(PlantedEffect(INHIBITION, 0.05, number="severity"),),
        asked=(
            AskedEffect("severity", "severity", "per point of severity", {INHIBITION: 0.05}),
            AskedEffect("severity", "age", "per year of age"),
        ),
        text=FACES_TEXT + _DCM + _COVARIATES,
    ),
    ExampleDesign(
        name="pre-post",
        title="Before and after training",
        shape="one group, two sessions",
        size=8,
        sessions=("ses-pre", "ses-post"),
        effects=(PlantedEffect(INHIBITION, -0.6, {SESSION: "ses-post"}),),
        asked=(
            AskedEffect("training", "mean", "ses-post minus ses-pre", {INHIBITION: -0.6}),
            AskedEffect("before", "mean", "mean before", {EXCITATION: 0.4}),
        ),
        text=FACES_TEXT + _DCM + _PRE_POST,
    ),
    ExampleDesign(
        name="three-arms",
        title="Ketamine, midazolam and saline",
        shape="a trial of three arms, two sessions",
        size=6,
        group_column="arm",
        groups=("ketamine", "midazolam", "saline"),
        is_trial=True,
        sessions=("ses-1", "ses-2"),
        effects=(PlantedEffect(INHIBITION, -0.8, {"arm": "ketamine", SESSION: "ses-2"}),),
        asked=(
            AskedEffect("drugs", "ketamine", "ketamine minus saline", {INHIBITION: -0.8}),
            AskedEffect("drugs", "midazolam", "midazolam minus saline"),
            AskedEffect("drugs", "ketamine-v-others", "ketamine minus the others' mean", {INHIBITION: -0.8}),
        ),
        text=FACES_TEXT + _DCM + _THREE_ARMS,
    ),
    ExampleDesign(
        name="longitudinal",
        title="Three sessions of training",
        shape="one group, three sessions, some missing",
        size=9,
        sessions=("ses-1", "ses-2", "ses-3"),
        missing=((3, "ses-3"), (7, "ses-2")),
        effects=(
            PlantedEffect(INHIBITION, -0.3, {SESSION: "ses-2"}),
            PlantedEffect(INHIBITION, -0.7, {SESSION: "ses-3"}),
        ),
        asked=(
            AskedEffect("course", "middle", "ses-2 minus ses-1", {INHIBITION: -0.3}),
            AskedEffect("course", "late", "ses-3 minus ses-1", {INHIBITION: -0.7}),
            AskedEffect("late", "mean", "ses-3 minus ses-1, participants with both", {INHIBITION: -0.7}),
        ),
        text=FACES_TEXT + _DCM + _LONGITUDINAL,
    ),
    ExampleDesign(
        name="crossover",
        title="Ketamine and placebo in turn",
        shape="each participant on both drugs, in one of two sequences",
        size=10,
        sessions=("ses-1", "ses-2"),
        drugs={"ketamine-first": ("ketamine", "placebo"), "placebo-first": ("placebo", "ketamine")},
        effects=(PlantedEffect(INHIBITION, -0.6, {"drug": "ketamine"}),),
        asked=(
            AskedEffect("drug", "mean", "ketamine minus placebo", {INHIBITION: -0.6}),
            AskedEffect("visits", "drug", "ketamine minus placebo, as levels", {INHIBITION: -0.6}),
            AskedEffect("visits", "period", "period 2 minus period 1"),
        ),
        text=FACES_TEXT + _DCM + _CROSSOVER,
    ),
    ExampleDesign(
        name="multi-run",
        title="Three runs of faces",
        shape="one group, one session of three runs",
        size=6,
        runs=3,
        modulation=(0.0, -0.6),
        asked=(
            AskedEffect("concatenated", "mean", "mean over participants, runs concatenated", {INHIBITION: -0.6}),
            AskedEffect("averaged", "mean", "mean over participants, runs averaged", {INHIBITION: -0.6}),
        ),
        text=FACES_TEXT + _MULTI_RUN,
    ),
    replace(
        _PATIENTS_AND_CONTROLS,
        name="sites",
        title="Patients and controls at two sites",
        shape="two groups at two sites, each with its repetition time",
        numbers={},
        factors={"site": ("north", "south")},
        slower={"south": 2.0},
        asked=(*_PATIENTS_AND_CONTROLS.asked, AskedEffect("diagnosis", "site", "north minus south")),
        text=FACES_TEXT + _DCM + _SITES,
    ),
    replace(
        _PATIENTS_AND_CONTROLS,
        name="series-only",
        title="Patients and controls, from region series",
        shape="two groups, region series and European tables instead of images",
        decimal_commas=True,
        only_series=True,
    ),
    ExampleDesign(
        name="modulator",
        title="Intensity of faces",
        shape="one group, one session, an input that differs from event to event",
        size=8,
        model=CircuitModel(
            inputs={"task": ("faces", "shapes"), "intensity": ("intensity",)},
            b={"intensity": (("vmPFC", "amygdala"), ("amygdala", "vmPFC"))},
        ),
        effects=(PlantedEffect(_BY_INTENSITY, -0.6),),
        asked=(AskedEffect("intensity", "mean", "mean over participants", {_BY_INTENSITY: -0.6}),),
        text=_MODULATOR,
    ),
    ExampleDesign(
        name="rest",
        title="Patients and controls at rest",
        shape="two groups, one session, no task",
        size=8,
        group_column="diagnosis",
        groups=("patients", "controls"),
        rest=True,
        rest_coupling={"patients": 0.2, "controls": 0.8},
        scans=150,
        repetition_time=2.0,
        text=_REST,
    ),
)
DESIGNS: Mapping[str, ExampleDesign] = {design.name: design for design in _DESIGNS}
"""Every example by its name."""
