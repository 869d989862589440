"""The answers at the head of the demo's page, worded by what the numbers are."""

from __future__ import annotations

import numpy as np

from dcm import Status

from ._demo_result import DemoResult
from ._figure_style import signed
from ._figures import LOW_VARIANCE
from ._recovery import Change, Interval, changes, difference, modulation_name
from ._report import Answer, Verdict
from ._trial import AMYGDALA, FACES, VMPFC

HONEST = (80.0, 97.0)  # percent; 90 % intervals that hold the truth this often are neither boastful nor timid
CLOSE = 0.7  # correlation of found with planted values from which we speak of recovery


def answers(result: DemoResult) -> tuple[Answer, ...]:
    """Recovery, the arms, the link with improvement, the fits."""
    ketamine, midazolam, *other = changes(result.trial, result.recovery)
    return (
        _recovered(result),
        _arms(ketamine, midazolam),
        _improvement((ketamine, midazolam), other),
        _fits(result),
    )


def _recovered(result: DemoResult) -> Answer:
    recovery = result.recovery
    regions, faces = result.trial.spec.regions, result.trial.spec.inputs[FACES]
    pairs = ((regions[VMPFC], regions[AMYGDALA]), (regions[AMYGDALA], regions[VMPFC]))
    names = [modulation_name(to, source, faces) for to, source in pairs]
    r = [recovery.correlation(name) for name in names]
    coverage = recovery.coverage()
    honest = HONEST[0] <= coverage <= HONEST[1]
    verdict: Verdict = "yes" if honest and min(r) > CLOSE else "partly" if honest or min(r) > CLOSE else "no"
    each = " and ".join(f"{value:.2f} ({to} ← {source})" for value, (to, source) in zip(r, pairs, strict=True))
    return Answer(
        "Was the planted connectivity found again?",
        verdict,
        f"{coverage:.0f} % of the 90 % intervals hold the planted value.",
        (
            f"Over {len(recovery.names)} parameters of {len(recovery.visits)} visits; B(faces) alone: "
            f"{recovery.coverage(names):.0f} %.",
            f"What faces do to each connection: found and planted values correlate at r = {each}.",
            f"Under SPM12's own noise prior the same intervals hold {result.spm_prior.coverage():.0f} %, "
            f"those of B(faces) {result.spm_prior.coverage(names):.0f} %: too narrow at this much noise.",
        ),
    )


def _arms(ketamine: Change, midazolam: Change) -> Answer:
    gap = difference(ketamine, midazolam)
    planted = ketamine.planted.mean() - midazolam.planted.mean()
    same_sign = np.sign(gap.value) == np.sign(planted)
    verdict: Verdict = "yes" if same_sign and gap.excludes_zero else "partly" if same_sign else "no"
    return Answer(
        f"Does the change of B(faces), {ketamine.to} ← {ketamine.source}, differ between the arms?",
        verdict,
        f"Ketamine minus midazolam: {_with_interval(gap)}; planted {signed(planted)}.",
        (
            f"Ketamine {_with_interval(ketamine.average)}; planted {signed(ketamine.planted.mean())}.",
            f"Midazolam {_with_interval(midazolam.average)}; planted {signed(midazolam.planted.mean())}.",
            "More negative means that seeing faces makes vmPFC inhibit the amygdala more after treatment than before.",
        ),
    )


def _improvement(inhibition: tuple[Change, Change], excitation: list[Change]) -> Answer:
    ketamine, midazolam = inhibition
    planted, found = ketamine.planted_slope, ketamine.slope
    same_sign = np.sign(found.value) == np.sign(planted)
    spared = not midazolam.slope.excludes_zero
    verdict: Verdict = "yes" if same_sign and found.excludes_zero and spared else "partly" if same_sign else "no"
    return Answer(
        "Does that change go with improvement under ketamine only, as planted?",
        verdict,
        f"Ketamine: {_with_interval(found, 3)} per point of improvement; planted {signed(planted, 3)}.",
        (
            f"Midazolam: {_with_interval(midazolam.slope, 3)} per point; planted 0.",
            f"The other direction, {excitation[0].to} ← {excitation[0].source}, planted in both arms at "
            f"{signed(excitation[0].planted_slope, 3)}: "
            + ", ".join(f"{change.arm} {_with_interval(change.slope, 3)}" for change in excitation)
            + ".",
            "Intervals of arms and slopes are descriptive: they take each participant's estimate as equally sure. "
            "Weighing them by their uncertainty is the Bayesian group level's work (effconn peb).",
        ),
    )


def _fits(result: DemoResult) -> Answer:
    posteriors = result.posteriors
    explained = np.array([found.explained_variance_total for found in result.diagnostics if found is not None])
    converged = sum(posterior.status is Status.CONVERGED for posterior in posteriors)
    warned = sum(bool(found.warnings) for found in result.diagnostics if found is not None)
    count = len(result.outcomes)
    good = converged == count and explained.min() >= LOW_VARIANCE
    verdict: Verdict = "yes" if good and not warned else "partly" if converged >= count / 2 else "no"
    iterations = np.array([posterior.iterations for posterior in posteriors])
    return Answer(
        "Can the fits be trusted?",
        verdict,
        f"{converged} of {count} inversions converged; median variance explained {np.median(explained):.0f} %.",
        (
            f"Share of the variance explained: {explained.min():.0f} to {explained.max():.0f} %; "
            f"SPM warns below {LOW_VARIANCE:g} %.",
            f"{iterations.min()} to {iterations.max()} iterations; "
            + ("no visit has a warning." if not warned else f"{warned} visits have warnings, listed in the table."),
        ),
    )


def _with_interval(interval: Interval, digits: int = 2) -> str:
    low, high = signed(interval.low, digits), signed(interval.high, digits)
    return f"{signed(interval.value, digits)} Hz (90 % interval {low} to {high})"
