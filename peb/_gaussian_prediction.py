"""The covariate of a participant left out, where people are Gaussian: the group of every fold, and what each says."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._ascent import Limits
from ._design import Design, DesignError, some
from ._gaussian import Gaussian, precision
from ._group import GroupStatus
from ._hierarchy import Group
from ._left_out import LeftOut, Told, closed_form, four_passes
from ._many import fit_bytes, for_each
from ._peb import STATUS, Found, limits, solve
from ._reduction import information
from ._second_level import Prepared, second_level
from ._settings import PebError


class Fold(NamedTuple):
    """What differs between the groups of the folds."""

    weight: Float[np.ndarray, "*fold subject"]  # 0 for those left out
    components: Float[np.ndarray, "*fold component param param"]
    root: Float[np.ndarray, "*fold param rank"]
    floor: Float[np.ndarray, "*fold param param"]
    beta_mean: Float[np.ndarray, "*fold beta"]
    beta_precision: Float[np.ndarray, "*fold beta beta"]


def fit_folds(prepared: Prepared, fold: Int[np.ndarray, "subject"]) -> Found:
    """The group without each fold in turn."""
    group, settings = prepared.group, prepared.settings
    left_out = fold == np.unique(fold)[:, None]
    averages = prepared.chosen.prior.averages(~left_out).each()
    each = [_without(prepared, out, average) for out, average in zip(left_out, averages, strict=True)]
    told = jax.tree.map(lambda *arrays: np.stack(arrays), *each)
    found: Found = jax.device_get(_fit_many(group, told, limits(settings), spm=settings.follows_spm))
    return found


def _without(prepared: Prepared, left_out: Bool[np.ndarray, "subject"], average: Gaussian) -> Fold:
    """What the group of the others is told, whose `average` prior is given."""
    kept = np.flatnonzero(~left_out)
    try:
        rows = prepared.design.rows([prepared.design.participants[i] for i in kept])
    except DesignError as problem:
        out = some([prepared.design.participants[i] for i in np.flatnonzero(left_out)])
        raise DesignError(f"without {out}: {problem}") from None
    within = np.asarray(prepared.group.within)
    level = second_level(prepared.chosen, average, rows.matrix, within, prepared.settings)
    prior = level.prior
    return Fold(
        (~left_out).astype(float),
        level.components.matrices,
        level.components.root,
        level.floor,
        prior.mean,
        precision(prior.covariance),
    )


@partial(jax.jit, static_argnames="spm")
def _fit_many(group: Group, folds: Fold, most: Limits, *, spm: bool) -> Found:
    def one(fold: Fold) -> Found:
        return solve(replace(group, **fold._asdict()), most, spm=spm)

    return for_each(one, folds, fit_bytes(group))


def check_folds(design: Design, found: Found, fold: Int[np.ndarray, "subject"]) -> tuple[GroupStatus, ...]:
    status = tuple(STATUS[int(one)] for one in found.status)
    for k, one in enumerate(status):
        if one is GroupStatus.NOT_FINITE or not np.isfinite(found.beta_covariance[k]).all():
            out = some([design.participants[i] for i in np.flatnonzero(fold == k)])
            raise PebError(f"the group without {out}: {GroupStatus.NOT_FINITE.value}")
    return status


def tell_left_out(
    prepared: Prepared, found: Found, fold: Int[np.ndarray, "subject"], unknown: int, products: dict[int, int]
) -> Told:
    """The unknown covariate of every participant, by the group of the participant's fold."""
    matrix, within = prepared.design.matrix, np.asarray(prepared.group.within)
    covariates = matrix.shape[1]
    known = [k for k in range(covariates) if k not in products]
    effects = found.beta.reshape(len(found.beta), covariates, -1)[fold]  # (subject, covariate, effect)
    loadings = effects[:, known]
    place = known.index(unknown)
    for product, other in products.items():
        loadings[:, place] += matrix[:, [other]] * effects[:, product]
    rows = matrix[:, known].copy()
    rows[:, place] = 0.0
    training = [matrix[fold != k, unknown] for k in range(fold.max() + 1)]
    between = np.asarray(found.between)
    each = LeftOut(
        added=information(prepared.chosen.prior, prepared.chosen.posterior),
        loadings=np.einsum("qa,ska->sqk", within, loadings),
        precision=precision((between + between.swapaxes(1, 2)) / 2)[fold],
        row=jnp.asarray(rows),
        variance=np.array([values.var(ddof=1) for values in training])[fold],
    )
    most = limits(prepared.settings)
    told: Told = jax.device_get(_tell_many(each, place, most, spm=prepared.settings.follows_spm))
    return told


@partial(jax.jit, static_argnames="spm")
def _tell_many(each: LeftOut, unknown: Int[Array, ""], most: Limits, *, spm: bool) -> Told:
    def one(left_out: LeftOut) -> Told:
        return four_passes(left_out, unknown, most) if spm else closed_form(left_out, unknown)

    return for_each(one, each, 8 * each.loadings[0].size ** 2)
