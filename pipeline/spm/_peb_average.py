"""SPM's averages over reduced models of a group (BMA): a search, a comparison of named models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from peb import Gaussian

from ..matlab import Fields
from ._dcm_estimate import spm_density
from ._peb_fields import AGAIN, names_of, places_of, table_of


@dataclass(frozen=True, eq=False)
class SpmAverage:
    """An average over models as SPM stores it; what a file does not tell is empty or None.

    Fields:
        path, variable: where it was found, such as ``BMA``.
        participants: names (Snames).
        parameters: names (Pnames, else Kname).
        indices: (param,) their places in a participant's parameter vector (Pind), from 0.
        covariates: names (Xnames).
        posterior: over all effects, covariate by covariate (Ep, Cp); SPM's numbers come from 1,000 random draws.
        probability: (effect,) Pp, "free energy, with v without".
        models: (model, column) K: which parameters each model has.
        free_energy: F of the models, nats, as stored: (model,), or (model, model) with the second for the covariate.
        model_probability: P, likewise.
        on_mean, on_covariate: (param,) Pw and Px, the probability that a parameter is part of the mean's model and of
            the first covariate's.
    """

    path: Path
    variable: str
    participants: tuple[str, ...]
    parameters: tuple[str, ...]
    indices: Int[np.ndarray, "param"] | None
    covariates: tuple[str, ...]
    posterior: Gaussian
    probability: Float[np.ndarray, "effect"] | None
    models: Float[np.ndarray, "model column"] | None
    free_energy: Float[np.ndarray, "*model"] | None
    model_probability: Float[np.ndarray, "*model"] | None
    on_mean: Float[np.ndarray, "param"] | None
    on_covariate: Float[np.ndarray, "param"] | None


def looks_like_average(value: Any) -> bool:
    """Whether a struct has an average's marks: numbers in Ep, and probabilities of effects or of models."""
    return (
        isinstance(value, Mapping)
        and {"Ep", "Cp"} <= value.keys()
        and not isinstance(value["Ep"], Mapping)
        and bool({"Pp", "Pw", "K"} & value.keys())
    )


def read_average(path: Path, variable: str, bma: Fields) -> SpmAverage:
    """The average in a struct; raises `FieldProblem` where it is not whole."""
    mean = bma.matrix("Ep", AGAIN).ravel(order="F")
    covariance = bma.matrix("Cp", AGAIN)
    if 1 in covariance.shape and covariance.size == mean.size:
        covariance = covariance.ravel()
    if covariance.shape not in ((mean.size,), (mean.size, mean.size)):
        given = " × ".join(map(str, covariance.shape))
        raise bma.problem("Cp", f"is {given}, but Ep holds {mean.size} numbers; {AGAIN}")
    key = next((key for key in ("Pnames", "Kname") if bma.has(key)), None)
    parameters = names_of(bma, key, None) if key else ()
    covariates = names_of(bma, "Xnames", None) if bma.has("Xnames") else ()
    _check_counts(bma, mean.size, len(parameters), len(covariates))
    search = bma.struct("BMR", AGAIN) if bma.has("BMR") else bma
    models = _numbers(bma if bma.has("K") else search, "K")
    probabilities = _chances(bma if bma.has("P") else search, "P")
    if models is not None and probabilities is not None and probabilities.size not in (len(models), len(models) ** 2):
        raise bma.problem("P", f"holds {probabilities.size} probabilities for {len(models)} models; {AGAIN}")
    return SpmAverage(
        path=path,
        variable=variable,
        participants=names_of(bma, "Snames", None) if bma.has("Snames") else (),
        parameters=parameters,
        indices=places_of(bma, len(parameters)) if parameters else None,
        covariates=covariates,
        posterior=spm_density(mean, covariance, bma.name("Cp"), AGAIN),
        probability=_effects(bma, mean.size),
        models=models,
        free_energy=_flat(_numbers(search if bma.has("BMR") else bma, "F")),
        model_probability=_flat(probabilities),
        on_mean=_flat(_chances(bma, "Pw")),
        on_covariate=_flat(_chances(bma, "Px")),
    )


def _check_counts(bma: Fields, size: int, parameters: int, covariates: int) -> None:
    whole = size == parameters * covariates if covariates else not parameters or size % parameters == 0
    if parameters and not whole:
        needed = f"{parameters} parameters × {covariates or '?'} covariates"
        raise bma.problem("Ep", f"holds {size} numbers, but there are {needed}; {AGAIN}")


def _numbers(holder: Fields, key: str) -> np.ndarray | None:
    return table_of(holder, key) if holder.has(key) else None


def _chances(holder: Fields, key: str) -> np.ndarray | None:
    values = _numbers(holder, key)
    if values is not None and (values.min() < -1e-9 or values.max() > 1 + 1e-9):
        odd = values.min() if values.min() < -1e-9 else values.max()
        raise holder.problem(key, f"holds {odd:g}, which is no probability; {AGAIN}")
    return values


def _effects(bma: Fields, size: int) -> np.ndarray | None:
    values = _chances(bma, "Pp")
    if values is not None and values.size != size:
        raise bma.problem("Pp", f"holds {values.size} probabilities for {size} effects; {AGAIN}")
    return None if values is None else values.ravel(order="F")


def _flat(values: np.ndarray | None) -> np.ndarray | None:
    """A row or column as a vector; a square as it is."""
    return values.ravel() if values is not None and 1 in values.shape else values
