"""What SPM stores about a posterior: parameter structs, covariance, probabilities, kernels and fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csc_array
from scipy.special import ndtr

from dcm import Data, Posterior

from ._dcm_estimate import named
from ._kernels import volterra_kernels


def results(posterior: Posterior, data: Data, gating: bool) -> dict[str, Any]:
    """The fields from Ce to BIC; `gating` tells whether D takes space."""
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
        "Ep": tree(posterior.mean, posterior, gating),
        "Cp": _sparse_covariance(posterior, gating),
        "Pp": tree(certainty, posterior, gating),
        "Vp": tree(variance, posterior, gating),
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


def stored_places(posterior: Posterior, gating: bool) -> np.ndarray:
    """Which entries of a vector SPM stores."""
    layout = posterior.spec.layout
    return np.arange(layout.size) if gating else layout.without_gating


def _sparse_covariance(posterior: Posterior, gating: bool) -> csc_array:
    """The posterior covariance in SPM's order, without ever filling a (param, param) array."""
    places = stored_places(posterior, gating)
    position = np.full(posterior.mean.size, -1)
    position[places] = np.arange(places.size)
    rows, columns = np.meshgrid(position[posterior.free], position[posterior.free], indexing="ij")
    return csc_array((posterior.covariance.ravel(), (rows.ravel(), columns.ravel())), shape=(places.size,) * 2)


def tree(vector: np.ndarray, posterior: Posterior, gating: bool) -> dict[str, Any]:
    """A vector → SPM's struct; SPM keeps the haemodynamic fields sparse."""
    n = posterior.spec.n
    parts = named(vector, posterior.spec.layout)
    return {
        "A": parts.A,
        "B": parts.B,
        "C": parts.C,
        "D": parts.D if gating else np.zeros((n, n, 0)),
        "transit": csc_array(np.reshape(parts.transit, (n, 1))),
        "decay": csc_array(np.reshape(parts.decay, (1, 1))),
        "epsilon": csc_array(np.reshape(parts.epsilon, (1, 1))),
    }


def number(value: float) -> np.ndarray:
    """A number in MATLAB's shape."""
    return np.array([[value]], dtype=np.float64)
