"""Does a covariate have an effect on connectivity? Its log Bayes factor against what shuffling the covariate gives.

Where participants are a mixture, the statistic is a log Bayes factor with all spreads as without the effect. At every
node of the group without the covariate, with attenuations a_i (E(a) of `_scale_mixture`), W = Λ a and what is left, e_i
= a_i (h_i − Λ_i x_i β̂), an effect of a column x̃ with prior N(0, 1/p0) has

    info = x̃ᵀWx̃ − x̃ᵀWZ (P0 + ZᵀWZ)^-1 ZᵀWx̃,    ln BF = ½ (x̃ᵀe)² / (p0 + info) − ½ ln((p0 + info) / p0),

and the test's is Σ_j ln Σ_g w_jg BF_jg over the connections tested. Nobody's weight depends on the column, so that one
fit serves all permutations, and a participant far off does not make a statistic by where the column puts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from scipy.special import logsumexp

from dcm import one_blas_thread
from dcm.tables import DataFrame, counted, data_frame, html_table

from ._ascent import Limits
from ._design import Design, DesignPrior
from ._design_error import DesignError
from ._estimate import Estimate
from ._fit import STATUS, FitResult, fit_bytes, for_each, limits, solve
from ._gaussian import precision
from ._group import GroupStatus
from ._hierarchy import Group, inverse
from ._mixture_covariate_posterior import without_columns
from ._mixture_fit import fit_mixture
from ._mixture_group import MixtureGroup, prepare_mixture
from ._prepare_group import PreparedGroup, prepare
from ._reduction import Information, reduced_by_covariance
from ._settings import PebError, PebSettings

CLOSE = 1e-6  # relative difference below which two log Bayes factors count as the same: climbs end that far apart
LEFT = 1e-3  # of its size, that the other covariates must leave of a shuffled one


@dataclass(frozen=True, eq=False)
class Permutation:
    """A permutation test of a covariate's effects.

    Fields (B permutations):
        covariate: which.
        effects: the parameters whose effects of it were tested, together.
        statistic: log Bayes factor, nats: F with these effects minus F without them.
        null: (B,) the same for every permutation.
        p_value: (1 + number of null ≥ statistic) / (1 + B).
        seed: of the permutations.
        unfinished: how many of the 1 + B fits ended at the limit of iterations.
    """

    covariate: str
    effects: tuple[str, ...]
    statistic: float
    null: Float[np.ndarray, "permutation"]
    p_value: float
    seed: int
    unfinished: int

    def summary(self) -> DataFrame:
        """The test in one row: covariate, effects (how many), statistic, permutations, p_value."""
        values = (self.covariate, len(self.effects), self.statistic, self.null.size, self.p_value)
        names = ("covariate", "effects", "statistic", "permutations", "p_value")
        return data_frame({name: [value] for name, value in zip(names, values, strict=True)})

    def __repr__(self) -> str:
        size = f"{counted(len(self.effects), 'effect')}, {self.null.size} permutations"
        return f"Permutation({self.covariate!r}, {size}, statistic {self.statistic:.2f} nats, p = {self.p_value:.4f})"

    def _repr_html_(self) -> str:
        return html_table("Permutation test", self.summary())


@one_blas_thread()
def permutation_test(
    estimates: Sequence[Estimate],
    design: Design,
    settings: PebSettings = PebSettings(),  # noqa: B008 - frozen
    *,
    covariate: str,
    parameters: Sequence[str] | None = None,
    effects: Sequence[str] | None = None,
    permutations: int = 999,
    seed: int = 0,
) -> Permutation:
    """Whether a covariate has an effect, by a test that needs no more than that participants could have been swapped.

        statistic ln p(y | x, Z) − ln p(y | x without effects, Z),   x ← x − Z Z⁺ x;   null: the same with shuffled x

    x is the covariate, Z all other columns of the design. Each fit is a PEB of its own; the model without the effects
    follows from it by exact reduction. What is left of x once the others have explained what they can is shuffled over
    participants, while Z and every participant's estimate with its uncertainty stay where they are (Smith's scheme in
    Winkler et al. 2014, who find it near its nominal level with several nuisance covariates). Shuffling residuals of
    the estimates instead (Freedman–Lane, ter Braak) would part them from their uncertainties; shuffling x itself would
    also break its correlation with Z.

    A shuffled x is again cleared of Z and brought to the size of the observed one. It spans the same models, but a
    Bayes factor depends on how much a covariate varies besides the others, which a permutation must not change: without
    this the test rejects too seldom (2 % of the trials of `benchmarks/_null_trials.py` for 5 %).

    Any statistic makes a valid test. Where participants are a mixture, it is the log Bayes factor with all spreads
    where the group without the covariate has them (`_permutation`), one fit for all permutations.

    Arguments:
        estimates, design, settings, parameters: as for `fit`.
        covariate: which column of the design is tested; not a constant one, which shuffling leaves as it is.
        effects: names or fields of the parameters on which the effect is tested, among `parameters`; None for all.
        permutations: B; p is at least 1 / (1 + B).
        seed: of the permutations.

    Raises `PebError` and `DesignError` as `fit` does, and where there is nothing to shuffle or to test.

    Source: Winkler et al. 2014; Phipson & Smyth 2010 for p.
    """
    if permutations < 1:
        raise PebError(f"a permutation test needs at least 1 permutation, not {permutations}")
    alone = residualised(design, covariate)
    place = alone.column(covariate)
    columns = shuffled(alone, place, permutations, np.random.default_rng(seed))
    if settings.is_mixture:
        group = prepare_mixture(estimates, alone, settings, parameters)
        off, names = _chosen(group.chosen.parameters, group.chosen.fields, effects)
        return _result(covariate, names, log_bayes_factors(group, columns, place, off), seed, 0)
    prepared = prepare(estimates, alone, settings, parameters)
    tested, names = _tested(prepared, place, effects)
    factors, status = jax.device_get(
        _log_bayes_factors(prepared.group, columns, place, tested, limits(settings), spm=settings.follows_spm)
    )
    if not np.isfinite(factors).all():
        bad = np.flatnonzero(~np.isfinite(factors))
        raise PebError(f"{bad.size} of {factors.size} fits have no Bayes factor; check the estimates' posteriors")
    unfinished = sum(STATUS[int(code)] is GroupStatus.MAX_ITERATIONS for code in status)
    return _result(covariate, names, factors, seed, unfinished)


def _result(
    covariate: str, names: tuple[str, ...], factors: Float[np.ndarray, "permutation"], seed: int, unfinished: int
) -> Permutation:
    """The first is that of the covariate as it is."""
    observed, null = float(factors[0]), factors[1:]
    reached = null >= observed - CLOSE * max(1.0, abs(observed))
    return Permutation(covariate, names, observed, null, float((1 + reached.sum()) / factors.size), seed, unfinished)


def residualised(design: Design, covariate: str) -> Design:
    """The design with one column less what the other columns explain of it.

    Raises `DesignError` where nothing of it varies.
    """
    place = design.column(covariate)
    x, others = design.matrix[:, place], np.delete(design.matrix, place, axis=1)
    if np.ptp(x) == 0:
        raise DesignError(f"{covariate} is the same for every participant, and no permutation changes it")
    left = x - others @ np.linalg.lstsq(others, x, rcond=None)[0]
    matrix = design.matrix.copy()
    matrix[:, place] = left
    prior = None if design.prior is None else _prior_alone(design.prior, place)
    return Design(design.participants, design.covariates, matrix, design.centres, prior=prior)


def _prior_alone(prior: DesignPrior, place: int) -> DesignPrior:
    """One effect as it is, independent of the others, and these as they are without it."""
    others = np.array([k for k in range(prior.mean.size) if k != place], dtype=int)
    rest, mean, covariance = prior.taken(others.tolist()), prior.mean.copy(), np.zeros_like(prior.covariance)
    mean[others], covariance[np.ix_(others, others)] = rest
    covariance[place, place] = prior.covariance[place, place]
    return DesignPrior(mean, covariance)


def shuffled(
    alone: Design, place: int, permutations: int, rng: np.random.Generator
) -> Float[np.ndarray, "permutation subject"]:
    """The residualised column, then shuffled ones, each cleared of the other columns and brought to the same size.

    A shuffle of which the others leave nothing is drawn again: no effect of it could be estimated.
    """
    x = alone.matrix[:, place]
    basis = np.linalg.qr(np.delete(alone.matrix, place, axis=1))[0]
    size, columns = np.linalg.norm(x), [x]
    while len(columns) <= permutations:
        column = rng.permutation(x)
        column = column - basis @ (basis.T @ column)
        left = np.linalg.norm(column)
        if left > LEFT * size:
            columns.append(column * size / left)
    return np.stack(columns)


def _tested(
    prepared: PreparedGroup, place: int, effects: Sequence[str] | None
) -> tuple[Bool[np.ndarray, "beta"], tuple[str, ...]]:
    """Which entries of β are switched off, and their parameters."""
    chosen_parameters, within = prepared.chosen, prepared.group.within
    own = prepared.settings.within is None
    names = chosen_parameters.parameters if own else tuple(f"within {a + 1}" for a in range(within.shape[1]))
    fields = chosen_parameters.fields if own else tuple("within" for _ in names)
    off, chosen = _chosen(names, fields, effects)
    tested = np.zeros(prepared.prior.mean.size, dtype=bool)
    tested[place * len(names) : (place + 1) * len(names)] = off
    return tested, chosen


def _chosen(
    names: tuple[str, ...], fields: tuple[str, ...], effects: Sequence[str] | None
) -> tuple[Bool[np.ndarray, "param"], tuple[str, ...]]:
    """Which parameters are tested, and their names."""
    unknown = [] if effects is None else [each for each in effects if each not in names and each not in fields]
    if unknown or effects == []:
        raise PebError(
            f"no effect is on {unknown[0]!r}; the group explains {', '.join(names)}" if unknown else "no effect to test"
        )
    off = np.array([effects is None or a in effects or b in effects for a, b in zip(names, fields, strict=True)])
    return off, tuple(name for name, is_off in zip(names, off, strict=True) if is_off)


@partial(jax.jit, static_argnames="spm")
def _log_bayes_factors(
    group: Group,
    columns: Float[Array, "permutation subject"],
    place: Int[Array, ""],
    tested: Bool[Array, "beta"],
    most: Limits,
    *,
    spm: bool,
) -> tuple[Float[Array, "permutation"], Int[Array, "permutation"]]:
    """The log Bayes factor of each column put in the covariate's place, and how its fit ended."""

    def one(column: Float[Array, "subject"]) -> tuple[Float[Array, ""], Int[Array, ""]]:
        found = solve(replace(group, between=group.between.at[:, place].set(column)), most, spm=spm)
        return _log_bayes_factor(group, found, tested), found.status

    return for_each(one, columns, fit_bytes(group))


