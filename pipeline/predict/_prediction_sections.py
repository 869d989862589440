"""The pictures of a prediction, each with a caption that says what to look for in it."""

from __future__ import annotations

from ..page import Picture, Section
from ._result import MUCH_MISSING, ElasticNetResult
from ._result_figures import (
    MOST_PREDICTORS,
    MOST_SLOPES,
    predicted_figure,
    predictors_figure,
    slopes_drawn,
    slopes_figure,
)
from ._tuning_figures import MOST_COLUMNS, curve_figure, missing_predictors_figure, path_figure


def picture_sections(result: ElasticNetResult) -> tuple[Section, ...]:
    """In the reader's order: whether it predicts, by what, in which arm, how the model was chosen, what was missing."""
    made = (_predicted(result), _predictors(result), _slopes(result), _tuning(result), _missing(result))
    return tuple(section for section in made if section is not None)


def _predicted(result: ElasticNetResult) -> Section:
    caption = (
        "In-sample, the model has seen the outcome that it is compared with: with enough predictors any outcome, even "
        "noise, comes to lie on the dashed line."
    )
    if result.nested is not None:
        caption += (
            " Left out, everything was done again without the participant: preparing the measures, choosing the "
            "penalty, fitting. Only there does nearness to the dashed line say something about new patients."
        )
    picture = Picture("predicted", f"{result.outcome.name}: observed and predicted", caption, predicted_figure(result))
    lead = "The same participants twice: as the model fits them, and as it predicts them left out."
    return Section("Observed and predicted", lead, (picture,))


def _predictors(result: ElasticNetResult) -> Section | None:
    figure = predictors_figure(result)
    if figure is None:
        return None
    caption = (
        "Left, the coefficient per standard deviation, with the 5th to the 95th percentile of the bootstraps; filled "
        "where that excludes zero. Right, how often a predictor is retained when participants are drawn anew, or left "
        "out. Blue: stable, that is retained in half of these or more, and beyond chance "
        f"{result.within_groups.strip() or 'among all predictors'}: it, or what is correlated with it."
    )
    if not result.retained:
        caption = f"The model retains none; drawn are those that bootstraps retain most often. {caption}"
    elif len(result.retained) > MOST_PREDICTORS:
        caption += f" The largest {MOST_PREDICTORS} of {len(result.retained)} are drawn."
    picture = Picture("predictors", "Retained predictors and their stability", caption, figure)
    return Section("Predictors", "Predictors retained by the model of all participants.", (picture,))


def _slopes(result: ElasticNetResult) -> Section | None:
    figure = slopes_figure(result)
    if figure is None:
        return None
    group = result.group_word
    caption = (
        f"Lines of different slope: the measure is related to the outcome differently in the two {group}s. Each "
        "measure is drawn alone, without the others of the model, and was chosen on the same participants: the bands "
        "are too narrow for that."
    )
    if len(result.slopes) > len(slopes_drawn(result)):
        caption += f" Drawn are up to {MOST_SLOPES} whose product with the {group} weighs most."
    picture = Picture("slopes", f"{result.outcome.name} in each {group}", caption, figure)
    return Section(f"{group.capitalize()}s", f"What products of the {group} and a measure mean.", (picture,))


def _tuning(result: ElasticNetResult) -> Section:
    curve = Picture(
        "error-curve",
        "Error of participants left out of the fit",
        "The penalty is chosen where the error is least. Where the curve is flat, or no lower than the dotted line, "
        "the data do not choose: a model without any predictor does as well. The 1-SE choice is the sparsest that is "
        "within one standard error. As everybody helped to choose, the least error is itself too good.",
        curve_figure(result),
    )
    path = Picture(
        "coefficient-path",
        f"Coefficients along the penalty, α = {result.in_sample.curve.alpha:g}",
        "From right to left the penalty falls and predictors enter one by one. In colour: the largest of those "
        "retained at the least error, with their coefficients there.",
        path_figure(result),
    )
    return Section("Choice of the penalty", "How the model was chosen among all candidates.", (curve, path))


def _missing(result: ElasticNetResult) -> Section | None:
    figure = missing_predictors_figure(result)
    if figure is None:
        return None
    caption = (
        f"A block where a value is missing and was filled in from the others; in colour where that is more than "
        f"{MUCH_MISSING:.0%} of a measure. Blocks in one column of the picture are of one participant."
    )
    if (result.missing > 0).sum() > MOST_COLUMNS:
        caption += f" The emptiest {MOST_COLUMNS} of {(result.missing > 0).sum()} are drawn."
    picture = Picture("missing", "Missing values", caption, figure)
    return Section("Missing values", "Values that were imputed for the model.", (picture,))
