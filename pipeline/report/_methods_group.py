"""The group level in plain paragraphs: what is taken of visits, designs and contrasts in words, the verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from peb import ABSENCE_PROBABILITY, ALPHA

from ..common import join_words
from ..group import group_settings
from ..page import AnalysisReport
from ..study import GroupAnalysis, Study, VisitSelection, describe_selection, select_visits
from ._study_result import StudyResult
from ._study_words import StudyWords, plural

_ANALYSIS = {
    "fit": "effects of covariates",
    "leave-one-out": "leave-one-out prediction",
    "permute": "a permutation test",
    "search": "a greedy search over reduced models",
}
_MIXTURE = (
    "a scale mixture of normals, integrated over its scale, in which 2 of 100 participants may lie 3 to 30 times as "
    "far from the mean"
)


def group_paragraphs(result: StudyResult) -> list[str]:
    """How groups were analysed, with a paragraph for each analysis that has a design of its own."""
    study = result.study
    if not study.group:
        return []
    plain = [name for name, analysis in study.group.items() if not _has_own_paragraph(study, analysis)]
    named = [_describe_analysis(name, study.group[name], result) for name in plain]
    analyses = f" Analyses: {'; '.join(named)}." if named else ""
    general = (
        "At the group level, parametric empirical Bayes (Friston et al. 2016; Zeidman et al. 2019) explained the "
        "participants' posteriors by covariates, each participant weighted by the precision of the estimates; "
        f"covariates were mean-centred.{analyses} Pp is the posterior probability of the model "
        "with an effect against the model without it; P(> 0) is the share of the posterior above zero; intervals are "
        "90 % credible intervals. An effect is reported where 2 min(P, 1 − P) times the number of connections asked "
        f"about is at most {ALPHA:g}, and called absent where it is below {_smallest_effect(study)} with a probability "
        f"of at least {ABSENCE_PROBABILITY:g}."
    )
    own = [_analysis_paragraph(name, study.group[name], result) for name in study.group if name not in plain]
    return [general, *own]


def _has_own_paragraph(study: Study, analysis: GroupAnalysis) -> bool:
    """Whether an analysis says more than covariates of a change or of one visit."""
    selection = select_visits(study, analysis)
    return (
        analysis.design is not None
        or bool(analysis.contrasts)
        or not (selection.is_change or selection.kind == "visit")
    )


def _smallest_effect(study: Study) -> str:
    sizes = sorted({analysis.smallest_effect for analysis in study.group.values()})
    return f"{' or '.join(f'{size:g}' for size in sizes)} Hz (per SD of a covariate)"


def _describe_analysis(name: str, analysis: GroupAnalysis, result: StudyResult) -> str:
    study = result.study
    of = _describe_selection(select_visits(study, analysis))
    outcome = f" of {analysis.predict}" if analysis.predict else ""
    covariates = f", covariates {join_words(analysis.covariates)}" if analysis.covariates else ""
    interactions = f", interactions {join_words(analysis.interactions)}" if analysis.interactions else ""
    return (
        f"{name}: {_kind(analysis, study)}{outcome} over {' and '.join(analysis.fields)}{_dcm(analysis)}{of}"
        f"{covariates}{interactions} ({_scheme(analysis)})"
    )


def _kind(analysis: GroupAnalysis, study: Study) -> str:
    if analysis.analysis == "arms":
        return f"a comparison of the {StudyWords.of(study).group}s"
    return _ANALYSIS[analysis.analysis]


def _dcm(analysis: GroupAnalysis) -> str:
    return f" of the DCM {analysis.dcm}" if analysis.dcm else ""


def _describe_selection(selection: VisitSelection) -> str:
    """`` of the change from ses-1 to ses-2``; nothing where a participant has one visit."""
    words = describe_selection(selection)
    return "" if words == "the visit" else f" of {words}"


def _scheme(analysis: GroupAnalysis) -> str:
    """How participants vary about the design, and how it was computed."""
    settings = group_settings(analysis.compat, analysis.between, analysis.components, analysis.between_prior)
    between = _MIXTURE if settings.is_mixture else f"prior variance of the log-precision {settings.noise_variance:g}"
    scheme = f"by {analysis.compat.upper()}'s scheme" if settings.follows_spm else "all uncertainty kept"
    number = f", {analysis.permutations} permutations" if analysis.analysis == "permute" else ""
    sampled = ", checked by sampling (NUTS)" if analysis.sample and analysis.analysis == "arms" else ""
    return f"between participants: {between}, {scheme}{number}{sampled}"


def _analysis_paragraph(name: str, analysis: GroupAnalysis, result: StudyResult) -> str:
    """One analysis: its visits, design, columns, contrasts, and of how many it is."""
    report = result.analyses.get(name)
    formula = f" The design was {analysis.design}" if analysis.design else ""
    if not formula and analysis.covariates:
        formula = f" Covariates were {join_words(analysis.covariates)}"
    scheme = _scheme(analysis)
    return (
        f"Analysis {name}: {_kind(analysis, result.study)} over {' and '.join(analysis.fields)}{_dcm(analysis)}. "
        f"{_visits_sentence(select_visits(result.study, analysis), result, report)}"
        f"{formula}{_columns_clause(report) if formula else ''}{_contrasts_sentence(analysis, report)} "
        f"{scheme[0].upper()}{scheme[1:]}."
    )


def _visits_sentence(selection: VisitSelection, result: StudyResult, report: AnalysisReport | None) -> str:
    """What was taken of visits, and of how many participants."""
    used = _participants_used(report)
    counted = f" of {plural(len(used), 'participant')}" if used else ""
    lacking = len(result.participants) - len(used) if used else 0
    gone = f"; {plural(lacking, 'participant')} without what it takes {'was' if lacking == 1 else 'were'} left out"
    left_out = gone if lacking else ""
    if selection.kind == "visits":
        rows = len((report.summary.get("design") or {}).get("rows") or ()) if report is not None else 0
        visits = f"{plural(rows, 'visit')}{counted}" if rows else "all visits"
        return (
            f"It had three levels: {visits}, participants with means of their own, and the group; participants "
            f"may lack visits{left_out}."
        )
    if selection.kind == "mean":
        return (
            "It was over the Bayesian average of each participant's visits, each weighted by its precision and the "
            f"prior counted once{f',{counted}' if counted else ''}{left_out}."
        )
    words = describe_selection(selection)
    return f"It was over {'one visit' if words == 'the visit' else words}{counted}{left_out}."


def _participants_used(report: AnalysisReport | None) -> list[str]:
    """Who is in an analysis, each once; a name may be one of a visit."""
    names: Sequence[str] = () if report is None else report.summary.get("participants_used") or ()
    return list(dict.fromkeys(name.split("_")[0] for name in names))


def _columns_clause(report: AnalysisReport | None) -> str:
    """What the columns of a design are, in words."""
    design = {} if report is None else report.summary.get("design") or {}
    effects: dict[str, str] = dict(design.get("effects") or {})
    listed = "; ".join(f"{column}: {words}" for column, words in effects.items())
    return f", whose columns are {listed}." if listed else "."


def _contrasts_sentence(analysis: GroupAnalysis, report: AnalysisReport | None) -> str:
    if not analysis.contrasts:
        return ""
    answered = [] if report is None else report.summary.get("contrast_answers") or []
    words = {answer["name"]: answer["what"] for answer in answered}
    named = [f"{name} ({words.get(name) or text})" for name, text in analysis.contrasts.items()]
    what = "A contrast was answered by the posterior of that combination"
    if len(named) > 1:
        what = "Contrasts were answered by the posteriors of these combinations"
    return f" {what} of effects: {join_words(named)}."
