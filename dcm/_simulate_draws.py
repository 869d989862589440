"""Many simulated runs of one design: true parameters drawn, signals from the full equations, noise as scanners have it.

Every data set has random numbers of its own, found by the seed and by the number of the draw, so that the first ten of
a hundred data sets are the ten that are made when ten are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from ._data import Data
from ._forward import Integrator
from ._neural import SELF_INHIBITION
from ._priors import Prior
from ._simulate import SerialNoise, Simulation, make_predictor
from ._spec import Layout, Parameters, Spec
from .tables import short_repr

FAINTEST = 0.05  # percent, the standard deviation of a signal below which a region is silent
MOST_REDRAWN = 200  # draws in a row of which none can be used, before it is given up
HAEMODYNAMIC = ("transit", "decay", "epsilon")

DrawTruth = Callable[[np.random.Generator], Float[np.ndarray, "param"]]


@dataclass(frozen=True, eq=False)
class SimulatedRuns:
    """Simulated runs of one design.

    Fields:
        runs: the data and what they were made of.
        redrawn: share of the draws that were unstable or silent, and were replaced by the next.
    """

    runs: tuple[Simulation, ...]
    redrawn: float

    __repr__ = short_repr


def simulate_draws(
    spec: Spec,
    design: Data,
    draw_truth: DrawTruth,
    count: int,
    *,
    snr: float,
    seed: int | tuple[int, ...],
    noise: SerialNoise = SerialNoise(),  # noqa: B008 - frozen
    integrator: Integrator = "nonlinear",
) -> SimulatedRuns:
    """`count` runs y = g(θ) + e with θ as `draw_truth` gives it and sd(e) = sd(g(θ)) / snr in each region.

    A draw is replaced by the next where an input that occurs makes its neural dynamics unstable, its flow runs away, or
    a region's signal varies by less than 0.05 percent.

    Arguments:
        design: inputs, timing, echo time and confounds; its series are not used.
        draw_truth: random numbers → (param,) all parameters, in the order of `Layout`.
        seed: of parameters and noise; the same seed gives the same bytes.
        noise: its serial correlation and drift; to its drift sd(e) does not refer.

    Raises `ValueError` where snr is not positive, or 200 draws in a row cannot be used.
    """
    if not (np.isfinite(snr) and snr > 0):
        raise ValueError(f"snr must be positive, not {snr}")
    predict = make_predictor(spec, design, integrator)
    levels = np.unique(design.inputs, axis=0)
    key = seed if isinstance(seed, tuple) else (seed,)
    runs: list[Simulation] = []
    number = failed = 0
    while len(runs) < count:
        truth = np.asarray(draw_truth(np.random.default_rng([*key, number, 0])), dtype=np.float64)
        parameters = spec.layout.to_tree(truth)
        signal = predict(parameters) if is_stable(parameters, levels) else None
        if signal is not None and np.isfinite(signal).all() and (signal.std(axis=0) >= FAINTEST).all():
            random = np.random.default_rng([*key, number, 1])
            errors = [noise.draw(random, *signal[run].shape) for run in design.runs]
            error = np.concatenate(errors) * signal.std(axis=0) / snr
            runs.append(Simulation(replace(design, bold=signal + error), signal, parameters))
            failed = 0
        else:
            failed += 1
            if failed == MOST_REDRAWN:
                raise ValueError(
                    f"{MOST_REDRAWN} draws in a row were unstable or left a region silent: give every region an input "
                    "(C) or a connection (A) that reaches it, and inputs that vary"
                )
        number += 1
    return SimulatedRuns(tuple(runs), 1 - count / number if number else 0.0)


def is_stable(parameters: Parameters, levels: Float[np.ndarray, "level input"]) -> bool:
    """Whether neural activity dies away under each of these input values: A + Σ u_k B_k has negative eigenvalues only.

    Gating (D) is left out, since it depends on activity itself.
    """
    A, B = np.asarray(parameters.A), np.asarray(parameters.B)
    rates = A + np.einsum("ijk,lk->lij", B, levels)
    own = np.arange(len(A))
    rates[:, own, own] = SELF_INHIBITION * np.exp(rates[:, own, own])
    return bool((np.linalg.eigvals(rates).real < 0).all())


def draw_parameters(
    mean: Float[np.ndarray, "param"],
    covariance: Float[np.ndarray, "param param"],
    random: np.random.Generator,
    within: float = np.inf,
) -> Float[np.ndarray, "param"]:
    """One draw from N(mean, covariance), each independent direction cut off at `within` standard deviations.

    Parameters without variance stay at their mean.
    """
    from scipy.special import ndtr, ndtri  # not loaded by `import dcm`

    free = np.flatnonzero(np.diag(covariance) > 0)
    tail = ndtr(-within)
    standard = ndtri(tail + (1 - 2 * tail) * random.random(free.size))
    truth = np.array(mean, dtype=np.float64)
    truth[free] += np.linalg.cholesky(covariance[np.ix_(free, free)]) @ standard
    return truth


def displace_haemodynamics(
    truth: Float[np.ndarray, "param"], layout: Layout, density: Prior, deviations: float, random: np.random.Generator
) -> Float[np.ndarray, "param"]:
    """The same with transit times, decay and epsilon `deviations` prior standard deviations from their prior mean.

    Whether above or below it is drawn for each.
    """
    moved = truth.copy()
    for field in HAEMODYNAMIC:
        place = layout.field_slice(field)
        sides = np.where(random.random(layout.sizes[field]) < 0.5, -1.0, 1.0)
        moved[place] = density.mean[place] + deviations * sides * np.sqrt(np.diag(density.covariance)[place])
    return moved
