"""Models of a study in words → the DCM's structure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool

from dcm import Spec

from ._connection import parse_connection
from ._study import Dcm, Structure

MAIN = "main"


def models_of(dcm: Dcm) -> dict[str, Spec]:
    """Every model of a study by name: ``main``, then the alternatives in the order of the file."""
    return {MAIN: spec_of(dcm), **{name: spec_of(dcm, one) for name, one in dcm.models.items()}}


def spec_of(dcm: Dcm, structure: Structure | None = None) -> Spec:
    """The structure of one model: which connections are free (A), which change (B), what drives what (C).

    Arguments:
        dcm: the main model; regions and inputs are in its order.
        structure: an alternative, whose absent parts are those of the main model; None for the main model itself.

    Where nothing is said, A is full, and B and C are empty. Self-connections are always part of A.
    """
    merged = merged_structure(dcm, structure)
    n, m = len(dcm.regions), len(dcm.inputs)
    a = np.eye(n, dtype=bool) if isinstance(merged.a, tuple) else np.ones((n, n), dtype=bool)
    a |= _mask(dcm, merged.a if isinstance(merged.a, tuple) else ())
    b, c = np.zeros((n, n, m), dtype=bool), np.zeros((n, m), dtype=bool)
    for place, name in enumerate(dcm.inputs):
        b[:, :, place] = _mask(dcm, (merged.b or {}).get(name, ()))
        c[[dcm.regions.index(region) for region in (merged.c or {}).get(name, ())], place] = True
    return Spec(dcm.regions, tuple(dcm.inputs), a, b, c)


def merged_structure(dcm: Structure, structure: Structure | None) -> Structure:
    """An alternative with what it does not say taken from the main model."""
    said = {name: getattr(structure, name, None) for name in Structure.model_fields}
    return Structure(**{name: getattr(dcm, name) if value is None else value for name, value in said.items()})


def _mask(dcm: Dcm, connections: Iterable[str]) -> Bool[np.ndarray, "region region"]:
    mask = np.zeros((len(dcm.regions),) * 2, dtype=bool)
    for one in connections:
        to, source = parse_connection(one)
        mask[dcm.regions.index(to), dcm.regions.index(source)] = True
    return mask
