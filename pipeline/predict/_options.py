"""What is asked of a table: what to predict, from what, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from features import ALPHAS, ImputationMethod

from ..common import UsageError, did_you_mean
from ..study import PresetModel
from ..tables import Table

FEWEST_FOLDS = 3


@dataclass(frozen=True)
class PredictOptions:
    """A prediction of one column of a table from others.

    Fields:
        table: TSV or CSV, or a table that was read; the description of a file, if there is one, is the JSON file of the
            same name.
        outcome: a column, or a factor of the formula grammar such as ``fall(ccq_n)``.
        model: one of the presets; none where there is a formula.
        formula: terms of one's own, see `parse_formula`; none where there is a preset.
        measures: names, ``*`` for anything; those after a ``!`` are taken out again.
        covariates: factors that a preset has beside its measures, such as ``age`` or ``change(madrs)``.
        participant: column that names participants; none to find it.
        session: column that names sessions; none to find it, or for one row per participant.
        sessions: before and after; none to take them from the table's description, or for one row per participant.
        arm: column of the arms; none to find it.
        arms: both, the first coded +1; none to take them from the table's description.
        group_word: what one of these is called, arm or group.
        unit: of the outcome; empty for what the table's description says.
        adjust_motion: whether measures are residualised on their motion.
        imputation: of what is missing.
        alphas: mixings to try, above 0 to 1.
        folds: groups of participants left out together; none for `features.default_folds`: one participant at a time,
            of more than 100 participants ten groups.
        permutations, bootstraps: how many; 0 for none.
        imputations: tables in which chance fills in what is missing, to see how much depends on it; 0 for none.
        seed: of everything drawn.
        all_different: whether every name is another participant's, though names look like visits (01_pre, 01_post) of
            one.
        description: what the columns of a table that was read are, as the JSON file has it; none for a file.
        in_sample_only: whether nobody is left out of everything: in-sample numbers alone.

    Raises `UsageError` where these contradict each other.
    """

    table: Path | Table
    outcome: str
    model: PresetModel | None = None
    formula: str | None = None
    measures: tuple[str, ...] = ("*",)
    covariates: tuple[str, ...] = ()
    participant: str | None = None
    session: str | None = None
    sessions: tuple[str, str] | None = None
    arm: str | None = None
    arms: tuple[str, str] | None = None
    group_word: str = "arm"
    unit: str = ""
    adjust_motion: bool = True
    imputation: ImputationMethod = "iterative"
    alphas: tuple[float, ...] = ALPHAS
    folds: int | None = None
    permutations: int = 1000
    bootstraps: int = 200
    imputations: int = 0
    seed: int = 0
    in_sample_only: bool = False
    all_different: bool = False
    description: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        self._check_model()
        self._check_names()
        self._check_numbers()

    def _check_model(self) -> None:
        presets = get_args(PresetModel)
        if (self.model is None) == (self.formula is None):
            if self.model is not None:
                raise UsageError("both a model and a formula are given; leave one out")
            raise UsageError(
                f"a model or a formula is needed: --model {', '.join(presets)}; or --formula, such as '*' for every "
                "measure of a table with one row per participant"
            )
        if self.model is not None and self.model not in presets:
            raise UsageError(f"there is no model {self.model!r}{did_you_mean(self.model, presets, 'models')}")
        if self.formula is not None and self.covariates:
            raise UsageError(
                f"covariates belong to a model; with a formula, write them into it: … + {' + '.join(self.covariates)}"
            )

    def _check_names(self) -> None:
        for what, pair in (("sessions", self.sessions), ("arms", self.arms)):
            if pair is not None and (len(pair) != 2 or pair[0] == pair[1]):
                raise UsageError(f"{what} {','.join(pair)}: name two that differ")
        for what, names in (("measures", self.measures), ("covariates", self.covariates)):
            if repeated := _repeated(names):
                raise UsageError(f"{what}: {repeated} is named twice; name each once")
        if not self.measures:
            raise UsageError("measures: name one at least, or * for all")

    def _check_numbers(self) -> None:
        wrong = [f"{alpha:g}" for alpha in self.alphas if not 0 < alpha <= 1]
        if wrong or not self.alphas:
            raise UsageError(
                f"alphas: {', '.join(wrong) or 'none'}; give numbers above 0 and up to 1, such as 0.1,0.5,1"
            )
        if repeated := _repeated(f"{alpha:g}" for alpha in self.alphas):
            raise UsageError(f"alphas: {repeated} is given twice; give each once")
        if self.imputation not in get_args(ImputationMethod):
            choices = get_args(ImputationMethod)
            raise UsageError(
                f"there is no imputation {self.imputation!r}{did_you_mean(self.imputation, choices, 'imputations')}"
            )
        for what in ("permutations", "bootstraps", "imputations", "seed"):
            if getattr(self, what) < 0:
                raise UsageError(f"{what}: {getattr(self, what)} is below 0; give 0 or more")
        if self.folds is not None and self.folds < FEWEST_FOLDS:
            raise UsageError(
                f"folds: {self.folds} is too few; give {FEWEST_FOLDS} or more, or none to leave out one at a time"
            )


def _repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
