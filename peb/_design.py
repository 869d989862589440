"""The design of a group: one row per participant, one named column per covariate, the first of them the mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from dcm.tables import DataFrame, data_frame, html_table, shortened

from ._canonical_form import CanonicalForm
from ._design_error import DesignError, name_list, repeated_names
from ._effect_words import describe_effect

MEAN = "mean"
ROUNDING = 1e-12  # of the largest value: numbers that differ by less are one number
ALONE = 4  # rows, of so few no covariate is said to be one row's
NEARLY_CONSTANT = 0.01  # of a covariate's range, within which it hardly varies
COLLINEAR = 0.95  # multiple correlation with the other columns from which a covariate is remarked on
UNUSUAL = 100.0  # root mean square of a covariate from which, or from one over it, SPM12's steps may reach nothing


class DesignPrior(NamedTuple):
    """The prior over the effects of a design's columns, (K,) and (K, K), for a first level N(1, 1)."""

    mean: Float[np.ndarray, "covariate"]
    covariance: Float[np.ndarray, "covariate covariate"]

    def taken(self, kept: Sequence[int]) -> DesignPrior:
        """Of some effects, where the others are 0: with P = C^-1, N(m_k + P_kk^-1 P_kd m_d, P_kk^-1)."""
        dropped = [k for k in range(self.mean.size) if k not in set(kept)]
        if not dropped:
            return DesignPrior(self.mean[kept], self.covariance[np.ix_(kept, kept)])
        P = np.linalg.inv(self.covariance)
        covariance = np.linalg.inv(P[np.ix_(kept, kept)])
        mean = self.mean[kept] + covariance @ P[np.ix_(kept, dropped)] @ self.mean[dropped]
        return DesignPrior(mean, (covariance + covariance.T) / 2)

    def scaled(self, unit: Float[np.ndarray, "covariate"]) -> DesignPrior:
        """Of the effects times `unit`."""
        return DesignPrior(self.mean * unit, self.covariance * unit * unit[:, None])


