"""Visits of participants as arrays: whose each row of a design is, and which effects may differ between participants.

A design with a row for each visit has covariates of visits (drug, period, time) and of participants (group, age). The
effects of the former may differ from participant to participant, and where that is not allowed for, visits count as if
each came from somebody else, and "yes" is said far too often. So by default participants have effects of their own of
all that differs between their visits as far as data can tell these from what is left of each visit: not where every
participant has two visits, whose difference holds both, nor of a factor (such as the period) that is another at every
visit.

Own effects are of columns Z: those of the design, less each participant's mean, in the coordinates in which they are
uncorrelated over all visits and of mean square 1. So their covariance τ_s² Z Zᵀ is the same however a factor is coded
and whatever the unit of a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from ._design import Design
from ._design_error import name_list
from ._settings import PebError

VARIES = 1e-9  # of a column's size, from which it differs within a participant


@dataclass(frozen=True, eq=False)
class ParticipantVisits:
    """Rows of a design by participant.

    Fields:
        participants: names, in the order of their first rows.
        of_row: (row,) whose each row is, by place in `participants`.
        place: (subject, visit) the row of each visit, −1 where a participant has fewer.
    """

    participants: tuple[str, ...]
    of_row: Int[np.ndarray, "row"]
    place: Int[np.ndarray, "subject visit"]

    @property
    def seen(self) -> Bool[np.ndarray, "subject visit"]:
        return np.asarray(self.place >= 0)

    @property
    def counts(self) -> Int[np.ndarray, "subject"]:
        """Visits of each participant."""
        return np.asarray(self.seen.sum(axis=1))

    def spread(self, rows: Float[np.ndarray, "row *any"]) -> Float[np.ndarray, "subject visit *any"]:
        """Rows by participant and visit; 0 where there is no visit."""
        found = rows[np.maximum(self.place, 0)]
        return np.asarray(np.where(self.seen.reshape(*self.place.shape, *[1] * (rows.ndim - 1)), found, 0.0))


def group_visits(design: Design, participants: Mapping[str, str] | Sequence[str]) -> ParticipantVisits:
    """Whose each row of a design is.

    Arguments:
        participants: visit → participant, or the participant of each row in order.

    Raises `PebError` where a row has no participant, or nobody has more than one visit.
    """
    rows = design.participants
    if isinstance(participants, Mapping):
        if absent := [name for name in rows if name not in participants]:
            raise PebError(
                f"it is not said whose visit {name_list(absent)} is; participants maps visits to participants"
            )
        owners = [str(participants[name]) for name in rows]
    else:
        owners = [str(name) for name in participants]
        if isinstance(participants, str) or len(owners) != len(rows):
            raise PebError(f"{len(rows)} visits need as many participants' names, not {len(owners)}")
    names = tuple(dict.fromkeys(owners))
    number = {name: i for i, name in enumerate(names)}
    of_row = np.array([number[name] for name in owners])
    counts = np.bincount(of_row)
    if counts.max() < 2:
        raise PebError("no participant has more than one visit; fit a group of participants (peb.fit)")
    place = np.full((len(names), counts.max()), -1)
    for i in range(len(names)):
        place[i, : counts[i]] = np.flatnonzero(of_row == i)
    return ParticipantVisits(names, of_row, place)


def within_columns(design: Design, visits: ParticipantVisits) -> Bool[np.ndarray, "covariate"]:
    """Which covariates differ between the visits of a participant."""
    size = np.abs(design.matrix).max(axis=0)
    return np.asarray(np.abs(_centred(design.matrix, visits)).max(axis=0) > VARIES * size)


def varied_columns(design: Design, visits: ParticipantVisits) -> list[str]:
    """Covariates that differ between the visits of a participant, without those that others already say there."""
    differs = within_columns(design, visits)
    return _not_repeated(design, visits, [name for name, own in zip(design.covariates, differs, strict=True) if own])


def own_effect_names(design: Design, visits: ParticipantVisits, chosen: Sequence[str] | None = None) -> tuple[str, ...]:
    """Covariates of visits whose effects differ from participant to participant in a group.

    Arguments:
        chosen: as in `own_effects`, which raises the same.
    """
    differs = within_columns(design, visits)
    names = [name for name, own in zip(design.covariates, differs, strict=True) if own]
    if chosen is not None:
        if odd := [name for name in chosen if name not in names]:
            raise PebError(
                f"{odd[0]} does not differ between the visits of a participant; there are {name_list(names)}"
            )
        return tuple(_not_repeated(design, visits, list(chosen)))
    kept = [name for term in _terms(names).values() if _is_apart(_of(design, visits, term), visits) for name in term]
    kept = _not_repeated(design, visits, kept)
    return tuple(kept) if kept and _is_apart(_of(design, visits, kept), visits) else ()


def default_own_effects(design: Design, participants: Mapping[str, str] | Sequence[str]) -> tuple[str, ...]:
    """Covariates of visits whose effects differ from participant to participant in `fit_visits` where it is not told.

    Arguments:
        design, participants: as for `fit_visits`, which raises the same.
    """
    return own_effect_names(design, group_visits(design, participants))


def own_effects(
    design: Design, visits: ParticipantVisits, chosen: Sequence[str] | None = None
) -> Float[np.ndarray, "subject visit own"]:
    """Z of every participant; without columns where participants have no effects of their own.

    Arguments:
        chosen: covariates whose effects differ between participants; None for all that can be told apart (see above).

    Raises `PebError` where a chosen one does not differ between the visits of anybody.
    """
    kept = own_effect_names(design, visits, chosen)
    if not kept:
        return np.zeros((*visits.place.shape, 0))
    W = _of(design, visits, kept)
    values, vectors = np.linalg.eigh(W.T @ W / len(W))
    return visits.spread(W @ (vectors / np.sqrt(values)) @ vectors.T)


def _centred(columns: Float[np.ndarray, "row any"], visits: ParticipantVisits) -> Float[np.ndarray, "row any"]:
    """Less each participant's mean."""
    sums = np.zeros((len(visits.participants), columns.shape[1]))
    np.add.at(sums, visits.of_row, columns)
    return np.asarray(columns - (sums / visits.counts[:, None])[visits.of_row])


