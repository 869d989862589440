"""Regional responses: mean of each contrast's effect in each region, by arm and session."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..figures import INK, new_figure, plain, shortened, style, zero_line
from ..page import EFFECT, Column, Picture, Records, Section
from ._arms import arm_key, draw_points, looks
from ._fold import fold
from ._result import StudyResult

COLUMNS = (
    Column("label", "Run"),
    Column("arm", "Arm"),
    Column("session", "Session", where="file"),
    Column("contrast", "Contrast"),
    Column("region", "Region"),
    Column("response", "Response, %", EFFECT),
)


def responses_section(result: StudyResult) -> Section | None:
    """One picture for each contrast; None where there is none."""
    drawn = [
        Picture(
            f"response-{number}",
            f"{task}: {contrast}",
            "Mean effect in each region, a point a participant. Above the line: the contrast, as the configuration "
            "writes it, is positive. A region without a response before treatment has little that treatment could "
            "change.",
            _figure(result, task, contrast),
        )
        for number, (task, contrast) in enumerate(_contrasts(result))
    ]
    if not drawn:
        return None
    lead = "Percent signal change, averaged over the region's voxels; before and after, in both arms."
    return Section(
        "Responses of the regions", lead, tuple(drawn), folded=(fold(response_records(result)),), anchor="responses"
    )


def response_records(result: StudyResult) -> Records:
    """One row a run, contrast and region."""
    arm_of = result.arm_of
    rows: list[dict[str, Any]] = [
        {
            "label": run.label,
            "arm": arm_of[run.participant],
            "session": run.session,
            "contrast": contrast,
            "region": name,
            "response": float(run.responses[i, j]),
        }
        for run in result.ordered()
        for i, contrast in enumerate(run.contrasts)
        for j, name in enumerate(run.regions)
    ]
    return Records("responses", "Responses of every run", "Percent signal change.", COLUMNS, rows)


def _contrasts(result: StudyResult) -> list[tuple[str, str]]:
    pairs = [(run.task, contrast) for run in result.ordered() for contrast in run.contrasts]
    return list(dict.fromkeys(pairs))


def _values(result: StudyResult, task: str, contrast: str, region: str, session: str, arm: str) -> list[float]:
    arm_of = result.arm_of
    found = [
        float(run.responses[run.contrasts.index(contrast), run.regions.index(region)])
        for run in result.ordered(task)
        if (run.session, arm_of[run.participant]) == (session, arm)
        and contrast in run.contrasts
        and region in run.regions
    ]
    return [value for value in found if np.isfinite(value)]


def _figure(result: StudyResult, task: str, contrast: str) -> Figure:
    there = {name for run in result.ordered(task) for name in run.regions}
    names = [name for name in result.study.regions if name in there]
    abreast = min(3, len(names))
    rows = -(-len(names) // abreast)
    with style():
        figure = new_figure(0.8 + 1.75 * rows)
        panels = figure.subplots(rows, abreast, squeeze=False, sharey=True).ravel()
        for axes, name in zip(panels, names, strict=False):
            _panel(axes, result, task, contrast, name)
        for axes in panels[len(names) :]:
            axes.set_axis_off()
        for axes in panels[::abreast]:
            axes.set_ylabel("signal change, %")
        figure.legend(handles=arm_key(result), loc="outside upper left", ncols=3, columnspacing=1.2, handletextpad=0.5)
    return figure


def _panel(axes: Axes, result: StudyResult, task: str, contrast: str, region: str) -> None:
    zero_line(axes)
    for place, session in enumerate(result.sessions):
        for number, look in enumerate(looks(result)):
            values = _values(result, task, contrast, region, session, look.arm)
            draw_points(axes, 2.2 * place + number, values, look)
    axes.set_title(plain(shortened(region, 16)))
    axes.set_xlim(-0.5, 3.7)
    axes.set_xticks([0.5, 2.7], [plain(shortened(session, 9)) for session in result.sessions], fontsize=8.5)
    axes.tick_params(axis="x", length=0, labelcolor=INK)
