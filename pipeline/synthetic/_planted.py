"""Which measures treatment changes in a synthetic study, and how their change goes with improvement in each arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ._circuit import INPUTS, REGIONS, modulation_name
from ._design import AMYGDALA, ARMS, VMPFC, StudyDesign

FACES_CONTRAST, STROOP_CONTRAST = "faces-over-shapes", "conflict"  # as the configuration calls them
CONNECTION = f"connection of {REGIONS[VMPFC]} and {REGIONS[AMYGDALA]}"


@dataclass(frozen=True)
class Planted:
    """A column of the table of measures whose change was made to go with improvement.

    Fields:
        measure: name of the column.
        effect: what was planted, in words; several measures can show the same.
        quantity: what was changed in the brains, such as a parameter of the DCM.
        slopes: arm → change of that quantity per point of improvement.
        unit: of the quantity.
    """

    measure: str
    effect: str
    quantity: str
    slopes: Mapping[str, float]
    unit: str

    def terms(self, arms: tuple[str, str]) -> dict[str, float]:
        """Predictor of a change score → the sign its coefficient should have, +1 or −1.

        Where arms are coded +1 and −1 and slopes are a and b, the change goes with improvement as (a + b)/2, and its
        product with the arm as (a − b)/2; one that is zero is no planted predictor.
        """
        first, second = (self.slopes[arm] for arm in arms)
        change = f"change({self.measure})"
        halves = {change: first + second, f"arm × {change}": first - second}
        return {term: 1.0 if value > 0 else -1.0 for term, value in halves.items() if value}


def planted_measures(design: StudyDesign) -> tuple[Planted, ...]:
    """Those of the tasks that are part of the study, the circuit's first."""
    connections = [(to, REGIONS[to], REGIONS[1 - to]) for to in (AMYGDALA, VMPFC)]
    names = (f"gppi_faces_{FACES_CONTRAST}", f"dcm_B_{INPUTS[1]}")
    circuit = [
        _planted(
            f"{name}_{target}_from_{source}",
            CONNECTION,
            modulation_name(to),
            "Hz",
            [design.slope(to, arm) for arm in ARMS],
        )
        for name in names
        for to, target, source in connections
    ]
    responses = [
        _planted(
            f"response_stroop_{STROOP_CONTRAST}_{region}",
            f"{region}'s response to conflict",
            f"response of {region}, incongruent − congruent",
            "percent",
            [design.response_slope(region, arm) for arm in ARMS],
        )
        for region in ("dACC", "rACC")
    ]
    return (*circuit, *(responses if "stroop" in design.tasks else ()))


def _planted(measure: str, effect: str, quantity: str, unit: str, slopes: list[float]) -> Planted:
    return Planted(measure, effect, quantity, dict(zip(ARMS, slopes, strict=True)), unit)
