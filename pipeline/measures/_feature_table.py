"""The tidy table: a row for each participant and session, a column for each measure; and how it came about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from dcm import Posterior

from ..bids import Inventory
from ..common import are_numbers, release
from ..images import Extraction
from ..study import Study
from ..tables import MISSING
from ._measure_kinds import Measure, dcm_values, motion_name
from ._run_measures import measure_run, planned_measures

WHOLE_SAMPLE = "WholeSampleTransforms"  # what was estimated over all participants; a nested estimate refuses any
REMARKS = "Remarks"
PACKAGES = ("nilearn", "numpy", "scipy", "scikit-learn")

Role = Literal["measure", "motion", "outcome", "covariate"]
PARTICIPANT, SESSION = "participant_id", "session"


def provenance_of(study: Study) -> dict[str, Any]:
    """For the head of the table's sidecar; nothing in it says where on this computer anything lies."""
    measures = study.measures
    return {
        "Study": study.study.name,
        "Space": study.study.space,
        "GeneratedBy": [{"Name": "effconn", "Version": release()}],
        "SoftwareVersions": {package: release(package) for package in PACKAGES},
        "Settings": {
            "Interaction": measures.interaction,
            "Direction": measures.direction,
            "RestBand": list(measures.rest_band),
            "DcmFields": list(measures.dcm_fields),
            "HighPassPeriod": study.glm.high_pass,
            "NoiseModel": study.glm.noise,
            "Confounds": study.confounds.model_dump(mode="json"),
        },
    }


@dataclass(frozen=True)
class FeatureColumn:
    """One column of numbers.

    Fields:
        name: its own in the table.
        role: what it is for.
        unit: of its values.
        description: a sentence.
        measure: what it measures; None for motion, scores and columns of the participants' table.
    """

    name: str
    role: Role
    unit: str
    description: str
    measure: Measure | None = None


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Everything measured in a study, untransformed: nothing here was estimated over several participants.

    Fields:
        participants, sessions, arms: of each row; every participant has a row for both sessions, before first.
        arm: the column of the arms.
        levels: both arms, the first coded +1.
        order: both sessions, before and after.
        columns: measures, then motion, then scores, then numbers of the participants' table.
        values: (row, column) NaN where missing.
        remarks: a line for whatever is missing for a reason of its own, or was left out.
        provenance: how it came about, as JSON can hold it.
    """

    participants: tuple[str, ...]
    sessions: tuple[str, ...]
    arms: tuple[str, ...]
    arm: str
    levels: tuple[str, str]
    order: tuple[str, str]
    columns: tuple[FeatureColumn, ...]
    values: Float[np.ndarray, "row column"]
    remarks: tuple[str, ...]
    provenance: Mapping[str, Any]

    @property
    def measures(self) -> tuple[Measure, ...]:
        """In the order of their columns, which are the first."""
        return tuple(column.measure for column in self.columns if column.measure is not None)

    def columns_of(self, role: Role) -> list[int]:
        """Places of the columns of a role."""
        return [place for place, column in enumerate(self.columns) if column.role == role]

    def column(self, name: str) -> Float[np.ndarray, "row"]:
        """Values of a column by its name."""
        return self.values[:, [column.name for column in self.columns].index(name)]


def feature_table(
    study: Study, inventory: Inventory, extractions: Iterable[Extraction], posteriors: Mapping[str, Posterior]
) -> FeatureTable:
    """The table of a study: measures of every run there is; n/a in the rows that lack a run.

    A measure that no participant has is left out, with a remark.

    Arguments:
        extractions: of the runs, one after the other; of a visit's runs of one task only one is expected.
        posteriors: visit, such as ``sub-01_ses-1`` → posterior of the main model.

    Raises `FeatureError` where two measures would have one name.
    """
    order = (study.sessions.before, study.sessions.after)
    rows = [(participant, session) for participant in inventory.participants for session in order]
    plan = planned_measures(study)
    values, remarks = _measure_visits(study, extractions, posteriors)
    columns = [FeatureColumn(measure.name, "measure", measure.unit, measure.description, measure) for measure in plan]
    columns += [_motion_column(task) for task in study.tasks]
    present = {name for found in values.values() for name in found}
    remarks += _absent_kinds(
        [measure for measure in plan if measure.name not in present and (measure.kind != "dcm" or posteriors)]
    )
    columns = [column for column in columns if column.name in present]
    provenance = provenance_of(study)
    heads = (PARTICIPANT, SESSION, study.participants.arm, WHOLE_SAMPLE, REMARKS, *provenance)
    taken = {*heads, *(column.name for column in columns)}
    others, unused = _other_columns(study, inventory, taken)
    cells = [
        [values.get(f"{participant.name}_{session}", {}).get(column.name, np.nan) for column in columns]
        + [_participant_value(participant.scores, participant.values, column.name) for column in others]
        for participant, session in rows
    ]
    return FeatureTable(
        tuple(participant.name for participant, _ in rows),
        tuple(session for _, session in rows),
        tuple(participant.arm for participant, _ in rows),
        study.participants.arm,
        study.participants.arms,
        order,
        (*columns, *others),
        np.array(cells, dtype=np.float64).reshape(len(rows), len(columns) + len(others)),
        (*remarks, *unused),
        provenance,
    )


def _measure_visits(
    study: Study, extractions: Iterable[Extraction], posteriors: Mapping[str, Posterior]
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Visit → column → value, and what is amiss."""
    values: dict[str, dict[str, float]] = {}
    remarks: list[str] = []
    visits: list[str] = []  # with a run of the DCM's task
    for extraction in extractions:
        measured = measure_run(extraction, study)
        row = values.setdefault(extraction.visit, {})
        row |= {measure.name: value for measure, value in measured.values.items()}
        if np.isfinite(measured.motion):
            row[motion_name(extraction.task)] = measured.motion
        remarks += measured.remarks
        if study.dcm is not None and extraction.task == study.dcm.task:
            visits.append(extraction.visit)
    if "dcm" in study.measures.kinds:
        for visit, posterior in posteriors.items():
            values.setdefault(visit, {}).update(dcm_values(posterior, study.measures.dcm_fields))
        remarks += _not_inverted([visit not in posteriors for visit in visits])
    return values, remarks


