"""Batches: participants and models of different sizes, padded to arrays that run through one compiled step.

Participants of a batch share the number of regions. Where one has fewer scans, steps, intervals, confounds, inputs or
free parameters than another it is padded so that the padding changes no number (see `Problem`). The arrays of a batch
are made at once, with one row for each participant, so that they go to a device in one piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from ._bilinear import Timing
from ._forward import ForwardModel
from ._gating import gated_regions
from ._joint_density import POWER_FLOOR, Problem
from ._laplace import NoiseModel
from ._priors import Prior
from ._settings import Settings
from ._spec import Layout
from ._subject import PreparedSubject, Shared

SPM_FIRST_LOG_STEP, SPM_FREE_ITERATIONS = -4.0, 2  # SPM accepts its first two iterations whether F rises or not
FIRST_LOG_STEP, LOG_STEP_NEAR_OPTIMUM = -2.0, 2.0  # ours
SIZE_RATIO = 2.0  # sizes within this ratio share a batch: a larger one wastes arithmetic, a smaller one compilations


@dataclass(frozen=True, eq=False)
class Batch:
    """Participants that run through the same compiled code.

    Fields:
        model: what selects that code.
        members: their positions in the cohort.
        prepared: they themselves.
        settings: how they are inverted.
        extent: sizes to which they are padded.
    """

    model: ForwardModel
    members: tuple[int, ...]
    prepared: tuple[PreparedSubject, ...]
    settings: Settings
    extent: dict[str, int]
    shared: Shared = field(default_factory=Shared, repr=False)

    @property
    def noise(self) -> NoiseModel:
        """Which code the noise needs; noise without correlation is a case of noise with it."""
        return self.settings.noise if self.settings.as_spm else "ar1"

    def free_columns(self, member: int) -> np.ndarray:
        """Which columns of the batch's free parameters are free in this member's model."""
        return self._densities[member].columns

    @cached_property
    def problems(self) -> Problem:
        """The padded arrays of all members, member by member; their starting points along the second axis."""
        extent, count, n = self.extent, len(self.prepared), self.model.layout.n
        scans, confounds, free = extent["scans"], extent["confounds"], len(self.model.free)
        made: dict[str, Any] = {
            "bold": np.zeros((count, scans, n)),
            "scan_mask": np.zeros((count, scans)),
            "confounds": np.zeros((count, scans, confounds)),
            "confound_power": np.zeros((count, confounds)),
            "confound_mask": np.zeros((count, confounds)),
            "confound_rotation": np.tile(np.eye(confounds), (count, 1, 1)),
            "confound_start": np.zeros((count, confounds if self.settings.as_spm else 0, n)),
            "prior_vector": np.zeros((count, self.model.layout.size)),
            "prior_precision": np.zeros((count, free, free)),
            "free_mask": np.zeros((count, free)),
            "start": np.zeros((count, self.settings.starts, free)),
        }
        for k, run in enumerate(self.prepared):
            v, c, density = run.data.scans, run.power.size, self._densities[k]
            made["bold"][k, :v] = run.data.bold
            made["scan_mask"][k, :v] = 1
            made["confounds"][k, :v, :c] = run.confounds
            made["confound_power"][k, :c] = run.power
            made["confound_mask"][k, :c] = 1
            if self.settings.as_spm:
                made["confound_start"][k, :c] = _least_squares(run)
                if run.rotation.shape == (c, c):
                    made["confound_rotation"][k, :c, :c] = run.rotation
            made["prior_vector"][k] = density.mean
            made["prior_precision"][k] = density.precision
            made["free_mask"][k, density.columns] = 1
            made["start"][k][:, density.columns] = _starts(run, density, self.settings)
        numbers: dict[str, Any] = {
            "echo_time": [run.data.echo_time for run in self.prepared],
            "noise_mean": [run.prior.noise_mean for run in self.prepared],
            "noise_precision": [1 / run.prior.noise_variance for run in self.prepared],
            "gain": [run.scale if self.settings.scaling == "model" else 1.0 for run in self.prepared],
            "serial": np.full(count, self.settings.noise == "ar1"),
            "tolerance": np.full(count, self.settings.tolerance),
            "first_log_step": [self._first_log_step(run) for run in self.prepared],
        }
        made |= {name: np.asarray(values, dtype=float) for name, values in numbers.items()}
        made["prior_mean"] = made["prior_vector"][:, np.array(self.model.free)]
        made["max_iterations"] = np.full(count, self.settings.max_iterations)
        made["free_iterations"] = np.full(count, SPM_FREE_ITERATIONS if self.settings.as_spm else 1)
        runs = [run.data.run_starts for run in self.prepared]
        made["run_starts"] = np.stack(runs) if len(runs[0]) > 1 else None  # as many in all members
        return Problem(timing=self._timing(), **made)

    def _first_log_step(self, run: PreparedSubject) -> float:
        """SPM's; far where the inversion begins at the optimum of a simpler model."""
        if self.settings.as_spm:
            return SPM_FIRST_LOG_STEP
        return FIRST_LOG_STEP if run.starts is None else LOG_STEP_NEAR_OPTIMUM

    @cached_property
    def _densities(self) -> list[_Density]:
        """The members' priors in the batch's parameters; the same object where they are the same."""

        def of(run: PreparedSubject) -> _Density:
            own = run.subject.spec.layout
            return self.shared.get((id(run.prior), own), lambda: _density(self.model, own, run.prior), run.prior)

        return [of(run) for run in self.prepared]

    def _timing(self) -> Timing:
        extent, count, layout = self.extent, len(self.prepared), self.model.layout
        made: dict[str, Any] = {
            "inputs": np.zeros((count, extent["intervals"], layout.m)),
            "durations": np.zeros((count, extent["intervals"])),
            "interval": np.zeros((count, extent["steps"]), dtype=int),
            "sample": np.zeros((count, extent["scans"], layout.n), dtype=int),
        }
        if len(self.prepared[0].data.run_starts) > 1:  # as many in all members
            made["last"] = np.zeros((count, extent["intervals"]), dtype=bool)
        for k, own in enumerate(run.steps for run in self.prepared):
            made["inputs"][k, : len(own.inputs), : own.inputs.shape[1]] = own.inputs
            made["durations"][k, : len(own.durations)] = own.durations
            made["interval"][k, : len(own.interval)] = own.interval
            made["sample"][k, : len(own.sample)] = own.sample
            if own.last is not None:
                made["last"][k, : len(own.last)] = own.last
        return Timing(**made)


