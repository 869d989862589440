"""The tables of a synthetic study: its participants and their symptoms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ._design import SESSIONS, StudyDesign
from ._files import write_json, write_text, write_tsv
from ._people import CLUSTERS, Person

BIDS_VERSION = "1.10.0"
README = """\
Simulated: no person was scanned. Connectivity, responses and symptoms were drawn by chance from one seed, and images
made from them; what was drawn is in ../truth. Raw images were never made, only what fMRIPrep would have left of them,
in derivatives/fmriprep.
"""


def write_dataset(bids: Path, people: Sequence[Person], design: StudyDesign) -> None:
    """Everything of a BIDS dataset that is not about one run."""
    name = "Ketamine and midazolam, a synthetic study"
    write_json(bids / "dataset_description.json", {"Name": name, "BIDSVersion": BIDS_VERSION, "DatasetType": "raw"})
    write_text(bids / "README", README)
    _write_participants(bids, people)
    _write_scores(bids / "phenotype", people)
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
    rows = [(one.name, one.arm, one.age, one.sex) for one in people]
    write_tsv(bids / "participants.tsv", ("participant_id", "arm", "age", "sex"), rows)
    arms = {"ketamine": "0.5 mg/kg, repeated", "midazolam": "0.045 mg/kg, repeated"}
    write_json(
        bids / "participants.json",
        {
            "arm": {"Description": "Treatment between the sessions", "Levels": arms},
            "age": {"Description": "At the first session", "Units": "year"},
            "sex": {"Levels": {"F": "female", "M": "male"}},
        },
    )


def _write_scores(phenotype: Path, people: Sequence[Person]) -> None:
    rows = [
        (one.name, session, total, *clusters.values())
        for one in people
        for session, total, clusters in zip(SESSIONS, one.totals, one.clusters, strict=True)
    ]
    columns = [f"caps5_{cluster}" for cluster in CLUSTERS]
    write_tsv(phenotype / "caps5.tsv", ("participant_id", "session_id", "caps5_total", *columns), rows)
    tool = {"MeasurementToolMetadata": {"Description": "Points like those of CAPS-5, simulated; more is worse"}}
    of = {"caps5_total": "Sum of the clusters"} | {f"caps5_{one}": f"Cluster: {one}" for one in CLUSTERS}
    described = {column: {"Description": text, "Units": "point"} for column, text in of.items()}
    write_json(phenotype / "caps5.json", tool | described)
