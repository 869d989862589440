"""A study that never was: BIDS images with known connectivity, for the demo and the tests."""

from ._design import QUICK, StudyDesign
from ._truth import Truth, truth_files, truth_of
from ._truth_page import extra_of, truth_extra
from ._write import write_study

__all__ = [
    "QUICK",
    "StudyDesign",
    "Truth",
    "extra_of",
    "truth_extra",
    "truth_files",
    "truth_of",
    "write_study",
]
