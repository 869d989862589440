"""What a group analysis works on: first-level estimates and a design matched by name, and what was done for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from dcm import Spec
from peb import (
    SMALLEST_EFFECT,
    Contrast,
    Design,
    Estimate,
    GroupPosterior,
    PebSettings,
)

from ..common import (
    UsageError,
)
from ._design_table import RowOrder
from ._estimate_files import GIVEN, SPM, TAPAS
from ._options import mode_words


@dataclass(frozen=True, eq=False)
class Reinversion:
    """What inverting participants again, under the group's empirical priors, came to.

    Fields:
        before: the group's effects from the first inversions.
        rounds: how many there were.
        status: how they ended, in words.
        warnings: where they did not settle, or somebody could not be inverted.
    """

    before: Float[np.ndarray, "param covariate"]
    rounds: int
    status: str
    warnings: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """How it was done, and how it ended."""
        return f"inverted again under the group's empirical priors, {self.rounds} rounds; {self.status}"


@dataclass(frozen=True, eq=False)
class GroupInputs:
    """Everything that a group analysis needs.

    Fields:
        estimates: one per row of the design, in its order.
        design: the covariates.
        spec: the model of the first level; None where the names are those of a level above.
        chosen: fields and names of the parameters that the group explains.
        settings: of the fit.
        change: (before, after) where the estimates are changes.
        notes: what was done to get here, a line each.
        left_out: who or which session is not in the analysis, and why, a line each.
        errors: what could not be read, a line each.
        order: which row of the design is for whom, where order decides.
        smallest_effect: below which an effect counts as none.
        contrasts: sums of levels or columns that are to be answered.
        first_level: the mode of the estimates; empty where it is not known.
        files: the file of each estimate; empty where an estimate is of two.
        reinversion: what came of it, where participants were inverted again.
        of: what the estimates are of each participant's visits, in words; empty where these were not asked for.
        participant_of: visit → participant, where rows of the design are visits; empty otherwise.
        spm_parameters: parameter → SPM's name and place, of DCMs of which `spec` does not say it.
        has_evidence: whether every participant's free energy is known.
        is_treated: whether treatment lies between the two visits of a change.
        group_word: what two groups that are compared are called, arm or group.
        standing: of each row the visit that a change or contrast is to, whose connections have signs of their own;
            empty where that is the estimate itself, or is of several visits.
        contrasted: of a contrast of two visits or levels, what is taken away and what it is taken from: ``with
            placebo``, ``with ketamine``.
        warnings: those of the notes that must not be overlooked.
        units: covariate → what it is counted in, by the JSON file beside the table of the design.
    """

    estimates: tuple[Estimate, ...]
    design: Design
    spec: Spec | None
    chosen: tuple[str, ...]
    settings: PebSettings
    change: tuple[str, str] | None
    notes: tuple[str, ...]
    errors: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    order: RowOrder | None = None
    smallest_effect: float = SMALLEST_EFFECT
    first_level: str = ""
    files: tuple[Path, ...] = ()
    reinversion: Reinversion | None = None
    contrasts: tuple[Contrast, ...] = ()
    of: str = ""
    participant_of: Mapping[str, str] = field(default_factory=dict)
    spm_parameters: Mapping[str, tuple[str, int]] | None = None
    has_evidence: bool = True
    is_treated: bool = False
    group_word: str = "arm"
    standing: tuple[Estimate, ...] = ()
    contrasted: tuple[str, str] | None = None
    warnings: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def spm_names(self) -> dict[str, str] | None:
        """Parameter → SPM's name, where `spec` does not say it."""
        return None if self.spm_parameters is None else {key: name for key, (name, _) in self.spm_parameters.items()}

    @property
    def compared(self) -> tuple[str, str] | None:
        """Of a contrast of two visits or levels their names, ``ketamine`` and ``placebo``."""
        if self.contrasted is None:
            return None
        there, here = (words.partition(" ")[2] for words in self.contrasted)
        return here, there

    def spm_places(self, group: GroupPosterior) -> dict[str, Any]:
        """How `write_peb` and `write_bma` find a group's parameters in SPM's vectors."""
        if self.spm_parameters is None:
            return {"spec": self.spec}
        found = [self.spm_parameters[name] for name in group.first_level]
        return {"names": [name for name, _ in found], "indices": [place for _, place in found]}

    @property
    def participants(self) -> tuple[str, ...]:
        """Who is in the analysis; a row of the design is a visit where `participant_of` says whose."""
        return tuple(dict.fromkeys(self.participant_of.get(name, name) for name in self.design.participants))

    def require_rows_of_participants(self, analysis: str) -> None:
        """Raises `UsageError` where rows are visits, of which an analysis is not."""
        if self.participant_of:
            raise UsageError(
                f"{analysis} is of participants, and {self.of} were taken; take their mean, a contrast or one visit of "
                "each, or fit"
            )

    @property
    def mode(self) -> str:
        """The mode of the group and of its first level, in words."""
        first = f"; first-level results {made_by(self.first_level)}" if self.first_level else ""
        return mode_words(self.settings) + first


def made_by(first_level: str) -> str:
    """Whose estimates the first level's are, in words."""
    makers = {SPM: "SPM's estimates", TAPAS: "TAPAS's estimates", GIVEN: "given as posteriors"}
    return makers.get(first_level, f"of mode {first_level}")


def merge_left_out(lines: Iterable[str]) -> list[str]:
    """One line for all names of which lines such as ``sub-01: left out, no result`` say the same."""
    about: dict[str, list[str]] = {}
    for line in lines:
        name, colon, why = line.partition(": ")
        about.setdefault(f"{colon}{why}", []).append(name)
    return [f"{', '.join(names)}{why}" for why, names in about.items()]


def design_column(inputs: GroupInputs, covariate: str, option: str = "--covariate") -> str:
    """The column of the design that a covariate became; raises `UsageError` where there is none."""
    wanted = covariate.replace(":", "×").split("×")
    for name in inputs.design.covariates:
        parts = name.split("×")
        factors = () if inputs.design.form is None else inputs.design.form.factors
        coded = {part for part in parts if part in inputs.design.kinds or part.split("[")[0] in factors}
        bare = [part.split("[")[0] if part in coded else part for part in parts]
        if name == covariate or bare == wanted:
            return name
    raise UsageError(
        f"{option} {covariate!r} is no covariate of the design; it has {', '.join(inputs.design.covariates)}"
    )
