"""Confounds in units of their own: what an inversion finds depends on what they span, not on how they are scaled.

β has a wide prior, N(0, 1e8), in the units of X0's columns, and the flow's steps are set by the curvature of θ and β
together. So a movement column in nanometres or in metres, or nearly the same as another, moves F by hundreds of nats,
and its steps away from the optimum. Confounds are therefore replaced by a basis of their span B with

    B Bᵀ = 1 1ᵀ + the projection on the rest of the span

where a constant is in the span; else all of the span has length 1. That is the form in which SPM12 writes X0 itself (a
constant of ones, a discrete cosine set of length 1), and X0 in that form is left as it is, to the last digit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

RANK = 1e-8  # of the largest singular value of columns of length 1: what is smaller is rounding
CONSTANT = 0.9  # share of a column's root mean square that its mean has, from which it is a constant
LENGTH_OF_COSINES = (0.9, 1.1)
SIZE_OF_CONSTANTS = (0.5, 2.0)  # root mean square: whitened ones are not quite 1
APART = 0.5  # least singular value of X0 as SPM writes it, its columns being nearly orthogonal


class RotatedConfounds(NamedTuple):
    """X0 rotated, so that BᵀB is diagonal."""

    basis: Float[np.ndarray, "scan rotated"]  # B = X0 @ weights
    weights: Float[np.ndarray, "confound rotated"]
    power: Float[np.ndarray, "rotated"]  # of B's columns


def orthonormal_confounds(confounds: Float[np.ndarray, "scan confound"]) -> RotatedConfounds:
    """An orthonormal basis of the confounds' span: what an inversion needs that integrates their effects out."""
    span, weights = _span(confounds)
    return RotatedConfounds(span, weights, np.ones(span.shape[1]))


def generalised_least_squares(
    confounds: Float[np.ndarray, "scan confound"],
    series: Float[np.ndarray, "scan region"],
    rho: Float[np.ndarray, "region"],
    run_starts: Int[np.ndarray, "run"],
) -> Float[np.ndarray, "confound region"]:
    """β of each region's series on the confounds under AR(1) noise of correlation ρ; of rank-deficient ones the least.

    Both are whitened by `whiten_runs`.
    """

    def effects(column: np.ndarray, rho: float) -> np.ndarray:
        X, y = (whiten_runs(part, rho, run_starts) for part in (confounds, column[:, None]))
        found: np.ndarray = np.linalg.lstsq(X, y, rcond=None)[0]
        return found[:, 0]

    return np.column_stack([effects(column, value) for column, value in zip(series.T, rho, strict=True)])


def whiten_runs(
    columns: Float[np.ndarray, "scan *column"], rho: float, run_starts: Int[np.ndarray, "run"]
) -> Float[np.ndarray, "scan *column"]:
    """Columns with AR(1) noise taken to white noise: x_1 √(1 − ρ²), x_t − ρ x_{t−1} within each run."""
    whitened = np.concatenate([columns[:1], columns[1:] - rho * columns[:-1]])
    whitened[run_starts] = columns[run_starts] * np.sqrt(1 - rho**2)
    return whitened


def rotate_confounds(confounds: Float[np.ndarray, "scan confound"], as_given: bool = False) -> RotatedConfounds:
    """The confounds as an inversion uses them; `as_given` keeps their scale whatever it is."""
    if as_given or not confounds.size or written_by_spm(confounds):
        power, rotation = np.linalg.eigh(confounds.T @ confounds)
        return RotatedConfounds(confounds @ rotation, rotation, np.maximum(power, 0.0))
    span, weights = _span(confounds)
    turn, power = _constant_first(span)
    return RotatedConfounds(span @ turn, weights @ turn, power)


def written_by_spm(confounds: Float[np.ndarray, "scan confound"]) -> bool:
    """Whether X0 consists of constants of about 1, each over some scans, and of columns of length 1."""
    for column in confounds.T:
        inside = column[np.abs(column) > 1e-3 * np.abs(column).max()]
        size = float(np.sqrt((inside**2).mean())) if inside.size else 0.0
        constant = abs(float(inside.mean())) > CONSTANT * size if inside.size else False
        lowest, highest = SIZE_OF_CONSTANTS if constant else LENGTH_OF_COSINES
        if not lowest <= (size if constant else float(np.linalg.norm(column))) <= highest:
            return False
    return bool(np.linalg.svd(confounds, compute_uv=False)[-1] >= APART)


def _span(
    confounds: Float[np.ndarray, "scan confound"],
) -> tuple[Float[np.ndarray, "scan rotated"], Float[np.ndarray, "confound rotated"]]:
    """An orthonormal basis of the span, and its weights: basis = X0 @ weights."""
    peak = np.abs(confounds).max(axis=0)
    used = peak > 0
    peak = np.where(used, peak, 1.0)
    length = np.where(used, np.linalg.norm(confounds / peak, axis=0) * peak, 1.0)
    left, size, right = np.linalg.svd(confounds / length, full_matrices=False)
    kept = (size > RANK * size.max(initial=0.0)) & (size > 0)
    return left[:, kept], right[kept].T / size[kept] / length[:, None]


def _constant_first(
    span: Float[np.ndarray, "scan rotated"],
) -> tuple[Float[np.ndarray, "rotated rotated"], Float[np.ndarray, "rotated"]]:
    """A rotation of an orthonormal basis that has the constant in front, at its size; and the power of each column."""
    scans, rank = span.shape
    mean = span.sum(axis=0)
    power = np.ones(rank)
    if np.linalg.norm(mean) < CONSTANT * np.sqrt(scans):
        return np.eye(rank), power
    turn = np.linalg.qr(np.column_stack([mean, np.eye(rank)]))[0][:, :rank].copy()
    power[0] = scans
    turn[:, 0] *= np.sqrt(scans)
    return turn, power
