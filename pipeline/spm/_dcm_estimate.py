"""What SPM stored in a DCM struct after inverting it, and the densities that the engine computes with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from dcm import Data, Layout, Parameters, Posterior, Prior, Settings, Spec, Status, prior
from peb import Gaussian

from ..matlab import FieldProblem, Fields, real_array, shape_text

REMEDY = "invert it again, or remove Ep to treat the model as not inverted"
ROUNDING = 1e-6  # of a correlation: what SPM's inverses, sums of draws and single precision leave
FLOOR = 1e-10  # of the correlations' eigenvalues, where rounding took them to 0 or below
LARGEST = 1e100  # sums of larger ones overflow


@dataclass(frozen=True, eq=False)
class SpmEstimate:
    """SPM's posterior, in the order of `dcm.Layout` (v scans, n regions).

    Fields:
        parameters: posterior mean Ep as NumPy arrays; D is zero where SPM stores n × n × 0.
        mean: (param,) the same as a vector.
        free: (free,) which parameters have posterior variance.
        free_covariance: (free, free) their posterior covariance Cp.
        free_energy: F, nats.
        prediction: (scan, region) DCM.y, in the units of Y.y (SPM's: scaled); None where absent, as are all below.
        residual: (scan, region) DCM.R.
        noise_precision_log: (region,) −ln Ce, in these units.
        prior_mean: (param,) M.pE.
        prior_free: (prior_free,) which parameters have prior variance.
        prior_free_covariance: (prior_free, prior_free) their prior covariance M.pC.
    """

    parameters: Parameters
    mean: Float[np.ndarray, "param"]
    free: Int[np.ndarray, "free"]
    free_covariance: Float[np.ndarray, "free free"]
    free_energy: float
    prediction: Float[np.ndarray, "scan region"] | None = None
    residual: Float[np.ndarray, "scan region"] | None = None
    noise_precision_log: Float[np.ndarray, "region"] | None = None
    prior_mean: Float[np.ndarray, "param"] | None = None
    prior_free: Int[np.ndarray, "prior_free"] | None = None
    prior_free_covariance: Float[np.ndarray, "prior_free prior_free"] | None = None

    @property
    def covariance(self) -> Float[np.ndarray, "param param"]:
        """Cp with zero rows and columns for parameters that are switched off."""
        return _full(self.mean.size, self.free, self.free_covariance)

    @property
    def prior_covariance(self) -> Float[np.ndarray, "param param"] | None:
        """M.pC, where stored."""
        if self.prior_free is None or self.prior_free_covariance is None:
            return None
        return _full(self.mean.size, self.prior_free, self.prior_free_covariance)


def read_estimate(dcm: Fields, layout: Layout, scans: int) -> SpmEstimate | None:
    """SPM's estimate, None where the model is not inverted; raises `FieldProblem` where it is not whole."""
    if not dcm.has("Ep"):
        return None
    mean, gates = _mean(dcm.struct("Ep", REMEDY), layout)
    free, covariance = _covariance(dcm, "Cp", layout, gates)
    return SpmEstimate(
        parameters=named_parameters(mean, layout),
        mean=mean,
        free=free,
        free_covariance=covariance,
        free_energy=dcm.number("F", REMEDY),
        prediction=_series(dcm, "y", layout, scans),
        residual=_series(dcm, "R", layout, scans),
        noise_precision_log=_noise(dcm, layout),
        **_prior(dcm, layout),
    )


def named_parameters(vector: np.ndarray, layout: Layout) -> Parameters:
    """A vector in the order of `layout` → named NumPy arrays; D is zero where the layout has no gates."""
    parts: dict[str, Any] = {
        field: np.reshape(vector[layout.field_slice(field)], shape, order="F")
        for field, shape in _shapes(layout).items()
        if field != "D" or layout.gated
    }
    return Parameters(**{"D": np.zeros((layout.n,) * 3)} | parts)


def _shapes(layout: Layout) -> dict[str, tuple[int, ...]]:
    n, m = layout.n, layout.m
    return {"A": (n, n), "B": (n, n, m), "C": (n, m), "D": (n, n, n), "transit": (n,), "decay": (), "epsilon": ()}


def _mean(tree: Fields, layout: Layout) -> tuple[np.ndarray, bool]:
    """A parameter tree → its vector, and whether the file gives D room (as it may without any gate in the model)."""
    gates = tree.has("D")
    vector = np.zeros(layout.size)
    for field, shape in _shapes(layout).items():
        if field == "D" and not gates:
            continue
        value = tree.matrix(field, REMEDY)
        stored = tuple(size for size in value.shape if size != 1)
        if stored != tuple(size for size in shape if size != 1):
            needed = shape_text(shape or (1,))
            raise tree.problem(field, f"is {shape_text(value.shape)}, not {needed}; {REMEDY}")
        if field == "D" and not layout.gated:
            if value.any():
                raise tree.problem(field, f"is not zero, but d has no 1; {REMEDY}")
            continue
        vector[layout.field_slice(field)] = value.ravel(order="F")
    return vector, gates


def _covariance(holder: Fields, key: str, layout: Layout, gates: bool) -> tuple[np.ndarray, np.ndarray]:
    """Which parameters of `layout` vary, and their covariance; `gates` tells whether the file's matrix holds D's."""
    matrix = holder.matrix(key, REMEDY)
    stored = Layout(layout.n, layout.m, gates)
    if matrix.shape != (stored.size, stored.size):
        size = shape_text(matrix.shape)
        raise holder.problem(key, f"is {size}, but there are {stored.size} parameters; {REMEDY}")
    fields = [field for field in layout.sizes if field != "D" or (gates and layout.gated)]
    kept, places = (
        np.concatenate([np.arange(where.start, where.stop) for where in map(parts.field_slice, fields)])
        for parts in (stored, layout)
    )
    matrix = matrix[np.ix_(kept, kept)]
    within = np.flatnonzero(matrix.any(axis=0) | matrix.any(axis=1))
    return places[within], matrix[np.ix_(within, within)]


def _series(dcm: Fields, key: str, layout: Layout, scans: int) -> np.ndarray | None:
    if not dcm.has(key):
        return None
    series = dcm.matrix(key, REMEDY)
    if series.shape != (scans, layout.n):
        size = shape_text(series.shape)
        raise dcm.problem(key, f"is {size}, but Y.y is {scans} × {layout.n}; {REMEDY}")
    return series


def _noise(dcm: Fields, layout: Layout) -> np.ndarray | None:
    """Ce holds one error variance per region; other forms (one matrix for all) carry no λ per region."""
    if not dcm.has("Ce"):
        return None
    variances = real_array("Ce", dcm.content["Ce"], REMEDY).ravel()
    if variances.size != layout.n:
        return None
    if not (np.isfinite(variances).all() and (variances > 0).all()):
        raise dcm.problem("Ce", f"must hold positive error variances; {REMEDY}")
    return np.asarray(-np.log(variances))


def _prior(dcm: Fields, layout: Layout) -> dict[str, Any]:
    model = dcm.content.get("M")
    if not isinstance(model, dict):
        return {}
    fields = Fields(model, "M.")
    if not (fields.has("pE") and fields.has("pC")):
        return {}
    mean, gates = _mean(fields.struct("pE", REMEDY), layout)
    free, covariance = _covariance(fields, "pC", layout, gates)
    return {"prior_mean": mean, "prior_free": free, "prior_free_covariance": covariance}


def _full(size: int, free: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    full = np.zeros((size, size))
    full[np.ix_(free, free)] = covariance
    return full


def estimate_posterior(
    estimate: SpmEstimate, spec: Spec, data: Data, noise: tuple[float, float], centre_inputs: bool
) -> Posterior:
    """SPM's Ep and Cp as a posterior, under the prior in the file or else SPM12's; see `DcmFile.posterior`.

    Arguments:
        noise: mean and variance of the prior of the noise log-precisions.

    Raises `FieldProblem` where they are no densities, or of other parameters than the prior frees.
    """
    remedy = "estimate the DCM again, or remove Ep and Cp to have it inverted here"
    standard = prior(spec, "spm12")
    mean, covariance = standard.mean, standard.covariance
    if estimate.prior_mean is not None and estimate.prior_covariance is not None:
        density = spm_density(estimate.prior_mean, estimate.prior_covariance, "M.pC", remedy)
        mean, covariance = density.mean, density.covariance
    try:
        own = Prior(mean, covariance, *noise)
    except ValueError as error:
        raise FieldProblem("M.pC", f"cannot be used: {error}; {remedy}") from error
    density = spm_density(estimate.mean, estimate.covariance, "Cp", remedy)
    free, regions = own.free, spec.n
    if not np.array_equal(np.flatnonzero(np.diag(density.covariance) > 0), free):
        raise FieldProblem("Ep, Cp", f"are of other parameters than the prior frees; {remedy}")
    given = estimate.noise_precision_log
    silent = np.zeros_like(data.bold)
    return Posterior(
        spec=spec,
        prior=own,
        mean=density.mean,
        covariance=density.covariance[np.ix_(free, free)],
        free=free,
        noise_mean=np.full(regions, noise[0]) if given is None else given,
        noise_covariance=np.eye(regions) / (data.scans / 2 + 1 / noise[1]),
        autocorrelation=np.zeros(regions),
        autocorrelation_sd=np.zeros(regions),
        confound_effects=np.zeros((data.confounds.shape[1], regions)),
        prediction=silent if estimate.prediction is None else estimate.prediction,
        residual=silent if estimate.residual is None else estimate.residual,
        free_energy=estimate.free_energy,
        settled_free_energy=estimate.free_energy,
        status=Status.CONVERGED,
        iterations=0,
        free_energy_history=np.zeros(0),
        data_scale=1.0,
        start=0,
        start_free_energies=np.array([estimate.free_energy]),
        settings=Settings("spm12", integrator="nonlinear" if spec.d.any() else None),
        centre_inputs=centre_inputs,
    )


def spm_density(mean: np.ndarray, covariance: np.ndarray, name: str, remedy: str) -> Gaussian:
    """N(mean, covariance) of a file, asymmetric or semidefinite by rounding or not.

    Correlations are made symmetric. Where that is not positive definite over the parameters that vary, eigenvalues of
    the correlations between −1e-6 and 1e-10 are raised to 1e-10; variances stay as they are to that precision.

    Arguments:
        mean: (param,).
        covariance: (param, param), or (param,) variances.
        name: SPM's name of the covariance, for messages.
        remedy: what to do where it is unusable.

    Raises `FieldProblem` where it is no covariance even so.
    """
    full = np.diag(covariance) if covariance.ndim == 1 else covariance
    if full.size and np.abs(full).max() > LARGEST:
        raise FieldProblem(name, f"holds {np.abs(full).max():.3g}, which is no variance of a parameter; {remedy}")
    variance = np.diag(full)
    negative = np.flatnonzero(variance < 0)
    if negative.size:
        raise FieldProblem(name, f"has a negative variance at entry {negative[0] + 1}; {remedy}")
    free, fixed = np.flatnonzero(variance > 0), np.flatnonzero(variance == 0)
    if full[fixed].any() or full[:, fixed].any():
        raise FieldProblem(name, f"has covariances where the variance is 0; {remedy}")
    sd = np.sqrt(variance[free])
    correlation = full[np.ix_(free, free)] / np.outer(sd, sd)
    if correlation.size and np.abs(correlation - correlation.T).max() > ROUNDING:
        raise FieldProblem(name, f"is not symmetric; {remedy}")
    symmetric = full / 2 + full.T / 2
    try:
        return Gaussian(mean, symmetric)
    except ValueError:
        symmetric[np.ix_(free, free)] = _raised((correlation + correlation.T) / 2, name, remedy) * np.outer(sd, sd)
        return Gaussian(mean, symmetric)


def _raised(correlation: np.ndarray, name: str, remedy: str) -> np.ndarray:
    values, vectors = np.linalg.eigh(correlation)
    if values[0] < -ROUNDING:
        raise FieldProblem(
            name, f"is no covariance: an eigenvalue of its correlations is {values[0]:.3g}, below 0; {remedy}"
        )
    return np.asarray((vectors * np.maximum(values, FLOOR)) @ vectors.T)
