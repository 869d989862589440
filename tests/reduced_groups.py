"""Groups whose evidence under any prior is known, and SPM12's own, for tests of reduction and comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from scipy.stats import multivariate_normal

from peb import Compat, Design, Gaussian, GroupPosterior, GroupStatus

SPM = "spm12_visual_language/peb30.mat"


@dataclass(frozen=True, eq=False)
class Linear:
    """y = Z θ + e with e ~ N(0, variance) and θ ~ prior: evidence and posterior in closed form."""

    matrix: np.ndarray
    data: np.ndarray
    variance: float
    prior: Gaussian

    def log_evidence(self, prior: Gaussian) -> float:
        """ln N(y; Z E, Z C Zᵀ + variance), for a C of any rank."""
        spread = self.matrix @ prior.covariance @ self.matrix.T + self.variance * np.eye(self.data.size)
        return float(multivariate_normal.logpdf(self.data, self.matrix @ prior.mean, spread))

    def posterior(self, prior: Gaussian) -> Gaussian:
        """By conditioning θ on y, which needs no inverse of C."""
        cross = prior.covariance @ self.matrix.T
        gain = np.linalg.solve(self.matrix @ cross + self.variance * np.eye(self.data.size), cross.T).T
        mean = prior.mean + gain @ (self.data - self.matrix @ prior.mean)
        return Gaussian(mean, prior.covariance - gain @ cross.T)


def linear(seed: int, size: int = 6, scans: int = 20, true: np.ndarray | None = None, mean: float = 0.3) -> Linear:
    """A model of `size` parameters with a full prior covariance."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(scans, size))
    half = rng.normal(size=(size, 2 * size)) / np.sqrt(2 * size)
    prior = Gaussian(np.full(size, mean), half @ half.T + 0.2 * np.eye(size))
    truth = rng.normal(size=size) if true is None else true
    return Linear(matrix, matrix @ truth + 0.7 * rng.normal(size=scans), 0.49, prior)


def linear_group(
    model: Linear, covariates: tuple[str, ...] = ("mean", "age"), compat: Compat = "none"
) -> GroupPosterior:
    """A group whose effects are the parameters of a linear model."""
    return _group(model.prior, model.posterior(model.prior), covariates, compat)


def spm_group(shared_data: Path) -> tuple[GroupPosterior, dict[str, Any]]:
    """SPM12's PEB over the B parameters of 30 participants, and everything else in its file."""
    stored = scipy.io.loadmat(shared_data / SPM, simplify_cells=True)
    peb = stored["PEB_B"]
    posterior = Gaussian(peb["Ep"].T.ravel(), (peb["Cp"] + peb["Cp"].T) / 2)
    covariates = ("mean", "LI", "handedness", "sex", "age")
    prior = Gaussian(peb["M"]["pE"], peb["M"]["pC"])
    return _group(prior, posterior, covariates, "spm12", peb["M"]["X"]), stored


def _group(
    prior: Gaussian, posterior: Gaussian, covariates: tuple[str, ...], compat: Compat, X: np.ndarray | None = None
) -> GroupPosterior:
    size = prior.mean.size // len(covariates)
    names = tuple(f"p{i}" for i in range(size))
    if X is None:
        X = np.column_stack([np.ones(6), np.random.default_rng(0).normal(size=(6, len(covariates) - 1))])
    return GroupPosterior(
        name="group",
        parameters=names,
        fields=("B",) * size,
        first_level=names,
        design=Design(tuple(f"sub-{i}" for i in range(len(X))), covariates, X),
        within=np.eye(size),
        prior=prior,
        posterior=posterior,
        components=np.eye(size)[None],
        component_names=("all",),
        noise_prior=Gaussian(np.zeros(1), np.eye(1)),
        noise=Gaussian(np.zeros(1), np.eye(1)),
        between=np.eye(size),
        free_energy=0.0,
        participants=(),
        status=GroupStatus.CONVERGED,
        iterations=1,
        compat=compat,
    )
