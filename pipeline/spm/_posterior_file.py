"""Any DCM that SPM or TAPAS has estimated → its posterior alone: mean, covariance, prior and evidence, with names.

The group level needs nothing else, so the kind of DCM does not matter: spectral, two-state, stochastic, of M/EEG.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.sparse import csc_array

from dcm import Spec
from peb import Gaussian

from ..matlab import FieldProblem, Fields, StructArray, check_finite, describe, real_array, shape_text
from ._dcm_estimate import spm_density
from ._parameter_tree import REMEDY, Scale, TreeParameter, tree_parameters, tree_vector

RDCM = "regression DCM"
RDCM_INPUT = 16.0  # TAPAS multiplies the means of C by it, as SPM has C, but neither their covariance nor their prior
LONGEST_KIND = 60


@dataclass(frozen=True, eq=False)
class PosteriorOnly:
    """What the group level knows of one estimated DCM of any kind, over the parameters that vary a priori.

    Fields:
        kind: of DCM, in words: ``spectral DCM``.
        parameters: names, fields and SPM's names.
        places: (param,) of each in SPM's vector of all parameters, from 0.
        prior, posterior: densities over them.
        free_energy: F, nats.
        spec: the model, for pictures of its connections; None where parameters are no rates between regions.
    """

    kind: str
    parameters: tuple[TreeParameter, ...]
    places: Float[np.ndarray, "param"]
    prior: Gaussian
    posterior: Gaussian
    free_energy: float
    spec: Spec | None


def is_estimated(value: Any) -> bool:
    """Whether a struct holds a posterior and its prior, whatever else it lacks."""
    if not isinstance(value, Mapping):
        return False
    model = _model(value)
    return "Ep" in value and "Cp" in value and isinstance(model, Mapping) and "pE" in model and "pC" in model


def read_posterior_only(value: Mapping[str, Any]) -> PosteriorOnly:
    """The posterior in an estimated DCM struct, in the form of `load_mat`; raises `FieldProblem`."""
    dcm, model = Fields(value), Fields(_model(value) or {}, "M.")
    tree = dcm.struct("Ep", REMEDY).content
    prior_tree = model.struct("pE", REMEDY).content
    kind, scale = _kind(dcm, tree)
    regions, inputs = _regions(dcm, tree), _inputs(dcm)
    mean, prior_mean = tree_vector(tree, "Ep"), tree_vector(prior_tree, "M.pE")
    if mean.size != prior_mean.size:
        raise FieldProblem("Ep", f"has {mean.size} parameters and M.pE {prior_mean.size}; {REMEDY}")
    named = tree_parameters(tree, "Ep", regions, inputs, scale)
    covariance = _covariance("Cp", value["Cp"], mean.size)
    prior_covariance = _covariance("M.pC", model.content["pC"], mean.size)
    free_energy = dcm.number("F", REMEDY)
    if kind == RDCM:
        named, factor = rdcm_names(named, regions), _rdcm_factor(dcm, named)
        densities = (prior_mean, prior_covariance * factor), (mean, covariance * factor)
        return posterior_of(kind, named, *densities, free_energy)
    spec = _spec(dcm, regions, inputs) if scale == "hertz" else None
    return posterior_of(kind, named, (prior_mean, prior_covariance), (mean, covariance), free_energy, spec)


def posterior_of(
    kind: str,
    named: tuple[TreeParameter, ...],
    prior: tuple[np.ndarray, np.ndarray],
    posterior: tuple[np.ndarray, np.ndarray],
    free_energy: float,
    spec: Spec | None = None,
) -> PosteriorOnly:
    """Mean and covariance of both, over all parameters → those that vary a priori; raises `FieldProblem`."""
    free = np.flatnonzero(np.diag(prior[1]) > 0)
    if not free.size:
        raise FieldProblem("M.pC", f"is all zero: no parameter varies; {REMEDY}")
    names = [named[i].name for i in free]
    if repeated := next((name for name in names if names.count(name) > 1), ""):
        raise FieldProblem("Ep", f"has two parameters called {repeated}; give regions and inputs names that differ")
    fixed = [named[i].name for i in free if posterior[1][i, i] == 0]
    if fixed:
        raise FieldProblem("Cp", f"fixes {fixed[0]}, which M.pC lets vary; {REMEDY}")
    block = np.ix_(free, free)
    return PosteriorOnly(
        kind,
        tuple(named[i] for i in free),
        free,
        spm_density(prior[0][free], prior[1][block], "M.pC", REMEDY),
        spm_density(posterior[0][free], posterior[1][block], "Cp", REMEDY),
        free_energy,
        spec,
    )


def _model(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """M; of a hierarchical one (of a stochastic DCM) its first level."""
    model = value.get("M")
    if isinstance(model, StructArray) and model:
        return model[0]
    return model if isinstance(model, Mapping) else None


def _kind(dcm: Fields, tree: Mapping[str, Any]) -> tuple[str, Scale]:
    """What sort of DCM it is, and what its connections count in."""
    options = dcm.content.get("options")
    given = Fields(options if isinstance(options, Mapping) else {}, "options.")
    if {"transit", "decay"} <= tree.keys():
        words = ["spectral"] if given.flag("induced") or {"a", "b", "c"} <= tree.keys() else []
        words += ["stochastic"] if given.flag("stochastic") else []
        two_state = given.flag("two_state")
        words += ["two-state"] if two_state else []
        return " ".join([*words, "DCM"]), "log" if two_state else "hertz"
    model = _model(dcm.content) or {}
    series = dcm.content.get("Y")
    if "rdcm" in str(model.get("IS", "")) or (isinstance(series, Mapping) and "yd_fft" in series):
        return RDCM, "hertz"
    said = [text for key in ("analysis", "model") if isinstance(text := given.content.get(key), str) and text]
    named = f" ({', '.join(said)})"[:LONGEST_KIND] if said else ""
    return f"DCM of its own parameters ({', '.join(list(tree)[:4])})" if not said else f"M/EEG DCM{named}", "unknown"


def _regions(dcm: Fields, tree: Mapping[str, Any]) -> list[str]:
    """Names of the regions, as many as A has rows; none where nothing names that many."""
    count = _rows(tree.get("A"))
    for holder, key in (("", "Sname"), ("Y", "name"), ("xY", "name")):
        content = dcm.content if not holder else dcm.content.get(holder)
        names = _texts(content, key)
        if len(names) == count and all(names) and len(set(names)) == count:
            return names
    return []


def _inputs(dcm: Fields) -> list[str]:
    names = _texts(dcm.content.get("U"), "name")
    return names if len(set(names)) == len(names) else []


def _texts(content: Any, key: str) -> list[str]:
    """Names in a struct's field, or one in each struct of an array."""
    if isinstance(content, np.ndarray) and content.dtype == object:  # a cell array of structs
        content = StructArray([item for item in content.ravel(order="F") if isinstance(item, dict)], (), ())
    if isinstance(content, StructArray):
        found = [item.get(key) for item in content]
        return [text.strip() for text in found if isinstance(text, str)] if all(found) else []
    if not isinstance(content, Mapping):
        return []
    try:
        return Fields(content).names(key) or []
    except FieldProblem:
        return []


