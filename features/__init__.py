"""Imaging measures and their predictive models, beside the causal ones. Arrays and tables in, tables out."""

from ._chance import chance, shuffles_needed, shuffles_reaching
from ._change_scores import ArmChange, ChangeScores, EffectSize, Tested, change_scores
from ._cohort import CohortRow, Share, Spread, cohort
from ._connectivity import correlation_matrix, denoise, rest_connectivity
from ._correlation import Correlation, correlation, correlations, pairs
from ._correlation_interval import Resampling
from ._crossnobis import crossnobis, noise_covariance
from ._deconvolution import deconvolve
from ._design import Column, FeatureError, Outcome, Predictors, Role, Term
from ._folds import Folds, make_folds
from ._gppi import Gppi, gppi
from ._groups import default_folds, groups_of
from ._imputation import Imputation, ImputationMethod
from ._imputed import imputed_retention
from ._interactions import interactions
from ._mixed import CellMean, FixedEffect, MixedModel, mixed_model
from ._motion import MotionResiduals
from ._nested import nested
from ._null_checks import NullCheck, null_checks
from ._penalty import GlmnetPenalty, ScikitPenalty, glmnet_penalty, scikit_penalty
from ._prepare import preparation
from ._products import Products
from ._published import published
from ._results import ArmSlopes, Chance, LooCurve, Nested, Published, Stability, WithinArms
from ._slopes import arm_slopes
from ._stability import stability
from ._tuning import ALPHAS, Tuning, coarse
from ._whole_sample import fit_whole, imputations, outcome_in_disguise, refuse_whole_sample, standardised_columns
from ._within_arms import within_arms

__all__ = [
    "ALPHAS",
    "ArmChange",
    "ArmSlopes",
    "CellMean",
    "Chance",
    "ChangeScores",
    "CohortRow",
    "Column",
    "Correlation",
    "EffectSize",
    "FeatureError",
    "FixedEffect",
    "Folds",
    "GlmnetPenalty",
    "Gppi",
    "Imputation",
    "ImputationMethod",
    "LooCurve",
    "MixedModel",
    "MotionResiduals",
    "Nested",
    "NullCheck",
    "Outcome",
    "Predictors",
    "Products",
    "Published",
    "Resampling",
    "Role",
    "ScikitPenalty",
    "Share",
    "Spread",
    "Stability",
    "Term",
    "Tested",
    "Tuning",
    "WithinArms",
    "arm_slopes",
    "chance",
    "change_scores",
    "coarse",
    "cohort",
    "correlation",
    "correlation_matrix",
    "correlations",
    "crossnobis",
    "deconvolve",
    "default_folds",
    "denoise",
    "fit_whole",
    "glmnet_penalty",
    "gppi",
    "groups_of",
    "imputations",
    "imputed_retention",
    "interactions",
    "make_folds",
    "mixed_model",
    "nested",
    "noise_covariance",
    "null_checks",
    "outcome_in_disguise",
    "pairs",
    "preparation",
    "published",
    "refuse_whole_sample",
    "rest_connectivity",
    "scikit_penalty",
    "shuffles_needed",
    "shuffles_reaching",
    "stability",
    "standardised_columns",
    "within_arms",
]
