"""Session × arm on a score: a linear mixed model with an intercept for each participant, and the exact test beside
it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import stats

from ._change_scores import ChangeScores, change_scores
from ._predictors import FeatureError

EFFECTS = ("session", "arm", "session × arm")
ZERO = 1e-7  # variance between participants over that within, taken for none; and what is no gain in log-likelihood
NO_VARIANCE = (
    "the mixed model finds no variance between participants (two values of a participant are no more alike than those "
    "of two participants), and its errors treat sessions as different participants; the t test of changes is the one "
    "to read"
)
UNSETTLED = "the mixed model's fit did not settle; take the t test of changes instead"


@dataclass(frozen=True)
class FixedEffect:
    """One fixed effect of the mixed model, in the score's unit.

    Fields:
        name: ``session`` is after − before, both arms weighing the same; ``arm`` the first − the second, both sessions
            weighing the same; ``session × arm`` the change in the first arm − the change in the second.
        estimate, se, low, high: with Wald's interval.
        z, p_value: Wald's test against the normal distribution, two-sided; too sure of itself where participants are
            few.
    """

    name: str
    estimate: float
    se: float
    low: float
    high: float
    z: float
    p_value: float


@dataclass(frozen=True)
class CellMean:
    """One arm at one session.

    Fields:
        arm: its name.
        session: ``before`` or ``after``.
        participants, mean, sd: of those who have a value.
        estimate, low, high: by the mixed model, which allows for those who lack the other session; Wald's interval.
    """

    arm: str
    session: str
    participants: int
    mean: float
    sd: float
    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class MixedModel:
    """What the arms did to a score.

    Fields:
        participants: with one session at least.
        complete: with both.
        effects: session, arm, session × arm.
        cells: first arm before and after, second arm before and after.
        between, within: standard deviation between participants, and within a participant from session to session.
        change: of participants with both sessions, without a model; of complete data its difference is the interaction.
        level: of all intervals.
        notes: what must be known about the fit; none where it went well.
    """

    participants: int
    complete: int
    effects: tuple[FixedEffect, FixedEffect, FixedEffect]
    cells: tuple[CellMean, CellMean, CellMean, CellMean]
    between: float
    within: float
    change: ChangeScores
    level: float
    notes: tuple[str, ...] = ()

    @property
    def interaction(self) -> FixedEffect:
        """Change in the first arm − change in the second, by the mixed model."""
        return self.effects[2]


def mixed_model(
    before: Float[np.ndarray, "participant"],
    after: Float[np.ndarray, "participant"],
    arm: Float[np.ndarray, "participant"],
    arms: tuple[str, str],
    level: float = 0.95,
) -> MixedModel:
    """Session × arm with a random intercept for each participant, by restricted maximum likelihood (statsmodels).

    ``y = β₀ + β₁·s + β₂·a + β₃·s·a + u + e`` with s = −½ before and +½ after, a = +½ for the first arm and −½ for the
    second, so that β₁ … β₃ are the differences that `FixedEffect` names. Participants with one session stay in. With
    complete data, and a variance between participants above zero, β₃ and its error are exactly those of the two-sample
    t test of changes, which is given beside it because its p holds for small numbers too.

    Arguments:
        before, after: in the score's unit; NaN where missing.
        arm: +1 for the first arm, −1 for the second.
        arms: their names.
        level: of the intervals.

    Raises `FeatureError` where an arm has fewer than two participants with both sessions, or nothing varies.

    Source: Laird & Ware 1982, Biometrics 38; statsmodels' MixedLM.
    """
    values = np.column_stack([before, after])
    known = np.isfinite(values)
    both = known.all(axis=1)
    change = change_scores(values[both, 1] - values[both, 0], arm[both], arms, level)
    fit = _fitted(values[known], *_design(known, arm))
    z = float(stats.norm.ppf((1 + level) / 2))
    first, second, third = (_effect(name, fit, place, z) for place, name in enumerate(EFFECTS, start=1))
    cells = [
        _cell(values[np.sign(arm) == sign, place], name, session, fit, np.array([1, s, sign / 2, s * sign / 2]), z)
        for name, sign in zip(arms, (1, -1), strict=True)
        for place, (session, s) in enumerate((("before", -0.5), ("after", 0.5)))
    ]
    return MixedModel(
        int(known.any(axis=1).sum()),
        int(both.sum()),
        (first, second, third),
        (cells[0], cells[1], cells[2], cells[3]),
        math.sqrt(fit.between),
        math.sqrt(fit.within),
        change,
        level,
        tuple(fit.notes),
    )


def _design(known: np.ndarray, arm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the design, participant by participant, and whose each is."""
    participant, session = np.nonzero(known)
    s, a = session - 0.5, np.sign(arm[participant]) / 2
    return np.column_stack([np.ones(s.size), s, a, s * a]), participant


