"""Coverage of intervals, signs that are called, and whether the true model is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr, ndtri
from scipy.stats import chi2

from ..results import Z
from ..study import MAIN
from ..verdicts import STRONG_EVIDENCE
from ._datasets import REDUCED, CalibrationRun, SimulatedDataSet

SURE_RATIO = float(ndtri(0.99))  # posterior mean over its standard deviation beyond which P > 0.99
RANK_BINS = 10  # of ranks


@dataclass(frozen=True)
class Coverage:
    """What a set of estimates with known truths shows; Monte-Carlo standard errors take data sets as the units.

    Fields:
        datasets, estimates: how many there are.
        coverage, coverage_se: percent of 90 % intervals that hold the truth.
        sd_z, sd_z_se: standard deviation of (truth − mean) / SD.
        bias: mean of (estimate − truth) in the direction of the truth, over truths that are not 0; Hz.
        correlation: of estimates with truths that are not 0.
        wrong_sign_99, wrong_sign_99_se: percent of truths that are not 0 whose sign is called wrongly at P > 0.99.
        right_sign_99: percent called rightly.
        zeros: how many truths are 0.
        zeros_beyond_90, zeros_beyond_90_se: percent of these outside their 90 % interval.
        rank_p: of a chi² test that ranks of truths in their posteriors are uniform, which they are for truths that are
            drawn from the whole prior; not for truths cut off, or set to 0.

    A number that nothing was there to find from is NaN.
    """

    datasets: int
    estimates: int
    coverage: float
    coverage_se: float
    sd_z: float
    sd_z_se: float
    bias: float
    correlation: float
    wrong_sign_99: float
    wrong_sign_99_se: float
    right_sign_99: float
    zeros: int
    zeros_beyond_90: float
    zeros_beyond_90_se: float
    rank_p: float


def measure_coverage(
    truth: Float[np.ndarray, "estimate"],
    mean: Float[np.ndarray, "estimate"],
    sd: Float[np.ndarray, "estimate"],
    dataset: Int[np.ndarray, "estimate"],
) -> Coverage:
    """Coverage of Gaussian posteriors N(mean, sd²) with known truths; `dataset` says which belong together."""
    z = (truth - mean) / sd
    inside = np.abs(z) < Z
    nonzero = truth != 0
    sure = (np.abs(mean) > SURE_RATIO * sd)[nonzero]
    agrees = (np.sign(mean) == np.sign(truth))[nonzero]
    coverage, coverage_se = percent_with_error(inside, dataset)
    wrong, wrong_se = percent_with_error(sure & ~agrees, dataset[nonzero])
    zeros, zeros_se = percent_with_error(~inside[~nonzero], dataset[~nonzero])
    sd_z = float(z.std()) if z.size else np.nan
    return Coverage(
        datasets=np.unique(dataset).size,
        estimates=z.size,
        coverage=coverage,
        coverage_se=coverage_se,
        sd_z=sd_z,
        sd_z_se=percent_with_error((z - z.mean()) ** 2, dataset)[1] / 100 / (2 * sd_z) if sd_z > 0 else np.nan,
        bias=float((np.sign(truth) * (mean - truth))[nonzero].mean()) if nonzero.any() else np.nan,
        correlation=_correlation(mean[nonzero], truth[nonzero]),
        wrong_sign_99=wrong,
        wrong_sign_99_se=wrong_se,
        right_sign_99=percent_with_error(sure & agrees, dataset[nonzero])[0],
        zeros=int((~nonzero).sum()),
        zeros_beyond_90=zeros,
        zeros_beyond_90_se=zeros_se,
        rank_p=_uniform_p(ndtr(z)),
    )


def percent_with_error(
    found: Float[np.ndarray, "estimate"] | np.ndarray, dataset: Int[np.ndarray, "estimate"]
) -> tuple[float, float]:
    """Mean in percent, and its standard error where data sets are independent and estimates of one are not.

    Where all estimates agree the error is that of one more that does not.
    """
    if not found.size:
        return np.nan, np.nan
    found = np.asarray(found, dtype=np.float64)
    mean = found.mean()
    _, place = np.unique(dataset, return_inverse=True)
    sums = np.bincount(place, found - mean)
    error = np.sqrt((sums**2).sum()) / found.size
    if error == 0:
        error = 1 / (found.size + 1)
    return float(100 * mean), float(100 * error)


def _uniform_p(rank: Float[np.ndarray, "estimate"]) -> float:
    if rank.size < 5 * RANK_BINS:
        return np.nan
    count = np.histogram(rank, bins=RANK_BINS, range=(0, 1))[0]
    expected = rank.size / RANK_BINS
    return float(chi2.sf(((count - expected) ** 2 / expected).sum(), RANK_BINS - 1))


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    if first.size < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return np.nan
    return float(np.corrcoef(first, second)[0, 1])


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
        return list(_recover_alternatives(run))
    return [*_recover_changes_by_ratio(run), *_recover_each_change(run)]


def reduction_errors(run: CalibrationRun) -> list[float]:
    """F of the model without its first change by reduction, minus F of that model inverted by itself, nats."""
    return [
        dataset.inverted[MAIN].free_energy - dataset.inverted[MAIN].gains[0] - dataset.inverted[REDUCED].free_energy
        for dataset in run.datasets
        if REDUCED in dataset.inverted and not any(found.failure for found in dataset.inverted.values())
    ]


def _recover_alternatives(run: CalibrationRun) -> Iterator[ModelRecovery]:
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
            yield _recovery_of(true, others, mine[0].cell.snr, np.array(lead), np.arange(len(lead)), "each inverted")


def _recover_changes_by_ratio(run: CalibrationRun) -> Iterator[ModelRecovery]:
    for snr in dict.fromkeys(cell.snr for cell in run.cells):
        gains = [_change_gains(run, dataset) for dataset in run.datasets if dataset.cell.snr == snr]
        for with_change, true, against in (
            (True, "with a change", "without it"),
            (False, "without a change", "with it"),
        ):
            leads = [_evidence_for_true_model(gain, with_change, number) for number, gain in enumerate(gains)]
            lead, datasets_of = (np.concatenate(each) for each in zip(*leads, strict=True))
            if lead.size:
                yield _recovery_of(true, against, snr, lead, datasets_of, "reduction")


def _recover_each_change(run: CalibrationRun) -> Iterator[ModelRecovery]:
    names = [name for name in run.design.spec.parameter_names if name.startswith("B[")]
    for name in names:
        place = run.design.spec.parameter_names.index(name)
        for with_change, true, against in ((True, f"with {name}", "without it"), (False, f"without {name}", "with it")):
            found = [
                (lead, i)
                for i, dataset in enumerate(run.datasets)
                for entry, truth, lead in _change_gains(run, dataset)
                if entry == place and _is_case(with_change, truth)
            ]
            if found:
                lead, datasets_of = np.array(found).T
                yield _recovery_of(
                    true, against, np.nan, lead if with_change else -lead, datasets_of.astype(int), "reduction"
                )


def _change_gains(run: CalibrationRun, dataset: SimulatedDataSet) -> list[tuple[int, float, float]]:
    """(parameter, truth, gain in F by it) for every change of a connection."""
    layout, found = run.design.spec.layout, dataset.inverted[MAIN]
    changes = [entry for entry in found.free if layout.field_of(entry) == "B"]
    return [(entry, float(dataset.truth[entry]), gain) for entry, gain in zip(changes, found.gains, strict=True)]


def _evidence_for_true_model(
    gains: list[tuple[int, float, float]], with_change: bool, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """By how much the true model leads where a change is or is not there, and which data set it is of."""
    lead = np.array([gain if with_change else -gain for _, truth, gain in gains if _is_case(with_change, truth)])
    return lead, np.full(lead.size, number)


def _is_case(with_change: bool, truth: float) -> bool:
    return abs(truth) >= LEAST_CHANGE if with_change else truth == 0


def _recovery_of(
    true: str, against: str, snr: float, lead: np.ndarray, datasets_of: np.ndarray, how: str
) -> ModelRecovery:
    return ModelRecovery(
        true,
        against,
        snr,
        lead.size,
        *percent_with_error(lead > 0, datasets_of),
        *percent_with_error(lead < -STRONG_EVIDENCE, datasets_of),
        how,
    )
