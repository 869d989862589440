"""How the measures of a study came about: versions and the settings that decide them."""

from __future__ import annotations

from typing import Any

from ..common import release
from ..study import Study

WHOLE_SAMPLE = "WholeSampleTransforms"  # what was estimated over all people; a nested estimate refuses any
REMARKS = "Remarks"
PACKAGES = ("nilearn", "numpy", "scipy", "scikit-learn")


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
