"""What the analyses of an example found, beside what was planted: every effect that they were asked about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..page import AnalysisReport
from ..results import connections
from ..verdicts import Verdict
from ._example_truth import ExampleTruth


@dataclass(frozen=True)
class RecoveredEffect:
    """One effect on one parameter, as a group analysis found it and as it was planted; Hz, or Hz per unit.

    Fields:
        analysis, effect, words: see `AskedEffect`.
        parameter: such as ``B[amygdala<-vmPFC, faces]``.
        planted: 0 where nothing was.
        mean, low, high: of the posterior, and of its 90 % interval.
        verdict: of the study's own analysis.
    """

    analysis: str
    effect: str
    words: str
    parameter: str
    planted: float
    mean: float
    low: float
    high: float
    verdict: Verdict

    @property
    def connection(self) -> str:
        """Such as ``amygdala ← vmPFC``."""
        (connection,) = connections([self.parameter])
        return f"{connection.to} ← {connection.source}"

    @property
    def holds(self) -> bool:
        """Whether the 90 % interval holds what was planted."""
        return self.low <= self.planted <= self.high

    @property
    def is_called(self) -> bool:
        """Whether the analysis says that there is an effect."""
        return self.verdict == "yes"

    @property
    def has_planted_sign(self) -> bool:
        """Whether the estimate has the sign of what was planted; never where nothing was."""
        return self.mean * self.planted > 0


def recover_effects(truth: ExampleTruth, analyses: Mapping[str, AnalysisReport]) -> tuple[RecoveredEffect, ...]:
    """Every effect that was planted, or planted as none, in the analyses that there are.

    Raises `ValueError` where an analysis does not tell an effect that it should.
    """
    return tuple(
        RecoveredEffect(
            asked.analysis,
            asked.effect,
            asked.words,
            parameter,
            planted,
            *_found(analyses[asked.analysis], asked.analysis, asked.effect, parameter),
        )
        for asked in truth.asked
        if asked.analysis in analyses
        for parameter, planted in asked.planted.items()
    )


def _found(report: AnalysisReport, analysis: str, effect: str, parameter: str) -> tuple[float, float, float, Verdict]:
    """Mean, interval and verdict of one effect: of a contrast by that name, or else of a column of the design."""
    for row in _rows(report):
        if effect == row.get("contrast", row.get("covariate")) and row.get("parameter") == parameter:
            return row["mean"], row["low"], row["high"], row["verdict"] or "open"
    raise ValueError(f"[group.{analysis}] has no effect {effect!r} on {parameter}: it is not the analysis of the demo")


def _rows(report: AnalysisReport) -> Iterator[Mapping[str, Any]]:
    for name in ("contrasts", "effects"):
        for records in report.records:
            if records.name == name:
                yield from records.rows


def verdict_of_effects(effects: tuple[RecoveredEffect, ...]) -> Verdict:
    """Whether what was planted of one effect is found: no where anything is called that has another sign, or none."""
    planted = [effect for effect in effects if effect.planted]
    called = [effect for effect in effects if effect.is_called]
    if not all(effect.has_planted_sign for effect in called):
        return "no"
    if len(called) == len(planted):
        return "yes"
    return "partly" if called else "open"
