"""The section of an example's report that compares estimates with what was planted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..figures import BLUE, INK, MUTED, literal_text, new_figure, signed_number, style
from ..page import EFFECT, Answer, Column, Picture, Records, Section
from ..report import ExtraSection, StudyResult
from ..study import MAIN
from ._example_recovery import RecoveredEffect, recover_effects, verdict_of_effects
from ._example_truth import ExampleTruth
from ._recovery import RecoveredParameters, recover_parameters
from ._recovery_figures import recovered_figure
from ._recovery_section import parameter_records
from ._rest_recovery import rest_answers

NOTICE = (
    "Simulated data.",
    "No participant was scanned, and nothing here is evidence about anybody. The page shows whether effconn recovers "
    "what was planted.",
)
LEAD = (
    "The data are simulated: the value of every connection is known, the signals follow the full nonlinear equations, "
    "and the noise is serially correlated. B is what an input adds to a connection, in Hz; “amygdala ← vmPFC” is the "
    "connection to the amygdala from vmPFC."
)
REST_LEAD = (
    "The data are simulated: regions share slow fluctuations whose correlation is known for each group, and have noise "
    "of their own, which is serially correlated."
)


def example_recovery_section(truth: ExampleTruth, result: StudyResult) -> ExtraSection:
    """What goes right after the summary of an example's report: every asked effect as found and as planted.

    Raises `ValueError` where nothing was inverted or analysed, or the study is no longer the example.
    """
    effects = recover_effects(truth, result.analyses)
    recovered = {
        name: recover_parameters(truth.connectivity, models[MAIN])
        for name, models in result.inverted.items()
        if models.get(MAIN)
    }
    return ExtraSection(
        "Recovery of the planted effects",
        REST_LEAD if truth.coupling else f"{_summary(effects)} {LEAD}",
        answers=(
            *rest_answers(truth, result),
            *_effect_answers(effects),
            *(_coverage_answer(name, own) for name, own in recovered.items()),
        ),
        sections=(
            *([_effects_section(effects)] if effects else []),
            *([_visits_section(recovered)] if recovered else []),
        ),
        records=(
            *([_effect_records(effects)] if effects else []),
            *(_renamed(parameter_records(own), name) for name, own in recovered.items()),
        ),
        notices=(NOTICE,),
    )


def _renamed(records: Records, dcm: str) -> Records:
    if not dcm:
        return records
    title = f"{records.title}, {dcm}"
    return Records(f"{records.name}-{dcm}", title, records.lead, records.columns, records.rows, brief=records.brief)


def _summary(effects: Sequence[RecoveredEffect]) -> str:
    """How many effects were found as planted, in a sentence."""
    planted = [effect for effect in effects if effect.planted]
    found = sum(effect.is_called and effect.has_planted_sign for effect in planted)
    none = [effect for effect in effects if not effect.planted]
    left = sum(not effect.is_called for effect in none)
    text = f"{found} of {len(planted)} planted effects are found, with the planted sign"
    if none:
        text += f"; of {len(none)} where nothing was planted, {left} are left alone"
    return f"{text}; {sum(effect.holds for effect in effects)} of {len(effects)} 90 % intervals hold the planted value."


def _grouped(effects: Sequence[RecoveredEffect]) -> Mapping[tuple[str, str], tuple[RecoveredEffect, ...]]:
    """The effects of each contrast or column, one for each connection."""
    keys = dict.fromkeys((effect.analysis, effect.effect) for effect in effects)
    return {key: tuple(effect for effect in effects if (effect.analysis, effect.effect) == key) for key in keys}


def _effect_answers(effects: Sequence[RecoveredEffect]) -> tuple[Answer, ...]:
    answers = []
    for (analysis, _), own in _grouped(effects).items():
        planted = [effect for effect in own if effect.planted]
        others = [effect for effect in own if not effect.planted]
        asked = "Is what was planted found" if planted else "Is nothing found where nothing was planted"
        first, *rest = [_words(effect) for effect in (*planted, *others)]
        details = (*rest, f"By [group.{analysis}].")
        answers.append(Answer(f"{asked}: {own[0].words}?", verdict_of_effects(own), first, details))
    return tuple(answers)


def _words(effect: RecoveredEffect) -> str:
    low, high = signed_number(effect.low), signed_number(effect.high)
    planted = f"planted {signed_number(effect.planted)}" if effect.planted else "planted none"
    return f"{effect.connection}: {signed_number(effect.mean)} Hz (90 % interval {low} to {high}), {planted}."


def _coverage_answer(dcm: str, recovered: RecoveredParameters) -> Answer:
    coverage, error = recovered.coverage(), recovered.coverage_error()
    modulations = [name for name in recovered.names if name.startswith("B[")]
    return Answer(
        f"Do the intervals of visits hold what was planted{f', in {dcm}' if dcm else ''}?",
        "yes" if recovered.is_calibrated() else "no",
        f"{coverage:.0f} % (standard error {error:.0f}) of the 90 % intervals do, over {len(recovered.names)} "
        f"parameters of {len(recovered.visits)} visits.",
        (f"Of those of B, {recovered.coverage(modulations):.0f} %.",),
    )


def _effects_section(effects: Sequence[RecoveredEffect]) -> Section:
    return Section(
        "Effects over participants",
        "What the group analyses found, and what was planted.",
        (
            Picture(
                "truth-effects",
                "Effects: estimated and planted",
                "Marks are posterior means with 90 % credible intervals, filled where the analysis says that there is "
                "an effect; the upright dashes are what was planted. Nine in ten intervals should hold their dash.",
                effects_and_truth_figure(effects),
            ),
        ),
    )


def effects_and_truth_figure(effects: Sequence[RecoveredEffect]) -> Figure:
    """Each effect with its 90 % interval, Hz, and what was planted."""
    with style():
        figure = new_figure(1.2 + 0.42 * len(effects))
        axes = figure.subplots()
        axes.axvline(0, color=MUTED, linewidth=0.8)
        for place, effect in enumerate(effects):
            axes.errorbar(
                effect.mean,
                place,
                xerr=[[effect.mean - effect.low], [effect.high - effect.mean]],
                fmt="o",
                color=BLUE,
                markerfacecolor=BLUE if effect.is_called else "none",
                capsize=3,
                elinewidth=1.2,
            )
            axes.plot([effect.planted] * 2, [place - 0.3, place + 0.3], color=INK, linewidth=1.6, linestyle=(0, (2, 1)))
        labels = [f"{literal_text(effect.words)}\n{literal_text(effect.connection)}" for effect in effects]
        axes.set_yticks(range(len(effects)), labels)
        axes.set_ylim(len(effects) - 0.5, -0.5)
        axes.set_xlabel("Hz, or Hz per unit")
        figure.legend(handles=_legend(), loc="outside upper left", ncols=3)
    return figure


def _legend() -> list[Line2D]:
    marks = dict[str, Any](color=BLUE, marker="o", linewidth=1.2)
    return [
        Line2D([], [], **marks, label="called an effect"),
        Line2D([], [], **marks, markerfacecolor="none", label="not called"),
        Line2D([], [], color=INK, linewidth=1.6, linestyle=(0, (2, 1)), label="planted"),
    ]


def _visits_section(recovered: Mapping[str, RecoveredParameters]) -> Section:
    pictures = []
    for name, own in recovered.items():
        modulations = [parameter for parameter in own.names if parameter.startswith("B[")]
        pictures.append(
            Picture(
                "-".join(part for part in ("truth-visits", name) if part),
                f"B of every visit: estimated and planted{f', in {name}' if name else ''}",
                "One mark per visit. Nine in ten of the vertical lines, which are credible intervals, should cross the "
                "dashed line.",
                recovered_figure(own, modulations),
            )
        )
    return Section("Recovery by visit", "Connections estimated in every visit, and planted values.", tuple(pictures))


def _effect_records(effects: Sequence[RecoveredEffect]) -> Records:
    columns = (
        Column("analysis", "Analysis"),
        Column("words", "Effect"),
        Column("connection", "Connection"),
        Column("planted", "Planted", EFFECT),
        Column("mean", "Estimated", EFFECT),
        Column("low", "90 % from", EFFECT),
        Column("high", "to", EFFECT),
        Column("inside", "In the interval"),
        Column("verdict", "Verdict"),
        Column("parameter", "Parameter", where="file"),
        Column("effect", "Name", where="file"),
    )
    names = [column.key for column in columns if column.key != "inside"]
    rows = [
        {name: getattr(effect, name) for name in names} | {"inside": "yes" if effect.holds else "no"}
        for effect in effects
    ]
    lead = "Every effect that the group analyses were asked about; of 0, nothing was planted."
    return Records("truth-effects", "Effects: estimated and planted", lead, columns, rows)
