"""A study that never was: BIDS images with known connectivity, for the demo and the tests."""

from ._design import QUICK, StudyDesign
from ._truth import Truth, truth_of
from ._write import write_study

__all__ = ["QUICK", "StudyDesign", "Truth", "truth_of", "write_study"]
