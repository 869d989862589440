"""The participants of an example: their columns, their visits, and what is planted in each visit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from dcm import Parameters, Spec, prior

from ..study import make_spec
from ._example_design import EXCITATION, INHIBITION, SESSION, CircuitModel, ExampleDesign, PlantedEffect
from ._planted_effects import HAEMODYNAMIC_SD, LEAST_DECAY, SELF_SD

CONNECTION, CONNECTION_SD = 0.1, 0.1  # A between regions, Hz: mean, and standard deviation between participants
DRIVE, DRIVE_SD = 0.4, 0.08  # C, Hz · 16
MODULATION_SD = 0.1  # of B between participants, Hz
RETEST_SD = 0.03  # of A and B from visit to visit of a participant, Hz


@dataclass(frozen=True, eq=False)
class ExampleVisit:
    """A participant in a session.

    Fields:
        participant: such as ``sub-01``.
        session: such as ``ses-1``; None where there are none.
        columns: what differs between visits of one participant, such as the drug.
        planted: parameter → value.
    """

    participant: str
    session: str | None
    columns: Mapping[str, str]
    planted: Mapping[str, float]

    @property
    def label(self) -> str:
        """Such as ``sub-01_ses-1``."""
        return "_".join(part for part in (self.participant, self.session) if part)


@dataclass(frozen=True, eq=False)
class ExampleParticipant:
    """One participant.

    Fields:
        number, name: such as 1 and ``sub-01``.
        group: its group; None where there are none.
        columns: of the participants' table.
        visits: those that were.
    """

    number: int
    name: str
    group: str | None
    columns: Mapping[str, str | float]
    visits: tuple[ExampleVisit, ...]


def circuit_spec(model: CircuitModel) -> Spec:
    """The DCM as it is inverted; A is full."""
    b = {name: [f"{to} <- {source}" for to, source in pairs] for name, pairs in model.b.items()}
    return make_spec(list(model.regions), list(model.inputs), b=b, c={name: list(c) for name, c in model.c.items()})


def free_parameters(spec: Spec) -> list[str]:
    """Names of the parameters that an inversion estimates."""
    return [spec.parameter_names[i] for i in np.flatnonzero(np.diag(prior(spec).covariance)).tolist()]


def draw_example(design: ExampleDesign, seed: int) -> tuple[ExampleParticipant, ...]:
    """All participants, the first group's first.

    Numbers are the evenly spaced quantiles of one normal distribution in each group, dealt out by chance: so that what
    can be estimated does not depend on the seed.
    """
    rng = np.random.default_rng([seed, 0])
    numbers = {
        name: np.concatenate([_spread(mean, sd, design.size, rng) for _ in design.groups or ("",)])
        for name, (mean, sd) in design.numbers.items()
    }
    centres = {name: float(values.mean()) for name, values in numbers.items()}
    found = []
    for position, (group, place) in enumerate(_places(design)):
        columns = {design.group_column: group} if group else {}
        columns |= {name: levels[place % len(levels)] for name, levels in design.factors.items()}
        if design.drugs:
            columns["sequence"] = list(design.drugs)[place % len(design.drugs)]
        own = {name: float(values[position]) for name, values in numbers.items()}
        name = f"sub-{position + 1:02d}"
        about = {name: value - centres[name] for name, value in own.items()}
        visits = _visits(design, name, position + 1, columns, about, np.random.default_rng([seed, position + 1]))
        found.append(ExampleParticipant(position + 1, name, group or None, {**columns, **own}, visits))
    return tuple(found)


def _places(design: ExampleDesign) -> Iterator[tuple[str, int]]:
    """Group, and place in it, of every participant."""
    for group in design.groups or ("",):
        for place in range(design.size):
            yield group, place


def _spread(mean: float, sd: float, count: int, rng: np.random.Generator) -> np.ndarray:
    quantiles = stats.norm.ppf((np.arange(count) + 0.5) / count)
    return rng.permutation(np.round(mean + sd * quantiles, 1))


def _visits(
    design: ExampleDesign,
    name: str,
    number: int,
    columns: Mapping[str, str],
    about: Mapping[str, float],
    rng: np.random.Generator,
) -> tuple[ExampleVisit, ...]:
    """Every visit that was, with what is planted; drawn again where activity would run away in any."""
    own = [_visit_columns(design, columns, place) for place in range(len(design.session_labels))]
    if design.rest:
        planted: list[dict[str, float]] = [{} for _ in own]
    else:
        planted = _planted(design, [dict(columns) | visit for visit in own], about, rng)
    return tuple(
        ExampleVisit(name, session, {key: cell for key, cell in visit.items() if key != SESSION}, values)
        for session, visit, values in zip(design.session_labels, own, planted, strict=True)
        if (number, session) not in design.missing
    )


def _visit_columns(design: ExampleDesign, columns: Mapping[str, str], place: int) -> dict[str, str]:
    session = design.session_labels[place]
    own = {} if session is None else {SESSION: session}
    if design.drugs:
        own |= {"drug": design.drugs[columns["sequence"]][place], "period": f"{place + 1}"}
    return own


def _planted(
    design: ExampleDesign, visits: list[dict[str, str]], about: Mapping[str, float], rng: np.random.Generator
) -> list[dict[str, float]]:
    spec = circuit_spec(design.model)
    names = free_parameters(spec)
    means = np.array([_mean(design, name) for name in names])
    sds = np.array([_sd(name) for name in names])
    varying = np.array([RETEST_SD if name[:2] in ("A[", "B[") and not _is_self(name) else 0.0 for name in names])
    while True:
        own = rng.normal(means, sds)
        drawn = [dict(zip(names, (own + rng.normal(0.0, varying)).tolist(), strict=True)) for _ in visits]
        planted = [
            {name: value + expected_effect(design, visit, about, name) for name, value in values.items()}
            for values, visit in zip(drawn, visits, strict=True)
        ]
        if all(_slowest_decay(spec, spec.parameters(values)) > LEAST_DECAY for values in planted):
            return planted


def expected_effect(
    design: ExampleDesign, columns: Mapping[str, str], about: Mapping[str, float], parameter: str
) -> float:
    """What the planted effects add to a parameter in a visit, Hz.

    Arguments:
        columns: of the participant and the visit.
        about: numbers of the participant, minus their means.
    """
    return sum(_part(effect, columns, about) for effect in design.effects if effect.parameter == parameter)


def _part(effect: PlantedEffect, columns: Mapping[str, str], about: Mapping[str, float]) -> float:
    if any(columns.get(column) != level for column, level in effect.levels.items()):
        return 0.0
    return effect.size * (1.0 if effect.number is None else about[effect.number])


def _mean(design: ExampleDesign, name: str) -> float:
    """Over participants, where nothing is added."""
    if name in (EXCITATION, INHIBITION):
        return design.modulation[(EXCITATION, INHIBITION).index(name)]
    if name.startswith("C["):
        return DRIVE
    return CONNECTION if name.startswith("A[") and not _is_self(name) else 0.0


def _sd(name: str) -> float:
    """Between participants."""
    if name.startswith("A["):
        return SELF_SD if _is_self(name) else CONNECTION_SD
    return {"B": MODULATION_SD, "C": DRIVE_SD}.get(name[0] if name[1:2] == "[" else "", HAEMODYNAMIC_SD)


def _is_self(name: str) -> bool:
    to, _, source = name[name.index("[") + 1 : -1].partition(",")[0].partition("<-")
    return to == source


def _slowest_decay(spec: Spec, planted: Parameters) -> float:
    """Rate, 1/s, at which the slowest pattern of activity dies away, whichever one of the inputs is on, or none."""
    rates = []
    for state in (np.zeros(spec.m), *np.eye(spec.m)):
        E = np.asarray(planted.A) + np.asarray(planted.B) @ state
        np.fill_diagonal(E, -0.5 * np.exp(np.diag(np.asarray(planted.A))))
        rates.append(-np.linalg.eigvals(E).real.max())
    return float(min(rates))
