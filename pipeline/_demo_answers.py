"""The answers at the head of the demo's page, worded by what the numbers are."""

from __future__ import annotations

import numpy as np

from dcm import Status
from peb import MEAN, ArmComparison, Gaussian

from ._demo_group import IMPROVEMENT, GroupResult, place_of
from ._demo_result import DemoResult
from ._figure_style import signed
from ._figures import LOW_VARIANCE
from ._group_figures import p_words
from ._group_fit import STRONG
from ._recovery import Z, modulation_name
from ._report import Answer, Verdict
from ._trial import AMYGDALA, FACES, VMPFC

HONEST = (80.0, 97.0)  # percent; 90 % intervals that hold the truth this often are neither boastful nor timid
BELOW = "P(difference\u00a0<\u00a00)"  # never broken
CLOSE = 0.7  # correlation of found with planted values from which we speak of recovery


def answers(result: DemoResult) -> tuple[Answer, ...]:
    """Recovery, the fits, and last what the trial was for: the arms, and the link with improvement."""
    group = result.group
    to, other = (result.trial.spec.regions[region] for region in (AMYGDALA, VMPFC))
    return (_recovered(result), _fits(result), _arms(group, to, other), _improvement(group, to, other))


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


def _arms(group: GroupResult, to: str, other: str) -> Answer:
    """Whether the arms' mean changes differ in the connection where a difference was planted."""
    found = group.comparison(MEAN)
    place = place_of(found, to)
    planted = group.planted(MEAN, to)
    pp = float(found.with_v_without.difference[place])
    connection, unplanted = group.of(to)[0].connection, group.of(other)[0].connection
    elsewhere = place_of(found, other)
    return Answer(
        "Does treatment change B(faces) differently in the two arms, as planted?",
        _verdict(found, place, planted[2]),
        f"{connection}, ketamine less midazolam: {_found(found.difference, place)}; planted {signed(planted[2])}. "
        f"{_below(found, place)}.",
        (
            f"Ketamine {_found(found.first, place)}, planted {signed(planted[0])}; midazolam "
            f"{_found(found.second, place)}, planted {signed(planted[1])}.",
            f"The other direction, {unplanted}, planted alike in both arms: {_found(found.difference, elsewhere)}, "
            f"{_below(found, elsewhere)}.",
            _with_v_without(group, found, place, pp),
            f"By a third level over a group for each arm: {_found(group.by_levels(MEAN).difference, place)}; it also "
            "expects arms to vary by chance.",
            _sampled(group, found, place),
        ),
    )


def _improvement(group: GroupResult, to: str, other: str) -> Answer:
    """Whether the change goes with improvement under ketamine only."""
    found = group.comparison(IMPROVEMENT)
    place, elsewhere = place_of(found, to), place_of(found, other)
    planted, alike = group.planted(IMPROVEMENT, to), group.planted(IMPROVEMENT, other)
    connection, unplanted = group.of(to)[0].connection, group.of(other)[0].connection
    apart = _verdict(found, place, planted[2])
    only = _surely(found.beyond_zero.first[place], planted[0]) and not _sure(found.beyond_zero.second[place])
    verdict: Verdict = "yes" if only and apart == "yes" else "partly" if only or apart != "no" else "no"
    left = group.left_out
    return Answer(
        "Does that change go with improvement under ketamine only, as planted?",
        verdict,
        f"{connection}, ketamine: {_found(found.first, place, 3)} per point of improvement; planted "
        f"{signed(planted[0], 3)}. P(below zero) {_digits(1 - found.beyond_zero.first[place])}.",
        (
            f"Midazolam {_found(found.second, place, 3)}, planted {signed(planted[1], 3)}. Ketamine less midazolam "
            f"{_found(found.difference, place, 3)}, planted {signed(planted[2], 3)}; {_below(found, place)}, Pp with v "
            f"without {_digits(found.with_v_without.difference[place])}.",
            f"The other direction, {unplanted}, planted in both arms at {signed(alike[0], 3)}: ketamine "
            f"{_found(found.first, elsewhere, 3)}, midazolam {_found(found.second, elsewhere, 3)}.",
            "Improvement of each participant, told from connectivity by a group that never saw this participant, goes "
            f"with the actual one at r = {signed(left.correlation)} ({p_words(left.p_value)}, one-sided).",
        ),
    )


def _verdict(found: ArmComparison, place: int, planted: float) -> Verdict:
    """Yes where the model needs the difference and it has the planted sign; partly where only its sign is sure."""
    if not _surely(found.beyond_zero.difference[place], planted):
        return "no"
    return "yes" if found.with_v_without.difference[place] >= STRONG else "partly"


def _sure(beyond_zero: float) -> bool:
    return max(beyond_zero, 1 - beyond_zero) >= STRONG


def _surely(beyond_zero: float, planted: float) -> bool:
    """Whether an effect surely has the sign of what was planted."""
    return (beyond_zero if planted > 0 else 1 - beyond_zero) >= STRONG


def _with_v_without(group: GroupResult, found: ArmComparison, place: int, pp: float) -> str:
    """What the other kind of probability says, and why where the two part."""
    text = f"Pp of the difference, models with v without it: {_digits(pp)}."
    if pp >= STRONG or not _sure(found.beyond_zero.difference[place]):
        return text
    whole = group.arms.group
    half = whole.prior.sd[whole.places(next(iter(whole.design.kinds)))[place]]
    return (
        f"{text} The sign is sure, but SPM12's prior lets the difference be anything within ±{Z * 2 * half:.1f} Hz "
        "(90 %), and beside that a model without it does well."
    )


def _sampled(group: GroupResult, found: ArmComparison, place: int) -> str:
    """The same probability, drawn."""
    drawn = group.arms.sampled
    assert drawn is not None
    column = next(iter(group.arms.group.design.kinds))
    share = (drawn.draws[..., group.arms.group.places(column)[place]] > 0).mean()  # midazolam is +1
    chains, draws = drawn.draws.shape[:2]
    return (
        f"Sampled with NUTS ({chains} chains of {draws} draws, R-hat up to {drawn.r_hat.max():.2f}): "
        f"{BELOW} {_digits(share)}."
    )


def _found(density: Gaussian, place: int, digits: int = 2) -> str:
    """A mean with its 90 % interval."""
    value, half = float(density.mean[place]), Z * float(density.sd[place])
    low, high = signed(value - half, digits), signed(value + half, digits)
    return f"{signed(value, digits)} Hz (90 % {low} to {high})"


def _below(found: ArmComparison, place: int) -> str:
    return f"{BELOW} {_digits(1 - found.beyond_zero.difference[place])}"


def _digits(probability: float) -> str:
    """Three digits, never rounded to 0 or 1."""
    if 0.001 <= probability <= 0.999:
        return f"{probability:.3f}"
    return "> 0.999" if probability > 0.5 else "< 0.001"
