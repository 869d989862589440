"""The second stage: region series → a posterior for every visit and model, in batches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dcm import (
    SPM12_ECHO_TIME,
    Data,
    Failure,
    Posterior,
    Settings,
    Spec,
    Subject,
    concatenate_runs,
    invert_each,
)
from peb import average_runs

from ..common import MORE_SOURCES, count_cores, file_digest, provenance, start_jax
from ..execution import Unit, UnitRecorder
from ..images import Extraction, read_extraction
from ..results import posterior_dataset, write_dataset
from ..spm import write_dcm
from ..study import Dcm, Study, inversion_settings, inverted_models
from ._result_paths import ResultPaths
from ._stage_runner import package_versions

STAGE = "invert"
RUNS = "runs"  # folder of the posteriors of each run, where they are averaged


@dataclass(frozen=True)
class InversionJob:
    """One model of one visit, as a worker gets it.

    Fields:
        visit, model, dcm_name: names; the last is empty where the study has a single DCM.
        series: files of the extractions of the visit's runs, in their order.
        spec: the model.
        dcm: how to invert it.
        path: file of the posterior.
        spm: file of its copy for SPM12; None for none.
        batch: visits, and their series, that are inverted together with it.
    """

    visit: str
    model: str
    dcm_name: str
    series: tuple[Path, ...]
    spec: Spec
    dcm: Dcm
    path: Path
    spm: Path | None
    batch: tuple[tuple[str, tuple[Path, ...]], ...]


def inversion_units(
    study: Study, dcm_name: str, series: Mapping[str, tuple[Path, ...]], paths: ResultPaths, batch: int
) -> list[Unit]:
    """A unit for every model of one DCM that is inverted and every visit with series, model by model.

    Visits are inverted in fixed batches, whichever of them are still to be done: series are padded to the longest of a
    batch, which decides the last digits.

    Arguments:
        dcm_name: of the DCM in the study's file; empty where there is one.
        series: visit → files of the extractions of its runs.
        batch: visits that are inverted side by side.
    """
    dcm, visits = study.dcms[dcm_name], list(series.items())
    prefix = f"{dcm_name}." if dcm_name else ""  # a dot is in no name, so that those of two units differ
    units = []
    for model, spec in inverted_models(dcm).items():
        for position, (visit, files) in enumerate(visits):
            begin = position // batch * batch
            end = min(begin + batch, len(visits))
            members = tuple(visits[begin:end])
            spm = paths.spm(dcm_name, model, visit) if study.outputs.spm else None
            path = paths.posterior(dcm_name, model, visit)
            job = InversionJob(visit, model, dcm_name, files, spec, dcm, path, spm, members)
            units.append(inversion_unit(job, f"{prefix}{model}_{visit}", f"{prefix}{model}-{begin}"))
    return units


def inversion_unit(job: InversionJob, name: str, batch: str) -> Unit:
    """The unit of one job."""
    return Unit(STAGE, name, _recipe(job), job.series, job, batch=batch)


def _recipe(job: InversionJob) -> dict[str, Any]:
    """Everything that decides the posterior besides the series."""
    masks = {field: getattr(job.spec, field).astype(int).tolist() for field in ("a", "b", "c", "d")}
    settings: dict[str, Any] = {"inversion": asdict(inversion_settings(job.dcm))}
    settings |= {key: getattr(job.dcm, key) for key in ("echo_time", "centre_inputs")}
    if len(job.series) > 1:
        settings["runs"] = job.dcm.runs
    names = {"visit": job.visit, "model": job.model, "regions": job.spec.regions, "inputs": job.spec.inputs}
    return {
        **names,
        **masks,
        **settings,
        "spm": job.spm is not None,
        **package_versions("jax", "numpy"),
    }


def invert_visits(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Invert a batch; every posterior is written as soon as it is there. The work function of this stage."""
    start_jax()
    wanted = {unit.payload.visit: unit for unit in units}
    first: InversionJob = units[0].payload
    members = first.batch if units[0].batch else tuple((unit.payload.visit, unit.payload.series) for unit in units)
    visits: list[str] = []  # of each subject: with a model of each run, a visit has several
    subjects: list[Subject] = []
    for visit, series in members:
        try:
            own = visit_subjects(first.dcm, first.spec, visit, series)
        except ValueError as error:
            if visit in wanted:
                recorder.failed(wanted[visit], str(error))
        else:
            visits += [visit] * len(own)
            subjects += own
    invert_wanted(subjects, [wanted.get(visit) for visit in visits], inversion_settings(first.dcm), recorder)


