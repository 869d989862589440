"""Connectivity of the main model by arm and session: plain means, before any group model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dcm import Posterior

from .._matrix_figures import matrix_figure
from .._report import Picture, Section
from ._result import StudyResult

FIELDS = ("A", "B")


def connectivity_section(result: StudyResult) -> Section | None:
    """A matrix picture for each arm and session with at least two visits; None where there is none."""
    drawn = []
    for i, session in enumerate(result.sessions):
        for j, arm in enumerate(result.study.participants.arms):
            names = [f"{one.name}_{session}" for one in result.people if one.arm == arm]
            found = [result.main[name] for name in names if name in result.main]
            if len(found) > 1:
                drawn.append(_picture(found, f"connectivity-{i}-{j}", f"{session}, {arm}"))
    if not drawn:
        return None
    lead = (
        "Means of the participants' posterior means, from the column's region to the row's. A is connectivity, B what "
        "an input adds to it. The group analyses weigh participants by how sure each is; these means do not."
    )
    return Section("Connectivity by session and arm", lead, tuple(drawn), anchor="connectivity")


def _picture(found: Sequence[Posterior], name: str, title: str) -> Picture:
    first = found[0]
    values = np.array([one.mean[first.free] for one in found])
    chosen = [i for i, place in enumerate(first.free) if first.spec.layout.field_of(int(place)) in FIELDS]
    spread = values.std(axis=0, ddof=1) / np.sqrt(len(found))
    names = [first.names[i] for i in chosen]
    figure = matrix_figure(names, values.mean(axis=0)[chosen], spread[chosen], first.spec)
    caption = (
        f"{len(found)} participants. Bold and deep: the mean's 90 % interval, from the scatter between participants, "
        "excludes zero. Arms should look alike before treatment; what changes from one session to the other in one arm "
        "alone is what the group analyses ask about."
    )
    return Picture(name, title, caption, figure)
