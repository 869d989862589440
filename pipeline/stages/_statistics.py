"""The statistics around the study: scores, and what goes with them, in a folder of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features import FeatureError

from ..bids import Inventory
from ..common import UsageError, release
from ..execution import Unit, UnitRecorder
from ..page import store_delivery
from ..statistics import StudyPeople, deliver_statistics, measure_changes, people_of
from ..study import Statistics, Study
from ._layout import Layout

STAGE = "statistics"
PACKAGES = ("effconn", "numpy", "scipy", "statsmodels", "scikit-learn", "matplotlib")


@dataclass(frozen=True, eq=False)
class StatisticsJob:
    """The statistics, as a worker gets them.

    Fields:
        how: the settings.
        people: scores and columns that they name.
        measures: the table of measures.
        folder: of the results.
    """

    how: Statistics
    people: StudyPeople
    measures: Path
    folder: Path


def statistics_unit(study: Study, inventory: Inventory, measures: Path, layout: Layout) -> list[Unit]:
    """The unit of the statistics; none where the study asks for none.

    Arguments:
        measures: the table of measures; it is read only where measures are named.
    """
    how = study.statistics
    if how is None:
        return []
    people = people_of(study, inventory, how)
    recipe = {
        "statistics": how.model_dump(mode="json"),
        "people": _content(people),
        **{package: release(package) for package in PACKAGES},
    }
    inputs = (measures, measures.with_suffix(".json")) if how.measures else ()
    job = StatisticsJob(how, people, measures, layout.out / STAGE)
    return [Unit(STAGE, STAGE, recipe, inputs, job)]


def work_statistics(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Compute, and write everything they hand over. The work of this stage."""
    for unit in units:
        job: StatisticsJob = unit.payload
        try:
            named = job.how.measures
            changes = measure_changes(job.measures, named, job.people, job.how.adjust_motion) if named else ()
            recorder.done(unit, store_delivery(deliver_statistics(job.people, changes, job.how), job.folder))
        except (UsageError, FeatureError) as error:
            recorder.failed(unit, str(error))


def _content(people: StudyPeople) -> dict[str, object]:
    """Everything about people that decides the results, as JSON can hold it."""
    columns = {"subscales": people.subscales, "null_checks": people.null_checks, "cohort": people.cohort}
    return {
        "names": people.names,
        "arms": people.arms,
        "arm": _cells(people.arm),
        "sessions": people.sessions,
        "outcomes": [[one.name, one.unit, _cells(one.before), _cells(one.after)] for one in people.outcomes],
        "units": dict(people.units),
        **{key: {name: _cells(values) for name, values in some.items()} for key, some in columns.items()},
    }


def _cells(values: np.ndarray | tuple[str, ...]) -> list[str]:
    """Numbers in full, NaN too."""
    return [repr(float(one)) for one in values] if isinstance(values, np.ndarray) else list(values)
