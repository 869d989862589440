"""A prediction of made-up participants by scikit-learn's own path, in folds, so that showing one needs none of
`features`."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import enet_path

from features import (
    ArmSlopes,
    NestedEstimate,
    Outcome,
    PermutationTest,
    PredictorColumn,
    Predictors,
    Stability,
    Term,
    TuningCurve,
    WholeSampleFit,
    WithinArmCorrelations,
)
from pipeline.predict._result import ElasticNetResult, ElasticNetSettings

ARMS = ("ketamine", "midazolam")
ALPHAS = (0.5, 1.0)
FOLDS = 7
PENALTIES = 25


@lru_cache
def made_up_prediction(
    participants: int = 21,
    measures: int = 8,
    effect: float = 12.0,
    *,
    products: bool = True,
    missing: float = 0.0,
    reached: int = 3,
    label: str = "change(gppi_faces_vmPFC_from_r{:02d})",
    arms: tuple[str, str] = ARMS,
    seed: int = 0,
) -> ElasticNetResult:
    """A model of each measure and its product with the arm.

    Arguments:
        participants, measures: how many.
        effect: points of improvement per SD of the first measure, and of its product with the arm; 0 for noise.
        products: whether the arm and products with it are terms.
        missing: share of values of every third measure that are missing.
        reached: shuffles of 199 that are said to be as good.
        label: of a measure, with a place for its number.
        arms: their names.
        seed: of the data.
    """
    rng = np.random.default_rng(seed)
    names = [label.format(number) for number in range(measures)]
    arm = np.where(np.arange(participants) % 2 == 0, 1.0, -1.0)
    x = 0.1 + 0.05 * rng.normal(size=(participants, measures))
    y = 10 + effect * (1 + arm) * (x[:, 0] - 0.1) / 0.05 / 2 + 4 * rng.normal(size=participants)
    columns = (*(PredictorColumn(name, "measure", "a.u.") for name in names), PredictorColumn("arm", "arm"))
    terms: tuple[Term, ...] = tuple((name,) for name in names)
    if products:
        terms = (*terms, ("arm",), *(("arm", name) for name in names))
    holes = x.copy()
    holes[:, ::3][rng.uniform(size=holes[:, ::3].shape) < missing] = np.nan
    labels = tuple(f"sub-{number:02d}" for number in range(participants))
    table = Predictors(labels, columns, np.column_stack([holes, arm]), terms)
    filled = np.where(np.isnan(holes), np.nanmean(holes, axis=0), holes)
    centred = filled - filled.mean(axis=0)
    design = np.hstack([filled, arm[:, None], arm[:, None] * centred]) if products else filled
    return _prediction(table, design, y, arm, arms, reached, rng)


def null_prediction() -> ElasticNetResult:
    """The same with nothing retained: every prediction is a mean."""
    one = made_up_prediction(effect=0.0)
    y, none = one.outcome.values, np.zeros(len(one.names))
    curves = tuple(replace(curve, minimum=0, one_se=0) for curve in one.in_sample.curves)
    mean = np.full_like(y, y.mean())
    published = replace(
        one.in_sample, curves=curves, coefficients=none, fitted=mean, cross_validated=one.mean_of_others, r_squared=0.0
    )
    off = float(np.abs(y - one.mean_of_others).mean())
    assert one.nested is not None
    nested = replace(
        one.nested,
        predictions=one.mean_of_others,
        q_squared=0.0,
        correlation=-1.0,
        mean_absolute_error=off,
        coefficients=np.zeros_like(one.nested.coefficients),
    )
    return replace(one, in_sample=published, nested=nested, permutation=PermutationTest(150, 199, 0.755, 0.69, 0.81, 0))


def _prediction(
    table: Predictors,
    x: np.ndarray,
    y: np.ndarray,
    arm: np.ndarray,
    arms: tuple[str, str],
    reached: int,
    rng: np.random.Generator,
) -> ElasticNetResult:
    published = _published(table.names, x, y)
    products = [term[1] for term in table.terms if len(term) > 1]
    filled = dict(zip(table.names, x.T, strict=True))
    low, high = stats.beta.ppf([0.025, 0.975], [max(reached, 1e-9), reached + 1], [200 - reached, 199 - reached])
    return ElasticNetResult(
        model="change-by-arm" if products else "change",
        formula="change(gppi_*) + arm + arm:change(gppi_*)" if products else "change(gppi_*)",
        outcome=Outcome("improvement", "points", y),
        predictors=table,
        in_sample=published,
        nested=_nested(x, y),
        permutation=PermutationTest(reached, 199, (1 + reached) / 200, float(low), float(high), 0),
        stability=_stability(x, y, arm, published, rng),
        slopes=tuple(_slopes(name, filled[name], y, arm, arms) for name in products),
        arms=arms,
        arm=arm,
        settings=ElasticNetSettings(ALPHAS, PENALTIES, "iterative", True, 199, 40, 0),
    )


def _published(names: tuple[str, ...], x: np.ndarray, y: np.ndarray) -> WholeSampleFit:
    centre, scale = x.mean(axis=0), x.std(axis=0)
    curves, guesses = zip(*(_curve(x, y, alpha) for alpha in ALPHAS), strict=True)
    best = int(np.argmin([curve.mse[curve.minimum] for curve in curves]))
    curve = curves[best]
    coefficients = curve.coefficients[curve.minimum]
    fitted = y.mean() + (x - centre) / scale @ coefficients
    r_squared = float(1 - np.sum((y - fitted) ** 2) / np.sum((y - y.mean()) ** 2))
    tuned = guesses[best][:, curve.minimum]
    return WholeSampleFit(names, centre, scale, curves, best, coefficients, float(y.mean()), fitted, tuned, r_squared)


def _curve(x: np.ndarray, y: np.ndarray, alpha: float) -> tuple[TuningCurve, np.ndarray]:
    """The path on all participants; errors and predictions of folds, (participant, penalty)."""
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    top = np.abs(z.T @ (y - y.mean())).max() / y.size / alpha
    penalties = top * np.geomspace(1, 0.02, PENALTIES)
    guess = np.empty((y.size, PENALTIES))
    for fold in range(FOLDS):
        out = np.arange(y.size) % FOLDS == fold
        guess[out] = _path(x[~out], y[~out], alpha, penalties, x[out])[1]
    error = (y[:, None] - guess) ** 2
    mse, se = error.mean(axis=0), error.std(axis=0, ddof=1) / np.sqrt(y.size)
    minimum = int(np.argmin(mse))
    one_se = int(np.flatnonzero(mse <= mse[minimum] + se[minimum])[0])
    coefficients = _path(x, y, alpha, penalties, x)[0]
    return TuningCurve(alpha, penalties, mse, se, coefficients, np.full(PENALTIES, y.mean()), minimum, one_se), guess


def _path(
    x: np.ndarray, y: np.ndarray, alpha: float, penalties: np.ndarray, new: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(penalty, predictor) per SD, and predictions of new participants, (participant, penalty)."""
    centre, scale = x.mean(axis=0), x.std(axis=0)
    with warnings.catch_warnings():  # the end of a path of more predictors than participants
        warnings.simplefilter("ignore", ConvergenceWarning)
        _, coefficients, _ = enet_path((x - centre) / scale, y - y.mean(), l1_ratio=alpha, alphas=penalties, tol=1e-3)
    return coefficients.T, y.mean() + (new - centre) / scale @ coefficients


