"""Group results → MATLAB files under SPM12's field names, for its review tools and for MATLAB scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcm import Spec
from peb import Gaussian, GroupPosterior

from ..common import release
from ..matlab import cell_row, save_mat
from ._names import to_spm
from ._results import number


def write_peb(
    path: str | Path, group: GroupPosterior, *, spec: Spec | None = None, indices: Sequence[int] | None = None
) -> None:
    """Writes a group posterior as the struct ``PEB`` (MATLAB v5, compressed), whole or not at all.

    Arguments:
        path: the file to write; missing folders are made.
        group: the result.
        spec: the DCM its parameters belong to: they get SPM's names and their places in its vector (Pnames, Pind).
        indices: their places from 0, where they have SPM's names already. With neither, names are kept and places are
            those in the parameters of the level below, which is what SPM counts in a PEB of PEBs.

    Raises `ValueError` where `spec` does not have a parameter, both are given, or places cannot be told.
    """
    save_mat(path, {"PEB": peb_struct(group, spec=spec, indices=indices)})


def write_bma(
    path: str | Path,
    group: GroupPosterior,
    posterior: Gaussian,
    *,
    probability: np.ndarray | None = None,
    models: np.ndarray | None = None,
    free_energy: np.ndarray | None = None,
    model_probability: np.ndarray | None = None,
    spec: Spec | None = None,
    indices: Sequence[int] | None = None,
) -> None:
    """Writes an average over reduced models of a group as the struct ``BMA``, whole or not at all.

    Arguments:
        path: the file to write; missing folders are made.
        group: the full model that was reduced.
        posterior: the average, over the same effects.
        probability: (effect,) Pp, of the kind "free energy, with v without".
        models: (model, column) K, which parameters each model has.
        free_energy: (model,) or (model, model) F, nats.
        model_probability: P, likewise.
        spec, indices: as in `write_peb`.

    Raises `ValueError` as `write_peb` does, and where sizes do not match or a number is not finite.
    """
    size = group.posterior.mean.size
    if posterior.mean.size != size:
        raise ValueError(f"{group.name}: the average is over {posterior.mean.size} effects, the group over {size}")
    content = _named(group, spec, indices) | {
        "Kname": _cells(_parameter_names(group, spec)),
        "M": _model(group),
        "Ep": posterior.mean[:, None],
        "Cp": posterior.covariance,
    }
    if probability is not None:
        content["Pp"] = _checked("probability", probability, (size,))[:, None]
    if models is not None:
        count = np.shape(models)[0]
        content["K"] = _checked("models", models, np.shape(models))
        for key, name, values in (("F", "free_energy", free_energy), ("P", "model_probability", model_probability)):
            if values is not None:
                content[key] = _checked(name, values, (count,) if np.ndim(values) == 1 else (count, count))
    elif free_energy is not None or model_probability is not None:
        raise ValueError(f"{group.name}: free_energy and model_probability need models to belong to")
    save_mat(path, {"BMA": content | {"effconn": _provenance(group)}})


def peb_struct(
    group: GroupPosterior, *, spec: Spec | None = None, indices: Sequence[int] | None = None
) -> dict[str, Any]:
    """The struct that `write_peb` writes, in the form of `load_mat`."""
    return _named(group, spec, indices) | {
        "M": _model(group),
        "Ep": np.array(group.mean),
        "Eh": group.noise.mean[:, None],
        "Ch": group.noise.covariance,
        "Cp": group.posterior.covariance,
        "Ce": np.array(group.between),
        "F": number(group.free_energy),
        "effconn": _provenance(group),
    }


def _named(group: GroupPosterior, spec: Spec | None, indices: Sequence[int] | None) -> dict[str, Any]:
    return {
        "Snames": _cells(group.design.participants),
        "Pnames": _cells(_parameter_names(group, spec)),
        "Pind": _places(group, spec, indices)[:, None] + 1.0,
        "Xnames": cell_row(group.design.covariates),
    }


def _parameter_names(group: GroupPosterior, spec: Spec | None) -> tuple[str, ...]:
    if spec is None:
        return group.first_level
    theirs = to_spm(spec)
    unknown = [name for name in group.first_level if name not in theirs]
    if unknown:
        raise ValueError(f"{group.name}: the spec has no parameter {unknown[0]}; give that of the DCMs, or none")
    return tuple(theirs[name] for name in group.first_level)


def _places(group: GroupPosterior, spec: Spec | None, indices: Sequence[int] | None) -> np.ndarray:
    count = len(group.first_level)
    if spec is not None and indices is not None:
        raise ValueError(f"{group.name}: spec and indices both say where parameters lie; give one of them")
    if spec is not None:
        return np.array([spec.parameter_names.index(name) for name in group.first_level])
    if indices is not None:
        places = np.asarray(indices)
        if places.shape != (count,) or places.dtype.kind not in "iu" or (places < 0).any():
            raise ValueError(f"{group.name}: indices must be {count} whole numbers from 0, one per parameter")
        return places
    if not group.participants:
        raise ValueError(
            f"{group.name}: where its parameters lie in the level below is not known; give spec or indices"
        )
    below = group.participants[0].parameters
    return np.array([below.index(name) for name in group.first_level])


def _model(group: GroupPosterior) -> dict[str, Any]:
    """SPM's M; U, the basis of what varies a priori, is the identity since every parameter here does."""
    components = np.empty((1, len(group.components)), dtype=object)
    for position, component in enumerate(group.components):
        components[0, position] = np.array(component)
    return {
        "X": np.array(group.design.matrix),
        "W": np.array(group.within),
        "U": np.eye(len(group.first_level)),
        "pE": group.prior.mean[:, None],
        "pC": group.prior.covariance,
        "hE": group.noise_prior.mean[:, None],
        "hC": group.noise_prior.covariance,
        "Q": components,
    }


def _provenance(group: GroupPosterior) -> dict[str, Any]:
    return {
        "version": release(),
        "method": "parametric empirical Bayes, peb.fit",
        "name": group.name,
        "status": group.status.name.lower(),
        "iterations": number(group.iterations),
        "compat": group.compat,
        "parameters": _cells(group.parameters),
        "first_level": _cells(group.first_level),
        "component_names": _cells(group.component_names),
    }


def _cells(texts: Sequence[str]) -> np.ndarray:
    return cell_row(list(texts)).T


def _checked(name: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite numbers of shape {shape}, not of {array.shape}")
    return array
