"""The third stage: posteriors of all visits → group analyses and the comparison of models, a folder for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from peb import SamplingSettings

from ..bids import GroupRows, Inventory, group_rows, level_order, write_design
from ..common import UsageError, start_jax
from ..execution import Unit, UnitRecorder
from ..group import (
    GroupInputs,
    GroupOptions,
    VisitsAsked,
    group_settings,
    read_group_inputs,
    report_model_evidence,
)
from ..page import AnalysisReport, save_report
from ..study import GroupAnalysis, Study, VisitSelection, describe_selection, select_visits, switched_models
from ._result_paths import ResultPaths
from ._stage_runner import package_versions

STAGE = "group"
MODELS = "models"  # the analysis that compares alternative models


@dataclass(frozen=True)
class GroupJob:
    """One analysis, as a worker gets it.

    Fields:
        name: its heading in the configuration.
        settings: what the configuration says of it.
        group: column that names the participants' groups; None where there are none.
        groups: their names, the reference last.
        selection: what is taken of each participant's visits.
        taken: what is made of each participant's visits; None for a visit by itself, and the change of two sessions.
        order, reference: of the factors of the design's formula, their levels, and the one that others are taken from.
        posteriors: of the main model, of the visits concerned.
        design: table of participants.
        folder: of its results.
        group_word: what a group is called: an arm, in a trial.
        is_treated: whether the analysis is of the change over treatment, from before to after.
    """

    name: str
    settings: GroupAnalysis
    group: str | None
    groups: tuple[str, ...]
    selection: VisitSelection
    taken: VisitsAsked | None
    posteriors: tuple[Path, ...]
    design: Path
    folder: Path
    order: Mapping[str, Sequence[str]] = field(default_factory=dict)
    reference: Mapping[str, str] = field(default_factory=dict)
    group_word: str = "group"
    is_treated: bool = False


def group_units(
    study: Study, inventory: Inventory, posteriors: Mapping[str, Mapping[str, Path]], paths: ResultPaths
) -> list[Unit]:
    """A unit for every analysis whose DCM has posteriors.

    Arguments:
        posteriors: DCM → visit → file, of the main model.
    """
    return [
        _group_unit(_group_job(study, inventory, posteriors[found[0]], paths, name))
        for name, analysis in study.group.items()
        if (found := study.dcm_of(analysis)) is not None and posteriors.get(found[0])
    ]


def _group_job(
    study: Study, inventory: Inventory, posteriors: Mapping[str, Path], paths: ResultPaths, name: str
) -> GroupJob:
    settings = study.group[name]
    folder = paths.group(name)
    design = write_design(study, inventory, settings, folder / "design.tsv")
    rows = group_rows(study, inventory, settings)
    selection = select_visits(study, settings)
    concerned = {visit for weights in rows.visits for visit in weights} if not selection.sessions else None
    files = tuple(
        path
        for visit, path in posteriors.items()
        if (visit in concerned if concerned is not None else visit.partition("_")[2] in selection.sessions)
    )
    participants, levels = study.participants, level_order(study, settings, rows)
    return GroupJob(
        name,
        settings,
        participants.group_column,
        participants.group_names,
        selection,
        _taken_visits(selection, rows),
        files,
        design,
        folder,
        levels.order if settings.design is not None else {},
        levels.reference if settings.design is not None else {},
        participants.group_word,
        participants.is_trial and study.sessions.before is not None and selection.pair == study.sessions.pair,
    )


def _taken_visits(selection: VisitSelection, rows: GroupRows) -> VisitsAsked | None:
    if selection.kind == "visit" or selection.is_change:
        return None
    members: dict[str, dict[str, float]] = {}
    for participant, weights in zip(rows.participants, rows.visits, strict=True):
        members.setdefault(participant, {}).update(weights)
    return VisitsAsked(selection.kind, describe_selection(selection), selection.weights, members)


def _group_unit(job: GroupJob) -> Unit:
    recipe = {
        "analysis": job.settings.model_dump(mode="json"),
        "group": [job.group, *job.groups],
        "of": [job.selection.kind, [[name, weight] for name, weight in job.selection.weights.items()]],
        "visits": [path.stem for path in job.posteriors],
        "change": job.selection.pair,
        "weights": None if job.taken is None else {"kind": job.taken.kind, "members": job.taken.members},
        "levels": [dict(job.order), dict(job.reference)],
        "words": [job.group_word, job.is_treated],
        **package_versions("jax", "numpy", "numpyro", "matplotlib"),
    }
    units = job.design.with_suffix(".json")
    tables = (job.design, units) if units.is_file() else (job.design,)
    return Unit(STAGE, job.name, recipe, (*job.posteriors, *tables), job)


def analyse_groups(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Run analyses, and write what each prints and saves its report. The work function of this stage."""
    start_jax()
    for unit in units:
        job: GroupJob = unit.payload
        try:
            report = _run_analysis(job)
            recorder.done(unit, save_report(report, job.folder))
        except (UsageError, ValueError) as error:
            recorder.failed(unit, str(error))


def _run_analysis(job: GroupJob) -> AnalysisReport:
    options = _options(job)
    inputs = read_group_inputs(options, lambda line: None)
    if options.reinvert:
        from ..group import invert_again

        inputs = invert_again(options, inputs, lambda line: None)
    report = _ANALYSES[job.settings.analysis](job, inputs)
    session = job.selection.sessions[0] if job.selection.kind == "visit" else ""
    return _of_session(report, session) if session else report


