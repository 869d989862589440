"""A group of participants who were seen at several visits: visits → participants → groups, in one model.

    θ_iv,j = x_iv β_j + (participant i's mean) + (participant i's own effects of what differs between visits) + ε_iv,j

The design has a row for each visit, with covariates of visits (drug, period, time) and of participants (group, age);
participants may have any number of visits. Connection by connection `_visit_mixture` finds effects at every node of a
grid over the standard deviations of ε, of participants' means and of their own effects (`_visits` says which), each
with the prior of `_spread_prior`; the answer is the sum over nodes. Nodes are put where the data want them: first far
apart over all that is possible, then close together where there is weight. How connections that data know apart more or
less well inform each other, and how each mixture is moved to the place of all effects at once, is as in `_mixture_fit`,
with a participant's visits there together.

Effects of what differs within participants are judged by how they differ between participants, and those of groups by
participants, not by visits. With two visits each, a session's effect is that of `fit` on participants' changes.

Gaussian participants, as in SPM's modes, have a PEB of PEBs: one for every participant over its visits, and one over
participants (`_peb_of_pebs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from dcm import one_blas_thread

from ._design import Design
from ._estimate import Estimate
from ._estimate_stack import under_group
from ._gaussian import Gaussian, precision
from ._group import GroupPosterior, GroupStatus
from ._mixture_fit import MOST_ROUNDS, SETTLED, JointEffects, joint_moments, log_precisions, moved_to_joint
from ._mixture_group import prepare_mixture
from ._node_mixture import NodeMixture
from ._peb_of_pebs import fit_peb_of_pebs
from ._settings import PebError, PebSettings
from ._spread_prior import CASE_COLUMN, LAST_WEIGHT, grid, kinds_of_spread, weight_of_kinds, weights
from ._visit_mixture import (
    OF_MEAN,
    OF_VISITS,
    KnownVisits,
    VisitDesign,
    VisitMode,
    deviations,
    expected_precisions,
    visit_modes,
)
from ._visits import group_visits, own_effects
from ._visits_group import (
    EachConnection,
    VisitGroup,
    block_diagonal,
    each_connection,
    in_own_units,
    in_turn,
    visit_group,
)

EVERY = 3  # nodes of `_spread_prior.grid` from one to the next of the first look
NODES = {2: (16, 14), 3: (12, 10, 8)}  # of the second: of visits, participants' means, their own effects
LEAST_WEIGHT = 1e-4  # of a kind's node, from which the second look goes there
KINDS = ("visits", "participants", "own effects")


@one_blas_thread()
def fit_visits(
    estimates: Sequence[Estimate],
    design: Design,
    participants: Mapping[str, str] | Sequence[str],
    settings: PebSettings = PebSettings(),  # noqa: B008 - frozen
    *,
    parameters: Sequence[str] | None = None,
    own: Sequence[str] | None = None,
    name: str = "group",
) -> GroupPosterior:
    """The posterior over effects of covariates of visits and of participants, three levels in one model.

    Arguments:
        estimates: one a visit, matched with the design by name, all of one model.
        design: a row for each visit, with covariates of visits and of participants.
        participants: whose each visit is: visit → participant, or the participant of each row of the design.
        settings: SPM's numbers or the believable ones.
        parameters: fields (``B``) or names of parameters that the group explains; None for all.
        own: covariates of visits whose effects differ from participant to participant; None for all that data can tell
            from what is left of each visit.
        name: of the result.

    In the result `design` has a row for each visit, `participant_of` says whose it is, `participants` are the visits
    re-estimated under the group and their participant's other visits, and `influence` is the participant's.

    Raises `PebError` where estimates and design do not match, a visit has no participant, or nobody has two visits.

    >>> group = fit_visits(estimates, design, {"sub-01_ses-1": "sub-01", "sub-01_ses-2": "sub-01", ...})
    >>> group["drug[ketamine]", "A[amygdala<-vmPFC]"]
    """
    visits = group_visits(design, participants)
    if not settings.is_mixture:
        return fit_peb_of_pebs(estimates, design, visits, settings, parameters=parameters, name=name)
    rows = prepare_mixture(estimates, design, settings, parameters)
    group = visit_group(rows, visits, own_effects(design, visits, own))
    try:
        return _collect(group, _fit(group), name)
    except PebError as problem:
        raise PebError(f"{name}: {problem}") from None


class _VisitFit(NamedTuple):
    """Where a group was found to be."""

    mixture: NodeMixture
    joint: JointEffects
    means: Float[np.ndarray, "param subject visit"]  # X β̂
    precisions: Float[np.ndarray, "param subject visit visit"]  # D
    gain: Float[np.ndarray, "subject"]  # ΔF of each participant's visits under N(X β̂, D^-1)
    influence: Float[np.ndarray, "subject param"]
    rounds: int
    settled: bool


def _fit(group: VisitGroup) -> _VisitFit:
    (subjects, size), q = group.visits.place.shape, len(group.rows.unit)
    prior = group.rows.chosen.prior
    means = np.moveaxis(group.visits.spread(prior.mean), -1, 0)
    variance = np.diagonal(prior.covariance, axis1=1, axis2=2).mean(axis=0)
    precisions = np.broadcast_to(np.eye(size) / variance[:, None, None, None], (q, subjects, size, size))
    each, gain = each_connection(group, means, precisions)
    axes: list[np.ndarray] | None = None
    rounds, moved = 0, np.inf
    while moved >= SETTLED and rounds < MOST_ROUNDS:
        known, design, scale = in_own_units(group, each)
        axes, u, found = _find_nodes(known, design, axes)
        plain = _mixture(group, scale, found, u)
        weight = plain.weight
        taus = deviations(u, design.of_term.shape[1])
        precise = jax.device_get(expected_precisions(design, taus, weight, found.responsibility))
        precisions = np.asarray(precise)[:, :subjects] / group.rows.unit[:, None, None, None] ** 2
        joint = _joint_effects(group, precisions)
        mixture = moved_to_joint(plain, joint, *_separate_effects(group, each, precisions), group.metric)
        means = np.einsum("ivk,jg,jgk->jiv", group.matrix, weight, mixture.means, optimize=True)
        (before, own_gain), (each, gain) = (each, gain), each_connection(group, means, precisions)
        moved, rounds = _distance(before, each, precisions), rounds + 1
    regular = 1 / np.maximum(OF_MEAN, OF_VISITS)
    influence = np.einsum("jg,jgik,k->ij", weight, found.responsibility, regular, optimize=True)[:subjects]
    return _VisitFit(mixture, joint, means, precisions, own_gain, influence, rounds, moved < SETTLED)


def _find_nodes(
    known: KnownVisits, design: VisitDesign, axes: list[np.ndarray] | None
) -> tuple[list[np.ndarray], np.ndarray, VisitMode]:
    """Nodes where there is weight, and the modes there; those of the round before where they still serve."""

    def look(axes: list[np.ndarray]) -> tuple[np.ndarray, VisitMode, list[np.ndarray]]:
        u = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        found = visit_modes(known, design, deviations(u, terms))
        if not np.isfinite(found.log_evidence).all():
            raise PebError(GroupStatus.NOT_FINITE.value)
        return u, found, [share.max(axis=0) for share in weight_of_kinds(weights(found.log_evidence, u), u)]

    terms = design.of_term.shape[1]
    kinds, cases = 2 + (terms > 0), [np.arange(1.0 + terms)] if terms > 1 else []
    if axes is not None:
        u, found, shares = look(axes)
        ends = np.array([[share[0], share[-1]] for share in shares[:kinds]])
        last = np.array([[axis[0] > grid()[0], axis[-1] < grid(wide=True)[-1]] for axis in axes[:kinds]])
        if (ends[last] < LAST_WEIGHT).all():
            return axes, u, found
    coarse = [grid()[::EVERY]] * kinds
    shares = look([*coarse, *cases])[2][:kinds]
    if max(share[-1] for share in shares) > LAST_WEIGHT:
        coarse = [grid(wide=True)[::EVERY]] * kinds
        shares = look([*coarse, *cases])[2][:kinds]
    axes = []
    for axis, share, count in zip(coarse, shares, NODES[kinds], strict=True):
        there = np.flatnonzero(share > LEAST_WEIGHT)
        first, last_one = max(there[0] - 1, 0), min(there[-1] + 1, len(axis) - 1)
        axes.append(np.linspace(axis[first], axis[last_one], count))
    axes += cases
    return axes, *look(axes)[:2]


def _mixture(group: VisitGroup, scale: np.ndarray, found: VisitMode, u: np.ndarray) -> NodeMixture:
    """Modes at all nodes → the mixture, in the units of the design and the parameters."""
    own = scale[:, None]
    return NodeMixture(
        u,
        group.rows.unit,
        np.asarray(found.log_evidence),
        np.asarray(found.mean) * own,
        np.asarray(found.covariance) * own[..., :, None] * own[..., None, :],
        group.rows.prior_mean,
        group.rows.prior_covariance,
    )


def _joint_effects(group: VisitGroup, precisions: np.ndarray) -> JointEffects:
    """All effects, with M = L − L (L + D)^-1 L of everybody's visits."""
    L, h, X = group.said.matrix, group.said.vector, group.matrix
    q, K = group.rows.prior_mean.shape
    subjects, size = X.shape[:2]
    half = np.linalg.cholesky(L + block_diagonal(precisions))
    spread = np.linalg.solve(half, np.concatenate([L, h[:, :, None]], axis=2))
    M = L - np.swapaxes(spread[..., :-1], 1, 2) @ spread[..., :-1]
    pull = (h - np.einsum("sai,sa->si", spread[..., :-1], spread[..., -1])).reshape(subjects, q, size)
    P0, place = precision(group.rows.prior_covariance), np.arange(q)
    H = np.einsum("sivjw,svk,swl->ikjl", M.reshape(subjects, q, size, q, size), X, X, optimize=True)
    H[place, :, place] += P0
    b = np.einsum("sjv,svk->jk", pull, X) + np.einsum("jkl,jl->jk", P0, group.rows.prior_mean)
    C = precision(H.reshape(q * K, q * K))
    return JointEffects((C @ b.ravel()).reshape(q, K), C.reshape(q, K, q, K))


