"""SPM's group results as files hold them: PEB structs, and averages over reduced models (BMA)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from jaxtyping import Float, Int

from dcm import Compat
from peb import Gaussian

from ..common import list_names
from ..matlab import FieldProblem, Fields, MatFileError, Opaque, StructArray, describe, load_mat, real_array, shape_text
from ._dcm_estimate import spm_density
from ._dcm_file import SpmFileError, looks_like_dcm

REMEDY = "estimate it again in SPM and save all of it"


class PebFileError(SpmFileError):
    """What is wrong with one file of group results; attributes as in `SpmFileError`."""


@dataclass(frozen=True, eq=False)
class SpmGroup:
    """One PEB as SPM stores it (N participants, q parameters, w effects per covariate, K covariates, J components).

    Fields:
        path, variable: where it was found, such as ``PEB`` or ``PEB(2)``.
        participants: N names (Snames), which need not differ.
        parameters: q names (Pnames), such as ``B(1,1,2)``: to, from, input, from 1.
        indices: (q,) their places in a participant's parameter vector (Pind), from 0; None where the file has none.
        covariates: K names (Xnames).
        matrix: (N, K) M.X.
        within: (q, w) M.W.
        prior, posterior: over the K · w effects, covariate by covariate (M.pE, M.pC; Ep, Cp).
        components: (J, q, q) M.Q.
        noise_prior, noise: over γ (M.hE, M.hC; Eh, Ch).
        between: (q, q) Ce.
        free_energy: F, nats.
        compat: the mode in which effconn fitted it; SPM12's of any other file.
    """

    path: Path
    variable: str
    participants: tuple[str, ...]
    parameters: tuple[str, ...]
    indices: Int[np.ndarray, "param"] | None
    covariates: tuple[str, ...]
    matrix: Float[np.ndarray, "subject covariate"]
    within: Float[np.ndarray, "param effect"]
    prior: Gaussian
    posterior: Gaussian
    components: Float[np.ndarray, "component param param"]
    noise_prior: Gaussian
    noise: Gaussian
    between: Float[np.ndarray, "param param"]
    free_energy: float
    compat: Compat


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

    def __repr__(self) -> str:
        models = "" if self.models is None else f", {len(self.models)} models"
        return f"SpmAverage({self.variable!r}: {self.posterior.mean.size} effects{models})"


def read_group_results(path: str | Path) -> list[SpmGroup | SpmAverage]:
    """Every group result in a file, in order: variables ``PEB`` and ``BMA``, or whichever look like such.

    A cell or struct array of results gives one for each, named ``PEB(1)``, ``PEB(2)``, ….

    Raises `PebFileError`, naming file, field and remedy, where the file holds none or one is not whole.
    """
    path = Path(path)
    try:
        return [_read(path, name, value) for name, value in _entries(path, load_mat(path))]
    except MatFileError as error:
        raise PebFileError(path, "", str(error)) from error
    except FieldProblem as error:
        raise PebFileError(path, error.field, error.problem) from error


def _entries(path: Path, variables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    found = [name for name in ("PEB", "BMA") if name in variables] or [
        name for name, value in variables.items() if any(_looks_like_result(item) for item in _items(value))
    ]
    if not found:
        if any(looks_like_dcm(item) for value in variables.values() for item in _items(value)):
            raise PebFileError(path, "", "holds a DCM, not a group result; give the PEB_*.mat that SPM made from it")
        held = list_names(variables, "nothing")
        raise PebFileError(path, "", f"holds no PEB or BMA (it holds {held}); save the struct as PEB")
    for name in found:
        items = _items(variables[name])
        if not items:
            raise PebFileError(path, name, "is empty; save at least one result in it")
        several = len(items) > 1
        yield from ((f"{name}({i})" if several else name, item) for i, item in enumerate(items, start=1))


def _items(value: Any) -> list[Any]:
    if isinstance(value, StructArray):
        return list(value)
    if isinstance(value, np.ndarray) and value.dtype == object:
        return list(value.ravel(order="F"))
    return [value]


def _looks_like_result(value: Any) -> bool:
    return _looks_like_group(value) or looks_like_average(value)


def _looks_like_group(value: Any) -> bool:
    """Ep and Ce as a DCM has, but of a second-level model: M.X."""
    return isinstance(value, Mapping) and "Ep" in value and isinstance(value.get("M"), Mapping) and "X" in value["M"]


def _read(path: Path, variable: str, value: Any) -> SpmGroup | SpmAverage:
    if not isinstance(value, Mapping):
        kind = value.kind if isinstance(value, Opaque) else describe(value)
        raise FieldProblem(variable, f"is {kind}, not a struct of results; save the struct that SPM made")
    if looks_like_dcm(value):
        raise FieldProblem(variable, "is a DCM, not a group result; give the PEB that SPM made from it")
    fields = Fields(value, f"{variable}.")
    if variable.startswith("BMA") or looks_like_average(value):
        return read_average(path, variable, fields)
    return _read_group(path, variable, fields)


def _read_group(path: Path, variable: str, peb: Fields) -> SpmGroup:
    model = peb.struct("M", REMEDY)
    matrix = table_of(model, "X")
    subjects, covariates = matrix.shape
    parameters = names_of(peb, "Pnames", None)
    size = len(parameters)
    within = table_of(model, "W") if model.has("W") else np.eye(size)
    if within.shape[0] != size or np.linalg.matrix_rank(within) < within.shape[1]:
        raise model.problem("W", f"must have {size} rows, one per parameter, and independent columns; {REMEDY}")
    effects = covariates * within.shape[1]
    components = _components(model, size)
    return SpmGroup(
        path=path,
        variable=variable,
        participants=names_of(peb, "Snames", subjects, "Subject"),
        parameters=parameters,
        indices=places_of(peb, size),
        covariates=names_of(peb, "Xnames", covariates, "covariate"),
        matrix=matrix,
        within=within,
        prior=_density(model, "pE", "pC", effects),
        posterior=_density(peb, "Ep", "Cp", effects),
        components=components,
        noise_prior=_density(model, "hE", "hC", len(components)),
        noise=_density(peb, "Eh", "Ch", len(components)),
        between=spm_density(np.zeros(size), sized(peb, "Ce", (size, size)), peb.name("Ce"), REMEDY).covariance,
        free_energy=peb.number("F", REMEDY),
        compat=_compat(peb),
    )


def _compat(peb: Fields) -> Compat:
    """What `write_peb` noted of the mode, where it wrote the file."""
    made = peb.content.get("effconn")
    noted = made.get("compat") if isinstance(made, Mapping) else None
    return next((mode for mode in get_args(Compat) if mode == noted), "spm12")


def _density(holder: Fields, mean: str, covariance: str, size: int) -> Gaussian:
    if size == 0:
        return Gaussian(np.zeros(0), np.zeros((0, 0)))
    vector = holder.matrix(mean, REMEDY)
    if vector.size != size:
        raise holder.problem(mean, f"holds {vector.size} numbers, but {size} are needed; {REMEDY}")
    matrix = sized(holder, covariance, (size, size))
    return spm_density(vector.ravel(order="F"), matrix, holder.name(covariance), REMEDY)


def _components(model: Fields, size: int) -> np.ndarray:
    """M.Q, a cell array of precision components over the parameters; none where it is empty."""
    if not model.has("Q"):
        return np.zeros((0, size, size))
    made = []
    for position, item in enumerate(_items(model.content["Q"]), start=1):
        name = f"{model.name('Q')}{{{position}}}"
        component = real_array(name, item, REMEDY)
        if component.shape != (size, size) or not np.isfinite(component).all():
            raise FieldProblem(name, f"must be {size} × {size} finite numbers; {REMEDY}")
        made.append((component + component.T) / 2)
    return np.array(made)


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
    mean = bma.matrix("Ep", REMEDY).ravel(order="F")
    covariance = bma.matrix("Cp", REMEDY)
    if 1 in covariance.shape and covariance.size == mean.size:
        covariance = covariance.ravel()
    if covariance.shape not in ((mean.size,), (mean.size, mean.size)):
        given = shape_text(covariance.shape)
        raise bma.problem("Cp", f"is {given}, but Ep holds {mean.size} numbers; {REMEDY}")
    key = next((key for key in ("Pnames", "Kname") if bma.has(key)), None)
    parameters = names_of(bma, key, None) if key else ()
    covariates = names_of(bma, "Xnames", None) if bma.has("Xnames") else ()
    _check_counts(bma, mean.size, len(parameters), len(covariates))
    search = bma.struct("BMR", REMEDY) if bma.has("BMR") else bma
    models = _numbers(bma if bma.has("K") else search, "K")
    probabilities = _chances(bma if bma.has("P") else search, "P")
    if models is not None and probabilities is not None and probabilities.size not in (len(models), len(models) ** 2):
        raise bma.problem("P", f"holds {probabilities.size} probabilities for {len(models)} models; {REMEDY}")
    return SpmAverage(
        path=path,
        variable=variable,
        participants=names_of(bma, "Snames", None) if bma.has("Snames") else (),
        parameters=parameters,
        indices=places_of(bma, len(parameters)) if parameters else None,
        covariates=covariates,
        posterior=spm_density(mean, covariance, bma.name("Cp"), REMEDY),
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
        raise bma.problem("Ep", f"holds {size} numbers, but there are {needed}; {REMEDY}")


def _numbers(holder: Fields, key: str) -> np.ndarray | None:
    return table_of(holder, key) if holder.has(key) else None


def _chances(holder: Fields, key: str) -> np.ndarray | None:
    values = _numbers(holder, key)
    if values is not None and (values.min() < -1e-9 or values.max() > 1 + 1e-9):
        odd = values.min() if values.min() < -1e-9 else values.max()
        raise holder.problem(key, f"holds {odd:g}, which is no probability; {REMEDY}")
    return values


def _effects(bma: Fields, size: int) -> np.ndarray | None:
    values = _chances(bma, "Pp")
    if values is not None and values.size != size:
        raise bma.problem("Pp", f"holds {values.size} probabilities for {size} effects; {REMEDY}")
    return None if values is None else values.ravel(order="F")


def _flat(values: np.ndarray | None) -> np.ndarray | None:
    """A row or column as a vector; a square as it is."""
    return values.ravel() if values is not None and 1 in values.shape else values


def names_of(holder: Fields, key: str, count: int | None, default: str | None = None) -> tuple[str, ...]:
    """Names, as many as `count` says where it is known; ``default 1``, … where the file has none.

    Raises `FieldProblem` where there are none and no default, or too few or too many.
    """
    found = holder.names(key)
    if found is None:
        if default is None or count is None:
            raise holder.problem(key, f"is missing or empty; {REMEDY}")
        return tuple(f"{default} {i + 1}" for i in range(count))
    if count is not None and len(found) != count:
        raise holder.problem(key, f"holds {len(found)} names, but {count} are needed; {REMEDY}")
    if key != "Snames" and len(set(found)) < len(found):
        raise holder.problem(key, f"names {next(name for name in found if found.count(name) > 1)} twice; {REMEDY}")
    return tuple(found)


def places_of(holder: Fields, count: int) -> np.ndarray | None:
    """Pind, from 0; None where the file has none."""
    if not holder.has("Pind"):
        return None
    places = holder.matrix("Pind", REMEDY).ravel(order="F")
    if places.size != count:
        raise holder.problem("Pind", f"holds {places.size} indices for {count} parameters; {REMEDY}")
    if (places < 1).any() or (places != np.round(places)).any():
        raise holder.problem("Pind", f"must hold whole numbers from 1; {REMEDY}")
    return places.astype(int) - 1


def table_of(holder: Fields, key: str) -> np.ndarray:
    """A field of finite numbers with two axes."""
    matrix = holder.matrix(key, REMEDY)
    if matrix.ndim != 2:
        raise holder.problem(key, f"has {matrix.ndim} axes, but 2 are needed; {REMEDY}")
    return matrix


def sized(holder: Fields, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """A field of finite numbers of this shape."""
    matrix = holder.matrix(key, REMEDY)
    if matrix.shape != shape:
        given, needed = shape_text(matrix.shape), shape_text(shape)
        raise holder.problem(key, f"is {given}, but {needed} is needed; {REMEDY}")
    return matrix
