"""Every measure that a study asks for, and those of one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from features import FeatureError

from ..images import Extraction
from ..study import MeasureKind, Study
from ._gppi_measures import ppi_plan, ppi_values
from ._measure_kinds import (
    Measure,
    dcm_plan,
    distance_plan,
    distance_values,
    response_plan,
    response_values,
    rest_plan,
    rest_values,
)

_PLANS: dict[MeasureKind, Callable[[Study], list[Measure]]] = {
    "response": response_plan,
    "gppi": ppi_plan,
    "distance": distance_plan,
    "rest": rest_plan,
    "dcm": dcm_plan,
}

Values = dict[str, float]


def planned_measures(study: Study) -> tuple[Measure, ...]:
    """The measures of `[measures] kinds`, kind by kind in a fixed order, then in the order of the configuration.

    Raises `FeatureError` where two would have one name.
    """
    kinds = study.measures.kinds
    found = tuple(measure for kind, plan in _PLANS.items() if kind in kinds for measure in plan(study))
    twice = [name for name, count in Counter(measure.name for measure in found).items() if count > 1]
    if twice:
        raise FeatureError(f"two measures would be called {twice[0]}; rename a region, a contrast or a distance")
    return found


@dataclass(frozen=True)
class RunMeasures:
    """Of one run.

    Fields:
        values: measure → value, as far as the run has it.
        motion: mean framewise displacement, mm; NaN where the run has none.
        remarks: a line for whatever it lacks.
    """

    values: Mapping[Measure, float]
    motion: float
    remarks: tuple[str, ...]


def measure_run(extraction: Extraction, study: Study) -> RunMeasures:
    """Every measure of a run, but for those of its DCM.

    What one kind of measure cannot be had for stays with that kind: its values are absent, with a remark.
    """
    known = {measure.name: measure for measure in planned_measures(study)}
    values: Values = {}
    kinds = study.measures.kinds
    notes = [note for note in extraction.notes if "distance" in kinds or not note.startswith("distance ")]
    remarks = [f"{extraction.label}: {note}" for note in notes]
    with threadpool_limits(limits=1):  # sums over several threads end in other last digits
        for kind, compute in _kinds(extraction, study).items():
            try:
                found, notes = compute()
            except FeatureError as error:
                remarks.append(f"{extraction.label}: no {kind}: {error}")
                continue
            values |= found
            remarks += [f"{extraction.label}: {note}" for note in notes]
    values = {name: value for name, value in values.items() if np.isfinite(value)}
    return RunMeasures(
        {known[name]: value for name, value in values.items() if name in known},
        mean_displacement(extraction),
        tuple(remarks),
    )


def mean_displacement(extraction: Extraction) -> float:
    """Mean framewise displacement of a run, mm; NaN where no scan has one."""
    known = extraction.framewise_displacement[np.isfinite(extraction.framewise_displacement)]
    return float(known.mean()) if known.size else float("nan")


def _kinds(extraction: Extraction, study: Study) -> dict[MeasureKind, Callable[[], tuple[Values, list[str]]]]:
    """How each kind that this run can give is computed: values, and a line for what it lacks."""
    task = study.tasks[extraction.task]
    found: dict[MeasureKind, Callable[[], tuple[Values, list[str]]]] = {}
    if task.rest:
        found["rest"] = lambda: (rest_values(extraction, study), [])
    else:
        found["response"] = lambda: (response_values(extraction), [])
        found["distance"] = lambda: (distance_values(extraction), [])
        found["gppi"] = lambda: ppi_values(extraction, study)
    return {kind: compute for kind, compute in found.items() if kind in study.measures.kinds}
