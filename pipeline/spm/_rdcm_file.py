"""What TAPAS's regression DCM leaves, region by region → one posterior over A and C, in SPM's units.

TAPAS gives means of C times 16, as SPM has C, but covariances and priors without: both are taken to the units of the
means, ×16 between A and C and ×256 within C. Regions are independent (Frässle et al. 2017, NeuroImage 155:406).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..matlab import Fields, check_finite, shape_text
from ._parameter_tree import REMEDY, tree_parameters, tree_vector
from ._posterior_file import RDCM, RDCM_INPUT, PosteriorOnly, posterior_of, rdcm_names

RESULTS = ("result", "classic")  # what such a struct is called, beside the DCM that it is of
NEEDED = ("A", "F", "covariance", "prior_mean", "prior_precision")


def is_rdcm_result(value: Any) -> bool:
    """Whether a struct holds regression DCM's posterior region by region."""
    return isinstance(value, Mapping) and all(key in value for key in NEEDED)


def read_rdcm_result(dcm: Mapping[str, Any], result: Mapping[str, Any], variable: str) -> PosteriorOnly:
    """Posterior of one participant.

    Arguments:
        dcm: the struct that was given to TAPAS: masks a and c, names in Y and U.
        result: A, C, F, and of each region prior_mean and prior_precision (region, column) and covariance (column,
            column, region), columns being its row of A, its row of C/16, and confounds.
        variable: what the result is called in the file.

    Raises `FieldProblem` where it is not whole.
    """
    model, found = Fields(dcm), Fields(result, f"{variable}.")
    a = model.matrix("a", REMEDY)
    n = a.shape[0]
    c = model.matrix("c", REMEDY) if model.has("c") else np.zeros((n, 0))
    m = c.shape[1]
    free = np.concatenate([a, c], axis=1) > 0  # what is not has NaN
    covariance = np.atleast_3d(found.matrix("covariance", REMEDY, finite=False))
    if covariance.shape[2] != n or covariance.shape[0] < n + m:
        raise found.problem(
            "covariance", f"is {shape_text(covariance.shape)}, not of {n} regions with {n + m} columns each; {REMEDY}"
        )
    prior_mean, precision = (found.matrix(key, REMEDY, finite=False) for key in ("prior_mean", "prior_precision"))
    for key, array in (("prior_mean", prior_mean), ("prior_precision", precision)):
        if array.shape[0] != n or array.shape[1] < n + m:
            raise found.problem(key, f"is {shape_text(array.shape)}, not {n} regions × {n + m} columns; {REMEDY}")
        check_finite(found.name(key), array[:, : n + m][free], REMEDY)
    tree = {"A": found.matrix("A", REMEDY)} | ({"C": found.matrix("C", REMEDY)} if m else {})
    mean = tree_vector(tree, variable)
    regions = _names(model, "Y", "region", n)
    inputs = _names(model, "U", "input", m)
    for key, shape in (("A", (n, n)), ("C", (n, m))):
        if key in tree and tree[key].shape != shape:
            raise found.problem(key, f"is {shape_text(tree[key].shape)}, not {shape_text(shape)}; {REMEDY}")
    named = rdcm_names(tree_parameters(tree, variable, regions, inputs, "hertz"), regions)
    if (precision[:, : n + m][free] <= 0).any():
        raise found.problem("prior_precision", f"is not positive; {REMEDY}")
    unit = np.concatenate([np.ones(n), np.full(m, RDCM_INPUT)])
    size = n * (n + m)
    full, prior = np.zeros((size, size)), np.zeros((size, size))
    before = np.zeros(size)
    for region in range(n):
        own = np.flatnonzero(free[region])
        places = region + n * own  # column-major: A, then C
        scale = np.outer(unit[own], unit[own])
        full[np.ix_(places, places)] = covariance[:, :, region][np.ix_(own, own)] * scale
        prior[places, places] = unit[own] ** 2 / precision[region, own]
        before[places] = prior_mean[region, own] * unit[own]
    check_finite(found.name("covariance"), full, REMEDY)
    return posterior_of(RDCM, named, (before, prior), (mean, full), found.number("F", REMEDY))


def _names(model: Fields, key: str, kind: str, count: int) -> list[str]:
    """Names in Y or U, as many as there are regions or inputs; numbers where there are no such names."""
    content = model.content.get(key)
    names = Fields(content, f"{key}.").names("name") if isinstance(content, Mapping) else None
    return names if names and len(names) == count else [f"{kind} {i + 1}" for i in range(count)]
