"""Dynamic causal models for fMRI: specification, priors, forward model, variational Laplace. Arrays in, arrays out."""

from ._cohort import Failure, Progress, invert, invert_cohort, invert_each
from ._data import SPM12_ECHO_TIME, Data
from ._diagnostics import Diagnostics, diagnose, explained_variance_of
from ._flow import dense_flow_step
from ._forward import Derivatives, Integrator
from ._kernels import KERNEL_STEP, KERNEL_STEPS, volterra_kernels
from ._laplace import NoiseModel
from ._normal_mixture import Marginal, NormalMixture
from ._posterior import InversionError, Posterior, Refinement, Status
from ._posterior_draws import ChainSettings, PosteriorDraws
from ._priors import Preset, Prior, checked_density, prior
from ._runs import concatenate_runs
from ._runtime import one_blas_thread, require_64_bit
from ._sampling import sample_posterior
from ._series_fit import SeriesFit, make_series_fit
from ._settings import Compat, Refine, Scaling, Settings, mode_without_search
from ._simulate import SerialNoise, Simulation, make_predictor, predict_series, simulate
from ._simulate_draws import DrawTruth, SimulatedRuns, displace_haemodynamics, draw_parameters, simulate_draws
from ._spec import Layout, Parameters, Spec
from ._subject import Subject

__all__ = [
    "KERNEL_STEP",
    "KERNEL_STEPS",
    "SPM12_ECHO_TIME",
    "ChainSettings",
    "Compat",
    "Data",
    "Derivatives",
    "Diagnostics",
    "DrawTruth",
    "Failure",
    "Integrator",
    "InversionError",
    "Layout",
    "Marginal",
    "NoiseModel",
    "NormalMixture",
    "Parameters",
    "Posterior",
    "PosteriorDraws",
    "Preset",
    "Prior",
    "Progress",
    "Refine",
    "Refinement",
    "Scaling",
    "SerialNoise",
    "SeriesFit",
    "Settings",
    "SimulatedRuns",
    "Simulation",
    "Spec",
    "Status",
    "Subject",
    "checked_density",
    "concatenate_runs",
    "dense_flow_step",
    "diagnose",
    "displace_haemodynamics",
    "draw_parameters",
    "explained_variance_of",
    "invert",
    "invert_cohort",
    "invert_each",
    "make_predictor",
    "make_series_fit",
    "mode_without_search",
    "one_blas_thread",
    "predict_series",
    "prior",
    "require_64_bit",
    "sample_posterior",
    "simulate",
    "simulate_draws",
    "volterra_kernels",
]
