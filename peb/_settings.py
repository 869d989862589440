"""How a group is fitted, and what is said where it cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from ._gaussian import Gaussian
from ._group import Compat

Components = Literal["single", "fields", "all", "none"] | Float[np.ndarray, "component param param"]


class PebError(ValueError):
    """A group that cannot be fitted as asked; the message names the participant or parameter and what to do."""


@dataclass(frozen=True, eq=False)
class PebSettings:
    """How to fit a group.

    Arguments:
        components: precision components of the between-participant covariance: ``single`` one for all parameters,
            ``fields`` one for each field (A, B, …), ``all`` one for each parameter, ``none`` for a covariance fixed at
            its prior expectation PC/16; or (component, param, param) precision matrices.
        within: (param, effect) W; None for the identity.
        prior: over the effects, in the order of `GroupPosterior`; None for SPM12's.
        prior_ratio: α, prior variance of the first level over that of an effect.
        between_ratio: β, the same over the expected variance between participants.
        noise_mean, noise_variance: prior of every γ.
        max_iterations: limit of the climb (SPM12: 64; its tutorial: 256).
        compat: ``spm12`` for its numbers, oddities included; ``exact`` for F as derived, all at the optimum, and no
            precision but the data's.
    """

    components: Components = "single"
    within: Float[np.ndarray, "param effect"] | None = None
    prior: Gaussian | None = None
    prior_ratio: float = 1.0
    between_ratio: float = 16.0
    noise_mean: float = 0.0
    noise_variance: float = 1 / 16
    max_iterations: int = 256
    compat: Compat = "spm12"

    def __post_init__(self) -> None:
        for name in ("prior_ratio", "between_ratio", "noise_variance", "max_iterations"):
            if not getattr(self, name) > 0:
                raise PebError(f"{name} must be positive, not {getattr(self, name)}")
        if isinstance(self.components, str) and self.components not in ("single", "fields", "all", "none"):
            raise PebError(f"components must be 'single', 'fields', 'all' or 'none', not {self.components!r}")
        if self.compat not in ("spm12", "exact"):
            raise PebError(f"compat must be 'spm12' or 'exact', not {self.compat!r}")
