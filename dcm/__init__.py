"""Dynamic causal models for fMRI: specification, priors, forward model, variational Laplace. Arrays in, arrays out."""

from ._cohort import Failure, Progress, invert, invert_cohort, require_64_bit
from ._data import SPM12_ECHO_TIME, Data
from ._posterior import Posterior
from ._priors import Preset, Prior, prior
from ._problem import Settings, Subject
from ._spec import Layout, Parameters, Spec
from ._status import InversionError, Status

__all__ = [
    "SPM12_ECHO_TIME",
    "Data",
    "Failure",
    "InversionError",
    "Layout",
    "Parameters",
    "Posterior",
    "Preset",
    "Prior",
    "Progress",
    "Settings",
    "Spec",
    "Status",
    "Subject",
    "invert",
    "invert_cohort",
    "prior",
    "require_64_bit",
]
