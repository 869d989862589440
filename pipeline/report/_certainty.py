"""How sure: every effect that the group analyses ask about, in units of its own uncertainty, beside each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from peb import MEAN

from ..figures import BLUE, INK, LINE, MUTED, PAPER, VERMILION, beside, new_figure, style, wrapped
from ..page import Picture, Section
from ..results import Z
from ._result import StudyResult

MOST = 16  # effects in the picture
_ABOUT = {MEAN: "mean"}


@dataclass(frozen=True)
class Finding:
    """An effect: what it is, its mean over its posterior standard deviation, P(effect > 0), and whether it is a yes."""

    label: str
    ratio: float
    above: float
    sure: bool


def certainty_section(result: StudyResult) -> Section | None:
    """The strip; None where no analysis has effects."""
    found = findings(result)
    if not found:
        return None
    kept = sorted(sorted(found, key=lambda finding: -abs(finding.ratio))[:MOST], key=found.index)
    caption = (
        "Each mark is an effect divided by its own posterior standard deviation, with its 90 % interval, so that all "
        "can be held against each other. Filled: the verdict is yes. P is the posterior probability that the effect is "
        "above zero; near 0 is as sure as near 1. The more connections are asked about, the surer each must be, so "
        "that an interval may exclude zero and the verdict be open."
    )
    if len(kept) < len(found):
        caption += f" The surest {len(kept)} of {len(found)} are drawn."
    lead = "Differences between the arms, and effects of covariates, over all group analyses."
    picture = Picture("certainty", "Effects in units of their uncertainty", caption, _figure(kept))
    return Section("How sure", lead, (picture,), anchor="certainty")


def findings(result: StudyResult) -> list[Finding]:
    """Differences of arm comparisons, and effects of covariates of fits."""
    found: list[Finding] = []
    for name, delivery in result.deliveries.items():
        for records in delivery.records:
            if records.name == "arms":
                first, second = records.columns[3].heading, records.columns[4].heading
                found += [
                    _finding(name, f"{_what(row['covariate'])}, {first} − {second}", row, "difference")
                    for row in records.rows
                    if row.get("verdict") is not None
                ]
            elif records.name == "effects" and result.study.group[name].analysis == "fit":
                found += [
                    _finding(name, _what(row["covariate"]), row, "mean")
                    for row in records.rows
                    if row["covariate"] != MEAN and row.get("verdict") is not None
                ]
    return [finding for finding in found if np.isfinite(finding.ratio)]


def _what(covariate: str) -> str:
    return _ABOUT.get(covariate, f"effect of {covariate}")


def _finding(analysis: str, what: str, row: object, key: str) -> Finding:
    assert isinstance(row, dict)
    sd = (row["high"] - row["low"]) / (2 * Z)
    ratio = row[key] / sd if sd > 0 else float("nan")
    return Finding(
        f"{row['connection']}: {what} ({analysis})",
        float(ratio),
        float(row["probability_beyond_zero"]),
        row["verdict"] == "yes",
    )


def _figure(found: list[Finding]) -> Figure:
    labels = [wrapped(finding.label, 36, 3) for finding in found]
    rows = np.arange(len(found))
    reach = max(3.5, *(abs(finding.ratio) + Z + 0.2 for finding in found))
    with style():
        figure = new_figure(0.85 + 0.42 * len(found))
        axes = figure.subplots()
        axes.axvspan(-Z, Z, color=LINE, alpha=0.35, linewidth=0)
        axes.axvline(0, color=MUTED, linewidth=0.9)
        beside(axes, -0.75, "P(> 0)", MUTED, "normal")
        for row, finding in enumerate(found):
            colour = VERMILION if finding.ratio > 0 else BLUE
            axes.plot([finding.ratio - Z, finding.ratio + Z], [row, row], color=colour, linewidth=2)
            axes.plot(
                finding.ratio, row, "o", color=colour, markersize=7, markerfacecolor=colour if finding.sure else PAPER
            )
            beside(axes, row, _probability(finding.above), INK, "bold" if finding.sure else "normal")
        axes.set(xlim=(-reach, reach), ylim=(len(found) - 0.4, -0.9), xlabel="Posterior standard deviations from zero")
        axes.set_yticks(rows, labels, fontsize=8)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
    return figure


def _probability(value: float) -> str:
    return "> 0.999" if value > 0.999 else "< 0.001" if value < 0.001 else f"{value:.3f}"
