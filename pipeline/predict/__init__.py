"""Prediction of a score from any table of participants: what is asked, what is found, and how it is shown."""

from ._elastic_net import elastic_net, fit_in_processes
from ._fit import fit_model
from ._formula import parse_factor, parse_formula, uses_arm
from ._model_data import ModelData, read_model_data
from ._options import PredictOptions
from ._prediction_report import report_elastic_net
from ._result import ElasticNetResult
from ._result_figures import plot_coefficients, plot_predictions

__all__ = [
    "ElasticNetResult",
    "ModelData",
    "PredictOptions",
    "elastic_net",
    "fit_in_processes",
    "fit_model",
    "parse_factor",
    "parse_formula",
    "plot_coefficients",
    "plot_predictions",
    "read_model_data",
    "report_elastic_net",
    "uses_arm",
]
