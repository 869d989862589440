"""The methods in plain paragraphs, from the settings of the study, ready to paste into a paper."""

from __future__ import annotations

from collections.abc import Mapping

from ..common import join_words
from ..study import (
    MAIN,
    Confounds,
    Dcm,
    Region,
    Structure,
    Study,
    inversion_settings,
    model_specs,
    reduced_models,
    select_visits,
)
from ._methods_data import crossover_columns, data_paragraphs, runs_sentence
from ._methods_group import group_paragraphs
from ._methods_predictive import PREDICTIVE_REFERENCES, predictive_methods
from ._methods_series import series_first_level, series_regions
from ._study_result import StudyResult
from ._study_words import plural

_IMAGE_REFERENCES = "Esteban et al. 2019, Nature Methods 16:111 (fMRIPrep)."
_MODEL_REFERENCES = (
    "Friston, Harrison & Penny 2003, NeuroImage 19:1273 (DCM). "
    "Friston et al. 2007, NeuroImage 34:220 (variational Laplace). Stephan et al. 2007, NeuroImage 38:387 "
    "(haemodynamics). Zeidman et al. 2019, NeuroImage 200:174 (DCM, a guide)."
)
_GROUP_REFERENCES = (
    "Friston et al. 2016, NeuroImage 128:413 (PEB). Zeidman et al. 2019, NeuroImage 200:12 (PEB, a guide)."
)
_STRATEGY = {
    "motion": "head motion",
    "wm_csf": "signals of white matter and cerebrospinal fluid",
    "global_signal": "the global signal",
    "compcor": "CompCor components",
    "ica_aroma": "ICA-AROMA's noise components",
}
_EXPANSION = {
    "basic": "",
    "power2": " with squares",
    "derivatives": " with temporal derivatives",
    "full": " with temporal derivatives and the squares of both",
}


def methods(result: StudyResult) -> tuple[str, ...]:
    """Data, first level, series, models, group level, software, and what to bear in mind."""
    study = result.study
    found = [*data_paragraphs(result)]
    if study.series is None:
        found += [_first_level_paragraph(study), _regions_paragraph(study)]
    else:
        found += [series_first_level(study), series_regions(study)]
    for view in result.of_each_dcm:
        if view.dcm is not None:
            found += [_model_paragraph(view, view.dcm), _inversion_paragraph(view, view.dcm)]
    found += group_paragraphs(result)
    predictive = predictive_methods(study)
    references = [
        *([_IMAGE_REFERENCES] if study.series is None else []),
        *([_MODEL_REFERENCES] if study.dcms else []),
        *([_GROUP_REFERENCES] if study.group else []),
        *([PREDICTIVE_REFERENCES] if study.predict or study.statistics is not None else []),
    ]
    return (
        *found,
        *predictive,
        _software_paragraph(result.versions),
        *filter(None, [_limits_paragraph(result)]),
        *([f"References: {' '.join(references)}"] if references else []),
    )


def _first_level_paragraph(study: Study) -> str:
    noise = (
        "serial correlations were modelled as a first-order autoregressive process"
        if study.glm.noise == "ar1"
        else "serial correlations were not modelled"
    )
    contrasts = [f"{name} ({what})" for task in study.tasks.values() for name, what in task.contrasts.items()]
    censored = study.confounds.censor_above
    return (
        "At the first level a general linear model was fitted to each run (nilearn). Conditions were convolved with "
        "SPM12's canonical haemodynamic response function; slow drifts were modelled by discrete cosines with a "
        f"cut-off period of {study.glm.high_pass:g} s; {noise}. Regressors of no "
        f"interest were {_describe_confounds(study.confounds)}."
        + (f" Scans with a framewise displacement above {censored:g} mm had a regressor each." if censored else "")
        + (f" Contrasts: {join_words(contrasts)}." if contrasts else "")
        + (f" Contrast maps were smoothed by {study.glm.smoothing:g} mm (FWHM)." if study.glm.smoothing else "")
    )


def _describe_confounds(confounds: Confounds) -> str:
    named = []
    for kind in confounds.strategy:
        words = _STRATEGY[kind]
        if kind in ("motion", "wm_csf", "global_signal"):
            words += _EXPANSION[getattr(confounds, kind)]
        elif kind == "compcor":
            words = f"{confounds.n_compcor} {words}"
        named.append(words)
    return join_words(named) or "none"


def _regions_paragraph(study: Study) -> str:
    named = [f"{name} ({_describe_region(region)})" for name, region in study.regions.items()]
    white = "whitened (one AR(1) correlation, pooled over the brain) and " if study.glm.noise == "ar1" else ""
    return (
        f"Regions of interest: {join_words(named)}. In each region and run, voxels inside the brain mask, in percent "
        f"of the run's mean over brain and scans, were {white}high-pass filtered, adjusted for the effects of no "
        "interest, and summarised by their first eigenvariate, with the sign in which the voxels' weights sum to a "
        "positive number."
    )


def _describe_region(region: Region) -> str:
    if region.sphere is not None:
        centre = ", ".join(f"{coordinate:g}" for coordinate in region.sphere.centre)
        return f"sphere of {region.sphere.radius:g} mm at {centre} mm"
    side = "" if region.hemisphere == "both" else f", {region.hemisphere}"
    above = "" if region.threshold is None else f", above {region.threshold:g}"
    box = "" if region.box is None else ", within a box"
    if region.mask is not None:
        return f"mask {region.mask.name}{above}{box}{side}"
    if region.atlas is not None:
        return f"atlas {region.atlas}: {', '.join(map(str, region.labels))}{above}{box}{side}"
    return f"preset {region.preset}{above}{box}{side}"


