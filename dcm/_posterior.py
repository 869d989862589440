"""What an inversion returns: the posterior, the evidence, how it ended, and what tells whether to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from jaxtyping import Float, Int

from ._normal_mixture import Marginal, NormalMixture
from ._priors import Prior
from ._settings import Settings
from ._spec import Parameters, Spec
from .tables import DataFrame, counted, data_frame, density_columns, find_name, html_table, short_repr, unknown_name


class Status(Enum):
    """The outcome of one inversion."""

    CONVERGED = "converged"
    MAX_ITERATIONS = "max_iterations"
    NOT_FINITE = (
        "failed: the prediction stayed non-finite or its Jacobian beyond e^32 after four smaller steps; "
        "check the inputs' and the series' scale, or start elsewhere (starts > 1)"
    )
    BAD_START = (
        "failed: the prediction at the starting point is not finite, or its rates are too fast for the run's steps; "
        "check the inputs' scale and the prior means"
    )

    @property
    def failed(self) -> bool:
        """Whether there is no posterior to speak of."""
        return self.value.startswith("failed")


class InversionError(RuntimeError):
    """One inversion failed where a single one was asked for; the message is its `Status`."""


@dataclass(frozen=True, eq=False)
class Refinement:
    """What weighted draws from the Gaussian found, see `Settings.refine`.

    Fields:
        gaussian_mean: (param,) the mean before it was refined.
        gaussian_covariance: (free, free) the covariance before.
        draws: from the Gaussian and its like.
        effective_sample: as many independent draws say as much about a mean.
        pareto_k: shape of the weights' tail; far above 0.7, draws that are missing would have counted.
        log_evidence: ln p(y), nats, as the draws have it; beside F, which approximates it.
        used: whether mean and covariance are those of the draws; not where too few of them count.
    """

    gaussian_mean: Float[np.ndarray, "param"]
    gaussian_covariance: Float[np.ndarray, "free free"]
    draws: int
    effective_sample: float
    pareto_k: float
    log_evidence: float
    used: bool

    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class Posterior:
    """The posterior density of one participant's DCM, p(θ | y) ≈ N(mean, covariance).

    Fields (v scans, n regions, c confounds; series are in the units of the scaled data):
        spec, prior: the model.
        mean: (param,) posterior mean of every parameter in the order of `Layout`, switched-off ones at their prior.
        covariance: (free, free) posterior covariance of the free parameters.
        free: (free,) which entries of `mean` the rows of `covariance` belong to.
        noise_mean: (region,) posterior mean of the log-precisions λ.
        noise_covariance: (region, region) their posterior covariance.
        autocorrelation: (region,) posterior mode of the noise's correlation from scan to scan, ρ; 0 where it is taken
            as independent.
        autocorrelation_sd: (region,) standard deviation of artanh ρ.
        confound_effects: (confound, region) posterior mean of β.
        prediction: (scan, region) g(θ) at the posterior mean, without confounds, times `data_scale` where the settings
            scale the model.
        residual: (scan, region) data − prediction − confounds · β.
        free_energy: F, nats, the approximation of the log evidence; in SPM's modes as SPM evaluates it.
        settled_free_energy: F, nats, at the same θ with the noise and the confounds at their optimum; the same as
            `free_energy` but in SPM's modes. SPM's steps on the noise may stop hundreds of nats short of it, on a side
            that is chance; so this is what compares starts and models.
        status: how the inversion ended.
        iterations: how many it took.
        free_energy_history: (iteration,) F as evaluated in each, accepted or not.
        data_scale: factor by which the series were multiplied before the inversion.
        start: index of the start this posterior came from; 0 is the prior mean.
        start_free_energies: (start,) the settled F that each start reached, -inf where one failed.
        settings: how it was found.
        refinement: how mean and covariance were refined by sampling; None where they were not. Everything else is of
            the Gaussian.
        centre_inputs: whether the inputs were centred, so that A is the connectivity averaged over the run.
        constant_inputs: inputs of the model that never vary over the run, by name.
        run_starts: scans at which runs begin, in each of which states and noise begin anew.
        reduced_from: what it was reduced from, by name; empty where it was inverted itself. Its noise, status, starts
            and iterations are those of that inversion.
        averaged_runs: how many DCMs, one a run, it is the Bayesian average of; 0 where it is of one inversion.
    """

    spec: Spec
    prior: Prior
    mean: Float[np.ndarray, "param"]
    covariance: Float[np.ndarray, "free free"]
    free: Int[np.ndarray, "free"]
    noise_mean: Float[np.ndarray, "region"]
    noise_covariance: Float[np.ndarray, "region region"]
    autocorrelation: Float[np.ndarray, "region"]
    autocorrelation_sd: Float[np.ndarray, "region"]
    confound_effects: Float[np.ndarray, "confound region"]
    prediction: Float[np.ndarray, "scan region"]
    residual: Float[np.ndarray, "scan region"]
    free_energy: float
    settled_free_energy: float
    status: Status
    iterations: int
    free_energy_history: Float[np.ndarray, "iteration"]
    data_scale: float
    start: int
    start_free_energies: Float[np.ndarray, "start"]
    settings: Settings
    refinement: Refinement | None = None
    centre_inputs: bool = False
    constant_inputs: tuple[str, ...] = ()
    run_starts: tuple[int, ...] = (0,)
    reduced_from: str = ""
    averaged_runs: int = 0

    def __getitem__(self, name: str) -> Marginal | Float[np.ndarray, "..."]:
        """The posterior of one parameter, ``posterior["A[V5<-V1]"]``; or the means of a field, ``posterior["A"]``.

        A parameter that the model switches off has its prior mean and a standard deviation of 0. The index order of a
        field is (to, from), as in `Parameters`. Spaces and ← for <- make no difference.

        Raises `KeyError`, naming the nearest names, where the model has neither.
        """
        layout, every = self.spec.layout, self.spec.parameter_names
        if isinstance(name, str) and name in layout.sizes:
            return np.asarray(getattr(self.parameters, name))
        if (found := find_name(name, every)) is None:
            raise unknown_name(name, (*layout.sizes, *every), "parameter or field")
        place = every.index(found)
        variance = self.full_covariance[place, place]
        return Marginal(found, NormalMixture.normal(np.asarray(self.mean[place]), np.sqrt(np.asarray(variance))))

    @property
    def sd(self) -> Float[np.ndarray, "free"]:
        """Posterior standard deviations of the free parameters, in the order of `names`."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def marginals(self) -> NormalMixture:
        """The density of every free parameter by itself, in the order of `names`."""
        return NormalMixture.normal(self.mean[self.free], self.sd)

    @property
    def probability(self) -> Float[np.ndarray, "free"]:
        """P(θ > 0 | y) of every free parameter, in the order of `names`."""
        return self.marginals.above_zero

    def to_frame(self) -> DataFrame:
        """Every free parameter with its posterior and prior: parameter, field, mean, sd, prior_mean, prior_sd."""
        prior_sd = np.sqrt(np.diag(self.prior.covariance)[self.free])
        return data_frame(
            {
                "parameter": self.names,
                "field": [self.spec.layout.field_of(int(place)) for place in self.free],
                "mean": self.mean[self.free],
                "sd": self.sd,
                "prior_mean": self.prior.mean[self.free],
                "prior_sd": prior_sd,
            }
        )

    def summary(self, level: float = 0.9) -> DataFrame:
        """The table of a methods section: parameter, mean, sd, lower, upper, probability; one row a free parameter.

        `lower` and `upper` are the central posterior interval that holds `level`; `probability` is P(θ > 0 | y).
        """
        return data_frame({"parameter": self.names, **density_columns(self.marginals, level)})

    def __repr__(self) -> str:
        parts = ((self.spec.n, "region"), (self.spec.m, "input"), (self.free.size, "free parameter"))
        size = ", ".join(counted(*part) for part in parts)
        return f"Posterior({size}, F = {self.free_energy:.2f} nats, {self.status.name.lower()}, compat {self.mode})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.summary())

    @property
    def departures(self) -> tuple[str, ...]:
        """What is other than the mode's own, see `Settings.departures_of`."""
        return self.settings.departures_of(gated=bool(self.spec.d.any()), centre_inputs=self.centre_inputs)

    @property
    def mode(self) -> str:
        """The mode in words, ``none`` or ``none, but noise = 'white'`` where it is a mixture."""
        return self.settings.mode(gated=bool(self.spec.d.any()), centre_inputs=self.centre_inputs)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the free parameters, in the order of `covariance`."""
        every = self.spec.parameter_names
        return tuple(every[i] for i in self.free)

    @property
    def parameters(self) -> Parameters:
        """The posterior mean as named arrays."""
        return self.spec.layout.to_tree(self.mean)

    @property
    def full_covariance(self) -> Float[np.ndarray, "param param"]:
        """The posterior covariance with zero rows and columns for parameters that are switched off."""
        full = np.zeros((self.mean.size, self.mean.size))
        full[np.ix_(self.free, self.free)] = self.covariance
        return full
