"""Models of a study in words → the DCM's structure, and how they are inverted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Literal

import numpy as np
from jaxtyping import Bool

from dcm import Settings, Spec, prior

from ..common import did_you_mean
from ._expressions import parse_connection
from ._study import Dcm, Structure

MAIN = "main"

_EQUATIONS = {"nonlinear": "full equations", "bilinear": "bilinear equations"}
_NOISE = {"ar1": "AR(1) noise", "white": "white noise", "spm12": "SPM12's noise", "spm25": "SPM25's noise"}
_PRIORS = {"none": "effconn's priors", "spm12": "SPM12's priors", "spm25": "SPM25's priors"}


def model_specs(dcm: Dcm) -> dict[str, Spec]:
    """Every model of a study by name: ``main``, the alternatives in the order of the file, those of its switches."""
    named = {MAIN: model_spec(dcm), **{name: model_spec(dcm, structure) for name, structure in dcm.models.items()}}
    return named | {name: spec for name, spec in _switch_space(dcm).items() if name != MAIN}


def switched_models(dcm: Dcm) -> dict[str, tuple[str, ...]]:
    """What is switched → all models that have it, whatever made them; none without switches."""
    having = {name: set(prior_names(spec)) for name, spec in model_specs(dcm).items()} if dcm.switch else {}
    return {
        switch: tuple(name for name, names in having.items() if switch in names) for switch in switch_labels(dcm.switch)
    }


def prior_names(spec: Spec) -> tuple[str, ...]:
    """Names of the connections and inputs that a model has."""
    return tuple(spec.parameter_names[place] for place in prior(spec).free)


def switch_labels(switch: Structure | None) -> tuple[str, ...]:
    """What is switched, as parameters are named: ``B[vmPFC<-amygdala, faces]``."""
    return tuple(label for label, *_ in _switches(switch))


def _switches(switch: Structure | None) -> list[tuple[str, str, str, str]]:
    """Label, field (a, b or c), input, and connection or region of each."""
    found: list[tuple[str, str, str, str]] = []
    if switch is None:
        return found
    for text in switch.a if isinstance(switch.a, tuple) else ():
        found.append((f"A[{'<-'.join(parse_connection(text))}]", "a", "", text))
    for name, connections in (switch.b or {}).items():
        found += [(f"B[{'<-'.join(parse_connection(text))}, {name}]", "b", name, text) for text in connections]
    for name, regions in (switch.c or {}).items():
        found += [(f"C[{region}<-{name}]", "c", name, region) for region in regions]
    return found


def _switch_space(dcm: Dcm) -> dict[str, Spec]:
    """All combinations of what is switched: name → model; ``main`` has all of it.

    A name such as ``switch-101`` says of each, in the order of the file, whether it is on. A connection (a) that is off
    takes with it what an input changes of it (b); combinations that come to the same model are one.
    """
    switches = _switches(dcm.switch)
    if not switches:
        return {}
    full = model_spec(dcm)
    regions, inputs = list(full.regions), list(full.inputs)
    space: dict[str, Spec] = {}
    seen: set[Spec] = set()
    for on in product((True, False), repeat=len(switches)):
        a, b, c = full.a.copy(), full.b.copy(), full.c.copy()
        for (_, field, name, text), kept in zip(switches, on, strict=True):
            if kept:
                continue
            if field == "c":
                c[regions.index(text), inputs.index(name)] = False
                continue
            to, source = (regions.index(region) for region in parse_connection(text))
            if field == "a":
                a[to, source] = False
            b[to, source, inputs.index(name) if field == "b" else slice(None)] = False
        spec = Spec(full.regions, full.inputs, a, b, c, full.d)
        if spec not in seen:
            seen.add(spec)
            marks = "".join("01"[kept] for kept in on)
            space[MAIN if all(on) else f"switch-{marks}"] = spec
    return space


def inverted_models(dcm: Dcm) -> dict[str, Spec]:
    """Those that are inverted: all, or the main model alone, where the others are reduced from it."""
    specs = model_specs(dcm)
    return {MAIN: specs[MAIN]} if dcm.invert == "reduce" else specs


def reduced_models(dcm: Dcm) -> dict[str, Spec]:
    """Those that are reduced from the main model."""
    return {name: spec for name, spec in model_specs(dcm).items() if name != MAIN} if dcm.invert == "reduce" else {}


def model_spec(dcm: Dcm, structure: Structure | None = None) -> Spec:
    """The structure of one model: which connections are free (A), which change (B), what drives what (C).

    Arguments:
        dcm: the main model; regions and inputs are in its order.
        structure: an alternative, whose absent parts are those of the main model; None for the main model itself.

    Without further settings A is full, and B and C are empty. Self-connections are always part of A.
    """
    merged = merge_structures(dcm, structure)
    a: Literal["full"] | Sequence[str] = merged.a if isinstance(merged.a, tuple) else "full"
    return make_spec(dcm.regions, tuple(dcm.inputs), a=a, b=merged.b, c=merged.c)


def make_spec(
    regions: Sequence[str],
    inputs: Sequence[str],
    *,
    a: Literal["full"] | Sequence[str] = "full",
    b: Mapping[str, Sequence[str]] | None = None,
    c: Mapping[str, Sequence[str]] | None = None,
    d: Mapping[str, Sequence[str]] | None = None,
) -> Spec:
    """The structure of a model in words.

    Arguments:
        regions, inputs: names.
        a: connections that exist, as ``"vmPFC <- amygdala"`` (to <- from); "full" for all. Self-connections always do.
        b: input → connections that it changes.
        c: input → regions that it drives.
        d: region → connections that it gates.

    Raises `ValueError`, naming the nearest name there is, where a region or an input is not among the names, and
    `TypeError` where b, c or d is no dictionary.

    >>> make_spec(["V1", "V5"], ["motion"], a=["V5 <- V1"], b={"motion": ["V5 <- V1"]}, c={"motion": ["V1"]})
    Spec(2 regions: V1, V5; 1 input: motion; 3 A, 1 B, 1 C, 0 D)
    """
    for what, names in (("regions", regions), ("inputs", inputs)):
        if isinstance(names, str | set | frozenset):  # letters; an order of chance
            raise ValueError(f"{what} are a list of names in the model's order, not a {type(names).__name__}")
    regions, inputs = [str(name) for name in regions], [str(name) for name in inputs]
    n, m = len(regions), len(inputs)
    masks = {"a": np.eye(n, dtype=bool), "b": np.zeros((n, n, m), bool), "c": np.zeros((n, m), bool)}
    masks["a"] |= np.ones((n, n), dtype=bool) if isinstance(a, str) and a == "full" else _mask(regions, a)
    for name, connections in _items("b", b, "input → connections"):
        masks["b"][:, :, _place(name, inputs, "inputs")] = _mask(regions, connections)
    for name, driven in _items("c", c, "input → regions"):
        if isinstance(driven, str):
            raise ValueError(f"{driven!r} is one text; give a list of regions, as [{driven!r}]")
        if not isinstance(driven, Iterable):
            raise TypeError(f"c: {name} drives a list of regions, not a {type(driven).__name__}")
        masks["c"][[_place(region, regions, "regions") for region in driven], _place(name, inputs, "inputs")] = True
    gates = np.zeros((n, n, n), dtype=bool)
    for name, connections in _items("d", d, "region → connections"):
        gates[:, :, _place(name, regions, "regions")] = _mask(regions, connections)
    return Spec(tuple(regions), tuple(inputs), masks["a"], masks["b"], masks["c"], gates)


def merge_structures(dcm: Structure, structure: Structure | None) -> Structure:
    """An alternative with what it does not say taken from the main model."""
    given = {name: getattr(structure, name, None) for name in Structure.model_fields}
    return Structure(**{name: getattr(dcm, name) if value is None else value for name, value in given.items()})


def _items(field: str, given: Mapping[str, Sequence[str]] | None, what: str) -> Iterable[tuple[str, Sequence[str]]]:
    """What a field says, name by name; masks are for `dcm.Spec`."""
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(f"{field} is a dictionary, {what}, not a {type(given).__name__}; arrays are for Spec(...)")
    return () if given is None else given.items()


def _mask(regions: Sequence[str], connections: Sequence[str]) -> Bool[np.ndarray, "region region"]:
    if isinstance(connections, str):
        raise ValueError(f"{connections!r} is one text; give a list of connections, as ['vmPFC <- amygdala']")
    if not isinstance(connections, Iterable):
        raise TypeError(
            f"connections are a list of texts, as ['vmPFC <- amygdala'], not a {type(connections).__name__}"
        )
    connections = list(connections)  # those of a generator come once
    if odd := [entry for entry in connections if not isinstance(entry, str)]:
        raise TypeError(f"a connection is a text, 'vmPFC <- amygdala', not a {type(odd[0]).__name__}")
    mask = np.zeros((len(regions),) * 2, dtype=bool)
    for connection in connections:
        to, source = (_place(region, regions, "regions") for region in parse_connection(connection))
        mask[to, source] = True
    return mask


def _place(name: str, names: Sequence[str], kind: str) -> int:
    name = str(name)  # pandas calls columns and trial types 0, 1, ... where nobody has named them
    if name not in names:
        raise ValueError(f"{name!r} is none of the {kind}{did_you_mean(name, list(names), kind)}")
    return list(names).index(name)


def inversion_settings(dcm: Dcm) -> Settings:
    """The settings of every inversion of a study."""
    settings = Settings(
        dcm.compat,
        integrator=dcm.integrator,
        noise=dcm.noise,
        priors=dcm.priors,
        starts=dcm.starts,
        seed=dcm.seed,
        max_iterations=dcm.max_iterations,
        tolerance=dcm.tolerance,
        refine=dcm.refine,
    )
    return settings if settings.starts > 1 else replace(settings, seed=0)


def describe_inversion(dcm: Dcm) -> str:
    """The mode in words, and what it comes to."""
    settings = inversion_settings(dcm)
    starts = "1 start" if settings.starts == 1 else f"{settings.starts} starts"
    inputs = "inputs centred" if dcm.centre_inputs else "inputs as presented"
    how = (_EQUATIONS[settings.integrator], _NOISE[settings.noise], _PRIORS[settings.priors], starts, inputs)
    return f"mode {settings.mode(centre_inputs=dcm.centre_inputs)} ({', '.join(how)})"
