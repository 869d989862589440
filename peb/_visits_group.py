"""Participants with several visits, before a group is fitted: what their data say of all connections at all visits.

A participant is here what a visit is in `_mixture_group`: one quadratic, over connections × visits, of which visits are
independent of each other. Of connection j it is a quadratic over visits, the participant's other connections
integrated out at N(m, D^-1), where the group has them at these visits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ._gaussian import Gaussians, precision
from ._mixture_group import MixtureGroup, information_under
from ._reduction import Information
from ._visit_mixture import KnownVisits, VisitDesign
from ._visits import OwnEffects, ParticipantVisits

SUBJECTS_FILLED = 8  # participants are filled up to a multiple of, so that few sizes are ever compiled


@dataclass(frozen=True, eq=False)
class VisitGroup:
    """A group ready to be fitted.

    Fields (N participants, V visits at most, q connections):
        rows: the visits as a group of rows.
        visits: whose they are.
        own: Z, (N, V, S), and which term each of its columns is of.
        said: (N, …) what all visits of each participant say, over connections × visits, visits fastest.
        matrix: (N, V, K) the design.
    """

    rows: MixtureGroup
    visits: ParticipantVisits
    own: OwnEffects
    said: Information
    matrix: Float[np.ndarray, "subject visit covariate"]

    @property
    def metric(self) -> Float[np.ndarray, "param covariate covariate"] | None:
        """Of a design from a formula, what makes answers independent of its coding (`turn_from_to`)."""
        return None if self.rows.design.prior is None else self.rows.prior_covariance


class EachConnection(NamedTuple):
    """ln p(y_i | θ_ij) = constant + pull·θ − ½ θᵀ precision θ, θ_ij at all visits."""

    precision: Float[np.ndarray, "param subject visit visit"]
    pull: Float[np.ndarray, "param subject visit"]
    constant: Float[np.ndarray, "param subject"]


def visit_group(rows: MixtureGroup, visits: ParticipantVisits, own: OwnEffects) -> VisitGroup:
    """Rows gathered by participant."""
    each = Information(
        visits.spread(rows.data_information.matrix),
        visits.spread(rows.data_information.vector),
        visits.spread(rows.data_information.constant).sum(axis=1),
    )
    subjects, size, q = each.vector.shape
    whole = np.zeros((subjects, q, size, q, size))
    place = np.arange(size)
    whole[:, :, place, :, place] = np.moveaxis(each.matrix, 1, 0)
    said = Information(
        whole.reshape(subjects, q * size, q * size),
        np.swapaxes(each.vector, 1, 2).reshape(subjects, q * size),
        each.constant,
    )
    return VisitGroup(rows, visits, own, said, visits.spread(rows.design.matrix))


def block_diagonal(blocks: Float[np.ndarray, "param subject visit visit"]) -> Float[np.ndarray, "subject all all"]:
    """Of every participant, connection by connection."""
    q, subjects, size = blocks.shape[:3]
    whole = np.zeros((subjects, q, size, q, size))
    place = np.arange(q)
    whole[:, place, :, place] = blocks
    return whole.reshape(subjects, q * size, q * size)


def blocks_of(whole: Float[np.ndarray, "subject all all"], q: int) -> Float[np.ndarray, "param subject visit visit"]:
    """The diagonal blocks, connection by connection."""
    place = np.arange(q)
    subjects, size = len(whole), whole.shape[1] // q
    return np.asarray(whole.reshape(subjects, q, size, q, size)[:, place, :, place])


def each_connection(
    group: VisitGroup,
    means: Float[np.ndarray, "param subject visit"],
    precisions: Float[np.ndarray, "param subject visit visit"],
) -> tuple[EachConnection, Float[np.ndarray, "subject"]]:
    """What data say of each connection, the others at N(mean, precision^-1), and ΔF of each participant under it."""
    q, subjects, size = means.shape
    flat = np.swapaxes(means, 0, 1).reshape(subjects, q * size)
    found, S, gain = information_under(group.said, flat, block_diagonal(precisions))
    after = blocks_of(S, q)
    sharp = precision(after)
    mean = np.swapaxes(found.reshape(subjects, q, size), 0, 1)
    Lambda, pull = sharp - precisions, _times(sharp, mean) - _times(precisions, means)
    constant = (
        -np.linalg.slogdet(precisions @ after)[1]
        + (means * _times(precisions, means)).sum(axis=-1)
        - (mean * _times(sharp, mean)).sum(axis=-1)
    ) / 2
    seen = group.visits.seen
    both = seen[:, :, None] & seen[:, None, :]
    return EachConnection(np.where(both, Lambda, 0.0), np.where(seen, pull, 0.0), constant), gain


def _times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return np.asarray((matrix @ vector[..., None])[..., 0])


def in_own_units(
    group: VisitGroup, each: EachConnection
) -> tuple[KnownVisits, VisitDesign, Float[np.ndarray, "param covariate"]]:
    """Parameters over √PC, covariates over their root mean squares; and the effects' units."""
    rows = group.rows
    size = np.sqrt((rows.design.matrix**2).mean(axis=0))
    unit = rows.unit
    scale = unit[:, None] / size
    more = -len(group.matrix) % SUBJECTS_FILLED

    def filled(values: np.ndarray, axis: int) -> np.ndarray:
        return np.pad(values, [(0, more if a == axis else 0) for a in range(values.ndim)])

    covariance = rows.prior_covariance / scale[:, :, None] / scale[:, None, :]
    known = KnownVisits(
        filled(each.precision * unit[:, None, None, None] ** 2, 1),
        filled(each.pull * unit[:, None, None], 1),
        filled(each.constant, 1),
        rows.prior_mean / scale,
        precision(covariance),
    )
    seen = group.visits.seen.astype(float)
    own = filled(group.own.columns, 0)
    return known, VisitDesign(filled(group.matrix / size, 0), filled(seen, 0), own, group.own.of_term), scale


def in_turn(
    group: VisitGroup,
    means: Float[np.ndarray, "param subject visit"],
    precisions: Float[np.ndarray, "param subject visit visit"],
) -> Gaussians:
    """What is expected of each visit (row) before its own data: from the group, and the participant's other visits."""
    q, subjects, size = means.shape
    flat = np.swapaxes(means, 0, 1).reshape(subjects, q * size)
    found, S, _ = information_under(group.said, flat, block_diagonal(precisions))
    blocks = S.reshape(subjects, q, size, q, size)
    mean, covariance = [], []
    L, h = group.rows.data_information.matrix, group.rows.data_information.vector
    for row, i in enumerate(group.visits.of_row.tolist()):
        v = int(np.flatnonzero(group.visits.place[i] == row)[0])
        after = blocks[i, :, v, :, v]
        sharp = precision((after + after.T) / 2)
        before = precision(sharp - L[row])
        mean.append(before @ (sharp @ found.reshape(subjects, q, size)[i, :, v] - h[row]))
        covariance.append(before)
    return Gaussians(np.array(mean), np.array(covariance))
