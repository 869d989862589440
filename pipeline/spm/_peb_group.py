"""Group posteriors from SPM's PEB structs and to them, with SPM's names of parameters, such as ``B(1,1,2)``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dcm import Layout, Spec
from peb import MEAN, Design, DesignError, Gaussian, GroupPosterior, GroupStatus

from ..common import list_names, release
from ..matlab import cell_row, matlab_scalar, save_mat
from ._peb_read import PebFileError, SpmAverage, SpmGroup, read_group_results

_SPM = re.compile(r"\s*([A-Za-z]\w*)\s*(?:\(\s*([0-9]+(?:\s*,\s*[0-9]+)*)\s*\))?\s*")
_FIELD = re.compile(r"(?:^|: )([A-Za-z]\w*)(?=[\[(]|$)")
_Result = TypeVar("_Result", bound=SpmGroup | SpmAverage)


def spm_names(layout: Layout) -> tuple[str, ...]:
    """SPM's name of every parameter in the order of the layout: field, then (to, from, input), from 1."""
    n, m = layout.n, layout.m
    shapes = {"A": (n, n), "B": (n, n, m), "C": (n, m), "D": (n, n, n) if layout.gated else (0,), "transit": (n,)}
    indexed = [
        f"{field}({','.join(str(i + 1) for i in index)})" for field, shape in shapes.items() for index in _order(shape)
    ]
    return (*indexed, "decay", "epsilon")


def canonical_spm_name(name: str) -> str:
    """One spelling for SPM's names: no spaces, no trailing axes of one entry; other names as they are.

    A scalar or a column may carry axes of length 1: ``decay(1)`` is ``decay``, ``transit(2,1)`` is ``transit(2)``, and
    ``B(1,2)``, as MATLAB has it where there is one input, is ``B(1,2,1)``.
    """
    match = _SPM.fullmatch(name)
    if match is None:
        return name
    field, index = match[1], [int(i) for i in match[2].split(",")] if match[2] else []
    axes = {"A": 2, "B": 3, "C": 2, "D": 3, "transit": 1, "decay": 0, "epsilon": 0}.get(field)
    if axes is None:
        return name.strip()
    if index:
        index += [1] * (axes - len(index))
    while len(index) > axes and index[-1] == 1:
        index.pop()
    return f"{field}({','.join(map(str, index))})" if index else field


def field_of(name: str) -> str:
    """The field that a parameter's name begins with, behind the covariates of the levels below: ``mean: B[…]`` is B."""
    found = _FIELD.findall(name)
    return found[-1] if found else name


def names_to_spm(spec: Spec) -> dict[str, str]:
    """Our name of every parameter → SPM's."""
    return dict(zip(spec.parameter_names, spm_names(spec.layout), strict=True))


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names that all differ: SPM names participants after their model, which may be the same for all of them."""
    counts, seen = Counter(names), Counter[str]()
    different = []
    for name in names:
        seen[name] += 1
        different.append(f"{name}~{seen[name]}" if counts[name] > 1 else name)
    return tuple(different) if len(set(different)) == len(different) else distinct_names(different)


def _order(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Every index of an array, the first fastest."""
    return [index[::-1] for index in np.ndindex(*shape[::-1])]


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


def to_group(result: SpmGroup, spec: Spec | None = None) -> GroupPosterior:
    """A PEB as a group posterior, see `read_peb`."""
    names = result.parameters if spec is None else _names_in(result, spec)
    fields = tuple(map(field_of, names))
    own = np.array_equal(result.within, np.eye(len(names)))
    effects = range(result.within.shape[1])
    try:
        design = Design(distinct_names(result.participants), _covariates(result), result.matrix)
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
        compat=result.compat,
    )


