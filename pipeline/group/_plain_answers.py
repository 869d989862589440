"""What a group's answers say in plain words: the surest effect of each question in a sentence, before its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np

from peb import (
    MEAN,
    ArmComparison,
    Contrast,
    DesignError,
    NormalMixture,
    PebError,
    VerdictKind,
    cells_of_contrast,
    column_contrast,
    effect_parts,
    evaluate_contrast_by_cell,
    parse_contrast,
)

from ..results import Connection, connections
from ..verdicts import (
    Compared,
    CovariateVerdict,
    Sign,
    as_sentence,
    change_compared_sentence,
    compared_sentence,
    describe_influence,
    describe_size,
    judge_effects,
    mean_sentence,
    slope_sentence,
    unsure_sentence,
)
from ._group_inputs import GroupInputs
from ._sure_signs import sure_signs

MOST_SAID = 3  # effects that are said in words


def effect_sentence(
    inputs: GroupInputs, asked: str | Contrast, judged: CovariateVerdict, parameters: Sequence[str]
) -> str:
    """The surest effects of a covariate or of a contrast; empty where they have no plain sentence."""
    if not parameters:
        return ""
    known = connections(parameters, inputs.spec)
    kind = judged.found.kind
    plain = _question_about(inputs, asked)
    if plain is None:
        return ""
    if kind == "yes":
        first, *others = judged.found.which[:MOST_SAID]
        said = plain.answer(known[first], _sign(judged, first))
        own = _changes_within(inputs, plain, known[first], judged, first)
        more = [as_sentence(plain.answer(known[place], _sign(judged, place))) for place in others]
        return " ".join([_with_changes(said, own) if own else as_sentence(said), *more])
    if judged.found.questions > 1:  # of many that are open none stands for the others
        return ""
    connection = known[_surest(judged)]
    size = describe_size(judged.found.size, [connection.unit], judged.question.per)
    return as_sentence(unsure_sentence(connection, kind, plain.words, size))


def arms_sentence(inputs: GroupInputs, comparison: ArmComparison, judged: CovariateVerdict) -> str:
    """Of the surest difference between two groups, what is sure in each of them."""
    place = _surest(judged)
    connection = connections(comparison.parameters, inputs.spec)[place]
    sign = _sign(judged, place)
    first, second = comparison.arms
    kind, change = judged.found.kind, inputs.change
    if comparison.covariate != MEAN:
        return ""  # a difference between slopes: the numbers say it better than any sentence
    if kind != "yes":
        if judged.found.questions > 1:
            return ""
        what = f"changes otherwise in {first} than in {second}" if change else f"differs between {first} and {second}"
        size = describe_size(judged.found.size, [connection.unit], judged.question.per)
        return as_sentence(unsure_sentence(connection, kind, what, size))
    compared = Compared(f"in {first}", f"in {second}")
    if change is None:
        rows = _rows_of(inputs, first)
        return as_sentence(compared_sentence(connection, sign, compared, sure_signs(inputs, connection, rows)))
    said = change_compared_sentence(connection, sign, change, compared)
    own = [
        _change_within(inputs, name, marginals, _rows_of(inputs, name), connection, judged, place)
        for name, marginals in zip(comparison.arms, comparison.marginals, strict=False)
    ]
    return _with_changes(said, own)


def _with_changes(said: str, own: Sequence[tuple[str, bool]]) -> str:
    """How two groups differ in a change, and then what is sure of each of them."""
    if not any(sure for _, sure in own):
        return as_sentence(f"{said}, while in neither it is sure which way it goes")
    return f"{as_sentence(said)} {as_sentence('; '.join(text for text, _ in own))}"


def _changes_within(
    inputs: GroupInputs, asked: AskedOfConnection, connection: Connection, judged: CovariateVerdict, place: int
) -> list[tuple[str, bool]]:
    """What the change is in each of two groups, and whether that is sure; nothing where no two are compared in one."""
    if not isinstance(asked, DifferenceQuestion) or _compared_visits(inputs) is None:
        return []
    if (kinds := judged.kinds) is not None:
        found = [
            (name, marginals, _rows_of(inputs, name))
            for name, marginals in zip(kinds.arms, kinds.marginals, strict=False)
        ]
        found = found if kinds.arms[0] == asked.first else found[::-1]
    elif judged.contrast is not None and judged.contrast.method == "a group for each level":
        found = []
        for cell in sorted(cells_of_contrast(inputs.design, judged.contrast.contrast), key=lambda cell: -cell.weight):
            try:
                alone = parse_contrast(f"`{cell.name}`", inputs.design)
                own = evaluate_contrast_by_cell(
                    inputs.estimates, inputs.design, alone, inputs.settings, parameters=inputs.chosen
                )
            except (DesignError, PebError, ValueError):
                return []
            found.append((cell.name, own.density, list(cell.rows)))
    else:
        return []
    if len(found) != 2:
        return []
    return [_change_within(inputs, *own, connection, judged, place) for own in found]


def _change_within(
    inputs: GroupInputs,
    name: str,
    marginals: NormalMixture,
    rows: Sequence[int],
    connection: Connection,
    judged: CovariateVerdict,
    place: int,
) -> tuple[str, bool]:
    """What one group's own change is, and whether it is sure."""
    size, questions = judged.found.size, judged.found.questions
    found = judge_effects(marginals.above_zero, marginals.within(size), size=size, questions=questions)
    visits = _compared_visits(inputs)
    assert visits is not None  # a change is of two
    where = f"after {name}" if inputs.is_treated else f"in {name}"
    kind: VerdictKind = found.each[place]
    verb = "changes" if inputs.change else "differs"
    if kind == "yes":
        sign: Sign = 1 if marginals.above_zero[place] > 0.5 else -1
        signs = sure_signs(inputs, connection, rows)
        compared = Compared(visits.here, "before") if inputs.is_treated else visits
        return f"{where}, {compared_sentence(connection, sign, compared, signs, to_end=not inputs.is_treated)}", True
    if kind == "open":
        return f"{where}, it is open whether this {verb}", False
    return f"{where}, this {verb} by less than {describe_size(size, [connection.unit])}", True


