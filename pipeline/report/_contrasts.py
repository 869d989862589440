"""Contrasts by session and group: maps, cut through the regions of the study, and responses of the regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..common import sorted_names
from ..figures import (
    BLUE,
    MUTED,
    VERMILION,
    WIDTH,
    literal_text,
    new_figure,
    shorten_name,
    signed_number,
    style,
    zero_line,
)
from ..measures import response_unit
from ..page import EFFECT, Column, Picture, Records, Section
from ._group_maps import T_OPAQUE, GroupMap, anatomy_slices, group_map, slice_montage
from ._group_plots import draw_cells, group_legend
from ._study_result import StudyResult
from ._study_words import StudyWords

LEAST_SLICES, MOST_SLICES = 4, 6
TOP_PERCENTILE = 99.0  # percentile of |mean effect| at which colour is deepest
TEMPLATE = "MNI152"  # spaces whose anatomy nilearn brings along


@dataclass(frozen=True)
class _AxialCut:
    """A slice's height, mm, and the regions whose centre it goes through."""

    z: float
    label: str


def maps_section(result: StudyResult) -> Section | None:
    """Mean effect of every contrast; None where there are no maps."""
    drawn = []
    for number, (task, contrast) in enumerate(_mapped_contrasts(result)):
        panels = _map_panels(result, task, contrast)
        if panels:
            drawn.append(_maps_picture(result, panels, f"contrast-{number}", task, contrast))
    if not drawn:
        return None
    lead = (
        "Mean over participants of each contrast's effect, percent signal change. Colour is the size of the effect; "
        f"it fades with |t|, and dark edges enclose |t| ≥ {T_OPAQUE:g}, not corrected for the number of voxels. "
        "Slices go through the regions' centres; the left of the brain is on the left."
    )
    return Section("Contrast maps", lead, tuple(drawn), anchor="maps")


def _mapped_contrasts(result: StudyResult) -> list[tuple[str, str]]:
    tasks = {run.label: run.task for run in result.extractions}
    available = {(tasks[label], contrast) for label, contrast in result.maps if label in tasks}
    return [
        (task, contrast)
        for task in result.study.tasks
        for contrast in sorted_names(c for t, c in available if t == task)
    ]


def _map_panels(result: StudyResult, task: str, contrast: str) -> dict[tuple[str, str], GroupMap]:
    """Session and group → mean over participants, each the mean of its runs."""
    found: dict[tuple[str, str], GroupMap] = {}
    grid: tuple[np.ndarray, tuple[int, ...]] | None = None
    group_of = result.group_of
    for session in result.sessions:
        for group in result.groups:
            paths: dict[str, list[Path]] = {}
            for run in result.ordered_runs(task):
                here = (run.session or "", group_of[run.participant]) == (session, group)
                if here and (run.label, contrast) in result.maps:
                    paths.setdefault(run.participant, []).append(result.maps[run.label, contrast])
            panel_map = group_map(list(paths.values()), grid)
            if panel_map is not None:
                grid = grid or (panel_map.affine, panel_map.mean.shape)
                found[session, group] = panel_map
    return found


def _maps_picture(
    result: StudyResult, panels: Mapping[tuple[str, str], GroupMap], name: str, task: str, contrast: str
) -> Picture:
    first = next(iter(panels.values()))
    tops = [float(np.nanpercentile(np.abs(contrast_map.mean), TOP_PERCENTILE)) for contrast_map in panels.values()]
    largest = max(tops) or 1.0
    unread = sum(len(contrast_map.unread) for contrast_map in panels.values())
    caption = (
        f"The contrast should light up where the task is known to;{_alike(result.words)} and stay "
        f"inside the brain: rims of colour at its edge suggest motion. The deepest colour is {largest:.2g} %."
        + ("" if _has_template(result) else " No anatomy is drawn under it, as the space is not one of MNI152's.")
        + (f" {unread} maps could not be read." if unread else "")
    )
    cuts = _choose_slices(result, first)
    return Picture(name, f"{task}: {contrast}", caption, _maps_figure(result, panels, cuts, largest))


def _alike(words: StudyWords) -> str:
    """Where maps should not differ; nothing is said of groups that were not assigned."""
    return f" look alike in {words.all_groups} before treatment;" if words.is_treated else ""


def _has_template(result: StudyResult) -> bool:
    return result.study.study.space.startswith(TEMPLATE)