@dataclass(frozen=True, eq=False)
class Design:
    """X, the between-participant design.

    Arguments:
        participants: N names, all different.
        covariates: K names, all different; conventionally the first is ``mean``.
        matrix: (participant, covariate).
        centres: what was subtracted from each centred covariate, in its own units.
        kinds: of each covariate that codes two kinds, their names: that of −1, that of +1.
        formula: what the columns are from, where they are from one.
        form: of a formula, its variables and canonical columns, in which contrasts are told; None otherwise.
        levels: of a formula, the place of every participant's level in each factor.
        prior: over the effects, in units of the participants' prior; None for SPM's, N(pE, PC) for the first covariate
            and N(0, PC N / Σx²) for the others.

    Raises `DesignError` where names repeat, shapes differ, a value is missing, a covariate is constant beside a column
    of ones, or columns are linearly dependent; the message names the columns.
    """

    participants: tuple[str, ...]
    covariates: tuple[str, ...]
    matrix: Float[np.ndarray, "subject covariate"]
    centres: Mapping[str, float] = field(default_factory=dict)
    kinds: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    formula: str = ""
    form: CanonicalForm | None = None
    levels: Mapping[str, Int[np.ndarray, "subject"]] = field(default_factory=dict)
    prior: DesignPrior | None = None

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if not self.participants:
            raise DesignError("the design has no participant; give a row for each")
        shape = (len(self.participants), len(self.covariates))
        if matrix.shape != shape:
            raise DesignError(
                f"the design is {matrix.shape}, but {shape[0]} participants and {shape[1]} covariates are named"
            )
        for kind, names in (("participant", self.participants), ("covariate", self.covariates)):
            if repeated := repeated_names(names):
                raise DesignError(f"the {kind} {repeated[0]} is in the design twice; give each once")
        for column, name in enumerate(self.covariates):
            missing = [self.participants[i] for i in np.flatnonzero(~np.isfinite(matrix[:, column]))]
            if missing:
                raise DesignError(
                    f"{name} is missing for {name_list(missing)}; fill it in, or leave these participants or this "
                    "covariate out"
                )
        _check_rank(self.covariates, matrix)
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def from_frame(
        cls,
        frame: DataFrame,
        covariates: Sequence[str] | None = None,
        *,
        participant: str | None = "participant_id",
        interactions: Sequence[tuple[str, str]] = (),
        centre: bool | Sequence[str] = True,
        plus: Sequence[str] = (),
    ) -> Design:
        """A design from a pandas data frame with one row a participant, by `make_design`.

        Numbers are covariates as they are, true and false are 1 and 0, and a column of texts or of categories has two
        kinds, −1 and +1; of more kinds ``pandas.get_dummies(frame, columns=["site"], drop_first=True)`` makes columns
        of their own. Numbers (and true and false) are centred where `centre` says so. Rows may be in any order:
        participants are matched by name.

        Arguments:
            frame: one row a participant.
            covariates: columns to use, in this order; all but that of the participants where None.
            participant: the column of the participants' names; the frame's index where None.
            interactions, centre, plus: as for `make_design`.

        Raises `DesignError` as `make_design` does; where a value is missing, naming the participants (fill it in, or
        drop these rows); and where a column is absent or of another type, such as dates.
        """
        covariates = [covariates] if isinstance(covariates, str) else covariates
        names = participants_of(frame, participant)
        chosen = [name for name in frame.columns if name != participant] if covariates is None else list(covariates)
        if absent := [name for name in chosen if name not in list(frame.columns)]:
            raise DesignError(
                f"the frame has no column {name_list(list(map(str, absent)))}; "
                f"it has {name_list(list(map(str, frame.columns)))}"
            )
        columns = {str(name): _values(str(name), frame[name], names) for name in chosen}
        design = make_design(names, columns, interactions=interactions, centre=centre, plus=plus)
        found = {kind for kinds in design.kinds.values() for kind in kinds}
        if unknown := [kind for kind in ([plus] if isinstance(plus, str) else plus) if kind not in found]:
            raise DesignError(
                f"plus: {unknown[0]!r} is no kind of a covariate of two kinds; there are {name_list(sorted(found))}"
            )
        return design

    @classmethod
    def from_formula(
        cls,
        frame: DataFrame,
        formula: str,
        *,
        participant: str | None = "participant_id",
        reference: Mapping[str, str] | None = None,
        order: Mapping[str, Sequence[str]] | None = None,
    ) -> Design:
        """A design from a data frame with one row a participant and a formula of its columns.

            Design.from_formula(frame, "1 + group + age + group:age", reference={"group": "controls"})

        A formula holds names, ``:`` (product), ``*`` (``a*b`` is ``a + b + a:b``), ``+``, ``-``, ``1`` (the mean, which
        is there unless ``-1`` or ``0`` takes it away), parentheses and names in backticks. Nothing is executed.

        Numbers are covariates, centred (`centres`): at their average, or halfway where they have two values. Texts,
        true and false, and categories are factors of any number of levels, as is what ``C(name)`` makes one. The first
        column is ``mean``, the unweighted average over levels; a factor's columns are its levels but the reference,
        ``group[patients]``, each with the effect *level minus reference*. ``-1 + group`` has a column for each level,
        with the level's mean. ``C(group, contr.treatment("controls"))``, ``contr.sum``, ``contr.helmert``,
        ``contr.diff``, ``contr.poly`` and ``contr.SAS`` code as R does. No answer depends on it: the prior is that of
        the canonical form (`_canonical_form`), whatever the columns.

        Arguments:
            frame: one row a participant.
            formula: names of columns and how they go together.
            participant: the column of the participants' names; the frame's index where None.
            reference: of factors, the level that others are taken from; the first of the order otherwise.
            order: of factors, all levels; the alphabet, size or the categories' own order otherwise.

        Raises `DesignError` where the formula holds anything else, a column is absent, values are missing or neither
        all numbers nor all texts, or columns cannot be told apart, in one line that says which.
        """
        from ._formula_design import design_from_formula

        return design_from_formula(frame, formula, participant, reference or {}, order or {})

    @property
    def explanations(self) -> dict[str, str]:
        """What the effect of every column is, in words: ``patients minus controls, at the same age``."""
        if self.form is not None:
            rows = np.linalg.inv(self.form.to_canonical)
            return {name: describe_effect(self.form, row) for name, row in zip(self.covariates, rows, strict=True)}
        return {name: self._explain(name) for name in self.covariates}

    def _explain(self, name: str) -> str:
        """Of a column that is from no formula."""
        if name == MEAN:
            at = [f"the average {covariate}" for covariate in self.centres if covariate in self.covariates]
            return "mean of all participants" + (f", at {' and '.join(at)}" if at else "")
        kinds = [self.kinds[part] for part in name.split("×") if part in self.kinds]
        numbers = [part for part in name.split("×") if part not in self.kinds]
        differences = " × ".join(f"{plus} minus {minus}" for minus, plus in kinds)
        halved = f"{'half' if len(kinds) == 1 else f'1/{2 ** len(kinds)}'} of {differences}" if kinds else ""
        slope = f"change per unit of {' × '.join(numbers)}" if numbers else ""
        return ": ".join(part for part in (slope, halved) if part)

    def describe(self) -> DataFrame:
        """Every column in words: column, effect, and its smallest and largest value."""
        low, high = self.matrix.min(axis=0), self.matrix.max(axis=0)
        explained = list(self.explanations.values())
        return data_frame({"column": self.covariates, "effect": explained, "smallest": low, "largest": high})

    def to_frame(self) -> DataFrame:
        """The matrix as a pandas data frame: participant, then one column a covariate, as coded and centred."""
        return data_frame({"participant": self.participants, **dict(zip(self.covariates, self.matrix.T, strict=True))})

    def __repr__(self) -> str:
        return f"Design({len(self.participants)} participants; covariates: {shortened(self.covariates)})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.to_frame())

    def rows(self, participants: Sequence[str]) -> Design:
        """The design of some participants, in the order given, columns as they are (not centred again).

        Raises `DesignError` where one of them has no row.
        """
        row = {name: place for place, name in enumerate(self.participants)}
        absent = [name for name in participants if name not in row]
        if absent:
            raise DesignError(f"no row of the design is for {name_list(absent)}; add them, or leave them out")
        places = [row[name] for name in participants]
        levels = {name: own[places] for name, own in self.levels.items()}
        return replace(self, participants=tuple(participants), matrix=self.matrix[places], levels=levels)

    def columns(self, covariates: Sequence[str]) -> Design:
        """Some covariates, in the order given, the effects of the others being 0."""
        places = [self.column(name) for name in covariates]
        kept = {name: value for name, value in self.centres.items() if name in covariates}
        kinds = {name: value for name, value in self.kinds.items() if name in covariates}
        prior = None if self.prior is None else self.prior.taken(places)
        return Design(self.participants, tuple(covariates), self.matrix[:, places], kept, kinds, prior=prior)

    def column(self, covariate: str) -> int:
        """The place of a covariate; raises `DesignError` where there is none of that name."""
        if covariate not in self.covariates:
            raise DesignError(f"the design has no covariate {covariate!r}; it has {', '.join(self.covariates)}")
        return self.covariates.index(covariate)

    @property
    def size(self) -> Float[np.ndarray, "covariate"]:
        """The root mean square of every covariate."""
        peak = np.abs(self.matrix).max(axis=0, initial=0.0)
        return np.asarray(peak * np.sqrt(((self.matrix / peak) ** 2).mean(axis=0)))

    @property
    def most_unusual_unit(self) -> tuple[str, float]:
        """The covariate whose root mean square is farthest from 1, and that root mean square."""
        place = int(np.abs(np.log(self.size)).argmax())
        return self.covariates[place], float(self.size[place])

    @property
    def has_unusual_unit(self) -> bool:
        """Whether a covariate is so large or so small that SPM12's steps may reach nothing."""
        return not 1 / UNUSUAL < self.most_unusual_unit[1] < UNUSUAL

    @property
    def own_units(self) -> Float[np.ndarray, "covariate"]:
        """The `size` of every covariate; of a product of covariates, the product of theirs."""
        size = dict(zip(self.covariates, self.size.tolist(), strict=True))
        factors = [name.split("×") if set(name.split("×")) <= set(size) else [name] for name in self.covariates]
        return np.array([np.prod([size[factor] for factor in each]) for each in factors])

    @property
    def in_own_units(self) -> Design:
        """The same with every covariate in units of its own size."""
        unit = self.own_units
        prior = None if self.prior is None else self.prior.scaled(unit)
        return Design(self.participants, self.covariates, self.matrix / unit, {}, self.kinds, prior=prior)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was centred, which covariates one participant alone changes, and which the others nearly explain."""
        steps = {} if self.form is None else self.form.steps
        remarks = [
            f"{name} was centred: {value:.6g} was subtracted"
            + (f", halfway between its two values; C({name}) makes levels of them" if name in steps else "")
            for name, value in self.centres.items()
            if name not in self.covariates or abs(value) > 1e-9 * np.abs(self.matrix[:, self.column(name)]).max()
        ]
        return (*remarks, *self.cautions)

    @property
    def cautions(self) -> tuple[str, ...]:
        """A line for each level of one row and covariate that one row alone changes, or that the others nearly explain.

        Rows are participants, or their visits.
        """
        lines = [
            *self._lone_levels(),
            *(
                f"{name} is nearly the same for all but {row}: its effect is what sets {row} alone apart"
                for column, name in enumerate(self.covariates)
                if (row := self._alone(column)) is not None
            ),
        ]
        for column, name in enumerate(self.covariates):
            others = np.delete(self.matrix, column, axis=1)
            target = self.matrix[:, column]
            total = ((target - target.mean()) ** 2).sum()
            if total <= 1e-12 * (target**2).sum() or others.shape[1] == 0:
                continue
            left = target - others @ np.linalg.lstsq(others, target, rcond=None)[0]
            share = 1 - (left**2).sum() / total
            if share > COLLINEAR**2:
                lines.append(
                    f"the other covariates explain {100 * share:.0f} % of {name}: its effect is hard to tell apart"
                )
        return tuple(lines)

    def _lone_levels(self) -> Iterator[str]:
        for factor, places in self.levels.items():
            assert self.form is not None  # which levels come with
            for place in np.flatnonzero(np.bincount(places) == 1):
                level, row = self.form.factors[factor].levels[place], self.participants[int((places == place).argmax())]
                yield f"{row} alone is {level} of {factor}, so that {level} rests on {row}"

    def _alone(self, column: int) -> str | None:
        """The row without which a number, or a product, hardly varies, if there is one."""
        name, values = self.covariates[column], self.matrix[:, column]
        is_of_levels = self.form is not None and "×" not in name and name not in self.form.centres
        if is_of_levels or len(values) <= ALONE or np.ptp(values) == 0:
            return None
        farthest = int(np.abs(values - np.median(values)).argmax())
        rest = np.delete(values, farthest)
        return self.participants[farthest] if np.ptp(rest) < NEARLY_CONSTANT * np.ptp(values) else None


def make_design(
    participants: Sequence[str],
    covariates: Mapping[str, ArrayLike],
    *,
    interactions: Sequence[tuple[str, str]] = (),
    centre: bool | Sequence[str] = True,
    plus: Sequence[str] = (),
) -> Design:
    """A design of a column of ones, ``mean``, the covariates, and the products of some of them.

    Arguments:
        participants: N names.
        covariates: name → N numbers, or N texts of two kinds, which become −1 and +1 (the first in the alphabet is −1,
            unless `plus` has it) under the name ``column[kind that is +1]``.
        interactions: pairs of covariates whose product is a covariate too, named ``a×b``; the product is of the centred
            columns.
        centre: whether numbers are centred; or the names of those that are. Two-level columns never are, so that the
            mean stays the average of the two kinds' effects.
        plus: kinds that are +1 in their column, such as the arm that the other is taken from.

    Raises `DesignError` as `Design` does, and where a column has texts of one or of more than two kinds.
    """
    participants = tuple(map(str, participants))
    plus = (plus,) if isinstance(plus, str) else tuple(plus)
    centre = bool(centre) if isinstance(centre, np.bool_) else (centre,) if isinstance(centre, str) else centre
    columns: dict[str, np.ndarray] = {MEAN: np.ones(len(participants))}
    coded: dict[str, str] = {}
    kinds: dict[str, tuple[str, str]] = {}
    centres: dict[str, float] = {}
    if not isinstance(centre, bool):
        unknown = [name for name in centre if name not in covariates]
        if unknown:
            raise DesignError(
                f"{unknown[0]} is to be centred, but no covariate is called so; there are {name_list(list(covariates))}"
            )
    for name, values in covariates.items():
        if name == MEAN:
            raise DesignError("a covariate is called mean, which is the design's own first column; rename it")
        array = np.asarray(np.ma.filled(values.astype(float), np.nan) if np.ma.isMaskedArray(values) else values)
        if array.dtype.kind in "cmM":
            raise DesignError(f"{name} holds {array.dtype}; give it as numbers, such as days from a fixed date")
        if array.shape != (len(participants),):
            raise DesignError(f"{name} has {array.size} values, but there are {len(participants)} participants")
        if array.dtype.kind in "OUS":
            key, numbers, kinds[key] = _coded(name, array, plus)
        else:
            key, numbers = name, array.astype(np.float64)
            wanted = centre if isinstance(centre, bool) else name in centre
            if numbers.size and np.isfinite(numbers).all() and np.ptp(numbers) <= ROUNDING * np.abs(numbers).max():
                raise DesignError(f"{name} is constant: {numbers[0]:g} for every participant; leave it out")
            if wanted and np.isfinite(numbers).all() and numbers.size:
                centres[key] = float(numbers.mean())
                numbers = numbers - numbers.mean()
        if "×" in key:
            raise DesignError(f"{key}: × stands for products of covariates; rename it, or what it holds")
        coded[name] = key
        columns[key] = numbers
    for pair in interactions:
        if isinstance(pair, str) or len(pair) != 2:
            raise DesignError(f"interactions are pairs of covariates, as [('arm', 'age')]; {pair!r} is none")
        for name in pair:
            if name not in coded:
                raise DesignError(f"the interaction {'×'.join(pair)} needs {name}, which is no covariate of the design")
        first, second = (coded[name] for name in pair)
        columns[f"{first}×{second}"] = columns[first] * columns[second]
    return Design(tuple(participants), tuple(columns), np.column_stack(list(columns.values())), centres, kinds)


def participants_of(frame: DataFrame, participant: str | None) -> tuple[str, ...]:
    """The names of a frame's rows."""
    if not hasattr(frame, "columns"):
        raise DesignError(f"a design is made of a data frame, not of a {type(frame).__name__}")
    if twice := repeated_names(list(map(str, frame.columns))):
        raise DesignError(f"the frame has two columns called {twice[0]}; rename or drop one")
    if participant is not None and participant not in frame:
        raise DesignError(
            f"the frame has no column {participant!r}; name the participants' column, or give participant=None "
            "where they are the index"
        )
    given = frame.index if participant is None else frame[participant]
    if bool((nameless := np.asarray(given.isna())).any()):
        row = frame.index[int(np.argmax(nameless.any(axis=-1) if nameless.ndim > 1 else nameless))]
        raise DesignError(f"row {row} names no participant; name it, or leave the row out")
    return tuple(str(name) for name in given)


