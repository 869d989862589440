"""The inverted models: explained variance, fitted series, and mean connectivity by session and group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dcm import SPM12_ECHO_TIME, Diagnostics, Posterior, Spec, concatenate_runs, diagnose

from ..bids import visit_label
from ..figures import (
    LINE,
    LOW_VARIANCE,
    MUTED,
    VERMILION,
    literal_text,
    matrix_figure,
    matrix_scale,
    new_figure,
    series_figure,
    shorten_name,
    style,
    variance_figure,
)
from ..images import Extraction
from ..page import EFFECT, SPREAD, Column, Picture, Records, Section
from ..study import MAIN, Dcm
from ._series_sections import SERIES_UNITS
from ._study_result import StudyResult
from ._study_words import StudyWords

MOST_PARTICIPANTS = 60  # participants in the picture
FIT_COLUMNS = (
    Column("free_energy", "F, nats", ".1f"),
    Column("explained_variance", "Explained variance (mean removed), %", ".0f"),
    Column("largest_connection", "Largest connection, Hz", SPREAD),
    Column("iterations", "Iterations", "d"),
    Column("status", "Status"),
    Column("warnings", "Warnings"),
)


def explained_variance_section(result: StudyResult, fits: Mapping[str, Diagnostics]) -> Section | None:
    """Explained variance by visit, the mean removed; None where nothing was inverted."""
    if not fits:
        return None
    return Section(
        f"Explained variance of the models{result.dcm_suffix}",
        "As SPM's check of a DCM, effconn warns where less than 10 % of the variance is explained, where no "
        "connection between regions exceeds 1/8 Hz, or where the data informed no parameter. Such visits carry "
        "little information, and the group level weights them by their precision. It also warns of parameters far "
        "from their prior mean, of noise far from its prior, and of starts that do not agree on the optimum.",
        (_variance_picture(result, fits),),
        (),
        folded=(fit_records(result, fits).collapsible(),),
        anchor=f"fits{result.dcm_mark}",
    )


def diagnose_visits(result: StudyResult) -> dict[str, Diagnostics]:
    """Visit → fit of the main model, first group first."""
    return {visit: diagnose(result.main_posteriors[visit]) for visit in visits(result)}


def visits(result: StudyResult) -> list[str]:
    """Visits with a posterior of the main model, by group, participant and session."""
    every = [
        visit_label(participant.name, session) for participant in result.participants for session in result.sessions
    ]
    return [visit for visit in every if visit in result.main_posteriors]


def fit_records(result: StudyResult, fits: Mapping[str, Diagnostics]) -> Records:
    """One row a visit; marked where there are warnings."""
    group_of = result.group_of
    whose = {visit_label(name, session): name for name in group_of for session in result.sessions}
    rows: list[dict[str, Any]] = [
        {
            "visit": visit,
            result.words.group: group_of.get(whose.get(visit, ""), ""),
            "free_energy": float(result.main_posteriors[visit].free_energy),
            "explained_variance": diagnostics.explained_variance_total,
            "largest_connection": diagnostics.largest_connection,
            "iterations": result.main_posteriors[visit].iterations,
            "status": result.main_posteriors[visit].status.value,
            "warnings": "; ".join(diagnostics.warnings) or "none",
        }
        for visit, diagnostics in fits.items()
    ]
    lead = (
        "F is the free energy, a lower bound on the log evidence; it compares models of the same data, not visits. "
        "Marked: there are warnings."
    )
    marked = frozenset(i for i, diagnostics in enumerate(fits.values()) if diagnostics.warnings)
    columns = (Column("visit", "Visit"), *result.words.group_column, *FIT_COLUMNS)
    return Records(f"fits{result.dcm_mark}", f"Every visit{result.dcm_suffix}", lead, columns, rows, marked=marked)


def connectivity_records(result: StudyResult) -> Records:
    """One row a model, visit and free parameter; of models that are reduced from the main one, the best few."""
    inverted = {
        model: {visit: (own.names, own.mean[own.free], own.covariance) for visit, own in posteriors.items()}
        for model, posteriors in result.posteriors.items()
    }
    reduced = {
        model: {visit: (own.parameters, own.posterior.mean, own.posterior.covariance) for visit, own in visits.items()}
        for model, visits in result.reduced_estimates.items()
    }
    rows = [
        {"model": model, "visit": visit, "parameter": name, "mean": float(mean), "sd": float(sd)}
        for model, visits in (inverted | reduced).items()
        for visit, (names, means, covariance) in visits.items()
        for name, mean, sd in zip(names, means, np.sqrt(np.diag(covariance)), strict=True)
    ]
    columns = (
        Column("model", "Model"),
        Column("visit", "Visit"),
        Column("parameter", "Parameter"),
        Column("mean", "Posterior mean", EFFECT),
        Column("sd", "SD", SPREAD),
    )
    lead = "Hz between regions; log scales for self-inhibition and haemodynamics."
    if reduced:
        lead += f" Of the models that are reduced from {MAIN}, the best are here: {', '.join(reduced)}."
    title = f"Every parameter of every visit{result.dcm_suffix}"
    return Records(f"connectivity{result.dcm_mark}", title, lead, columns, rows)


def _variance_picture(result: StudyResult, fits: Mapping[str, Diagnostics]) -> Picture:
    names = [
        participant.name
        for participant in result.participants
        if any(visit_label(participant.name, s) in fits for s in result.sessions)
    ]
    explained = np.array([[_explained(fits, visit_label(name, s)) for s in result.sessions] for name in names])
    low = int((explained < LOW_VARIANCE).sum())
    caption = (
        "The variance of the prediction as a share of the variance of prediction and residual together. Median "
        f"{np.nanmedian(explained):.0f} %; {low} of {len(fits)} visits below {LOW_VARIANCE:g} %, where a fit carries "
        f"little information.{_poorer(result.words)}"
    )
    if len(names) > MOST_PARTICIPANTS:
        worst = np.sort(np.argsort(np.nanmin(explained, axis=1), kind="stable")[:MOST_PARTICIPANTS])
        names, explained = [names[i] for i in worst], explained[worst]
        caption += f" Only the {MOST_PARTICIPANTS} participants with the least are drawn."
    figure = variance_figure(names, explained, result.sessions)
    return Picture(f"variance{result.dcm_mark}", "Explained variance (mean removed)", caption, figure)


def _poorer(words: StudyWords) -> str:
    if len(words.sessions) == 2:
        return (
            " Where the two sessions of a participant differ much, the estimate of their change rests on the poorer "
            "one."
        )
    if len(words.sessions) > 2:
        return " Where sessions of a participant differ much, a contrast of them rests on the poorest."
    return ""


def _explained(fits: Mapping[str, Diagnostics], visit: str) -> float:
    return fits[visit].explained_variance_total if visit in fits else float("nan")


MOST_SMALL_VISITS = 60  # visits that are drawn small
ROW_STEP = 1.15  # between rows, in standard deviations times `ROW_HEIGHT`
ROW_HEIGHT = 4.0  # standard deviations that a row is high


def series_section(result: StudyResult, found: Mapping[str, Diagnostics]) -> Section | None:
    """The best, the median and the worst visit in full, the others small; None where nothing was inverted."""
    dcm = result.dcm
    runs: dict[str, list[Extraction]] = {}
    for run in result.ordered_runs(dcm.task) if dcm is not None else ():
        runs.setdefault(run.visit, []).append(run)
    ranked = sorted(
        (visit for visit in found if _is_drawn(runs.get(visit, ()), result.main_posteriors[visit])),
        key=lambda visit: found[visit].explained_variance_total,
    )
    if dcm is None or not ranked:
        return None
    chosen = {"best": ranked[-1], "median": ranked[len(ranked) // 2], "worst": ranked[0]}
    drawn = tuple(
        _full_picture(result, runs[visit], visit, found[visit], which)
        for which, visit in chosen.items()
        if which == "best" or visit != chosen["best"]
    )
    several = any(len(own) > 1 for own in runs.values())
    one_by_one = " Runs of a visit are drawn one after the other." if several else ""
    return Section(
        f"Regional series and the model's prediction{result.dcm_suffix}",
        f"{_what_series_are(result)}, and what the inverted model "
        f"predicts. Drift and other confounds are removed from both.{one_by_one}{_series_range(result, runs, dcm)}",
        drawn,
        folded=_small_pictures(result, runs, ranked),
        anchor=f"series{result.dcm_mark}",
    )


def _what_series_are(result: StudyResult) -> str:
    settings = result.study.series
    if settings is None:
        return "First eigenvariates of the regions of the DCM, in percent of the run's mean"
    return f"The series of the regions of the DCM, {SERIES_UNITS[settings.unit]}"


def _is_drawn(runs: Sequence[Extraction], posterior: Posterior) -> bool:
    """Whether a prediction is of these runs, all of one repetition time, one after the other."""
    same = len({run.repetition_time for run in runs}) == 1
    return same and sum(len(run.series) for run in runs) == len(posterior.prediction)


def _series_range(result: StudyResult, runs: Mapping[str, Sequence[Extraction]], dcm: Dcm) -> str:
    """How far the series range, as their scale decides what the noise's prior takes for signal."""
    found = [
        float(np.ptp(run.series[:, run.regions.index(name)]))
        for own in runs.values()
        for run in own
        for name in dcm.regions
    ]
    settings = result.study.series
    unit = "" if settings is not None and settings.unit == "arbitrary" else " %"
    return (
        f" Over all runs and regions, a series ranges over {min(found):.2g} to {max(found):.2g}{unit}." if found else ""
    )