@dataclass(frozen=True, eq=False)
class _Fit:
    """Coefficients with their covariance, both variances, and what went amiss."""

    coefficients: np.ndarray
    covariance: np.ndarray
    between: float
    within: float
    notes: Sequence[str]


def _fitted(y: np.ndarray, design: np.ndarray, participant: np.ndarray) -> _Fit:
    """The mixed model; ordinary least squares, which is its limit, where no variance between participants is found.

    The score is standardised meanwhile: the optimiser's tolerances are absolute.
    """
    from statsmodels.regression.linear_model import OLS
    from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams

    scale = float(y.std())
    if not scale > 1e-12 * float(np.abs(y).max(initial=0.0)):
        raise FeatureError("the score is the same for everybody at both sessions; there is nothing to explain")
    plain = OLS(y / scale, design).fit()
    model = MixedLM(y / scale, design, groups=participant)
    with warnings.catch_warnings(record=True) as said:  # statsmodels tells of a poor fit by warnings: they become notes
        warnings.simplefilter("always")
        try:
            found = model.fit(reml=True, method="bfgs", gtol=1e-8)
            least = model.loglike(MixedLMParams.from_components(plain.params, cov_re=np.array([[ZERO]])))
        except np.linalg.LinAlgError:
            return _without(plain, scale, UNSETTLED)
    within = float(found.scale)
    between = float(np.asarray(found.cov_re).ravel()[0])
    if between <= ZERO * within or least >= found.llf - ZERO:
        return _without(plain, scale, NO_VARIANCE)
    remarks = dict.fromkeys(f"statsmodels says of the mixed model: {warning.message}" for warning in said)
    notes = tuple(remarks) if found.converged else (UNSETTLED,)
    covariance = np.asarray(found.cov_params())[:4, :4]
    if not np.isfinite(covariance).all() or not (np.diag(covariance) > 0).all():
        return _without(plain, scale, UNSETTLED)
    square = scale**2
    return _Fit(np.asarray(found.fe_params) * scale, covariance * square, between * square, within * square, notes)


def _without(plain: Any, scale: float, note: str) -> _Fit:
    """Least squares with no variance between participants, standing in for the mixed model."""
    square = scale**2
    covariance = np.asarray(plain.cov_params()) * square
    return _Fit(np.asarray(plain.params) * scale, covariance, 0.0, float(plain.scale) * square, (note,))


def _effect(name: str, fit: _Fit, place: int, z: float) -> FixedEffect:
    estimate, se = float(fit.coefficients[place]), math.sqrt(fit.covariance[place, place])
    ratio = estimate / se
    p = float(2 * stats.norm.sf(abs(ratio)))
    return FixedEffect(name, estimate, se, estimate - z * se, estimate + z * se, ratio, p)


def _cell(values: np.ndarray, arm: str, session: str, fit: _Fit, row: np.ndarray, z: float) -> CellMean:
    """Of one arm at one session; `row` is that of the design."""
    values = values[np.isfinite(values)]
    estimate, se = float(row @ fit.coefficients), math.sqrt(float(row @ fit.covariance @ row))
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    return CellMean(arm, session, values.size, mean, sd, estimate, estimate - z * se, estimate + z * se)
