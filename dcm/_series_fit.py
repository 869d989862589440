"""What a model makes of its series at parameters other than those that an inversion ended with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ._confounds import orthonormal_confounds, whiten_runs
from ._posterior import Posterior
from ._simulate import make_predictor
from ._subject import Subject


class SeriesFit(NamedTuple):
    """The series in their parts, in the units of the scaled data (`Posterior`)."""

    prediction: Float[np.ndarray, "scan region"]
    confound_effects: Float[np.ndarray, "confound region"]
    residual: Float[np.ndarray, "scan region"]


def make_series_fit(subject: Subject, posterior: Posterior) -> Callable[[Float[np.ndarray, "param"]], SeriesFit]:
    """θ → prediction, effects of confounds and residual, with the noise that `posterior` found.

    For many θ of one run, whose steps and confounds are prepared once. θ is in the order of the subject's `Layout`.
    """
    settings = posterior.settings
    own = subject.data.as_one_run() if settings.as_spm else subject.data
    data, scale = own.prepared(subject.centre_inputs)
    gain = scale if settings.scaling == "model" else 1.0
    predict = make_predictor(subject.spec, data, settings.integrator, settings.derivatives)
    span = orthonormal_confounds(data.confounds)
    rho, starts, layout = posterior.autocorrelation, data.run_starts, subject.spec.layout
    inverse = [np.linalg.pinv(whiten_runs(span.basis, value, starts)) for value in rho]

    def fit(theta: Float[np.ndarray, "param"]) -> SeriesFit:
        prediction = gain * predict(layout.to_tree(np.asarray(theta)))
        left = data.bold - prediction
        found = [inverse[i] @ whiten_runs(left[:, i], rho[i], starts) for i in range(len(rho))]
        effects = span.weights @ np.column_stack(found)
        return SeriesFit(prediction, effects, left - data.confounds @ effects)

    return fit
