"""SPM12's results compared with effconn's: the same data, prior and start, inverted again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dcm import (
    Compat,
    Data,
    Derivatives,
    Failure,
    Posterior,
    Prior,
    Settings,
    Subject,
    explained_variance_of,
    invert_cohort,
    prior,
)

from ..common import CompileClock, count_cores, describe_device, describe_precision, release
from ..spm import DcmFile, SpmEstimate

SAME_PATH = 0.001  # nats and Hz: beyond it, SPM's derivatives took another path
SAME_OPTIMUM = 0.5  # nats: beyond it, another optimum
PATHS_DIFFER = 1e-3  # nats between the free energies of one iteration, from which the paths differ
MISSED, BETTER = "SPM missed a better optimum", "SPM's optimum is better"
NOISE = "same but for the noise"
COPIES = 4  # perturbed copies that show where a path depends on the last digits
LAST_DIGITS = 1e-13  # relative perturbation of their data


@dataclass(frozen=True)
class SpmComparison:
    """One participant: effconn's inversion and SPM's.

    Fields:
        file: the file's path as text, with ``[k]`` where it holds several models.
        name: what it goes by.
        status: 'converged', 'max_iterations' or 'failed: reason'.
        f, f_spm, delta_f: free energies and ours − SPM's, nats.
        max_abs_delta_ep: largest |ΔEp| over A, B and C.
        corr_ep: correlation of the posterior means of the free parameters.
        prediction_error_at_spm: max |g(Ep of SPM) − DCM.y| as a share of DCM.y's range; None where y is not stored.
        explained_variance, explained_variance_spm: percent, over all regions.
        iterations: of ours.
        local_optimum: whether the two are different optima: the free energies differ by over 0.5 nats, in either
            direction, and not only because the noise stopped elsewhere.
        delta_settled_f: the same difference with the noise at its optimum on both sides, nats: SPM's steps on the noise
            may stop hundreds of nats short of it, which says nothing about the connectivity.
        paths_part_at: the first iteration (from 1) at which copies of the participant that differ in the data's last
            digits go separate ways, looked for only where SPM's derivatives took another path; None where not.
        copies_inverted: whether it was looked for.
    """

    file: str
    name: str
    status: str
    f: float | None = None
    f_spm: float | None = None
    delta_f: float | None = None
    max_abs_delta_ep: float | None = None
    corr_ep: float | None = None
    prediction_error_at_spm: float | None = None
    explained_variance: float | None = None
    explained_variance_spm: float | None = None
    iterations: int | None = None
    local_optimum: bool | None = None
    delta_settled_f: float | None = None
    paths_part_at: int | None = None
    copies_inverted: bool = False

    @property
    def same_path(self) -> bool:
        """Whether F and Ep agree to 0.001."""
        if self.delta_f is None or self.max_abs_delta_ep is None:
            return False
        return abs(self.delta_f) <= SAME_PATH and self.max_abs_delta_ep <= SAME_PATH

    @property
    def verdict(self) -> str:
        """Whose optimum is better, in words."""
        if self.delta_f is None:
            return self.status
        if abs(self.delta_f) <= SAME_OPTIMUM:
            return "same"
        if not self.local_optimum:
            return NOISE
        better = self.delta_f if self.delta_settled_f is None else self.delta_settled_f
        return MISSED if better > 0 else BETTER


@dataclass(frozen=True)
class ComparisonReport:
    """A cohort's comparisons, and how they were made; `seconds` has wall time of compilation and of the rest."""

    derivatives: Derivatives
    starts: int
    device: str
    precision: str
    participants: tuple[SpmComparison, ...]
    seconds: dict[str, float]
    compat: Compat = "spm12"

    @property
    def compared(self) -> list[SpmComparison]:
        """Those with two results to compare."""
        return [comparison for comparison in self.participants if comparison.delta_f is not None]

    def to_json(self) -> dict[str, object]:
        """As other tools read it."""
        hidden = ("name", "copies_inverted")
        return {
            "effconn": release(),
            "device": self.device,
            "precision": self.precision,
            "compat": self.compat,
            "derivatives": self.derivatives,
            "starts": self.starts,
            "participants": [
                {key: value for key, value in vars(comparison).items() if key not in hidden}
                for comparison in self.participants
            ],
            "seconds": self.seconds,
        }


