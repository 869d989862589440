"""The engine on a model that is linear in its parameters and whose noise is known: evidence and posterior are exact.

    y_i = G_i θ + X0 β_i + e_i,   θ ~ N(μ, Σ0),   β ~ N(0, 1e8),   e ~ N(0, e^-6),   ln p(y) = ln N(y; Gμ, G Σ0 Gᵀ + …)

The marginal covariance spans twelve decades, more than double precision can factor, so the reference is computed from
it in decimals of 60 digits, by a textbook Cholesky factor that shares nothing with the engine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

import dcm
from dcm import _laplace as laplace
from dcm._batch import make_batches
from dcm._forward import ForwardModel
from dcm._joint_density import Problem
from dcm._subject import prepare

from ._check import Check

DIGITS = 60
NOISE = 6.0  # λ, held there by a prior variance of 1e-14
NOISE_VARIANCE = 1e-14
ITERATIONS = 120
REGIONS, PARAMETERS, CONFOUNDS = 2, 5, 3
Matrix = list[list[Decimal]]


@dataclass(frozen=True)
class LinearModel:
    """g(θ) = G θ; the design G takes the place of the timing."""

    def predict_with_jacobian(
        self, mean: jax.Array, free: jax.Array, timing: jax.Array, echo_time: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """The prediction and the design."""
        return timing @ free, timing


def checks(quick: bool) -> list[Check]:
    """Largest errors over a few random problems."""
    scans, seeds = (12, range(1)) if quick else (25, range(2))
    errors = np.array([_errors(scans, seed) for seed in seeds]).max(axis=0)
    names = ("log evidence, nats", "posterior mean / sd", "posterior covariance, relative")
    found = f"{REGIONS * scans} values, {PARAMETERS} parameters, {CONFOUNDS} confounds a region"
    return [
        Check(f"linear-Gaussian: error of the {name}", float(error), most=1e-8, note=found)
        for name, error in zip(names, errors, strict=True)
    ]


def _errors(scans: int, seed: int) -> tuple[float, float, float]:
    rng = np.random.default_rng(seed)
    design = rng.standard_normal((scans, REGIONS, PARAMETERS))
    confounds = np.column_stack([np.ones(scans), rng.standard_normal((scans, CONFOUNDS - 1))])
    mean = rng.standard_normal(PARAMETERS)
    mixing = rng.standard_normal((PARAMETERS, PARAMETERS)) + 2 * np.eye(PARAMETERS)
    precision = mixing @ mixing.T
    theta = mean + np.linalg.solve(mixing.T, rng.standard_normal(PARAMETERS))
    effects = rng.standard_normal((CONFOUNDS, REGIONS))
    error = math.exp(-NOISE / 2) * rng.standard_normal((scans, REGIONS))
    y = design @ theta + confounds @ effects + error
    evidence, exact_mean, exact_covariance = _exact(design, confounds, y, mean, precision)
    state = _invert(design, confounds, y, mean, precision)
    sd = np.sqrt(np.diag(exact_covariance))
    return (
        abs(float(state.best_free_energy) - evidence),
        float(np.abs((mean + np.asarray(state.best.theta) - exact_mean) / sd).max()),
        float(np.abs(np.asarray(state.best_covariance) - exact_covariance).max() / np.abs(exact_covariance).max()),
    )


def _invert(
    design: np.ndarray, confounds: np.ndarray, y: np.ndarray, mean: np.ndarray, precision: np.ndarray
) -> laplace.State:
    """The state of variational Laplace once it moves no more."""
    power, rotation = np.linalg.eigh(confounds.T @ confounds)
    own: dict[str, Any] = {
        "bold": y,
        "scan_mask": np.ones(len(y)),
        "confounds": confounds @ rotation,
        "confound_power": power,
        "confound_mask": np.ones(len(power)),
        "confound_rotation": rotation,
        "confound_start": (confounds @ rotation).T @ y / power[:, None],
        "timing": design,
        "prior_vector": mean,
        "prior_mean": mean,
        "prior_precision": precision,
        "free_mask": np.ones(PARAMETERS),
        "noise_mean": NOISE,
        "noise_precision": 1 / NOISE_VARIANCE,
        "start": np.zeros(PARAMETERS),
        "tolerance": 0.0,  # to the last iteration, past what would count as converged
    }
    arrays: dict[str, Any] = {name: jnp.asarray(value, dtype=float) for name, value in own.items()}
    problem = replace(_template(), **arrays)
    step = jax.jit(partial(laplace.step, cast(ForwardModel, LinearModel()), "spm12"))
    state = laplace.init(problem)
    while not laplace.has_ended(state.status):
        state = step(problem, state)
    return state


def _template() -> Problem:
    """Any DCM's problem, for the settings that have nothing to do with the model."""
    series, inputs = np.arange(40.0).reshape(20, 2), np.ones((20, 1))
    data = dcm.Data(series, inputs, 1.0, 1.0)
    subject = dcm.Subject("template", dcm.Spec("ab", "u", np.ones((2, 2))), data, centre_inputs=False)
    settings = dcm.Settings("spm12", max_iterations=ITERATIONS)
    [batch] = make_batches([prepare(subject, settings)], settings)
    only = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), batch.problems)
    return replace(cast(Problem, only), start=only.start[0])


