"""Is a group of averages right where the visits that are averaged truly differ?  ``python -m benchmarks.averages``

A Bayesian average takes a participant's visits as seeing one θ. Here they do not: each visit has its own, and
the average is too sure of the participant's. Two groups of participants with two to six visits each (or one
visit in one group and six in the other), two connections, first-level errors of 0.15 to 0.45 Hz, nothing to
find: how often the mean of all and the difference between the groups are called at a two-sided 10 %, by one
group and by a group of each; and how many participants' visits are said to disagree. Monte-Carlo standard
errors are in brackets.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np
import pandas

from peb import (
    Design,
    Estimate,
    Gaussian,
    average_visits,
    evaluate_contrast,
    evaluate_contrast_by_cell,
    fit,
    heterogeneity,
    parse_contrast,
    two_sided_probability,
)
from pipeline.common import start_jax

from ._options import whole_number
from ._table import table

ERROR = (0.15, 0.45)  # Hz, SD of a visit's estimate
CONNECTIONS, VISITS, UNEQUAL = 2, (2, 6), (1, 6)


class AverageCell(NamedTuple):
    """Participants, SD between them and between the visits of one, Hz; and whether groups differ in visits."""

    participants: int
    between: float
    within: float
    unequal: bool = False

    @property
    def name(self) -> str:
        """Such as ``20, visits differ by 0.5``."""
        return f"{self.participants}, visits differ by {self.within:g}{', 1 v 6 visits' if self.unequal else ''}"


CELLS = (
    AverageCell(20, 0.3, 0.0),
    AverageCell(20, 0.3, 0.5),
    AverageCell(20, 0.3, 1.5),
    AverageCell(20, 0.0, 0.7),
    AverageCell(20, 0.3, 0.7, unequal=True),
    AverageCell(8, 0.3, 1.5),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.averages", description=__doc__)
    parser.add_argument("--studies", type=whole_number(2), default=200, help="of each cell")
    parser.add_argument("--seed", type=whole_number(0), default=5)
    chosen = parser.parse_args()
    start_jax()
    rows = [_cell(cell, chosen.studies, chosen.seed + place) for place, cell in enumerate(CELLS)]
    print(table(rows, tuple(rows[0])))


def _cell(cell: AverageCell, studies: int, seed: int) -> dict[str, str]:
    rng = np.random.default_rng(seed)
    called: dict[str, list[float]] = {"mean": [], "difference": [], "a group each": []}
    disagree = 0
    for _ in range(studies):
        estimates, frame, odd = _study(cell, rng)
        disagree += odd
        design = Design.from_formula(frame, "group")
        group, difference = fit(estimates, design), parse_contrast("a - b", design)
        each = evaluate_contrast_by_cell(estimates, design, difference)
        answers = (evaluate_contrast(group, "mean"), evaluate_contrast(group, difference), each)
        for found, answer in zip(called.values(), answers, strict=True):
            found.append(float((two_sided_probability(answer.probability) <= 0.1).mean()))
    shares = {f"{name}_at_10_%": _percent(np.array(found)) for name, found in called.items()}
    return {"participants": cell.name, **shares, "visits_disagree_in": f"{disagree / studies:.1f}"}


def _percent(shares: np.ndarray) -> str:
    return f"{100 * shares.mean():.1f} ({100 * shares.std(ddof=1) / np.sqrt(shares.size):.1f})"


def _study(cell: AverageCell, rng: np.random.Generator) -> tuple[list[Estimate], pandas.DataFrame, int]:
    """Averages, the table of participants, and how many of them have visits that surely disagree."""
    averages, disagree = [], 0
    groups = ["ab"[i % 2] for i in range(cell.participants)]
    for i, group in enumerate(groups):
        visits = UNEQUAL["ab".index(group)] if cell.unequal else int(rng.integers(VISITS[0], VISITS[1] + 1))
        mean = cell.between * rng.standard_normal(CONNECTIONS)
        own = [_visit(f"ses-{v + 1}", mean, cell.within, rng) for v in range(visits)]
        averages.append(average_visits(own, f"sub-{i + 1:02d}"))
        disagree += bool(heterogeneity(own).remark)
    names = [average.name for average in averages]
    return averages, pandas.DataFrame({"participant_id": names, "group": groups}), disagree


def _visit(name: str, mean: np.ndarray, within: float, rng: np.random.Generator) -> Estimate:
    error = rng.uniform(*ERROR, CONNECTIONS)
    data = mean + within * rng.standard_normal(CONNECTIONS) + error * rng.standard_normal(CONNECTIONS)
    variance = 1 / (1 + 1 / error**2)
    prior = Gaussian(np.zeros(CONNECTIONS), np.eye(CONNECTIONS))
    names = tuple(f"B{j}" for j in range(CONNECTIONS))
    return Estimate(
        name, names, ("B",) * CONNECTIONS, prior, Gaussian(variance * data / error**2, np.diag(variance)), 0.0
    )


if __name__ == "__main__":
    main()
