"""Estimates of visits → what an analysis is of: a contrast of each participant's visits, their average, or all of them.

Whose each visit is, a study's tables tell; of files on the command line their names do, as where a change is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.stats import chi2

from peb import SURE_DISAGREEMENT, Estimate, average_visits, combine_visits, heterogeneity

from ..common import (
    UsageError,
    distinguishing_visits,
    find_repeated_participants,
    find_visit_label,
    list_names,
)
from ..study import parse_contrast
from ..tables import effect_text

OF = '"mean" (the average over visits), "visits" (three levels), a visit, or a contrast such as "ses-3 - ses-1"'


@dataclass(frozen=True)
class VisitsAsked:
    """What an analysis takes of each participant's visits.

    Fields:
        kind: ``contrast``, a weighted sum of visits; ``mean``, their Bayesian average; ``visits``, all of them.
        words: what it is, such as ``the contrast ses-3 − ses-1 of visits``.
        weights: of a contrast, by what marks visits in names; where `members` are not known.
        members: participant → visit → weight; None where names are to tell.
    """

    kind: Literal["contrast", "mean", "visits"]
    words: str
    weights: Mapping[str, float] = field(default_factory=dict)
    members: Mapping[str, Mapping[str, float]] | None = None


@dataclass(frozen=True)
class GatheredVisits:
    """Estimates as an analysis is of them.

    Fields:
        estimates: of participants; of visits where all are taken.
        participant_of: visit → participant where all are taken; empty otherwise.
        left_out: a line for everything that is not used.
        averaged: participant → the visits that are averaged.
        of_visits: of each estimate, how many visits it is of.
        may_lack: whether a participant may lack visits.
    """

    estimates: list[Estimate]
    participant_of: Mapping[str, str]
    left_out: list[str]
    averaged: Mapping[str, Sequence[Estimate]]
    of_visits: Mapping[str, int]
    may_lack: bool

    def disagreement(self, chosen: Sequence[str]) -> tuple[str, ...]:
        """That visits which are averaged disagree in what is asked about, with what it does; nothing where they do not.

        Arguments:
            chosen: fields and names of the parameters that the group explains.
        """
        found = {name: heterogeneity(own, chosen) for name, own in self.averaged.items()}
        freedom = sum(own.freedom for own in found.values())
        chi_square = sum(own.chi_square for own in found.values())
        sure = [name for name, own in found.items() if own.remark]
        together = float(chi2.sf(chi_square, freedom)) if freedom else 1.0
        if together >= SURE_DISAGREEMENT and not sure:
            return ()
        whose = f"those of {list_names(sure)} by themselves" if sure else "those of nobody surely by themselves"
        return (
            f"visits disagree by more than their uncertainty (χ² = {chi_square:.0f} on {freedom} degrees of freedom, "
            f"{whose}): their average weighs each by its precision, so that it is surer than it should be"
            f'{self._away_from_mean(chosen)}; of "visits" keeps them apart',
        )

    def _away_from_mean(self, chosen: Sequence[str]) -> str:
        """The parameter in which the averages are farthest from the plain means of visits, over participants."""
        averages = [estimate.select(chosen) for estimate in self.estimates]
        visits = [[visit.select(chosen).posterior.mean for visit in own] for own in self.averaged.values()]
        average = np.mean([own.posterior.mean for own in averages], axis=0)
        plain = np.mean([np.mean(own, axis=0) for own in visits], axis=0)
        far = int(np.abs(average - plain).argmax())
        numbers = f"{effect_text(average[far])} in it, {effect_text(plain[far])} in the plain mean"
        return f" (over participants, {averages[0].parameters[far]} is {numbers})"

    def count_line(self, names: Sequence[str]) -> str:
        """How many participants and visits some of the estimates are of, such as those that a design has rows for."""
        counts: dict[str, int] = {}
        for name in names:
            participant = self.participant_of.get(name, name)
            counts[participant] = counts.get(participant, 0) + self.of_visits[name]
        single = list(counts.values()).count(1)
        more = f"; {single} {'has' if single == 1 else 'have'} one visit only" if single and self.may_lack else ""
        return f"{len(counts)} participants, {sum(counts.values())} visits{more}"


def parse_of(text: str) -> VisitsAsked:
    """What ``--of`` asks for; raises `UsageError` where it is not understood."""
    if text == "mean":
        return VisitsAsked("mean", "the average over visits")
    if text == "visits":
        return VisitsAsked("visits", "all visits")
    try:
        weights = parse_contrast(text)
    except ValueError as error:
        raise UsageError(f"--of {text!r} is not understood; give {OF} ({error})") from None
    words = f"visit {text}" if list(weights.values()) == [1.0] else f"the contrast {text} of visits"
    return VisitsAsked("contrast", words, weights)


def gather_visits(estimates: Sequence[Estimate], asked: VisitsAsked) -> GatheredVisits:
    """What is asked for, of every participant who has it, in the order of first visits.

    Raises `ValueError` where nobody has it, names do not tell visits apart, or visits cannot be put together.
    """
    named = {estimate.name: estimate for estimate in estimates}
    members, left_out = (asked.members, []) if asked.members is not None else _members(asked, list(named))
    made: list[Estimate] = []
    participant_of: dict[str, str] = {}
    averaged: dict[str, Sequence[Estimate]] = {}
    of_visits: dict[str, int] = {}
    for participant, weights in members.items():
        there = {visit: weight for visit, weight in weights.items() if visit in named}
        lacking = [visit for visit in weights if visit not in named]
        if asked.kind == "visits":
            participant_of |= dict.fromkeys(there, participant)
            made += [named[visit] for visit in there]
            of_visits |= dict.fromkeys(there, 1)
        elif (lacking and asked.kind == "contrast") or not there:
            left_out.append(f"{participant}: left out, no result of {list_names(lacking)}")
            continue
        elif asked.kind == "contrast":
            made.append(combine_visits([named[visit] for visit in there], list(there.values()), participant))
        else:
            own = [named[visit] for visit in there]
            made.append(average_visits(own, participant))
            averaged[participant] = own
        if asked.kind != "visits":
            of_visits[participant] = len(there)
        if lacking and asked.kind != "contrast":
            left_out.append(f"{participant}: goes on without {list_names(lacking)}")
    if not made:
        raise ValueError(f"no participant has {asked.words}; results are called {list_names(list(named))}")
    return GatheredVisits(made, participant_of, left_out, averaged, of_visits, asked.kind != "contrast")


def _members(asked: VisitsAsked, names: Sequence[str]) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Participant → visit → weight, by names, and a line for every name that is of no visit."""
    labels = tuple(asked.weights)
    if not labels:
        labels = distinguishing_visits(find_repeated_participants(names))
        if not labels:
            raise ValueError(f"names do not tell which results are of one participant: {list_names(names)}")
    members: dict[str, dict[str, float]] = {}
    left_out = []
    for name in names:
        found = find_visit_label(name, labels)
        if found is None and asked.kind == "contrast":
            left_out.append(f"{name}: its name has no part {' or '.join(labels)} alone; it is not used")
            continue
        label, participant = found or ("", name)
        if label in {_label_of(visit, labels) for visit in members.get(participant, {})}:
            left_out.append(f"{name}: {participant or 'this participant'} has a second {label}; the first is used")
            continue
        members.setdefault(participant, {})[name] = asked.weights.get(label, 1.0)
    if asked.kind == "contrast":
        whole = {}
        for participant, visits in members.items():
            lacking = [label for label in labels if label not in {_label_of(visit, labels) for visit in visits}]
            if lacking:
                left_out.append(f"{participant}: left out, there is no {list_names(lacking)}")
            else:
                whole[participant] = visits
        return whole, left_out
    return members, left_out


def _label_of(name: str, labels: Sequence[str]) -> str:
    found = find_visit_label(name, labels)
    return found[0] if found else ""
