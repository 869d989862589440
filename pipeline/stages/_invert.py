"""The second stage: region series → a posterior for every visit and model, in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dcm import SPM12_ECHO_TIME, Failure, Posterior, Spec, Subject, invert_each

from ..common import count_cores, provenance, start_jax
from ..execution import Unit, UnitRecorder
from ..images import read_extraction
from ..results import posterior_dataset, write_dataset
from ..spm import write_dcm
from ..study import Dcm, Study, inversion_settings, model_specs
from ._result_paths import ResultPaths
from ._stage_runner import package_versions

STAGE = "invert"


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
    """A unit for every model of one DCM and every visit with series, model by model.

    Visits are inverted in fixed batches, whichever of them are still to be done: series are padded to the longest of a
    batch, which decides the last digits.

    Arguments:
        dcm_name: of the DCM in the study's file; empty where there is one.
        series: visit → files of the extractions of its runs.
        batch: visits that are inverted side by side.
    """
    dcm, visits = study.dcms[dcm_name], list(series.items())
    prefix = f"{dcm_name}_" if dcm_name else ""
    units = []
    for model, spec in model_specs(dcm).items():
        for position, (visit, files) in enumerate(visits):
            begin = position // batch * batch
            end = min(begin + batch, len(visits))
            members = tuple(visits[begin:end])
            spm = paths.spm(dcm_name, model, visit) if study.outputs.spm else None
            path = paths.posterior(dcm_name, model, visit)
            job = InversionJob(visit, model, dcm_name, files, spec, dcm, path, spm, members)
            name = f"{prefix}{model}_{visit}"
            units.append(Unit(STAGE, name, _recipe(job), files, job, batch=f"{prefix}{model}-{begin}"))
    return units


def _recipe(job: InversionJob) -> dict[str, Any]:
    """Everything that decides the posterior besides the series."""
    masks = {field: getattr(job.spec, field).astype(int).tolist() for field in ("a", "b", "c", "d")}
    settings = {"inversion": asdict(inversion_settings(job.dcm))}
    settings |= {key: getattr(job.dcm, key) for key in ("echo_time", "centre_inputs")}
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
    subjects = []
    for visit, series in members:
        try:
            subjects.append(_subject(first, visit, series))
        except ValueError as error:
            if visit in wanted:
                recorder.failed(wanted[visit], str(error))
    settings = inversion_settings(first.dcm)
    positions = [position for position, subject in enumerate(subjects) if subject.name in wanted]
    for position, result in invert_each(subjects, settings, wanted=positions, cores=count_cores()):
        unit = wanted[subjects[position].name]
        if isinstance(result, Failure):
            recorder.failed(unit, result.reason)
        else:
            recorder.done(unit, _write(unit, subjects[position], result))


def _subject(job: InversionJob, visit: str, series: tuple[Path, ...]) -> Subject:
    if len(series) > 1:
        raise ValueError(f"{visit}: has {len(series)} runs; name the one to take by run")
    extraction = read_extraction(series[0])
    echo_time = SPM12_ECHO_TIME if job.dcm.echo_time == "spm12" else extraction.echo_time
    if echo_time is None:
        raise ValueError(
            f"{visit}: no sidecar tells the echo time; add EchoTime to it, or leave [dcm] echo_time at 'spm12'"
        )
    as_spm = inversion_settings(job.dcm).as_spm
    data = extraction.dcm_data(job.spec.regions, echo_time, inputs=job.spec.inputs, whitened=as_spm)
    idle = [name for name, column in zip(job.spec.inputs, data.inputs.T, strict=True) if not column.any()]
    if idle:
        raise ValueError(f"{visit}: input {idle[0]} has no event in this run, so that there is no model of it")
    return Subject(visit, job.spec, data, centre_inputs=job.dcm.centre_inputs)


def _write(unit: Unit, subject: Subject, posterior: Posterior) -> list[Path]:
    job: InversionJob = unit.payload
    data, _ = subject.data.prepared(subject.centre_inputs)
    attributes = provenance(job.series[0], None, unit.recipe)
    del attributes["source_place"]  # a study may be moved
    write_dataset(job.path, posterior_dataset(posterior, name=job.visit, attrs=attributes, data=data))
    if job.spm is None:
        return [job.path]
    write_dcm(job.spm, subject, posterior)
    return [job.path, job.spm]