def _anatomy(contrast_map: GroupMap, slices: Sequence[int]) -> np.ndarray:
    """The MNI152 template under some slices, 0 to 1."""
    from nilearn.datasets import load_mni152_template

    template = load_mni152_template(resolution=2)
    return anatomy_slices(contrast_map, slices, template.get_fdata(), template.affine)


def _choose_slices(result: StudyResult, contrast_map: GroupMap) -> list[_AxialCut]:
    """Heights of the regions' centres, those within a voxel of each other as one; no more than there is room for."""
    heights: dict[str, float] = {}
    for name in result.study.region_names:
        centres = [run.centres[run.regions.index(name), 2] for run in result.extractions if name in run.regions]
        if centres:
            heights[name] = float(np.nanmedian(centres))
    step = max(float(np.abs(contrast_map.affine[:3, 2]).sum()), 3.0)
    cuts: list[_AxialCut] = []
    for name, z in sorted(heights.items(), key=lambda pair: pair[1]):
        if cuts and z - cuts[-1].z <= step:
            cuts[-1] = _AxialCut(cuts[-1].z, f"{cuts[-1].label}, {name}")
        else:
            cuts.append(_AxialCut(z, name))
    return sorted([*cuts[:MOST_SLICES], *_fill_slices(contrast_map, cuts)], key=lambda cut: cut.z)


def _fill_slices(contrast_map: GroupMap, cuts: Sequence[_AxialCut]) -> list[_AxialCut]:
    """More slices, each as far from all others as the brain allows, until there are enough to see what is where."""
    inside = np.isfinite(contrast_map.mean).sum(axis=(0, 1))
    step, origin = contrast_map.affine[2, 2:]
    heights = [float(step * k + origin) for k in np.flatnonzero(inside > inside.max() / 3)]
    chosen, more = [cut.z for cut in cuts], list[_AxialCut]()
    while heights and len(chosen) < LEAST_SLICES:
        best = max(heights, key=lambda z: min((abs(z - other) for other in chosen), default=0.0))
        chosen.append(best)
        more.append(_AxialCut(best, ""))
    return more


def _maps_figure(
    result: StudyResult,
    panels: Mapping[tuple[str, str], GroupMap],
    cuts: list[_AxialCut],
    largest: float,
) -> Figure:
    first = next(iter(panels.values()))
    indices = [_slice_index(first, cut.z) for cut in cuts]
    anatomy = _anatomy(first, indices) if _has_template(result) else None
    images = {place: slice_montage(contrast_map, indices, largest, anatomy) for place, contrast_map in panels.items()}
    rows, columns, _ = next(iter(images.values())).shape
    height = min((WIDTH - 0.2) * rows / columns, 1.7)
    with style():
        figure = new_figure(0.75 + len(images) * (height + 0.27))
        axes = figure.subplots(len(images), 1, squeeze=False)[:, 0]
        for panel, ((session, group), image) in zip(axes, images.items(), strict=True):
            panel.imshow(image, interpolation="none")
            panel.set_axis_off()
            named = [*([shorten_name(session, 16)] if session else []), *([shorten_name(group, 22)] if group else [])]
            label = ", ".join([*named, f"{panels[session, group].count} participants"])
            panel.set_title(literal_text(label), fontsize=9)
        _label_slices(axes[-1], cuts, rows, columns)
        figure.legend(handles=_map_legend(), loc="outside lower left", ncols=3, columnspacing=1.2)
    return figure


def _slice_index(contrast_map: GroupMap, z: float) -> int:
    """The slice nearest to a height, mm."""
    found = np.linalg.solve(contrast_map.affine, np.array([0.0, 0.0, z, 1.0]))[2]
    return int(np.clip(round(float(found)), 0, contrast_map.mean.shape[2] - 1))


