"""The group level of effconn: parametric empirical Bayes over first-level posteriors. Arrays in, arrays out."""

from ._arms import ArmComparison, ArmProbabilities, ThirdLevel, arms_from_groups, arms_from_interactions
from ._design import MEAN, Design, DesignError, make_design
from ._estimate import Estimate, change, from_dcm
from ._gaussian import Gaussian
from ._group import Compat, GroupPosterior, GroupStatus
from ._peb import Components, PebError, PebSettings, fit
from ._prediction import CrossValidation, k_fold, leave_one_out
from ._probability import ProbabilityKind, beyond_zero, with_v_without
from ._reduction import Reduction, reduce, switched
from ._refit import Refit, RefitStatus, fit_with_reinversion
from ._sampling import SampledGroup, SamplingComparison, SamplingSettings, sample

__all__ = [
    "MEAN",
    "ArmComparison",
    "ArmProbabilities",
    "Compat",
    "Components",
    "CrossValidation",
    "Design",
    "DesignError",
    "Estimate",
    "Gaussian",
    "GroupPosterior",
    "GroupStatus",
    "PebError",
    "PebSettings",
    "ProbabilityKind",
    "Reduction",
    "Refit",
    "RefitStatus",
    "SampledGroup",
    "SamplingComparison",
    "SamplingSettings",
    "ThirdLevel",
    "arms_from_groups",
    "arms_from_interactions",
    "beyond_zero",
    "change",
    "fit",
    "fit_with_reinversion",
    "from_dcm",
    "k_fold",
    "leave_one_out",
    "make_design",
    "reduce",
    "sample",
    "switched",
    "with_v_without",
]
