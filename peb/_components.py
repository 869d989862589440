"""The precision components of the between-participant covariance, in factors whose sums an evaluation needs.

    Q_j = Σ_{a in j} f_a f_aᵀ,    R = floor + Σ_j e^γ_j Q_j,

with F the columns f_a side by side and E says which component each belongs to.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ._settings import Components, PebError
from ._stack import EstimateStack


class ComponentFactors(NamedTuple):
    """J components over q parameters."""

    matrices: Float[np.ndarray, "component param param"]  # Q
    names: tuple[str, ...]  # what each is over
    root: Float[np.ndarray, "param rank"]  # F
    membership: Float[np.ndarray, "rank component"]  # E: 1 where a column of F is of a component


def make_components(
    choice: Components, chosen: EstimateStack, expected: Float[np.ndarray, "param param"]
) -> ComponentFactors:
    """What `PebSettings.components` asks for; those that it names are parts of Q0, the `expected` precision.

    Raises `PebError` where given components are of another size, or not positive semidefinite.
    """
    size = len(chosen.parameters)
    if not isinstance(choice, str):
        return _given(np.asarray(choice, dtype=np.float64), size)
    groups: dict[str, list[int]] = {}
    for i, (name, field) in enumerate(zip(chosen.parameters, chosen.fields, strict=True)):
        if choice != "none":
            groups.setdefault({"single": "all parameters", "fields": field, "all": name}[choice], []).append(i)
    matrices = np.zeros((len(groups), size, size))
    root = np.zeros((size, size if groups else 0))
    membership = np.zeros((root.shape[1], len(groups)))
    for j, places in enumerate(groups.values()):
        block = np.ix_(places, places)
        matrices[j][block] = expected[block]
        root[block] = np.linalg.cholesky(expected[block])
        membership[places, j] = 1.0
    return ComponentFactors(matrices, tuple(groups), root, membership)


def _given(matrices: Float[np.ndarray, "component param param"], size: int) -> ComponentFactors:
    if matrices.ndim != 3 or matrices.shape[1:] != (size, size):
        raise PebError(f"components must be (component, {size}, {size}), not {matrices.shape}")
    if not np.isfinite(matrices).all() or (np.linalg.eigvalsh(matrices).min(axis=1) < -1e-9).any():
        raise PebError("components must be finite and positive semidefinite")
    values, vectors = np.linalg.eigh(matrices)
    columns = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    component, column = np.nonzero(values > size * np.finfo(float).eps * values.max(axis=1, keepdims=True))
    return ComponentFactors(
        matrices,
        tuple(f"component {j + 1}" for j in range(len(matrices))),
        columns[component, :, column].T,
        np.eye(len(matrices))[component],
    )
