"""Signs of connections that are sure over some participants, without which no sentence says excite or inhibit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from peb import ALPHA, Estimate

from ..results import Connection
from ..verdicts import Sign, SureSigns
from ._group_inputs import GroupInputs

LEAST = 3  # participants of whom a connection's own sign may be sure


def sure_signs(inputs: GroupInputs, connection: Connection, rows: Sequence[int]) -> SureSigns:
    """Signs of a connection that are sure over some participants, at the visit that a change is to.

    By t tests of the participants' posterior means, which are drawn towards 0, at the level of the verdicts.
    """
    standing = inputs.standing or inputs.estimates
    whose: dict[str, list[Estimate]] = {}  # of several visits of a participant the mean counts
    for row in rows:
        name = inputs.design.participants[row]
        whose.setdefault(inputs.participant_of.get(name, name), []).append(standing[row])
    if len(whose) < LEAST:
        return SureSigns()
    own = _means(whose, connection.name)
    total = own
    if connection.field == "B":
        total = own + _means(whose, f"A[{connection.to}<-{connection.source}]")
    return SureSigns(_sure_sign(own), _sure_sign(total))


def _means(estimates: Mapping[str, Sequence[Estimate]], name: str) -> np.ndarray:
    """Of each participant the posterior mean of a parameter, over its estimates."""
    return np.array([float(np.mean([_value(estimate, name) for estimate in own])) for own in estimates.values()])


def _value(estimate: Estimate, name: str) -> float:
    if name not in estimate.parameters:
        return float("nan")
    return float(estimate.posterior.mean[estimate.parameters.index(name)])


def _sure_sign(values: np.ndarray) -> Sign:
    if not np.isfinite(values).all() or not np.ptp(values):
        return 0
    if float(stats.ttest_1samp(values, 0.0).pvalue) > ALPHA:
        return 0
    return 1 if values.mean() > 0 else -1
