"""How much a published model hangs on what was filled in: the same model on tables that chance filled in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from ._design import Outcome, Predictors
from ._published import published
from ._tuning import Tuning
from ._whole_sample import imputations


def imputed_retention(
    predictors: Predictors,
    outcome: Outcome,
    groups: Int[np.ndarray, "person"],
    *,
    count: int,
    seed: int,
    tuning: Tuning | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Float[np.ndarray, "predictor"]:
    """Share of `count` published models that retain each predictor, each tuned on a table of its own.

    What is missing is drawn from its posterior, so that models differ as far as what is missing matters.

    Arguments:
        predictors, outcome, groups, tuning: see `published`.
        count: imputations.
        seed: of them.
        progress: told how many are done.

    Raises `FeatureError` where nothing is missing; see `imputations`.

    Source: van Buuren & Groothuis-Oudshoorn 2011, J. Stat. Softw. 45(3); Wood, White & Royston 2008, Stat. Med. 27,
    3227–3246, for counting how often a variable is selected.
    """
    kept = np.zeros(len(predictors.names))
    for done, table in enumerate(imputations(predictors, count, seed)):
        kept += published(table, outcome, groups, tuning).retained
        if progress is not None:
            progress(done + 1, count)
    return kept / count