def _exact(
    design: np.ndarray, confounds: np.ndarray, y: np.ndarray, mean: np.ndarray, precision: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log evidence, posterior mean and covariance of θ, from the joint density of data and parameters."""
    scans, regions, free = design.shape
    blocks = [np.zeros((scans * regions, len(confounds[0]))) for _ in range(regions)]
    for i, block in enumerate(blocks):
        block[i * scans : (i + 1) * scans] = confounds
    stacked = design.transpose(1, 0, 2).reshape(-1, free)
    with localcontext() as context:
        context.prec = DIGITS
        G, X = _decimals(stacked), _decimals(np.hstack(blocks))
        data = [Decimal(value) for value in y.T.ravel().tolist()]
        centre = [Decimal(value) for value in mean.tolist()]
        residual = [value - _dot(row, centre) for value, row in zip(data, G, strict=True)]
        prior = _inverse(_decimals(precision))
        GS = [[_dot(row, column) for column in prior] for row in G]  # Σ0 is symmetric
        confound_variance, noise = Decimal(10) ** 8, (-Decimal(NOISE)).exp()
        marginal = [
            [
                _dot(GS[i], G[j]) + confound_variance * _dot(X[i], X[j]) + (noise if i == j else 0)
                for j in range(len(data))
            ]
            for i in range(len(data))
        ]
        factor = _cholesky(marginal)
        white = _forward(factor, residual)
        log_det = 2 * sum((factor[i][i].ln() for i in range(len(data))), Decimal(0))
        evidence = -(log_det + _dot(white, white)) / 2
        gain = [_forward(factor, [row[k] for row in GS]) for k in range(free)]  # L^-1 G Σ0, column by column
        shift = [_dot(column, white) for column in gain]
        covariance = [[prior[a][b] - _dot(gain[a], gain[b]) for b in range(free)] for a in range(free)]
    log_two_pi = len(data) * math.log(2 * math.pi)
    return (
        float(evidence) - log_two_pi / 2,
        mean + np.array([float(value) for value in shift]),
        np.array([[float(value) for value in row] for row in covariance]),
    )


def _decimals(matrix: np.ndarray) -> Matrix:
    return [[Decimal(value) for value in row] for row in matrix.tolist()]


def _dot(a: list[Decimal], b: list[Decimal]) -> Decimal:
    return sum((x * y for x, y in zip(a, b, strict=True)), Decimal(0))


def _cholesky(matrix: Matrix) -> Matrix:
    size = len(matrix)
    factor = [[Decimal(0)] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            left = matrix[i][j] - _dot(factor[i][:j], factor[j][:j])
            factor[i][j] = left.sqrt() if i == j else left / factor[j][j]
    return factor


def _forward(factor: Matrix, right: list[Decimal]) -> list[Decimal]:
    """L^-1 b."""
    solved: list[Decimal] = []
    for i, value in enumerate(right):
        solved.append((value - _dot(factor[i][:i], solved)) / factor[i][i])
    return solved


def _inverse(matrix: Matrix) -> Matrix:
    factor = _cholesky(matrix)
    size = len(matrix)
    half = [_forward(factor, [Decimal(int(i == j)) for i in range(size)]) for j in range(size)]
    return [[_dot(half[a], half[b]) for b in range(size)] for a in range(size)]
