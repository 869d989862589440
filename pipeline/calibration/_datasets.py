"""Data sets simulated from a design with known truths, and inverted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float

from dcm import (
    Data,
    DrawTruth,
    Failure,
    Posterior,
    Prior,
    Progress,
    SerialNoise,
    Spec,
    draw_parameters,
    invert_each,
    simulate_draws,
)
from peb import Gaussian, reduce

from ..common import UsageError, count_cores
from ..study import MAIN
from ._inversion_store import InversionMode, InversionStore, InvertedDataSet, data_set_key
from ._simulation_design import CalibrationDesign, RunEstimate

Origin = Literal["prior", "estimates"]
TRUTH_RANGE = 2.0  # standard deviations that truths lie from where they are drawn around
ABSENT_SHARE = 0.5  # share of changes (B) that are 0
REDUCED = "less one change"  # the main model without its first change (B), inverted to check its reduction
CHECKED_DATASETS = 8  # data sets in which it is
MODEL_SHARE = 5  # of as many data sets as are asked for, one fifth is made for each alternative model


@dataclass(frozen=True)
class DesignCell:
    """Data sets of one kind.

    Fields:
        origin: whether truths are drawn from the prior or around the study's estimates.
        snr: signal to noise.
        model: that they are made by.
    """

    origin: Origin
    snr: float
    model: str = MAIN


@dataclass(frozen=True, eq=False)
class SimulatedDataSet:
    """One simulated data set and what became of it.

    Fields:
        cell, number: which it is.
        truth: (param,) in the order of its model's `Layout`.
        data: the run.
        inverted: by model.
    """

    cell: DesignCell
    number: int
    truth: Float[np.ndarray, "param"]
    data: Data
    inverted: dict[str, InvertedDataSet] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class CalibrationRun:
    """All data sets, inverted.

    Fields:
        design, mode: what was simulated and how it was inverted.
        datasets: those of the main model first, cell by cell.
        redrawn: share of drawn truths that were unstable or silent, and were replaced.
        reused: how many inversions an earlier run had done.
    """

    design: CalibrationDesign
    mode: InversionMode
    datasets: tuple[SimulatedDataSet, ...]
    redrawn: float
    reused: int

    @property
    def cells(self) -> tuple[DesignCell, ...]:
        """Those of the main model, in order."""
        return tuple(dict.fromkeys(dataset.cell for dataset in self.datasets if dataset.cell.model == MAIN))

    def of(self, cell: DesignCell) -> list[SimulatedDataSet]:
        """The data sets of a cell."""
        return [dataset for dataset in self.datasets if dataset.cell == cell]

    @property
    def failures(self) -> list[str]:
        """Why inversions failed."""
        return [found.failure for dataset in self.datasets for found in dataset.inverted.values() if found.failure]


def make_datasets(
    design: CalibrationDesign,
    mode: InversionMode,
    count: int,
    ratios: Sequence[float],
    seed: int,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[list[SimulatedDataSet], float]:
    """`count` data sets of the main model, spread over cells, some of every alternative, and the share redrawn.

    Arguments:
        say: prints a line where truths cannot be drawn around the estimates, whose signals are silent or unstable.

    Raises `UsageError` where the design cannot make any.
    """
    origins: tuple[Origin, ...] = ("prior", "estimates") if _usable_estimates(design, mode, say) else ("prior",)
    cells = [DesignCell(origin, ratio) for ratio in ratios for origin in origins]
    counts = [count // len(cells) + (place < count % len(cells)) for place in range(len(cells))]
    if design.models:
        middle = ratios[len(ratios) // 2]
        cells += [DesignCell("prior", middle, name) for name in design.models]
        counts += [max(count // MODEL_SHARE, 1)] * len(design.models)
    datasets: list[SimulatedDataSet] = []
    redrawn = []
    for cell, wanted in zip(cells, counts, strict=True):
        made, percent_with_error = _simulate_cell(design, mode, cell, wanted, seed)
        datasets += made
        redrawn.append(percent_with_error)
    return datasets, float(np.mean(redrawn))


def _simulate_cell(
    design: CalibrationDesign, mode: InversionMode, cell: DesignCell, count: int, seed: int
) -> tuple[list[SimulatedDataSet], float]:
    spec = design.spec if cell.model == MAIN else design.models[cell.model]
    draw = truth_sampler(spec, mode.prior_of(spec), design.estimates if cell.origin == "estimates" else ())
    noise = SerialNoise((design.correlation,) if design.correlation else ())
    templates = len(design.templates)
    found: dict[int, SimulatedDataSet] = {}
    shares = []
    for place, template in enumerate(design.templates):
        numbers = range(place, count, templates)
        if not numbers:
            continue
        key = (seed, *f"{cell.origin} {cell.snr:g} {cell.model} {place}".encode())
        try:
            made = simulate_draws(spec, template, draw, len(numbers), snr=cell.snr, seed=key, noise=noise)
        except ValueError as error:
            raise UsageError(f"{design.name}: {error}") from error
        shares.append(made.redrawn)
        for number, run in zip(numbers, made.runs, strict=True):
            truth = np.asarray(spec.layout.to_vector(run.parameters))
            found[number] = SimulatedDataSet(cell, number, truth, run.data)
    return [found[number] for number in range(count)], float(np.mean(shares)) if shares else 0.0


def _usable_estimates(design: CalibrationDesign, mode: InversionMode, say: Callable[[str], None]) -> bool:
    if not design.estimates:
        return False
    try:
        _simulate_cell(design, mode, DesignCell("estimates", 1.0), 1, 0)
    except UsageError:
        say("truths around the estimates leave a region silent or are unstable; all are drawn from the prior")
        return False
    return True


def truth_sampler(spec: Spec, density: Prior, found: Sequence[RunEstimate] = ()) -> DrawTruth:
    """Draws truths within 2 standard deviations of the prior, or of one of the estimates; half of all B are 0."""
    layout = spec.layout
    b = layout.field_slice("B")
    free = b.start + np.flatnonzero(np.diag(density.covariance)[b])

    def draw(random: np.random.Generator) -> Float[np.ndarray, "param"]:
        if found:
            estimate = found[int(random.integers(len(found)))]
            truth = draw_parameters(estimate.mean, estimate.covariance, random, TRUTH_RANGE)
        else:
            truth = draw_parameters(density.mean, density.covariance, random, TRUTH_RANGE)
        truth[free[random.random(free.size) < ABSENT_SHARE]] = 0.0
        return truth

    return draw


def invert_datasets(
    design: CalibrationDesign,
    mode: InversionMode,
    datasets: Sequence[SimulatedDataSet],
    store: InversionStore,
    *,
    say: Callable[[str], None],
    on_progress: Progress | None = None,
    check: Callable[[], None] = lambda: None,
) -> int:
    """Invert what is not in the store yet, one by one into it; how many were there.

    Arguments:
        say: prints a line for each entry of the store that cannot be used.
        check: called before every result is written.
    """
    specs = {MAIN: design.spec, REDUCED: without_first_change(design.spec), **design.models}
    tasks = [(dataset, model) for dataset in datasets for model in _models_for(dataset, design, datasets)]
    subjects = [
        mode.subject(f"data set {i + 1}", specs[model], dataset.data) for i, (dataset, model) in enumerate(tasks)
    ]
    keys = [data_set_key(subject, mode) for subject in subjects]
    missing = []
    for place, ((dataset, model), key) in enumerate(zip(tasks, keys, strict=True)):
        before = store.read(key)
        if isinstance(before, InvertedDataSet):
            dataset.inverted[model] = before
        else:
            missing.append(place)
            if before is not None:
                say(before)
    if missing:
        for place, outcome in invert_each(subjects, mode.settings, on_progress, missing, count_cores()):
            check()
            dataset, model = tasks[place]
            found = summarise_inversion(outcome)
            store.write(keys[place], found)
            dataset.inverted[model] = found
    return len(tasks) - len(missing)


def _models_for(
    dataset: SimulatedDataSet, design: CalibrationDesign, datasets: Sequence[SimulatedDataSet]
) -> list[str]:
    """By which models a data set is inverted: by all where models are compared, else by the main one."""
    if not design.models:
        checked = bool(design.spec.b.any()) and any(dataset is other for other in datasets[:CHECKED_DATASETS])
        return [MAIN, REDUCED] if checked else [MAIN]
    others = [other for other in datasets if other.cell.model != MAIN]
    alike = DesignCell("prior", others[0].cell.snr)
    most = max(other.number for other in others)
    distinct_names = dataset.cell.model != MAIN or (dataset.cell == alike and dataset.number <= most)
    return [MAIN, *design.models] if distinct_names else [MAIN]


def without_first_change(spec: Spec) -> Spec:
    """The model without the first change of a connection (B), in the order of `Layout`; itself where there is none."""
    b = np.ravel(spec.b, order="F").copy()
    b[np.flatnonzero(b)[:1]] = False
    return Spec(spec.regions, spec.inputs, spec.a, b.reshape(spec.b.shape, order="F"), spec.c, spec.d)


def summarise_inversion(outcome: Posterior | Failure) -> InvertedDataSet:
    """What calibration needs of an inversion, or why there is none."""
    if isinstance(outcome, Failure):
        return InvertedDataSet((), (), (), 0.0, (), False, outcome.reason)
    free = outcome.free
    sd = np.sqrt(np.diag(outcome.covariance))
    return InvertedDataSet(
        free=tuple(free.tolist()),
        mean=tuple(outcome.mean[free].tolist()),
        sd=tuple(sd.tolist()),
        free_energy=float(outcome.free_energy),
        gains=tuple(_reduction_gains(outcome).tolist()),
        converged=outcome.status.name == "CONVERGED",
    )


def _reduction_gains(posterior: Posterior) -> Float[np.ndarray, "change"]:
    """F of the model minus F of the model without one change (B), for each, by reduction of its prior."""
    free, layout = posterior.free, posterior.spec.layout
    places = [i for i, entry in enumerate(free) if layout.field_of(int(entry)) == "B"]
    if not places:
        return np.zeros(0)
    density = posterior.prior
    before = Gaussian(density.mean[free], density.covariance[np.ix_(free, free)])
    covariances = np.repeat(before.covariance[None], len(places), axis=0)
    for row, place in enumerate(places):
        covariances[row, place, :] = covariances[row, :, place] = 0.0
    means = np.repeat(before.mean[None], len(places), axis=0)
    return -reduce(before, Gaussian(posterior.mean[free], posterior.covariance), means, covariances).delta_free_energy