def _log_bayes_factor(group: Group, found: FitResult, tested: Bool[Array, "beta"]) -> Float[Array, ""]:
    """F with the effects minus F without them."""
    P0, b0, b1 = group.beta_precision, group.beta_mean, found.beta
    P1 = inverse(found.beta_covariance)
    log_dets = jnp.linalg.slogdet(P1)[1] - jnp.linalg.slogdet(P0)[1]
    added = Information(P1 - P0, P1 @ b1 - P0 @ b0, (log_dets + b0 @ P0 @ b0 - b1 @ P1 @ b1) / 2)
    kept = ~tested
    covariance = jnp.where(kept[:, None] & kept[None, :], inverse(P0), 0.0)
    return -reduced_by_covariance(added, jnp.where(tested, 0.0, b0), covariance).delta


NUMBERS_AT_ONCE = 1 << 23


def log_bayes_factors(
    group: MixtureGroup,
    columns: Float[np.ndarray, "permutation subject"],
    place: int,
    tested: Bool[np.ndarray, "param"],
) -> Float[np.ndarray, "permutation"]:
    """Of each column put in the covariate's place."""
    base = fit_mixture(without_columns(group, [place]))
    size = len(group.design.participants)
    a = np.asarray(base.modes.attenuation)[..., :size]  # (param, node, subject)
    scale = base.own.scale[:, None]
    Lambda, pull = base.each.precision[:, None], base.each.pull[:, None]
    Z = np.delete(group.design.matrix, place, axis=1)
    left = a * (pull - Lambda * (np.asarray(base.modes.mean) * scale @ Z.T))
    W = Lambda * a
    ZW = np.einsum("jgs,sk->jgks", W, Z)
    spread = precision(ZW @ Z + precision(np.delete(np.delete(group.prior_covariance, place, 1), place, 2))[:, None])
    p0 = 1 / group.prior_covariance[:, place, place]
    weight = base.mixture.weight
    found = np.zeros(len(columns))
    rows = max(1, NUMBERS_AT_ONCE // W.size)
    for j in np.flatnonzero(tested):
        for at in range(0, len(columns), rows):
            x = columns[at : at + rows]
            across = np.einsum("gks,bs->bgk", ZW[j], x, optimize=True)
            info = x**2 @ W[j].T - np.einsum("bgk,gkl,bgl->bg", across, spread[j], across, optimize=True)
            total = p0[j] + info
            log_factor = (x @ left[j].T) ** 2 / total / 2 - np.log(total / p0[j]) / 2
            found[at : at + rows] += logsumexp(log_factor, axis=1, b=weight[j])
    return found
