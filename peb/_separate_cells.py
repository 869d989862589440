"""A contrast of levels from a group for each, no two of which need to spread alike.

    δ = Σ_c w_c β_c

over the cells c (levels of a factor, or of several) that a contrast weighs, β_c being the mean, or the slope of a
number, in a group of the participants of that cell alone, with the other variables of the design as its covariates and
numbers centred where the whole design has them. Typical spreads of the groups are expected to be alike within a factor
of about three (`_spread_prior`), so that a level of five participants is not left to the prior. One group of all with
one spread is too sure of whichever level's participants differ more: `_separate_arms` says by how much between two,
`benchmarks.contrasts` among three. So it is of a mean over levels: of levels of 24, 10 and 6 participants, the last of
whom differ three times as much, 83 % of 90 % intervals held it, and 90 % from a group of each. There the prior variance
of each level's mean is L times that of one, so that the average of L has the prior that it has in one group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from dcm import NormalMixture

from ._canonical_form import CanonicalTerm
from ._contrast import ROUNDING, Contrast, contrast_numbers
from ._contrast_posterior import ContrastPosterior
from ._design import MEAN, Design, DesignPrior
from ._design_error import DesignError
from ._estimate import Estimate
from ._fit import fit
from ._group import GroupPosterior
from ._prepare_group import match_with_design
from ._settings import PebSettings
from ._spread_prior import weights_in_groups

LEAST = 3  # participants of a cell that has a group of its own
BINS = 48  # of standard deviations, that a sum of mixtures keeps apart


class ContrastCell(NamedTuple):
    """A cell that a contrast weighs: its name, its weight, and the rows of the design that are in it."""

    name: str
    weight: float
    rows: tuple[int, ...]


def cells_of_contrast(design: Design, contrast: Contrast) -> tuple[ContrastCell, ...]:
    """The cells that a contrast is of; none where it is of no levels, or of several kinds of effects at once.

    A mean over levels (or the average of their slopes) is of those of the first factor: the level whose participants
    are few or differ much has as much weight in it as the others.
    """
    form = design.form
    names, weights = _weighed_levels(design, contrast)
    if form is None or not names:
        return ()
    place = _levels_of(design, names)
    found = []
    for cell in np.argwhere(np.abs(weights) > ROUNDING):
        called = " & ".join(form.factors[name].levels[i] for name, i in zip(names, cell, strict=True))
        rows = np.flatnonzero((place == cell).all(axis=1))
        found.append(ContrastCell(called, float(weights[tuple(cell)]), tuple(rows.tolist())))
    return tuple(found)


def is_mean_over_levels(design: Design, contrast: Contrast) -> bool:
    """Whether a contrast weighs all levels alike, as a mean does, rather than one against another."""
    names, weights = _weighed_levels(design, contrast)
    return bool(names) and np.ptp(weights) < ROUNDING


def _weighed_levels(design: Design, contrast: Contrast) -> tuple[tuple[str, ...], np.ndarray]:
    """The factors that a contrast is over, and its weights with an axis for each; none where it is of no levels."""
    form, kinds = design.form, contrast_numbers(design, contrast)
    if form is None or contrast.canonical is None or len(kinds) != 1:
        return (), np.zeros(())
    names, weights = form.level_weights(contrast.canonical, kinds[0])
    varied = [axis for axis in range(len(names)) if np.ptp(weights, axis=axis).max() > ROUNDING]
    if varied:
        others = tuple(axis for axis in range(len(names)) if axis not in varied)
        return tuple(names[axis] for axis in varied), weights.sum(axis=others)
    own = [term.factors for term in form.terms if frozenset(term.numbers) == kinds[0]]
    first = [name for name in form.factors if any(name in factors for factors in own)][:1]
    levels = [len(form.factors[name].levels) for name in first]
    return tuple(first), np.full(levels, weights.sum() / np.prod(levels, initial=1.0))


def evaluate_contrast_by_cell(
    estimates: Sequence[Estimate],
    design: Design,
    contrast: Contrast,
    settings: PebSettings = PebSettings(),  # noqa: B008 - frozen
    *,
    parameters: Sequence[str] | None = None,
) -> ContrastPosterior:
    """The posterior of a contrast of levels from a group for each level, whose spreads may differ.

    Arguments:
        estimates, design, settings, parameters: of everybody, as for `fit`.
        contrast: of levels, or of slopes in levels.

    Raises `ValueError` where the contrast is of no levels, and `PebError` or `DesignError` where one of its cells has
    fewer than 3 participants or cannot be fitted by itself.
    """
    cells = cells_of_contrast(design, contrast)
    form = design.form
    if not cells or form is None or contrast.canonical is None:
        raise ValueError(f"{contrast.name} is no contrast of levels")
    if few := [cell.name for cell in cells if len(cell.rows) < LEAST]:
        raise DesignError(f"{few[0]} has fewer than {LEAST} participants, too few for a group of their own")
    numbers = contrast_numbers(design, contrast)[0]
    apart = set(_weighed_levels(design, contrast)[0])
    widened = float(len(cells)) if is_mean_over_levels(design, contrast) else 1.0
    whole = design.matrix @ np.linalg.inv(form.to_canonical)
    matched = match_with_design(estimates, design)
    groups = []
    for cell in cells:
        try:
            own = _design_of_cell(design, whole, cell.rows, apart, (numbers, widened))
        except DesignError as problem:
            raise DesignError(f"among {cell.name} alone, {problem}") from None
        cohort = [matched[i] for i in cell.rows]
        groups.append(fit(cohort, own, settings, parameters=parameters, name=cell.name))
    column = groups[0].design.column("×".join(sorted(numbers)) or MEAN)
    weights = [cell.weight for cell in cells]
    marginals = _marginals_of_cells(groups, column)
    density = _sum([each.scaled(weight) for each, weight in zip(marginals, weights, strict=True)])
    before = [group.prior.marginal(group.places(group.design.covariates[column])) for group in groups]
    prior = NormalMixture.normal(
        np.sum([weight * each.mean for weight, each in zip(weights, before, strict=True)], axis=0),
        np.sqrt(np.sum([(weight * each.sd) ** 2 for weight, each in zip(weights, before, strict=True)], axis=0)),
    )
    return ContrastPosterior(contrast, groups[0].parameters, density, prior, "a group for each level")


def _levels_of(design: Design, names: Sequence[str]) -> np.ndarray:
    """(subject, factor) the place of everybody's level, read off the columns."""
    return np.stack([design.levels[name] for name in names], axis=1)


