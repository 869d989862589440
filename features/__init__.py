"""Imaging measures and their predictive models, beside the causal ones. Arrays and tables in, tables out."""

from ._chance import chance, shuffles_needed, shuffles_reaching
from ._design import Column, FeatureError, Outcome, Predictors, Role, Term
from ._folds import Folds, make_folds
from ._groups import groups_of
from ._nested import nested
from ._penalty import GlmnetPenalty, ScikitPenalty, glmnet_penalty, scikit_penalty
from ._published import published
from ._results import ArmSlopes, Chance, LooCurve, Nested, Published, Stability
from ._stability import stability
from ._tuning import ALPHAS, Tuning, coarse

__all__ = [
    "ALPHAS",
    "ArmSlopes",
    "Chance",
    "Column",
    "FeatureError",
    "Folds",
    "GlmnetPenalty",
    "LooCurve",
    "Nested",
    "Outcome",
    "Predictors",
    "Published",
    "Role",
    "ScikitPenalty",
    "Stability",
    "Term",
    "Tuning",
    "chance",
    "coarse",
    "glmnet_penalty",
    "groups_of",
    "make_folds",
    "nested",
    "published",
    "scikit_penalty",
    "shuffles_needed",
    "shuffles_reaching",
    "stability",
]
