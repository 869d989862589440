"""The group level of effconn: parametric empirical Bayes over first-level posteriors. Arrays in, arrays out."""

from dcm import NormalMixture

from ._arms import (
    ArmComparison,
    ArmProbabilities,
    ThirdLevel,
    arms_from_groups,
    arms_from_interactions,
)
from ._average import average
from ._averaged_runs import average_runs
from ._canonical_form import CanonicalForm
from ._combine_visits import SURE_DISAGREEMENT, Heterogeneity, average_visits, change, combine_visits, heterogeneity
from ._comparison import Comparison, compare, every_combination
from ._contrast import Contrast, column_contrast, contrast_numbers, parse_contrast
from ._contrast_posterior import ContrastPosterior, evaluate_contrast
from ._cross_validation import CrossValidation, k_fold, leave_one_out
from ._design import MEAN, Design, DesignPrior, make_design
from ._design_error import DesignError
from ._effect_words import EffectParts, describe_effect, effect_parts
from ._estimate import Estimate, from_dcm
from ._families import FamilyComparison, families
from ._fit import fit
from ._fit_visits import fit_visits
from ._formula import formula_columns
from ._gaussian import Gaussian
from ._group import LOW_INFLUENCE, Compat, GroupPosterior, GroupStatus
from ._model_selection import RandomEffects, dirichlet_exceedance, fixed_effects, random_effects
from ._node_mixture import NodeMixture
from ._permutation import Permutation, permutation_test
from ._reduced_models import ReducedModels, missing_parameters, reduce_models
from ._reduction import ProbabilityKind, Reduction, reduce, switched
from ._reduction_check import ReductionCheck, check_reduction, is_nested
from ._refit import Refit, RefitStatus, ReinversionRound, fit_with_reinversion
from ._sampled_group import SampledGroup, SamplingComparison, SamplingSettings
from ._sampling import sample
from ._search import Search, search
from ._separate_arms import are_unbalanced, arms_from_separate_groups, fit_each_level
from ._separate_cells import ContrastCell, cells_of_contrast, evaluate_contrast_by_cell, is_mean_over_levels
from ._settings import Between, Components, PebError, PebSettings
from ._verdict import ABSENCE_PROBABILITY, ALPHA, SMALLEST_EFFECT, Verdict, VerdictKind, two_sided_probability, verdict
from ._visits import default_own_effects

__all__ = [
    "ABSENCE_PROBABILITY",
    "ALPHA",
    "LOW_INFLUENCE",
    "MEAN",
    "SMALLEST_EFFECT",
    "SURE_DISAGREEMENT",
    "ArmComparison",
    "ArmProbabilities",
    "Between",
    "CanonicalForm",
    "Comparison",
    "Compat",
    "Components",
    "Contrast",
    "ContrastCell",
    "ContrastPosterior",
    "CrossValidation",
    "Design",
    "DesignError",
    "DesignPrior",
    "EffectParts",
    "Estimate",
    "FamilyComparison",
    "Gaussian",
    "GroupPosterior",
    "GroupStatus",
    "Heterogeneity",
    "NodeMixture",
    "NormalMixture",
    "PebError",
    "PebSettings",
    "Permutation",
    "ProbabilityKind",
    "RandomEffects",
    "ReducedModels",
    "Reduction",
    "ReductionCheck",
    "Refit",
    "RefitStatus",
    "ReinversionRound",
    "SampledGroup",
    "SamplingComparison",
    "SamplingSettings",
    "Search",
    "ThirdLevel",
    "Verdict",
    "VerdictKind",
    "are_unbalanced",
    "arms_from_groups",
    "arms_from_interactions",
    "arms_from_separate_groups",
    "average",
    "average_runs",
    "average_visits",
    "cells_of_contrast",
    "change",
    "check_reduction",
    "column_contrast",
    "combine_visits",
    "compare",
    "contrast_numbers",
    "default_own_effects",
    "describe_effect",
    "dirichlet_exceedance",
    "effect_parts",
    "evaluate_contrast",
    "evaluate_contrast_by_cell",
    "every_combination",
    "families",
    "fit",
    "fit_each_level",
    "fit_visits",
    "fit_with_reinversion",
    "fixed_effects",
    "formula_columns",
    "from_dcm",
    "heterogeneity",
    "is_mean_over_levels",
    "is_nested",
    "k_fold",
    "leave_one_out",
    "make_design",
    "missing_parameters",
    "parse_contrast",
    "permutation_test",
    "random_effects",
    "reduce",
    "reduce_models",
    "sample",
    "search",
    "switched",
    "two_sided_probability",
    "verdict",
]