def _separate_effects(
    group: VisitGroup, each: EachConnection, precisions: np.ndarray
) -> tuple[Float[np.ndarray, "param covariate"], Float[np.ndarray, "param covariate covariate"]]:
    """Mean and covariance of every connection's effects by itself, every participant's spread given."""
    X, P0 = group.matrix, precision(group.rows.prior_covariance)
    Q = precision(each.precision + precisions)
    M = each.precision - each.precision @ Q @ each.precision
    pull = each.pull - np.einsum("jsvw,jswx,jsx->jsv", each.precision, Q, each.pull, optimize=True)
    H = np.einsum("jsvw,svk,swl->jkl", M, X, X, optimize=True) + P0
    b = np.einsum("jsv,svk->jk", pull, X) + np.einsum("jkl,jl->jk", P0, group.rows.prior_mean)
    C = precision(H)
    return np.einsum("jkl,jl->jk", C, b), C


def _distance(before: EachConnection, other: EachConnection, precisions: np.ndarray) -> float:
    """How far two informations are at most, in standard deviations of what they say of θ about the design."""
    D, Lambda, change = (
        np.diagonal(part, axis1=2, axis2=3)
        for part in (precisions, other.precision, np.abs(before.precision - other.precision))
    )
    scale = 1 / (1 + np.maximum(Lambda, 0.0) / D)
    size = np.sqrt(np.maximum(Lambda, 0.0) * scale)
    pull = np.abs(before.pull - other.pull) * scale / np.where(size > 0, size, np.inf)
    return float(max(pull.max(), (change / D * scale).max()))


