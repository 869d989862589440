"""The pictures of a prediction, each with what to look for in it."""

from __future__ import annotations

from ..page import Picture, Section
from ._figure_curve import curve_figure
from ._figure_missing import MOST as MOST_COLUMNS
from ._figure_missing import missing_figure
from ._figure_path import path_figure
from ._figure_predicted import predicted_figure
from ._figure_predictors import MOST as MOST_PREDICTORS
from ._figure_predictors import predictors_figure
from ._figure_slopes import MOST as MOST_SLOPES
from ._figure_slopes import slopes_drawn, slopes_figure
from ._performance import MUCH_MISSING
from ._result import Prediction


def prediction_sections(found: Prediction) -> tuple[Section, ...]:
    """In the reader's order: whether it predicts, by what, in which arm, how the model was chosen, what was missing."""
    made = (_predicted(found), _predictors(found), _slopes(found), _tuning(found), _missing(found))
    return tuple(section for section in made if section is not None)


def _predicted(found: Prediction) -> Section:
    caption = (
        "In-sample, the model has seen the outcome that it is held against: with enough predictors any outcome, noise "
        "too, comes to lie on the dashed line."
    )
    if found.nested is not None:
        caption += (
            " Left out, everything was done again without the person: preparing the measures, choosing the penalty, "
            "fitting. Only there does nearness to the dashed line say something about new patients."
        )
    picture = Picture("predicted", f"{found.outcome.name}: observed and predicted", caption, predicted_figure(found))
    lead = "The same people twice: as the model fits them, and as it predicts them unseen."
    return Section("Observed and predicted", lead, (picture,))


def _predictors(found: Prediction) -> Section | None:
    figure = predictors_figure(found)
    if figure is None:
        return None
    caption = (
        "Left, the coefficient per standard deviation, with the 5th to the 95th percentile of the bootstraps; filled "
        "where that excludes zero. Right, how often a predictor is retained when people are drawn anew, or left out. "
        "Blue: stable, that is retained in half of these or more, and beyond chance "
        f"{'within arms' if found.has_arms else 'among all predictors'}: it, or what goes with it."
    )
    if not found.retained:
        caption = f"The model retains none; drawn are those that bootstraps retain most often. {caption}"
    elif len(found.retained) > MOST_PREDICTORS:
        caption += f" The largest {MOST_PREDICTORS} of {len(found.retained)} are drawn."
    picture = Picture("predictors", "Predictors retained, and how surely", caption, figure)
    return Section("Predictors", "What the model of all people holds.", (picture,))


def _slopes(found: Prediction) -> Section | None:
    figure = slopes_figure(found)
    if figure is None:
        return None
    caption = (
        "Lines that part say that a measure goes with the outcome in one arm otherwise than in the other. Each measure "
        "is drawn alone, without the others of the model, and was chosen on the same people: the bands are too narrow "
        "for that."
    )
    if len(found.slopes) > len(slopes_drawn(found)):
        caption += f" Drawn are up to {MOST_SLOPES} whose product with the arm weighs most."
    picture = Picture("slopes", f"{found.outcome.name} in each arm", caption, figure)
    return Section("Arms", "What products of the arm and a measure mean.", (picture,))


def _tuning(found: Prediction) -> Section:
    curve = Picture(
        "error-curve",
        "Error of people left out of the fit",
        "The penalty is chosen where the error is least. Where the curve is flat, or no lower than the dotted line, "
        "the data do not choose: a model without any predictor does as well. The 1-SE choice is the sparsest that is "
        "within one standard error. As everybody helped to choose, the least error is itself too good.",
        curve_figure(found),
    )
    path = Picture(
        "coefficient-path",
        f"Coefficients along the penalty, α = {found.published.curve.alpha:g}",
        "From right to left the penalty falls and predictors enter one by one. In colour: the largest of those "
        "retained at the least error, with their coefficients there.",
        path_figure(found),
    )
    return Section("Choice of the penalty", "How the model was chosen among all candidates.", (curve, path))


def _missing(found: Prediction) -> Section | None:
    figure = missing_figure(found)
    if figure is None:
        return None
    caption = (
        f"A block where a value is missing and was filled in from the others; in colour where that is more than "
        f"{MUCH_MISSING:.0%} of a measure. Blocks in one column of the picture are of one person."
    )
    if (found.missing > 0).sum() > MOST_COLUMNS:
        caption += f" The emptiest {MOST_COLUMNS} of {(found.missing > 0).sum()} are drawn."
    picture = Picture("missing", "Missing values", caption, figure)
    return Section("Missing values", "What the model had to guess.", (picture,))
