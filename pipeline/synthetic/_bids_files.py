"""Tables, sidecars and images of a synthetic dataset, the same bytes for the same content."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from ..common import write_bytes, write_json, write_text
from ..tables import MISSING, tab_separated
from ._simulated_participants import SYMPTOM_CLUSTERS, SimulatedParticipant
from ._study_design import SESSIONS, StudyDesign


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], decimal_commas: bool = False) -> None:
    """A table as BIDS wants it; None and NaN are n/a. With `decimal_commas`, cells are apart by semicolons."""
    table = [list(header), *([_cell(value) for value in row] for row in rows)]
    text = tab_separated(table)
    write_text(path, text.replace(".", ",").replace("\t", ";") if decimal_commas else text)


def write_image(path: Path, image: nib.Nifti1Image) -> None:
    """A compressed NIfTI file without the time of day that gzip keeps by default."""
    write_bytes(path, gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))


def make_image(stored: np.ndarray, affine: np.ndarray, scale: float, repetition_time: float) -> nib.Nifti1Image:
    """A run of stored integers, (x, y, z, scan), that become the image times `scale`; in MNI space."""
    image = nib.Nifti1Image(stored, affine)
    image.header.set_zooms((*image.header.get_zooms()[:3], repetition_time))
    return in_mni(image, scale)


def make_mask(mask: np.ndarray, affine: np.ndarray) -> nib.Nifti1Image:
    """A mask, (x, y, z), in MNI space."""
    return in_mni(nib.Nifti1Image(mask.astype(np.uint8), affine))


def in_mni(image: nib.Nifti1Image, scale: float = 1.0) -> nib.Nifti1Image:
    """The image with units and the codes of MNI space in its header."""
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_slope_inter(scale, 0)
    image.set_sform(image.affine, code="mni")
    image.set_qform(image.affine, code="mni")
    return image


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    return f"{value:.8g}" if isinstance(value, float) else str(value)


BIDS_VERSION = "1.10.0"
README_TEXT = """\
Simulated: no person was scanned. Connectivity, responses and symptoms were drawn by chance from one seed, and images
made from them; what was drawn is in ../truth. Raw images were never made, only what fMRIPrep would have left of them,
in derivatives/fmriprep.
"""
PARTICIPANT_COLUMNS: Mapping[str, Mapping[str, Any]] = {
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


def write_bids_tables(bids: Path, participants: Sequence[SimulatedParticipant], design: StudyDesign) -> None:
    """Everything of a BIDS dataset that is not about one run."""
    write_dataset_descriptions(bids, "Ketamine and midazolam, a synthetic study")
    write_text(bids / "README", README_TEXT)
    _write_participants(bids, participants)
    _write_scores(bids / "phenotype", participants)
    _write_depression(bids / "phenotype", participants)
    _write_side_effects(bids / "phenotype", participants)
    for task in design.tasks:
        write_json(bids / f"task-{task}_bold.json", {"TaskName": task, "RepetitionTime": design.spacing(task)})


def write_dataset_descriptions(bids: Path, name: str) -> None:
    """What the dataset and fMRIPrep's derivatives in it are."""
    write_json(bids / "dataset_description.json", {"Name": name, "BIDSVersion": BIDS_VERSION, "DatasetType": "raw"})
    write_json(
        bids / "derivatives" / "fmriprep" / "dataset_description.json",
        {
            "Name": f"{name}: preprocessed",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": "effconn", "Description": "Simulated in the form that fMRIPrep writes"}],
        },
    )


def _write_participants(bids: Path, participants: Sequence[SimulatedParticipant]) -> None:
    rows = [
        (participant.name, participant.arm, participant.age, participant.sex, *_treatment_columns(participant))
        for participant in participants
    ]
    write_table(bids / "participants.tsv", ("participant_id", *PARTICIPANT_COLUMNS), rows)
    write_json(bids / "participants.json", PARTICIPANT_COLUMNS)


def _treatment_columns(participant: SimulatedParticipant) -> tuple[str, int, int]:
    return "yes" if participant.clinical.medication else "no", participant.clinical.infusions, participant.clinical.days


def _write_scores(phenotype: Path, participants: Sequence[SimulatedParticipant]) -> None:
    rows = [
        (participant.name, session, total, *clusters.values())
        for participant in participants
        for session, total, clusters in zip(SESSIONS, participant.totals, participant.clusters, strict=True)
    ]
    of = {"caps5_total": "Sum of the clusters"} | {
        f"caps5_{cluster}": f"Cluster: {cluster}" for cluster in SYMPTOM_CLUSTERS
    }
    _write_instrument(phenotype, "caps5", "CAPS-5", of, ("session_id",), rows)


def _write_depression(phenotype: Path, participants: Sequence[SimulatedParticipant]) -> None:
    rows = [
        (participant.name, session, total)
        for participant in participants
        for session, total in zip(SESSIONS, participant.clinical.depression, strict=True)
    ]
    _write_instrument(phenotype, "madrs", "MADRS", {"madrs_total": "Depression"}, ("session_id",), rows)


def _write_side_effects(phenotype: Path, participants: Sequence[SimulatedParticipant]) -> None:
    rows = [(participant.name, participant.clinical.dissociation) for participant in participants]
    of = {"cadss_total": "Dissociation, the highest during an infusion"}
    _write_instrument(phenotype, "cadss", "CADSS", of, (), rows)


def _write_instrument(
    phenotype: Path,
    name: str,
    scale: str,
    described: Mapping[str, str],
    keys: tuple[str, ...],
    rows: Iterable[Sequence[Any]],
) -> None:
    """One instrument: its table, and a sidecar that says what its columns are."""
    write_table(phenotype / f"{name}.tsv", ("participant_id", *keys, *described), rows)
    tool = {"MeasurementToolMetadata": {"Description": f"Points like those of {scale}, simulated; more is worse"}}
    columns = {column: {"Description": text, "Units": "point"} for column, text in described.items()}
    write_json(phenotype / f"{name}.json", tool | columns)
