"""What to bear in mind where rows are visits: how many each participant has, and which numbers mix two levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from dcm.tables import counted

from ._design import Design

CONSTANT = 1e-9  # of a number's size, below which it does not differ between the visits of a participant
BOTH_LEVELS = 0.2  # intraclass correlation of a number, from which its effect is said to mix two


def describe_visits(participant_of: Sequence[str]) -> str:
    """Such as ``23 participants, 41 visits; 5 have one visit only``."""
    counts = Counter(participant_of)
    single = sum(count == 1 for count in counts.values())
    more = f"; {single} {'has' if single == 1 else 'have'} one visit only" if 0 < single < len(counts) else ""
    return f"{counted(len(counts), 'participant')}, {counted(len(participant_of), 'visit')}{more}"


def describe_mixed_numbers(design: Design, participant_of: Sequence[str]) -> list[str]:
    """A sentence for every number that differs between participants as well as between the visits of one.

    Its effect is then neither that of more of it in the same participant nor that of being a participant who has more
    (Neuhaus & Kalbfleisch 1998): of 16 participants with four visits each, where participants alone differed by the
    number, 40 % of its effects were called at 10 %. Intraclass correlations are those of an analysis of variance.
    """
    _, of_row, counts = np.unique(np.asarray(participant_of), return_inverse=True, return_counts=True)
    subjects, rows = counts.size, of_row.size
    typical = (rows - (counts**2).sum() / rows) / max(subjects - 1, 1)
    found = []
    for name, column in zip(design.covariates, design.matrix.T, strict=True):
        is_number = name in design.form.centres if design.form is not None else name not in design.kinds
        if not is_number or "×" in name or not 1 < subjects < rows:
            continue
        means = np.bincount(of_row, column) / counts
        between = (counts * (means - column.mean()) ** 2).sum() / (subjects - 1)
        within = ((column - means[of_row]) ** 2).sum() / (rows - subjects)
        total = between + (typical - 1) * within
        if within > CONSTANT**2 * total and (correlation := (between - within) / total) > BOTH_LEVELS:
            found.append(
                f"{name} differs between participants as well as from visit to visit (intraclass correlation "
                f"{correlation:.2f}), and its effect mixes the two; a column of each participant's mean and one of "
                "what is left tell them apart"
            )
    return found
