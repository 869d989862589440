"""First-level posteriors checked by sampling: which posteriors, compared with which draws, and the verdict."""

from ._comparison import PosteriorCheck, compare_posterior
from ._figure import check_figure
from ._posteriors import StoredPosterior, read_posteriors

__all__ = [
    "PosteriorCheck",
    "StoredPosterior",
    "check_figure",
    "compare_posterior",
    "read_posteriors",
]
