"""What was measured in the regions and what the model makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from dcm import SPM12_ECHO_TIME, Diagnostics, Posterior

from ..figures import LINE, MUTED, VERMILION, new_figure, plain, series_figure, shortened, style
from ..images import Extraction
from ..page import Picture, Section
from ..study import Dcm
from ._result import StudyResult

MOST = 60  # visits that are drawn small
STEP = 1.15  # between rows, in standard deviations times `HEIGHT`
HEIGHT = 4.0  # standard deviations that a row is high


def series_section(result: StudyResult, found: Mapping[str, Diagnostics]) -> Section | None:
    """The best, a middling and the worst visit in full, the others small; None where nothing was inverted."""
    runs = {run.visit: run for run in result.extractions if result.study.dcm and run.task == result.study.dcm.task}
    ranked = sorted(
        (visit for visit in found if visit in runs), key=lambda visit: found[visit].explained_variance_total
    )
    if not ranked:
        return None
    chosen = {"best": ranked[-1], "median": ranked[len(ranked) // 2], "worst": ranked[0]}
    drawn = tuple(
        _in_full(runs[visit], result.main[visit], found[visit], which)
        for which, visit in chosen.items()
        if which == "best" or visit != chosen["best"]
    )
    return Section(
        "Series of the regions, and the model's prediction",
        "First eigenvariates of the regions of the DCM, in percent of the run's mean, and what the inverted model "
        "predicts. Drift and other confounds are removed from both." + _reach(runs, result.study.dcm),
        drawn,
        folded=_small(result, runs, ranked),
        anchor="series",
    )


def _reach(runs: Mapping[str, Extraction], dcm: Dcm | None) -> str:
    """How far the series range, as their scale decides what the noise's prior takes for signal."""
    wanted = () if dcm is None else dcm.regions
    found = [float(np.ptp(run.series[:, run.regions.index(name)])) for run in runs.values() for name in wanted]
    return f" Over all runs and regions, a series ranges over {min(found):.2g} to {max(found):.2g} %." if found else ""


def _in_full(run: Extraction, posterior: Posterior, found: Diagnostics, which: str) -> Picture:
    data = run.run_data(posterior.spec.regions, SPM12_ECHO_TIME).data  # timing is all that is drawn of it
    explained = f"{found.explained_variance_total:.0f} % explained variance (mean removed)"
    figure = series_figure(data, posterior, run.inputs, run.input_names, shortened(run.visit, 30))
    caption = (
        f"{run.visit}, {explained}. The line should follow the dots' slow waves and leave only noise; a line that "
        "hardly moves explains nothing."
    )
    return Picture(f"series-{which}", f"The {_words(which)} fit", caption, figure)


def _words(which: str) -> str:
    return {"best": "best", "median": "middling", "worst": "poorest"}[which]


def _small(result: StudyResult, runs: Mapping[str, Extraction], ranked: Sequence[str]) -> tuple[Section, ...]:
    """All visits of each arm and session, or the poorest of them where they are many."""
    kept = set(ranked[:MOST])
    arm_of = result.arm_of
    drawn = []
    for i, session in enumerate(result.sessions):
        for j, arm in enumerate(result.study.participants.arms):
            here = [run for run in result.ordered() if run.visit in kept and runs[run.visit] is run]
            here = [run for run in here if (run.session, arm_of[run.participant]) == (session, arm)]
            if here:
                figure = _sheet(here, result.main)
                caption = "Grey: observed. Vermilion: predicted. Each row is scaled to its own spread."
                drawn.append(Picture(f"series-{i}-{j}", f"{session}, {arm}", caption, figure))
    some = "" if len(kept) == len(ranked) else f" The {MOST} poorest fits of {len(ranked)}."
    lead = f"One row a visit, one column a region.{some} Look for rows in which the line stays flat."
    return (Section("Series of every visit, small", lead, tuple(drawn)),) if drawn else ()


def _sheet(runs: Sequence[Extraction], posteriors: Mapping[str, Posterior]) -> Figure:
    regions = posteriors[runs[0].visit].spec.regions
    with style():
        figure = new_figure(0.5 + 0.36 * len(runs))
        panels = figure.subplots(1, len(regions), squeeze=False, sharey=True)[0]
        for column, (axes, name) in enumerate(zip(panels, regions, strict=True)):
            for row, run in enumerate(runs):
                posterior = posteriors[run.visit]
                time = (np.arange(len(posterior.prediction)) + 0.5) * run.repetition_time
                observed = posterior.prediction[:, column] + posterior.residual[:, column]
                scale = HEIGHT * (float(observed.std()) or 1.0)
                axes.axhline(row * STEP, color=LINE, linewidth=0.5)
                axes.plot(time, row * STEP - observed / scale, color=MUTED, linewidth=0.5)
                axes.plot(time, row * STEP - posterior.prediction[:, column] / scale, color=VERMILION, linewidth=1.1)
            axes.set_title(plain(shortened(name, 18)))
            axes.set_xlabel("Time, s")
            axes.margins(x=0)
            axes.spines[:].set_visible(False)
            axes.tick_params(axis="y", length=0)
        panels[0].set_ylim((len(runs) - 0.3) * STEP, -0.8 * STEP)  # rows go down, so values are turned above
        panels[0].set_yticks(
            np.arange(len(runs)) * STEP, [plain(shortened(run.participant, 16)) for run in runs], fontsize=8
        )
    return figure
