"""SPM's group results: PEB structs and averages over models (BMA), as files hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float, Int

from dcm import Spec
from peb import MEAN, Design, DesignError, Gaussian, GroupPosterior, GroupStatus

from ..common import list_names
from ..matlab import FieldProblem, Fields, MatFileError, Opaque, StructArray, describe, load_mat, real
from ._dcm_estimate import spm_density
from ._dcm_file import SpmFileError, looks_like_dcm
from ._names import canonical, field_of, spm_names, told_apart
from ._peb_average import SpmAverage, looks_like_average, read_average
from ._peb_fields import AGAIN, names_of, places_of, sized, table_of

_Result = TypeVar("_Result", bound="SpmGroup | SpmAverage")


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


def read_peb(path: str | Path, variable: str = "", *, spec: Spec | None = None) -> GroupPosterior:
    """SPM's PEB as a group posterior, to be compared, searched or stacked; without re-estimated participants.

    SPM stores neither how the optimisation ended nor in how many iterations: status is CONVERGED and iterations 0.

    Arguments:
        path: a MATLAB file with a struct ``PEB``, of SPM or of `write_peb`.
        variable: which result of the file, such as ``PEB_A`` or ``PEB(2)``; its only PEB where empty.
        spec: the DCM that Pind points into, to have parameters under effconn's names; None to keep the file's.

    Raises `PebFileError`, naming file, field and remedy, where there is no such PEB, it is not whole, or its
    parameters are not those of `spec`.

    Example:
        >>> group = read_peb("PEB_B.mat", spec=read_dcm("DCM_sub-01.mat").spec)
    """
    return to_group(_chosen(read_group_results(path), Path(path), variable, SpmGroup, "PEB"), spec)


def read_bma(path: str | Path, variable: str = "") -> SpmAverage:
    """SPM's average over reduced models of a group: of a search, or of a comparison of named models.

    Arguments:
        path: a MATLAB file with a struct ``BMA``, of SPM or of `write_bma`.
        variable: which result of the file; its only average where empty.

    Raises `PebFileError`, naming file, field and remedy, where there is no such average or it is not whole.

    Example:
        >>> average = read_bma("BMA_search_B.mat")
        >>> average.posterior.mean, average.probability
    """
    return _chosen(read_group_results(path), Path(path), variable, SpmAverage, "BMA")


def _chosen(results: list[SpmGroup | SpmAverage], path: Path, variable: str, kind: type[_Result], what: str) -> _Result:
    """The result of a kind that is asked for, or the only one."""
    found = [result for result in results if isinstance(result, kind) and variable in ("", result.variable)]
    if len(found) == 1:
        return found[0]
    held = list_names([result.variable for result in results])
    if found:
        raise PebFileError(path, "", f"holds {list_names([result.variable for result in found])}; name one of them")
    asked = f"no {what} {variable}" if variable else f"no {what}"
    raise PebFileError(path, "", f"holds {asked} (it holds {held}); give its file, or one of these names")


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


def to_group(result: SpmGroup, spec: Spec | None = None) -> GroupPosterior:
    """A PEB as a group posterior, see `read_peb`."""
    names = result.parameters if spec is None else _named(result, spec)
    fields = tuple(map(field_of, names))
    own = np.array_equal(result.within, np.eye(len(names)))
    effects = range(result.within.shape[1])
    try:
        design = Design(told_apart(result.participants), _covariates(result), result.matrix)
    except DesignError as error:
        raise PebFileError(result.path, f"{result.variable}.M.X", f"cannot be used: {error}") from error
    return GroupPosterior(
        name=result.variable,
        parameters=names if own else tuple(f"within {a + 1}" for a in effects),
        fields=fields if own else tuple("within" for _ in effects),
        first_level=names,
        design=design,
        within=result.within,
        prior=result.prior,
        posterior=result.posterior,
        components=result.components,
        component_names=_component_names(result.components, names, fields),
        noise_prior=result.noise_prior,
        noise=result.noise,
        between=result.between,
        free_energy=result.free_energy,
        participants=(),
        status=GroupStatus.CONVERGED,
        iterations=0,
        compat="spm12",
    )


def _entries(path: Path, variables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    found = [name for name in ("PEB", "BMA") if name in variables] or [
        name for name, value in variables.items() if any(_looks_like_result(one) for one in _items(value))
    ]
    if not found:
        if any(looks_like_dcm(one) for value in variables.values() for one in _items(value)):
            raise PebFileError(path, "", "holds a DCM, not a group result; give the PEB_*.mat that SPM made from it")
        held = list_names(variables, "nothing")
        raise PebFileError(path, "", f"holds no PEB or BMA (it holds {held}); save the struct as PEB")
    for name in found:
        items = _items(variables[name])
        if not items:
            raise PebFileError(path, name, "is empty; save at least one result in it")
        several = len(items) > 1
        yield from ((f"{name}({i})" if several else name, one) for i, one in enumerate(items, start=1))


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
    model = peb.struct("M", AGAIN)
    matrix = table_of(model, "X")
    subjects, covariates = matrix.shape
    parameters = names_of(peb, "Pnames", None)
    size = len(parameters)
    within = table_of(model, "W") if model.has("W") else np.eye(size)
    if within.shape[0] != size or np.linalg.matrix_rank(within) < within.shape[1]:
        raise model.problem("W", f"must have {size} rows, one per parameter, and independent columns; {AGAIN}")
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
        between=spm_density(np.zeros(size), sized(peb, "Ce", (size, size)), peb.name("Ce"), AGAIN).covariance,
        free_energy=peb.number("F", AGAIN),
    )


def _density(holder: Fields, mean: str, covariance: str, size: int) -> Gaussian:
    if size == 0:
        return Gaussian(np.zeros(0), np.zeros((0, 0)))
    vector = holder.matrix(mean, AGAIN)
    if vector.size != size:
        raise holder.problem(mean, f"holds {vector.size} numbers, but {size} are needed; {AGAIN}")
    matrix = sized(holder, covariance, (size, size))
    return spm_density(vector.ravel(order="F"), matrix, holder.name(covariance), AGAIN)


def _components(model: Fields, size: int) -> np.ndarray:
    """M.Q, a cell array of precision components over the parameters; none where it is empty."""
    if not model.has("Q"):
        return np.zeros((0, size, size))
    made = []
    for position, item in enumerate(_items(model.content["Q"]), start=1):
        name = f"{model.name('Q')}{{{position}}}"
        component = real(name, item, AGAIN)
        if component.shape != (size, size) or not np.isfinite(component).all():
            raise FieldProblem(name, f"must be {size} × {size} finite numbers; {AGAIN}")
        made.append((component + component.T) / 2)
    return np.array(made)


def _named(result: SpmGroup, spec: Spec) -> tuple[str, ...]:
    """The parameters under the names of a DCM, its own names held against SPM's."""
    field = f"{result.variable}.Pind"
    if result.indices is None:
        raise PebFileError(result.path, field, "is missing, so parameters cannot be named by a DCM; pass no spec")
    theirs = spm_names(spec.layout)
    for place, name in zip(result.indices, result.parameters, strict=True):
        expected = theirs[place] if place < len(theirs) else "nothing"
        if canonical(name) != expected:
            raise PebFileError(
                result.path,
                field,
                f"says {place + 1} for {name}, where the DCM has {expected}; give the DCM it came from",
            )
    return tuple(spec.parameter_names[place] for place in result.indices)


def _covariates(result: SpmGroup) -> tuple[str, ...]:
    """Its covariates, the column of ones under the name it has here."""
    ones = (result.matrix == 1).all(axis=0)
    return tuple(
        MEAN if one and name.lower() == MEAN else name for one, name in zip(ones, result.covariates, strict=True)
    )


def _component_names(components: np.ndarray, names: tuple[str, ...], fields: tuple[str, ...]) -> tuple[str, ...]:
    """What each component is over, by where it is not zero."""
    said = []
    for position, component in enumerate(components, start=1):
        places = set(np.flatnonzero(component.any(axis=0)).tolist())
        over = {field: {i for i, one in enumerate(fields) if one == field} for field in fields}
        whole = [field for field, them in over.items() if them == places]
        if places == set(range(len(names))) and len(components) == 1:
            said.append("all parameters")
        elif len(places) == 1 and len(components) == len(names):
            said.append(names[places.pop()])
        else:
            said.append(whole[0] if whole else f"component {position}")
    return tuple(said)
