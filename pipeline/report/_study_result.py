"""What a report is made from: everything that the stages of a study stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dcm import Posterior

from ..bids import Inventory, Participant
from ..images import Extraction
from ..measures import FeatureTable
from ..page import AnalysisReport, Answer, Records, Section
from ..study import MAIN, Study


@dataclass(frozen=True)
class FailedUnit:
    """A unit of work without a result: the stage, the unit's name, and why, in one line."""

    stage: str
    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class StudyResult:
    """A study after its stages, as far as they came.

    Fields:
        study: the configuration.
        inventory: participants, runs and what is missing.
        extractions: of all runs that have one.
        posteriors: model → visit, such as ``sub-01_ses-1`` → posterior.
        model_comparison: of the alternative models; None where there are none.
        analyses: group analysis, by its name in the configuration → what it hands over.
        features: the table of measures; None where there is none.
        statistics: of scores; None where there are none.
        predictions: by their names in the configuration → what each hands over.
        failures: units without a result.
        maps: (label of a run, contrast) → NIfTI file of the contrast's effect, percent signal change.
        seconds: by stage, where the times are to be shown.
        versions: package → version.
    """

    study: Study
    inventory: Inventory
    extractions: tuple[Extraction, ...]
    posteriors: Mapping[str, Mapping[str, Posterior]]
    model_comparison: AnalysisReport | None
    analyses: Mapping[str, AnalysisReport]
    features: FeatureTable | None
    statistics: AnalysisReport | None
    predictions: Mapping[str, AnalysisReport]
    failures: tuple[FailedUnit, ...]
    maps: Mapping[tuple[str, str], Path]
    seconds: Mapping[str, float]
    versions: Mapping[str, str]

    @cached_property
    def participants(self) -> tuple[Participant, ...]:
        """Participants, the first arm's first."""
        arms = self.study.participants.arms
        return tuple(
            participant for arm in arms for participant in self.inventory.participants if participant.arm == arm
        )

    @cached_property
    def arm_of(self) -> Mapping[str, str]:
        """Participant → arm."""
        return {participant.name: participant.arm for participant in self.inventory.participants}

    @property
    def sessions(self) -> tuple[str, str]:
        """Before and after."""
        return self.study.sessions.before, self.study.sessions.after

    @property
    def main_posteriors(self) -> Mapping[str, Posterior]:
        """Visit → posterior of the main model."""
        return self.posteriors.get(MAIN, {})

    def ordered_runs(self, task: str | None = None) -> tuple[Extraction, ...]:
        """Extractions of one task, or all, by task, arm, participant and session."""
        return tuple(run for run in self._ordered if task is None or run.task == task)

    @cached_property
    def _ordered(self) -> tuple[Extraction, ...]:
        tasks, sessions = list(self.study.tasks), self.sessions
        participants = {participant.name: place for place, participant in enumerate(self.participants)}
        runs = [run for run in self.extractions if run.participant in participants]
        places = [
            (tasks.index(run.task), participants[run.participant], sessions.index(run.session), run.label)
            for run in runs
        ]
        return tuple(run for _, run in sorted(zip(places, runs, strict=True), key=lambda pair: pair[0]))


@dataclass(frozen=True, eq=False)
class ExtraSection:
    """What comes right after the summary, such as the recovery of the planted effects of a simulated study.

    Fields:
        title, lead: of its section.
        answers, sections, records: its content.
        notices: at the head of the page; (heading, text).
    """

    title: str
    lead: str
    answers: tuple[Answer, ...] = ()
    sections: tuple[Section, ...] = ()
    records: tuple[Records, ...] = ()
    notices: tuple[tuple[str, str], ...] = field(default=())
