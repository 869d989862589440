"""A prediction, ready to be shown: answers, tables, pictures, how it was made."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from features import scikit_penalty

from ..page import AnalysisReport
from ._answers import answers
from ._notices import prediction_notices
from ._prediction_sections import picture_sections
from ._result import ElasticNetResult
from ._tables import prediction_tables

NAME = "prediction"


def report_elastic_net(result: ElasticNetResult) -> AnalysisReport:
    """Everything there is to show of a prediction; pictures are drawn when asked for."""
    predictors = "1 predictor" if len(result.names) == 1 else f"{len(result.names)} predictors"
    return AnalysisReport(
        name=NAME,
        title=f"Is {result.outcome.name} predicted by the measures?",
        subtitle=(
            f"{result.participants} participants, {predictors}, {len(result.retained)} retained (model {result.model})."
        ),
        answers=answers(result),
        records=prediction_tables(result),
        draw=lambda: picture_sections(result),
        facts=_facts(result),
        notices=prediction_notices(result),
        summary=_summary(result),
    )


def _facts(result: ElasticNetResult) -> tuple[tuple[str, str], ...]:
    settings, curve = result.settings, result.in_sample.curve
    grid = f"{_alphas(settings.alphas)}, up to {settings.penalties} penalties each, as glmnet spaces them"
    left_out = "one participant at a time" if settings.folds is None else f"in {settings.folds} groups"
    scikit = scikit_penalty(float(curve.penalties[curve.minimum]), curve.alpha, float(result.outcome.values.std()))
    chosen = (
        f"α = {curve.alpha:g}, λ = {curve.penalties[curve.minimum]:.4g} as glmnet writes it (scikit-learn: "
        f"alpha = {scikit.alpha:.4g}, l1_ratio = {scikit.l1_ratio:.3g})"
    )
    filled = f"filled in ({settings.imputation})" if result.missing.any() else "none"
    facts = [
        ("Model", f"elastic net; {result.model}: {result.formula}"),
        ("Predictors", "standardised, so that coefficients are per SD; products are of centred columns"),
        ("Candidates", grid),
        ("Choice", f"{chosen}: the least squared error of participants left out {left_out}"),
        ("Sparser choice", f"λ = {curve.penalties[curve.one_se]:.4g}, within one standard error of the least"),
        ("Motion", _motion(result)),
        ("Missing values", filled),
        ("In-sample", "prepared, tuned and fitted once, on all participants, and judged on the same participants"),
        ("Left out", _left_out(result, left_out)),
        ("Chance", _chance(result)),
        ("Stability", _stability(result)),
        *([] if not settings.imputations else [("Imputations", f"{settings.imputations}, drawn from their posterior")]),
        ("Seed", str(settings.seed)),
    ]
    return (("Table", result.source), *facts) if result.source else tuple(facts)


def _motion(result: ElasticNetResult) -> str:
    if not result.settings.adjust_motion:
        return "not adjusted for"
    adjusted = sum(bool(column.motion) for column in result.predictors.columns)
    return f"taken out of {adjusted} of the measures" if adjusted else "not known, and so not adjusted for"


def _left_out(result: ElasticNetResult, left_out: str) -> str:
    if result.nested is None:
        return "nobody"
    settings = result.settings
    tried = f"{_alphas(settings.tried_nested)}, {settings.nested_penalties or settings.penalties} penalties each"
    return f"motion, filling in, scaling, tuning and fitting all again without those left out, {left_out}; {tried}"


def _chance(result: ElasticNetResult) -> str:
    if result.permutation is None:
        return "not tested"
    done, asked = result.permutation.shuffles, result.settings.permutations
    early = f", which settled p before {asked:,} were done" if done < asked else ""
    every = f"Q² of {done:,} shuffled outcomes, all repeated for each"
    return f"{every}{early}; one-sided; seed {result.permutation.seed}"


def _stability(result: ElasticNetResult) -> str:
    if result.bootstrapped is None:
        return "no bootstraps"
    stability = result.bootstrapped
    drawn = f"{stability.samples:,} bootstraps, at the α and the relative penalty above; seed {stability.seed}"
    within = stability.within
    if within is None:
        return drawn
    shuffled = f"shuffled{result.within_groups} {within.shuffles} times"
    return f"{drawn}; outcomes {shuffled}, each predictor against the largest |r| of all"


def _alphas(alphas: tuple[float, ...]) -> str:
    return f"{len(alphas)} α from {min(alphas):g} to {max(alphas):g}" if len(alphas) > 1 else f"α = {alphas[0]:g}"


def _summary(result: ElasticNetResult) -> dict[str, Any]:
    """Numbers for programs; what has a table of its own is there."""
    return {
        "model": result.model,
        "formula": result.formula,
        "outcome": {"name": result.outcome.name, "unit": result.outcome.unit},
        "counts": {"people": result.participants, "predictors": len(result.names), "retained": len(result.retained)},
        "arms": None if result.arms is None else list(result.arms),
        "published": _published(result),
        "nested": _nested(result),
        "chance": None if result.permutation is None else asdict(result.permutation),
        "stability": None if result.stability is None else _shares(result),
        "settings": {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(result.settings).items()
        },
        "left_out": list(result.excluded),
        "notices": [f"{heading} {text}" for heading, text in prediction_notices(result)],
    }


def _published(result: ElasticNetResult) -> dict[str, Any]:
    model, curve = result.in_sample, result.in_sample.curve
    return {
        "r_squared": float(model.r_squared),
        "tuned_r_squared": result.tuned_r_squared,
        "alpha": float(curve.alpha),
        "penalty": float(curve.penalties[curve.minimum]),
        "penalty_one_se": float(curve.penalties[curve.one_se]),
        "scikit_learn": scikit_penalty(
            float(curve.penalties[curve.minimum]), curve.alpha, float(result.outcome.values.std())
        )._asdict(),
        "intercept": float(model.intercept),
        "coefficients": _by_name(result, model.coefficients),
        "curve": {key: getattr(curve, key).tolist() for key in ("penalties", "mse", "se")},
    }


def _nested(result: ElasticNetResult) -> dict[str, Any] | None:
    if result.nested is None:
        return None
    estimate = result.nested
    return {
        "q_squared": float(estimate.q_squared),
        "correlation": float(estimate.correlation),
        "mean_absolute_error": float(estimate.mean_absolute_error),
        "alphas": estimate.alphas.tolist(),
        "relative_penalties": estimate.penalties.tolist(),
        "retained": np.count_nonzero(estimate.coefficients, axis=1).tolist(),
    }


def _shares(result: ElasticNetResult) -> dict[str, Any]:
    stability = result.stability
    assert stability is not None
    shares = {key: _by_name(result, getattr(stability, key)) for key in ("folds", "bootstraps", "positive")}
    found_within = stability.within
    within = found_within and {
        "correlation": _by_name(result, found_within.correlation),
        "p_value": _by_name(result, found_within.p_value),
        "shuffles": found_within.shuffles,
    }
    stable = [result.names[place] for place in result.retained if result.stable(place)]
    return {**shares, "samples": stability.samples, "seed": stability.seed, "within_arms": within, "stable": stable}


def _by_name(result: ElasticNetResult, values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(result.names, values, strict=True)}
