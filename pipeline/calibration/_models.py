"""Are models told apart? The study's alternatives, or the model against itself without one change of a connection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..study import MAIN
from ._coverage import share
from ._run import REDUCED, CalibrationRun, DataSet

MARGIN = 3.0  # nats by which a wrong model must win to be called a wrong choice
LEAST_CHANGE = 0.25  # Hz, of a change that is there


@dataclass(frozen=True)
class ModelRecovery:
    """How often the true model is chosen.

    Fields:
        true, against: the model that data were made by, and the others.
        snr: signal to noise; NaN where data sets of all ratios are taken together.
        datasets: how many choices.
        chosen, chosen_se: percent in which the true model has the highest F.
        wrong, wrong_se: percent in which another model has an F more than 3 nats higher.
        how: whether every model was inverted, or the smaller ones' F follow from the larger one's by reduction.
    """

    true: str
    against: str
    snr: float
    datasets: int
    chosen: float
    chosen_se: float
    wrong: float
    wrong_se: float
    how: str


def recover_models(run: CalibrationRun) -> list[ModelRecovery]:
    """The study's models where it has several, else the model with and without each change."""
    if run.design.models:
        return list(_alternatives(run))
    return [*_changes_by_ratio(run), *_each_change(run)]


def reduction_errors(run: CalibrationRun) -> list[float]:
    """F of the model without its first change by reduction, less F of that model inverted by itself, nats."""
    return [
        dataset.inverted[MAIN].free_energy - dataset.inverted[MAIN].gains[0] - dataset.inverted[REDUCED].free_energy
        for dataset in run.datasets
        if REDUCED in dataset.inverted and not any(found.failure for found in dataset.inverted.values())
    ]


def _alternatives(run: CalibrationRun) -> Iterator[ModelRecovery]:
    names = [MAIN, *run.design.models]
    for true in names:
        mine = [
            dataset for dataset in run.datasets if dataset.cell.model == true and set(dataset.inverted) == set(names)
        ]
        lead = [
            dataset.inverted[true].free_energy
            - max(dataset.inverted[name].free_energy for name in names if name != true)
            for dataset in mine
            if not any(found.failure for found in dataset.inverted.values())
        ]
        if lead:
            others = ", ".join(name for name in names if name != true)
            yield _recovery(true, others, mine[0].cell.snr, np.array(lead), np.arange(len(lead)), "each inverted")


def _changes_by_ratio(run: CalibrationRun) -> Iterator[ModelRecovery]:
    for snr in dict.fromkeys(cell.snr for cell in run.cells):
        gains = [_gains(run, dataset) for dataset in run.datasets if dataset.cell.snr == snr]
        for there, true, against in ((True, "with a change", "without it"), (False, "without a change", "with it")):
            leads = [_leads(gain, there, number) for number, gain in enumerate(gains)]
            lead, own = (np.concatenate(each) for each in zip(*leads, strict=True))
            if lead.size:
                yield _recovery(true, against, snr, lead, own, "reduction")


def _each_change(run: CalibrationRun) -> Iterator[ModelRecovery]:
    names = [name for name in run.design.spec.parameter_names if name.startswith("B[")]
    for name in names:
        place = run.design.spec.parameter_names.index(name)
        for there, true, against in ((True, f"with {name}", "without it"), (False, f"without {name}", "with it")):
            found = [
                (lead, i)
                for i, dataset in enumerate(run.datasets)
                for entry, truth, lead in _gains(run, dataset)
                if entry == place and _is(there, truth)
            ]
            if found:
                lead, own = np.array(found).T
                yield _recovery(true, against, np.nan, lead if there else -lead, own.astype(int), "reduction")


def _gains(run: CalibrationRun, dataset: DataSet) -> list[tuple[int, float, float]]:
    """(parameter, truth, gain in F by it) for every change of a connection."""
    layout, found = run.design.spec.layout, dataset.inverted[MAIN]
    changes = [entry for entry in found.free if layout.field_of(entry) == "B"]
    return [(entry, float(dataset.truth[entry]), gain) for entry, gain in zip(changes, found.gains, strict=True)]


def _leads(gains: list[tuple[int, float, float]], there: bool, number: int) -> tuple[np.ndarray, np.ndarray]:
    """By how much the true model leads where a change is or is not there, and which data set it is of."""
    lead = np.array([gain if there else -gain for _, truth, gain in gains if _is(there, truth)])
    return lead, np.full(lead.size, number)


def _is(there: bool, truth: float) -> bool:
    return abs(truth) >= LEAST_CHANGE if there else truth == 0


def _recovery(true: str, against: str, snr: float, lead: np.ndarray, own: np.ndarray, how: str) -> ModelRecovery:
    return ModelRecovery(true, against, snr, lead.size, *share(lead > 0, own), *share(lead < -MARGIN, own), how)
