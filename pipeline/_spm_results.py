"""What SPM stores about a posterior: parameter structs, covariance, probabilities, kernels and fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csc_array
from scipy.special import ndtr

from dcm import Data, Posterior

from ._dcm_estimate import named
from ._kernels import volterra_kernels


def results(posterior: Posterior, data: Data) -> dict[str, Any]:
    """The fields from Ce to BIC."""
    variance = np.zeros(posterior.mean.size)
    variance[posterior.free] = np.diag(posterior.covariance)
    # SPM asks how sure |θ| exceeds the prior mean (threshold T = 0 beyond it).
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (np.abs(posterior.mean) - posterior.prior.mean) / np.sqrt(variance)
    certainty = np.where(variance > 0, ndtr(z), np.nan)
    noise = np.exp(-posterior.noise_mean)
    bold_kernel, neural_kernel = volterra_kernels(named(posterior.mean, posterior.spec.layout), data.echo_time)
    fit = -0.5 * float((posterior.residual**2 / noise).sum()) - 0.5 * data.scans * float(np.log(noise).sum())
    count = posterior.free.size
    return {
        "Ce": noise[:, None],
        "Ep": tree(posterior.mean, posterior),
        "Cp": _sparse_covariance(posterior),
        "Pp": tree(certainty, posterior),
        "Vp": tree(variance, posterior),
        "H1": bold_kernel,
        "K1": neural_kernel,
        "R": posterior.residual,
        "y": posterior.prediction,
        "T": number(0),
        "F": number(posterior.free_energy),
        # Recovered from the numbers SPM12 stores: log-likelihood of the residuals without its constant, less a
        # penalty per free parameter; ID is the sum of the series' absolute values.
        "ID": number(float(np.abs(data.bold).sum())),
        "AIC": number(fit - count),
        "BIC": number(fit - count / 2 * np.log(data.scans)),
    }


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
