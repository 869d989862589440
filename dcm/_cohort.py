"""Inversion of one participant or of a cohort: what goes in, what comes out, and who failed and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from . import _laplace as laplace
from ._batch import Batch, make_batches
from ._bilinear_start import begin_at_optima, bilinear_batch, starts_bilinear
from ._confounds import generalised_least_squares
from ._importance import refine_each
from ._posterior import InversionError, Posterior, Status
from ._runtime import one_blas_thread, require_64_bit
from ._scheduler import InversionResult, Task, plan_execution, run_tasks
from ._settings import Settings
from ._subject import PreparedSubject, Shared, Subject, prepare

Progress = Callable[[int, int], None]  # called with inversions done and in all, a start counting as one

_STATUS = {
    laplace.CONVERGED: Status.CONVERGED,
    laplace.MAX_ITERATIONS: Status.MAX_ITERATIONS,
    laplace.NOT_FINITE: Status.NOT_FINITE,
    laplace.BAD_START: Status.BAD_START,
}


@dataclass(frozen=True)
class Failure:
    """A participant without a posterior, and why."""

    name: str
    reason: str


def invert(subject: Subject, settings: Settings = Settings()) -> Posterior:  # noqa: B008 - frozen
    """Invert one model of one run.

        q(θ) = N(mean, covariance),    F ≈ ln p(y | model), nats

    Arguments:
        subject: the model and the run, as of `effconn.subject_from_series` or of a file's `subject`.
        settings: whose numbers, and how; ``Settings("spm12")`` for those of SPM12.

    Raises `ValueError` where it cannot be inverted as specified and `InversionError` where every start failed.

    >>> posterior = invert(subject)
    >>> posterior.summary(), posterior["B[amygdala<-vmPFC, faces]"], diagnose(posterior).warnings

    Source: Friston et al. 2007, NeuroImage 34, 220–234.
    """
    prepared = prepare(subject, settings)
    [(_, outcome)] = _run([prepared], settings, None, [0], None)
    if isinstance(outcome, Failure):
        raise InversionError(f"{outcome.name}: {outcome.reason}")
    return outcome


def invert_cohort(
    subjects: Sequence[Subject],
    settings: Settings = Settings(),  # noqa: B008 - frozen
    on_progress: Progress | None = None,
    cores: int | None = None,
) -> list[Posterior | Failure]:
    """Invert many models of many runs at once; one result for each, in the order given.

    A participant that cannot be inverted yields a `Failure`, with its name and the reason, and never holds up the
    others. On a CPU as many cores are used as this process may use, or `cores` where given; no result depends on their
    number.

    Arguments:
        subjects: the model and the run of each.
        settings: as for `invert`.
        on_progress: called with inversions done and in all, a start counting as one.
        cores: of a CPU, at most.

    >>> found = dict(zip(names, invert_cohort(subjects)))
    >>> for name, result in found.items():
    ...     if isinstance(result, Failure):
    ...         print(name, result.reason)
    """
    subjects = list(subjects)
    results = dict(invert_each(subjects, settings, on_progress, cores=cores))
    return [results[position] for position in range(len(subjects))]


def invert_each(
    subjects: Sequence[Subject],
    settings: Settings = Settings(),  # noqa: B008 - frozen
    on_progress: Progress | None = None,
    wanted: Collection[int] | None = None,
    cores: int | None = None,
) -> Iterator[tuple[int, Posterior | Failure]]:
    """As `invert_cohort`, but every result comes as it is finished, with the position of its subject.

    Arguments:
        subjects, settings, on_progress: as for `invert_cohort`.
        wanted: positions of those to invert; None for all. The sizes to which data are padded decide a result's last
            digits and are those of all subjects: on a CPU, whoever is inverted later than others gets the same bytes.
        cores: of a CPU, at most; all that this process may use where None.
    """
    ready: dict[int, PreparedSubject] = {}
    shared = Shared()
    for position, subject in enumerate(subjects):
        try:
            ready[position] = prepare(subject, settings, shared)
        except ValueError as error:
            if wanted is None or position in wanted:
                yield position, Failure(subject.name, str(error))
    del shared  # and with it what it was found by: the bytes of every participant's inputs and confounds
    positions = list(ready)
    places = {place for place, position in enumerate(positions) if wanted is None or position in wanted}
    for place, outcome in _run(list(ready.values()), settings, on_progress, places, cores):
        yield positions[place], outcome


def _run(
    prepared: Sequence[PreparedSubject],
    settings: Settings,
    on_progress: Progress | None,
    wanted: Collection[int],
    cores: int | None,
) -> Iterator[tuple[int, Posterior | Failure]]:
    require_64_bit()
    batches = make_batches(prepared, settings)
    chosen = {id(batch): [k for k, position in enumerate(batch.members) if position in wanted] for batch in batches}
    refined = settings.refine == "sampling"
    total = sum(
        len(chosen[id(batch)]) * (settings.starts * (2 if starts_bilinear(batch) else 1) + refined) for batch in batches
    )
    done = 0

    def count(inversions: int) -> None:
        nonlocal done
        done += inversions
        if on_progress is not None:
            on_progress(done, total)

    for batch in batches:
        if members := chosen[id(batch)]:
            find = _by_full_equations if starts_bilinear(batch) else _by_one_set_of_equations
            found = find(batch, members, count, cores)
            yield from _refined(batch, found, count, cores) if refined else found


def _refined(
    batch: Batch, found: Iterator[tuple[int, Posterior | Failure]], count: Callable[[int], None], cores: int | None
) -> Iterator[tuple[int, Posterior | Failure]]:
    """Failures at once; posteriors when they are refined, which begins when all of the batch are inverted."""
    posteriors = []
    for position, outcome in found:
        if isinstance(outcome, Failure):
            count(1)
            yield position, outcome
        else:
            posteriors.append((batch.members.index(position), outcome))
    for member, posterior in refine_each(batch, posteriors, cores, count):
        yield batch.members[member], posterior


def _by_one_set_of_equations(
    batch: Batch, members: Sequence[int], count: Callable[[int], None], cores: int | None
) -> Iterator[tuple[int, Posterior | Failure]]:
    number = batch.settings.starts
    starts: dict[int, dict[int, InversionResult]] = {member: {} for member in members}
    for (member, start), ended in _run_tasks(batch, [(member, k) for member in members for k in range(number)], cores):
        starts[member][start] = ended
        count(1)
        if len(starts[member]) == number:
            own = starts.pop(member)
            yield batch.members[member], _outcome(batch, member, [own[k] for k in range(number)])


def _by_full_equations(
    batch: Batch, members: Sequence[int], count: Callable[[int], None], cores: int | None
) -> Iterator[tuple[int, Posterior | Failure]]:
    """By the bilinear equations first."""
    number, bilinear = batch.settings.starts, bilinear_batch(batch)
    found: dict[Task, InversionResult] = {}
    for task, ended in _run_tasks(bilinear, [(member, k) for member in members for k in range(number)], cores):
        found[task] = ended
        count(1)
    from_bilinear = begin_at_optima(bilinear, batch, found, members)
    expected = Counter(member for member, _ in from_bilinear.tasks)
    starts: dict[int, dict[int, InversionResult]] = {member: {} for member in members}
    failed: dict[int, dict[int, InversionResult]] = {}  # members some of whose starts have no result yet

    def outcome(member: int, own: dict[int, InversionResult]) -> tuple[int, Posterior | Failure]:
        count(number)
        every = from_bilinear.complete(member, own)
        return batch.members[member], _outcome(from_bilinear.batch, member, [every[k] for k in range(number)])

    for (member, start), ended in _run_tasks(from_bilinear.batch, from_bilinear.tasks, cores):
        starts[member][start] = ended
        if len(starts[member]) == expected[member]:
            own = starts.pop(member)
            if all(laplace.has_result(result.status) for result in own.values()):
                yield outcome(member, own)
            else:
                failed[member] = own
    again = [(m, k) for m, own in failed.items() for k, result in own.items() if not laplace.has_result(result.status)]
    for (member, start), ended in _run_tasks(batch, again, cores) if again else ():  # from where the starts are
        failed[member][start] = ended
    for member, own in failed.items():
        yield outcome(member, own)


def _run_tasks(batch: Batch, tasks: Sequence[Task], cores: int | None) -> Iterator[tuple[Task, InversionResult]]:
    plan = plan_execution(batch, len(batch.members) * batch.settings.starts, cores)
    with one_blas_thread(), closing(run_tasks(batch, tasks, plan)) as inversions:
        yield from inversions


def _outcome(batch: Batch, member: int, starts: Sequence[InversionResult]) -> Posterior | Failure:
    """The best start that did not fail, as a posterior in the participant's own sizes.

    The best settled F is kept. In SPM's modes it is kept among the starts whose F, as SPM evaluates it, is not below
    that of the first start: more starts never make the reported F worse.
    """
    run = batch.prepared[member]
    status = [_STATUS[int(ended.status)] for ended in starts]
    failed = np.array([code.failed for code in status])
    settled = np.array([float(ended.settled_free_energy) for ended in starts])
    reached = np.where(failed | ~np.isfinite(settled), -np.inf, settled)
    energy = np.where(failed, -np.inf, [float(ended.free_energy) for ended in starts])
    considered = energy >= energy[0] if batch.settings.as_spm else np.isfinite(reached)
    best = int(np.argmax(np.where(considered, reached, -np.inf)))
    if status[best].failed or not considered[best]:
        return Failure(run.subject.name, (status[0] if status[0].failed else Status.NOT_FINITE).value)
    return _posterior(batch, member, starts[best], best, reached)


def _posterior(batch: Batch, member: int, ended: InversionResult, start: int, reached: np.ndarray) -> Posterior:
    run, columns, settings = batch.prepared[member], batch.free_columns(member), batch.settings
    scans, regions = run.data.bold.shape
    mean = run.prior.mean.copy()
    mean[run.prior.free] += ended.best.theta[columns]
    prediction = np.asarray(ended.prediction)[:scans]
    rho = np.tanh(np.asarray(ended.best.correlation))
    if settings.as_spm:
        effects = run.rotation @ np.asarray(ended.best.beta)[: run.power.size]
    else:
        left, starts = run.data.bold - prediction, run.data.run_starts
        effects = run.rotation @ generalised_least_squares(run.confounds, left, rho, starts)
    covariance = np.asarray(ended.covariance)[np.ix_(columns, columns)]
    of_noise = np.eye(2 * regions) / (scans / 2 + 1 / run.prior.noise_variance)
    if not settings.as_spm:
        of_noise = np.linalg.inv(np.asarray(ended.noise_precision))
    return Posterior(
        spec=run.subject.spec,
        prior=run.prior,
        mean=mean,
        covariance=(covariance + covariance.T) / 2,
        free=run.prior.free,
        noise_mean=np.asarray(ended.best.noise),
        noise_covariance=of_noise[:regions, :regions],
        autocorrelation=rho,
        autocorrelation_sd=np.sqrt(np.diag(of_noise)[regions:]) if settings.noise == "ar1" else np.zeros(regions),
        confound_effects=effects,
        prediction=prediction,
        residual=run.data.bold - prediction - run.data.confounds @ effects,
        free_energy=float(ended.free_energy if settings.as_spm else ended.settled_free_energy),
        settled_free_energy=float(ended.settled_free_energy),
        status=_STATUS[int(ended.status)],
        iterations=int(ended.iterations),
        free_energy_history=np.asarray(ended.history)[: int(ended.iterations)],
        data_scale=run.scale,
        start=start,
        start_free_energies=reached,
        settings=settings,
        centre_inputs=run.subject.centre_inputs,
        constant_inputs=run.subject.constant_inputs,
        run_starts=tuple(run.data.run_starts.tolist()),
    )