def _of(design: Design, visits: ParticipantVisits, names: Sequence[str]) -> Float[np.ndarray, "row some"]:
    """Some columns less participants' means, each of mean square 1."""
    W = _centred(design.matrix[:, [design.column(name) for name in names]], visits)
    return np.asarray(W / np.sqrt((W**2).mean(axis=0)))


def _terms(names: Sequence[str]) -> dict[str, list[str]]:
    """Columns of one factor together: ``period[2]`` and ``period[3]``."""
    terms: dict[str, list[str]] = {}
    for name in names:
        terms.setdefault("×".join(part.split("[")[0] for part in name.replace(":", "×").split("×")), []).append(name)
    return terms


def _is_apart(W: Float[np.ndarray, "row any"], visits: ParticipantVisits) -> bool:
    """Whether somebody has visits left beside a mean and effects of its own."""
    return any(_rank(W[visits.of_row == i]) < n - 1 for i, n in enumerate(visits.counts.tolist()))


def _not_repeated(design: Design, visits: ParticipantVisits, names: Sequence[str]) -> list[str]:
    """Without columns that are, participant by participant, combinations of those before, such as group × time."""
    kept: list[str] = []
    for name in names:
        more, before = _of(design, visits, [*kept, name]), _of(design, visits, kept)
        rows = [visits.of_row == i for i in range(len(visits.participants))]
        if any(_rank(more[own]) > _rank(before[own]) for own in rows):
            kept.append(name)
    return kept


def _rank(matrix: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(matrix, tol=1e-7))
