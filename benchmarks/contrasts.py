"""How often contrasts of three groups are called where there is nothing, with one spread for all and with one for each.

    python -m benchmarks.contrasts --studies 300 --seed 5

Participants' estimates are Gaussian, with an error of 0.15 to 0.45 Hz in each of two sessions, as in
`benchmarks.calibration_group`; three groups of unequal size and spread, age as a covariate, two connections. The
contrasts are two differences of levels, and one level against the average of the others; and the mean over levels,
whose 90 % intervals are counted by themselves. Monte-Carlo standard errors, as if contrasts of one study were one, in
brackets.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas

from peb import (
    Design,
    Estimate,
    Gaussian,
    NormalMixture,
    evaluate_contrast,
    evaluate_contrast_by_cell,
    fit,
    parse_contrast,
    verdict,
)
from pipeline.common import start_jax

from ._table import table

SIZES = {"balanced 12/12/12": (12, 12, 12), "unequal 24/10/6": (24, 10, 6)}
MEAN_OF_LEVELS = "mean"
SPREADS = {"alike": (1.0, 1.0, 1.0), "least spread widest": (1.0, 1.0, 3.0), "largest widest": (3.0, 1.0, 1.0)}
CONTRASTS = ("a - c", "b - c", "0.5*a + 0.5*b - c")
PRIOR_VARIANCE = 2.0  # Hz², of a change
SPREAD, EFFECT = 0.35, 0.6  # Hz
MEANS = (0.4, -0.2)  # Hz, of the connections


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=300, help="studies of a cell")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="cells whose sizes and spreads hold all of these")
    parser.add_argument("--null", action="store_true", help="studies with nothing to find alone")
    chosen = parser.parse_args()
    start_jax()
    rows: list[dict[str, str]] = []
    for sizes, counts in SIZES.items():
        for spreads, factors in SPREADS.items():
            if not all(text in f"{sizes} {spreads}" for text in chosen.only or ()):
                continue
            for effect in (0.0,) if chosen.null else (0.0, EFFECT):
                rows += [
                    {"sizes": sizes, "spreads": spreads, "planted_Hz": f"{effect:g}", **row}
                    for row in _cell(counts, factors, effect, chosen.studies, chosen.seed)
                ]
                print(table(rows[-2:], tuple(rows[0])), flush=True)
    print(table(rows, tuple(rows[0])))


def _cell(
    counts: tuple[int, ...], factors: tuple[float, ...], effect: float, studies: int, seed: int
) -> list[dict[str, str]]:
    """One row for each method."""
    truth = np.array([[effect, 0.0] for _ in CONTRASTS])
    found: dict[str, list[StudyAnswers]] = {"one group": [], "a group each": []}
    for estimates, frame in _studies(counts, factors, effect, studies, seed):
        design = Design.from_formula(frame, "group + age", reference={"group": "c"})
        asked = [parse_contrast(text, design) for text in (*CONTRASTS, MEAN_OF_LEVELS)]
        group, mean = fit(estimates, design), np.array(MEANS) - [effect / 3, 0.0]
        found["one group"].append(
            _said([evaluate_contrast(group, contrast).density for contrast in asked], truth, mean)
        )
        each = [evaluate_contrast_by_cell(estimates, design, contrast).density for contrast in asked]
        found["a group each"].append(_said(each, truth, mean))
    return [{"method": method, **_row(said, truth == 0, studies)} for method, said in found.items()]


class StudyAnswers(NamedTuple):
    """Of one study: P(δ > 0), a false yes, right ones, and whether 90 % intervals hold the truth, and the mean."""

    above: np.ndarray
    false: bool
    right: np.ndarray
    held: np.ndarray
    mean_held: np.ndarray


def _said(densities: list[NormalMixture], truth: np.ndarray, mean: np.ndarray) -> StudyAnswers:
    *densities, of_mean = densities
    above = np.array([density.above_zero for density in densities])
    yes = np.zeros(truth.shape, dtype=bool)
    for row, density in enumerate(densities):
        yes[row, list(verdict(above[row], density.within(0.5)).which)] = True
    low, high = np.moveaxis(np.array([density.interval(0.9) for density in densities]), -1, 0)
    wrong = yes & ((truth == 0) | (above < 0.5))
    least, most = of_mean.interval(0.9).T
    mean_held = (least <= mean) & (mean <= most)
    return StudyAnswers(above, bool(wrong[0].any()), yes & ~wrong, (low <= truth) & (truth <= high), mean_held)


def _row(said: list[StudyAnswers], null: np.ndarray, studies: int) -> dict[str, str]:
    above = np.array([study.above for study in said])
    called = 2 * np.minimum(above, 1 - above)[:, null] <= 0.1
    false = float(np.mean([study.false for study in said]))
    right = np.array([study.right for study in said])[:, ~null]
    return {
        "called_at_10_%": _percent(called.mean(), studies),
        "false_yes_of_a_-_c_%": _percent(false, studies),
        "found_%": f"{100 * right.mean():.0f}" if right.size else "-",
        "90_%_holds": _percent(np.mean([study.held for study in said]), studies),
        "90_%_holds_mean": _percent(np.mean([study.mean_held for study in said]), studies),
    }


def _percent(share: float, studies: int) -> str:
    return f"{100 * share:.1f} ({100 * np.sqrt(share * (1 - share) / studies):.1f})"


def _studies(
    counts: tuple[int, ...], factors: tuple[float, ...], effect: float, studies: int, seed: int
) -> Iterator[tuple[list[Estimate], pandas.DataFrame]]:
    rng = np.random.default_rng([seed, *counts, *(int(10 * factor) for factor in factors), int(100 * effect)])
    n, q = sum(counts), len(MEANS)
    names = [f"sub-{i + 1:02d}" for i in range(n)]
    group = np.repeat(["a", "b", "c"], counts)
    sd = SPREAD * np.repeat(factors, counts) / np.sqrt(np.mean(np.square(factors)))
    prior = Gaussian(np.zeros(q), PRIOR_VARIANCE * np.eye(q))
    for _ in range(studies):
        age = rng.normal(40, 8, n)
        true = np.array(MEANS) + sd[:, None] * rng.standard_normal((n, q))
        true[:, 0] -= effect * (group == "c")
        error = np.sqrt(2) * rng.uniform(0.15, 0.45, (n, q))
        data = true + error * rng.standard_normal((n, q))
        variance = 1 / (1 / error**2 + 1 / PRIOR_VARIANCE)
        mean = variance * data / error**2
        estimates = [
            Estimate(name, ("B0", "B1"), ("B", "B"), prior, Gaussian(mean[i], np.diag(variance[i])), 0.0)
            for i, name in enumerate(names)
        ]
        yield estimates, pandas.DataFrame({"participant_id": names, "group": group, "age": age})


if __name__ == "__main__":
    main()
