"""The stage of measures: series of all runs and posteriors of all visits → one table of the study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features import FeatureError

from ..bids import Inventory
from ..common import start_jax
from ..execution import Unit, UnitRecorder
from ..images import read_extraction
from ..measures import feature_table, missingness, write_features
from ..results import read_posterior
from ..study import Study
from ._result_paths import ResultPaths
from ._stage_runner import package_versions, recipe_of

STAGE = "measure"
NAME = "features"
PACKAGES = ("nilearn", "numpy", "scipy", "scikit-learn")


@dataclass(frozen=True)
class MeasureJob:
    """What the table is made from.

    Fields:
        series: files of the extractions, in the order of the runs.
        posteriors: DCM → visit → file, of the main model.
        folder: of the tables.
    """

    study: Study
    inventory: Inventory
    series: tuple[Path, ...]
    posteriors: Mapping[str, Mapping[str, Path]]
    folder: Path

    @property
    def table(self) -> Path:
        """The table of measures."""
        return self.folder / "features.tsv"


def measure_units(
    study: Study,
    inventory: Inventory,
    series: Mapping[str, Path],
    posteriors: Mapping[str, Mapping[str, Path]],
    paths: ResultPaths,
) -> list[Unit]:
    """The unit of the one table; none where no run has series.

    Arguments:
        series: run label → file of its extraction.
        posteriors: DCM → visit → file of the main model's posterior; parameters of visits without are n/a.
    """
    if not series:
        return []
    used = dict(posteriors) if "dcm" in study.measures.kinds else {}
    job = MeasureJob(study, inventory, tuple(series.values()), used, paths.tables)
    files = [path for visits in job.posteriors.values() for path in visits.values()]
    return [Unit(STAGE, NAME, _recipe(job), (*job.series, *files), job)]


def _recipe(job: MeasureJob) -> dict[str, Any]:
    """Everything that decides the table besides the series and posteriors."""
    study = job.study
    return {
        "study": [study.study.name, study.study.space],
        "measures": recipe_of(study.measures),
        "tasks": {name: recipe_of(task) for name, task in study.tasks.items()},
        "regions": list(study.region_names),
        "scores": {name: recipe_of(score) for name, score in study.scores.items()},
        "confounds": recipe_of(study.confounds),
        "glm": recipe_of(study.glm),
        "dcm": {name: recipe_of(dcm) for name, dcm in study.dcms.items()},
        "groups": [study.participants.group_column, study.participants.is_trial, *study.participants.group_names],
        "sessions": list(study.sessions.labels),
        "participants": [
            [participant.name, participant.group, dict(participant.scores), dict(participant.values)]
            for participant in job.inventory.participants
        ],
        "visits": {name: list(visits) for name, visits in job.posteriors.items()},
        **package_versions(*PACKAGES),
    }


def measure_study(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Measure everything and write the table, its sidecar and what is missing. The work function of this stage."""
    start_jax()
    for unit in units:
        job: MeasureJob = unit.payload
        try:
            posteriors = {
                name: {visit: read_posterior(path)[0] for visit, path in visits.items()}
                for name, visits in job.posteriors.items()
            }
            extractions = (read_extraction(path) for path in job.series)
            table = feature_table(job.study, job.inventory, extractions, posteriors)
        except FeatureError as error:
            recorder.failed(unit, str(error))
            continue
        missing = missingness(table)
        missing.write(job.folder)
        recorder.done(unit, [*write_features(table, job.table), job.folder / f"{missing.name}.tsv"])
