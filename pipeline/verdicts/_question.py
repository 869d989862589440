"""What is asked of a covariate: the mean itself, the difference between two kinds, or what one SD of it makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peb import MEAN, Design


@dataclass(frozen=True)
class Question:
    """An effect in units that a size can be stated in.

    Fields:
        factor: δ = factor · β.
        per: what the effect is per, such as ``SD of improvement``; empty for a mean or a difference.
    """

    factor: float
    per: str


def question_of(design: Design, covariate: str) -> Question:
    """δ of one covariate.

    Of a column coded ±1, whose effect is half of a difference, δ is the difference; of numbers, the change for one
    standard deviation more; of their product, the difference between the kinds of that change.
    """
    if covariate == MEAN:
        return Question(1.0, "")
    parts = covariate.split("×")
    numbers = [name for name in parts if name not in design.kinds]
    factor = 2.0 ** (len(parts) - len(numbers))
    for name in numbers:
        factor *= _sd(design, name, covariate)
    return Question(factor, f"SD of {' × '.join(numbers)}" if numbers else "")


def _sd(design: Design, name: str, covariate: str) -> float:
    """Of a column over participants; where the design has its product alone, the product's size."""
    if name in design.covariates:
        return float(np.std(design.matrix[:, design.column(name)]))
    column = design.matrix[:, design.column(covariate)]
    others = len([part for part in covariate.split("×") if part not in design.kinds])
    return float(np.sqrt(np.mean(column**2)) ** (1 / max(others, 1)))
