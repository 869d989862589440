"""Imaging measures and their predictive models, beside the causal ones. Arrays and tables in, tables out."""

from ._design import Column, FeatureError, Outcome, Predictors, Role, Term
from ._results import ArmSlopes, Chance, LooCurve, Nested, Published, Stability

__all__ = [
    "ArmSlopes",
    "Chance",
    "Column",
    "FeatureError",
    "LooCurve",
    "Nested",
    "Outcome",
    "Predictors",
    "Published",
    "Role",
    "Stability",
    "Term",
]
