"""The first level: design matrices."""

from __future__ import annotations

import re

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from ..figures import (
    BLUE,
    INK,
    LINE,
    MUTED,
    VERMILION,
    literal_text,
    new_figure,
    shorten_name,
    style,
)
from ..images import Extraction
from ..page import Picture, Section
from ._study_result import StudyResult

HIGH_CORRELATION = 0.7  # a correlation from which the caption warns
_REGRESSOR_KINDS = (
    (r"(trans|rot)_.*", "motion"),
    (r"(cosine|drift).*", "slow drift"),
    (r"(csf|white_matter).*", "white matter, CSF"),
    (r"global_signal.*", "global signal"),
    (r"[acwt]_comp_cor.*", "CompCor"),
    (r"aroma.*", "AROMA"),
    (r"(motion_outlier|non_steady|censor|scan|spike).*", "single scans"),
    (r"constant|intercept", "constant"),
)


def designs_section(result: StudyResult) -> Section | None:
    """A typical run's design matrix of each task; None without extractions."""
    drawn = []
    for number, task in enumerate(result.study.tasks):
        if runs := result.ordered_runs(task):
            run = typical_run(runs)
            caption = (
                f"{run.label}, {run.design.shape[0]} scans down, {run.design.shape[1]} columns. Each column is scaled "
                "to its own largest size: above zero vermilion, below blue. Columns of the task should follow the "
                f"blocks or events and not look like motion or drift. {_largest_correlation(run)}"
            )
            drawn.append(Picture(f"design-{number}", f"{task}: design matrix", caption, _design_figure(run)))
    if not drawn:
        return None
    lead = "The regressors of the general linear model, in the run with the median number of columns of its task."
    return Section("Design of the first level", lead, tuple(drawn), anchor="design")


def typical_run(runs: tuple[Extraction, ...]) -> Extraction:
    """The run with the median number of columns, the first of them."""
    return sorted(runs, key=lambda run: run.design.shape[1])[(len(runs) - 1) // 2]


def regressor_kind(name: str) -> str:
    """What kind of column this is; the name itself where it is the task's."""
    return next((words for pattern, words in _REGRESSOR_KINDS if re.fullmatch(pattern, name)), name)


def _largest_correlation(run: Extraction) -> str:
    """The largest correlation of a column of the task with one of no interest, in words."""
    own = [
        i for i, name in enumerate(run.design_names) if name not in run.confound_names and regressor_kind(name) == name
    ]
    others = [i for i in range(run.design.shape[1]) if i not in own and np.ptp(run.design[:, i]) > 0]
    own = [i for i in own if np.ptp(run.design[:, i]) > 0]
    if not own or not others:
        return ""
    table = np.abs(np.corrcoef(run.design[:, [*own, *others]], rowvar=False)[: len(own), len(own) :])
    place = np.unravel_index(int(table.argmax()), table.shape)
    names = run.design_names[own[int(place[0])]], run.design_names[others[int(place[1])]]
    wording = f"Largest correlation of the task with a nuisance column: {names[0]} and {names[1]}, {table.max():.2f}"
    return wording + ("; their effects are hard to separate." if table.max() > HIGH_CORRELATION else ".")


def _design_figure(run: Extraction) -> Figure:
    scale = np.abs(run.design).max(axis=0)
    values = run.design / np.where(scale > 0, scale, 1.0)
    image = np.empty((*values.shape, 4))
    image[..., :3] = np.where(values[..., None] < 0, to_rgb(BLUE), to_rgb(VERMILION))
    image[..., 3] = 0.9 * np.abs(values)
    with style():
        figure = new_figure(4.4)
        axes = figure.subplots()
        axes.imshow(image, aspect="auto", interpolation="none")
        _label_regressors(axes, run.design_names)
        axes.set_ylabel("Scan")
        axes.xaxis.set_label_position("top")
        axes.spines[:].set_visible(True)
    return figure


def _label_regressors(axes: Axes, names: tuple[str, ...]) -> None:
    """A label for every run of columns of one kind, and a line between kinds."""
    kinds = [regressor_kind(name) for name in names]
    starts = [i for i, kind in enumerate(kinds) if i == 0 or kinds[i - 1] != kind]
    ends = [*starts[1:], len(kinds)]
    centres = [(start + end - 1) / 2 for start, end in zip(starts, ends, strict=True)]
    labels = [
        kinds[start] + (f" ({end - start})" if end - start > 1 else "") for start, end in zip(starts, ends, strict=True)
    ]
    axes.set_xticks(centres, [literal_text(shorten_name(label, 26)) for label in labels], fontsize=8.5)
    axes.tick_params(axis="x", length=0, labeltop=True, labelbottom=False, labelcolor=INK)
    for label in axes.get_xticklabels():
        label.set(rotation=35, ha="left", rotation_mode="anchor")
    for start in starts[1:]:
        axes.axvline(start - 0.5, color=LINE, linewidth=0.8)
    axes.tick_params(axis="y", labelcolor=MUTED)