def _of_session(report: AnalysisReport, session: str) -> AnalysisReport:
    """The report with the session in its title and questions, so that it is not read as a change between sessions."""
    answers = tuple(replace(answer, question=f"In {session}: {answer.question}") for answer in report.answers)
    return replace(report, title=f"{report.title}, {session}", answers=answers)


def _options(job: GroupJob) -> GroupOptions:
    settings = job.settings
    covariates = [*settings.covariates]
    if settings.predict is not None and settings.predict not in covariates:
        covariates.append(settings.predict)
    pairs = [(first.strip(), second.strip()) for first, second in (text.split(":") for text in settings.interactions)]
    if settings.analysis == "arms" and job.group is not None:
        covariates = [job.group, *(name for name in covariates if name != job.group)]
        pairs += [(job.group, name) for name in covariates[1:] if {job.group, name} not in map(set, pairs)]
    return GroupOptions(
        paths=job.posteriors,
        design=job.design,
        covariates=covariates if settings.design is None else None,
        interactions=pairs,
        formula=settings.design,
        order=job.order,
        reference=job.reference,
        contrasts=settings.contrasts,
        plus=job.groups[:1],
        named=tuple(name for name in covariates if name == job.group),  # groups called 0 and 1 are no numbers
        fields=settings.fields,
        sessions=job.selection.pair,
        visits=job.taken,
        is_treated=job.is_treated,
        group_word=job.group_word,
        matched_only=True,
        all_different=True,  # the participants' table tells whose runs are whose
        settings=group_settings(settings.compat, settings.between, settings.components, settings.between_prior),
        smallest_effect=settings.smallest_effect,
        reinvert=settings.reinvert,
    )


def _arms(job: GroupJob, inputs: GroupInputs) -> AnalysisReport:
    from ..group import compare_arms, report_arms

    sampling = SamplingSettings(seed=job.settings.seed) if job.settings.sample else None
    return report_arms(inputs, compare_arms(inputs, str(job.group), sampling, order=(job.groups[0], job.groups[1])))


def _fit(job: GroupJob, inputs: GroupInputs) -> AnalysisReport:
    from ..group import fit_group, report_fit

    return report_fit(inputs, *fit_group(inputs))


def _leave_one_out(job: GroupJob, inputs: GroupInputs) -> AnalysisReport:
    from ..group import cross_validate_covariate, report_leave_one_out

    return report_leave_one_out(
        inputs, cross_validate_covariate(inputs, str(job.settings.predict), None, job.settings.seed)
    )


def _permute(job: GroupJob, inputs: GroupInputs) -> AnalysisReport:
    from ..group import permute_covariate, report_permutation

    return report_permutation(
        inputs, permute_covariate(inputs, str(job.settings.predict), (), job.settings.permutations, job.settings.seed)
    )


def _search(job: GroupJob, inputs: GroupInputs) -> AnalysisReport:
    from ..group import report_search, search_models

    return report_search(inputs, *search_models(inputs))


_ANALYSES: dict[str, Any] = {
    "arms": _arms,
    "fit": _fit,
    "leave-one-out": _leave_one_out,
    "permute": _permute,
    "search": _search,
}


@dataclass(frozen=True)
class ComparisonJob:
    """The models to compare, as a worker gets them.

    Fields:
        posteriors: model → visit → file, of models that were inverted.
        reduced: visit → file of the models that are reduced from the main one.
        checks: model → visit → file, of models that were reduced and inverted as well.
        switches: what is switched → the models that have it.
        folder: of the results.
    """

    posteriors: Mapping[str, Mapping[str, Path]]
    reduced: Mapping[str, Path]
    checks: Mapping[str, Mapping[str, Path]]
    switches: Mapping[str, tuple[str, ...]]
    folder: Path


def comparison_units(
    study: Study,
    posteriors: Mapping[str, Mapping[str, Mapping[str, Path]]],
    reduced: Mapping[str, Mapping[str, Path]],
    checks: Mapping[str, Mapping[str, Mapping[str, Path]]],
    paths: ResultPaths,
) -> list[Unit]:
    """A unit for every DCM that compares its models; none for one that has a single model.

    Arguments:
        posteriors: DCM → model → visit → file, of models that were inverted.
        reduced: DCM → visit → file of the models that are reduced from the main one.
        checks: as `posteriors`, of models that were reduced and inverted as well.
    """
    units = []
    for dcm, models in posteriors.items():
        if len(models) < 2 and not reduced.get(dcm):
            continue
        name = MODELS if not dcm else f"{MODELS}-{dcm}"
        inverted, switches = checks.get(dcm, {}), switched_models(study.dcms[dcm])
        together = reduced.get(dcm, {})
        inputs = [path for own in (models, inverted) for visits in own.values() for path in visits.values()]
        recipe = {
            "visits": {model: list(visits) for model, visits in models.items()},
            **({"reduced": list(together)} if together else {}),
            **({"checks": {model: list(visits) for model, visits in inverted.items()}} if inverted else {}),
            **({"switches": {switch: list(on) for switch, on in switches.items()}} if switches else {}),
            **package_versions("numpy", "scipy", "matplotlib"),
        }
        job = ComparisonJob(models, together, inverted, switches, paths.group(name))
        units.append(Unit(STAGE, name, recipe, (*inputs, *together.values()), job))
    return units


def compare_study_models(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Compare alternative models, and write the result. The work function of `comparison_units`."""
    for unit in units:
        job: ComparisonJob = unit.payload
        try:
            report = report_model_evidence(job.posteriors, job.folder.name, job.reduced, job.checks, job.switches)
        except ValueError as error:
            recorder.failed(unit, str(error))
        else:
            recorder.done(unit, save_report(report, job.folder))