def _values(name: str, column: Any, participants: Sequence[str]) -> np.ndarray:
    """A column of a data frame as numbers or texts."""
    if bool((missing := column.isna().to_numpy()).any()):
        absent = [participants[i] for i in np.flatnonzero(missing).tolist()]
        raise DesignError(
            f"{name} is missing for {name_list(absent)}; fill it in, or leave these participants or this covariate out"
        )
    kind = getattr(column.dtype, "kind", "O")
    if kind in "biuf":
        return np.asarray(column.to_numpy(dtype=np.float64))
    if kind in "Mmc":
        raise DesignError(f"{name} holds {column.dtype}; give it as numbers, such as days from a fixed date")
    values = np.asarray(column.to_numpy(dtype=object))
    if all(isinstance(value, int | float | np.number) for value in values):
        return np.asarray(values, dtype=np.float64)
    return np.array([str(value) for value in values])


def _coded(name: str, values: np.ndarray, plus: Sequence[str]) -> tuple[str, np.ndarray, tuple[str, str]]:
    kinds = sorted(set(map(str, values)), key=lambda kind: (kind in plus, kind))
    if len(kinds) != 2:
        found = name_list([kind if len(kind) < 60 else f"{kind[:59]}…" for kind in kinds])
        raise DesignError(
            f"{name} holds text of {len(kinds)} kind{'s' if len(kinds) != 1 else ''} ({found}); two become −1 and +1, "
            "others need number columns of their own, as pandas.get_dummies makes them"
        )
    if set(kinds) <= set(plus):
        raise DesignError(f"plus: {name} holds both {kinds[0]} and {kinds[1]}; name the one that is +1")
    return f"{name}[{kinds[1]}]", np.where(values.astype(str) == kinds[1], 1.0, -1.0), (kinds[0], kinds[1])


