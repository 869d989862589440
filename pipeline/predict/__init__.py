"""Prediction of a score from any table of people: what is asked, what is found, and how it is shown."""

from ._delivery import deliver_prediction
from ._fit import fit
from ._formula import Factor, FactorTerm, parse_factor, parse_formula
from ._model import Model, model_of
from ._options import PredictOptions
from ._presets import preset_formula, preset_terms
from ._result import Prediction

__all__ = [
    "Factor",
    "FactorTerm",
    "Model",
    "PredictOptions",
    "Prediction",
    "deliver_prediction",
    "fit",
    "model_of",
    "parse_factor",
    "parse_formula",
    "preset_formula",
    "preset_terms",
]
