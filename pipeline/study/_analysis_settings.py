"""Sections of the configuration about analyses: measures, group analyses, predictions and statistics."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # of our own making: part of file names and tables
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$", max_length=100)]  # file systems allow 255 bytes in all
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Span = tuple[Finite, Finite]  # from, to

Compat = Literal["none", "spm12", "spm25"]
PresetModel = Literal["change", "change-by-arm", "change-by-arm-and-covariates", "baseline", "baseline-by-arm"]
MeasureKind = Literal["response", "gppi", "distance", "rest", "dcm"]


class ConfigSection(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class GroupAnalysis(ConfigSection):
    """`[group.NAME]`: one analysis over all participants."""

    analysis: Annotated[
        Literal["arms", "fit", "leave-one-out", "permute", "search"],
        Field(description="As the commands of effconn peb of these names."),
    ] = "fit"
    dcm: Annotated[str | None, Field(description="Which of several DCMs it is over: NAME of [dcm.NAME].")] = None
    of: Annotated[
        str | None,
        Field(
            description="What of each participant: the change (of two sessions), the mean (Bayesian average over "
            'visits), a session, a contrast such as "ses-3 - ses-1" or "drug - placebo", or all visits. Default: the '
            "one visit, or the change."
        ),
    ] = None
    design: Annotated[
        str | None,
        Field(description='Formula of columns, such as "1 + group + age"; instead of covariates and interactions.'),
    ] = None
    reference: Annotated[
        dict[str, str],
        Field(description='Of factors of the design, the level that others are taken from: { drug = "placebo" }.'),
    ] = {}
    contrasts: Annotated[
        dict[Name, str],
        Field(description='Combinations of levels or columns of the design: drug = "ketamine - midazolam".'),
    ] = {}
    fields: Annotated[
        tuple[Literal["A", "B", "C"], ...], Field(min_length=1, description="Fields of the DCM that it explains.")
    ] = ("B",)
    covariates: Annotated[tuple[str, ...], Field(description="Scores, or columns of the participants' table.")] = ()
    interactions: Annotated[tuple[str, ...], Field(description='Products, such as "arm:improvement".')] = ()
    predict: Annotated[str | None, Field(description="Covariate that leave-one-out and permute are about.")] = None
    sample: Annotated[bool, Field(description="Check an arm comparison by sampling (NUTS).")] = False
    compat: Annotated[Compat, Field(description="The calibrated group level, or SPM's numbers.")] = "none"
    between: Annotated[
        Literal["mixture", "gaussian"] | None,
        Field(description="How participants lie about the design: some may be far off, or Gaussian (as SPM)."),
    ] = None
    components: Annotated[
        Literal["single", "fields", "all", "none"] | None,
        Field(description="Gaussian participants: variances, one, one per field, one per parameter, or fixed."),
    ] = None
    between_prior: Annotated[
        Literal["wide", "spm12"] | None,
        Field(description="Gaussian participants: how much the data have a say in their variance."),
    ] = None
    smallest_effect: Annotated[
        Finite, Field(gt=0, description="Hz (per SD of a number); an effect that is surely below it counts as none.")
    ] = 0.5
    reinvert: Annotated[
        bool,
        Field(
            description="Invert every participant again under the group's result, until that no longer changes; "
            "one session."
        ),
    ] = False
    permutations: Annotated[int, Field(ge=19, description="How many; p is at least 1 / (1 + this).")] = 999
    seed: Annotated[int, Field(ge=0, description="Of everything drawn.")] = 0


class Distance(ConfigSection):
    """`[tasks.TASK.distances.NAME]`: the crossnobis distance between the voxel patterns of two conditions.

    What is cross-validated over are the halves of a run, or its blocks: events of a condition that follow each other. A
    visit of several runs has the mean of theirs.
    """

    between: Annotated[tuple[Name, Name], Field(description="Two conditions of the task.")]
    folds: Annotated[Literal["halves", "blocks"], Field(description="What the patterns are cross-validated over.")] = (
        "halves"
    )


class Measures(ConfigSection):
    """`[measures]`: what is taken from every run, beside the DCM, for each region or each pair of regions."""

    kinds: Annotated[
        tuple[MeasureKind, ...],
        Field(
            description="Responses to contrasts, psychophysiological interactions, distances between patterns, "
            "connectivity at rest, parameters of the DCM."
        ),
    ] = ("response", "gppi", "distance", "rest", "dcm")
    interaction: Annotated[
        Literal["neural", "bold"],
        Field(description="Interactions of gPPI after deconvolution, as SPM12, or with the measured series."),
    ] = "neural"
    direction: Annotated[
        Literal["directed", "symmetric"], Field(description="gPPI of each direction, or the mean of both.")
    ] = "directed"
    rest_band: Annotated[Span, Field(description="Frequencies of connectivity at rest, from and to, Hz.")] = (
        0.008,
        0.09,
    )
    dcm_fields: Annotated[
        tuple[Literal["A", "B", "C"], ...], Field(description="Fields of the DCM whose parameters are measures.")
    ] = ("B",)


class Prediction(ConfigSection):
    """`[predict.NAME]`: an elastic net from measures to a score, in the sample and in participants left out."""

    outcome: Annotated[str, Field(description="A score, such as improvement.")]
    model: Annotated[
        PresetModel | None, Field(description="One of the five models of Norbury et al. 2021; or give a formula.")
    ] = None
    formula: Annotated[
        str | None, Field(description='Such as "change(gppi_*) + arm + arm:change(gppi_*) + before(response_*)".')
    ] = None
    measures: Annotated[
        tuple[str, ...], Field(min_length=1, description="Measures of a model by name; * stands for anything.")
    ] = ("*",)
    covariates: Annotated[tuple[str, ...], Field(description="Scores, or columns of the participants' table.")] = ()
    adjust_motion: Annotated[
        bool, Field(description="Take out of each measure what is associated with mean framewise displacement.")
    ] = True
    imputation: Annotated[
        Literal["iterative", "neighbours"], Field(description="How what is missing is filled in, within each fold.")
    ] = "iterative"
    alphas: Annotated[
        tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=1, description="Mixing; 1 is the lasso.")
    ] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    folds: Annotated[
        int | None,
        Field(ge=3, description="Groups left out in turn; without it, single participants up to 100."),
    ] = None
    permutations: Annotated[int, Field(ge=0, description="Shuffles of the outcome; 0 for no p.")] = 1000
    bootstraps: Annotated[int, Field(ge=0, description="Samples for the stability of predictors.")] = 200
    imputations: Annotated[
        int, Field(ge=0, description="Tables in which chance fills in what is missing, to see what depends on it.")
    ] = 0
    seed: Annotated[int, Field(ge=0, description="Of everything drawn.")] = 0


class Statistics(ConfigSection):
    """`[statistics]`: how scores changed in two groups, and what a measure's change is associated with."""

    outcomes: Annotated[
        tuple[str, ...], Field(description="Scores with a value in both sessions: session × arm, a mixed model each.")
    ] = ()
    measures: Annotated[
        tuple[str, ...], Field(description="Measures whose change is correlated with the scores below.")
    ] = ()
    subscales: Annotated[
        tuple[str, ...], Field(description="Scores that each measure's change is correlated with.")
    ] = ()
    null_checks: Annotated[
        tuple[str, ...],
        Field(description="Scores or columns that neither should be associated with, such as days between scans."),
    ] = ()
    adjust_motion: Annotated[
        bool,
        Field(
            description="Take out of a measure's change what is associated with the change in framewise displacement."
        ),
    ] = True
    cohort: Annotated[tuple[str, ...], Field(description="Columns and scores of the table of the cohort, by arm.")] = ()
    bootstraps: Annotated[int, Field(ge=100, description="Samples of each interval of a correlation.")] = 2000
    level: Annotated[Finite, Field(gt=0, lt=1, description="Of intervals.")] = 0.95
    seed: Annotated[int, Field(ge=0, description="Of everything drawn.")] = 0