def invert_wanted(
    subjects: Sequence[Subject], units: Sequence[Unit | None], settings: Settings, recorder: UnitRecorder
) -> None:
    """Invert subjects side by side; a unit is written as soon as all subjects that are of it are there.

    Arguments:
        units: of each subject; None for one that is not inverted, but decides with the others how data are padded.
    """
    of = {position: unit for position, unit in enumerate(units) if unit is not None}
    found: dict[str, dict[int, Posterior | Failure]] = {}
    for position, result in invert_each(subjects, settings, wanted=list(of), cores=count_cores()):
        unit = of[position]
        results = found.setdefault(unit.name, {})
        results[position] = result
        if len(results) == sum(other is unit for other in of.values()):
            runs = sorted(results)
            _record(unit, recorder, [subjects[k] for k in runs], [results[k] for k in runs])
            del found[unit.name]


def _record(
    unit: Unit, recorder: UnitRecorder, subjects: Sequence[Subject], results: Sequence[Posterior | Failure]
) -> None:
    """Write a visit whose runs are all done; it fails where one of them has."""
    for subject, result in zip(subjects, results, strict=True):
        if isinstance(result, Failure):
            recorder.failed(unit, result.reason if len(results) == 1 else f"{subject.name}: {result.reason}")
            return
    posteriors = [result for result in results if isinstance(result, Posterior)]
    try:
        recorder.done(unit, write_visit(unit, subjects, posteriors))
    except ValueError as error:  # averages that have no posterior
        recorder.failed(unit, str(error))


def visit_subjects(dcm: Dcm, spec: Spec, visit: str, series: Sequence[Path]) -> list[Subject]:
    """What is inverted of a visit: one subject, or one of each of its runs where these are averaged.

    Raises `ValueError` where runs cannot be modelled, or not in one model, and what to do.
    """
    extractions = [read_extraction(path) for path in series]
    data = [_run_data(dcm, spec, visit, extraction) for extraction in extractions]
    average = dcm.runs == "average" and len(data) > 1
    if not average and len(data) > 1:
        try:
            data = [concatenate_runs(data)]
        except ValueError as error:
            raise ValueError(f'{visit}: {error}; or take runs = "average" under [dcm]') from None
    subjects = []
    for number, own in enumerate(data, start=1):
        name, where = (f"{visit}_run-{number}", f"run {number}") if average else (visit, "this run")
        where = where if len(series) == 1 or average else "any run"
        idle = [input_ for input_, column in zip(spec.inputs, own.inputs.T, strict=True) if not column.any()]
        if idle:
            raise ValueError(f"{visit}: input {idle[0]} has no event in {where}, so that there is no model of it")
        subjects.append(Subject(name, spec, own, centre_inputs=dcm.centre_inputs))
    return subjects


def _run_data(dcm: Dcm, spec: Spec, visit: str, extraction: Extraction) -> Data:
    echo_time = SPM12_ECHO_TIME if dcm.echo_time == "spm12" else extraction.echo_time
    if echo_time is None:
        raise ValueError(
            f"{visit}: no sidecar tells the echo time; add EchoTime to it, or leave [dcm] echo_time at 'spm12'"
        )
    as_spm = inversion_settings(dcm).as_spm
    return extraction.dcm_data(spec.regions, echo_time, inputs=spec.inputs, whitened=as_spm)


def write_visit(unit: Unit, subjects: Sequence[Subject], posteriors: Sequence[Posterior]) -> list[Path]:
    """Write the posterior of a visit, and its copy for SPM; with a model of each run, these too and their average."""
    job: InversionJob = unit.payload

    def write(path: Path, name: str, posterior: Posterior, data: Data | None, series: Sequence[Path]) -> Path:
        attributes = provenance(series[0], None, unit.recipe)
        del attributes["source_place"]  # a study may be moved
        if len(series) > 1:
            attributes[MORE_SOURCES] = json.dumps([[source.name, file_digest(source)] for source in series[1:]])
        write_dataset(path, posterior_dataset(posterior, name=name, attrs=attributes, data=data))
        return path

    if len(posteriors) > 1:
        average = average_runs(posteriors, subjects, job.visit)
        try:
            together = _scaled(concatenate_runs([subject.data for subject in subjects]), average.data_scale)
        except ValueError:  # of several repetition times
            together = None
        paths = [write(job.path, job.visit, average, together, job.series)]
        for subject, posterior, series in zip(subjects, posteriors, job.series, strict=True):
            data, _ = subject.data.prepared(subject.centre_inputs)
            paths.append(write(run_path(job.path, subject.name), subject.name, posterior, data, [series]))
            if job.spm is not None:
                paths.append(job.spm.with_name(f"DCM_{subject.name}.mat"))
                write_dcm(paths[-1], subject, posterior)
        return paths
    [subject], [posterior] = subjects, posteriors
    data, _ = subject.data.prepared(subject.centre_inputs)
    paths = [write(job.path, job.visit, posterior, data, job.series)]
    if job.spm is not None:
        write_dcm(job.spm, subject, posterior)
        paths.append(job.spm)
    return paths


def run_path(path: Path, run: str) -> Path:
    """The file of one run's posterior, beside that of its visit; in a folder of its own, since it is no visit."""
    return path.parent / RUNS / f"{run}.nc"


def _scaled(data: Data, scale: float) -> Data:
    return replace(data, bold=data.bold * scale)
