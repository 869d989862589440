"""Is a covariate predicted by the connectivity of participants the group has not seen? Leave-one-out and k-fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import pearsonr

from dcm import one_blas_thread
from dcm.tables import DataFrame, data_frame, html_table

from ._covariate_posterior import check_folds, fit_folds, predict_left_out
from ._design import Design
from ._design_error import DesignError
from ._estimate import Estimate
from ._group import GroupStatus
from ._mixture_covariate_posterior import PredictedCovariate, estimate_left_out, shuffled_correlations
from ._mixture_group import prepare_mixture
from ._prepare_group import prepare
from ._settings import PebError, PebSettings

SHUFFLES = 199
CLOSE = 1e-9  # by which correlations count as the same


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """A covariate, estimated for every participant by a group that was fitted without that participant.

    Fields (N participants, L levels of the covariate):
        covariate: which.
        participants: N names.
        actual: (N,) what the design says, in the design's units (centred there, centred here).
        estimate: (N,) posterior means.
        variance: (N,) posterior variances.
        levels: (L,) the values that occur, ascending.
        probability: (N, L) of each level, all levels equally probable beforehand.
        fold: (N,) the fold in which each was left out.
        status: how the group fit of each fold ended.
        correlation: Pearson's, of estimate and actual.
        p_value: one-sided: of so high a correlation where there is none. Where participants are a mixture, from the
            covariate shuffled over participants, all spreads where the group without it has them (see
            `_mixture_covariate_posterior`): at least 1 / (1 + number of shuffles). Where they are Gaussian, by
            Student's t with N − 2 degrees of freedom, as SPM12 reports: it takes the estimates as independent, which
            those of overlapping groups only nearly are.
        accuracy: share of participants whose most probable level is the actual one, for a covariate of two levels; None
            for others.
        seed: of the folds; None where every fold is one participant.
        shuffled: (B,) correlations of shuffled covariates, which p is from; None where it is from Student's t.
    """

    covariate: str
    participants: tuple[str, ...]
    actual: Float[np.ndarray, "subject"]
    estimate: Float[np.ndarray, "subject"]
    variance: Float[np.ndarray, "subject"]
    levels: Float[np.ndarray, "level"]
    probability: Float[np.ndarray, "subject level"]
    fold: Int[np.ndarray, "subject"]
    status: tuple[GroupStatus, ...]
    correlation: float
    p_value: float
    accuracy: float | None
    seed: int | None
    shuffled: Float[np.ndarray, "shuffle"] | None = None

    def to_frame(self) -> DataFrame:
        """One row a participant: participant, fold, actual, estimate, sd."""
        return data_frame(
            {
                "participant": self.participants,
                "fold": self.fold,
                "actual": self.actual,
                "estimate": self.estimate,
                "sd": np.sqrt(self.variance),
            }
        )

    def summary(self) -> DataFrame:
        """The result in one row: covariate, participants, folds, correlation, p_value, accuracy (of two levels)."""
        folds = int(self.fold.max()) + 1
        accuracy = float("nan") if self.accuracy is None else self.accuracy
        values = (self.covariate, len(self.participants), folds, self.correlation, self.p_value, accuracy)
        names = ("covariate", "participants", "folds", "correlation", "p_value", "accuracy")
        return data_frame({name: [value] for name, value in zip(names, values, strict=True)})

    def __repr__(self) -> str:
        size = f"{len(self.participants)} participants, {int(self.fold.max()) + 1} folds"
        return f"CrossValidation({self.covariate!r}, {size}, r = {self.correlation:.3f}, p = {self.p_value:.4f})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.to_frame())


def leave_one_out(
    estimates: Sequence[Estimate],
    design: Design,
    settings: PebSettings = PebSettings(),  # noqa: B008 - frozen
    *,
    covariate: str,
    parameters: Sequence[str] | None = None,
    shuffles: int = SHUFFLES,
    shuffle_seed: int = 0,
) -> CrossValidation:
    """The covariate of each participant from the connectivity, the group fitted to all others.

        θ_i = Ep x_i + ε,   ε ~ N(0, Ce),   x_i known but for the covariate, which has prior N(0, 4 var)

    with Ep and Ce of the group without i, its default priors taken from the others too. In SPM's modes the estimates
    are SPM12's, four passes in which known covariates are only nearly known; else they are known, and the posterior is
    the exact one; where participants are a mixture, i may be far off too, and says less of the covariate then. Centre
    the covariate: 0 is its prior mean. It is not centred again in a fold. Where there is no effect, estimates still
    correlate a little below 0 with the actual values, since the mean of the others is, too; the p value looks above 0
    only.

    Products of the covariate with another, named ``a×b`` as by `make_design`, are unknown with it: their effects are
    added to its own, times the other's value (SPM12 would take them as known, which gives the answer away).

    Arguments:
        estimates, design, settings, parameters: as for `fit`.
        covariate: which column of the design is predicted.
        shuffles, shuffle_seed: of the covariate, for p where participants are a mixture.

    Raises `PebError` and `DesignError` as `fit` does for the group of any fold, and where the covariate cannot be
    predicted: it is constant, a product, or squared in the design.

    Source: Friston et al. 2016; Zeidman et al. 2019b, "cross-validation".
    """
    each = np.arange(len(design.participants))
    return _predict(estimates, design, settings, covariate, parameters, each, None, (shuffles, shuffle_seed))


def k_fold(
    estimates: Sequence[Estimate],
    design: Design,
    settings: PebSettings = PebSettings(),  # noqa: B008 - frozen
    *,
    covariate: str,
    parameters: Sequence[str] | None = None,
    folds: int = 10,
    seed: int = 0,
    shuffles: int = SHUFFLES,
) -> CrossValidation:
    """As `leave_one_out`, several participants left out at a time, each of them estimated by itself.

    Arguments:
        folds: how many parts, 2 to N, as equal as can be; each has its share of every combination of the design's
            two-level covariates. N is `leave_one_out`.
        seed: of the draw of the parts, and of the shuffles.
        shuffles: of the covariate, for p where participants are a mixture.

    Raises as `leave_one_out` does, and `PebError` where there cannot be so many folds.
    """
    total = len(design.participants)
    if not 2 <= folds <= total:
        raise PebError(f"{total} participants make 2 to {total} folds, not {folds}")
    each = draw_folds(design, folds, seed)
    return _predict(estimates, design, settings, covariate, parameters, each, seed, (shuffles, seed))


def draw_folds(design: Design, folds: int, seed: int) -> Int[np.ndarray, "subject"]:
    """The fold of every participant: in an order shuffled within the groups of two-level covariates, dealt in turn."""
    total = len(design.participants)
    binary = [column for column in design.matrix.T if len(np.unique(column)) == 2]
    order = np.lexsort([np.random.default_rng(seed).permutation(total), *binary])
    fold = np.empty(total, dtype=int)
    fold[order] = np.arange(total) % folds
    return fold


@one_blas_thread()
def _predict(
    estimates: Sequence[Estimate],
    design: Design,
    settings: PebSettings,
    covariate: str,
    parameters: Sequence[str] | None,
    fold: Int[np.ndarray, "subject"],
    seed: int | None,
    shuffles: tuple[int, int],
) -> CrossValidation:
    if shuffles[0] < 1:
        raise PebError(f"p needs at least 1 shuffle, not {shuffles[0]}")
    unknown = design.column(covariate)
    actual = design.matrix[:, unknown]
    levels, level = np.unique(actual, return_inverse=True)
    if levels.size == 1:
        raise DesignError(f"{covariate} is the same for every participant; there is nothing to predict")
    products = _products(design, covariate)
    _check_by_itself(design, covariate)
    shuffled: np.ndarray | None = None
    if settings.is_mixture:
        group, which = prepare_mixture(estimates, design, settings, parameters), PredictedCovariate(unknown, products)
        found, settled = estimate_left_out(group, settings, which, fold)
        estimate, variance, prior_variance = found
        prior_mean = np.zeros_like(estimate)
        status = tuple(GroupStatus.CONVERGED if has_settled else GroupStatus.MAX_ROUNDS for has_settled in settled)
        shuffled = shuffled_correlations(group, which, fold, *shuffles)
    else:
        prepared = prepare(estimates, design, settings, parameters)
        folds = fit_folds(prepared, fold)
        status = check_folds(design, folds, fold)
        predicted = predict_left_out(prepared, folds, fold, unknown, products)
        estimate, variance, prior_mean, prior_variance = map(np.asarray, predicted)
    log_odds = _log_density(levels, estimate, variance) - _log_density(levels, prior_mean, prior_variance)
    probability = np.exp(log_odds - log_odds.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    if np.ptp(estimate) == 0:
        raise PebError(f"all participants have the same estimate of {covariate}: the group has no effect of it")
    correlation = pearsonr(estimate, actual, alternative="greater")
    return CrossValidation(
        covariate=covariate,
        participants=design.participants,
        actual=actual,
        estimate=estimate,
        variance=variance,
        levels=levels,
        probability=probability,
        fold=fold,
        status=status,
        correlation=float(correlation.statistic),
        p_value=float(correlation.pvalue) if shuffled is None else _shuffled_p(shuffled),
        accuracy=float((probability.argmax(axis=1) == level).mean()) if levels.size == 2 else None,
        seed=seed,
        shuffled=None if shuffled is None else shuffled[1:],
    )


def _shuffled_p(correlations: Float[np.ndarray, "shuffle"]) -> float:
    """The first is that of the covariate as it is (Phipson & Smyth 2010)."""
    return float((1 + (correlations[1:] >= correlations[0] - CLOSE).sum()) / correlations.size)


def _products(design: Design, covariate: str) -> dict[int, int]:
    """Columns that are products of the covariate → the column of the other factor."""
    if "×" in covariate:
        raise DesignError(f"{covariate} is the product of covariates that are known; predict one of those instead")
    found = {}
    for place, name in enumerate(design.covariates):
        factors = name.split("×")
        if covariate not in factors:
            continue
        factors.remove(covariate)
        if not factors:
            continue
        if factors == [covariate] or len(factors) > 1 or factors[0] not in design.covariates:
            raise DesignError(
                f"{name} holds what is to be predicted, and only products of {covariate} with one other covariate of "
                "the design can be taken apart; leave it out"
            )
        other = design.column(factors[0])
        column = design.matrix[:, design.column(covariate)] * design.matrix[:, other]
        if not np.allclose(column, design.matrix[:, place], rtol=1e-9, atol=1e-12 * np.abs(column).max()):
            raise DesignError(f"{name} is not the product of its factors, though it holds {covariate}; leave it out")
        found[place] = other
    return found


def _check_by_itself(design: Design, covariate: str) -> None:
    """A factor of more than two levels has columns that tell each other's values."""
    if design.form is None:
        return
    row = np.linalg.inv(design.form.to_canonical)[design.column(covariate)]
    for term, where in design.form.slices().items():
        if np.abs(row[where]).max() > 1e-9 and any(len(design.form.factors[name].levels) > 2 for name in term.factors):
            raise DesignError(
                f"{covariate} is of a factor with more than two levels, whose other columns give it away; predict a "
                "number or a factor of two levels"
            )


def _log_density(levels: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """ln N(level; mean, variance) up to a constant, (subject, level)."""
    return -((levels - mean[:, None]) ** 2) / (2 * variance[:, None])
