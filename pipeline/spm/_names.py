"""SPM's names of parameters, such as ``B(1,1,2)``, and how they stand to ours, ``B[vmPFC<-vmPFC, faces]``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from dcm import Layout, Spec

_SPM = re.compile(r"\s*([A-Za-z]\w*)\s*(?:\(\s*([0-9]+(?:\s*,\s*[0-9]+)*)\s*\))?\s*")
_FIELD = re.compile(r"(?:^|: )([A-Za-z]\w*)(?=[\[(]|$)")


def spm_names(layout: Layout) -> tuple[str, ...]:
    """SPM's name of every parameter in the order of the layout: field, then (to, from, input), from 1."""
    n, m = layout.n, layout.m
    shapes = {"A": (n, n), "B": (n, n, m), "C": (n, m), "D": (n, n, n) if layout.gated else (0,), "transit": (n,)}
    indexed = [
        f"{field}({','.join(str(i + 1) for i in index)})" for field, shape in shapes.items() for index in _order(shape)
    ]
    return (*indexed, "decay", "epsilon")


def canonical(name: str) -> str:
    """One spelling for SPM's names: no spaces, no trailing axes of one entry; other names as they are.

    A scalar or a column may carry axes of length 1: ``decay(1)`` is ``decay``, ``transit(2,1)`` is ``transit(2)``, and
    ``B(1,2)``, as MATLAB has it where there is one input, is ``B(1,2,1)``.
    """
    match = _SPM.fullmatch(name)
    if match is None:
        return name
    field, index = match[1], [int(i) for i in match[2].split(",")] if match[2] else []
    axes = {"A": 2, "B": 3, "C": 2, "D": 3, "transit": 1, "decay": 0, "epsilon": 0}.get(field)
    if axes is None:
        return name.strip()
    if index:
        index += [1] * (axes - len(index))
    while len(index) > axes and index[-1] == 1:
        index.pop()
    return f"{field}({','.join(map(str, index))})" if index else field


def field_of(name: str) -> str:
    """The field that a parameter's name begins with, behind the covariates of the levels below: ``mean: B[…]`` is B."""
    found = _FIELD.findall(name)
    return found[-1] if found else name


def to_spm(spec: Spec) -> dict[str, str]:
    """Our name of every parameter → SPM's."""
    return dict(zip(spec.parameter_names, spm_names(spec.layout), strict=True))


def told_apart(names: Sequence[str]) -> tuple[str, ...]:
    """Names that all differ: SPM names participants after their model, which may be the same for all of them."""
    counts, seen = Counter(names), Counter[str]()
    different = []
    for name in names:
        seen[name] += 1
        different.append(f"{name}~{seen[name]}" if counts[name] > 1 else name)
    return tuple(different) if len(set(different)) == len(different) else told_apart(different)


def _order(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Every index of an array, the first fastest."""
    return [index[::-1] for index in np.ndindex(*shape[::-1])]
