"""What `benchmarks.calibration` measures, cell by cell: which data, and what the answers on them should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import dcm
from dcm import DrawTruth, Failure, Posterior, SerialNoise, Settings, Subject, simulate_draws
from pipeline.calibration import Coverage, measure_coverage, percent_with_error
from pipeline.verdicts import STRONG_EVIDENCE

from ._calibration_designs import BenchmarkDesign

Kind = Literal["usual", "prior", "harder"]
FIELDS = ("A", "B", "C")
NARROW = "narrow prior"  # which truths are drawn from, and inverted with
RATIOS = (0.5, 1.0, 3.0)  # signal to noise
USUAL = SerialNoise((0.3,))
DISPLACED = 2.0  # prior standard deviations

# What must hold: (what, least, most), by kind of cell.
LIMITS: dict[Kind, dict[str, tuple[float, float]]] = {
    "usual": {
        **{f"{field}_coverage": (85.0, 95.0) for field in FIELDS},
        **{f"{field}_sd_z": (0.9, 1.15) for field in FIELDS},
        "wrong_sign_99": (0.0, 0.5),
        "zeros_beyond_90": (7.0, 13.0),
        "wrong_model": (0.0, 2.0),
    },
    "prior": {f"{field}_rank_p": (0.01, 1.0) for field in FIELDS},
    "harder": {f"{field}_coverage": (80.0, 100.0) for field in FIELDS},
}
LEAST_LARGER = {0.5: 60.0, 1.0: 95.0, 3.0: 95.0}  # percent of data with a true change in which the larger model wins


@dataclass(frozen=True)
class CalibrationCell:
    """One set of data sets.

    Fields:
        design: its name.
        kind: ``usual`` truths within 2 prior SDs, with zeros; ``prior`` truths from the whole prior, or from a narrow
            one that is inverted with, too; ``harder`` data that are not as the model has them.
        what: how they are harder.
        snr: signal to noise.
        noise: its serial correlation and drift.
        displaced: prior SDs by which haemodynamics are off.
    """

    design: str
    kind: Kind
    what: str
    snr: float
    noise: SerialNoise = USUAL
    displaced: float = 0.0

    @property
    def name(self) -> str:
        """Such as ``block2 usual 0.5``."""
        return f"{self.design} {self.what} {self.snr:g}"


def cells(names: tuple[str, ...]) -> list[CalibrationCell]:
    """Every cell of some designs."""
    found = [CalibrationCell(name, "usual", "usual", snr) for name in names for snr in RATIOS]
    found += [CalibrationCell(name, "prior", what, 1.0) for what in ("prior", NARROW) for name in names]
    harder: dict[str, dict[str, Any]] = {
        "AR(2)": {"noise": SerialNoise((0.3, 0.2))},
        "rho 0": {"noise": SerialNoise(())},
        "rho 0.5": {"noise": SerialNoise((0.5,))},
        "drift": {"noise": SerialNoise((0.3,), drift=1.0)},
        "haemodynamics": {"displaced": DISPLACED},
    }
    return found + [CalibrationCell(name, "harder", what, 1.0, **how) for what, how in harder.items() for name in names]


def measure(
    cell: CalibrationCell,
    design: BenchmarkDesign,
    settings: Settings,
    count: int,
    seed: int,
    progress: dcm.Progress | None,
) -> dict[str, Any]:
    """One row of the table: coverage of A, B and C, and model choice where that is asked of the cell.

    In half of the data sets the tested connection changes, in the other half it does not. Model choice is between the
    model and the model without that change, both inverted.
    """
    draws: dict[str, DrawTruth] = {"": design.draw_from_prior}
    if cell.what == NARROW:
        draws = {"": design.draw_from_narrow_prior}
    elif cell.kind != "prior":
        draws = {f"changes {changes}": design.draw_truth(changes, cell.displaced) for changes in (True, False)}
    made = [
        simulate_draws(
            design.spec,
            design.frame,
            draw,
            count // len(draws),
            snr=cell.snr,
            seed=(seed, *f"{cell.name} {which}".encode()),
            noise=cell.noise,
        )
        for which, draw in draws.items()
    ]
    runs = [run for draw in made for run in draw.runs]
    models = [design.spec, design.without] if cell.kind == "usual" else [design.spec]
    own = design.narrow_prior if cell.what == NARROW else None
    subjects = [Subject(f"data set {i}", spec, run.data, own) for spec in models for i, run in enumerate(runs)]
    found = dcm.invert_cohort(subjects, settings, progress)
    truths = np.array([np.asarray(design.spec.layout.to_vector(run.parameters)) for run in runs])
    row: dict[str, Any] = {
        "cell": cell.name,
        "datasets": len(runs),
        "redrawn": 100 * float(np.mean([draw.redrawn for draw in made])),
        "failed": sum(isinstance(result, Failure) for result in found),
    }
    for field in FIELDS:
        row |= {f"{field}_{key}": value for key, value in vars(coverage_of(field, truths, found[: len(runs)])).items()}
    row |= {
        key: row[f"B_{key}"] for key in ("wrong_sign_99", "wrong_sign_99_se", "zeros_beyond_90", "zeros_beyond_90_se")
    }
    if cell.kind == "usual":
        row |= _model_choice(found[: len(runs)], found[len(runs) :], len(made[0].runs))
    return row | {"missed": ", ".join(_missed(cell, row)) or None}


def coverage_of(field: str, truths: np.ndarray, found: list[Posterior | Failure]) -> Coverage:
    """Coverage of one field's free parameters over all data sets that were inverted."""
    parts = []
    for number, (truth, result) in enumerate(zip(truths, found, strict=True)):
        if isinstance(result, Posterior):
            layout = result.spec.layout
            mine = np.array([layout.field_of(int(entry)) == field for entry in result.free])
            free, sd = result.free[mine], np.sqrt(np.diag(result.covariance))[mine]
            parts.append((truth[free], result.mean[free], sd, np.full(free.size, number)))
    return measure_coverage(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _model_choice(full: list[Posterior | Failure], less: list[Posterior | Failure], changed: int) -> dict[str, float]:
    """How often a model loses by more than 3 nats where it is true, and how often the larger one wins where it is."""
    gain = np.array(
        [
            a.free_energy - b.free_energy if isinstance(a, Posterior) and isinstance(b, Posterior) else np.nan
            for a, b in zip(full, less, strict=True)
        ]
    )
    larger = np.arange(gain.size) < changed
    known = np.isfinite(gain)
    gain, larger = gain[known], larger[known]
    own = np.arange(gain.size)
    wrong, wrong_se = percent_with_error(np.where(larger, gain < -STRONG_EVIDENCE, gain > STRONG_EVIDENCE), own)
    chosen, chosen_se = percent_with_error(gain[larger] > 0, own[larger])
    smaller, _ = percent_with_error(gain[~larger] < 0, own[~larger])
    return {
        "wrong_model": wrong,
        "wrong_model_se": wrong_se,
        "larger_chosen": chosen,
        "larger_chosen_se": chosen_se,
        "smaller_chosen": smaller,
    }


def _missed(cell: CalibrationCell, row: dict[str, Any]) -> Iterator[str]:
    """Figures out of their limits, with a star where by no more than two Monte-Carlo standard errors."""
    limits = dict(LIMITS[cell.kind])
    if cell.kind == "usual":
        limits["larger_chosen"] = (LEAST_LARGER[cell.snr], 100.0)
    for what, (least, most) in limits.items():
        beyond = max(least - row[what], row[what] - most)
        if beyond > 0:
            yield what + ("*" if beyond <= 2 * row.get(f"{what}_se", 0.0) else "")
