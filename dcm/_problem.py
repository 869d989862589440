"""From participants to the padded arrays of a batch: models and runs of different sizes made alike.

Participants of a batch share the number of regions. Where one has fewer scans, steps, intervals, confounds, inputs or
free parameters than another it is padded so that the padding changes no number (see `Problem`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import jax.numpy as jnp
import numpy as np

from ._bilinear import Timing
from ._confounds import rotate_confounds
from ._data import Data
from ._forward import Derivatives, ForwardModel, Integrator
from ._laplace import HISTORY, POWER_FLOOR, Problem
from ._nonlinear import Microtime, steps_per_bin
from ._priors import Prior, prior
from ._schedule import Schedule, sampled_bins, schedule
from ._spec import Layout, Spec

NoiseSteps = Literal["spm", "settled"]

SIZE_RATIO = 2.0  # sizes within this ratio share a batch: a larger one wastes arithmetic, a smaller one compilations


@dataclass(frozen=True, eq=False)
class Subject:
    """One model of one run: what is inverted.

    Arguments:
        name: what messages call it.
        spec: the model's structure.
        data: the run.
        prior: SPM12's for `spec` where None.
        centre_inputs: whether inputs are mean-centred first, SPM's option "centre".
        start: (param,) where the first start begins; the prior mean where None. Only free parameters are read.
        confounds_as_given: whether confounds keep their scale, which F and the steps depend on, as in SPM; otherwise
            those that SPM would not write are taken in units of their own (`_confounds`).
    """

    name: str
    spec: Spec
    data: Data
    prior: Prior | None = None
    centre_inputs: bool = False
    start: np.ndarray | None = None
    confounds_as_given: bool = False

    def __post_init__(self) -> None:
        n, m = self.data.bold.shape[1], self.data.inputs.shape[1]
        if (n, m) != (self.spec.n, self.spec.m):
            raise ValueError(
                f"{self.name}: the data have {n} regions and {m} inputs, "
                f"but the model names {self.spec.n} and {self.spec.m}"
            )
        if self.prior is not None and self.prior.mean.size != self.spec.layout.size:
            raise ValueError(
                f"{self.name}: the prior has {self.prior.mean.size} parameters, but the model {self.spec.layout.size}"
            )
        if self.start is not None and np.shape(self.start) != (self.spec.layout.size,):
            raise ValueError(
                f"{self.name}: the start has shape {np.shape(self.start)}, "
                f"but the model {self.spec.layout.size} parameters"
            )


@dataclass(frozen=True)
class Settings:
    """How to invert.

    Arguments:
        integrator: 'bilinear' as SPM, or 'nonlinear' for the full equations (needed where D is free).
        derivatives: 'exact', or 'spm' for SPM12's forward differences, to check against SPM12 only.
        noise: 'spm' for SPM12's steps on the noise's log-precisions λ, which need not reach their optimum, or 'settled'
            to take λ to its optimum in every iteration: better founded, but not SPM's numbers.
        starts: number of starting points; the first is the prior mean, the others are drawn around it.
        seed: of the drawn starting points.
        spread: standard deviation of the drawn starting points in prior standard deviations.
        max_iterations: 128 as SPM12.
        tolerance: predicted gain in F, nats, below which an iteration counts as converged; 0.1 as SPM12.
    """

    integrator: Integrator = "bilinear"
    derivatives: Derivatives = "exact"
    noise: NoiseSteps = "spm"
    starts: int = 1
    seed: int = 0
    spread: float = 0.25
    max_iterations: int = 128
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        problems = []
        if self.noise not in ("spm", "settled"):
            problems.append(f"noise must be 'spm' or 'settled', not {self.noise!r}")
        if self.starts < 1:
            problems.append(f"starts must be at least 1, not {self.starts}")
        if not 1 <= self.max_iterations <= HISTORY:
            problems.append(f"max_iterations must lie between 1 and {HISTORY}, not {self.max_iterations}")
        if not self.tolerance > 0:
            problems.append(f"tolerance must be positive, not {self.tolerance}")
        if not self.spread > 0:
            problems.append(f"spread must be positive, not {self.spread}")
        if self.seed < 0:
            problems.append(f"seed must not be negative, not {self.seed}")
        if problems:
            raise ValueError("; ".join(problems))
        ForwardModel(Layout(1, 1), (), self.integrator, self.derivatives)  # checks both names and their combination


@dataclass(frozen=True, eq=False)
class Prepared:
    """A subject with everything computed that does not depend on its batch."""

    subject: Subject
    prior: Prior
    data: Data  # centred and scaled
    scale: float
    steps: Schedule | None  # None with the nonlinear integrator
    confounds: np.ndarray  # (scan, rotated)
    rotation: np.ndarray  # (confound, rotated): confounds = X0 @ rotation
    power: np.ndarray  # (rotated,)

    @property
    def size(self) -> dict[str, int]:
        """Extents that may be padded."""
        steps = self.steps
        bins = self.data.inputs.shape[0]
        return {
            "scans": self.data.scans,
            "steps": bins if steps is None else len(steps.interval),
            "intervals": 1 if steps is None else len(steps.durations),
        }


@dataclass(frozen=True, eq=False)
class Batch:
    """Subjects that run through the same compiled code."""

    model: ForwardModel
    members: tuple[int, ...]  # positions in the cohort
    prepared: tuple[Prepared, ...]
    settings: Settings
    extent: dict[str, int] = field(default_factory=dict)  # padded sizes

    def problem(self, member: int, start: int) -> Problem:
        """The padded arrays of one member, from one starting point."""
        return _problem(self, self.prepared[member], start)

    def free_columns(self, member: int) -> np.ndarray:
        """Which columns of the batch's free parameters are free in this member's model."""
        return np.flatnonzero(_free_mask(self, self.prepared[member]))


def prepare(subject: Subject, settings: Settings) -> Prepared:
    """Centre, scale, cut into steps, rotate the confounds; `ValueError` where a subject cannot be inverted."""
    if subject.spec.d.any() and settings.integrator == "bilinear":
        raise ValueError(
            "the model has gating connections (D), which the bilinear integrator ignores; use the nonlinear integrator"
        )
    density = subject.prior if subject.prior is not None else prior(subject.spec)
    if not density.free.size:
        raise ValueError("the prior leaves no parameter free; check the masks and prior variances")
    data, scale = subject.data.prepared(subject.centre_inputs)
    confounds = rotate_confounds(data.confounds, subject.confounds_as_given)
    steps = schedule(data) if settings.integrator == "bilinear" else None
    return Prepared(subject, density, data, scale, steps, confounds.basis, confounds.weights, confounds.power)


def make_batches(prepared: Sequence[Prepared], settings: Settings) -> list[Batch]:
    """Sort a cohort into batches of like size, each in the cohort's order."""
    groups: list[_Group] = []
    for position in sorted(range(len(prepared)), key=lambda i: sorted(prepared[i].size.items())):
        one = prepared[position]
        kind = (one.subject.spec.n, _substeps(one, settings))
        sizes = np.array(list(one.size.values()))
        group = next((group for group in groups if group.takes(kind, sizes)), None)
        if group is None:
            groups.append(_Group(kind, [position], sizes, sizes))
        else:
            group.members.append(position)
            group.smallest, group.largest = np.minimum(group.smallest, sizes), np.maximum(group.largest, sizes)
    ordered = [sorted(group.members) for group in groups]
    return [_batch(tuple(prepared[i] for i in members), tuple(members), settings) for members in ordered]


