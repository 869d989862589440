"""The second stage, continued: models that lack connections of the main one are reduced from its posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dcm import Spec, Subject
from peb import ReducedModels, reduce_models

from ..common import start_jax
from ..execution import Unit, UnitRecorder
from ..results import ResultFileError, read_posterior, read_reduced_models, reduced_models_path, write_reduced_models
from ..spm import write_dcm
from ..study import MAIN, Dcm, Study, inversion_settings, model_specs, reduced_models
from ._invert import STAGE, InversionJob, inversion_unit, invert_wanted, run_path, visit_subjects
from ._result_paths import ResultPaths
from ._stage_runner import package_versions

BEST_MODELS, CHECKED_VISITS = 3, 4  # inverted as well, so that a choice among many rests on no reduction alone


@dataclass(frozen=True)
class ReductionJob:
    """All models of one visit that are reduced from the main one, as a worker gets them.

    Fields:
        visit, dcm_name, series, dcm: as in `InversionJob`.
        full: file of the main model's posterior of this visit.
        path: file of the models reduced from it.
        spm: model → file of its copy for SPM12; empty for none.
    """

    visit: str
    dcm_name: str
    series: tuple[Path, ...]
    dcm: Dcm
    full: Path
    path: Path
    spm: Mapping[str, Path]


def reduction_units(
    study: Study,
    dcm_name: str,
    series: Mapping[str, tuple[Path, ...]],
    main: Mapping[str, Path],
    paths: ResultPaths,
) -> list[Unit]:
    """A unit for every visit whose main model was inverted; none where a DCM has no model that is reduced.

    Arguments:
        series: visit → files of the extractions of its runs.
        main: visit → file of the main model's posterior.
    """
    dcm = study.dcms[dcm_name]
    models = reduced_models(dcm)
    prefix = f"{dcm_name}." if dcm_name else ""
    units = []
    for visit, full in main.items() if models else ():
        spm = {model: paths.spm(dcm_name, model, visit) for model in models} if study.outputs.spm else {}
        job = ReductionJob(visit, dcm_name, series[visit], dcm, full, reduced_models_path(full), spm)
        inputs = (full, *(_full_files(job) if spm else ()), *(series[visit] if spm else ()))
        units.append(Unit(STAGE, f"{prefix}reduced_{visit}", _recipe(job, models), tuple(dict.fromkeys(inputs)), job))
    return units


def _full_files(job: ReductionJob) -> list[Path]:
    """Posteriors of the main model: one, or of each run where these are averaged."""
    if job.dcm.runs == "concatenate" or len(job.series) == 1:
        return [job.full]
    return [run_path(job.full, f"{job.visit}_run-{number}") for number in range(1, len(job.series) + 1)]


def _recipe(job: ReductionJob, models: Mapping[str, Spec]) -> dict[str, Any]:
    """Everything that decides the result besides the main model's posterior."""
    return {
        "visit": job.visit,
        "reduced_from": MAIN,
        "models": {
            model: {field: getattr(spec, field).astype(int).tolist() for field in ("a", "b", "c", "d")}
            for model, spec in models.items()
        },
        "spm": bool(job.spm),
        **({key: getattr(job.dcm, key) for key in ("echo_time", "runs")} if job.spm else {}),
        **package_versions("jax", "numpy"),
    }