def _collect(group: VisitGroup, found: _VisitFit, name: str) -> GroupPosterior:
    """Where a group was found to be → the group posterior."""
    mixture, rows, visits = found.mixture, group.rows, group.visits
    weight, q = mixture.weight, len(rows.unit)
    parameters = rows.chosen.parameters
    kinds, shares = kinds_of_spread(mixture.u)[:CASE_COLUMN], weight_of_kinds(weight, mixture.u)[:CASE_COLUMN]
    axes = [np.unique(mixture.u[:, kind]) for kind in range(len(kinds))]
    priors = [np.tile(np.exp(kind.log_typical) @ kind.each, (q, 1)) for kind in kinds]
    priors = [share / share.sum(axis=1, keepdims=True) for share in priors]
    each = [1.0, 1.0, *group.own.of_term.sum(axis=0)]
    square = deviations(mixture.u, len(each) - 2) ** 2 @ each
    unit = np.eye(q)
    expected = in_turn(group, found.means, found.precisions)
    return GroupPosterior(
        name=name,
        parameters=parameters,
        fields=rows.chosen.fields,
        first_level=parameters,
        design=rows.design,
        within=unit,
        prior=mixture.prior,
        posterior=joint_moments(mixture, found.joint, group.metric),
        components=np.tile(unit[:, :, None] * unit[:, None, :] * (16 / rows.unit**2), (len(kinds), 1, 1)),
        component_names=tuple(f"{kind}: {own}" for kind in KINDS[: len(kinds)] for own in parameters),
        noise_prior=_side_by_side([log_precisions(*pair) for pair in zip(priors, axes, strict=True)]),
        noise=_side_by_side([log_precisions(*pair) for pair in zip(shares, axes, strict=True)]),
        between=np.diag(rows.unit**2 * (weight @ square)),
        free_energy=mixture.total + float(found.gain.sum()) + sum(estimate.free_energy for estimate in rows.whole),
        participants=under_group(rows.whole, parameters, expected.mean, expected.covariance),
        status=GroupStatus.CONVERGED if found.settled else GroupStatus.MAX_ROUNDS,
        iterations=found.rounds,
        compat="none",
        mixture=mixture,
        influence=found.influence[visits.of_row],
        participant_of=tuple(visits.participants[i] for i in visits.of_row),
    )


def _side_by_side(densities: Sequence[Gaussian]) -> Gaussian:
    """Independent densities as one."""
    size = np.cumsum([0, *(density.mean.size for density in densities)])
    covariance = np.zeros((size[-1], size[-1]))
    for start, end, density in zip(size[:-1], size[1:], densities, strict=True):
        covariance[start:end, start:end] = density.covariance
    return Gaussian(np.concatenate([density.mean for density in densities]), covariance)
