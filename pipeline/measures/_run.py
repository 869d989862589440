"""Everything that is measured in one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from features import FeatureError

from ..images import Extraction
from ..study import Kind, Study
from ._distance import distance_values
from ._measure import Measure
from ._plan import planned
from ._ppi import ppi_values
from ._response import response_values
from ._rest import rest_values

Values = dict[str, float]


@dataclass(frozen=True)
class Measured:
    """Of one run.

    Fields:
        values: measure → value, as far as the run has it.
        motion: mean framewise displacement, mm; NaN where the run has none.
        remarks: a line for whatever it lacks.
    """

    values: Mapping[Measure, float]
    motion: float
    remarks: tuple[str, ...]


def measure_run(extraction: Extraction, study: Study) -> Measured:
    """Every measure of a run, but for those of its DCM.

    What one kind of measure cannot be had for stays with that kind: its values are absent, with a remark.
    """
    known = {one.name: one for one in planned(study)}
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
    return Measured(
        {known[name]: value for name, value in values.items() if name in known},
        mean_displacement(extraction),
        tuple(remarks),
    )


def mean_displacement(extraction: Extraction) -> float:
    """Mean framewise displacement of a run, mm; NaN where no scan has one."""
    known = extraction.framewise_displacement[np.isfinite(extraction.framewise_displacement)]
    return float(known.mean()) if known.size else float("nan")


def _kinds(extraction: Extraction, study: Study) -> dict[Kind, Callable[[], tuple[Values, list[str]]]]:
    """How each kind that this run can give is computed: values, and a line for what it lacks."""
    task = study.tasks[extraction.task]
    found: dict[Kind, Callable[[], tuple[Values, list[str]]]] = {}
    if task.rest:
        found["rest"] = lambda: (rest_values(extraction, study), [])
    else:
        found["response"] = lambda: (response_values(extraction), [])
        found["distance"] = lambda: (distance_values(extraction), [])
        found["gppi"] = lambda: ppi_values(extraction, study)
    return {kind: one for kind, one in found.items() if kind in study.measures.kinds}