def _full_picture(
    result: StudyResult, runs: Sequence[Extraction], visit: str, found: Diagnostics, which: str
) -> Picture:
    posterior = result.main_posteriors[visit]
    # Timing is all that is drawn of the data.
    data = concatenate_runs([run.dcm_data(posterior.spec.regions, SPM12_ECHO_TIME) for run in runs])
    explained = f"{found.explained_variance_total:.0f} % explained variance (mean removed)"
    figure = series_figure(data, posterior, data.inputs, runs[0].input_names, shorten_name(visit, 30))
    caption = (
        f"{visit}, {explained}. The line should follow the slow fluctuations of the points; a line that is nearly "
        "flat explains little."
    )
    return Picture(f"series{result.dcm_mark}-{which}", f"The {which} fit", caption, figure)


def _small_pictures(
    result: StudyResult, runs: Mapping[str, Sequence[Extraction]], ranked: Sequence[str]
) -> tuple[Section, ...]:
    """All visits of each session and group, or the poorest of them where they are many."""
    chosen = set(ranked[:MOST_SMALL_VISITS])
    drawn = []
    for i, session in enumerate(result.sessions):
        for j, group in enumerate(result.groups):
            labels = [visit_label(participant.name, session) for participant in result.members(group)]
            here = {visit: runs[visit] for visit in labels if visit in chosen}
            if here:
                figure = _small_figure(here, result.main_posteriors)
                caption = "Grey: observed. Vermilion: predicted. Each row is scaled to its own spread."
                title = result.words.cell_title(session, group)
                drawn.append(Picture(f"series{result.dcm_mark}-{i}-{j}", title, caption, figure))
    shown = "" if len(chosen) == len(ranked) else f" The {MOST_SMALL_VISITS} poorest fits of {len(ranked)}."
    lead = f"One row per visit, one column per region.{shown} Rows in which the line stays flat are poorly explained."
    return (Section("Series of every visit", lead, tuple(drawn)),) if drawn else ()


