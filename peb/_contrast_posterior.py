"""What a group says of a contrast: the posterior of one sum of effects on every parameter.

    δ_j = Σ_k w_k β_jk

is normal at every node of a group's spreads, with mean w·m and variance wᵀCw, and a mixture over them. Beside the model
in which δ_j alone is 0 the probability of the one that has it is by the densities at 0 (Savage & Dickey),

    ln p(y | with) − ln p(y | without) = ln p(δ_j = 0) − ln p(δ_j = 0 | y),

and the prior of δ_j is the same however factors are coded (`_canonical_form`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from dcm import NormalMixture
from dcm.tables import DataFrame, data_frame, density_columns, html_table

from ._contrast import Contrast, parse_contrast
from ._gaussian import Gaussian
from ._group import GroupPosterior
from ._verdict import SMALLEST_EFFECT, Verdict, verdict

ContrastMethod = Literal["one group", "a group for each level"]


@dataclass(frozen=True, eq=False)
class ContrastPosterior:
    """The posterior of a contrast.

    Fields (w parameters; Hz where the parameter and the contrast are):
        contrast: which.
        parameters: w names.
        density: (w,) of the contrast on every parameter.
        prior: (w,) the same before data.
        method: from one group with one spread for all, or from a group for each level, whose spreads may differ.
        remarks: what to bear in mind.
    """

    contrast: Contrast
    parameters: tuple[str, ...]
    density: NormalMixture
    prior: NormalMixture
    method: ContrastMethod = "one group"
    remarks: tuple[str, ...] = ()

    @property
    def mean(self) -> Float[np.ndarray, "param"]:
        """Posterior means."""
        return self.density.mean

    @property
    def sd(self) -> Float[np.ndarray, "param"]:
        """Posterior standard deviations."""
        return self.density.sd

    @property
    def probability(self) -> Float[np.ndarray, "param"]:
        """P(contrast > 0 | y), Pp of the kind "posterior beyond zero"."""
        return self.density.above_zero

    @property
    def with_v_without(self) -> Float[np.ndarray, "param"]:
        """p(the model has the contrast | y), beside that in which it alone is 0, both as likely a priori."""
        before, after = (
            np.log(np.maximum(density.density(np.zeros(1))[:, 0], np.finfo(float).tiny))
            for density in (self.prior, self.density)
        )
        return np.asarray(expit(before - after))

    def interval(self, level: float = 0.9) -> Float[np.ndarray, "param 2"]:
        """The central posterior interval: from, to."""
        return self.density.interval(level)

    def verdict(self, size: float = SMALLEST_EFFECT, questions: int | None = None) -> Verdict:
        """Yes (on which parameters), no contrast above `size`, or open; see `peb.verdict`."""
        return verdict(self.probability, self.density.within(size), size=size, questions=questions)

    def summary(self, level: float = 0.9) -> DataFrame:
        """One row a parameter: contrast, parameter, mean, sd, lower, upper, probability, with_v_without.

        `lower` and `upper` are the central interval that holds `level`; `probability` is P(contrast > 0 | y).
        """
        return data_frame(
            {
                "contrast": self.contrast.name,
                "parameter": list(self.parameters),
                **density_columns(self.density, level),
                "with_v_without": self.with_v_without,
            }
        )

    def __repr__(self) -> str:
        return f"ContrastPosterior({self.contrast.name!r}: {self.contrast.explanation}; {self.method})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.summary())


def evaluate_contrast(group: GroupPosterior, contrast: Contrast | str) -> ContrastPosterior:
    """The posterior of a contrast of a group's effects, on every parameter.

        δ = Σ_k w_k β_k

    Arguments:
        group: as `fit` returns it.
        contrast: of its design, or the text of one (`parse_contrast`).

    Raises `DesignError` as `parse_contrast` does.
    """
    asked = parse_contrast(contrast, group.design) if isinstance(contrast, str) else contrast
    density = group.contrast(asked.weights)
    return ContrastPosterior(asked, group.parameters, density, _prior_of(group.prior, asked.weights))


def _prior_of(prior: Gaussian, weights: Float[np.ndarray, "covariate"]) -> NormalMixture:
    found = prior.transformed(np.kron(weights[None], np.eye(prior.mean.size // weights.size)))
    return NormalMixture.normal(found.mean, found.sd)