def _names_in(result: SpmGroup, spec: Spec) -> tuple[str, ...]:
    """The parameters under the names of a DCM, compared with SPM's own names."""
    field = f"{result.variable}.Pind"
    if result.indices is None:
        raise PebFileError(result.path, field, "is missing, so parameters cannot be named by a DCM; pass no spec")
    theirs = spm_names(spec.layout)
    for place, name in zip(result.indices, result.parameters, strict=True):
        expected = theirs[place] if place < len(theirs) else "nothing"
        if canonical_spm_name(name) != expected:
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
        MEAN if is_constant and name.lower() == MEAN else name
        for is_constant, name in zip(ones, result.covariates, strict=True)
    )


def _component_names(components: np.ndarray, names: tuple[str, ...], fields: tuple[str, ...]) -> tuple[str, ...]:
    """What each component is over, by where it is not zero."""
    said = []
    for position, component in enumerate(components, start=1):
        places = set(np.flatnonzero(component.any(axis=0)).tolist())
        over = {field: {i for i, other in enumerate(fields) if other == field} for field in fields}
        whole = [field for field, them in over.items() if them == places]
        if places == set(range(len(names))) and len(components) == 1:
            said.append("all parameters")
        elif len(places) == 1 and len(components) == len(names):
            said.append(names[places.pop()])
        else:
            said.append(whole[0] if whole else f"component {position}")
    return tuple(said)


def write_peb(
    path: str | Path,
    group: GroupPosterior,
    *,
    spec: Spec | None = None,
    indices: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
) -> None:
    """Writes a group posterior as the struct ``PEB`` (MATLAB v5, compressed), whole or not at all.

    Arguments:
        path: the file to write; missing folders are made.
        group: the result.
        spec: the DCM its parameters belong to: they get SPM's names and their places in its vector (Pnames, Pind).
        indices: their places from 0, where they have SPM's names already. With neither, names are kept and places are
            those in the parameters of the level below, which is what SPM counts in a PEB of PEBs.
        names: SPM's names, where `indices` are given and the parameters are called otherwise.

    Raises `ValueError` where `spec` does not have a parameter, both are given, or places are not known.
    """
    save_mat(path, {"PEB": peb_struct(group, spec=spec, indices=indices, names=names)})


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
    names: Sequence[str] | None = None,
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
        spec, indices, names: as in `write_peb`.

    Raises `ValueError` as `write_peb` does, and where sizes do not match or a number is not finite.
    """
    size = group.posterior.mean.size
    if posterior.mean.size != size:
        raise ValueError(f"{group.name}: the average is over {posterior.mean.size} effects, the group over {size}")
    content = _name_fields(group, spec, indices, names) | {
        "Kname": _cells(_parameter_names(group, spec, names)),
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
    group: GroupPosterior,
    *,
    spec: Spec | None = None,
    indices: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The struct that `write_peb` writes, in the form of `load_mat`."""
    return _name_fields(group, spec, indices, names) | {
        "M": _model(group),
        "Ep": np.array(group.mean),
        "Eh": group.noise.mean[:, None],
        "Ch": group.noise.covariance,
        "Cp": group.posterior.covariance,
        "Ce": np.array(group.between),
        "F": matlab_scalar(group.free_energy),
        "effconn": _provenance(group),
    }


def _name_fields(
    group: GroupPosterior, spec: Spec | None, indices: Sequence[int] | None, names: Sequence[str] | None
) -> dict[str, Any]:
    return {
        "Snames": _cells(group.design.participants),
        "Pnames": _cells(_parameter_names(group, spec, names)),
        "Pind": _places(group, spec, indices)[:, None] + 1.0,
        "Xnames": cell_row(group.design.covariates),
    }


def _parameter_names(group: GroupPosterior, spec: Spec | None, names: Sequence[str] | None) -> tuple[str, ...]:
    if names is not None:
        if len(names) != len(group.first_level):
            raise ValueError(f"{group.name}: {len(names)} names for {len(group.first_level)} parameters; give one each")
        return tuple(names)
    if spec is None:
        return group.first_level
    theirs = names_to_spm(spec)
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
        "iterations": matlab_scalar(group.iterations),
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
