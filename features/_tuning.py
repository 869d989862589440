"""What an elastic net is tuned over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._design import FeatureError

ALPHAS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
MIXINGS, PENALTIES = 5, 20  # of a coarse grid


@dataclass(frozen=True)
class Tuning:
    """Candidates, and how exactly each is solved.

    Fields:
        alphas: mixings, above 0 (ridge alone has no first model that retains nothing) to 1 (lasso).
        penalties: on each path, equally spaced in their logarithm.
        tolerance: of the solver; see `fit_path`.
        left_out_tolerance: of the many paths without somebody that `published` is tuned by: they give errors of
            prediction, which need fewer digits than coefficients.

    Raises `FeatureError` where there is no candidate, or one is none.
    """

    alphas: tuple[float, ...] = ALPHAS
    penalties: int = 100
    tolerance: float = 1e-8
    left_out_tolerance: float = 1e-6

    def __post_init__(self) -> None:
        wrong = [alpha for alpha in self.alphas if not 0 < alpha <= 1]
        if wrong or not self.alphas or len(set(self.alphas)) < len(self.alphas):
            named = ", ".join(f"{alpha:g}" for alpha in wrong or self.alphas) or "none"
            raise FeatureError(f"alphas: {named}; give different numbers above 0 and up to 1, such as 0.1,0.5,1")
        if self.penalties < 2 or not all(0 < one < 1 for one in (self.tolerance, self.left_out_tolerance)):
            raise FeatureError("it takes two penalties at least, and tolerances between 0 and 1")


def coarse(tuning: Tuning) -> Tuning:
    """Candidates for the hundreds of thousands of fits of a nested estimate: five of the mixings, twenty penalties
    on each path, each solved to a ten-thousandth of the outcome's variance.

    What comes of it hardly differs: ``python -m benchmarks.predict --only grid`` measures by how much.
    """
    places = np.unique(np.linspace(0, len(tuning.alphas) - 1, MIXINGS).round().astype(int))
    alphas = tuple(tuning.alphas[place] for place in places)
    return Tuning(alphas, min(tuning.penalties, PENALTIES), max(tuning.tolerance, 1e-4))
