"""Posteriors for ArviZ: draws of every free parameter by name, with prediction and data."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from dcm import Posterior, PosteriorDraws

from ._dataset import to_posterior

CHAINS = 4  # ArviZ's diagnostics want several; these are independent draws, so that any split is as good


def to_arviz(posterior: Posterior | PosteriorDraws | xr.Dataset, draws: int = 1000, seed: int = 0) -> Any:
    """A posterior as ArviZ keeps it: `arviz.InferenceData` before ArviZ 1, an `xarray.DataTree` from ArviZ 1 on.

    Groups: `posterior` and `prior` hold draws of the free parameters, a variable for each field (A, B, C, D, transit,
    decay, epsilon) over a dimension labelled as effconn labels parameters (`A_of`: ``vmPFC<-amygdala``). Parameters
    that are switched off are no random variables and absent.
    `posterior_predictive` and `observed_data` hold `bold` (scan, region) in the units of the scaled data, confounds
    removed: the prediction at the posterior mean plus draws of the noise, and prediction plus residual.
    `constant_data` holds the prediction itself. Of `dcm.sample_posterior` the chains are taken as they are, and
    `posterior` is the only group.

    Arguments:
        posterior: a `dcm.Posterior`, or its dataset, as `to_dataset` and `open_dataset` give it; or the draws of
            `dcm.sample_posterior`.
        draws: number of draws from a Gaussian in all, spread evenly over four chains.
        seed: of these draws.

    Raises `TypeError` where it is no posterior of one inversion, and `ValueError` where `draws` is no positive
    multiple of 4 or the inversion failed.

    Example:
        >>> arviz.summary(to_arviz(open_result("out/sub-01.nc"), draws=4000, seed=1))
    """
    if isinstance(posterior, xr.Dataset):
        posterior = to_posterior(posterior)
    if isinstance(posterior, PosteriorDraws):
        return _container({"posterior": _by_field(posterior.names, posterior.draws, "NUTS")})
    if not isinstance(posterior, Posterior):
        raise TypeError(f"to_arviz takes the Posterior of one inversion, not a {type(posterior).__name__}")
    if posterior.status.failed:
        raise ValueError(f"there is no posterior to draw from: the inversion {posterior.status.value}")
    if not isinstance(draws, int | np.integer) or draws < CHAINS or draws % CHAINS:
        raise ValueError(f"draws must be a positive multiple of {CHAINS} (the number of chains), not {draws!r}")
    rng = np.random.default_rng(seed)
    prior = posterior.prior
    within = prior.free
    groups = {
        "posterior": _draw(rng, posterior, draws, posterior.mean, posterior.free, posterior.covariance),
        "prior": _draw(rng, posterior, draws, prior.mean, within, prior.covariance[np.ix_(within, within)]),
        "posterior_predictive": _predictive(rng, posterior, draws),
        "observed_data": _series(posterior, bold=posterior.prediction + posterior.residual),
        "constant_data": _series(posterior, prediction=posterior.prediction),
    }
    return _container(groups)


def _container(groups: dict[str, xr.Dataset]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # ArviZ 0.23 announces ArviZ 1 when imported
        import arviz
    if int(arviz.__version__.split(".")[0]) >= 1:
        return xr.DataTree.from_dict(groups)
    container: Any = arviz.InferenceData
    return container(**groups)


def _draw(
    rng: np.random.Generator,
    posterior: Posterior,
    draws: int,
    mean: np.ndarray,
    free: np.ndarray,
    covariance: np.ndarray,
) -> xr.Dataset:
    """Draws from N(mean, covariance) of the free parameters, by field."""
    normal = rng.standard_normal((CHAINS, draws // CHAINS, free.size))
    values = mean[free] + normal @ np.linalg.cholesky(covariance).T
    return _by_field([posterior.spec.parameter_names[i] for i in free], values, "Gaussian")


def _by_field(names: Sequence[str], values: np.ndarray, distribution: str) -> xr.Dataset:
    """(chain, draw, parameter) draws as a variable for each field, such as A of ``A[V5<-V1]``."""
    fields = [name.partition("[")[0] for name in names]
    parts: dict[str, xr.DataArray] = {}
    for field in dict.fromkeys(fields):
        columns = [place for place, other in enumerate(fields) if other == field]
        parts[field] = _field(field, [names[place][len(field) + 1 : -1] for place in columns], values[..., columns])
    chains, draws = (np.arange(size) for size in values.shape[:2])
    notes = {"inference_library": "effconn", "distribution": distribution}
    return xr.Dataset(parts, {"chain": chains, "draw": draws}, notes)


def _field(field: str, labels: list[str], values: np.ndarray) -> xr.DataArray:
    if field in ("decay", "epsilon"):
        return xr.DataArray(values[..., 0], dims=("chain", "draw"))
    dim = f"{field}_of"  # one label and no coordinates beside it: ArviZ 1's summary fails on those
    return xr.DataArray(values, {dim: labels}, dims=("chain", "draw", dim))


def _predictive(rng: np.random.Generator, posterior: Posterior, draws: int) -> xr.Dataset:
    sd = np.exp(-posterior.noise_mean / 2)  # (region,), of the innovations, in the units of the scaled data
    noise = rng.standard_normal((CHAINS, draws // CHAINS, *posterior.prediction.shape)) * sd
    rho = posterior.autocorrelation
    for scan in range(noise.shape[-2]):  # AR(1); nothing is added where it is 0
        if scan in posterior.run_starts:
            noise[..., scan, :] /= np.sqrt(1 - rho**2)
        else:
            noise[..., scan, :] += rho * noise[..., scan - 1, :]
    bold = xr.DataArray(posterior.prediction + noise, dims=("chain", "draw", "scan", "region"))
    note = "prediction at the posterior mean plus noise at its estimated precision and serial correlation"
    return xr.Dataset({"bold": bold}, _sampling(draws) | _places(posterior), {"made_by": note})


def _series(posterior: Posterior, **series: np.ndarray) -> xr.Dataset:
    arrays = {name: (("scan", "region"), values) for name, values in series.items()}
    return xr.Dataset(arrays, _places(posterior), {"units": "scaled percent, confounds removed"})


def _places(posterior: Posterior) -> dict[str, Any]:
    return {"scan": np.arange(posterior.prediction.shape[0]), "region": list(posterior.spec.regions)}


def _sampling(draws: int) -> dict[str, Any]:
    return {"chain": np.arange(CHAINS), "draw": np.arange(draws // CHAINS)}