def _not_inverted(lacking: Sequence[bool]) -> list[str]:
    """A line where visits with a run have no posterior."""
    if not any(lacking):
        return []
    return [
        f"{sum(lacking)} of {len(lacking)} visits have no inverted model, so that its parameters are n/a; "
        "effconn run STUDY.toml inverts what is not inverted yet, and says what failed"
    ]


def _motion_column(task: str) -> FeatureColumn:
    description = f"Mean framewise displacement of the {task} run"
    return FeatureColumn(motion_name(task), "motion", "mm", description)


def _absent_kinds(absent: Sequence[Measure]) -> list[str]:
    """Kinds of measures that no run has."""
    counts = Counter((measure.kind, measure.task) for measure in absent)
    return [
        f"{kind} of {task}: {count} {'measure' if count == 1 else 'measures'} that no participant has "
        f"{'is' if count == 1 else 'are'} left out"
        for (kind, task), count in counts.items()
    ]


def _other_columns(study: Study, inventory: Inventory, taken: set[str]) -> tuple[list[FeatureColumn], list[str]]:
    """Scores, then numbers of the participants' table; a line for each whose name is taken, here or in the sidecar."""
    columns, remarks = [], []
    for name, score in study.scores.items():
        what = f"{score.column}, {score.take}" if score.take != "once" else score.column
        columns.append(FeatureColumn(name, "outcome", score.unit, f"Score: {what}"))
    names = inventory.participants[0].values if inventory.participants else ()
    for name in names:
        cells = [participant.values.get(name, MISSING) for participant in inventory.participants]
        if name not in (*study.scores, study.participants.arm) and are_numbers(c for c in cells if c != MISSING):
            columns.append(FeatureColumn(name, "covariate", "", "Column of the participants' table"))
    for column in columns:
        if column.name in taken:
            remarks.append(
                f"{column.description.lower()}: {column.name} is the name of another column or part of the sidecar; "
                "left out"
            )
    return [column for column in columns if column.name not in taken], remarks


def _participant_value(scores: Mapping[str, float], values: Mapping[str, str], name: str) -> float:
    """A participant's score, or else a cell of theirs, as a number."""
    if name in scores:
        return scores[name]
    cell = values.get(name, MISSING)
    return float("nan") if cell == MISSING else float(cell)
