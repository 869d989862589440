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
    analyses = f" {'Analyses:' if len(named) > 1 else 'Analysis'} {'; '.join(named)}." if named else ""
    means_only = all(_is_mean_only(study, analysis) for analysis in study.group.values())
    by = (
        "by their mean, each participant weighted by the precision of the estimates."
        if means_only
        else "by covariates, each participant weighted by the precision of the estimates; covariates were mean-centred."
    )
    schemes = _schemes(study)
    scheme = f" {_sentence(schemes.pop())}" if len(schemes) == 1 else ""
    general = (
        "At the group level, parametric empirical Bayes (Friston et al. 2016; Zeidman et al. 2019) explained the "
        f"participants' posteriors {by}{analyses}{scheme} Pp is the posterior probability of the model "
        "with an effect against the model without it; P(> 0) is the share of the posterior above zero; intervals are "
        "90 % credible intervals. An effect is reported where 2 min(P, 1 − P) times the number of connections asked "
        f"about is at most {ALPHA:g}, and called absent where it is below {_smallest_effect(study, means_only)} with a "
        f"probability of at least {ABSENCE_PROBABILITY:g}."
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


def _is_mean_only(study: Study, analysis: GroupAnalysis) -> bool:
    """Whether it asks of the mean of participants alone."""
    return (
        analysis.analysis == "fit"
        and not analysis.covariates
        and not analysis.interactions
        and (analysis.design or "1").strip() == "1"
    )


def _smallest_effect(study: Study, means_only: bool) -> str:
    sizes = sorted({analysis.smallest_effect for analysis in study.group.values()})
    return f"{' or '.join(f'{size:g}' for size in sizes)} Hz{'' if means_only else ' (per SD of a covariate)'}"


def _describe_analysis(name: str, analysis: GroupAnalysis, result: StudyResult) -> str:
    study = result.study
    selection = select_visits(study, analysis)
    if _is_mean_only(study, analysis):
        return f"{name}: {_mean_in_words(analysis, selection)}{_own_scheme(study, analysis)}"
    of = _describe_selection(selection)
    outcome = f" of {analysis.predict}" if analysis.predict else ""
    covariates = f", covariates {join_words(analysis.covariates)}" if analysis.covariates else ""
    interactions = f", interactions {join_words(analysis.interactions)}" if analysis.interactions else ""
    return (
        f"{name}: {_kind(analysis, study)}{outcome} over {' and '.join(analysis.fields)}{_dcm(analysis)}{of}"
        f"{covariates}{interactions}{_own_scheme(study, analysis)}"
    )


def _mean_in_words(analysis: GroupAnalysis, selection: VisitSelection) -> str:
    """``the mean change of B from ses-1 to ses-2``, ``the mean of B in session ses-1``."""
    fields = f"{' and '.join(analysis.fields)}{_dcm(analysis)}"
    if selection.pair is not None:
        return "the mean change of {} from {} to {} over participants".format(fields, *selection.pair)
    words = describe_selection(selection)
    where = f" in {words}" if selection.kind == "visit" and words != "the visit" else ""
    return f"the mean of {fields}{where} over participants"


def _own_scheme(study: Study, analysis: GroupAnalysis) -> str:
    """How participants vary about its design, where not all analyses have the same."""
    return "" if len(_schemes(study)) == 1 else f" ({_scheme(analysis)})"


def _schemes(study: Study) -> set[str]:
    return {_scheme(analysis) for analysis in study.group.values()}


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
    scheme = f" {_sentence(_scheme(analysis))}" if len(_schemes(result.study)) > 1 else ""
    selection = select_visits(result.study, analysis)
    kind = f"{_kind(analysis, result.study)} over {' and '.join(analysis.fields)}{_dcm(analysis)}"
    if _is_mean_only(result.study, analysis):
        kind = f"the mean of {' and '.join(analysis.fields)}{_dcm(analysis)} over participants"
    return (
        f"Analysis {name}: {kind}. {_visits_sentence(selection, result, report)}"
        f"{formula}{_columns_clause(report) if formula else ''}{_contrasts_sentence(analysis, report)}{scheme}"
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


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
            f"It had three levels: {visits}, participants with means{_own_effects(report)}, and the group; "
            f"participants may lack visits{left_out}."
        )
    if selection.kind == "mean":
        return (
            "It was over the Bayesian average of each participant's visits, each weighted by its precision and the "
            f"prior counted once{f',{counted}' if counted else ''}{left_out}."
        )
    words = describe_selection(selection)
    return f"It was over {'one visit' if words == 'the visit' else words}{counted}{left_out}."


def _own_effects(report: AnalysisReport | None) -> str:
    """Which effects of visits differ between participants, where a result says so."""
    own = None if report is None else report.summary.get("own_effects")
    if own is None:
        return " of their own"
    if own:
        which = " (of all alike or of one most, which was averaged over)" if len(own) > 1 else ""
        return f" and effects of {join_words(own)} of their own{which}"
    return (
        " of their own (what differs between visits has the same effect in all of them, as their visits are too few to "
        "tell own effects)"
    )


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
