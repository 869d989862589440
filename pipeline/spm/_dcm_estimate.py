"""What SPM stored in a DCM struct after inverting it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from dcm import Layout, Parameters

from ..matlab import Fields, real

AGAIN = "invert it again, or remove Ep to treat the model as not inverted"


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
    mean, gates = _mean(dcm.struct("Ep", AGAIN), layout)
    free, covariance = _covariance(dcm, "Cp", layout, gates)
    return SpmEstimate(
        parameters=named(mean, layout),
        mean=mean,
        free=free,
        free_covariance=covariance,
        free_energy=dcm.number("F", AGAIN),
        prediction=_series(dcm, "y", layout, scans),
        residual=_series(dcm, "R", layout, scans),
        noise_precision_log=_noise(dcm, layout),
        **_prior(dcm, layout),
    )


def named(vector: np.ndarray, layout: Layout) -> Parameters:
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
        value = tree.matrix(field, AGAIN)
        stored = tuple(size for size in value.shape if size != 1)
        if stored != tuple(size for size in shape if size != 1):
            needed = " × ".join(map(str, shape or (1,)))
            raise tree.problem(field, f"is {' × '.join(map(str, value.shape))}, not {needed}; {AGAIN}")
        if field == "D" and not layout.gated:
            if value.any():
                raise tree.problem(field, f"is not zero, but d has no 1; {AGAIN}")
            continue
        vector[layout.field_slice(field)] = value.ravel(order="F")
    return vector, gates


def _covariance(holder: Fields, key: str, layout: Layout, gates: bool) -> tuple[np.ndarray, np.ndarray]:
    """Which parameters of `layout` vary, and their covariance; `gates` tells whether the file's matrix holds D's."""
    matrix = holder.matrix(key, AGAIN)
    stored = Layout(layout.n, layout.m, gates)
    if matrix.shape != (stored.size, stored.size):
        size = f"{' × '.join(map(str, matrix.shape))}"
        raise holder.problem(key, f"is {size}, but there are {stored.size} parameters; {AGAIN}")
    fields = [field for field in layout.sizes if field != "D" or (gates and layout.gated)]
    kept, places = (
        np.concatenate([np.arange(where.start, where.stop) for where in map(one.field_slice, fields)])
        for one in (stored, layout)
    )
    matrix = matrix[np.ix_(kept, kept)]
    within = np.flatnonzero(matrix.any(axis=0) | matrix.any(axis=1))
    return places[within], matrix[np.ix_(within, within)]


def _series(dcm: Fields, key: str, layout: Layout, scans: int) -> np.ndarray | None:
    if not dcm.has(key):
        return None
    series = dcm.matrix(key, AGAIN)
    if series.shape != (scans, layout.n):
        size = " × ".join(map(str, series.shape))
        raise dcm.problem(key, f"is {size}, but Y.y is {scans} × {layout.n}; {AGAIN}")
    return series


def _noise(dcm: Fields, layout: Layout) -> np.ndarray | None:
    """Ce holds one error variance per region; other forms (one matrix for all) carry no λ per region."""
    if not dcm.has("Ce"):
        return None
    variances = real("Ce", dcm.content["Ce"], AGAIN).ravel()
    if variances.size != layout.n:
        return None
    if not (np.isfinite(variances).all() and (variances > 0).all()):
        raise dcm.problem("Ce", f"must hold positive error variances; {AGAIN}")
    return np.asarray(-np.log(variances))


def _prior(dcm: Fields, layout: Layout) -> dict[str, Any]:
    model = dcm.content.get("M")
    if not isinstance(model, dict):
        return {}
    fields = Fields(model, "M.")
    if not (fields.has("pE") and fields.has("pC")):
        return {}
    mean, gates = _mean(fields.struct("pE", AGAIN), layout)
    free, covariance = _covariance(fields, "pC", layout, gates)
    return {"prior_mean": mean, "prior_free": free, "prior_free_covariance": covariance}


def _full(size: int, free: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    full = np.zeros((size, size))
    full[np.ix_(free, free)] = covariance
    return full