def reduce_visits(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Reduce all models of each visit. The work function of `reduction_units`."""
    start_jax()
    for unit in units:
        try:
            recorder.done(unit, _reduce_visit(unit))
        except ValueError as error:  # of which those of result files are some
            reason = str(error)
            recorder.failed(unit, reason if isinstance(error, ResultFileError) else f"{unit.payload.visit}: {reason}")


def _reduce_visit(unit: Unit) -> list[Path]:
    job: ReductionJob = unit.payload
    models = reduced_models(job.dcm)
    full, attributes = read_posterior(job.full)
    reduced = reduce_models(full, list(models.values()), list(models), MAIN)
    paths = [write_reduced_models(job.full, reduced, str(attributes["name"]))]
    return [*paths, *(_write_for_spm(job, models) if job.spm else ())]


def _write_for_spm(job: ReductionJob, models: Mapping[str, Spec]) -> list[Path]:
    """A DCM file of every model, or of every model and run where runs are averaged."""
    paths = []
    subjects = visit_subjects(job.dcm, model_specs(job.dcm)[MAIN], job.visit, job.series)
    for subject, file in zip(subjects, _full_files(job), strict=True):
        full, _ = read_posterior(file)
        reduced = reduce_models(full, list(models.values()), list(models), MAIN)
        for model, path in job.spm.items():
            paths.append(path.with_name(f"DCM_{subject.name}.mat"))
            write_dcm(paths[-1], replace(subject, spec=models[model]), reduced.posterior(model, subject))
    return paths


def best_reduced_models(reduced: Mapping[str, Path], count: int = BEST_MODELS) -> list[str]:
    """The best of the models that are reduced, by evidence summed over visits, the best first.

    Arguments:
        reduced: visit → file of the models that are reduced from the main one.
    """
    total: dict[str, float] = {}
    for path in reduced.values():
        found = read_reduced_models(path)
        for model, evidence in zip(found.names, found.delta_free_energy.tolist(), strict=True):
            total[model] = total.get(model, 0.0) + evidence
    return sorted(total, key=lambda model: -total[model])[:count]


@dataclass(frozen=True)
class CheckJob(InversionJob):
    """A reduced model of one visit that is inverted as well; `batch` holds all visits that have such checks.

    Fields:
        reduced: file of the models of this visit that are reduced.
    """

    reduced: Path


def check_units(
    study: Study,
    dcm_name: str,
    series: Mapping[str, tuple[Path, ...]],
    reduced: Mapping[str, Path],
    paths: ResultPaths,
) -> list[Unit]:
    """A unit for the best few reduced models at a few visits, which are inverted as well to check the reduction.

    The best by evidence summed over all visits; one visit each of participants spread over the study.

    Arguments:
        series: visit → files of the extractions of its runs.
        reduced: visit → file of the models that are reduced from the main one.
    """
    if not reduced:
        return []
    dcm = study.dcms[dcm_name]
    prefix = f"{dcm_name}." if dcm_name else ""
    specs = reduced_models(dcm)
    if not inversion_settings(dcm).as_spm:
        dcm = dcm.model_copy(update={"starts": 1})
    one_each = list({visit.split("_")[0]: visit for visit in reversed(list(reduced))}.values())[::-1]
    count = min(CHECKED_VISITS, len(one_each))
    chosen = {visit: series[visit] for visit in (one_each[k * len(one_each) // count] for k in range(count))}
    units = []
    for model in best_reduced_models(reduced):
        for visit, files in chosen.items():
            path = paths.inverted(dcm_name, model, visit)
            job = CheckJob(
                visit, model, dcm_name, files, specs[model], dcm, path, None, tuple(chosen.items()), reduced[visit]
            )
            unit = inversion_unit(job, f"{prefix}{model}.inverted_{visit}", f"{prefix}inverted")
            units.append(replace(unit, inputs=(*unit.inputs, reduced[visit])))
    return units


def check_visits(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Invert reduced models of a few visits, all side by side. The work function of `check_units`.

    They begin at the reduced mean, once, so that what is compared is one optimum and its reduction; in SPM's modes
    where SPM begins. The main model is of the batch, though not inverted: one compiled code serves all models.
    """
    start_jax()
    first: CheckJob = units[0].payload
    settings, main = inversion_settings(first.dcm), model_specs(first.dcm)[MAIN]
    subjects: list[Subject] = []
    of: list[Unit | None] = []
    own: dict[str, list[Subject]] = {}
    for visit, series in first.batch:
        try:
            own[visit] = visit_subjects(first.dcm, main, visit, series)
        except ValueError:  # which its own units report
            continue
        subjects += own[visit]
        of += [None] * len(own[visit])
    starts: dict[Path, ReducedModels] = {}
    for unit in units:
        job: CheckJob = unit.payload
        try:
            if job.reduced not in starts:
                starts[job.reduced] = read_reduced_models(job.reduced)
            whole = own[job.visit] if job.visit in own else visit_subjects(job.dcm, main, job.visit, job.series)
        except ValueError as error:
            recorder.failed(unit, str(error))
            continue
        found = starts[job.reduced]
        start = None if settings.as_spm else found.mean[found.names.index(job.model)]
        subjects += [replace(subject, spec=job.spec, start=start) for subject in whole]
        of += [unit] * len(whole)
    invert_wanted(subjects, of, settings, recorder)