def _design_of_cell(
    design: Design, whole: np.ndarray, rows: Sequence[int], apart: set[str], widened: tuple[frozenset[str], float]
) -> Design:
    """The canonical columns that are not of the factors which are one level here.

    Arguments:
        whole: the canonical columns of everybody.
        rows: who is in the cell.
        apart: factors that are one level here.
        widened: the numbers of the effect that is asked about, and by how much its prior variance is more.
    """
    form = design.form
    assert form is not None
    names: list[str] = []
    places: list[int] = []
    variance = form.variance.copy()
    for term, where in form.slices().items():
        if set(term.factors) & apart:
            continue
        names += _labels(term, where.stop - where.start)
        places += range(where.start, where.stop)
        if not term.factors and frozenset(term.numbers) == widened[0]:
            variance[where] *= widened[1]
    mean = np.where(np.array(places) == 0, 1.0, 0.0)
    prior = DesignPrior(mean, np.diag(variance[places]))
    participants = tuple(design.participants[i] for i in rows)
    return Design(participants, tuple(names), whole[np.ix_(rows, places)], prior=prior)


def _labels(term: CanonicalTerm, size: int) -> list[str]:
    called = "×".join((*term.factors, *term.numbers)) or MEAN
    return [called] if size == 1 else [f"{called} {i + 1}" for i in range(size)]


def _marginals_of_cells(groups: Sequence[GroupPosterior], column: int) -> list[NormalMixture]:
    """One effect in every group, spreads expected to be alike as those of connections are."""
    mixtures = [group.mixture for group in groups if group.mixture is not None]
    if len(mixtures) < len(groups) or not all(np.allclose(mixtures[0].unit, each.unit) for each in mixtures):
        return [group.marginals[:, column] for group in groups]
    contrast = np.eye(len(groups[0].design.covariates))[column]
    u = max((each.u for each in mixtures), key=len)
    evidence = [
        np.pad(each.log_evidence, ((0, 0), (0, u.size - each.u.size)), constant_values=-np.inf) for each in mixtures
    ]
    weights = weights_in_groups(evidence, u)
    return [each.marginal(contrast, own[:, : each.u.size]) for each, own in zip(mixtures, weights, strict=True)]


def _sum(parts: Sequence[NormalMixture]) -> NormalMixture:
    """Of a sum of independent quantities; components of about the same width are taken together where they are many."""
    total = parts[0]
    for part in parts[1:]:
        total = total.less(part.scaled(-1.0))
        if total.weight.shape[-1] > BINS**2 / 4:
            total = _fewer(total)
    return total


def _fewer(density: NormalMixture) -> NormalMixture:
    """Components of about the same standard deviation as one, with their mean and variance."""
    log_sd = np.log(np.maximum(density.sds, np.finfo(float).tiny))
    low, high = log_sd.min(axis=-1, keepdims=True), log_sd.max(axis=-1, keepdims=True)
    place = ((log_sd - low) / np.where(high > low, high - low, 1.0) * BINS).astype(int).clip(0, BINS - 1)
    member = place[..., None] == np.arange(BINS)
    weight = np.einsum("...g,...gb->...b", density.weight, member)
    share = np.where(weight > 0, weight, 1.0)
    means = np.einsum("...g,...gb->...b", density.weight * density.means, member) / share
    square = np.einsum("...g,...gb->...b", density.weight * (density.sds**2 + density.means**2), member) / share
    sds = np.sqrt(np.maximum(square - means**2, np.finfo(float).tiny))
    return replace(density, weight=weight, means=means, sds=sds)
