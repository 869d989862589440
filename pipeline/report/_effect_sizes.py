"""Effects of all analyses compared: in units of their uncertainty, and in causal and predictive models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from peb import MEAN

from ..figures import BLUE, INK, LINE, MUTED, PAPER, VERMILION, label_right, new_figure, style, wrap_text
from ..page import EFFECT, PROBABILITY, AnalysisReport, Column, Picture, Records, Section
from ..results import Z
from ._study_result import StudyResult

MOST_EFFECTS = 16  # effects in the picture
_COVARIATE_NAMES = {MEAN: "mean"}


@dataclass(frozen=True)
class StandardisedEffect:
    """An effect: what it is, its mean over its posterior standard deviation, P(effect > 0), and whether it is a yes."""

    label: str
    ratio: float
    probability_above: float
    called: bool


def effect_sizes_section(result: StudyResult) -> Section | None:
    """The strip; None where no analysis has effects."""
    effects = standardised_effects(result)
    if not effects:
        return None
    shown = sorted(sorted(effects, key=lambda effect: -abs(effect.ratio))[:MOST_EFFECTS], key=effects.index)
    caption = (
        "Each mark is the posterior mean of an effect divided by its posterior standard deviation, with its 90 % "
        "credible interval, so that effects in different units can be compared. Filled marks: the verdict is yes. "
        "P(> 0) is the posterior probability that the effect is positive; values near 0 are as certain as values "
        "near 1. The verdict takes account of the number of connections asked about, so that an interval may exclude "
        "zero while the verdict is open."
    )
    if len(shown) < len(effects):
        caption += f" The {len(shown)} largest of {len(effects)} effects are drawn."
    compared = f"Differences between the {result.words.group}s" if result.words.groups else "Contrasts"
    lead = f"{compared} and effects of covariates, from all group analyses."
    picture = Picture("effect-sizes", "Effects in units of their uncertainty", caption, _effects_figure(shown))
    return Section("Effects in units of their uncertainty", lead, (picture,), anchor="effect-sizes")


def standardised_effects(result: StudyResult) -> list[StandardisedEffect]:
    """Differences of two groups, contrasts, and effects of covariates of fits that no contrast is of."""
    effects: list[StandardisedEffect] = []
    for name, report in result.analyses.items():
        for records in report.records:
            if records.name == "arms":
                first, second = records.columns[3].heading, records.columns[4].heading
                effects += [
                    _standardised(name, f"{effect_name(row['covariate'])}, {first} − {second}", row, "difference")
                    for row in records.rows
                    if row.get("verdict") is not None
                ]
            elif records.name == "contrasts":
                short = _short_contrasts(report)
                effects += [
                    _standardised(name, short.get(row["contrast"], row["what"]), row, "mean") for row in records.rows
                ]
            elif records.name == "effects" and result.study.group[name].analysis == "fit":
                said = report.summary.get("short_effects") or {}
                effects += [
                    _standardised(name, effect_name(row["covariate"], said.get(row["covariate"], "")), row, "mean")
                    for row in records.rows
                    if row["covariate"] not in (MEAN, *columns_asked_about(report)) and row.get("verdict") is not None
                ]
    return [effect for effect in effects if np.isfinite(effect.ratio)]


def columns_asked_about(report: AnalysisReport) -> set[str]:
    """Columns of a design whose effect is a contrast that was asked for by name, in either direction."""
    return set(report.summary.get("columns_asked") or ())


def _short_contrasts(report: AnalysisReport) -> dict[str, str]:
    """Contrast → ``placebo − ketamine``, where it is a difference; the analysis' own section says all."""
    return {answer["name"]: answer["short"] for answer in report.summary.get("contrast_answers") or ()}


def effect_name(covariate: str, short: str = "") -> str:
    """What an effect is called: differences between levels of a factor by these, others by their column."""
    return short if " − " in short else _COVARIATE_NAMES.get(covariate, f"effect of {covariate}")


def _standardised(analysis: str, what: str, row: object, key: str) -> StandardisedEffect:
    assert isinstance(row, dict)
    sd = (row["high"] - row["low"]) / (2 * Z)
    ratio = row[key] / sd if sd > 0 else float("nan")
    return StandardisedEffect(
        f"{row['connection']}: {what} ({analysis})",
        float(ratio),
        float(row["probability_beyond_zero"]),
        row["verdict"] == "yes",
    )


def _effects_figure(effects: list[StandardisedEffect]) -> Figure:
    labels = [wrap_text(effect.label, 36, 3) for effect in effects]
    rows = np.arange(len(effects))
    reach = max(3.5, *(abs(effect.ratio) + Z + 0.2 for effect in effects))
    with style():
        figure = new_figure(0.85 + 0.42 * len(effects))
        axes = figure.subplots()
        axes.axvspan(-Z, Z, color=LINE, alpha=0.35, linewidth=0)
        axes.axvline(0, color=MUTED, linewidth=0.9)
        label_right(axes, -0.75, "P(> 0)", MUTED, "normal")
        for row, effect in enumerate(effects):
            colour = VERMILION if effect.ratio > 0 else BLUE
            axes.plot([effect.ratio - Z, effect.ratio + Z], [row, row], color=colour, linewidth=2)
            axes.plot(
                effect.ratio, row, "o", color=colour, markersize=7, markerfacecolor=colour if effect.called else PAPER
            )
            label_right(axes, row, _probability(effect.probability_above), INK, "bold" if effect.called else "normal")
        axes.set(
            xlim=(-reach, reach), ylim=(len(effects) - 0.4, -0.9), xlabel="Posterior standard deviations from zero"
        )
        axes.set_yticks(rows, labels, fontsize=8)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
    return figure


