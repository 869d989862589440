"""Every measure that a study asks for, whether or not any run has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from features import FeatureError

from ..study import Kind, Study
from ._dcm import dcm_plan
from ._distance import distance_plan
from ._measure import Measure
from ._ppi import ppi_plan
from ._response import response_plan
from ._rest import rest_plan

_PLANS: dict[Kind, Callable[[Study], list[Measure]]] = {
    "response": response_plan,
    "gppi": ppi_plan,
    "distance": distance_plan,
    "rest": rest_plan,
    "dcm": dcm_plan,
}


def planned(study: Study) -> tuple[Measure, ...]:
    """The measures of `[measures] kinds`, kind by kind in a fixed order, then in the order of the configuration.

    Raises `FeatureError` where two would have one name.
    """
    kinds = study.measures.kinds
    found = tuple(one for kind, plan in _PLANS.items() if kind in kinds for one in plan(study))
    twice = [name for name, count in Counter(one.name for one in found).items() if count > 1]
    if twice:
        raise FeatureError(f"two measures would be called {twice[0]}; rename a region, a contrast or a distance")
    return found
