"""The tidy table: a row for each participant and session, a column for each measure; and how it came about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from dcm import Posterior

from ..bids import Inventory, visit_label
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
        participants, sessions, groups: of each row; every participant has a row for each session, in their order. A
            session is empty where the study has none, and so is a group.
        group: the column of the groups; empty where the study has none.
        is_trial: whether groups are the arms of a trial.
        levels: all groups; of two the first is coded +1.
        order: all sessions in their order; one that is empty where the study has none.
        columns: measures, then motion, then scores, then numbers of the participants' table.
        values: (row, column) NaN where missing.
        remarks: a line for whatever is missing for a reason of its own, or was left out.
        provenance: how it came about, as JSON can hold it.
    """

    participants: tuple[str, ...]
    sessions: tuple[str, ...]
    groups: tuple[str, ...]
    group: str
    is_trial: bool
    levels: tuple[str, ...]
    order: tuple[str, ...]
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
    study: Study,
    inventory: Inventory,
    extractions: Iterable[Extraction],
    posteriors: Mapping[str, Mapping[str, Posterior]],
) -> FeatureTable:
    """The table of a study: measures of every run there is; n/a in the rows that lack a run.

    A measure that no participant has is left out, with a remark.

    Arguments:
        extractions: of the runs, one after the other; a measure of several runs of a visit is their mean.
        posteriors: DCM → visit, such as ``sub-01_ses-1`` → posterior of the main model.

    Raises `FeatureError` where two measures would have one name.
    """
    order = study.sessions.labels
    rows = [(participant, session) for participant in inventory.participants for session in order]
    plan = planned_measures(study)
    values, remarks = _measure_visits(study, extractions, posteriors)
    columns = [FeatureColumn(measure.name, "measure", measure.unit, measure.description, measure) for measure in plan]
    columns += [_motion_column(task) for task in study.tasks]
    present = {name for found in values.values() for name in found}
    remarks += _absent_kinds(
        [
            measure
            for measure in plan
            if measure.name not in present and (measure.kind != "dcm" or any(posteriors.values()))
        ]
    )
    columns = [column for column in columns if column.name in present]
    provenance = provenance_of(study)
    group = study.participants.group_column or ""
    heads = (PARTICIPANT, SESSION, group, WHOLE_SAMPLE, REMARKS, *provenance)
    taken = {*heads, *(column.name for column in columns)}
    others, unused = _other_columns(study, inventory, taken)
    cells = [
        [values.get(visit_label(participant.name, session), {}).get(column.name, np.nan) for column in columns]
        + [_participant_value(participant.scores, participant.values, column.name) for column in others]
        for participant, session in rows
    ]
    return FeatureTable(
        tuple(participant.name for participant, _ in rows),
        tuple(session or "" for _, session in rows),
        tuple(participant.group or "" for participant, _ in rows),
        group,
        study.participants.is_trial,
        study.participants.group_names,
        tuple(session or "" for session in order),
        (*columns, *others),
        np.array(cells, dtype=np.float64).reshape(len(rows), len(columns) + len(others)),
        (*remarks, *unused),
        provenance,
    )


def _measure_visits(
    study: Study, extractions: Iterable[Extraction], posteriors: Mapping[str, Mapping[str, Posterior]]
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Visit → column → value, and what is amiss."""
    of_runs: dict[str, dict[str, list[float]]] = {}
    remarks: list[str] = []
    visits: dict[str, dict[str, None]] = {task: {} for task in study.tasks}  # with a run of each task
    for extraction in extractions:
        measured = measure_run(extraction, study)
        row = of_runs.setdefault(extraction.visit, {})
        for measure, value in measured.values.items():
            row.setdefault(measure.name, []).append(value)
        if np.isfinite(measured.motion):
            row.setdefault(motion_name(extraction.task), []).append(measured.motion)
        remarks += measured.remarks
        visits[extraction.task][extraction.visit] = None
    values = {
        visit: {name: own[0] if len(own) == 1 else float(np.mean(own)) for name, own in row.items()}
        for visit, row in of_runs.items()
    }
    if "dcm" in study.measures.kinds:
        for name, dcm in study.dcms.items():
            found = posteriors.get(name, {})
            for visit, posterior in found.items():
                values.setdefault(visit, {}).update(dcm_values(posterior, study.measures.dcm_fields, name))
            remarks += _not_inverted([visit not in found for visit in visits[dcm.task]])
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
        if name not in (*study.scores, study.participants.group_column) and are_numbers(
            c for c in cells if c != MISSING
        ):
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