@dataclass(eq=False)
class _Group:
    """A batch in the making: the same number of regions and substeps, and sizes within `SIZE_RATIO`."""

    kind: tuple[int, int]
    members: list[int]
    smallest: np.ndarray
    largest: np.ndarray

    def takes(self, kind: tuple[int, int], sizes: np.ndarray) -> bool:
        """Whether one more of this kind and these sizes fits."""
        widest = np.maximum(self.largest, sizes) <= SIZE_RATIO * np.minimum(self.smallest, sizes)
        return kind == self.kind and bool(widest.all())


def _substeps(one: Prepared, settings: Settings) -> int:
    """A nonlinear step has a static number of substeps, set by the bin width."""
    return steps_per_bin(one.data.bin_width) if settings.integrator == "nonlinear" else 1


def _batch(prepared: tuple[Prepared, ...], members: tuple[int, ...], settings: Settings) -> Batch:
    n = prepared[0].subject.spec.n
    layouts = [one.subject.spec.layout for one in prepared]
    layout = Layout(n, max(one.m for one in layouts), any(one.gated for one in layouts))
    free = sorted({int(i) for one in prepared for i in _embedding(one.subject.spec.layout, layout)[one.prior.free]})
    substeps = _substeps(prepared[0], settings)
    model = ForwardModel(layout, tuple(free), settings.integrator, settings.derivatives, substeps)
    extent = {name: max(one.size[name] for one in prepared) for name in prepared[0].size}
    extent["confounds"] = max(one.power.size for one in prepared)
    return Batch(model, members, prepared, settings, extent)


