"""First-level posteriors checked by sampling: whose, from which files, beside which draws, and what that comes to."""

from ._checkable import Checkable as Checkable
from ._checkable import read_checkable as read_checkable
from ._comparison import ParameterCheck as ParameterCheck
from ._comparison import PosteriorCheck as PosteriorCheck
from ._comparison import compare_posterior as compare_posterior
from ._figure import check_figure as check_figure
