"""Two arms by a group for each and no level over them, the two being all there are.

    difference: β_c of the first − β_c of the second

lets participants of the arms differ as they do; where participants are a mixture, the typical spreads of the two are
expected to be alike within a factor of about three (`_spread_prior`), so that an arm of five is not left to the prior.
One spread for both is too small for whichever arm's participants differ more: with 21 participants, those of one arm
three times as wide, it calls 14 and 17 % of null differences at a two-sided 10 % (SD 0.35 and 0.8 Hz; errors of 1.3),
and 19 and 30 % with 16 v 5 participants; a group for each arm 12 and 12, and 13 and 14 %. Where participants differ
alike it costs one in seven of the differences of 0.5 Hz that are found among 12 participants, one in thirty among 21
(`benchmarks.calibration_group`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from dcm import NormalMixture

from ._arms import ArmComparison, centring_remarks, check_alike, make_comparison
from ._design import Design
from ._estimate import Estimate
from ._fit import fit
from ._gaussian import Gaussian
from ._group import GroupPosterior
from ._node_mixture import NodeMixture
from ._prepare_group import match_with_design
from ._settings import PebSettings
from ._spread_prior import weights_in_groups

UNBALANCED = 1.5  # times as many participants in one arm as in the other


def fit_each_level(
    estimates: Sequence[Estimate],
    design: Design,
    column: str,
    settings: PebSettings = PebSettings(),  # noqa: B008 - frozen
    *,
    parameters: Sequence[str] | None = None,
) -> tuple[GroupPosterior, GroupPosterior]:
    """A group of the participants in whom a column is above zero, and one of the others.

    Covariates are centred where the whole group's are, so that means are at one place. They act in each kind on their
    own: one without its product with the column has two effects all the same.

    Arguments:
        estimates, design, settings, parameters: of everybody, as for `fit`.
        column: of the design, positive in one kind of participants and negative in the other; ``arm`` for
            ``arm[placebo]``.

    Raises `PebError` or `DesignError` where one kind alone cannot be fitted.
    """
    coded = [name for name in design.kinds if name.split("[")[0] == column]
    column = coded[0] if len(coded) == 1 and column not in design.covariates else column
    own = [covariate for covariate in design.covariates if column not in covariate.split("×")]
    values, (minus, plus) = design.matrix[:, design.column(column)], design.kinds.get(column, ("below 0", "above 0"))
    matched = match_with_design(estimates, design)
    groups = []
    for name, members in ((plus, values > 0), (minus, values <= 0)):
        rows = np.flatnonzero(members).tolist()
        part = design.columns(own).rows([design.participants[i] for i in rows])
        groups.append(fit([matched[i] for i in rows], part, settings, parameters=parameters, name=name))
    return groups[0], groups[1]


def arms_from_separate_groups(
    first: GroupPosterior, second: GroupPosterior, covariates: Sequence[str] | None = None
) -> tuple[ArmComparison, ...]:
    """Compare two arms by a group for each, whose spreads may differ, and nothing above them.

    The probability that the model has the difference is from its density at 0 (Savage & Dickey).

    Arguments:
        first, second: one group for each arm, of the same covariates and parameters.
        covariates: whose effects to compare; None for all.

    Raises `PebError` where the two arms differ in their covariates or parameters.
    """
    check_alike(first, second)
    chosen = first.design.covariates if covariates is None else covariates
    return tuple(_compare_covariate(first, second, name) for name in chosen)


def are_unbalanced(first: int, second: int) -> bool:
    """Whether arms of so many participants are too unequal for labels to be shuffled between them."""
    return max(first, second) >= UNBALANCED * min(first, second)


def _compare_covariate(first: GroupPosterior, second: GroupPosterior, covariate: str) -> ArmComparison:
    k = first.design.column(covariate)
    before = _difference(*(group.prior.marginal(group.places(covariate)) for group in (first, second)))
    own = _marginals_in_arms(first, second, k)
    apart = own[0].less(own[1])
    at = np.zeros(1)
    densities = (NormalMixture.normal(before.mean, before.sd).density(at), apart.density(at))
    prior_height, height = (np.log(np.maximum(heights[:, 0], np.finfo(float).tiny)) for heights in densities)
    return make_comparison(
        (first.name, second.name),
        covariate,
        first.parameters,
        (first.of(covariate), second.of(covariate), _moments(apart.scaled(0.5))),
        (*own, apart.scaled(0.5)),
        (
            first.with_v_without_of(first.places(covariate)),
            second.with_v_without_of(second.places(covariate)),
            np.asarray(expit(prior_height - height)),
        ),
        centring_remarks(first, second, covariate),
    )


def _marginals_in_arms(first: GroupPosterior, second: GroupPosterior, k: int) -> tuple[NormalMixture, NormalMixture]:
    """A covariate's effects in two arms, whose spreads are expected to be alike as those of connections are.

    An arm whose grid of spreads ends before the other's has next to no weight beyond it.
    """
    mixture, other = first.mixture, second.mixture
    if mixture is None or other is None or not np.allclose(mixture.unit, other.unit):
        return first.marginals[:, k], second.marginals[:, k]
    contrast = np.eye(len(first.design.covariates))[k]
    u = max(mixture.u, other.u, key=len)

    def on_u(arm: NodeMixture) -> np.ndarray:
        return np.pad(arm.log_evidence, ((0, 0), (0, u.size - arm.u.size)), constant_values=-np.inf)

    own, others = weights_in_groups([on_u(mixture), on_u(other)], u)
    return mixture.marginal(contrast, own[:, : mixture.u.size]), other.marginal(contrast, others[:, : other.u.size])


def _moments(each: NormalMixture) -> Gaussian:
    return Gaussian(each.mean, np.diag(each.sd**2))


def _difference(first: Gaussian, other: Gaussian) -> Gaussian:
    return Gaussian(first.mean - other.mean, first.covariance + other.covariance)
