"""The demo's pictures, each with what to look for in it."""

from __future__ import annotations

import numpy as np

from ._demo_result import DemoResult
from ._figure_style import signed
from ._figures import convergence_figure, recovery_figure, series_figure, variance_figure
from ._recovery import Change, changes, modulation_name
from ._report import Picture, Section
from ._trial import AMYGDALA, FACES, TASK, VMPFC
from ._trial_figures import change_figure, circuit_figure, improvement_figure

MEANING = {
    AMYGDALA: "more inhibition of the amygdala by vmPFC",
    VMPFC: "less excitation of vmPFC by the amygdala",
}


def sections(result: DemoResult) -> tuple[Section, ...]:
    """Circuit and effect of treatment first, then how far to trust them."""
    found = changes(result.trial, result.recovery)
    return (
        Section(
            "The circuit and what treatment did to it",
            "B(faces) is what seeing faces adds to a connection, in Hz (changes per second); “amygdala ← vmPFC” is the "
            "connection to the amygdala from vmPFC. A is the connection averaged over the run.",
            (_circuit(result), _series(result), *_changes(result, found[:2]), *_changes(result, found[2:])),
        ),
        Section(
            "How far to trust it",
            "Were the planted values found, within the stated uncertainty? Did every inversion end where it should?",
            (*_recovery(result), _variance(result), _convergence(result)),
        ),
    )


def _circuit(result: DemoResult) -> Picture:
    recovery, spec = result.recovery, result.trial.spec
    baseline = [row for row, visit in enumerate(recovery.visits) if visit.session == 1]
    means = []
    for values in (recovery.mean, recovery.planted):
        vector = np.zeros(spec.layout.size)
        vector[recovery.free] = values[baseline].mean(axis=0)
        means.append(spec.layout.to_tree(vector))
    found, planted = means
    connection = (np.asarray(planted.B)[VMPFC, AMYGDALA, FACES], np.asarray(planted.B)[AMYGDALA, VMPFC, FACES])
    figure = circuit_figure(
        (spec.regions[VMPFC], spec.regions[AMYGDALA]),
        np.asarray(found.A),
        np.asarray(found.B)[:, :, FACES],
        {spec.inputs[TASK]: np.asarray(found.C)[:, TASK]},
        spec.inputs[FACES],
    )
    return Picture(
        "circuit",
        "The circuit before treatment",
        f"Mean of the posterior means of {len(baseline)} participants at session 1. An arrow is as wide as what faces "
        f"add to the connection. Planted means: {signed(connection[0])} Hz (vmPFC ← amygdala) and "
        f"{signed(connection[1])} Hz (amygdala ← vmPFC).",
        figure,
    )


def _changes(result: DemoResult, arms: list[Change]) -> tuple[Picture, Picture]:
    region = result.trial.spec.regions.index(arms[0].to)
    connection = f"{arms[0].to} ← {arms[0].source}"
    name = f"{arms[0].to}-from-{arms[0].source}".lower()
    differ = arms[0].planted_slope != arms[1].planted_slope
    look = (
        "Planted for ketamine only: its mean should lie below zero, midazolam's near it."
        if differ
        else "Planted alike in both arms: both means should lie below zero."
    )
    slopes = (
        "Planted: a falling line for ketamine, a flat one for midazolam."
        if differ
        else "Planted: the same falling line in both arms, so the dotted lines coincide."
    )
    return (
        Picture(
            f"change-{name}",
            f"{connection}: change by arm",
            f"{look} Thin lines are participants, in the order of what was planted in them; the diamond is the arm's "
            "mean with an interval from the spread of its participants; the dashed mark is the mean that was planted.",
            change_figure(arms, f"Change of B(faces), {connection}", MEANING[region]),
        ),
        Picture(
            f"improvement-{name}",
            f"{connection}: change and improvement",
            f"{slopes} Solid lines are fitted to the participants' posterior means by least squares (descriptive), "
            "dotted lines are what was planted.",
            improvement_figure(arms, f"Change of B(faces), {connection}"),
        ),
    )


def _series(result: DemoResult) -> Picture:
    """The visit of median fit: neither the best nor the worst."""
    explained = [np.inf if found is None else found.explained_variance_total for found in result.diagnostics]
    fitted = [index for index in np.argsort(explained) if np.isfinite(explained[index])]
    index = int(fitted[len(fitted) // 2])
    visit, posterior = result.trial.visits[index], result.posterior(index)
    paradigm = result.trial.paradigm
    return Picture(
        "series",
        "What was measured, and what the model makes of it",
        f"{visit.participant}, session {visit.session}: the visit of median fit ({explained[index]:.0f} % of the "
        "variance explained). The line should follow the dots' slow waves and leave only noise. Drift is removed from "
        "both.",
        series_figure(
            visit.simulation.data,
            posterior,
            np.column_stack([paradigm[:, TASK] - paradigm[:, FACES], paradigm[:, FACES]]),
            ("shapes", "faces"),
            f"{visit.participant}, session {visit.session}",
        ),
    )


def _recovery(result: DemoResult) -> tuple[Picture, Picture]:
    regions, faces = result.trial.spec.regions, result.trial.spec.inputs[FACES]
    pairs = ((regions[VMPFC], regions[AMYGDALA]), (regions[AMYGDALA], regions[VMPFC]))
    modulations = [modulation_name(to, source, faces) for to, source in pairs]
    averages = [f"A[{to}<-{source}]" for to, source in pairs]
    return (
        Picture(
            "recovery-faces",
            "What faces add (B): found against planted",
            "Every visit is a dot. Dots should lie along the dashed line, and nine in ten of the vertical lines should "
            "cross it.",
            recovery_figure(result.recovery, modulations),
        ),
        Picture(
            "recovery-average",
            "Average connections (A): found against planted",
            "These differ less between participants than one visit can resolve, so the prior pulls them towards zero "
            "(dots below the line on the right); the intervals are wide enough to say so.",
            recovery_figure(result.recovery, averages),
        ),
    )


def _variance(result: DemoResult) -> Picture:
    participants = [visit.participant for visit in result.trial.visits[::2]]
    explained = np.array([np.nan if one is None else one.explained_variance_total for one in result.diagnostics])
    return Picture(
        "variance",
        "How much of each visit the model explains",
        "The rest is noise, which was planted too: at these signal-to-noise ratios 50 to 70 % can be explained. Below "
        "10 % a fit would mean little.",
        variance_figure(participants, explained.reshape(-1, 2), ("session 1", "session 2")),
    )


def _convergence(result: DemoResult) -> Picture:
    return Picture(
        "convergence",
        "How the inversions got there",
        "Each line is one inversion: what its free energy, the best so far, still lacked of its final value. All "
        "should fall below the dashed line and end there; an inversion stops when it expects to gain less than that.",
        convergence_figure(result.posteriors),
    )
