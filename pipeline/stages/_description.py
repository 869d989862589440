"""The output folder as a BIDS derivative dataset."""

from __future__ import annotations

from pathlib import Path

from ..common import release, write_json
from ..study import Study


def write_description(study: Study, out: Path) -> None:
    """Writes dataset_description.json; the same for the same study and release."""
    write_json(
        out / "dataset_description.json",
        {
            "Name": f"effconn: {study.study.name}",
            "BIDSVersion": "1.10.0",
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": "effconn", "Version": release()}],
        },
    )