class AskedOfConnection(Protocol):
    """What is asked of a connection, and the sentence that answers it."""

    @property
    def words(self) -> str:
        """What is asked, behind the connection: ``differs between patients and controls``."""

    def answer(self, connection: Connection, sign: Sign) -> str:
        """What is sure, as a clause."""


@final
@dataclass(frozen=True)
class MeanQuestion:
    """Of a connection itself, or of its difference between two visits; `where` may name a kind of participants."""

    inputs: GroupInputs
    where: str
    rows: Sequence[int]

    @property
    def words(self) -> str:
        """What is asked."""
        lead = f"{self.where} " if self.where else ""
        compared = _compared_visits(self.inputs)
        return (
            f"{lead}differs {compared.here} from {compared.there.partition(' ')[2]}" if compared else f"{lead}is there"
        )

    def answer(self, connection: Connection, sign: Sign) -> str:
        """What is sure."""
        signs = sure_signs(self.inputs, connection, self.rows)
        lead = f"{self.where}, " if self.where else ""
        compared = _compared_visits(self.inputs)
        if compared:
            return f"{lead}{compared_sentence(connection, sign, compared, signs)}"
        if _is_other_contrast(self.inputs):
            return f"{lead}{_contrast_of(self.inputs, connection)} is {'positive' if sign > 0 else 'negative'}"
        return f"{lead}{mean_sentence(connection, sign, signs)}"


@final
@dataclass(frozen=True)
class DifferenceQuestion:
    """Between two kinds of participants, of a connection or of its change."""

    inputs: GroupInputs
    first: str
    second: str
    rows: Sequence[int]

    @property
    def words(self) -> str:
        """What is asked."""
        if _compared_visits(self.inputs):
            return f"changes otherwise in {self.first} than in {self.second}"
        return f"differs between {self.first} and {self.second}"

    def answer(self, connection: Connection, sign: Sign) -> str:
        """What is sure."""
        inputs = self.inputs
        compared = Compared(_place(inputs, self.first), _place(inputs, self.second))
        if inputs.change:
            return change_compared_sentence(connection, sign, inputs.change, compared)
        if _compared_visits(inputs) or _is_other_contrast(inputs):
            more = "positive" if sign > 0 else "negative"
            return f"{_contrast_of(inputs, connection)} is more {more} {compared.than}"
        return compared_sentence(connection, sign, compared, sure_signs(inputs, connection, self.rows))


@final
@dataclass(frozen=True)
class SlopeQuestion:
    """Of the association with a number, of a connection or of its change."""

    inputs: GroupInputs
    number: str

    @property
    def words(self) -> str:
        """What is asked."""
        return f"depends on {self.number}"

    def answer(self, connection: Connection, sign: Sign) -> str:
        """What is sure."""
        inputs = self.inputs
        if not inputs.change and (_compared_visits(inputs) or _is_other_contrast(inputs)):
            more = "positive" if sign > 0 else "negative"
            return f"where {self.number} is higher, {_contrast_of(inputs, connection)} is more {more}"
        return slope_sentence(connection, sign, self.number, inputs.change)


