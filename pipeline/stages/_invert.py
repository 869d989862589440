"""The second stage: region series → a posterior for every visit and model, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcm import SPM12_ECHO_TIME, Failure, Posterior, Settings, Spec, Subject, invert_each, prior

from .._dataset import to_dataset
from .._invert import WIDE_NOISE_VARIANCE
from .._provenance import provenance, release
from .._runtime import start_jax
from .._store import write_result
from ..execution import Finish, Unit
from ..images import read_extraction
from ..study import Dcm, Study, models_of
from ._layout import Layout
from ._spm import write_spm

STAGE = "invert"
SPM12_NOISE_VARIANCE = 1 / 128


@dataclass(frozen=True)
class Inversion:
    """One model of one visit, as a worker gets it.

    Fields:
        visit, model: names.
        series: the extraction's file.
        spec: the model.
        dcm: how to invert it.
        path: where the posterior goes.
        spm: where its twin for SPM12 goes; None for none.
    """

    visit: str
    model: str
    series: Path
    spec: Spec
    dcm: Dcm
    path: Path
    spm: Path | None = None


def invert_units(study: Study, series: dict[str, Path], layout: Layout) -> list[Unit]:
    """A unit for every visit whose series there are and every model, model by model.

    Arguments:
        series: visit → file of its extraction.
    """
    if study.dcm is None:
        return []
    twin = study.outputs.spm
    return [
        _unit(
            Inversion(
                visit,
                model,
                path,
                spec,
                study.dcm,
                layout.posterior(model, visit),
                layout.spm(model, visit) if twin else None,
            )
        )
        for model, spec in models_of(study.dcm).items()
        for visit, path in series.items()
    ]


def _unit(job: Inversion) -> Unit:
    return Unit(STAGE, f"{job.model}_{job.visit}", _recipe(job), (job.series,), job)


def _recipe(job: Inversion) -> dict[str, Any]:
    """Everything that decides the posterior besides the series."""
    masks = {field: getattr(job.spec, field).astype(int).tolist() for field in ("a", "b", "c", "d")}
    how = {key: getattr(job.dcm, key) for key in ("noise_prior", "starts", "seed", "echo_time", "centre_inputs")}
    names = {"visit": job.visit, "model": job.model, "regions": job.spec.regions, "inputs": job.spec.inputs}
    return {
        **names,
        **masks,
        **how,
        "spm": job.spm is not None,
        **{package: release(package) for package in ("effconn", "jax", "numpy")},
    }


def invert(units: Sequence[Unit], finish: Finish) -> None:
    """Invert a batch; every posterior is written as it is found. The work of this stage (`execution.Work`)."""
    start_jax()
    subjects, ready = [], []
    for unit in units:
        try:
            subjects.append(_subject(unit.payload))
            ready.append(unit)
        except ValueError as error:
            finish.failed(unit, str(error))
    if not ready:
        return
    dcm: Dcm = ready[0].payload.dcm
    settings = Settings(starts=dcm.starts, seed=dcm.seed)
    for place, result in invert_each(subjects, settings):
        if isinstance(result, Failure):
            finish.failed(ready[place], result.reason)
        else:
            finish.done(ready[place], _write(ready[place], subjects[place], result))


def _subject(job: Inversion) -> Subject:
    extraction = read_extraction(job.series)
    echo_time = SPM12_ECHO_TIME if job.dcm.echo_time == "spm12" else extraction.echo_time
    if echo_time is None:
        raise ValueError(
            f"{job.visit}: no sidecar tells the echo time; add EchoTime to it, or leave [dcm] echo_time at 'spm12'"
        )
    variance = WIDE_NOISE_VARIANCE if job.dcm.noise_prior == "wide" else SPM12_NOISE_VARIANCE
    data = extraction.run_data(job.spec.regions, echo_time).data
    return Subject(job.visit, job.spec, data, prior(job.spec, noise_variance=variance), job.dcm.centre_inputs)


def _write(unit: Unit, subject: Subject, posterior: Posterior) -> list[Path]:
    job: Inversion = unit.payload
    data, _ = subject.data.prepared(subject.centre_inputs)
    made = provenance(job.series, None, unit.recipe)
    write_result(job.path, to_dataset(posterior, name=job.visit, attrs=made, data=data))
    if job.spm is None:
        return [job.path]
    write_spm(job.spm, read_extraction(job.series), subject, posterior)
    return [job.path, job.spm]
