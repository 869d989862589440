"""The methods in plain paragraphs, from the settings of the study, ready to paste into a paper."""

from __future__ import annotations

from collections.abc import Mapping

from peb import ABSENCE_PROBABILITY, ALPHA

from ..common import join_words
from ..group import group_settings
from ..study import (
    MAIN,
    Confounds,
    Dcm,
    GroupAnalysis,
    Region,
    Structure,
    Study,
    describe_selection,
    inversion_settings,
    select_visits,
)
from ._methods_predictive import PREDICTIVE_REFERENCES, predictive_methods
from ._methods_series import series_first_level, series_regions, series_source
from ._study_result import StudyResult
from ._study_words import StudyWords, plural

_IMAGE_REFERENCES = "Esteban et al. 2019, Nature Methods 16:111 (fMRIPrep). "
_REFERENCES = (
    "Friston, Harrison & Penny 2003, NeuroImage 19:1273 (DCM). "
    "Friston et al. 2007, NeuroImage 34:220 (variational Laplace). Stephan et al. 2007, NeuroImage 38:387 "
    "(haemodynamics). Friston et al. 2016, NeuroImage 128:413 (PEB). Zeidman et al. 2019, NeuroImage 200:174 and "
    "200:12 (DCM and PEB, a guide)."
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
_ANALYSIS = {
    "arms": "a comparison of the arms",
    "fit": "effects of covariates",
    "leave-one-out": "leave-one-out prediction",
    "permute": "a permutation test",
    "search": "a greedy search over reduced models",
}


def methods(result: StudyResult) -> tuple[str, ...]:
    """Data, first level, series, models, group level, software, and what to bear in mind."""
    study = result.study
    found = [_data_paragraph(result)]
    if study.series is None:
        found += [_first_level_paragraph(study), _regions_paragraph(study)]
    else:
        found += [series_first_level(study), series_regions(study)]
    for dcm in study.dcms.values():
        found += [_model_paragraph(dcm), _inversion_paragraph(dcm)]
    if study.group:
        found.append(_group_paragraph(study))
    predictive = predictive_methods(study)
    references = f"{_IMAGE_REFERENCES if study.series is None else ''}{_REFERENCES}"
    references += f" {PREDICTIVE_REFERENCES}" if predictive else ""
    return (
        *found,
        *predictive,
        _software_paragraph(result.versions),
        _limits_paragraph(study),
        f"References: {references}",
    )


def _data_paragraph(result: StudyResult) -> str:
    study = result.study
    counted = ", ".join(f"{len(result.members(group))} {group}" for group in result.words.groups)
    counts = f" ({counted})" if counted else ""
    times = sorted({run.repetition_time for run in result.inventory.runs})
    every = f" Repetition time: {join_words([f'{repetition_time:g} s' for repetition_time in times])}." if times else ""
    set_here = [f"{name} ({task.repetition_time:g} s)" for name, task in study.tasks.items() if task.repetition_time]
    every += f" It was set in the configuration, whatever files say, for {join_words(set_here)}." if set_here else ""
    missing = len(result.inventory.absences) + sum(failure.stage == "extract" for failure in result.failures)
    excluded = len(study.participants.exclude)
    what, source = data_source(result)
    return (
        f"{what} of {len(result.participants)} participants{counts}{_sessions(result)}, {source}, "
        f"were analysed; tasks: {join_words(study.tasks)}.{every} "
        f"{len(result.extractions)} runs were used; {missing or 'none'} "
        f"{'was' if missing == 1 else 'were'} missing or could not be used"
        + (f", and {excluded} participants were excluded beforehand." if excluded else ".")
    )


def data_source(result: StudyResult) -> tuple[str, str]:
    """What was analysed, and where it comes from."""
    if result.study.series is not None:
        return "Region series", series_source(result)
    return "Functional images", f"preprocessed with fMRIPrep in the space {result.study.study.space}"


def _sessions(result: StudyResult) -> str:
    words = result.words
    if words.is_treated:
        before, after = words.sessions
        return f" from sessions {before} (before treatment) and {after} (after)"
    return f" from {plural(len(words.sessions), 'session')} ({join_words(words.sessions)})" if words.sessions else ""


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


def _model_paragraph(dcm: Dcm) -> str:
    inputs = [f"{name} ({' + '.join(members)})" for name, members in dcm.inputs.items()]
    others = [name for name in dcm.models if name != MAIN]
    return (
        "Effective connectivity was estimated with deterministic dynamic causal models for fMRI (Friston et "
        f"al. 2003; Stephan et al. 2007), one state per region, of the task {dcm.task}. Regions: "
        f"{join_words(dcm.regions)}. Inputs: {join_words(inputs)}"
        + (", mean-centred, so that A is the connectivity averaged over the run" if dcm.centre_inputs else "")
        + f". {_describe_structure(dcm)}"
        + (
            f" Alternatives compared by their evidence (random effects over participants): {join_words(others)}."
            if others
            else ""
        )
    )


def _describe_structure(dcm: Structure) -> str:
    a = "all connections" if dcm.a in (None, "full") else join_words([_arrow(connection) for connection in dcm.a or ()])
    b = [
        f"{name} on {join_words([_arrow(connection) for connection in pairs])}" for name, pairs in (dcm.b or {}).items()
    ]
    c = [f"{name} on {join_words(regions)}" for name, regions in (dcm.c or {}).items()]
    return f"A: {a}; B: {'; '.join(b) or 'none'}; C: {'; '.join(c) or 'none'}."


def _arrow(connection: str) -> str:
    return connection.replace("<-", "←")


def _inversion_paragraph(dcm: Dcm) -> str:
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


def _group_paragraph(study: Study) -> str:
    named = [_describe_analysis(name, analysis, study) for name, analysis in study.group.items()]
    return (
        "At the group level, parametric empirical Bayes (Friston et al. 2016; Zeidman et al. 2019) explained the "
        "participants' posteriors by covariates, each participant weighted by the precision of the estimates; "
        f"covariates were mean-centred. Analyses: {'; '.join(named)}. Pp is the posterior probability of the model "
        "with an effect against the model without it; P(> 0) is the share of the posterior above zero; intervals are "
        "90 % credible intervals. An effect is reported where 2 min(P, 1 − P) times the number of connections asked "
        f"about is at most {ALPHA:g}, and called absent where it is below {_smallest_effect(study)} with a probability "
        f"of at least {ABSENCE_PROBABILITY:g}."
    )


def _smallest_effect(study: Study) -> str:
    sizes = sorted({analysis.smallest_effect for analysis in study.group.values()})
    return f"{' or '.join(f'{size:g}' for size in sizes)} Hz (per SD of a covariate)"


_MIXTURE = (
    "a scale mixture of normals, integrated over its scale, in which 2 of 100 participants may lie 3 to 30 times as "
    "far from the mean"
)


def _describe_analysis(name: str, analysis: GroupAnalysis, study: Study) -> str:
    of = describe_selection(select_visits(study, analysis))
    outcome = f" of {analysis.predict}" if analysis.predict else ""
    covariates = f", covariates {join_words(analysis.covariates)}" if analysis.covariates else ""
    interactions = f", interactions {join_words(analysis.interactions)}" if analysis.interactions else ""
    settings = group_settings(analysis.compat, analysis.between, analysis.components, analysis.between_prior)
    between = _MIXTURE if settings.is_mixture else f"prior variance of the log-precision {settings.noise_variance:g}"
    variance = f"between participants: {between}"
    scheme = f"by {analysis.compat.upper()}'s scheme" if settings.follows_spm else "all uncertainty kept"
    sampled = ", checked by sampling (NUTS)" if analysis.sample and analysis.analysis == "arms" else ""
    number = f", {analysis.permutations} permutations" if analysis.analysis == "permute" else ""
    return (
        f"{name}: {_ANALYSIS[analysis.analysis]}{outcome} over {' and '.join(analysis.fields)} of {of}{covariates}"
        f"{interactions} ({variance}, {scheme}{number}{sampled})"
    )


def _software_paragraph(versions: Mapping[str, str]) -> str:
    named = [f"{package} {version}" for package, version in versions.items()]
    return f"Software: {join_words(named)}." if named else "Software: effconn."


def _limits_paragraph(study: Study) -> str:
    limits = [
        "Connectivity is inferred under the models named here; a connection of a model that leaves out a driving "
        "region may stand for that region"
    ]
    words = StudyWords.of(study)
    if any(select_visits(study, analysis).is_change for analysis in study.group.values()):
        limits.append(
            "a change from one session to the other within an arm may be one of time or repetition, so that only the "
            "difference between the arms speaks of treatment, and only as far as arms were assigned at random"
            if words.is_trial
            else "a change from one session to the other may be one of time or repetition"
        )
    made = len(study.group) + len(study.predict)
    if made > 1:
        limits.append(f"{made} analyses were made, and no correction for their number was applied")
    return "; ".join(limits) + "."
