"""A prediction, ready to be shown: answers, tables, pictures, how it was made."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from features import scikit_penalty

from ..page import Delivery, Section
from ._answers import answers
from ._notices import notices
from ._records import prediction_tables
from ._result import Prediction

NAME = "prediction"


def deliver_prediction(found: Prediction) -> Delivery:
    """Everything there is to show of a prediction; pictures are drawn when asked for."""
    predictors = "1 predictor" if len(found.names) == 1 else f"{len(found.names)} predictors"
    return Delivery(
        name=NAME,
        title=f"Is {found.outcome.name} predicted by the measures?",
        subtitle=f"{found.people} people, {predictors}, {len(found.retained)} retained (model {found.model}).",
        answers=answers(found),
        records=prediction_tables(found),
        draw=lambda: _sections(found),
        facts=_facts(found),
        notices=notices(found),
        summary=_summary(found),
    )


def _sections(found: Prediction) -> tuple[Section, ...]:
    from ._pictures import prediction_sections  # matplotlib takes a second

    return prediction_sections(found)


def _facts(found: Prediction) -> tuple[tuple[str, str], ...]:
    how, curve = found.settings, found.published.curve
    grid = f"{_alphas(how.alphas)}, up to {how.penalties} penalties each, as glmnet spaces them"
    apart = "one person at a time" if how.folds is None else f"in {how.folds} groups"
    same = scikit_penalty(float(curve.penalties[curve.minimum]), curve.alpha, float(found.outcome.values.std()))
    chosen = (
        f"α = {curve.alpha:g}, λ = {curve.penalties[curve.minimum]:.4g} as glmnet writes it (scikit-learn: "
        f"alpha = {same.alpha:.4g}, l1_ratio = {same.l1_ratio:.3g})"
    )
    filled = f"filled in ({how.imputation})" if found.missing.any() else "none"
    told = [
        ("Model", f"elastic net; {found.model}: {found.formula}"),
        ("Predictors", "standardised, so that coefficients are per SD; products are of centred columns"),
        ("Candidates", grid),
        ("Choice", f"{chosen}: the least squared error of people left out {apart}"),
        ("Sparser choice", f"λ = {curve.penalties[curve.one_se]:.4g}, within one standard error of the least"),
        ("Motion", _motion(found)),
        ("Missing values", filled),
        ("In-sample", "prepared, tuned and fitted once, on all people, and judged on the same people"),
        ("Left out", _left_out(found, apart)),
        ("Chance", _chance(found)),
        ("Stability", _stability(found)),
        *([] if not how.imputations else [("Imputations", f"{how.imputations}, drawn from their posterior")]),
        ("Seed", str(how.seed)),
    ]
    return (("Table", found.source), *told) if found.source else tuple(told)


def _motion(found: Prediction) -> str:
    if not found.settings.adjust_motion:
        return "not adjusted for"
    adjusted = sum(bool(column.motion) for column in found.predictors.columns)
    return f"taken out of {adjusted} of the measures" if adjusted else "not known, and so not adjusted for"


def _left_out(found: Prediction, apart: str) -> str:
    if found.nested is None:
        return "nobody"
    how = found.settings
    tried = f"{_alphas(how.tried_nested)}, {how.nested_penalties or how.penalties} penalties each"
    return f"motion, filling in, scaling, tuning and fitting all again without those left out, {apart}; {tried}"


def _chance(found: Prediction) -> str:
    if found.chance is None:
        return "not tested"
    done, asked = found.chance.shuffles, found.settings.permutations
    early = f", which settled p before {asked:,} were done" if done < asked else ""
    every = f"Q² of {done:,} shuffled outcomes, all repeated for each"
    return f"{every}{early}; one-sided; seed {found.chance.seed}"


def _stability(found: Prediction) -> str:
    if found.shaken is None:
        return "no bootstraps"
    drawn = f"{found.shaken.samples:,} bootstraps, at the α and the relative penalty above; seed {found.shaken.seed}"
    within = found.shaken.within
    if within is None:
        return drawn
    where = " within arms" if found.has_arms else ""
    return f"{drawn}; outcomes shuffled{where} {within.shuffles} times, each predictor against the largest |r| of all"


def _alphas(alphas: tuple[float, ...]) -> str:
    return f"{len(alphas)} α from {min(alphas):g} to {max(alphas):g}" if len(alphas) > 1 else f"α = {alphas[0]:g}"


def _summary(found: Prediction) -> dict[str, Any]:
    """Numbers for programs; what has a table of its own is there."""
    return {
        "model": found.model,
        "formula": found.formula,
        "outcome": {"name": found.outcome.name, "unit": found.outcome.unit},
        "counts": {"people": found.people, "predictors": len(found.names), "retained": len(found.retained)},
        "arms": None if found.arms is None else list(found.arms),
        "published": _published(found),
        "nested": _nested(found),
        "chance": None if found.chance is None else asdict(found.chance),
        "stability": None if found.stability is None else _shares(found),
        "settings": {key: list(one) if isinstance(one, tuple) else one for key, one in asdict(found.settings).items()},
        "left_out": list(found.left_out),
        "notices": [f"{heading} {text}" for heading, text in notices(found)],
    }


def _published(found: Prediction) -> dict[str, Any]:
    model, curve = found.published, found.published.curve
    return {
        "r_squared": float(model.r_squared),
        "tuned_r_squared": found.tuned_r_squared,
        "alpha": float(curve.alpha),
        "penalty": float(curve.penalties[curve.minimum]),
        "penalty_one_se": float(curve.penalties[curve.one_se]),
        "scikit_learn": scikit_penalty(
            float(curve.penalties[curve.minimum]), curve.alpha, float(found.outcome.values.std())
        )._asdict(),
        "intercept": float(model.intercept),
        "coefficients": _by_name(found, model.coefficients),
        "curve": {key: getattr(curve, key).tolist() for key in ("penalties", "mse", "se")},
    }


def _nested(found: Prediction) -> dict[str, Any] | None:
    if found.nested is None:
        return None
    one = found.nested
    return {
        "q_squared": float(one.q_squared),
        "correlation": float(one.correlation),
        "mean_absolute_error": float(one.mean_absolute_error),
        "alphas": one.alphas.tolist(),
        "relative_penalties": one.penalties.tolist(),
        "retained": np.count_nonzero(one.coefficients, axis=1).tolist(),
    }


def _shares(found: Prediction) -> dict[str, Any]:
    one = found.stability
    assert one is not None
    shares = {key: _by_name(found, getattr(one, key)) for key in ("folds", "bootstraps", "positive")}
    found_within = one.within
    within = found_within and {
        "correlation": _by_name(found, found_within.correlation),
        "p_value": _by_name(found, found_within.p_value),
        "shuffles": found_within.shuffles,
    }
    stable = [found.names[place] for place in found.retained if found.stable(place)]
    return {**shares, "samples": one.samples, "seed": one.seed, "within_arms": within, "stable": stable}


def _by_name(found: Prediction, values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(found.names, values, strict=True)}
