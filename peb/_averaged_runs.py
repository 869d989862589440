"""One posterior of a participant from one DCM a run: their Bayesian average in the form of an inversion's result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dcm import Posterior, Status, Subject, make_series_fit

from ._combine_visits import average_visits
from ._estimate import Estimate


def average_runs(posteriors: Sequence[Posterior], subjects: Sequence[Subject], name: str) -> Posterior:
    """The Bayesian average of the DCMs of several runs, as `average_visits` has it, with all runs' series.

    Prediction, confounds' effects and residual are those of every run at the averaged mean, one run after the other, in
    units of the run whose series were scaled down most. Noise has the mean log-precision of the runs, and their mean
    artanh ρ. F is that of one θ for all runs.

    Arguments:
        posteriors: one a run, of the same model under the same prior.
        subjects: what they are of; repetition times may differ.
        name: of the participant, for messages.

    Raises `ValueError` where an inversion failed, or runs differ in model, prior or settings.
    """
    first = posteriors[0]
    if len(posteriors) != len(subjects):
        raise ValueError(f"{name}: {len(posteriors)} posteriors are of {len(subjects)} runs; give as many")
    if any((own.spec, own.settings) != (first.spec, first.settings) for own in posteriors):
        raise ValueError(f"{name}: runs were inverted with different models or settings; invert all of them alike")
    average = average_visits([Estimate.from_dcm(name, own) for own in posteriors], name)
    if len(posteriors) == 1:
        return first
    mean = first.prior.mean.copy()
    mean[first.free] = average.posterior.mean
    scale = min(own.data_scale for own in posteriors)
    gains = [scale / own.data_scale for own in posteriors]
    fits = [make_series_fit(subject, own)(mean) for subject, own in zip(subjects, posteriors, strict=True)]
    starts = np.cumsum([0, *(len(fit.prediction) for fit in fits)])
    noise = [own.noise_mean - 2 * np.log(gain) for own, gain in zip(posteriors, gains, strict=True)]
    count, energy = len(posteriors), average.free_energy
    return replace(
        first,
        mean=mean,
        covariance=average.posterior.covariance,
        noise_mean=np.mean(noise, axis=0),
        noise_covariance=np.sum([own.noise_covariance for own in posteriors], axis=0) / count**2,
        autocorrelation=np.tanh(np.mean([np.arctanh(own.autocorrelation) for own in posteriors], axis=0)),
        autocorrelation_sd=np.sqrt(np.sum([own.autocorrelation_sd**2 for own in posteriors], axis=0)) / count,
        confound_effects=np.concatenate([g * fit.confound_effects for g, fit in zip(gains, fits, strict=True)]),
        prediction=np.concatenate([g * fit.prediction for g, fit in zip(gains, fits, strict=True)]),
        residual=np.concatenate([g * fit.residual for g, fit in zip(gains, fits, strict=True)]),
        free_energy=energy,
        settled_free_energy=energy + sum(own.settled_free_energy - own.free_energy for own in posteriors),
        status=max((own.status for own in posteriors), key=[Status.CONVERGED, Status.MAX_ITERATIONS].index),
        iterations=max(own.iterations for own in posteriors),
        free_energy_history=np.array([energy]),
        data_scale=scale,
        start=0,
        start_free_energies=np.array([energy]),
        refinement=None,
        constant_inputs=tuple(n for n in first.constant_inputs if all(n in own.constant_inputs for own in posteriors)),
        run_starts=tuple(int(at + own) for at, run in zip(starts, posteriors, strict=False) for own in run.run_starts),
        averaged_runs=count,
    )