def _place(inputs: GroupInputs, level: str) -> str:
    """``in patients``, ``in ses-2``; of levels of visits that are no sessions, such as drugs, ``with ketamine``."""
    if level.startswith("the average of "):
        return f"on average in {level.removeprefix('the average of ')}"
    is_session = any(name.endswith(f"_{level}") for name in inputs.participant_of)
    return f"{'with' if _differs_within_participants(inputs, level) and not is_session else 'in'} {level}"


def _differs_within_participants(inputs: GroupInputs, level: str) -> bool:
    """Whether a level is of a factor that differs between the visits of one participant."""
    design = inputs.design
    if not inputs.participant_of or design.form is None:
        return False
    owners = [inputs.participant_of[name] for name in design.participants]
    return any(
        len(set(zip(owners, design.levels[name].tolist(), strict=True))) > len(set(owners))
        for name, factor in design.form.factors.items()
        if level in factor.levels or level in [f"{name} {own}" for own in factor.levels]
    )


def _is_other_contrast(inputs: GroupInputs) -> bool:
    return inputs.of.startswith("the contrast")


def _contrast_of(inputs: GroupInputs, connection: Connection) -> str:
    """What a contrast of visits is of: ``the contrast ketamine − placebo of the influence of vmPFC on amygdala``."""
    return f"{inputs.of.removesuffix(' of visits')} of {describe_influence(connection)}"


def _question_about(inputs: GroupInputs, asked: str | Contrast) -> AskedOfConnection | None:
    """What a covariate or contrast asks; None where it has no plain form."""
    design = inputs.design
    everybody = range(len(design.participants))
    if isinstance(asked, str) and design.form is not None and asked != MEAN:
        asked = column_contrast(design, asked)
    if isinstance(asked, Contrast):
        return _question_about_contrast(inputs, asked)
    if asked == MEAN:
        return MeanQuestion(inputs, "", everybody)
    if "×" in asked:
        return None
    if asked in design.kinds:
        minus, plus = design.kinds[asked]
        return DifferenceQuestion(inputs, plus, minus, _rows_of(inputs, plus))
    return SlopeQuestion(inputs, asked)


def _question_about_contrast(inputs: GroupInputs, asked: Contrast) -> AskedOfConnection | None:
    """What a contrast asks; None where it is more than a mean, a slope or a difference of means."""
    design = inputs.design
    everybody = range(len(design.participants))
    if design.form is None or asked.canonical is None:
        return MeanQuestion(inputs, "", everybody) if asked.explanation == MEAN else None
    parts = effect_parts(design.form, asked.canonical)
    if parts is None or len(parts.numbers) > 1:
        return None
    if parts.numbers:
        where = f" in {parts.first}" if parts.first else ""
        return None if parts.second else SlopeQuestion(inputs, f"{parts.numbers[0]}{where}")
    above = [cell.rows for cell in cells_of_contrast(design, asked) if cell.weight > 0]
    rows = above[0] if len(above) == 1 else ()
    if parts.second:
        return DifferenceQuestion(inputs, parts.first, parts.second, rows)
    return MeanQuestion(inputs, f"in {parts.first}", rows) if parts.first else MeanQuestion(inputs, "", everybody)


def _sign(judged: CovariateVerdict, place: int) -> Sign:
    return 1 if judged.above_zero[place] > 0.5 else -1


def _surest(judged: CovariateVerdict) -> int:
    return int((*judged.found.which, int(np.argmax(np.abs(judged.above_zero - 0.5))))[0])


def _compared_visits(inputs: GroupInputs) -> Compared | None:
    if inputs.change:
        return Compared(f"in {inputs.change[1]}", f"in {inputs.change[0]}")
    if inputs.contrasted:
        return Compared(inputs.contrasted[1], inputs.contrasted[0])
    return None


def _rows_of(inputs: GroupInputs, level: str) -> list[int]:
    """Rows of the design of one kind of participants; none where the design does not tell."""
    design = inputs.design
    for name, (minus, plus) in design.kinds.items():
        if level in (minus, plus) and name in design.covariates:
            column = design.matrix[:, design.column(name)]
            return np.flatnonzero((column > np.mean([column.min(), column.max()])) == (level == plus)).tolist()
    return []
