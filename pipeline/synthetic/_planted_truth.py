"""What was planted in a synthetic study, written as tables, and read again from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from dcm import prior

from ..tables import Table, read_table
from ._bids_files import write_table
from ._planted_effects import (
    CIRCUIT_INPUTS,
    CIRCUIT_REGIONS,
    PlantedMeasure,
    circuit_model,
    modulation_name,
    planted_measures,
)
from ._regional_series import CONDITIONS, REGIONS, rest_correlation
from ._simulated_participants import SimulatedParticipant
from ._study_design import AMYGDALA, ARMS, SESSIONS, VMPFC, StudyDesign

TRUTH_FOLDER = "truth"
PARTICIPANTS_FILE, CONNECTIVITY_FILE, SLOPES_FILE = "participants.tsv", "connectivity.tsv", "slopes.tsv"
MEASURES_FILE, RESPONSES_FILE, REST_FILE = "measures.tsv", "responses.tsv", "rest.tsv"


@dataclass(frozen=True)
class PlantedTruth:
    """What was planted.

    Fields:
        arms: (first, second); differences are the first minus the second.
        arm, improvement: of each participant, by name; points.
        connectivity: visit → parameter → planted value, of every free parameter of the circuit's model.
        slopes: (parameter, arm) → planted change per point of improvement, Hz.
        scatter: standard deviation of the changes about their lines, Hz.
        measures: columns of the table of measures whose change was planted as a function of improvement.
        regions, inputs: of the circuit; as in its parameters' names.
    """

    arms: tuple[str, str]
    arm: Mapping[str, str]
    improvement: Mapping[str, float]
    connectivity: Mapping[str, Mapping[str, float]]
    slopes: Mapping[tuple[str, str], float]
    scatter: float
    measures: tuple[PlantedMeasure, ...]
    regions: tuple[str, str] = CIRCUIT_REGIONS
    inputs: tuple[str, str] = CIRCUIT_INPUTS

    @property
    def modulations(self) -> tuple[str, ...]:
        """The parameters that treatment changes, first the one in which the arms differ."""
        return tuple(dict.fromkeys(name for name, _ in self.slopes))

    def change(self, participant: str, parameter: str) -> float:
        """Planted in the second session minus the first."""
        before, after = (self.connectivity[f"{participant}_{session}"][parameter] for session in SESSIONS)
        return after - before


def write_truth(folder: Path, participants: Sequence[SimulatedParticipant], design: StudyDesign) -> None:
    """The tables in the `truth` folder of a study."""
    rows = [(participant.name, participant.arm, participant.improvement) for participant in participants]
    write_table(folder / TRUTH_FOLDER / PARTICIPANTS_FILE, ("participant_id", "arm", "improvement"), rows)
    write_table(
        folder / TRUTH_FOLDER / CONNECTIVITY_FILE,
        ("participant_id", "session_id", "parameter", "planted"),
        [
            (participant.name, session, name, value)
            for participant in participants
            for session, planted in zip(SESSIONS, _planted_parameters(participant), strict=True)
            for name, value in planted.items()
        ],
    )
    write_table(
        folder / TRUTH_FOLDER / SLOPES_FILE,
        ("parameter", "arm", "slope", "scatter"),
        [
            (modulation_name(to), arm, design.slope(to, arm), design.scatter)
            for to, arm in product((AMYGDALA, VMPFC), ARMS)
        ],
    )
    _write_measures(folder / TRUTH_FOLDER, design)
    _write_responses(folder / TRUTH_FOLDER, participants)
    if "rest" in design.tasks:
        rows_of = zip(REGIONS, rest_correlation().tolist(), strict=True)
        write_table(
            folder / TRUTH_FOLDER / REST_FILE, ("region", *REGIONS), [(name, *values) for name, values in rows_of]
        )


def read_truth(folder: str | Path) -> PlantedTruth:
    """What was planted in the study that `write_study` wrote into a folder.

    Raises `TableError` where its tables are missing or have been changed beyond reading.
    """
    participants, connectivity, slopes, measures = map(read_table, truth_files(folder))
    names = participants.names("participant_id")
    planted: dict[str, dict[str, float]] = {}
    visits = zip(connectivity.column("participant_id"), connectivity.column("session_id"), strict=True)
    for visit, name, value in zip(
        visits, connectivity.column("parameter"), numbers_of(connectivity, "planted"), strict=True
    ):
        planted.setdefault("_".join(visit), {})[name] = value
    pairs = zip(slopes.column("parameter"), slopes.column("arm"), strict=True)
    first, second = dict.fromkeys(slopes.column("arm"))
    return PlantedTruth(
        (first, second),
        dict(zip(names, participants.column("arm"), strict=True)),
        dict(zip(names, numbers_of(participants, "improvement"), strict=True)),
        planted,
        dict(zip(pairs, numbers_of(slopes, "slope"), strict=True)),
        numbers_of(slopes, "scatter")[0],
        _read_measures(measures),
    )


def truth_files(folder: str | Path) -> tuple[Path, ...]:
    """The tables that `read_truth` reads."""
    return tuple(
        Path(folder) / TRUTH_FOLDER / name
        for name in (PARTICIPANTS_FILE, CONNECTIVITY_FILE, SLOPES_FILE, MEASURES_FILE)
    )


def numbers_of(table: Table, column: str) -> list[float]:
    """A column of numbers."""
    values: list[float] = np.asarray(table.values(column, range(len(table.rows))), dtype=np.float64).tolist()
    return values


def _planted_parameters(participant: SimulatedParticipant) -> tuple[dict[str, float], dict[str, float]]:
    """Every free parameter by name, before and after treatment."""
    spec = circuit_model()
    free = np.flatnonzero(np.diag(prior(spec).covariance)).tolist()
    before, after = (np.asarray(spec.layout.to_vector(parameters)).tolist() for parameters in participant.connectivity)
    names = spec.parameter_names
    return {names[i]: before[i] for i in free}, {names[i]: after[i] for i in free}


def _write_measures(folder: Path, design: StudyDesign) -> None:
    rows = [
        (measure.measure, measure.effect, measure.quantity, arm, slope, measure.unit)
        for measure in planted_measures(design)
        for arm, slope in measure.slopes.items()
    ]
    write_table(folder / MEASURES_FILE, ("measure", "effect", "quantity", "arm", "slope", "unit"), rows)


def _read_measures(table: Table) -> tuple[PlantedMeasure, ...]:
    """As `_write_measures` wrote them."""
    slopes: dict[tuple[str, str, str, str], dict[str, float]] = {}
    columns = map(table.column, ("measure", "effect", "quantity", "unit"))
    keys = zip(*columns, strict=True)
    for key, arm, slope in zip(keys, table.column("arm"), numbers_of(table, "slope"), strict=True):
        slopes.setdefault(key, {})[arm] = slope
    return tuple(PlantedMeasure(*key[:3], of, key[3]) for key, of in slopes.items())


def _write_responses(folder: Path, participants: Sequence[SimulatedParticipant]) -> None:
    """Only those that were drawn: the circuit's in the faces task follow from its connectivity."""
    rows = []
    for participant in participants:
        for session, responses in zip(SESSIONS, participant.responses, strict=True):
            for task, values in responses.items():
                cells = zip(product(REGIONS, CONDITIONS[task]), values.ravel().tolist(), strict=True)
                rows += [
                    (participant.name, session, task, condition, region, value)
                    for (region, condition), value in cells
                    if not np.isnan(value)
                ]
    write_table(
        folder / RESPONSES_FILE, ("participant_id", "session_id", "task", "condition", "region", "percent"), rows
    )