def make_batches(prepared: Sequence[PreparedSubject], settings: Settings) -> list[Batch]:
    """Sort a cohort into batches of like size, each in the cohort's order."""
    groups: list[_Group] = []
    for position in sorted(range(len(prepared)), key=lambda i: sorted(prepared[i].size.items())):
        run = prepared[position]
        kind = (run.subject.spec.n, run.steps.panels, len(run.data.run_starts), _targets(run))
        sizes = np.array(list(run.size.values()))
        group = next((group for group in groups if group.accepts(kind, sizes)), None)
        if group is None:
            groups.append(_Group(kind, [position], sizes, sizes))
        else:
            group.members.append(position)
            group.smallest, group.largest = np.minimum(group.smallest, sizes), np.maximum(group.largest, sizes)
    ordered = [sorted(group.members) for group in groups]
    return [make_batch(tuple(prepared[i] for i in members), tuple(members), settings) for members in ordered]


@dataclass(eq=False)
class _Group:
    """A batch in the making: the same code, and sizes within `SIZE_RATIO`."""

    kind: tuple[int, int, int, tuple[int, ...]]  # regions, panels of a step, runs, regions with gated connections
    members: list[int]
    smallest: np.ndarray
    largest: np.ndarray

    def accepts(self, kind: tuple[int, int, int, tuple[int, ...]], sizes: np.ndarray) -> bool:
        """Whether one more of this kind and these sizes fits."""
        widest = np.maximum(self.largest, sizes) <= SIZE_RATIO * np.minimum(self.smallest, sizes)
        return kind == self.kind and bool(widest.all())


