"""The second stage, continued: models that lack connections of the main one are reduced from its posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dcm import Posterior, Spec, Subject
from peb import reduce_models

from ..common import start_jax
from ..execution import Unit, UnitRecorder
from ..results import read_posterior
from ..study import MAIN, Dcm, Study, model_specs, reduced_models
from ._invert import STAGE, InversionJob, inversion_unit, run_path, visit_subjects, write_visit
from ._result_paths import ResultPaths
from ._stage_runner import package_versions

CHECKED_MODELS, CHECKED_VISITS = 3, 4  # inverted as well, so that a choice among many rests on no reduction alone


@dataclass(frozen=True)
class ReductionJob:
    """One model of one visit that is reduced from the main one, as a worker gets it.

    Fields:
        visit, model, dcm_name, series, spec, dcm, path, spm: as in `InversionJob`.
        full: file of the main model's posterior of this visit.
    """

    visit: str
    model: str
    dcm_name: str
    series: tuple[Path, ...]
    spec: Spec
    dcm: Dcm
    path: Path
    spm: Path | None
    full: Path


def reduction_units(
    study: Study,
    dcm_name: str,
    series: Mapping[str, tuple[Path, ...]],
    main: Mapping[str, Path],
    paths: ResultPaths,
) -> list[Unit]:
    """A unit for every model of one DCM that is reduced, and every visit whose main model was inverted.

    Arguments:
        series: visit → files of the extractions of its runs.
        main: visit → file of the main model's posterior.
    """
    dcm = study.dcms[dcm_name]
    prefix = f"{dcm_name}_" if dcm_name else ""
    units = []
    for model, spec in reduced_models(dcm).items():
        for visit, full in main.items():
            spm = paths.spm(dcm_name, model, visit) if study.outputs.spm else None
            path = paths.posterior(dcm_name, model, visit)
            job = ReductionJob(visit, model, dcm_name, series[visit], spec, dcm, path, spm, full)
            inputs = (*series[visit], full)
            units.append(Unit(STAGE, f"{prefix}{model}_{visit}", _recipe(job), inputs, job, f"{prefix}reduced-{visit}"))
    return units


def _recipe(job: ReductionJob) -> dict[str, Any]:
    """Everything that decides the posterior besides the series and the main model's posterior."""
    return {
        "visit": job.visit,
        "model": job.model,
        "reduced_from": MAIN,
        **{field: getattr(job.spec, field).astype(int).tolist() for field in ("a", "b", "c", "d")},
        **{key: getattr(job.dcm, key) for key in ("echo_time", "runs")},
        "spm": job.spm is not None,
        **package_versions("jax", "numpy"),
    }


def reduce_visits(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Reduce all models of one visit. The work function of `reduction_units`."""
    start_jax()
    visits: dict[Path, list[Unit]] = {}
    for unit in units:
        visits.setdefault(unit.payload.full, []).append(unit)
    for own in visits.values():
        try:
            subjects, found = _reduce_visit([unit.payload for unit in own])
        except ValueError as error:
            for unit in own:
                recorder.failed(unit, str(error))
            continue
        for unit, posteriors in zip(own, found, strict=True):
            of_model = [replace(subject, spec=unit.payload.spec) for subject in subjects]
            recorder.done(unit, write_visit(unit, of_model, posteriors))


def _reduce_visit(jobs: Sequence[ReductionJob]) -> tuple[list[Subject], list[list[Posterior]]]:
    """The visit's main model, and for every other its posterior; of each run, where these are averaged."""
    first = jobs[0]
    subjects = visit_subjects(first.dcm, model_specs(first.dcm)[MAIN], first.visit, first.series)
    specs = [job.spec for job in jobs]
    by_run = []
    for subject in subjects:
        full, _ = read_posterior(first.full if len(subjects) == 1 else run_path(first.full, subject.name))
        by_run.append(reduce_models(full, specs, subject, MAIN))
    return subjects, [list(runs) for runs in zip(*by_run, strict=True)]


def check_units(
    study: Study,
    dcm_name: str,
    series: Mapping[str, tuple[Path, ...]],
    posteriors: Mapping[str, Mapping[str, Path]],
    paths: ResultPaths,
) -> list[Unit]:
    """A unit for the best few reduced models at a few visits, which are inverted as well to check the reduction.

    The best by evidence summed over the visits that all have; one visit each of participants spread over the study.

    Arguments:
        series: visit → files of the extractions of its runs.
        posteriors: model → visit → file.
    """
    reduced = reduced_models(study.dcms[dcm_name])
    models = [model for model in posteriors if model in reduced]
    if not models:
        return []
    shared = [visit for visit in posteriors[models[0]] if all(visit in posteriors[model] for model in models)]
    one_each = list({visit.split("_")[0]: visit for visit in reversed(shared)}.values())[::-1]
    count = min(CHECKED_VISITS, len(one_each))
    chosen = [one_each[k * len(one_each) // count] for k in range(count)]
    evidence = {
        model: sum(read_posterior(posteriors[model][visit])[0].settled_free_energy for visit in shared)
        for model in models
    }
    best = sorted(models, key=lambda model: -evidence[model])[:CHECKED_MODELS]
    of_chosen = {visit: series[visit] for visit in chosen}
    units = []
    for model in best:
        for visit in chosen:
            path = paths.inverted(dcm_name, model, visit)
            files, dcm, members = series[visit], study.dcms[dcm_name], tuple(of_chosen.items())
            job = InversionJob(visit, model, dcm_name, files, reduced[model], dcm, path, None, members)
            units.append(inversion_unit(job, f"inverted-{dcm_name}-{model}_{visit}", f"inverted-{dcm_name}-{model}"))
    return units