def compare_with_spm(
    files: Sequence[DcmFile],
    settings: Settings = Settings("spm12"),  # noqa: B008 - frozen
    on_progress: Callable[[int, int], None] | None = None,
) -> ComparisonReport:
    """Invert every file again from its own prior, and hold the result against SPM's estimate in the file.

    Files without an estimate of SPM's kind are listed with status 'failed: …'. The integrator and the iteration limit
    of `settings` give way to the files' own.
    """
    clock, start = CompileClock(), time.perf_counter()
    ready = [i for i, file in enumerate(files) if file.estimate is not None]
    subjects: dict[int, Subject] = {}
    refused: dict[int, Failure] = {}
    for i in ready:
        try:
            subjects[i] = _subject(files[i], settings)
        except ValueError as error:  # a prior that SPM takes and we do not, such as one of tied parameters
            refused[i] = Failure(files[i].name, str(error))
    results = _invert(files, subjects, settings, on_progress)
    at_spm = _at_spm(files, subjects, settings)
    rows: list[SpmComparison] = []
    for i, file in enumerate(files):
        result = (
            results.get(i)
            or refused.get(i)
            or Failure(file.name, "the file holds no estimate; invert it with SPM12 first")
        )
        rows.append(_compare(file, result, at_spm.get(i)))
    if settings.derivatives == "spm":
        _find_where_paths_part(rows, files, subjects, results, settings)
    total, compiling = time.perf_counter() - start, clock.seconds(start)
    seconds = {"compile": compiling, "run": max(0.0, total - compiling)}
    return ComparisonReport(
        settings.derivatives,
        settings.starts,
        describe_device(),
        describe_precision(),
        tuple(rows),
        seconds,
        settings.compat,
    )


def _subject(file: DcmFile, settings: Settings) -> Subject:
    """With the prior that SPM used, where the file holds it; `ValueError` where the estimate is none of SPM's kind."""
    estimate = _estimate(file)
    if file.mode == "none" or file.mode.startswith("none,"):
        raise ValueError(
            f"effconn estimated it in mode {file.mode}, which no SPM has; invert it with SPM12, or by effconn invert "
            f"--compat {settings.compat}"
        )
    if estimate.prior_mean is not None and estimate.prior_covariance is not None:
        density = Prior(estimate.prior_mean, estimate.prior_covariance, file.noise_mean, file.noise_variance)
    else:
        density = prior(file.spec, settings.priors, noise_mean=file.noise_mean, noise_variance=file.noise_variance)
    # SPM leaves confounds as the file has them; `effconn invert` puts an orthonormal basis of them in their place.
    return Subject(file.name, file.spec, file.data, density, file.centre_inputs, confounds_as_given=not file.mode)


def _estimate(file: DcmFile) -> SpmEstimate:
    assert file.estimate is not None
    return file.estimate


def _invert(
    files: Sequence[DcmFile],
    subjects: dict[int, Subject],
    settings: Settings,
    on_progress: Callable[[int, int], None] | None = None,
    iterations: int | None = None,
) -> dict[int, Posterior | Failure]:
    """Every subject, with the iteration limit and the integrator that its file asks for."""
    groups: dict[Settings, list[int]] = {}
    for i in subjects:
        own = replace(
            settings,
            integrator="nonlinear" if files[i].spec.d.any() else "bilinear",
            derivatives="exact" if files[i].spec.d.any() else settings.derivatives,
            max_iterations=iterations or files[i].max_iterations,
        )
        groups.setdefault(own, []).append(i)
    results: dict[int, Posterior | Failure] = {}
    total, base = len(subjects) * settings.starts, 0
    for own, members in groups.items():

        def watch(done: int, _: int, base: int = base) -> None:
            if on_progress is not None:
                on_progress(base + done, total)

        results |= zip(members, invert_cohort([subjects[i] for i in members], own, watch, count_cores()), strict=True)
        base += len(members) * settings.starts
    return results


