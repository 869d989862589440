"""Connectivity of the main model by arm and session: plain means, before any group model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dcm import Posterior, Spec

from ..figures import matrix_figure, matrix_scale
from ..page import Picture, Section
from ._result import StudyResult

FIELDS = ("A", "B")


@dataclass(frozen=True, eq=False)
class _Mean:
    """Means of one arm and session, and their standard errors, with what the picture of them is called."""

    picture: str
    title: str
    spec: Spec
    names: tuple[str, ...]
    mean: np.ndarray
    spread: np.ndarray
    participants: int


def connectivity_section(result: StudyResult) -> Section | None:
    """A matrix picture for each arm and session with at least two visits; None where there is none."""
    found = [arm_means for i, session in enumerate(result.sessions) for arm_means in _of_session(result, i, session)]
    if not found:
        return None
    spec, names = found[0].spec, found[0].names
    scale = matrix_scale(names, [arm_means.mean for arm_means in found], spec)
    drawn = tuple(_picture(arm_means, scale) for arm_means in found)
    between, diagonal = (f"{value:.2g}" for value in scale)
    lead = (
        "Means of the participants' posterior means, from the column's region to the row's. A is connectivity, B what "
        "an input adds to it. The group analyses weigh participants by how sure each is; these means do not. All "
        f"matrices have one scale of colours, deepest at {between} Hz between regions and at {diagonal} on the "
        "diagonal, a log scale."
    )
    return Section("Connectivity by session and arm", lead, drawn, anchor="connectivity")


def _of_session(result: StudyResult, number: int, session: str) -> Iterator[_Mean]:
    for j, arm in enumerate(result.study.participants.arms):
        names = [f"{participant.name}_{session}" for participant in result.people if participant.arm == arm]
        found = [result.main[name] for name in names if name in result.main]
        if len(found) > 1:
            yield _mean(found, f"connectivity-{number}-{j}", f"{session}, {arm}")


def _mean(found: Sequence[Posterior], picture: str, title: str) -> _Mean:
    first = found[0]
    values = np.array([arm_means.mean[first.free] for arm_means in found])
    chosen = [i for i, place in enumerate(first.free) if first.spec.layout.field_of(int(place)) in FIELDS]
    spread = values.std(axis=0, ddof=1) / np.sqrt(len(found))
    names = tuple(first.names[i] for i in chosen)
    return _Mean(picture, title, first.spec, names, values.mean(axis=0)[chosen], spread[chosen], len(found))


def _picture(arm_means: _Mean, scale: np.ndarray) -> Picture:
    figure = matrix_figure(arm_means.names, arm_means.mean, arm_means.spread, arm_means.spec, scale=scale)
    caption = (
        f"{arm_means.participants} participants. Bold and deep: the mean's 90 % interval, from the scatter between "
        "participants, excludes zero. Arms should look alike before treatment; what changes from one session to the "
        "other in one arm alone is what the group analyses ask about."
    )
    return Picture(arm_means.picture, arm_means.title, caption, figure)
