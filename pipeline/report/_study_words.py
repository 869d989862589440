"""What a study's groups, sessions and visits are called in its report: only a trial has arms and treatment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..common import join_words
from ..page import Column
from ..study import Study

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True)
class StudyWords:
    """Words that are true of one study.

    Fields:
        is_trial: whether groups are the arms of a trial.
        groups: their names; none where the study has none.
        sessions: their labels in order; none where the study has none.
        is_treated: whether treatment lies between the two sessions of a trial.
    """

    is_trial: bool
    groups: tuple[str, ...]
    sessions: tuple[str, ...]
    is_treated: bool

    @classmethod
    def of(cls, study: Study) -> StudyWords:
        """From the study's file."""
        labels = tuple(label for label in study.sessions.labels if label is not None)
        is_trial = study.participants.is_trial
        treated = is_trial and study.sessions.before is not None and len(labels) == 2
        return cls(is_trial, study.participants.group_names, labels, treated)

    @property
    def group(self) -> str:
        """What one group is called."""
        return "arm" if self.is_trial else "group"

    @property
    def all_groups(self) -> str:
        """``both arms``, ``all groups``."""
        return f"{'both' if len(self.groups) == 2 else 'all'} {self.group}s"

    @property
    def all_sessions(self) -> str:
        """``both sessions``, ``all three sessions``."""
        count = len(self.sessions)
        return "both sessions" if count == 2 else f"all {number_word(count)} sessions"

    @property
    def group_column(self) -> tuple[Column, ...]:
        """The column of the groups; none where there are none."""
        return (Column(self.group, self.group.capitalize()),) if self.groups else ()

    @property
    def group_column_of_file(self) -> tuple[Column, ...]:
        """The same in the file alone."""
        return (Column(self.group, self.group.capitalize(), where="file"),) if self.groups else ()

    @property
    def session_column_of_file(self) -> tuple[Column, ...]:
        """The column of the sessions, in the file alone; none where there are none."""
        return (Column("session", "Session", where="file"),) if self.sessions else ()

    @property
    def by_session_and_group(self) -> str:
        """`` by session and arm``, `` by group``, or nothing."""
        parts = [*(["session"] if len(self.sessions) > 1 else []), *([self.group] if self.groups else [])]
        return f" by {' and '.join(parts)}" if parts else ""

    def cell_title(self, session: str, group: str) -> str:
        """Of the visits of one session and group: ``ses-1, ketamine``."""
        return ", ".join(part for part in (session, group) if part) or "All participants"

    def counted(self, counts: Sequence[int]) -> str:
        """``20 patients and 21 controls``; of a trial ``20 given ketamine and 21 given midazolam``."""
        given = "given " if self.is_trial else "of " if any(" " in group for group in self.groups) else ""
        return join_words([f"{count} {given}{group}" for count, group in zip(counts, self.groups, strict=True)])


def number_word(count: int) -> str:
    """Small numbers in words."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else str(count)


def plural(count: int, noun: str, nouns: str = "") -> str:
    """``1 visit``, ``2 visits``."""
    return f"{count} {noun if count == 1 else nouns or f'{noun}s'}"
