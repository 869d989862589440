"""The demo's numbers: simulate the trial, invert its visits, fit the group, hold all against what was planted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dcm import Diagnostics, Failure, Posterior, Settings, Subject, diagnose, invert_cohort, prior

from ._demo_group import GroupResult, analyse
from ._recovery import Recovery, recover
from ._trial import Design, Trial, simulate_trial

DemoProgress = Callable[[str, int, int], None]  # called with a stage, what is done of it, and all of it

SPM12_NOISE_VARIANCE = 1 / 128
NOISE_VARIANCE = 1.0
"""Prior variance of the noise's log-precision. SPM12's 1/128 holds the noise near a standard deviation of 0.05 % of
signal, far below this trial's, which makes intervals too narrow; with 1 the data decide."""


@dataclass(frozen=True, eq=False)
class DemoResult:
    """What the page is made of.

    Fields:
        trial: what was simulated.
        outcomes: a posterior or a failure for each visit, in the trial's order.
        diagnostics: of each visit, None where it failed.
        recovery: planted and found parameters of the inverted visits.
        spm_prior: the same under SPM12's prior of the noise.
        group: the group level.
        seconds: how long each stage took.
    """

    trial: Trial
    outcomes: Sequence[Posterior | Failure]
    diagnostics: Sequence[Diagnostics | None]
    recovery: Recovery
    spm_prior: Recovery
    group: GroupResult
    seconds: dict[str, float]

    @property
    def posteriors(self) -> list[Posterior]:
        """Those of the inverted visits."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, Posterior)]

    @property
    def failures(self) -> list[Failure]:
        """The visits that were not inverted, and why."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, Failure)]

    def posterior(self, index: int) -> Posterior:
        """That of a visit which was inverted."""
        outcome = self.outcomes[index]
        if isinstance(outcome, Failure):
            raise ValueError(f"{outcome.name} was not inverted: {outcome.reason}")
        return outcome


def compute(design: Design, seed: int, progress: DemoProgress) -> DemoResult:
    """Simulate, invert, and fit the group; see `run_demo`."""
    clock = [time.perf_counter()]
    trial = simulate_trial(design, seed=seed, on_progress=lambda done, total: progress("simulate", done, total))
    clock.append(time.perf_counter())
    count = len(trial.visits)
    outcomes = _invert(trial, NOISE_VARIANCE, lambda done, _: progress("invert", done, 2 * count))
    clock.append(time.perf_counter())
    tight = _invert(trial, SPM12_NOISE_VARIANCE, lambda done, _: progress("invert", count + done, 2 * count))
    clock.append(time.perf_counter())
    recovery, spm_prior = (
        recover(trial, [None if isinstance(outcome, Failure) else outcome for outcome in found])
        for found in (outcomes, tight)
    )
    group = analyse(trial, outcomes, progress)
    clock.append(time.perf_counter())
    stages = ("simulate", "invert", "invert with SPM12's noise prior", "group level with sampling")
    return DemoResult(
        trial,
        outcomes,
        [None if isinstance(outcome, Failure) else diagnose(outcome) for outcome in outcomes],
        recovery,
        spm_prior,
        group,
        dict(zip(stages, np.diff(clock).tolist(), strict=True)),
    )


def _invert(trial: Trial, noise_variance: float, on_progress: Callable[[int, int], None]) -> list[Posterior | Failure]:
    density = prior(trial.spec, noise_variance=noise_variance)
    subjects = [Subject(visit.name, trial.spec, visit.simulation.data, density) for visit in trial.visits]
    return invert_cohort(subjects, Settings(), on_progress)