def _compare(file: DcmFile, result: Posterior | Failure, at_spm: Posterior | None) -> SpmComparison:
    place = str(file.path) + (f"[{file.cell}]" if file.cell else "")
    if isinstance(result, Failure):
        status = result.reason if result.reason.startswith("failed") else f"failed: {result.reason}"
        return SpmComparison(place, file.name, status)
    spm, layout = _estimate(file), file.spec.layout
    connections = slice(0, layout.field_slice("C").stop)
    ours, theirs = result.mean, spm.mean
    delta = result.free_energy - spm.free_energy
    settled = result.settled_free_energy - at_spm.settled_free_energy if at_spm else None
    free = result.free
    varied = free.size > 1 and min(np.ptp(ours[free]), np.ptp(theirs[free])) > 0
    return SpmComparison(
        file=place,
        name=file.name,
        status=result.status.value,
        f=result.free_energy,
        f_spm=spm.free_energy,
        delta_f=delta,
        max_abs_delta_ep=float(np.abs(ours - theirs)[connections].max()),
        corr_ep=float(np.corrcoef(ours[free], theirs[free])[0, 1]) if varied else None,
        prediction_error_at_spm=_prediction_error(spm, at_spm.prediction if at_spm else None),
        explained_variance=_explained(result.prediction, result.residual),
        explained_variance_spm=_explained(spm.prediction, spm.residual),
        iterations=result.iterations,
        local_optimum=abs(delta) > SAME_OPTIMUM and (settled is None or abs(settled) > SAME_OPTIMUM),
        delta_settled_f=settled,
    )


def _explained(prediction: np.ndarray | None, residual: np.ndarray | None) -> float | None:
    """As SPM has it, the prediction's mean in it."""
    if prediction is None or residual is None:
        return None
    return float(explained_variance_of(prediction.ravel(), residual.ravel()))


def _at_spm(files: Sequence[DcmFile], subjects: dict[int, Subject], settings: Settings) -> dict[int, Posterior]:
    """What our model makes of SPM's Ep: the first iteration of an inversion that starts there.

    It runs through the code that the inversions have compiled, where a prediction by itself would be compiled anew for
    every run of another length.
    """
    at_spm = {i: replace(subjects[i], start=_estimate(files[i]).mean) for i in subjects}
    results = _invert(files, at_spm, replace(settings, starts=1), iterations=1)
    return {
        i: result
        for i, result in results.items()
        if isinstance(result, Posterior) and np.allclose(result.mean, _estimate(files[i]).mean, rtol=0, atol=1e-12)
    }


def _prediction_error(spm: SpmEstimate, prediction: np.ndarray | None) -> float | None:
    if prediction is None or spm.prediction is None or np.ptp(spm.prediction) == 0:
        return None
    return float(np.abs(prediction - spm.prediction).max() / np.ptp(spm.prediction))


def _find_where_paths_part(
    rows: list[SpmComparison],
    files: Sequence[DcmFile],
    subjects: dict[int, Subject],
    results: dict[int, Posterior | Failure],
    settings: Settings,
) -> None:
    """Where a path depends on the last digits: SPM stores no path, so copies of the participant stand in for it."""
    off_path = [
        i for i, row in enumerate(rows) if row.delta_f is not None and not row.same_path and _from_first(results[i])
    ]
    owner = [i for i in off_path for _ in range(COPIES)]
    copies = {k: replace(subjects[i], data=_perturbed(subjects[i].data, k % COPIES)) for k, i in enumerate(owner)}
    again = _invert([files[i] for i in owner], copies, replace(settings, starts=1))
    for i in off_path:
        iterations = [_first_difference(results[i], again[k]) for k, of in enumerate(owner) if of == i]
        rows[i] = replace(
            rows[i], paths_part_at=min((at for at in iterations if at), default=None), copies_inverted=True
        )


def _from_first(result: Posterior | Failure) -> bool:
    """Whether the path reported is the one from SPM's own start; no other can be compared with SPM's."""
    return isinstance(result, Posterior) and result.start == 0


def _perturbed(data: Data, seed: int) -> Data:
    noise = np.random.default_rng(seed).standard_normal(data.bold.shape)
    return replace(data, bold=data.bold * (1 + LAST_DIGITS * noise))


def _first_difference(first: Posterior | Failure, other: Posterior | Failure) -> int | None:
    """The first iteration, from 1, whose free energies differ."""
    if isinstance(first, Failure) or isinstance(other, Failure):
        return None
    histories = first.free_energy_history, other.free_energy_history
    shared = min(map(len, histories))
    apart = np.flatnonzero(np.abs(histories[0][:shared] - histories[1][:shared]) > PATHS_DIFFER)
    if apart.size:
        return int(apart[0]) + 1
    return shared + 1 if len(histories[0]) != len(histories[1]) else None