def _rows(value: Any) -> int:
    """Rows of A, or of its first cell."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = next((item for item in value.ravel(order="F")), None)
    return int(value.shape[0]) if isinstance(value, np.ndarray | csc_array) and value.ndim >= 2 else 0


def _covariance(name: str, value: Any, size: int) -> np.ndarray:
    """(param, param); SPM also keeps variances: a vector, or a struct or cells like the mean's."""
    if isinstance(value, Mapping | StructArray) or (isinstance(value, np.ndarray) and value.dtype == object):
        holder = value if isinstance(value, Mapping) else {"": value}
        variances = tree_vector(holder, name)
    else:
        array = real_array(name, value, REMEDY)
        check_finite(name, array, REMEDY)
        if array.shape == (size, size):
            return array
        variances = array.ravel(order="F")
    if variances.size != size:
        text = shape_text(np.shape(value)) if not isinstance(value, Mapping | StructArray) else describe(value)
        raise FieldProblem(name, f"is {text}, but there are {size} parameters; {REMEDY}")
    return np.diag(variances)


def _spec(dcm: Fields, regions: list[str], inputs: list[str]) -> Spec | None:
    """The model's structure, for pictures; None where the file does not say it."""
    n, m = len(regions), len(inputs)
    try:
        a = dcm.matrix("a", REMEDY) > 0
        masks = {key: dcm.matrix(key, REMEDY) > 0 if dcm.has(key) else None for key in ("b", "c")}
        if a.shape != (n, n):
            return None
        c = masks["c"]
        if c is None or c.shape != (n, m):
            return Spec(regions, (), a | np.eye(n, dtype=bool))
        b = masks["b"]
        return Spec(regions, inputs, a, None if b is None else b.reshape(n, n, -1), c)
    except (FieldProblem, ValueError):
        return None


def rdcm_names(named: tuple[TreeParameter, ...], regions: list[str]) -> tuple[TreeParameter, ...]:
    """With self-connections under a name of their own: rates in Hz there, not the log scales of A's diagonal."""
    own = {f"A[{region}<-{region}]": f"self[{region}]" for region in regions}
    return tuple(
        TreeParameter(own.get(parameter.name, parameter.name), parameter.field, parameter.spm_name)
        for parameter in named
    )


def _rdcm_factor(dcm: Fields, named: tuple[TreeParameter, ...]) -> np.ndarray:
    """(param, param) what takes TAPAS's covariances to the units of its means, and parameters off that are not free.

    What is not free has a prior variance there all the same, and none in the posterior.
    """
    masks = [dcm.matrix(key, REMEDY) if dcm.has(key) else np.zeros((0, 0)) for key in ("a", "c")]
    switches = {field: iter(mask.ravel(order="F")) for field, mask in zip(("A", "C"), masks, strict=True)}
    free = np.array([float(next(switches.get(parameter.field, iter(())), 0.0)) for parameter in named])
    if not np.isin(free, (0, 1)).all():
        raise FieldProblem("a", "holds probabilities: sparse regression DCM has no Gaussian posterior; use the classic")
    unit = free * np.array([RDCM_INPUT if parameter.field == "C" else 1.0 for parameter in named])
    return np.outer(unit, unit)