def _nested(x: np.ndarray, y: np.ndarray) -> NestedEstimate:
    """All of it again without each fold."""
    guess, alphas, penalties = np.empty(y.size), np.empty(y.size), np.empty(y.size)
    coefficients = np.empty((y.size, x.shape[1]))
    for fold in range(FOLDS):
        out = np.arange(y.size) % FOLDS == fold
        inner = _published((), x[~out], y[~out])
        guess[out] = inner.intercept + (x[out] - inner.centre) / inner.scale @ inner.coefficients
        alphas[out] = inner.curve.alpha
        penalties[out] = inner.curve.penalties[inner.curve.minimum] / y[~out].std()
        coefficients[out] = inner.coefficients
    baseline = (y.sum() - y) / (y.size - 1)
    q_squared = float(1 - np.sum((y - guess) ** 2) / np.sum((y - baseline) ** 2))
    r = float(np.corrcoef(y, guess)[0, 1])
    off = float(np.abs(y - guess).mean())
    return NestedEstimate(guess, baseline, q_squared, r, off, alphas, penalties, coefficients)


def _within(x: np.ndarray, y: np.ndarray, arm: np.ndarray) -> WithinArmCorrelations:
    """Correlations within arms; p by Student's t and Bonferroni, which is near enough to shuffling."""
    inner = np.column_stack([x, y])
    for sign in (1, -1):
        inner[arm == sign] -= inner[arm == sign].mean(axis=0)
    varies = np.ptp(inner[:, :-1], axis=0) > 1e-9
    r = np.full(x.shape[1], np.nan)
    r[varies] = [np.corrcoef(column, inner[:, -1])[0, 1] for column in inner[:, :-1].T[varies]]
    t = np.abs(r) * np.sqrt((y.size - 3) / (1 - r**2))
    return WithinArmCorrelations(r, np.clip(2 * stats.t.sf(t, y.size - 3) * varies.sum(), 0.001, 1.0), 999, 0)


def _stability(
    x: np.ndarray, y: np.ndarray, arm: np.ndarray, published: WholeSampleFit, rng: np.random.Generator
) -> Stability:
    curve = published.curve
    penalty = curve.penalties[curve.minimum : curve.minimum + 1]
    draws = []
    for _ in range(40):
        chosen = rng.integers(y.size, size=y.size)
        draws.append(_path(x[chosen], y[chosen], curve.alpha, penalty, x)[0][0])
    drawn = np.stack(draws)
    low, median, high = np.percentile(drawn, [5, 50, 95], axis=0)
    kept = (drawn != 0).sum(axis=0)
    positive = np.divide((drawn > 0).sum(axis=0), kept, out=np.full(kept.size, np.nan), where=kept > 0)
    folds = np.mean(
        [
            _path(x[out], y[out], curve.alpha, penalty, x)[0][0] != 0
            for out in (np.arange(y.size) % FOLDS != fold for fold in range(FOLDS))
        ],
        axis=0,
    )
    return Stability(folds, kept / 40, positive, low, median, high, 40, 0, _within(x, y, arm))


def _slopes(name: str, x: np.ndarray, y: np.ndarray, arm: np.ndarray, arms: tuple[str, str]) -> ArmSlopes:
    fits = [stats.linregress(x[arm == sign], y[arm == sign]) for sign in (1, -1)]
    participants = np.array([int((arm == sign).sum()) for sign in (1, -1)])
    slope = np.array([fit.slope for fit in fits])
    half = stats.t.ppf(0.975, participants - 2) * np.array([fit.stderr for fit in fits])
    intercept = np.array([fit.intercept for fit in fits])
    return ArmSlopes(name, arms, slope, slope - half, slope + half, intercept, participants, x, arm)
