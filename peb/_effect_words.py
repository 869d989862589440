"""A sum of a design's effects in plain words: which levels, which is taken from which, and where numbers stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ._canonical_form import CanonicalForm

ROUNDING = 1e-9


class EffectParts(NamedTuple):
    """A mean or a slope, of all or of some levels, or a difference between two of these.

    Fields:
        numbers: whose slope it is of, in the order of the alphabet; none of a mean.
        first: the levels that it is of, or that others are taken from, such as ``patients`` or ``the average of a and
            b``; empty where it is of all.
        second: those that are taken away; empty where it is no difference.
    """

    numbers: tuple[str, ...]
    first: str = ""
    second: str = ""


def effect_parts(form: CanonicalForm, weights: Float[np.ndarray, "canonical"]) -> EffectParts | None:
    """What a sum of canonical effects is of; None where it is none of what `EffectParts` has a place for.

    Arguments:
        form: of the design.
        weights: as `Contrast.canonical` has them.
    """
    kinds = _kinds_of_effects(form, weights)
    if len(kinds) != 1:
        return None
    varied, cells = _varied_cells(form, weights, kinds[0])
    numbers = tuple(sorted(kinds[0]))
    if not varied or np.count_nonzero(np.abs(cells) > ROUNDING) == 1:
        first = _only_cell(form, varied, cells) if varied else ""
        return EffectParts(numbers, first) if abs(float(cells.sum()) - 1) < ROUNDING else None
    difference = _difference(_called_cells(form, varied, cells), cells)
    return None if difference is None else EffectParts(numbers, *difference)


def describe_effect(form: CanonicalForm, weights: Float[np.ndarray, "canonical"], *, briefly: bool = False) -> str:
    """What a sum of canonical effects is, such as ``patients minus controls, at the same age``.

    Arguments:
        form: of the design.
        weights: as `Contrast.canonical` has them.
        briefly: whether the other variables are left out.
    """
    parts = [_of_numbers(form, weights, numbers, briefly) for numbers in _kinds_of_effects(form, weights)]
    return "; and ".join(parts) if parts else "nothing"


def _kinds_of_effects(form: CanonicalForm, weights: Float[np.ndarray, "canonical"]) -> list[frozenset[str]]:
    """The numbers whose slopes a sum is of, none for means; several where it is of several."""
    kinds: dict[frozenset[str], float] = {}
    for term, where in form.slices().items():
        numbers = frozenset(term.numbers)
        kinds[numbers] = max(kinds.get(numbers, 0.0), float(np.abs(weights[where]).max()))
    return [numbers for numbers, size in kinds.items() if size > ROUNDING]


def _varied_cells(
    form: CanonicalForm, weights: Float[np.ndarray, "canonical"], numbers: frozenset[str]
) -> tuple[tuple[str, ...], Float[np.ndarray, "*level"]]:
    """The factors whose levels weigh differently, and the weights of their cells."""
    names, cells = form.level_weights(weights, numbers)
    kept = [axis for axis in range(len(names)) if np.ptp(cells, axis=axis).max() > ROUNDING]
    for axis in reversed(range(len(names))):
        if axis not in kept:
            cells = cells.sum(axis=axis)
    return tuple(names[axis] for axis in kept), np.asarray(cells)


def _only_cell(form: CanonicalForm, names: Sequence[str], cells: Float[np.ndarray, "*level"]) -> str:
    place = np.unravel_index(int(np.abs(cells).argmax()), cells.shape)
    return " & ".join(_called(name, form.factors[name].levels[i]) for name, i in zip(names, place, strict=True))


def _of_numbers(
    form: CanonicalForm, weights: Float[np.ndarray, "canonical"], numbers: frozenset[str], briefly: bool
) -> str:
    """The part that is of means, or of the slopes of some numbers."""
    varied, cells = _varied_cells(form, weights, numbers)
    what = f"change per unit of {' × '.join(sorted(numbers))}" if numbers else ""
    total = float(cells.sum())
    times = "" if abs(total - 1) < ROUNDING else f"{_signed(total)} × "
    if varied and np.count_nonzero(np.abs(cells) > ROUNDING) == 1:
        said = _only_cell(form, varied, cells)
        what = f"{times}{what} in {said}" if numbers else f"{times}mean of {said}"
    elif varied:
        said = _cells(form, varied, cells)
        what = f"{what}: {said}" if numbers else said
    else:
        what = times + (what or "mean")
    if briefly:
        return what
    return what + _where(form, varied, numbers, is_difference=abs(total) < ROUNDING)


def _signed(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _cells(form: CanonicalForm, names: Sequence[str], cells: Float[np.ndarray, "*level"]) -> str:
    """Cells with their weights, those that are taken away after those that are taken from."""
    called = _called_cells(form, names, cells)
    if (difference := _difference(called, cells)) is not None:
        return " minus ".join(difference)
    plus, minus, size, (first, taken) = _sides(called, cells)
    if first is not None and not minus and abs(size - 1) < ROUNDING:
        return first
    if len(plus) == len(minus) == 2 and len(names) == 2 and np.allclose(np.abs([cells[place] for place in called]), 1):
        (b, a), (c, d) = plus, minus
        c, d = (c, d) if a[1] == c[1] else (d, c)
        return f"({called[a]} minus {called[c]}) minus ({called[d]} minus {called[b]})"
    if first is not None and taken is not None:
        return f"{size:.4g} × ({first} minus {taken})"
    terms = [f"{'+' if cells[place] > 0 else '−'} {_times(abs(cells[place]))}{called[place]}" for place in plus + minus]
    return " ".join(terms).removeprefix("+ ")


_Cell = tuple[int, ...]  # its place on the axis of each factor


def _called_cells(form: CanonicalForm, names: Sequence[str], cells: Float[np.ndarray, "*level"]) -> dict[_Cell, str]:
    """The cells that have a weight, and what they are called."""
    levels = [[_called(name, level) for level in form.factors[name].levels] for name in names]
    at = [tuple(place.tolist()) for place in np.argwhere(np.abs(cells) > ROUNDING)]
    return {place: " & ".join(own[i] for own, i in zip(levels, place, strict=True)) for place in at}


def _sides(
    called: Mapping[_Cell, str], cells: Float[np.ndarray, "*level"]
) -> tuple[list[_Cell], list[_Cell], float, tuple[str | None, str | None]]:
    """Cells that are added, those that are taken away, the weight of either, and what each is the average of."""
    plus, minus = ([place for place in called if sign * cells[place] > 0] for sign in (1, -1))
    size = float(sum(abs(cells[place]) for place in plus or minus))
    first, taken = (_average([(called[place], abs(cells[place]) / size) for place in side]) for side in (plus, minus))
    return plus, minus, size, (first, taken)


def _difference(called: Mapping[_Cell, str], cells: Float[np.ndarray, "*level"]) -> tuple[str, str] | None:
    """What is taken from what, where each is a cell, the average of some, or that of all."""
    _, _, size, (first, taken) = _sides(called, cells)
    if first is not None and taken is not None and abs(size - 1) < ROUNDING:
        return first, taken
    one = np.flatnonzero(np.abs(cells + 1 / cells.size - 1).ravel() < ROUNDING)
    if one.size == 1 and np.abs(np.delete(cells.ravel(), one) + 1 / cells.size).max() < ROUNDING:
        return called[tuple(int(i) for i in np.unravel_index(one[0], cells.shape))], "the average of all"
    return None


def _called(name: str, level: str) -> str:
    """A level by itself, or with its factor where it says nothing alone."""
    return f"{name} {level}" if level.lower() in ("true", "false", "yes", "no") or not level[:1].isalpha() else level


def _average(weighted: Sequence[tuple[str, float]]) -> str | None:
    """The name of one of weight 1, or of several of the same weight that sum to 1."""
    weights = [weight for _, weight in weighted]
    if not weights or abs(sum(weights) - 1) > ROUNDING or np.ptp(weights) > ROUNDING:
        return None
    names = [name for name, _ in weighted]
    return names[0] if len(names) == 1 else f"the average of {', '.join(names[:-1])} and {names[-1]}"


def _times(weight: float) -> str:
    return "" if abs(weight - 1) < ROUNDING else f"{weight:.4g} "


def _where(form: CanonicalForm, varied: Sequence[str], numbers: frozenset[str], *, is_difference: bool) -> str:
    """At which values of the other variables: what they do not change is taken at the same of them."""
    same, centre, averaged = [], [], []
    for name in [*form.centres, *form.factors]:
        if name in numbers or name in varied:
            continue
        changes = any(
            name in (*term.factors, *term.numbers)
            and (set(term.factors) & set(varied) or not is_difference)
            and numbers <= set(term.numbers)
            for term in form.terms
        )
        if not changes:
            same += [name] if is_difference else []
        elif name in form.centres:
            centre.append(name)
        else:
            averaged.append(name)
    spread = [name for name in centre if name not in form.steps]
    halved = [name for name in centre if name in form.steps]
    said = [f"at the average {_listed(spread)}"] if spread else []
    said += [f"halfway between the values of {_listed(halved)}"] if halved else []
    said += [f"at the same {_listed(same)}"] if same else []
    said += [f"averaged over {_listed(averaged)}"] if averaged else []
    return "".join(f", {each}" for each in said)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
