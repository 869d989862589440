"""What a group fit returns: the effects of every covariate on every parameter, and what they were found from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit

from dcm import Marginal, NormalMixture
from dcm.tables import DataFrame, counted, data_frame, density_columns, find_name, html_table, unknown_name

from ._design import Design
from ._estimate import Estimate
from ._gaussian import Gaussian
from ._node_mixture import NodeMixture
from ._reduction import reduce, switched, with_v_without
from ._spread_prior import LAST_WEIGHT
from ._switches import evidence_lost_by_each, evidence_of_switches, evidence_of_zeros, given_zeros
from ._visit_remarks import describe_mixed_numbers, describe_visits

Compat = Literal["none", "spm12", "spm25"]
LOW_INFLUENCE = 0.5  # influence below which a participant is named


class GroupStatus(Enum):
    """How a group fit ended; the value is the message a participant reads."""

    CONVERGED = "converged"
    MAX_ITERATIONS = "stopped at the limit of iterations; raise max_iterations"
    MAX_ROUNDS = (
        "stopped before the connections' informations settled; leave out connections that data cannot tell apart"
    )
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
        mixture: the posterior itself where participants are a mixture, of which `posterior` is the Gaussian of the same
            mean and variances; None where participants are Gaussian.
        influence: (N, q) how much a participant counts for each connection, beside a regular one with the same data: 1
            for regular, near 0 for one who is so far off that the others do not heed this participant; None where
            participants are Gaussian, and all count.
        participant_of: whose each row is, where rows of the design, `participants` and `influence` are visits; None
            where they are participants.
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
    mixture: NodeMixture | None = None
    influence: Float[np.ndarray, "subject param"] | None = None
    participant_of: tuple[str, ...] | None = None

    def __getitem__(self, name: str | tuple[str, str]) -> Marginal | Float[np.ndarray, "effect"]:
        """The posterior of one effect, or the means of one covariate's effects.

            group["improvement", "B[V5<-V1, drug]"]    group["improvement: B[V5<-V1, drug]"]    group["improvement"]

        Spaces and ← for <- make no difference. Raises `KeyError`, naming the nearest names, where the group has none
        of them.
        """
        covariates = self.design.covariates
        if isinstance(name, str) and name in covariates:
            return self.mean[:, covariates.index(name)]
        effect = f"{name[0]}: {name[1]}" if isinstance(name, tuple) and len(name) == 2 else str(name)
        if (found := find_name(effect, self.effects)) is None:
            raise unknown_name(effect, (*covariates, *self.effects), "effect or covariate")
        covariate, parameter = divmod(self.effects.index(found), len(self.parameters))
        return Marginal(found, self.marginals[parameter, covariate])

    def to_frame(self) -> DataFrame:
        """Every effect with its posterior and prior: covariate, parameter, mean, sd, prior_mean, prior_sd."""
        return data_frame(
            {
                **self._labels,
                "mean": self.posterior.mean,
                "sd": self.posterior.sd,
                "prior_mean": self.prior.mean,
                "prior_sd": self.prior.sd,
            }
        )

    def summary(self, level: float = 0.9) -> DataFrame:
        """The table of a methods section: covariate, parameter, mean, sd, lower, upper, probability; a row an effect.

        `lower` and `upper` are the central posterior interval that holds `level`; `probability` is P(effect > 0 | y).
        """
        marginals = self.marginals
        density = NormalMixture(
            *(
                np.swapaxes(part, 0, 1).reshape(-1, part.shape[-1])
                for part in (marginals.weight, marginals.means, marginals.sds)
            )
        )
        return data_frame({**self._labels, **density_columns(density, level)})

    @property
    def _labels(self) -> dict[str, list[str]]:
        """The covariate and the parameter of every effect."""
        covariates, parameters = self.design.covariates, self.parameters
        return {
            "covariate": [name for name in covariates for _ in parameters],
            "parameter": [name for _ in covariates for name in parameters],
        }

    def __repr__(self) -> str:
        studied = f"{len(self.design.participants)} participants"
        if self.participant_of is not None:
            studied = f"{len(set(self.participant_of))} participants, {len(self.participant_of)} visits"
        size = f"{studied}, {counted(len(self.design.covariates), 'covariate')}"
        found = f"F = {self.free_energy:.2f} nats, {self.status.name.lower()}, compat {self.compat}"
        return f"GroupPosterior({self.name!r}, {size}, {counted(len(self.parameters), 'parameter')}, {found})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.summary())

    @property
    def mean(self) -> Float[np.ndarray, "effect covariate"]:
        """The posterior mean of every effect, SPM's Ep."""
        return self._by_covariate(self.posterior.mean)

    @property
    def sd(self) -> Float[np.ndarray, "effect covariate"]:
        """Posterior standard deviations."""
        return self._by_covariate(self.posterior.sd)

    @property
    def probability(self) -> Float[np.ndarray, "effect covariate"]:
        """P(effect > 0 | y), Pp of the kind "posterior beyond zero"; ½ where an effect is fixed at 0."""
        return self.marginals.above_zero

    @property
    def marginals(self) -> NormalMixture:
        """The density of every effect by itself, (effect, covariate)."""
        if self.mixture is None:
            return NormalMixture.normal(self.mean, self.sd)
        each = [self.mixture.marginal(contrast) for contrast in np.eye(len(self.design.covariates))]
        weight, means, sds = (
            np.stack([getattr(density, part) for density in each], axis=1) for part in ("weight", "means", "sds")
        )
        return NormalMixture(weight, means, sds)

    def interval(self, level: float = 0.9) -> Float[np.ndarray, "effect covariate 2"]:
        """The central posterior interval of every effect: from, to; `level` of the posterior lies in it."""
        return self.marginals.interval(level)

    def contrast(self, weights: Float[np.ndarray, "covariate"]) -> NormalMixture:
        """The density of Σ_k weights_k · (effect of covariate k), on every parameter."""
        weights = np.asarray(weights, dtype=np.float64)
        if self.mixture is not None:
            return self.mixture.marginal(weights)
        found = self.posterior.transformed(np.kron(weights[None], np.eye(len(self.parameters))))
        return NormalMixture.normal(found.mean, found.sd)

    @property
    def with_v_without(self) -> Float[np.ndarray, "effect covariate"]:
        """p(the model has the effect | y), beside the model in which it alone is 0, both as likely a priori."""
        return self._by_covariate(self.with_v_without_of(np.arange(self.posterior.mean.size)))

    def with_v_without_of(self, places: Int[np.ndarray, "some"]) -> Float[np.ndarray, "some"]:
        """The same of some effects, by their places in `posterior`."""
        if self.mixture is None and self.has_correlated_effects:
            on = np.ones(self.posterior.mean.size, dtype=bool)
            return np.asarray(expit(self.evidence_lost_by_each(on, places)))
        if self.mixture is None:
            return with_v_without(self.prior, self.posterior, places)
        return np.asarray(
            expit(self.mixture.evidence_lost_by_each(np.ones(self.posterior.mean.size, dtype=bool), places))
        )

    def evidence_of(self, on: Bool[np.ndarray, "model effect"]) -> Float[np.ndarray, "model"]:
        """ln p(y | on) − ln p(y | all), nats, of on/off patterns over all effects; what is off is 0."""
        if self.mixture is None and self.has_correlated_effects:
            return evidence_of_zeros(self.prior, self.posterior, on)
        if self.mixture is None:
            return evidence_of_switches(self.prior, self.posterior, on)
        return self.mixture.evidence_of(on)

    def evidence_lost_by_each(
        self, on: Bool[np.ndarray, "effect"], dropped: Int[np.ndarray, "dropped"]
    ) -> Float[np.ndarray, "dropped"]:
        """ln p(y | on) − ln p(y | on without i), nats, for each i of `dropped`, all of which are on."""
        if self.mixture is None and self.has_correlated_effects:
            patterns = np.tile(on, (dropped.size + 1, 1))
            patterns[np.arange(dropped.size), dropped] = False
            found = evidence_of_zeros(self.prior, self.posterior, patterns)
            return np.asarray(found[-1] - found[:-1])
        if self.mixture is None:
            return evidence_lost_by_each(self.prior, self.posterior, on, dropped)
        return self.mixture.evidence_lost_by_each(on, dropped)

    @property
    def has_correlated_effects(self) -> bool:
        """Whether a design from a formula has effects that go together a priori: what is off is then 0 *given*."""
        return self.design.prior is not None and self.compat == "none"

    def switched(self, on: Bool[np.ndarray, "effect"]) -> Gaussian:
        """The posterior of the model without the effects that are not `on`."""
        if self.mixture is not None:
            pattern = np.swapaxes(np.asarray(on).reshape(-1, len(self.parameters)), 0, 1)
            return self.mixture.switched(pattern).posterior
        if self.has_correlated_effects:
            return given_zeros(self.posterior, np.asarray(on))
        return reduce(self.prior, self.posterior, *switched(self.prior, np.asarray(on)[None])).posterior(0)

    @property
    def remarks(self) -> tuple[str, ...]:
        """How many visits there are, participants who hardly count, spreads beyond what was tried; a sentence each."""
        remarks = [] if self.participant_of is None else [describe_visits(self.participant_of)]
        if self.participant_of is not None:
            remarks += describe_mixed_numbers(self.design, self.participant_of)
        if self.mixture is None or self.influence is None:
            return tuple(remarks)
        # of a participant with several visits each row is the same
        influence = dict(zip(self.participant_of or self.design.participants, self.influence, strict=True))
        remarks += [
            f"{participant} lies so far from the others that the group hardly heeds this participant in "
            + ", ".join(f"{self.parameters[j]} (influence {own[j]:.2f})" for j in np.flatnonzero(own < LOW_INFLUENCE))
            for participant, own in influence.items()
            if (own < LOW_INFLUENCE).any()
        ]
        remarks += [
            f"{'participants' if self.participant_of is None else 'visits or participants'} differ in "
            f"{self.parameters[j]} by more than {self.mixture.largest:.3g} prior standard "
            "deviations, the most that was tried; its intervals may be too narrow: check the estimates and their priors"
            for j in np.flatnonzero(self.mixture.beyond > LAST_WEIGHT)
        ]
        return tuple(remarks)

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
