"""Many models of one participant from the inversion of the full one, in which all of them are nested.

A model that lacks connections of the full model has a prior that is narrower there (variance 0), so that its posterior
and its evidence follow by reduction (`_reduction`, Friston et al. 2016; SPM: spm_log_evidence): exactly for
the Gaussian that the full model's inversion returned, and as good as that Gaussian is where the smaller model's mode
lies (`check_reduction`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dcm import Posterior, Prior, Spec, Subject, make_series_fit, prior

from ._gaussian import Gaussian
from ._reduction import reduce

NAMED = 3  # parameters that a message names


def missing_parameters(full: Spec, spec: Spec) -> tuple[str, ...]:
    """The connections and inputs that a model has and `full` lacks; none where it is nested in `full`.

    Raises `ValueError` where the two are of other regions or inputs, or one has gating and the other none.
    """
    if (spec.regions, spec.inputs, spec.layout.gated) != (full.regions, full.inputs, full.layout.gated):
        raise ValueError("a model is reduced from one of the same regions and inputs, with gating (D) in both or none")
    more = ~np.isin(prior(spec).free, prior(full).free)
    return tuple(spec.parameter_names[place] for place in prior(spec).free[more])


def reduce_models(full: Posterior, specs: Sequence[Spec], subject: Subject, name: str = "main") -> list[Posterior]:
    """The posteriors of many models that are nested in one that was inverted; one for each, in the order given.

    Each is of the same form as that of an inversion: means, covariance and F by reduction; prediction, confounds'
    effects and residual at the reduced mean; noise, status and iterations as the full model's inversion left them.

    Arguments:
        full: the posterior of the full model.
        specs: the models, of the same regions and inputs, in the order of names of the full one.
        subject: the run and the full model, which `full` is the posterior of.
        name: what the full model is called in the results, `Posterior.reduced_from`.

    Raises `ValueError` where a model has a parameter that the full one lacks, or the full inversion failed.

    >>> full = invert(subject)
    >>> smaller = reduce_models(full, [make_spec(regions, inputs, c=c) for c in driven], subject)
    """
    if full.status.failed:
        raise ValueError(f"{subject.name}: the inversion {full.status.value}, so that no model is reduced from it")
    if subject.spec != full.spec:
        raise ValueError(f"{subject.name}: the posterior is of another model; give the subject that was inverted")
    for spec in specs:
        if missing := missing_parameters(full.spec, spec):
            raise ValueError(
                f"{subject.name}: a model with {', '.join(missing[:NAMED])}, which the full model lacks, cannot be "
                "reduced from it; invert it, or add that to the full model"
            )
    if not specs:
        return []
    free = full.free
    priors = [_reduced_prior(full, spec) for spec in specs]
    found = reduce(
        Gaussian(full.prior.mean[free], full.prior.covariance[np.ix_(free, free)]),
        Gaussian(full.mean[free], full.covariance),
        np.stack([own.mean[free] for own in priors]),
        np.stack([own.covariance[np.ix_(free, free)] for own in priors]),
    )
    fit = make_series_fit(subject, full)
    posteriors = []
    for place, (spec, own) in enumerate(zip(specs, priors, strict=True)):
        kept = np.flatnonzero(np.isin(free, own.free))
        mean = own.mean.copy()
        mean[free] = found.mean[place]
        series, delta = fit(mean), float(found.delta_free_energy[place])
        posteriors.append(
            replace(
                full,
                spec=spec,
                prior=own,
                mean=mean,
                covariance=found.covariance[place][np.ix_(kept, kept)],
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
                reduced_from=name,
            )
        )
    return posteriors


def _reduced_prior(full: Posterior, spec: Spec) -> Prior:
    """The full model's, with what the smaller model lacks fixed at 0."""
    lacks = np.setdiff1d(full.free, prior(spec, full.settings.priors).free)
    mean, covariance = full.prior.mean.copy(), full.prior.covariance.copy()
    mean[lacks] = 0.0
    covariance[lacks] = covariance[:, lacks] = 0.0
    return Prior(mean, covariance, full.prior.noise_mean, full.prior.noise_variance)
