"""The first stage: one run's images → region series, contrast maps and all that the report shows of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bids import ImageRun, Inventory, Run, SeriesRun
from ..execution import Unit, UnitRecorder
from ..images import EXTRACTION_FORMAT, extract_to_files, region_files, region_source_files, series_path
from ..series import region_series_to_files
from ..study import Series, Study
from ._stage_runner import package_versions, recipe_of

STAGE = "extract"
PACKAGES = ("nilearn", "nibabel", "numpy", "pandas", "scipy", "scikit-learn")


@dataclass(frozen=True)
class ExtractionJob:
    """One run, as a worker gets it."""

    run: Run
    study: Study
    out: Path


def extraction_units(study: Study, inventory: Inventory, out: Path) -> list[Unit]:
    """A unit for every run that can be used."""
    regions = tuple(region_files(study))
    positions = {
        name: [regions.index(path) for path in region_source_files(region)] for name, region in study.regions.items()
    }
    jobs = [ExtractionJob(run, study, out) for run in inventory.runs]
    return [
        Unit(STAGE, job.run.label, {**_recipe(job), "files": positions}, (*job.run.files, *regions), job)
        for job in jobs
    ]


def _recipe(job: ExtractionJob) -> dict[str, Any]:
    """Everything that decides the extraction besides the content of the files, whose folders may move."""
    study, run = job.study, job.run
    inputs = study.dcm_inputs(run.task)
    parts = {
        "format": EXTRACTION_FORMAT,
        "task": recipe_of(study.tasks[run.task]),
        "confounds": recipe_of(study.confounds),
        "glm": recipe_of(study.glm),
        "regions": {name: recipe_of(region) for name, region in study.regions.items()},
        "inputs": {name: list(members) for name, members in inputs.items()},
        "maps": study.outputs.maps,
        **({} if study.series is None else {"series": _series_recipe(study.series, run)}),
        "timing": [run.repetition_time, run.echo_time, run.reference, run.scans],
    }
    return {"run": run.label, **parts, **package_versions(*PACKAGES)}


def _series_recipe(series: Series, run: Run) -> dict[str, Any]:
    """What decides how series are read, besides where their files lie."""
    position = run.position if isinstance(run, SeriesRun) else 0
    columns = {name: list(columns) for name, columns in series.region_columns.items()}
    return {"unit": series.unit, "regions": columns, "position": position}


def extract_runs(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Extract run by run; an error in one run fails that run alone. The work function of this stage."""
    for unit in units:
        job: ExtractionJob = unit.payload
        try:
            outputs = _extract(job)
        except ValueError as error:
            recorder.failed(unit, str(error))
        else:
            recorder.done(unit, outputs)


def _extract(job: ExtractionJob) -> list[Path]:
    if isinstance(job.run, SeriesRun):
        return region_series_to_files(job.run, job.study, job.out)
    assert isinstance(job.run, ImageRun)
    return extract_to_files(job.run, job.study, job.out)


def unit_series_path(unit: Unit) -> Path:
    """The file of a unit's series."""
    job: ExtractionJob = unit.payload
    return series_path(job.out, job.run)
