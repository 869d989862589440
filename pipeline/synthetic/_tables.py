"""The tables of a synthetic study: its participants, their symptoms, and what else a clinic records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common import write_json, write_text
from ._design import SESSIONS, StudyDesign
from ._files import write_tsv
from ._people import CLUSTERS, Person

BIDS_VERSION = "1.10.0"
README = """\
Simulated: no person was scanned. Connectivity, responses and symptoms were drawn by chance from one seed, and images
made from them; what was drawn is in ../truth. Raw images were never made, only what fMRIPrep would have left of them,
in derivatives/fmriprep.
"""
PARTICIPANTS: Mapping[str, Mapping[str, Any]] = {
    "arm": {
        "Description": "Treatment between the sessions",
        "Levels": {"ketamine": "0.5 mg/kg, repeated", "midazolam": "0.045 mg/kg, repeated"},
    },
    "age": {"Description": "At the first session", "Units": "year"},
    "sex": {"Levels": {"F": "female", "M": "male"}},
    "medication": {"Description": "Other psychiatric medication", "Levels": {"yes": "taken", "no": "not taken"}},
    "infusions": {"Description": "Infusions given between the sessions"},
    "days_between_scans": {"Description": "From the first session to the second", "Units": "day"},
}


def write_dataset(bids: Path, people: Sequence[Person], design: StudyDesign) -> None:
    """Everything of a BIDS dataset that is not about one run."""
    name = "Ketamine and midazolam, a synthetic study"
    write_json(bids / "dataset_description.json", {"Name": name, "BIDSVersion": BIDS_VERSION, "DatasetType": "raw"})
    write_text(bids / "README", README)
    _write_participants(bids, people)
    _write_scores(bids / "phenotype", people)
    _write_depression(bids / "phenotype", people)
    _write_side_effects(bids / "phenotype", people)
    for task in design.tasks:
        write_json(bids / f"task-{task}_bold.json", {"TaskName": task, "RepetitionTime": design.spacing(task)})
    write_json(
        bids / "derivatives" / "fmriprep" / "dataset_description.json",
        {
            "Name": f"{name}: preprocessed",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": "effconn", "Description": "Simulated in the form that fMRIPrep writes"}],
        },
    )


def _write_participants(bids: Path, people: Sequence[Person]) -> None:
    rows = [
        (participant.name, participant.arm, participant.age, participant.sex, *_treated(participant))
        for participant in people
    ]
    write_tsv(bids / "participants.tsv", ("participant_id", *PARTICIPANTS), rows)
    write_json(bids / "participants.json", PARTICIPANTS)


def _treated(participant: Person) -> tuple[str, int, int]:
    return "yes" if participant.clinic.medication else "no", participant.clinic.infusions, participant.clinic.days


def _write_scores(phenotype: Path, people: Sequence[Person]) -> None:
    rows = [
        (participant.name, session, total, *clusters.values())
        for participant in people
        for session, total, clusters in zip(SESSIONS, participant.totals, participant.clusters, strict=True)
    ]
    of = {"caps5_total": "Sum of the clusters"} | {f"caps5_{cluster}": f"Cluster: {cluster}" for cluster in CLUSTERS}
    _write_phenotype(phenotype, "caps5", "CAPS-5", of, ("session_id",), rows)


def _write_depression(phenotype: Path, people: Sequence[Person]) -> None:
    rows = [
        (participant.name, session, total)
        for participant in people
        for session, total in zip(SESSIONS, participant.clinic.depression, strict=True)
    ]
    _write_phenotype(phenotype, "madrs", "MADRS", {"madrs_total": "Depression"}, ("session_id",), rows)


def _write_side_effects(phenotype: Path, people: Sequence[Person]) -> None:
    rows = [(participant.name, participant.clinic.dissociation) for participant in people]
    of = {"cadss_total": "Dissociation, the highest during an infusion"}
    _write_phenotype(phenotype, "cadss", "CADSS", of, (), rows)


def _write_phenotype(
    phenotype: Path,
    name: str,
    scale: str,
    described: Mapping[str, str],
    keys: tuple[str, ...],
    rows: Iterable[Sequence[Any]],
) -> None:
    """One instrument: its table, and a sidecar that says what its columns are."""
    write_tsv(phenotype / f"{name}.tsv", ("participant_id", *keys, *described), rows)
    tool = {"MeasurementToolMetadata": {"Description": f"Points like those of {scale}, simulated; more is worse"}}
    columns = {column: {"Description": text, "Units": "point"} for column, text in described.items()}
    write_json(phenotype / f"{name}.json", tool | columns)
