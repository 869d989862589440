"""The third stage: posteriors of all visits → group analyses and the comparison of models, a folder for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from peb import SamplingSettings

from ..bids import Inventory, write_design
from ..common import UsageError, start_jax
from ..execution import Unit, UnitRecorder
from ..group import GroupInputs, GroupOptions, group_settings, read_group_inputs, report_model_evidence
from ..page import AnalysisReport, save_report
from ..study import GroupAnalysis, Sessions, Study
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
        arm, arms: column and both names; differences are the first minus the second.
        sessions: before and after.
        posteriors: of the main model, of the sessions concerned.
        design: table of participants.
        folder: of its results.
    """

    name: str
    settings: GroupAnalysis
    arm: str
    arms: tuple[str, str]
    sessions: Sessions
    posteriors: tuple[Path, ...]
    design: Path
    folder: Path


def group_units(study: Study, inventory: Inventory, posteriors: Mapping[str, Path], paths: ResultPaths) -> list[Unit]:
    """A unit for every analysis.

    Arguments:
        posteriors: visit → file, of the main model.
    """
    return [_group_unit(_group_job(study, inventory, posteriors, paths, name)) for name in study.group]


def _group_job(
    study: Study, inventory: Inventory, posteriors: Mapping[str, Path], paths: ResultPaths, name: str
) -> GroupJob:
    settings = study.group[name]
    folder = paths.group(name)
    design = write_design(study, inventory, settings, folder / "design.tsv")
    wanted = {"before": [study.sessions.before], "after": [study.sessions.after]}.get(
        settings.of, [study.sessions.before, study.sessions.after]
    )
    files = tuple(path for visit, path in posteriors.items() if visit.split("_", 1)[1] in wanted)
    arm, arms = study.participants.arm, study.participants.arms
    return GroupJob(name, settings, arm, arms, study.sessions, files, design, folder)


def _group_unit(job: GroupJob) -> Unit:
    recipe = {
        "analysis": job.settings.model_dump(mode="json"),
        "arm": [job.arm, *job.arms],
        "sessions": [job.sessions.before, job.sessions.after],
        "visits": [path.stem for path in job.posteriors],
        **package_versions("jax", "numpy", "numpyro", "matplotlib"),
    }
    return Unit(STAGE, job.name, recipe, (*job.posteriors, job.design), job)


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
    return report if job.settings.of == "change" else _of_session(report, getattr(job.sessions, job.settings.of))


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
    if settings.analysis == "arms":
        covariates = [job.arm, *(name for name in covariates if name != job.arm)]
        pairs += [(job.arm, name) for name in covariates[1:] if {job.arm, name} not in map(set, pairs)]
    return GroupOptions(
        paths=job.posteriors,
        design=job.design,
        covariates=covariates,
        interactions=pairs,
        plus=job.arms[:1],
        named=tuple(name for name in covariates if name == job.arm),  # arms called 0 and 1 are no numbers
        fields=settings.fields,
        sessions=(job.sessions.before, job.sessions.after) if settings.of == "change" else None,
        matched_only=True,
        all_different=True,  # the participants' table tells whose runs are whose
        settings=group_settings(settings.compat, settings.between, settings.components, settings.between_prior),
        smallest_effect=settings.smallest_effect,
        reinvert=settings.reinvert,
    )


def _arms(job: GroupJob, inputs: GroupInputs) -> AnalysisReport:
    from ..group import compare_arms, report_arms

    sampling = SamplingSettings(seed=job.settings.seed) if job.settings.sample else None
    return report_arms(inputs, compare_arms(inputs, job.arm, sampling, order=job.arms))


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
    """The posteriors of every model, by visit, as a worker gets them."""

    posteriors: Mapping[str, Mapping[str, Path]]
    folder: Path


def comparison_units(posteriors: Mapping[str, Mapping[str, Path]], paths: ResultPaths) -> list[Unit]:
    """The unit that compares models; none where the study has one model.

    Arguments:
        posteriors: model → visit → file.
    """
    if len(posteriors) < 2:
        return []
    inputs = tuple(path for visits in posteriors.values() for path in visits.values())
    recipe = {
        "visits": {model: list(visits) for model, visits in posteriors.items()},
        **package_versions("numpy", "scipy", "matplotlib"),
    }
    return [Unit(STAGE, MODELS, recipe, inputs, ComparisonJob(posteriors, paths.group(MODELS)))]


def compare_study_models(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Compare alternative models, and write the result. The work function of `comparison_units`."""
    for unit in units:
        job: ComparisonJob = unit.payload
        try:
            report = report_model_evidence(job.posteriors, MODELS)
        except ValueError as error:
            recorder.failed(unit, str(error))
        else:
            recorder.done(unit, save_report(report, job.folder))
