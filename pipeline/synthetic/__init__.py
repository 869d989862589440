"""A study that never was: BIDS images with known connectivity, for the demo and the tests."""

from ._planted_truth import PlantedTruth, read_truth, truth_files
from ._recovery_section import recovery_section, study_recovery_section
from ._study_design import QUICK, StudyDesign
from ._write_study import write_study

__all__ = [
    "QUICK",
    "PlantedTruth",
    "StudyDesign",
    "read_truth",
    "recovery_section",
    "study_recovery_section",
    "truth_files",
    "write_study",
]