def _model_paragraph(result: StudyResult, dcm: Dcm) -> str:
    inputs = [f"{name} ({' + '.join(members)})" for name, members in dcm.inputs.items()]
    of = f" ({result.dcm_name})" if result.dcm_name else ""
    return (
        f"Effective connectivity{of} was estimated with deterministic dynamic causal models for fMRI (Friston et "
        f"al. 2003; Stephan et al. 2007), one state per region, of the task {dcm.task}. Regions: "
        f"{join_words(dcm.regions)}. Inputs: {join_words(inputs)}"
        + (", mean-centred, so that A is the connectivity averaged over the run" if dcm.centre_inputs else "")
        + f". {_describe_structure(dcm)}{_alternatives(result, dcm)}"
    )


def _alternatives(result: StudyResult, dcm: Dcm) -> str:
    """Which other models there are, and whether they were inverted or reduced."""
    others = [name for name in model_specs(dcm) if name != MAIN]
    if not others:
        return ""
    parts = [join_words(dcm.models)] if dcm.models else []
    if dcm.switch is not None:
        count = len(others) - len(dcm.models)
        parts.append(f"{plural(count, 'model')} that lack some or all of the connections that are switched")
    how = "They were inverted each, as the main model was."
    if reduced_models(dcm):
        how = (
            "They were reduced from the posterior of the main model (Bayesian model reduction; Friston & Penny 2011, "
            "NeuroImage 56:2089), and the best of them inverted as well, to check this."
        )
    return f" Alternatives compared by their evidence (random effects over participants): {join_words(parts)}. {how}"


def _describe_structure(dcm: Structure) -> str:
    a = "all connections" if dcm.a in (None, "full") else join_words([_arrow(connection) for connection in dcm.a or ()])
    b = [
        f"{name} on {join_words([_arrow(connection) for connection in pairs])}" for name, pairs in (dcm.b or {}).items()
    ]
    c = [f"{name} on {join_words(regions)}" for name, regions in (dcm.c or {}).items()]
    return f"A: {a}; B: {'; '.join(b) or 'none'}; C: {'; '.join(c) or 'none'}."


def _arrow(connection: str) -> str:
    return connection.replace("<-", "←")


def _inversion_paragraph(result: StudyResult, dcm: Dcm) -> str:
    settings = inversion_settings(dcm)
    starts = "one start from the prior mean" if settings.starts == 1 else f"{settings.starts} starts, the best kept"
    echo = "SPM12's fixed 0.04 s" if dcm.echo_time == "spm12" else "the scanner's"
    scaling = (
        "series and prediction were scaled to a range of at most 4 alike, so that parameters keep their units"
        if settings.scaling == "model"
        else "series were scaled to a range of at most 4, as SPM does"
    )
    scaling += "" if settings.as_spm else "; series and confounds were not whitened, which would shrink slow signals"
    mode = settings.mode(centre_inputs=dcm.centre_inputs)
    return (
        f"Models were inverted by variational Laplace (Friston et al. 2007) in effconn's mode {mode}: "
        f"{_EQUATIONS[settings.integrator]}, with exact derivatives and {starts}, in 64-bit arithmetic. "
        f"{runs_sentence(result, dcm)}"
        f"{_NOISE[settings.noise]} {_PRIORS[settings.priors]} Echo time: {echo}; {scaling}. The variance that each "
        "model explains is that of prediction and residual about their means."
    )


_EQUATIONS = {
    "nonlinear": "the full nonlinear equations, begun at the optimum of their bilinear expansion",
    "bilinear": "the bilinear expansion of the equations, as SPM",
}
_NOISE = {
    "ar1": "The noise of each region was a first-order autoregressive process, whose precision and correlation were at "
    "their optimum for all parameters, and the effects of confounds were integrated out.",
    "white": "The noise of each region was independent from scan to scan, with its precision at the optimum for all "
    "parameters, and the effects of confounds were integrated out.",
    "spm12": "Noise and confounds were estimated by SPM12's steps (independent from scan to scan).",
    "spm25": "Noise and confounds were estimated by SPM25's steps (independent from scan to scan).",
}
_PRIORS = {
    "none": "Priors were SPM12's, except that the prior variance of connections between regions was 1/16 instead of "
    "1/64, and that of the noise's log-precision 1 instead of 1/128.",
    "spm12": "Priors were SPM12's.",
    "spm25": "Priors were SPM25's.",
}


def _software_paragraph(versions: Mapping[str, str]) -> str:
    named = [f"{package} {version}" for package, version in versions.items()]
    return f"Software: {join_words(named)}." if named else "Software: effconn."


def _limits_paragraph(result: StudyResult) -> str:
    study, words = result.study, result.words
    limits = []
    if study.dcms:
        limits.append(
            "Connectivity is inferred under the models named here; a connection of a model that leaves out a driving "
            "region may stand for that region"
        )
    changes = [analysis for analysis in study.group.values() if select_visits(study, analysis).is_change]
    if changes and words.is_trial:
        limits.append(
            f"a change from one session to the other within an {words.group} may be one of time or repetition, so that "
            f"only the difference between the {words.group}s speaks of treatment, and only as far as {words.group}s "
            "were assigned at random"
        )
    elif changes and not crossover_columns(result):
        limits.append("a change from one session to another may be one of time or repetition")
    if words.groups and not words.is_trial and (study.group or study.predict):
        limits.append(
            "groups were not assigned, as far as the study's file says, so that a difference between them may be one "
            "of whatever else they differ in"
        )
    made = len(study.group) + len(study.predict)
    if made > 1:
        limits.append(f"{made} analyses were made, and no correction for their number was applied")
    text = "; ".join(limits)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
