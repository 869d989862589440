"""The estimates of many participants as arrays, so that a group is computed with all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ._estimate import Estimate
from ._gaussian import Gaussian, Gaussians
from ._reduction import reduce_each
from ._settings import PebError


@dataclass(frozen=True, eq=False)
class EstimateStack:
    """What a group explains of its participants.

    Fields (N participants, q parameters):
        parameters, fields: q names, and the field of each.
        prior, posterior: N densities over the parameters.
    """

    parameters: tuple[str, ...]
    fields: tuple[str, ...]
    prior: Gaussians
    posterior: Gaussians


def stack_estimates(estimates: Sequence[Estimate], chosen: Sequence[str] | None) -> EstimateStack:
    """The parameters of `chosen` of every participant (see `Estimate.select`); None for all.

    Raises `PebError` where participants differ in them, or a participant fixes one.
    """
    places: dict[tuple[tuple[str, ...], tuple[str, ...], bytes], Int[np.ndarray, "kept"]] = {}
    each = []
    for estimate in estimates:
        alike = (estimate.parameters, estimate.fields, estimate.prior.free.tobytes())
        if alike not in places:
            places[alike] = np.arange(len(estimate.parameters)) if chosen is None else estimate.places(chosen)
        each.append(places[alike])
    first, kept = estimates[0], each[0]
    names = tuple(first.parameters[i] for i in kept)
    if not names:
        raise PebError(f"{first.name} has no parameter that varies among those asked for; choose others")
    for estimate, own in zip(estimates, each, strict=True):
        if own is not kept and (theirs := tuple(estimate.parameters[i] for i in own)) != names:
            odd = sorted(set(theirs) ^ set(names)) or ["their order"]
            raise PebError(
                f"{estimate.name} and {first.name} differ in {odd[0]}; a group needs one model for all, reduce it "
                "afterwards"
            )
    prior = _stacked([estimate.prior for estimate in estimates], each)
    posterior = _stacked([estimate.posterior for estimate in estimates], each)
    fixed = (_variances(prior) == 0) | (_variances(posterior) == 0)
    if fixed.any():
        participant, parameter = np.argwhere(fixed)[0]
        raise PebError(
            f"{estimates[participant].name} fixes {names[parameter]}, which the group is to explain; leave it out"
        )
    return EstimateStack(names, tuple(first.fields[i] for i in kept), prior, posterior)


def under_group(
    estimates: Sequence[Estimate],
    parameters: Sequence[str],
    means: Float[np.ndarray, "subject param"],
    between: Float[np.ndarray, "*subject param param"],
) -> tuple[Estimate, ...]:
    """Every participant with N(mean, between) for the prior of `parameters`; what else they have keeps its prior.

    `between` is every participant's, or one for each.
    """
    between = np.broadcast_to(between, (len(estimates), *between.shape[-2:]))
    alike: dict[tuple[tuple[str, ...], bytes], list[int]] = {}
    for i, estimate in enumerate(estimates):
        alike.setdefault((estimate.parameters, estimate.prior.free.tobytes()), []).append(i)
    found: dict[int, Estimate] = {}
    for (names, _), members in alike.items():
        some = [estimates[i] for i in members]
        place = {name: i for i, name in enumerate(names)}
        made = _reduce_estimates(some, np.array([place[name] for name in parameters]), means[members], between[members])
        found.update(zip(members, made, strict=True))
    return tuple(found[i] for i in range(len(estimates)))


def _reduce_estimate(estimate: Estimate, prior: Gaussian) -> Estimate:
    try:
        return estimate.under(prior)
    except ValueError as error:
        raise PebError(
            f"{estimate.name} has a posterior that is wider than its prior in some direction, and none under the "
            "group's wider one; invert it again, or leave it out"
        ) from error


def _reduce_estimates(
    estimates: list[Estimate],
    places: Int[np.ndarray, "param"],
    means: Float[np.ndarray, "subject param"],
    between: Float[np.ndarray, "subject param param"],
) -> list[Estimate]:
    """The same for participants who have the same parameters and fix the same of them."""
    free = estimates[0].prior.free
    every = [np.arange(estimates[0].prior.mean.size)] * len(estimates)
    prior = _stacked([estimate.prior for estimate in estimates], every)
    posterior = _stacked([estimate.posterior for estimate in estimates], every)
    mean, covariance = prior.mean.copy(), prior.covariance.copy()
    covariance[:, places, :] = covariance[:, :, places] = 0.0
    mean[:, places] = means
    covariance[:, places[:, None], places] = between
    empirical = Gaussians(mean, covariance).each()
    try:
        reduced, delta = reduce_each(
            prior.marginal(free), posterior.marginal(free), Gaussians(mean, covariance).marginal(free)
        )
    except np.linalg.LinAlgError:  # somebody's has none, and reduction one by one says whose
        return [_reduce_estimate(estimate, own) for estimate, own in zip(estimates, empirical, strict=True)]
    whole, spread = prior.mean.copy(), np.zeros_like(prior.covariance)
    whole[:, free] = reduced.mean
    spread[:, free[:, None], free] = reduced.covariance
    return [
        Estimate(estimate.name, estimate.parameters, estimate.fields, own, again, estimate.free_energy + float(change))
        for estimate, own, again, change in zip(
            estimates, empirical, Gaussians(whole, spread).each(), delta, strict=True
        )
    ]


def _stacked(densities: Sequence[Gaussian], places: Sequence[Int[np.ndarray, "kept"]]) -> Gaussians:
    """The densities of the parameters at each participant's places."""
    alike = all(own is places[0] for own in places)
    if alike:
        whole = Gaussians(
            np.stack([density.mean for density in densities]), np.stack([density.covariance for density in densities])
        )
        return whole if places[0].size == whole.mean.shape[1] else whole.marginal(places[0])
    pairs = list(zip(densities, places, strict=True))
    return Gaussians(
        np.stack([density.mean[own] for density, own in pairs]),
        np.stack([density.covariance[own[:, None], own] for density, own in pairs]),
    )


def _variances(densities: Gaussians) -> Float[np.ndarray, "subject param"]:
    return np.diagonal(densities.covariance, axis1=1, axis2=2)
