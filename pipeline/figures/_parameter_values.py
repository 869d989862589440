"""What the pictures of connectivity read of a result: every parameter, its posterior, its interval and its prior."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from dcm import Posterior, Spec
from peb import MEAN, GroupPosterior

from ..results import LEVEL, Connection, Z, connections
from ._style import check_class

BETWEEN_REGIONS = ("A", "B", "D")


@dataclass(frozen=True, eq=False)
class ParameterValues:
    """Parameters of a model, or one covariate's effects on them.

    Fields (w parameters, in the order of the result):
        parameters: names taken apart.
        regions, inputs: of the model, in its order.
        covariate: whose effects they are; ``mean`` for one participant's parameters.
        mean, sd: (w,) posterior; sd 0 where the parameter is switched off.
        interval: (w, 2) the central 90 % of the posterior: from, to.
        prior_mean, prior_sd: (w,).
    """

    parameters: tuple[Connection, ...]
    regions: tuple[str, ...]
    inputs: tuple[str, ...]
    covariate: str
    mean: Float[np.ndarray, "param"]
    sd: Float[np.ndarray, "param"]
    interval: Float[np.ndarray, "param 2"]
    prior_mean: Float[np.ndarray, "param"]
    prior_sd: Float[np.ndarray, "param"]

    @property
    def excludes_zero(self) -> Bool[np.ndarray, "param"]:
        """Whether the interval lies to one side of zero."""
        return np.asarray((self.interval[:, 0] > 0) | (self.interval[:, 1] < 0))


def parameter_values(
    result: Posterior | GroupPosterior, covariate: str = MEAN, spec: Spec | None = None
) -> ParameterValues:
    """The values of one participant's free parameters, or of a covariate's effects in a group.

    Arguments:
        result: of `dcm.invert`, or of `peb.fit`.
        covariate: whose effects, of a group.
        spec: a group's model: for the order of its regions, and for names with brackets or commas in them.

    Raises `TypeError` where it is another result, `ValueError` where a covariate is asked of one participant or the
    inversion failed, and `DesignError` where the group lacks it.
    """
    check_class(result, Posterior, GroupPosterior)
    if isinstance(result, GroupPosterior):
        return _of_group(result, covariate, spec)
    if result.status.failed:
        raise ValueError(f"there is no posterior to draw: the inversion {result.status.value}")
    if covariate != MEAN:
        raise ValueError(f"{covariate!r} is a covariate of a group, but this is one participant's posterior")
    parameters = connections(result.names, result.spec)
    mean, sd = result.mean[result.free], np.sqrt(np.diag(result.covariance))
    return ParameterValues(
        parameters,
        result.spec.regions,
        result.spec.inputs,
        MEAN,
        mean,
        sd,
        np.stack([mean - Z * sd, mean + Z * sd], axis=-1),
        result.prior.mean[result.free],
        np.sqrt(np.diag(result.prior.covariance))[result.free],
    )


def _of_group(group: GroupPosterior, covariate: str, spec: Spec | None) -> ParameterValues:
    column, own = group.design.column(covariate), group.places(covariate)
    parameters = connections(group.parameters, spec)
    between = [parameter for parameter in parameters if parameter.field in BETWEEN_REGIONS]
    modulators = [parameter.modulator for parameter in between if parameter.field == "B"]
    return ParameterValues(
        parameters,
        _distinct(end for each in between for end in (each.source, each.to)) if spec is None else spec.regions,
        _distinct(modulators) if spec is None else spec.inputs,
        covariate,
        group.mean[:, column],
        group.sd[:, column],
        group.interval(LEVEL)[:, column],
        group.prior.mean[own],
        group.prior.sd[own],
    )


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
