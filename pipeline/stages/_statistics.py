"""Statistics of scores: changes, differences between arms, correlates; in a folder of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features import FeatureError

from ..bids import Inventory
from ..common import UsageError
from ..execution import Unit, UnitRecorder
from ..page import save_report
from ..statistics import ParticipantScores, measure_changes, participant_scores, report_statistics
from ..study import Statistics, Study
from ._result_paths import ResultPaths
from ._stage_runner import package_versions

STAGE = "statistics"
PACKAGES = ("numpy", "scipy", "statsmodels", "scikit-learn", "matplotlib")


@dataclass(frozen=True, eq=False)
class StatisticsJob:
    """The statistics, as a worker gets them.

    Fields:
        settings: what the configuration says of them.
        participants: scores and columns that they name.
        measures: the table of measures.
        folder: of the results.
    """

    settings: Statistics
    participants: ParticipantScores
    measures: Path
    folder: Path


def statistics_units(study: Study, inventory: Inventory, measures: Path, paths: ResultPaths) -> list[Unit]:
    """The unit of the statistics, in a list; an empty one where the study has none.

    Arguments:
        measures: the table of measures; an input only where the statistics name measures.
    """
    settings = study.statistics
    if settings is None:
        return []
    participants = participant_scores(study, inventory, settings)
    recipe = {
        "statistics": settings.model_dump(mode="json"),
        "people": _content(participants),
        **package_versions(*PACKAGES),
    }
    inputs = (measures, measures.with_suffix(".json")) if settings.measures else ()
    job = StatisticsJob(settings, participants, measures, paths.out / STAGE)
    return [Unit(STAGE, STAGE, recipe, inputs, job)]


def compute_statistics(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Compute the statistics, and write their report. The work function of this stage."""
    for unit in units:
        job: StatisticsJob = unit.payload
        try:
            named = job.settings.measures
            changes = (
                measure_changes(job.measures, named, job.participants, job.settings.adjust_motion) if named else ()
            )
            report = report_statistics(job.participants, changes, job.settings)
            recorder.done(unit, save_report(report, job.folder))
        except (UsageError, FeatureError) as error:
            recorder.failed(unit, str(error))


def _content(participants: ParticipantScores) -> dict[str, object]:
    """Everything about participants that decides the results, as JSON can hold it."""
    columns = {
        "subscales": participants.subscales,
        "null_checks": participants.null_checks,
        "cohort": participants.cohort,
    }
    return {
        "names": participants.names,
        "arms": participants.arms,
        "arm": _cells(participants.arm),
        "sessions": participants.sessions,
        "outcomes": [
            [outcome.name, outcome.unit, _cells(outcome.before), _cells(outcome.after)]
            for outcome in participants.outcomes
        ],
        "units": dict(participants.units),
        "words": participants.group_word,
        **{key: {name: _cells(values) for name, values in named.items()} for key, named in columns.items()},
    }


def _cells(values: np.ndarray | tuple[str, ...]) -> list[str]:
    """Numbers in full, NaN too."""
    return [repr(float(value)) for value in values] if isinstance(values, np.ndarray) else list(values)
