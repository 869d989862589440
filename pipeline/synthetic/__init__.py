"""Studies that never were: images or series with known connectivity, of any design, for the demo and the tests."""

from ._example_design import ExampleDesign
from ._example_designs import DESIGNS
from ._example_section import example_recovery_section
from ._example_truth import example_truth_files, read_example_truth
from ._planted_truth import PlantedTruth, read_truth, truth_files
from ._recovery_section import recovery_section, study_recovery_section
from ._study_design import QUICK, StudyDesign
from ._write_example import write_example
from ._write_study import write_study

__all__ = [
    "DESIGNS",
    "QUICK",
    "ExampleDesign",
    "PlantedTruth",
    "StudyDesign",
    "example_recovery_section",
    "example_truth_files",
    "read_example_truth",
    "read_truth",
    "recovery_section",
    "study_recovery_section",
    "truth_files",
    "write_example",
    "write_study",
]
