"""Posteriors that nothing was inverted for."""

from __future__ import annotations

from typing import Any

import numpy as np

from dcm import Posterior, Prior, Settings, Spec, Status, prior


def made_up_posterior(gated: bool = False) -> Posterior:
    """A posterior with a number of its own in every place."""
    rng = np.random.default_rng(3)
    gates = np.zeros((2, 2, 2))
    gates[0, 1, 1] = gated
    spec = Spec(("vmPFC", "amygdala"), ("task", "faces"), np.ones((2, 2)), c=np.eye(2), d=gates)
    base = prior(spec)
    size, count = base.mean.size, base.free.size
    covariance = base.covariance.copy()
    covariance[0, 1] = covariance[1, 0] = 1 / 200
    half = rng.normal(size=(count, count))
    return Posterior(
        spec=spec,
        prior=Prior(base.mean, covariance, 5.5, 0.01),
        mean=rng.normal(size=size),
        covariance=half @ half.T,
        free=base.free,
        noise_mean=rng.normal(size=2),
        noise_covariance=np.diag(rng.random(2)),
        autocorrelation=rng.random(2),
        autocorrelation_sd=rng.random(2),
        confound_effects=rng.normal(size=(3, 2)),
        prediction=rng.normal(size=(20, 2)),
        residual=rng.normal(size=(20, 2)),
        free_energy=-rng.random() * 1000,
        settled_free_energy=-rng.random() * 1000,
        status=Status.MAX_ITERATIONS,
        iterations=5,
        free_energy_history=-rng.random(5),
        data_scale=0.37,
        start=1,
        start_free_energies=np.array([-3.0, -2.0, -np.inf]),
        settings=Settings("spm12", starts=3, seed=4),
    )


def posterior_at(spec: Spec, mean: np.ndarray, covariance: np.ndarray, **changes: Any) -> Posterior:
    """A posterior with these moments, and as plain as can be otherwise.

    Arguments:
        changes: fields that are to be other.
    """
    base, n = prior(spec), spec.n
    content: dict[str, Any] = {
        "prior": base,
        "free": base.free,
        "noise_mean": np.zeros(n),
        "noise_covariance": np.eye(n),
        "autocorrelation": np.zeros(n),
        "autocorrelation_sd": np.zeros(n),
        "confound_effects": np.zeros((1, n)),
        "prediction": np.ones((4, n)),
        "residual": np.ones((4, n)),
        "free_energy": -10.0,
        "settled_free_energy": -10.0,
        "status": Status.CONVERGED,
        "iterations": 3,
        "free_energy_history": np.array([-10.0]),
        "data_scale": 1.0,
        "start": 0,
        "start_free_energies": np.array([-10.0]),
        "settings": Settings("spm12"),
    }
    return Posterior(spec=spec, mean=mean, covariance=covariance, **(content | changes))