def _probability(value: float) -> str:
    return "> 0.999" if value > 0.999 else "< 0.001" if value < 0.001 else f"{value:.3f}"


COMPARED_COLUMNS = (
    Column("connection", "Connection"),
    Column("road", "Kind of model"),
    Column("what", "What is asked"),
    Column("effect", "Effect", EFFECT),
    Column("unit", "Unit"),
    Column("low", "90 % from", EFFECT),
    Column("high", "to", EFFECT),
    Column("above", "P(> 0)", PROBABILITY),
    Column("verdict", "Verdict"),
    Column("kept", "In bootstraps", ".0%"),
)
CAUSAL, PREDICTIVE = "causal (DCM, PEB)", "predictive (elastic net)"


def causal_and_predictive_section(result: StudyResult) -> Section | None:
    """Every connection that both kinds of model say something about; None where there is none."""
    records = causal_and_predictive_records(result)
    if not records.rows:
        return None
    lead = (
        "Dynamic causal models estimate how an effect arises and weigh it by posterior probability. The elastic net "
        "estimates which measures predict the outcome, whatever their cause, and is judged on left-out participants. "
        "Both rest on the same participants, and measures of the predictive models may be estimates of the causal "
        "ones: agreement is no independent confirmation, and disagreement does not prove either of them wrong."
    )
    return Section(
        "The same connections in causal and predictive models",
        lead,
        tables=(records.table(),),
        anchor="causal-predictive",
    )


def causal_and_predictive_records(result: StudyResult) -> Records:
    """One row for each connection and answer, without connections that only one kind of model has."""
    rows = []
    for to, source in _connections(result):
        causal = list(_causal_rows(result, f"{to} ← {source}"))
        predictive = list(_predictive_rows(result, to, source))
        if causal and predictive:
            rows += [*causal, *({**row, "connection": f"{to} ← {source}"} for row in predictive)]
    lead = (
        "Predictive effects are per standard deviation of a predictor; an effect of 0 was not retained by the elastic "
        "net, which does not show that it is absent."
    )
    return Records("causal-predictive", "Effects on the same connections", lead, COMPARED_COLUMNS, rows)


def _connections(result: StudyResult) -> list[tuple[str, str]]:
    """(to, from) of every two regions of the model."""
    regions = result.dcm.regions if result.dcm is not None else ()
    return [(to, source) for to in regions for source in regions if to != source]


def _causal_rows(result: StudyResult, connection: str) -> Iterator[dict[str, Any]]:
    """Differences between two groups, in the mean and in effects of covariates, on one connection."""
    for name, report in result.analyses.items():
        how = result.study.group[name].analysis
        for records in report.records:
            if records.name == "arms" and how == "arms":
                first, second = records.columns[3].heading, records.columns[4].heading
                for row in records.rows:
                    if row.get("verdict") is not None and f"{row['connection']} ".startswith(f"{connection} "):
                        what = f"{name}: {row['covariate']}, {first} − {second}"
                        yield _causal_row(row["connection"], what, row, row["difference"])


def _causal_row(connection: str, what: str, row: Any, effect: float) -> dict[str, Any]:
    above = row["probability_beyond_zero"]
    shown = {key: row[key] for key in ("low", "high", "verdict")} | {"above": above, "kept": None}
    return {
        "connection": connection,
        "road": CAUSAL,
        "what": what,
        "effect": effect,
        "unit": row["unit"],
        **shown,
    }


def _predictive_rows(result: StudyResult, to: str, source: str) -> Iterator[dict[str, Any]]:
    """Predictors that are measures of one connection, and of no other whose regions' names hold these."""
    wanted = re.compile(rf"_{re.escape(to)}_from_{re.escape(source)}(?![\w-])")
    longer = [f"_{other}_from_" for other in result.study.region_names if other.endswith(f"_{to}")]
    for model, report in result.predictions.items():
        how = result.study.predict[model]
        unit = result.study.scores[how.outcome].unit if how.outcome in result.study.scores else ""
        for records in report.records:
            for row in records.rows if records.name == "predictors" else ():
                predictor = row["predictor"]
                if wanted.search(predictor) and not any(other in predictor for other in longer):
                    yield {
                        "road": PREDICTIVE,
                        "what": f"{model}: {predictor}",
                        "effect": row["coefficient"],
                        "unit": f"{unit}/SD" if unit else "per SD",
                        "low": row["low"],
                        "high": row["high"],
                        "above": None,
                        "verdict": {"yes": "stable", "no": "not stable"}.get(str(row.get("stable")))
                        if row["coefficient"]
                        else None,
                        "kept": row["bootstraps"],
                    }