def _label_slices(axes: Axes, cuts: list[_AxialCut], rows: int, columns: int) -> None:
    """Heights and regions under the slices of the last row."""
    width = columns / len(cuts)
    letters = max(8, 66 // len(cuts))
    for place, cut in enumerate(cuts):
        across = (place + 0.5) * width
        label = f"z = {signed_number(cut.z, 0).removeprefix('+')}\n{literal_text(shorten_name(cut.label, letters))}"
        axes.annotate(
            label,
            (across, rows),
            (0, -2),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            color=MUTED,
            annotation_clip=False,
        )


def _map_legend() -> list[Patch]:
    return [
        Patch(facecolor=VERMILION, label="+ more signal"),
        Patch(facecolor=BLUE, label="− less signal"),
        Patch(facecolor="#b9bec4", edgecolor="#14181f", linewidth=1.6, label=f"edge: |t| ≥ {T_OPAQUE:g}"),
    ]


RESPONSE_COLUMNS = (
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
            "Mean effect in each region, one point per participant. Above the line: the contrast, as the "
            f"configuration writes it, is positive.{_without_response(result.words)}",
            _responses_figure(result, task, contrast),
        )
        for number, (task, contrast) in enumerate(_task_contrasts(result))
    ]
    if not drawn:
        return None
    what = (
        "Percent signal change, averaged over the region's voxels"
        if result.study.series is None
        else f"Effects on the region's series, {response_unit(result.study)}"
    )
    lead = f"{what}{_where(result.words)}."
    return Section(
        "Responses of the regions",
        lead,
        tuple(drawn),
        folded=(response_records(result).collapsible(),),
        anchor="responses",
    )


def _where(words: StudyWords) -> str:
    if words.is_treated:
        return f"; before and after, in {words.all_groups}"
    return f",{words.by_session_and_group}" if words.by_session_and_group else ""


def _without_response(words: StudyWords) -> str:
    if words.is_treated:
        return " A region without a response before treatment has little that treatment could change."
    return " A region without any response has little to explain."


def response_records(result: StudyResult) -> Records:
    """One row a run, contrast and region."""
    group_of = result.group_of
    rows: list[dict[str, Any]] = [
        {
            "label": run.label,
            result.words.group: group_of[run.participant],
            "session": run.session,
            "contrast": contrast,
            "region": name,
            "response": float(run.responses[i, j]),
        }
        for run in result.ordered_runs()
        for i, contrast in enumerate(run.contrasts)
        for j, name in enumerate(run.regions)
    ]
    words = result.words
    columns = (Column("label", "Run"), *words.group_column, *words.session_column_of_file, *RESPONSE_COLUMNS)
    return Records("responses", "Responses of every run", "Percent signal change.", columns, rows)


def _task_contrasts(result: StudyResult) -> list[tuple[str, str]]:
    pairs = [(run.task, contrast) for run in result.ordered_runs() for contrast in run.contrasts]
    return list(dict.fromkeys(pairs))


def _responses_of(result: StudyResult, task: str, contrast: str, region: str, session: str, group: str) -> list[float]:
    """Of each participant of a group in one session, the mean over its runs."""
    group_of = result.group_of
    found: dict[str, list[float]] = {}
    for run in result.ordered_runs(task):
        here = (run.session or "", group_of[run.participant]) == (session, group)
        if here and contrast in run.contrasts and region in run.regions:
            value = float(run.responses[run.contrasts.index(contrast), run.regions.index(region)])
            if np.isfinite(value):
                found.setdefault(run.participant, []).append(value)
    return [float(np.mean(values)) for values in found.values()]


def _responses_figure(result: StudyResult, task: str, contrast: str) -> Figure:
    extracted = {name for run in result.ordered_runs(task) for name in run.regions}
    names = [name for name in result.study.region_names if name in extracted]
    abreast = min(3, len(names))
    rows = -(-len(names) // abreast)
    with style():
        figure = new_figure(0.8 + 1.75 * rows)
        panels = figure.subplots(rows, abreast, squeeze=False, sharey=True).ravel()
        for axes, name in zip(panels, names, strict=False):
            _responses_panel(axes, result, task, contrast, name)
        for axes in panels[len(names) :]:
            axes.set_axis_off()
        for axes in panels[::abreast]:
            axes.set_ylabel("signal change, %")
        figure.legend(
            handles=group_legend(result), loc="outside upper left", ncols=3, columnspacing=1.2, handletextpad=0.5
        )
    return figure


def _responses_panel(axes: Axes, result: StudyResult, task: str, contrast: str, region: str) -> None:
    zero_line(axes)
    draw_cells(
        axes, result, lambda session, group: _responses_of(result, task, contrast, region, session, group), 0.2, 0.5, 9
    )
    axes.set_title(literal_text(shorten_name(region, 16)))
    axes.tick_params(axis="x", labelsize=8.5)