def make_batch(prepared: tuple[PreparedSubject, ...], members: tuple[int, ...], settings: Settings) -> Batch:
    """Participants of one number of regions and panels as a batch, whatever their sizes."""
    n = prepared[0].subject.spec.n
    layouts = {run.subject.spec.layout for run in prepared}
    layout = Layout(
        n, max(layout_of_run.m for layout_of_run in layouts), any(layout_of_run.gated for layout_of_run in layouts)
    )
    priors = {(id(run.prior), run.subject.spec.layout): run.prior for run in prepared}
    free = {int(i) for (_, own), density in priors.items() for i in _embedding(own, layout)[density.free]}
    panels = prepared[0].steps.panels
    targets = _targets(prepared[0])
    model = ForwardModel(layout, tuple(sorted(free)), settings.integrator, settings.derivatives, panels, targets)
    extent = {name: max(run.size[name] for run in prepared) for name in prepared[0].size}
    extent["confounds"] = max(run.power.size for run in prepared)
    return Batch(model, members, prepared, settings, extent)


def _targets(run: PreparedSubject) -> tuple[int, ...]:
    """The regions into which connections are gated, be D free or fixed by the prior."""
    layout = run.subject.spec.layout
    if not layout.gated:
        return ()
    return gated_regions(run.subject.spec.d | (layout.to_tree(run.prior.mean).D != 0))


@dataclass(frozen=True, eq=False)
class _Density:
    """A prior in the parameters of its batch: those that its own model switches off have precision 1."""

    mean: Float[np.ndarray, "param"]
    precision: Float[np.ndarray, "free free"]
    columns: np.ndarray  # which of the batch's free parameters are its own
    root: Float[np.ndarray, "own own"]  # Cholesky factor of the covariance of its own


def _density(model: ForwardModel, own: Layout, prior: Prior) -> _Density:
    embedding = _embedding(own, model.layout)
    columns = np.flatnonzero(np.isin(np.array(model.free), embedding[prior.free]))
    mean = np.zeros(model.layout.size)
    mean[embedding] = prior.mean
    covariance = prior.covariance[np.ix_(prior.free, prior.free)]
    precision = np.eye(len(model.free))
    precision[np.ix_(columns, columns)] = _inverse(covariance)
    return _Density(mean, precision, columns, np.linalg.cholesky(covariance))


def _embedding(small: Layout, large: Layout) -> np.ndarray:
    """Where each parameter of a model lies in the vector of one with more inputs or with gating."""
    index = []
    for name, size in small.sizes.items():
        index.append(large.field_slice(name).start + np.arange(size))  # inputs vary slowest, so a prefix suffices
    return np.concatenate(index)


def _least_squares(run: PreparedSubject) -> np.ndarray:
    """β of the data on the rotated confounds, (confound, region): where SPM12's paths begin.

    Here and not in the compiled code, whose last digits depend on how many problems it takes at once.
    """
    power = run.power[:, None]
    present = power > POWER_FLOOR
    return np.where(present, run.confounds.T @ run.data.bold / np.where(present, power, 1.0), 0.0)


def _starts(run: PreparedSubject, density: _Density, settings: Settings) -> np.ndarray:
    """Offsets from the prior mean, (start, own): all as found before, or the first as given or none, the others drawn.

    The draws depend on the seed and on their number only, not on the cohort.
    """
    if run.starts is not None:
        return np.asarray((run.starts - run.prior.mean)[:, run.prior.free])
    offsets = np.zeros((settings.starts, density.columns.size))
    if run.subject.start is not None:
        offsets[0] = (run.subject.start - run.prior.mean)[run.prior.free]
    for start in range(1, settings.starts):
        draw = np.random.default_rng([settings.seed, start]).standard_normal(density.columns.size)
        offsets[start] = settings.spread * density.root @ draw
    return offsets


def _inverse(covariance: np.ndarray) -> np.ndarray:
    """Of a symmetric positive definite matrix; exact where it is diagonal."""
    if np.count_nonzero(covariance - np.diag(np.diag(covariance))) == 0:
        return np.diag(1 / np.diag(covariance))
    half = np.linalg.solve(np.linalg.cholesky(covariance), np.eye(len(covariance)))
    return half.T @ half
