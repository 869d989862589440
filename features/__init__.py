"""Imaging measures and their predictive models, beside the causal ones. Arrays and tables in, tables out."""

from ._change_scores import ArmMeanChange, ChangeScores, EffectSize, TTest, change_scores
from ._cohort_table import CategoryCount, CohortRow, NumberSummary, cohort_by_arm
from ._correlation import (
    BootstrapSettings,
    Correlation,
    NullCheck,
    complete_pairs,
    correlation,
    correlations,
    null_checks,
)
from ._crossnobis import crossnobis, noise_covariance
from ._deconvolution import deconvolve
from ._elastic_net_path import (
    ALPHAS,
    GlmnetPenalty,
    ScikitPenalty,
    Tuning,
    coarse_tuning,
    glmnet_penalty,
    scikit_penalty,
)
from ._folds import PreparedFolds, assign_folds, default_folds, prepare_folds
from ._gppi import Gppi, gppi, interaction_terms
from ._imputation import Imputation, ImputationMethod
from ._leakage import (
    columns_equal_to_outcome,
    multiple_imputations,
    prepare_whole_sample,
    refuse_whole_sample,
    standardised_columns,
)
from ._mixed_model import CellMean, FixedEffect, MixedModel, mixed_model
from ._motion import MotionResiduals
from ._nested_cv import NestedEstimate, nested_cross_validation
from ._permutation import PermutationTest, permutation_p_value, permutations_needed, permutations_reaching
from ._predictors import FeatureError, Outcome, PredictorColumn, Predictors, Role, Term
from ._preparation import ProductTerms, preparation_pipeline
from ._rest_connectivity import correlation_matrix, denoise, rest_connectivity
from ._stability import Stability, imputed_retention, selection_stability
from ._whole_sample_fit import TuningCurve, WholeSampleFit, fit_whole_sample
from ._within_arms import ArmSlopes, WithinArmCorrelations, arm_slopes, within_arm_correlations

__all__ = [
    "ALPHAS",
    "ArmMeanChange",
    "ArmSlopes",
    "BootstrapSettings",
    "CategoryCount",
    "CellMean",
    "ChangeScores",
    "CohortRow",
    "Correlation",
    "EffectSize",
    "FeatureError",
    "FixedEffect",
    "GlmnetPenalty",
    "Gppi",
    "Imputation",
    "ImputationMethod",
    "MixedModel",
    "MotionResiduals",
    "NestedEstimate",
    "NullCheck",
    "NumberSummary",
    "Outcome",
    "PermutationTest",
    "PredictorColumn",
    "Predictors",
    "PreparedFolds",
    "ProductTerms",
    "Role",
    "ScikitPenalty",
    "Stability",
    "TTest",
    "Term",
    "Tuning",
    "TuningCurve",
    "WholeSampleFit",
    "WithinArmCorrelations",
    "arm_slopes",
    "assign_folds",
    "change_scores",
    "coarse_tuning",
    "cohort_by_arm",
    "columns_equal_to_outcome",
    "complete_pairs",
    "correlation",
    "correlation_matrix",
    "correlations",
    "crossnobis",
    "deconvolve",
    "default_folds",
    "denoise",
    "fit_whole_sample",
    "glmnet_penalty",
    "gppi",
    "imputed_retention",
    "interaction_terms",
    "mixed_model",
    "multiple_imputations",
    "nested_cross_validation",
    "noise_covariance",
    "null_checks",
    "permutation_p_value",
    "permutations_needed",
    "permutations_reaching",
    "preparation_pipeline",
    "prepare_folds",
    "prepare_whole_sample",
    "refuse_whole_sample",
    "rest_connectivity",
    "scikit_penalty",
    "selection_stability",
    "standardised_columns",
    "within_arm_correlations",
]
