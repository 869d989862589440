"""What a group fit returns: the effects of every covariate on every parameter, and what they were found from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np
from jaxtyping import Float

from ._design import Design
from ._estimate import Estimate
from ._gaussian import Gaussian
from ._probability import beyond_zero

Compat = Literal["spm12", "exact"]


class GroupStatus(Enum):
    """How a group fit ended; the value is the message a person reads."""

    CONVERGED = "converged"
    MAX_ITERATIONS = "stopped at the limit of iterations; raise max_iterations"
    NOT_FINITE = "failed: the free energy is not finite at the prior means; check the estimates' priors and posteriors"


@dataclass(frozen=True, eq=False)
class GroupPosterior:
    """The posterior over group effects β of a PEB, p(β | y) ≈ N(mean, covariance).

    Effects are stacked covariate by covariate, parameters fastest: entry k·w + a is covariate k on parameter a.

    Fields (N participants, q first-level parameters, w effects per covariate, K covariates, J components):
        name: what it goes by.
        parameters: w names, those of the first level unless a within-level design W mixes them.
        fields: the field of each.
        first_level: q names of the first-level parameters.
        design: N × K.
        within: (q, w), W.
        prior, posterior: over the K · w effects; in Hz per unit of the covariate where the parameter is in Hz.
        components: (J, q, q) precision components Q.
        component_names: what each is over.
        noise_prior, noise: over γ, the log precisions of the components.
        between: (q, q) Σ, the covariance of participants about what the design predicts.
        free_energy: F, nats.
        participants: every participant's estimate under the empirical prior, in the order of the design.
        status: how it ended.
        iterations: how many it took.
        compat: whose conventions the numbers follow.
    """

    name: str
    parameters: tuple[str, ...]
    fields: tuple[str, ...]
    first_level: tuple[str, ...]
    design: Design
    within: Float[np.ndarray, "param effect"]
    prior: Gaussian
    posterior: Gaussian
    components: Float[np.ndarray, "component param param"]
    component_names: tuple[str, ...]
    noise_prior: Gaussian
    noise: Gaussian
    between: Float[np.ndarray, "param param"]
    free_energy: float
    participants: tuple[Estimate, ...]
    status: GroupStatus
    iterations: int
    compat: Compat

    @property
    def mean(self) -> Float[np.ndarray, "effect covariate"]:
        """SPM's Ep: the posterior mean of every effect."""
        return self._by_covariate(self.posterior.mean)

    @property
    def sd(self) -> Float[np.ndarray, "effect covariate"]:
        """Posterior standard deviations."""
        return self._by_covariate(self.posterior.sd)

    @property
    def probability(self) -> Float[np.ndarray, "effect covariate"]:
        """P(effect > 0 | y): Pp of the kind "posterior beyond zero"; ½ where an effect is fixed at 0."""
        return beyond_zero(self.mean, self.sd)

    @property
    def effects(self) -> tuple[str, ...]:
        """Names of all effects in the order of `posterior`, such as ``improvement: B[amygdala<-vmPFC, faces]``."""
        return tuple(f"{covariate}: {name}" for covariate in self.design.covariates for name in self.parameters)

    def of(self, covariate: str) -> Gaussian:
        """The posterior of one covariate's effects on all parameters."""
        return self.posterior.marginal(self.places(covariate))

    def places(self, covariate: str) -> np.ndarray:
        """Where one covariate's effects lie in `posterior`."""
        size = len(self.parameters)
        return self.design.column(covariate) * size + np.arange(size)

    def as_estimate(self, name: str | None = None) -> Estimate:
        """The group as the level above sees it: its effects are that level's parameters."""
        fields = self.fields * len(self.design.covariates)
        return Estimate(name or self.name, self.effects, fields, self.prior, self.posterior, self.free_energy)

    def _by_covariate(self, vector: np.ndarray) -> np.ndarray:
        return vector.reshape(len(self.design.covariates), len(self.parameters)).T