def _small_figure(visits: Mapping[str, Sequence[Extraction]], posteriors: Mapping[str, Posterior]) -> Figure:
    regions = posteriors[next(iter(visits))].spec.regions
    with style():
        figure = new_figure(0.5 + 0.36 * len(visits))
        panels = figure.subplots(1, len(regions), squeeze=False, sharey=True)[0]
        for column, (axes, name) in enumerate(zip(panels, regions, strict=True)):
            for row, (visit, runs) in enumerate(visits.items()):
                posterior = posteriors[visit]
                time = (np.arange(len(posterior.prediction)) + 0.5) * runs[0].repetition_time
                observed = posterior.prediction[:, column] + posterior.residual[:, column]
                scale = ROW_HEIGHT * (float(observed.std()) or 1.0)
                axes.axhline(row * ROW_STEP, color=LINE, linewidth=0.5)
                axes.plot(time, row * ROW_STEP - observed / scale, color=MUTED, linewidth=0.5)
                axes.plot(
                    time, row * ROW_STEP - posterior.prediction[:, column] / scale, color=VERMILION, linewidth=1.1
                )
            axes.set_title(literal_text(shorten_name(name, 18)))
            axes.set_xlabel("Time, s")
            axes.margins(x=0)
            axes.spines[:].set_visible(False)
            axes.tick_params(axis="y", length=0)
        panels[0].set_ylim((len(visits) - 0.3) * ROW_STEP, -0.8 * ROW_STEP)  # rows go down: values are turned above
        panels[0].set_yticks(
            np.arange(len(visits)) * ROW_STEP,
            [literal_text(shorten_name(runs[0].participant, 16)) for runs in visits.values()],
            fontsize=8,
        )
    return figure


