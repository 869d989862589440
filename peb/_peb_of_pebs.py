"""Gaussian participants who were seen at several visits, as SPM has them: a PEB of PEBs (Zeidman et al. 2019b).

Every participant has a PEB over its visits, of a mean and the covariates that differ between them; its effects are the
parameters of one more PEB over participants, of the covariates that do not. So the result has the effects of every
covariate of participants on every participant's mean and own effects: ``group: drug: A[...]`` is how much the drug's
effect differs between groups.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._design import MEAN, Design
from ._design_error import DesignError
from ._estimate import Estimate
from ._fit import fit
from ._group import GroupPosterior
from ._prepare_group import match_with_design
from ._settings import PebError, PebSettings
from ._visits import ParticipantVisits, varied_columns, within_columns


def fit_peb_of_pebs(
    estimates: Sequence[Estimate],
    design: Design,
    visits: ParticipantVisits,
    settings: PebSettings,
    *,
    parameters: Sequence[str] | None,
    name: str,
) -> GroupPosterior:
    """The posterior over participants, whose covariates and parameters are as above.

    Raises `PebError` where a participant has too few visits for a PEB of its own.
    """
    rows = match_with_design(estimates, design)
    within = varied_columns(design, visits)
    differs = within_columns(design, visits)
    alone = [covariate for covariate, own in zip(design.covariates, differs, strict=True) if not own]
    made = []
    for i, participant in enumerate(visits.participants):
        own = np.flatnonzero(visits.of_row == i)
        columns = design.matrix[own][:, [design.column(column) for column in within]]
        names = tuple(design.participants[row] for row in own)
        try:
            level = Design(names, (MEAN, *within), np.column_stack([np.ones(len(own)), columns]))
        except DesignError as problem:
            raise PebError(
                f"{participant} has too few visits for a PEB of its own ({problem}); leave this participant out, or "
                'use compat="none" (--compat none), which needs no more than one'
            ) from problem
        group = fit([rows[row] for row in own], level, settings, parameters=parameters, name=participant)
        made.append(group.as_estimate())
    first = [int(np.flatnonzero(visits.of_row == i)[0]) for i in range(len(visits.participants))]
    between = design.matrix[first][:, [design.column(column) for column in alone]]
    above = Design(visits.participants, tuple(alone), between, dict(design.centres), dict(design.kinds))
    return fit(made, above, settings, name=name)
