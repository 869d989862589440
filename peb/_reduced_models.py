"""Many models of one participant from the inversion of the full one, in which all of them are nested.

A model that lacks connections of the full model has a prior that is narrower there (variance 0), so that its posterior
and its evidence follow by reduction (`_reduction`, Friston et al. 2016; SPM: spm_log_evidence): exactly for
the Gaussian that the full model's inversion returned, and as good as that Gaussian is where the smaller model's mode
lies (`check_reduction`). Means, covariances and F of all models are found at once; what a model makes of the series
costs as much as one step of an inversion, and is found of the models that are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from dcm import Posterior, Prior, Spec, Subject, make_series_fit, prior
from dcm.tables import DataFrame, counted, data_frame, html_table

from ._estimate import Estimate
from ._gaussian import Gaussian
from ._reduction import reduce

NAMED = 3  # parameters that a message names


@dataclass(frozen=True, eq=False)
class ReducedModels:
    """Models of one participant, or visit, that are reduced from one that was inverted.

    Fields:
        names: of the models.
        specs: the models, in that order.
        full: the posterior that they are reduced from.
        full_name: what its model is called.
        mean: (model, param) posterior means, in the order of the `Layout` of `full`; 0 where a model lacks something.
        covariance: (model, free, free) posterior covariances of what is free in the full model; 0 likewise.
        delta_free_energy: (model,) F minus that of the full model, nats.
    """

    names: tuple[str, ...]
    specs: tuple[Spec, ...]
    full: Posterior
    full_name: str
    mean: Float[np.ndarray, "model param"]
    covariance: Float[np.ndarray, "model free free"]
    delta_free_energy: Float[np.ndarray, "model"]

    @property
    def free_energy(self) -> Float[np.ndarray, "model"]:
        """F of every model, nats."""
        return self.full.free_energy + self.delta_free_energy

    @property
    def settled_free_energy(self) -> Float[np.ndarray, "model"]:
        """F with the noise at its optimum, by which models are compared; F itself but in SPM's modes."""
        return self.full.settled_free_energy + self.delta_free_energy

    def estimate(self, model: str, name: str) -> Estimate:
        """One model's free parameters, as the group level takes them.

        Arguments:
            model: one of `names`.
            name: what the estimate goes by.

        Raises `ValueError` where there is no such model.
        """
        place, own, kept = self._find(model)
        at, spec = own.free, self.specs[place]
        return Estimate(
            name,
            tuple(spec.parameter_names[i] for i in at),
            tuple(spec.layout.field_of(int(i)) for i in at),
            Gaussian(own.mean[at], own.covariance[np.ix_(at, at)]),
            Gaussian(self.mean[place, at], self.covariance[place][np.ix_(kept, kept)]),
            float(self.free_energy[place]),
        )

    def posterior(self, model: str, subject: Subject) -> Posterior:
        """One model's posterior in the form of an inversion's, with what it makes of the series.

        Means, covariance and F are by reduction; prediction, confounds' effects and residual at the reduced mean;
        noise, status and iterations as the full model's inversion left them.

        Arguments:
            model: one of `names`.
            subject: the run, and the full model.

        Raises `ValueError` where there is no such model, or the full posterior is of another one than the subject's, or
        an average over runs: of these each is reduced, and then averaged (`average_runs`).
        """
        full = self.full
        place, own, kept = self._find(model)
        if subject.spec != full.spec:
            raise ValueError(f"{subject.name}: the posterior is of another model; give the subject that was inverted")
        if full.averaged_runs:
            raise ValueError(f"{subject.name}: is an average over runs; reduce each run's posterior")
        spec, delta = self.specs[place], float(self.delta_free_energy[place])
        series = make_series_fit(subject, full)(self.mean[place])
        return replace(
            full,
            spec=spec,
            prior=own,
            mean=self.mean[place],
            covariance=self.covariance[place][np.ix_(kept, kept)],
            free=own.free,
            confound_effects=series.confound_effects,
            prediction=series.prediction,
            residual=series.residual,
            free_energy=full.free_energy + delta,
            settled_free_energy=full.settled_free_energy + delta,
            free_energy_history=full.free_energy_history + delta,
            start_free_energies=full.start_free_energies + delta,
            refinement=None,
            constant_inputs=replace(subject, spec=spec, start=None, prior=None).constant_inputs,
            reduced_from=self.full_name,
        )

    def _find(self, model: str) -> tuple[int, Prior, np.ndarray]:
        """Its place, its prior, and which of the full model's free parameters it has."""
        if model not in self.names:
            raise ValueError(
                f"{model!r} is none of the models: {', '.join(self.names[:NAMED])}{' …' * (len(self.names) > NAMED)}"
            )
        place = self.names.index(model)
        own = _reduced_prior(self.full, self.specs[place])
        return place, own, np.flatnonzero(np.isin(self.full.free, own.free))

    def summary(self) -> DataFrame:
        """One row a model: model, parameters, free_energy and delta_free_energy, nats."""
        return data_frame(
            {
                "model": list(self.names),
                "parameters": [int((np.diagonal(own) > 0).sum()) for own in self.covariance],
                "free_energy": self.free_energy,
                "delta_free_energy": self.delta_free_energy,
            }
        )

    def __repr__(self) -> str:
        return f"ReducedModels({counted(len(self.names), 'model')}, reduced from {self.full_name})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.summary())


