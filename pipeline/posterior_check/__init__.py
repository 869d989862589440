"""First-level posteriors checked by sampling: whose, from which files, beside which draws, and what that comes to."""

from ._comparison import ParameterCheck, PosteriorCheck, compare_posterior
from ._figure import check_figure
from ._posteriors import StoredPosterior, read_posteriors

__all__ = [
    "ParameterCheck",
    "PosteriorCheck",
    "StoredPosterior",
    "check_figure",
    "compare_posterior",
    "read_posteriors",
]