def _check_rank(names: tuple[str, ...], matrix: np.ndarray) -> None:
    peak = np.abs(matrix).max(axis=0, initial=0.0)
    for column, name in enumerate(names):
        if peak[column] == 0:
            raise DesignError(f"{name} is 0 for every participant; leave it out")
    size = peak * np.sqrt(((matrix / peak) ** 2).sum(axis=0))
    if matrix.shape[0] < matrix.shape[1]:
        raise DesignError(
            f"{matrix.shape[1]} covariates ({name_list(list(names))}) for {matrix.shape[0]} participants; "
            "leave some out"
        )
    basis = np.zeros((matrix.shape[0], 0))
    for column, name in enumerate(names):
        scaled = matrix[:, column] / size[column]
        left = scaled - basis @ (basis.T @ scaled)
        left = left - basis @ (basis.T @ left)
        if (norm := np.linalg.norm(left)) < 1e-7:
            weights = np.linalg.lstsq(matrix[:, :column] / size[:column], scaled, rcond=None)[0]
            made = [names[i] for i in np.flatnonzero(np.abs(weights) > 1e-7)]
            what = "is constant" if made == [MEAN] else f"is a combination of {name_list(made)}"
            raise DesignError(f"{name} {what}, so that their effects cannot be told apart; leave one out")
        basis = np.column_stack([basis, left / norm])
