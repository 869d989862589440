"""What a report is made from: everything that the stages of a study stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from dcm import Posterior
from peb import Estimate

from ..bids import Inventory, Participant
from ..images import Extraction
from ..measures import FeatureTable
from ..page import AnalysisReport, Answer, Records, Section, slug
from ..study import MAIN, Dcm, Study
from ._study_words import StudyWords


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
        inverted: DCM → model → visit, such as ``sub-01_ses-1`` → posterior.
        reduced: the same of the best few models that are reduced from the main one, as estimates of their parameters.
        comparisons: DCM → the comparison of its alternative models, where it has any.
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
    inverted: Mapping[str, Mapping[str, Mapping[str, Posterior]]]
    comparisons: Mapping[str, AnalysisReport]
    analyses: Mapping[str, AnalysisReport]
    features: FeatureTable | None
    statistics: AnalysisReport | None
    predictions: Mapping[str, AnalysisReport]
    failures: tuple[FailedUnit, ...]
    maps: Mapping[tuple[str, str], Path]
    seconds: Mapping[str, float]
    versions: Mapping[str, str]
    dcm_name: str = ""
    reduced: Mapping[str, Mapping[str, Mapping[str, Estimate]]] = field(default_factory=dict)

    @cached_property
    def words(self) -> StudyWords:
        """What groups, sessions and visits are called."""
        return StudyWords.of(self.study)

    @property
    def of_each_dcm(self) -> tuple[StudyResult, ...]:
        """The study seen by each of its DCMs, whose posteriors and comparison it has."""
        return tuple(replace(self, dcm_name=name) for name in self.study.dcms)

    @property
    def dcm_suffix(self) -> str:
        """Ends the titles of what is of one of several DCMs; nothing where there is one."""
        return f": {self.dcm_name}" if self.dcm_name else ""

    @property
    def dcm_mark(self) -> str:
        """Ends the names of its pictures, tables and anchors; nothing where there is one."""
        return f"-{slug(self.dcm_name)}" if self.dcm_name else ""

    @property
    def dcm(self) -> Dcm | None:
        """The DCM that this result is seen by: the one there is, or the first of several."""
        return self.study.dcms.get(self._dcm_key)

    @property
    def _dcm_key(self) -> str:
        return self.dcm_name or next(iter(self.study.dcms), "")

    @property
    def posteriors(self) -> Mapping[str, Mapping[str, Posterior]]:
        """Model → visit → posterior, of this DCM."""
        return self.inverted.get(self._dcm_key, {})

    @property
    def reduced_estimates(self) -> Mapping[str, Mapping[str, Estimate]]:
        """Model → visit → estimate, of the best few of this DCM's models that are reduced from the main one."""
        return self.reduced.get(self._dcm_key, {})

    @cached_property
    def participants(self) -> tuple[Participant, ...]:
        """Participants, the first group's first."""
        return tuple(participant for group in self.groups for participant in self.members(group))

    def members(self, group: str) -> tuple[Participant, ...]:
        """The participants of a group; everybody where the study has none."""
        return tuple(participant for participant in self.inventory.participants if (participant.group or "") == group)

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups; a single one of everybody, without a name, where the study has none."""
        return self.study.participants.group_names or ("",)

    @cached_property
    def group_of(self) -> Mapping[str, str]:
        """Participant → group; empty where the study has none."""
        return {participant.name: participant.group or "" for participant in self.inventory.participants}

    @property
    def sessions(self) -> tuple[str, ...]:
        """All sessions in their order; a single one without a label where there are none."""
        return tuple(session or "" for session in self.study.sessions.labels)

    @property
    def main_posteriors(self) -> Mapping[str, Posterior]:
        """Visit → posterior of the main model."""
        return self.posteriors.get(MAIN, {})

    def ordered_runs(self, task: str | None = None) -> tuple[Extraction, ...]:
        """Extractions of one task, or all, by task, group, participant and session."""
        return tuple(run for run in self._ordered if task is None or run.task == task)

    @cached_property
    def _ordered(self) -> tuple[Extraction, ...]:
        tasks, sessions = list(self.study.tasks), self.sessions
        participants = {participant.name: place for place, participant in enumerate(self.participants)}
        runs = [run for run in self.extractions if run.participant in participants]
        places = [
            (tasks.index(run.task), participants[run.participant], sessions.index(run.session or ""), run.label)
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
