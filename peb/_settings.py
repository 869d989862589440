"""How a group is fitted, and what is said where it cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from dcm.tables import short_repr

from ._gaussian import Gaussian
from ._group import Compat

LEAST_ITERATIONS = 5  # of a climb

Between = Literal["mixture", "gaussian"]
Components = Literal["single", "fields", "all", "none"] | Float[np.ndarray, "component param param"]


class PebError(ValueError):
    """A group that cannot be fitted as asked; the message names the participant or parameter and what to do."""


@dataclass(frozen=True, eq=False)
class PebSettings:
    """How to fit a group.

    Arguments:
        compat: ``none`` for participants who are a scale mixture about the design and an answer integrated over its
            scale (see `_mixture_fit`); ``spm12`` for SPM12's Gaussian participants and its numbers, oddities included;
            ``spm25`` the same but for its steps, which never end early.
        between: how participants lie about the design: ``mixture``, in which some may be far off; or ``gaussian``. None
            for what `compat` has; with ``none`` it may be overridden: Gaussian participants, F as derived, all at the
            optimum, and no precision but the data's. What follows, but for `prior` and `prior_ratio`, is for Gaussian
            participants.
        components: precision components of the between-participant covariance: ``single`` one for all parameters,
            ``fields`` one for each field (A, B, …), ``all`` one for each parameter, ``none`` for a covariance fixed at
            its prior expectation PC/16; or (component, param, param) precision matrices.
        within: (param, effect) W; None for the identity.
        prior: over the effects, in the order of `GroupPosterior`; None for SPM12's.
        prior_ratio: α, prior variance of the first level over that of an effect.
        between_ratio: β, the same over the expected variance between participants.
        noise_mean, noise_variance: prior of every γ.
        max_iterations: limit of the climb (SPM12: 64; its tutorial: 256).
    """

    compat: Compat = "none"
    between: Between | None = None
    components: Components = "single"
    within: Float[np.ndarray, "param effect"] | None = None
    prior: Gaussian | None = None
    prior_ratio: float = 1.0
    between_ratio: float = 16.0
    noise_mean: float = 0.0
    noise_variance: float = 1 / 16
    max_iterations: int = 256

    def __post_init__(self) -> None:
        for name in ("prior_ratio", "between_ratio", "noise_variance", "max_iterations"):
            if not getattr(self, name) > 0:
                raise PebError(f"{name} must be positive, not {getattr(self, name)}")
        if isinstance(self.components, str) and self.components not in ("single", "fields", "all", "none"):
            raise PebError(f"components must be 'single', 'fields', 'all' or 'none', not {self.components!r}")
        if self.compat not in ("none", "spm12", "spm25"):
            gone = (
                "; what was 'exact' is now compat='none' with between='gaussian'" if str(self.compat) == "exact" else ""
            )
            raise PebError(f"compat must be 'none', 'spm12' or 'spm25', not {self.compat!r}{gone}")
        if self.between is None:
            object.__setattr__(self, "between", "mixture" if self.compat == "none" else "gaussian")
        if self.between not in ("mixture", "gaussian"):
            raise PebError(f"between must be 'mixture' or 'gaussian', not {self.between!r}")
        if self.between == "mixture":
            self._check_mixture()

    __repr__ = short_repr

    def _check_mixture(self) -> None:
        if self.compat != "none":
            raise PebError(f"SPM takes participants as Gaussian: compat={self.compat!r} needs between='gaussian'")
        usual = {"components": "single", "between_ratio": 16.0, "noise_mean": 0.0, "noise_variance": 1 / 16}
        given = ["within"] if self.within is not None else []
        given += [
            name
            for name, value in usual.items()
            if isinstance(getattr(self, name), np.ndarray) or getattr(self, name) != value
        ]
        if given:
            raise PebError(
                f"{given[0]} is for Gaussian participants: a mixture has a spread per connection; leave "
                "it out, or give between='gaussian'"
            )

    @property
    def is_mixture(self) -> bool:
        """Whether participants are a mixture."""
        return self.between == "mixture"

    @property
    def follows_spm(self) -> bool:
        """Whether SPM's numbers are asked for, oddities included."""
        return self.compat != "none"

    @property
    def least_iterations(self) -> int:
        """Before which the climb does not end, as SPM25 has the test for an early end in its verbose mode alone."""
        return self.max_iterations if self.compat == "spm25" else LEAST_ITERATIONS
