"""A sum of a design's effects in plain words: which levels, which is taken from which, and where numbers stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ._canonical_form import CanonicalForm

ROUNDING = 1e-9


def describe_effect(form: CanonicalForm, weights: Float[np.ndarray, "canonical"]) -> str:
    """What a sum of canonical effects is, such as ``patients minus controls, at the same age``."""
    parts = []
    for numbers in dict.fromkeys(frozenset(term.numbers) for term in form.terms):
        own = [where for term, where in form.slices().items() if frozenset(term.numbers) == numbers]
        if max(np.abs(weights[where]).max() for where in own) > ROUNDING:
            parts.append(_of_numbers(form, weights, numbers))
    return "; and ".join(parts) if parts else "nothing"


def _of_numbers(form: CanonicalForm, weights: Float[np.ndarray, "canonical"], numbers: frozenset[str]) -> str:
    """The part that is of means, or of the slopes of some numbers."""
    names, cells = form.level_weights(weights, numbers)
    kept = [axis for axis in range(len(names)) if np.ptp(cells, axis=axis).max() > ROUNDING]
    for axis in reversed(range(len(names))):
        if axis not in kept:
            cells = cells.sum(axis=axis)
    varied = tuple(names[axis] for axis in kept)
    what = f"change per unit of {' × '.join(sorted(numbers))}" if numbers else ""
    total = float(cells.sum())
    times = "" if abs(total - 1) < ROUNDING else f"{_signed(total)} × "
    if varied and np.count_nonzero(np.abs(cells) > ROUNDING) == 1:
        place = np.unravel_index(int(np.abs(cells).argmax()), cells.shape)
        said = " & ".join(_called(name, form.factors[name].levels[i]) for name, i in zip(varied, place, strict=True))
        what = f"{times}{what} in {said}" if numbers else f"{times}mean of {said}"
    elif varied:
        said = _cells(form, varied, cells)
        what = f"{what}: {said}" if numbers else said
    else:
        what = times + (what or "mean")
    return what + _where(form, varied, numbers, is_difference=abs(total) < ROUNDING)


def _signed(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _cells(form: CanonicalForm, names: Sequence[str], cells: Float[np.ndarray, "*level"]) -> str:
    """Cells with their weights, those that are taken away after those that are taken from."""
    levels = [[_called(name, level) for level in form.factors[name].levels] for name in names]
    at = [tuple(place) for place in np.argwhere(np.abs(cells) > ROUNDING)]
    called = {place: " & ".join(own[i] for own, i in zip(levels, place, strict=True)) for place in at}
    plus, minus = ([place for place in at if sign * cells[place] > 0] for sign in (1, -1))
    size = float(sum(abs(cells[place]) for place in plus or minus))
    first, taken = (_average([(called[place], abs(cells[place]) / size) for place in side]) for side in (plus, minus))
    if first is not None and taken is not None and abs(size - 1) < ROUNDING:
        return f"{first} minus {taken}"
    if first is not None and not minus and abs(size - 1) < ROUNDING:
        return first
    one = np.flatnonzero(np.abs(cells + 1 / cells.size - 1).ravel() < ROUNDING)
    if one.size == 1 and np.abs(np.delete(cells.ravel(), one) + 1 / cells.size).max() < ROUNDING:
        return f"{called[tuple(np.unravel_index(one[0], cells.shape))]} minus the average of all"
    if len(plus) == len(minus) == 2 and len(names) == 2 and np.allclose(np.abs([cells[place] for place in at]), 1):
        (b, a), (c, d) = plus, minus
        c, d = (c, d) if a[1] == c[1] else (d, c)
        return f"({called[a]} minus {called[c]}) minus ({called[d]} minus {called[b]})"
    if first is not None and taken is not None:
        return f"{size:.4g} × ({first} minus {taken})"
    terms = [f"{'+' if cells[place] > 0 else '−'} {_times(abs(cells[place]))}{called[place]}" for place in plus + minus]
    return " ".join(terms).removeprefix("+ ")


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
