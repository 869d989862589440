"""The group level of effconn: parametric empirical Bayes over first-level posteriors. Arrays in, arrays out."""

from ._design import MEAN, Design, DesignError, make_design
from ._estimate import Estimate, change, from_dcm
from ._gaussian import Gaussian
from ._group import Compat, GroupPosterior, GroupStatus, beyond_zero
from ._peb import Components, PebError, PebSettings, fit
from ._reduction import Reduction, reduce, switched

__all__ = [
    "MEAN",
    "Compat",
    "Components",
    "Design",
    "DesignError",
    "Estimate",
    "Gaussian",
    "GroupPosterior",
    "GroupStatus",
    "PebError",
    "PebSettings",
    "Reduction",
    "beyond_zero",
    "change",
    "fit",
    "from_dcm",
    "make_design",
    "reduce",
    "switched",
]
