"""What SPM stores about a posterior: parameter structs, covariance, probabilities, kernels and fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csc_array
from scipy.special import ndtr

from dcm import Data, Posterior

from ._dcm_estimate import named
from ._kernels import volterra_kernels


def file_unit(posterior: Posterior) -> float:
    """Factor from the series as a file holds them to those that were inverted.

    SPM leaves series scaled and gives parameters for the scaled ones. Where the scale is inside the model, parameters
    are of the series as measured, and so are series, prediction and noise in the file: SPM's g(Ep) is DCM.y.
    """
    return posterior.data_scale if posterior.settings.scaling == "model" else 1.0


def results(posterior: Posterior, data: Data) -> dict[str, Any]:
    """The fields from Ce to BIC; `data` are those of the file, in its unit."""
    variance = np.zeros(posterior.mean.size)
    variance[posterior.free] = np.diag(posterior.covariance)
    # SPM asks how sure |θ| exceeds the prior mean (threshold T = 0 beyond it).
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (np.abs(posterior.mean) - posterior.prior.mean) / np.sqrt(variance)
    certainty = np.where(variance > 0, ndtr(z), np.nan)
    unit, rho = file_unit(posterior), posterior.autocorrelation
    prediction, residual = posterior.prediction / unit, posterior.residual / unit
    innovation = np.exp(-posterior.noise_mean) / unit**2
    noise = innovation / (1 - rho**2)
    bold_kernel, neural_kernel = volterra_kernels(named(posterior.mean, posterior.spec.layout), data.echo_time)
    fit = -0.5 * float((_squares(residual, rho) / innovation).sum())
    fit += 0.5 * float((np.log1p(-(rho**2)) - data.scans * np.log(innovation)).sum())
    count = posterior.free.size
    return {
        "Ce": noise[:, None],
        "Ep": tree(posterior.mean, posterior),
        "Cp": _sparse_covariance(posterior),
        "Pp": tree(certainty, posterior),
        "Vp": tree(variance, posterior),
        "H1": bold_kernel,
        "K1": neural_kernel,
        "R": residual,
        "y": prediction,
        "T": number(0),
        "F": number(posterior.free_energy),
        # Recovered from the numbers SPM12 stores: log-likelihood of the residuals without its constant, less a
        # penalty per free parameter; ID is the sum of the series' absolute values.
        "ID": number(float(np.abs(data.bold).sum())),
        "AIC": number(fit - count),
        "BIC": number(fit - count / 2 * np.log(data.scans)),
    }


def _squares(residual: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """(region,) eᵀ K e of AR(1) noise: squared innovations, and the first scan's own; Σ e² where ρ = 0."""
    first = (1 - rho**2) * residual[0] ** 2
    return np.asarray(first + ((residual[1:] - rho * residual[:-1]) ** 2).sum(axis=0))


def _sparse_covariance(posterior: Posterior) -> csc_array:
    """The posterior covariance, without ever filling a (param, param) array."""
    rows, columns = np.meshgrid(posterior.free, posterior.free, indexing="ij")
    return csc_array((posterior.covariance.ravel(), (rows.ravel(), columns.ravel())), shape=(posterior.mean.size,) * 2)


def tree(vector: np.ndarray, posterior: Posterior) -> dict[str, Any]:
    """A vector → SPM's struct; SPM keeps the haemodynamic fields sparse, and D as n × n × 0 without gates."""
    n, layout = posterior.spec.n, posterior.spec.layout
    parts = named(vector, layout)
    return {
        "A": parts.A,
        "B": parts.B,
        "C": parts.C,
        "D": parts.D if layout.gated else np.zeros((n, n, 0)),
        "transit": csc_array(np.reshape(parts.transit, (n, 1))),
        "decay": csc_array(np.reshape(parts.decay, (1, 1))),
        "epsilon": csc_array(np.reshape(parts.epsilon, (1, 1))),
    }


def number(value: float) -> np.ndarray:
    """A number in MATLAB's shape."""
    return np.array([[value]], dtype=np.float64)
