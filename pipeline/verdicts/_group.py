"""The verdicts on all covariates of a group, those on two kinds of participants from a group of each kind."""

from __future__ import annotations

from collections.abc import Mapping

from peb import ArmComparison, GroupPosterior

from ._covariates import CovariateVerdict, judge_covariate, judge_difference, undecided

Apart = Mapping[str, ArmComparison | None]  # covariate of the group → its kinds beside each other
EACH_KIND = "From a group of each kind, so that participants of one may differ more than those of the other."


def judge_group(group: GroupPosterior, apart: Apart, size: float) -> dict[str, CovariateVerdict]:
    """Covariate → the verdict on its effects.

    Arguments:
        group: everybody.
        apart: comparisons from a group of each kind; None of one that cannot be had, which leaves the question open.
        size: d.
    """
    return {covariate: _judge(group, covariate, apart, size) for covariate in group.design.covariates}


def shuffled_note(counts: tuple[int, int]) -> str:
    """Why shuffling does not answer a question about unbalanced kinds."""
    return (
        f"Left open: shuffling takes both kinds to differ as much among themselves, and with {counts[0]} and "
        f"{counts[1]} participants it is too sure where those of the smaller one differ more; effconn peb arms "
        "answers it."
    )


def _judge(group: GroupPosterior, covariate: str, apart: Apart, size: float) -> CovariateVerdict:
    if covariate not in apart:
        return judge_covariate(group, covariate, size)
    one = apart[covariate]
    if one is None:
        note = (
            "Left open: participants of two kinds in such unequal numbers must have a group of each kind, and one of "
            "them is too small to be fitted, or has the same covariate throughout."
        )
        return undecided(judge_covariate(group, covariate, size), note)
    return judge_difference(one, group.design, size, note=EACH_KIND)