SHOWN_FIELDS = ("A", "B")


MOST_OPEN = 6  # matrices that are not folded away


@dataclass(frozen=True, eq=False)
class _CellMeans:
    """Means of one session and group, and their standard errors, with what the picture of them is called."""

    picture: str
    title: str
    spec: Spec
    names: tuple[str, ...]
    mean: np.ndarray
    spread: np.ndarray
    participants: int


def connectivity_section(result: StudyResult) -> Section | None:
    """A matrix picture for each session and group with at least two visits; None where there is none."""
    found = [cell for i, session in enumerate(result.sessions) for cell in _session_means(result, i, session)]
    if not found:
        return None
    spec, names = found[0].spec, found[0].names
    scale = matrix_scale(names, [cell.mean for cell in found], spec)
    drawn = tuple(_matrix_picture(cell, scale, result.words) for cell in found)
    between, diagonal = (f"{value:.2g}" for value in scale)
    lead = (
        "Means of the participants' posterior means, from the column's region to the row's. A is connectivity, B "
        "what an input adds to it. The group analyses weight participants by the precision of their estimates; these "
        f"means do not. {'All matrices have' if len(found) > 1 else 'The matrix has'} one scale of colours, deepest at "
        f"{between} Hz between regions and at "
        f"{diagonal} on the diagonal, a log scale."
    )
    rest = drawn[MOST_OPEN:]
    more = (Section("Further sessions and groups", "Of the same scale of colours.", rest),) if rest else ()
    title = f"Connectivity{result.words.by_session_and_group or ' of the participants'}{result.dcm_suffix}"
    return Section(title, lead, drawn[:MOST_OPEN], folded=more, anchor=f"connectivity{result.dcm_mark}")


def _session_means(result: StudyResult, number: int, session: str) -> Iterator[_CellMeans]:
    for j, group in enumerate(result.groups):
        names = [visit_label(participant.name, session) for participant in result.members(group)]
        found = [result.main_posteriors[name] for name in names if name in result.main_posteriors]
        if len(found) > 1:
            title = result.words.cell_title(session, group)
            yield _mean_of(found, f"connectivity{result.dcm_mark}-{number}-{j}", title)


def _mean_of(found: Sequence[Posterior], picture: str, title: str) -> _CellMeans:
    first = found[0]
    values = np.array([posterior.mean[first.free] for posterior in found])
    chosen = [i for i, place in enumerate(first.free) if first.spec.layout.field_of(int(place)) in SHOWN_FIELDS]
    spread = values.std(axis=0, ddof=1) / np.sqrt(len(found))
    names = tuple(first.names[i] for i in chosen)
    return _CellMeans(picture, title, first.spec, names, values.mean(axis=0)[chosen], spread[chosen], len(found))


def _matrix_picture(cell: _CellMeans, scale: np.ndarray, words: StudyWords) -> Picture:
    figure = matrix_figure(cell.names, cell.mean, cell.spread, cell.spec, scale=scale)
    caption = (
        f"{cell.participants} participants. Bold and deep: the mean's 90 % interval, from the scatter between "
        f"participants, excludes zero.{_what_to_compare(words)}"
    )
    return Picture(cell.picture, cell.title, caption, figure)


def _what_to_compare(words: StudyWords) -> str:
    if words.is_treated and len(words.groups) > 1:
        return (
            f" {words.group.capitalize()}s should look alike before treatment; what changes from one session to the "
            f"other in one {words.group} alone is what the group analyses ask about."
        )
    return " What differs between matrices is what the group analyses ask about." if words.by_session_and_group else ""
