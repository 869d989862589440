"""Two arms of a trial beside each other: one covariate's effect in each, and the posterior of the difference.

From one PEB over all participants, whose design has the arm as a column s = ±1 and its product with the covariate:

    effect in the arm with s = +1: β_c + β_s×c,   with s = −1: β_c − β_s×c,   difference: 2 β_s×c

From a PEB for each arm and a third level over the two (a PEB of PEBs):

    θ_first = b_1 + b_2 + ε_1,   θ_second = b_1 − b_2 + ε_2,   difference: 2 b_2

Where every effect is well identified, the means of the two differences agree. Their widths, and with them every
probability, need not:
- the interactions have one between-participant variance for all, the arms' own PEBs one each;
- the priors differ: N/Σx² and the average prior are each arm's own, and the third level has its own on b;
- the third level has ε, a variance between *arms* of which two arms say next to nothing: its prior, by default a 16th
  of the prior variance of an arm's effect, may widen the difference several times over, however sure each arm's effect
  is. With Gaussian participants, `PebSettings(between="gaussian", components="none", between_ratio=1e6)` takes the two
  arms for all there are.

From a group for each arm and no level over them, see `_separate_arms`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from dcm import NormalMixture
from dcm.tables import DataFrame, counted, data_frame, density_columns, html_table, short_repr

from ._design import MEAN, Design
from ._fit import fit
from ._gaussian import Gaussian
from ._group import GroupPosterior
from ._reduction import ProbabilityKind
from ._settings import PebError, PebSettings

COMMON, HALF_DIFFERENCE = "commonality", "half difference"  # the columns of the third level


@dataclass(frozen=True, eq=False)
class ArmProbabilities:
    """One probability for every effect, all of one kind.

    Fields (w parameters):
        kind: ``posterior beyond zero``, P(effect > 0 | y), near 0 where an effect is surely negative; or ``free
            energy, with v without``, p(the model has this effect | y) beside the model in which it alone is 0, near 1
            for a sure effect of either sign.
        first, second: (w,) of the effect in each arm.
        difference: (w,) of first − second; half of it has the same probability.
    """

    kind: ProbabilityKind
    first: Float[np.ndarray, "param"]
    second: Float[np.ndarray, "param"]
    difference: Float[np.ndarray, "param"]

    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class ArmComparison:
    """One covariate's effect on every parameter in two arms.

    Fields (w parameters; Hz per unit of the covariate where the parameter is in Hz):
        arms: names, first and second.
        covariate: whose effect; ``mean`` for the arms' averages.
        parameters: w names.
        first, second: posteriors of the effect in each arm.
        difference: posterior of first − second.
        half_difference: the same halved, which is what a column coded ±1 and a third level [1 1; 1 −1] report.
        marginals: the same three by themselves, each a mixture where participants are: of the first arm's effect, the
            second's, and the difference, (w,) each.
        beyond_zero: P(effect > 0 | y).
        with_v_without: p(the model has this effect | y), by exact reduction of that one effect.
        remarks: what to bear in mind.
    """

    arms: tuple[str, str]
    covariate: str
    parameters: tuple[str, ...]
    first: Gaussian
    second: Gaussian
    difference: Gaussian
    half_difference: Gaussian
    marginals: tuple[NormalMixture, NormalMixture, NormalMixture]
    beyond_zero: ArmProbabilities
    with_v_without: ArmProbabilities
    remarks: tuple[str, ...] = ()

    def summary(self, level: float = 0.9) -> DataFrame:
        """One row a parameter and quantity: covariate, parameter, quantity, mean, sd, lower, upper, probability.

        The quantities are the effect in each arm, by the arm's name, and their ``difference``, first − second. `lower`
        and `upper` are the central posterior interval that holds `level`; `probability` is P(quantity > 0 | y).
        """
        names = [*self.arms, "difference"]
        parts = [density_columns(density, level) for density in self.marginals]
        return data_frame(
            {
                "covariate": self.covariate,
                "parameter": list(self.parameters) * len(names),
                "quantity": np.repeat(names, len(self.parameters)),
                **{column: np.concatenate([part[column] for part in parts]) for column in parts[0]},
            }
        )

    def __repr__(self) -> str:
        size = counted(len(self.parameters), "parameter")
        return f"ArmComparison({' − '.join(self.arms)}, {self.covariate!r}, {size})"

    def _repr_html_(self) -> str:
        table = self.summary()
        return html_table(repr(self), table[table["quantity"] == "difference"])

    def interval(self, level: float = 0.9) -> Float[np.ndarray, "param 2"]:
        """The central posterior interval of the difference: from, to."""
        return self.marginals[2].interval(level)


@dataclass(frozen=True, eq=False)
class ThirdLevel:
    """A PEB over two arms' PEBs.

    Fields:
        group: the third level; its covariates are ``commonality`` and ``half difference``, its parameters the arms'
            effects.
        comparisons: one for each covariate asked for; `first` and `second` are from each arm's own PEB, `difference` is
            the third level's and need not be the difference of the two.
    """

    group: GroupPosterior
    comparisons: tuple[ArmComparison, ...]

    __repr__ = short_repr


def arms_from_interactions(
    group: GroupPosterior, arm: str, arms: tuple[str, str], covariates: Sequence[str] | None = None
) -> tuple[ArmComparison, ...]:
    """Compare two arms that one PEB holds, by its interactions with the arm.

    Arguments:
        group: a PEB whose design has the arm coded ±1, and products of it with covariates.
        arm: the arm's column, such as ``arm[midazolam]``; the name in brackets, if there is one, is the arm coded +1.
        arms: names, first and second; without brackets in `arm`, the first is the one coded +1.
        covariates: whose effects to compare; None for the mean and every covariate with an interaction.

    The effects of a covariate are those where every other covariate is 0. Raises `PebError` where the design is
    another, and `DesignError` where it lacks a covariate.
    """
    if group.prior.free.size < group.prior.mean.size:
        raise PebError(f"{group.name} has effects that are switched off; compare the arms before it is reduced")
    column, sign = group.design.matrix[:, group.design.column(arm)], _sign(arm, arms)
    if (np.abs(column) != 1).any():
        raise PebError(f"{arm} must be coded −1 and +1; give it as text, or leave it out of `centre`")
    if covariates is None:
        covariates = [name for name in group.design.covariates if name == MEAN or _interaction(group.design, arm, name)]
    return tuple(_from_interaction(group, arm, arms, sign, name) for name in covariates)


def arms_from_groups(
    first: GroupPosterior,
    second: GroupPosterior,
    settings: PebSettings = PebSettings(),  # noqa: B008 - frozen
    covariates: Sequence[str] | None = None,
    *,
    name: str = "arms",
) -> ThirdLevel:
    """Compare two arms by a third level over their PEBs, with the design [1 1; 1 −1].

    Arguments:
        first, second: one PEB for each arm, of the same covariates and parameters.
        settings: of the third level.
        covariates: whose effects to compare; None for all. The third level is over all effects whichever are compared.
        name: of the third level.

    Raises `PebError` where the two arms differ in their covariates or parameters, or the settings have a `within`, and
    `DesignError` where they have one name.
    """
    if settings.within is not None:
        raise PebError("the third level compares effect by effect; leave `within` out of its settings")
    check_alike(first, second)
    design = Design((first.name, second.name), (COMMON, HALF_DIFFERENCE), np.array([[1.0, 1.0], [1.0, -1.0]]))
    group = fit([first.as_estimate(), second.as_estimate()], design, settings, name=name)
    chosen = first.design.covariates if covariates is None else covariates
    return ThirdLevel(group, tuple(_from_groups(group, first, second, covariate) for covariate in chosen))


def _from_interaction(
    group: GroupPosterior, arm: str, arms: tuple[str, str], sign: float, covariate: str
) -> ArmComparison:
    """β_c and β_s×c change places with the effects in the two arms; every other effect stays as it is."""
    product = arm if covariate == MEAN else _interaction(group.design, arm, covariate)
    if product is None:
        raise PebError(f"the design of {group.name} has no {arm}×{covariate}: its effect is one for both arms")
    matrix, k, s = group.design.matrix, group.design.column(covariate), group.design.column(product)
    expected = matrix[:, group.design.column(arm)] * matrix[:, k]
    if not np.allclose(matrix[:, s], expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max()):
        raise PebError(f"{product} is not {arm} times {covariate} as they stand in the design of {group.name}")
    turn = np.eye(len(group.design.covariates))
    turn[k, s], turn[s, k], turn[s, s] = sign, 1.0, -sign
    turned, apart = _transformed(group, turn), group.places(product)
    half = sign * np.eye(len(turn))[s]
    return make_comparison(
        arms,
        covariate,
        group.parameters,
        (turned.of(covariate), turned.of(product), _scaled(group.posterior.marginal(apart), sign)),
        (turned.marginals[:, k], turned.marginals[:, s], group.contrast(half)),
        (
            turned.with_v_without_of(group.places(covariate)),
            turned.with_v_without_of(apart),
            group.with_v_without_of(apart),
        ),
    )


def _transformed(group: GroupPosterior, turn: Float[np.ndarray, "covariate covariate"]) -> GroupPosterior:
    """The same with turn · (effects of the covariates) in their places."""
    whole = np.kron(turn, np.eye(len(group.parameters)))
    return replace(
        group,
        prior=group.prior.transformed(whole),
        posterior=group.posterior.transformed(whole),
        mixture=None if group.mixture is None else group.mixture.transformed(turn),
    )


def check_alike(first: GroupPosterior, second: GroupPosterior) -> None:
    for kind, names, other in (
        ("covariates", first.design.covariates, second.design.covariates),
        ("parameters", first.parameters, second.parameters),
    ):
        if names != other:
            raise PebError(
                f"{first.name} and {second.name} differ in their {kind}: {', '.join(names)}; {', '.join(other)}"
            )


def centring_remarks(first: GroupPosterior, second: GroupPosterior, covariate: str) -> tuple[str, ...]:
    other = second.design.centres
    return tuple(
        f"{name} was centred at {value:.6g} in {first.name} and at {other[name]:.6g} in {second.name}, so the arms' "
        "means are at different places"
        for name, value in first.design.centres.items()
        if covariate == MEAN and name in other and value != other[name]
    )


def _from_groups(third: GroupPosterior, first: GroupPosterior, second: GroupPosterior, covariate: str) -> ArmComparison:
    k, half = first.design.column(covariate), third.design.column(HALF_DIFFERENCE)
    own = first.places(covariate)
    return make_comparison(
        (first.name, second.name),
        covariate,
        first.parameters,
        (first.of(covariate), second.of(covariate), third.posterior.marginal(third.places(HALF_DIFFERENCE)[own])),
        (first.marginals[:, k], second.marginals[:, k], third.marginals[own, half]),
        (first.with_v_without[:, k], second.with_v_without[:, k], third.with_v_without[own, half]),
        centring_remarks(first, second, covariate),
    )


def make_comparison(
    arms: tuple[str, str],
    covariate: str,
    parameters: tuple[str, ...],
    found: tuple[Gaussian, Gaussian, Gaussian],
    marginals: tuple[NormalMixture, NormalMixture, NormalMixture],
    in_model: tuple[np.ndarray, np.ndarray, np.ndarray],
    remarks: tuple[str, ...] = (),
) -> ArmComparison:
    """The comparison that every method ends in, from the first arm, the second, and half the difference."""
    beyond = [density.above_zero for density in marginals]
    first, second, half = found
    return ArmComparison(
        arms,
        covariate,
        parameters,
        first,
        second,
        _scaled(half, 2.0),
        half,
        (*marginals[:2], marginals[2].scaled(2.0)),
        ArmProbabilities("posterior beyond zero", *beyond),
        ArmProbabilities("free energy, with v without", *in_model),
        remarks,
    )


def _sign(arm: str, arms: tuple[str, str]) -> float:
    """+1 where the first arm is the one coded +1."""
    if len(set(arms)) != 2:
        raise PebError(f"the two arms need two names, not {' and '.join(arms)}")
    if not arm.endswith("]"):
        return 1.0
    level = arm[arm.index("[") + 1 : -1] if "[" in arm else arm
    if level not in arms:
        raise PebError(f"{arm} says that {level} is an arm, but the arms to compare are {' and '.join(arms)}")
    return 1.0 if level == arms[0] else -1.0


def _interaction(design: Design, arm: str, covariate: str) -> str | None:
    """The column of arm × covariate, in either order."""
    return next((name for name in (f"{arm}×{covariate}", f"{covariate}×{arm}") if name in design.covariates), None)


def _scaled(density: Gaussian, factor: float) -> Gaussian:
    return Gaussian(factor * density.mean, factor**2 * density.covariance)
