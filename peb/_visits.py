"""Visits of participants as arrays: whose each row of a design is, and which effects may differ between participants.

A design with a row for each visit has covariates of visits (drug, period, time) and of participants (group, age). The
effects of the former may differ from participant to participant, and where that is not allowed for, visits count as if
each came from somebody else, and "yes" is said far too often. So by default participants have effects of their own of
all that differs between their visits as far as data can tell these from what is left of each visit: not where every
participant has two visits, whose difference holds both, nor of a factor (such as the period) that is another at every
visit, nor of products with which nothing would be left. Terms are those of a formula, not the columns that code them.

Own effects are of columns Z_t, term by term: those of the design, less each participant's mean, in the coordinates in
which they are uncorrelated over all visits and of mean square 1. So their covariance τ_s² Σ_t Z_t Z_tᵀ is the same
however a factor is coded and whatever the unit of a number. Which term's effects differ most is not known beforehand:
all alike or one of them, each with the same prior odds (`_visit_mixture`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ._design import Design
from ._design_error import name_list
from ._settings import PebError

VARIES = 1e-9  # of a column's size, from which it differs within a participant
SPANNED = 1e-12  # of the largest direction's mean square, below which columns do not span one


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
    columns = [
        _VariedTerm(name, 1, _of(design, visits, [name]))
        for name, own in zip(design.covariates, differs, strict=True)
        if own
    ]
    return [column.name for column in _with_more([], columns, visits)]


def default_own_effects(design: Design, participants: Mapping[str, str] | Sequence[str]) -> tuple[str, ...]:
    """Terms of the design, such as ``drug``, whose effects differ between participants in `fit_visits` by default.

    Arguments:
        design, participants: as for `fit_visits`, which raises the same.
    """
    return tuple(term.name for term in _own_terms(design, group_visits(design, participants)))


class OwnEffects(NamedTuple):
    """What participants have effects of their own of; without columns where they have none."""

    columns: Float[np.ndarray, "subject visit own"]  # Z
    of_term: Float[np.ndarray, "own term"]  # 1 where a column is the term's, and 0


def own_effects(design: Design, visits: ParticipantVisits, chosen: Sequence[str] | None = None) -> OwnEffects:
    """Z of every participant, and which term each column is of.

    Arguments:
        chosen: covariates whose effects differ between participants; None for all that can be told apart (see above).

    Raises `PebError` where a chosen one does not differ between the visits of anybody.
    """
    terms = [_uncorrelated(term.columns) for term in _own_terms(design, visits, chosen)]
    each = np.repeat(np.eye(len(terms)), [columns.shape[1] for columns in terms], axis=0)
    return OwnEffects(visits.spread(np.column_stack([np.zeros((len(visits.of_row), 0)), *terms])), each)


def _uncorrelated(W: Float[np.ndarray, "row any"]) -> Float[np.ndarray, "row own"]:
    """Columns that span the same, uncorrelated and of mean square 1."""
    values, vectors = np.linalg.eigh(W.T @ W / len(W))
    there = values > SPANNED * values.max(initial=0.0)
    return np.asarray(W @ (vectors[:, there] / np.sqrt(values[there])))


class _VariedTerm(NamedTuple):
    """What differs between the visits of participants by one term of a design."""

    name: str
    variables: int  # that it is a product of
    columns: Float[np.ndarray, "row any"]  # less participants' means, each of mean square 1


def _own_terms(design: Design, visits: ParticipantVisits, chosen: Sequence[str] | None = None) -> list[_VariedTerm]:
    """Terms that have own effects: whole, those of one variable before products, and products only where data can
    still tell all of them from what is left of each visit.
    """
    differs = within_columns(design, visits)
    names = [name for name, own in zip(design.covariates, differs, strict=True) if own]
    if chosen is not None:
        if odd := [name for name in chosen if name not in names]:
            raise PebError(
                f"{odd[0]} does not differ between the visits of a participant; there are {name_list(names)}"
            )
        return _with_more([], _terms_of_columns(design, visits, chosen), visits)
    terms = _terms_of_columns(design, visits, names) if design.form is None else _terms_of_formula(design, visits)
    apart = [term for term in terms if _is_apart(term.columns, visits)]
    kept: list[_VariedTerm] = []
    for variables in sorted({term.variables for term in apart}):
        more = _with_more(kept, [term for term in apart if term.variables == variables], visits)
        if not _is_apart(_side_by_side(more, visits), visits):
            break
        kept = more
    return kept


def _terms_of_columns(design: Design, visits: ParticipantVisits, names: Sequence[str]) -> list[_VariedTerm]:
    """Columns that are of one term by their names."""
    return [
        _VariedTerm(term, term.count("×") + 1, _of(design, visits, columns)) for term, columns in _terms(names).items()
    ]


def _terms_of_formula(design: Design, visits: ParticipantVisits) -> list[_VariedTerm]:
    """The canonical terms of a formula, whatever columns code them."""
    assert design.form is not None
    canonical = design.matrix @ np.linalg.inv(design.form.to_canonical)
    found = []
    for term, where in design.form.slices().items():
        W, variables = _centred(canonical[:, where], visits), (*term.factors, *term.numbers)
        W = W[:, np.abs(W).max(axis=0) > VARIES * np.abs(canonical[:, where]).max(axis=0)]
        if W.shape[1]:
            found.append(_VariedTerm("×".join(variables), len(variables), W / np.sqrt((W**2).mean(axis=0))))
    return found


def _with_more(
    kept: Sequence[_VariedTerm], terms: Sequence[_VariedTerm], visits: ParticipantVisits
) -> list[_VariedTerm]:
    """Terms and more of them, without those that are, participant by participant, combinations of what is there, such
    as group × time beside time.
    """
    found = list(kept)
    for term in terms:
        before, after = _side_by_side(found, visits), _side_by_side([*found, term], visits)
        rows = [visits.of_row == i for i in range(len(visits.participants))]
        if any(_rank(after[own]) > _rank(before[own]) for own in rows):
            found.append(term)
    return found


def _side_by_side(terms: Sequence[_VariedTerm], visits: ParticipantVisits) -> Float[np.ndarray, "row any"]:
    return np.column_stack([np.zeros((len(visits.of_row), 0)), *(term.columns for term in terms)])


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


def _rank(matrix: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(matrix, tol=1e-7))