def _embedding(small: Layout, large: Layout) -> np.ndarray:
    """Where each parameter of a model lies in the vector of one with more inputs or with gating."""
    index = []
    for name, size in small.sizes.items():
        index.append(large.field_slice(name).start + np.arange(size))  # inputs vary slowest, so a prefix suffices
    return np.concatenate(index)


def _free_mask(batch: Batch, one: Prepared) -> np.ndarray:
    embedded = _embedding(one.subject.spec.layout, batch.model.layout)
    return np.isin(np.array(batch.model.free), embedded[one.prior.free])


def _problem(batch: Batch, one: Prepared, start: int) -> Problem:
    free_mask = _free_mask(batch, one)
    own = np.flatnonzero(free_mask)
    vector = np.zeros(batch.model.layout.size)
    vector[_embedding(one.subject.spec.layout, batch.model.layout)] = one.prior.mean
    covariance = one.prior.covariance[np.ix_(one.prior.free, one.prior.free)]
    precision = np.eye(free_mask.size)
    precision[np.ix_(own, own)] = _inverse(covariance)
    scans, confounds = batch.extent["scans"], batch.extent["confounds"]
    offset = np.zeros(free_mask.size)
    offset[own] = _start(one, covariance, batch.settings, start)
    values = {
        "bold": _pad(one.data.bold, scans),
        "scan_mask": _pad(np.ones(one.data.scans), scans),
        "confounds": _pad(one.confounds, scans, confounds),
        "confound_power": _pad(one.power, confounds),
        "confound_mask": _pad(np.ones(one.power.size), confounds),
        "confound_start": _pad(_least_squares(one), confounds),
        "echo_time": one.data.echo_time,
        "prior_vector": vector,
        "prior_mean": vector[np.array(batch.model.free)],
        "prior_precision": precision,
        "free_mask": free_mask.astype(float),
        "noise_mean": one.prior.noise_mean,
        "noise_precision": 1 / one.prior.noise_variance,
        "start": offset,
        "tolerance": batch.settings.tolerance,
    }
    return Problem(
        timing=_timing(batch, one),
        max_iterations=jnp.asarray(batch.settings.max_iterations, dtype=int),
        settle=jnp.asarray(batch.settings.noise == "settled"),
        **{name: jnp.asarray(value, dtype=float) for name, value in values.items()},
    )


def _least_squares(one: Prepared) -> np.ndarray:
    """β of the data on the rotated confounds, (confound, region): where SPM12's paths begin.

    Here and not in the compiled code, whose last digits depend on how many problems it takes at once.
    """
    power = one.power[:, None]
    there = power > POWER_FLOOR
    return np.where(there, one.confounds.T @ one.data.bold / np.where(there, power, 1.0), 0.0)


def _timing(batch: Batch, one: Prepared) -> Timing | Microtime:
    extent, m = batch.extent, batch.model.layout.m
    if one.steps is None:
        return Microtime(
            inputs=jnp.asarray(_pad(one.data.inputs, extent["steps"], m)),
            bin_width=jnp.asarray(one.data.bin_width, dtype=float),
            sample=jnp.asarray(_pad(sampled_bins(one.data), extent["scans"])),
        )
    return Timing(
        inputs=jnp.asarray(_pad(one.steps.inputs, extent["intervals"], m)),
        durations=jnp.asarray(_pad(one.steps.durations, extent["intervals"])),
        interval=jnp.asarray(_pad(one.steps.interval, extent["steps"])),
        sample=jnp.asarray(_pad(one.steps.sample, extent["scans"])),
    )


def _start(one: Prepared, covariance: np.ndarray, settings: Settings, start: int) -> np.ndarray:
    """Start 0 as given or the prior mean; the others depend on the seed and their number only, not on the cohort."""
    if start == 0:
        given = one.subject.start
        return np.zeros(len(covariance)) if given is None else (given - one.prior.mean)[one.prior.free]
    draw = np.random.default_rng([settings.seed, start]).standard_normal(len(covariance))
    return settings.spread * np.linalg.cholesky(covariance) @ draw


def _inverse(covariance: np.ndarray) -> np.ndarray:
    """Of a symmetric positive definite matrix; exact where it is diagonal."""
    if np.count_nonzero(covariance - np.diag(np.diag(covariance))) == 0:
        return np.diag(1 / np.diag(covariance))
    half = np.linalg.solve(np.linalg.cholesky(covariance), np.eye(len(covariance)))
    return half.T @ half


def _pad(array: np.ndarray, *sizes: int) -> np.ndarray:
    widths = [(0, size - extent) for size, extent in zip(sizes, array.shape, strict=False)]
    widths += [(0, 0)] * (array.ndim - len(sizes))
    return np.pad(array, widths)