def missing_parameters(full: Spec, spec: Spec) -> tuple[str, ...]:
    """The connections and inputs that a model has and `full` lacks; none where it is nested in `full`.

    Raises `ValueError` where the two are of other regions or inputs, or one has gating and the other none.
    """
    if (spec.regions, spec.inputs, spec.layout.gated) != (full.regions, full.inputs, full.layout.gated):
        raise ValueError("a model is reduced from one of the same regions and inputs, with gating (D) in both or none")
    more = ~np.isin(prior(spec).free, prior(full).free)
    return tuple(spec.parameter_names[place] for place in prior(spec).free[more])


def reduce_models(
    full: Posterior, specs: Sequence[Spec], names: Sequence[str] | None = None, full_name: str = "main"
) -> ReducedModels:
    """The posteriors and evidences of many models that are nested in one that was inverted.

    Arguments:
        full: the posterior of the full model; of one run, of several in one model, or averaged over runs, whose
            reduction is the average of theirs.
        specs: the models, of the same regions and inputs, in the order of names of the full one.
        names: what they are called; numbers from 1 where None.
        full_name: what the full model is called in the results, `Posterior.reduced_from`.

    Raises `ValueError` where there is no model, one has a parameter that the full one lacks, or the full inversion
    failed.

    >>> full = invert(subject)
    >>> reduced = reduce_models(full, [make_spec(regions, inputs, c=c) for c in driven])
    >>> reduced.summary(), reduced.posterior("1", subject)
    """
    if not specs:
        raise ValueError("there is no model to reduce; give at least one")
    named = tuple(str(k + 1) for k in range(len(specs))) if names is None else tuple(names)
    if len(named) != len(specs) or len(set(named)) < len(named):
        raise ValueError(f"{counted(len(specs), 'model')} and {counted(len(set(named)), 'name')}; give each its own")
    if full.status.failed:
        raise ValueError(f"the inversion {full.status.value}, so that no model is reduced from it")
    for name, spec in zip(named, specs, strict=True):
        if missing := missing_parameters(full.spec, spec):
            raise ValueError(
                f"a model ({name}) with {', '.join(missing[:NAMED])}, which the full model lacks, cannot be reduced "
                "from it; invert it, or add that to the full model"
            )
    free = full.free
    priors = [_reduced_prior(full, spec) for spec in specs]
    found = reduce(
        Gaussian(full.prior.mean[free], full.prior.covariance[np.ix_(free, free)]),
        Gaussian(full.mean[free], full.covariance),
        np.array([own.mean[free] for own in priors]),
        np.array([own.covariance[np.ix_(free, free)] for own in priors]),
    )
    mean = np.array([own.mean for own in priors])
    mean[:, free] = found.mean
    return ReducedModels(named, tuple(specs), full, full_name, mean, found.covariance, found.delta_free_energy)


def _reduced_prior(full: Posterior, spec: Spec) -> Prior:
    """The full model's, with what the smaller model lacks fixed at 0."""
    lacks = np.setdiff1d(full.free, prior(spec, full.settings.priors).free)
    mean, covariance = full.prior.mean.copy(), full.prior.covariance.copy()
    mean[lacks] = 0.0
    covariance[lacks] = covariance[:, lacks] = 0.0
    return Prior(mean, covariance, full.prior.noise_mean, full.prior.noise_variance)
