"""First-level posteriors checked by sampling: whose, from which files, beside which draws, and what that comes to."""

from ._checkable import Checkable, read_checkable
from ._comparison import ParameterCheck, PosteriorCheck, compare_posterior
from ._figure import check_figure

__all__ = [
    "Checkable",
    "ParameterCheck",
    "PosteriorCheck",
    "check_figure",
    "compare_posterior",
    "read_checkable",
]
