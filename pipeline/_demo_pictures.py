"""The demo's pictures, each with what to look for in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from peb import MEAN

from ._connection_names import Connection, connections
from ._demo_group import IMPROVEMENT, GroupResult
from ._demo_result import DemoResult
from ._figure_style import ARM_COLOUR, INK, signed
from ._figures import convergence_figure, recovery_figure, series_figure, variance_figure
from ._group_figures import leave_one_out_figure
from ._group_pictures import arms_section
from ._group_sampling import draws_of
from ._recovery import Change, modulation_name
from ._report import Picture, Section
from ._trial import AMYGDALA, ARMS, FACES, TASK, VMPFC, Trial
from ._trial_figures import change_figure, circuit_figure, improvement_figure, in_group_figure

MEANING = {
    AMYGDALA: "more inhibition of the amygdala by vmPFC",
    VMPFC: "less excitation of vmPFC by the amygdala",
}


def sections(result: DemoResult) -> tuple[Section, ...]:
    """Circuit and effect of treatment first, then how far to trust them; the arms beside each other last."""
    group = result.group
    vmpfc, amygdala = result.trial.spec.regions
    return (
        Section(
            "The circuit and what treatment did to it",
            "B(faces) is what seeing faces adds to a connection, in Hz (changes per second); “amygdala ← vmPFC” is the "
            "connection to the amygdala from vmPFC. A is the connection averaged over the run.",
            (_circuit(result), _series(result), *_changes(result, amygdala), *_changes(result, vmpfc)),
        ),
        Section(
            "How far to trust it",
            "Were the planted values found, within the stated uncertainty? Did every inversion end where it should?",
            (*_recovery(result), _variance(result), _convergence(result)),
        ),
        Section(
            "What the group adds",
            "Parametric empirical Bayes weighs every participant by how sure this participant's estimate is, and turns "
            "what all have in common into a prior for each.",
            (_in_group(group.of(amygdala)), _left_out(group)),
        ),
        _arms(group, result.trial),
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


def _changes(result: DemoResult, to: str) -> tuple[Picture, Picture]:
    arms = result.group.of(to)
    region, connection = result.trial.spec.regions.index(to), arms[0].connection
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
            f"{look} Thin lines are participants, in the order of what was planted in them; the diamond is what the "
            f"group finds for a participant of average improvement ({arms[0].centre:.1f} points); the dashed mark is "
            "what was planted there.",
            change_figure(arms, f"Change of B(faces), {connection}", MEANING[region]),
        ),
        Picture(
            f"improvement-{name}",
            f"{connection}: change and improvement",
            f"{slopes} Solid lines are the group's, which weighs participants by how sure each estimate is, with the "
            "band that holds 90 % of the posterior; dotted lines are what was planted.",
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


def _in_group(arms: tuple[Change, Change]) -> Picture:
    alone, together = (
        np.sqrt(np.mean(np.concatenate(errors) ** 2))
        for errors in ([one.mean - one.planted for one in arms], [one.in_group - one.planted for one in arms])
    )
    return Picture(
        "in-group",
        "Participants alone and in the group",
        f"Off by {alone:.2f} Hz alone, by {together:.2f} Hz with the group as prior (root mean square). Filled marks "
        "should lie nearer to the dashed line than empty ones: what the other participants show pulls in the estimates "
        "that are least sure.",
        in_group_figure(arms, f"Change of B(faces), {arms[0].connection}"),
    )


def _left_out(group: GroupResult) -> Picture:
    found = group.left_out
    return Picture(
        "left-out",
        "Improvement of participants left out",
        "Each participant's improvement, told from the change of both connections and the arm by a group that never "
        "saw this participant. Points should rise from left to right; they lie nearer to the average where "
        "connectivity tells little.",
        leave_one_out_figure(
            found.actual + group.centre,
            found.estimate + group.centre,
            np.sqrt(found.variance),
            covariate=IMPROVEMENT,
            correlation=found.correlation,
            p_value=found.p_value,
            unit="points",
        ),
    )


def _arms(group: GroupResult, trial: Trial) -> Section:
    """The densities of both arms and their difference, with what was planted."""
    drawn = arms_section(group.arms.together, trial.spec, lambda one, i: draws_of(group.arms, one, i))
    pairs = [(one, connection) for one in group.arms.together for connection in connections(one.parameters, trial.spec)]
    return Section(
        "The arms beside each other",
        "The comparison the trial was for: above, the posterior of the change, or of its slope on improvement, in "
        "each arm; below, of the difference. Dotted lines are what was planted. The further the lower curve lies to "
        "one side of zero, the surer the arms differ.",
        tuple(
            _with_planted(picture, connection, group.planted(one.covariate, connection.to), one.covariate)
            for picture, (one, connection) in zip(drawn.pictures, pairs, strict=True)
        ),
    )


def _with_planted(
    picture: Picture, connection: Connection, planted: tuple[float, float, float], covariate: str
) -> Picture:
    """Dotted lines where the truth is, and the same in words."""
    digits, unit = (2, "Hz") if covariate == MEAN else (3, "Hz per point of improvement")
    first, second, apart = (signed(value, digits) for value in planted)
    above, below = picture.figure.axes
    for axes, values, colours in (
        (above, planted[:2], [ARM_COLOUR[arm] for arm in ARMS]),
        (below, planted[2:], [INK]),
    ):
        for place, (value, colour) in enumerate(zip(values, colours, strict=True)):
            axes.axvline(
                value, color=colour, linewidth=1.6, linestyle=(2 * place, (2, 2))
            )  # in turn where they coincide
            low, high = axes.get_xlim()
            axes.set_xlim(min(low, value - 0.03 * (high - low)), max(high, value + 0.03 * (high - low)))
    verb = "in a participant of average improvement" if covariate == MEAN else "on average"
    caption = f"Planted {verb}: ketamine {first}, midazolam {second}, difference {apart} {unit} (dotted)."
    what = "change" if covariate == MEAN else "change with improvement"
    return replace(picture, title=f"{connection.to} ← {connection.source}: {what}", caption=caption)
