"""Nodes on a step of length 1, and what interpolation between them gives: all constants, made once with NumPy.

Gauss–Lobatto nodes include both ends. A quantity that is smooth within a step is the polynomial through its values at
`count` nodes; integrals by their weights are exact to degree 2 · count − 3.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float

Matrix = Float[np.ndarray, "..."]


@lru_cache
def lobatto_nodes(count: int) -> Float[np.ndarray, "node"]:
    """Both ends, and the roots of the derivative of a Legendre polynomial between them, on [0, 1]."""
    inner = np.polynomial.legendre.Legendre.basis(count - 1).deriv().roots()
    return (np.concatenate([[-1.0], np.sort(inner.real), [1.0]]) + 1) / 2


def interpolation(nodes: Float[np.ndarray, "node"], at: np.ndarray) -> Float[np.ndarray, "... node"]:
    """Values `at` given times from values at the nodes: Lagrange's polynomials."""
    degree = len(nodes) - 1
    to_coefficients = np.linalg.inv(np.polynomial.legendre.legvander(2 * nodes - 1, degree))
    return np.polynomial.legendre.legvander(2 * np.asarray(at) - 1, degree) @ to_coefficients


def integration(nodes: Float[np.ndarray, "node"], upto: Float[np.ndarray, "upper"]) -> Float[np.ndarray, "upper node"]:
    """∫_0^t of the polynomial through values at the nodes, for every upper limit t."""
    points, weights = _gauss(len(nodes))
    return np.stack([t * weights @ interpolation(nodes, t * points) for t in upto])


def convolution(nodes: Float[np.ndarray, "node"]) -> Float[np.ndarray, "upper lag node"]:
    """∫_0^t ℓ_r(t − s) ℓ_q(s) ds for every node t: what a response (at lag r) makes of a source (at node q)."""
    points, weights = _gauss(len(nodes))
    made = []
    for t in nodes:
        response, source = interpolation(nodes, t - t * points), interpolation(nodes, t * points)
        made.append(np.einsum("g,gr,gq->rq", t * weights, response, source))
    return np.stack(made)


def _gauss(count: int) -> tuple[np.ndarray, np.ndarray]:
    points, weights = np.polynomial.legendre.leggauss(count)
    return (points + 1) / 2, weights / 2
