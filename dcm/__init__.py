"""Dynamic causal models for fMRI: specification, priors, forward model, variational Laplace. Arrays in, arrays out."""

from ._data import SPM12_ECHO_TIME, Data
from ._posterior import Posterior
from ._priors import Preset, Prior, prior
from ._spec import Layout, Parameters, Spec
from ._status import InversionError, Status

__all__ = [
    "SPM12_ECHO_TIME",
    "Data",
    "InversionError",
    "Layout",
    "Parameters",
    "Posterior",
    "Preset",
    "Prior",
    "Spec",
    "Status",
    "prior",
]
