"""The target circuit: six regions of the Harvard-Oxford atlas, cut to what the field calls them.

The masks that the ketamine study used are not published. These are defaults with stated limits, in mm of MNI space, and
no claim to be the same; `threshold`, `box` and `hemisphere` of a region change them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..study import Box

ATLAS = "harvard_oxford"
CORTEX, NUCLEUS = 0.25, 0.5  # of certainty


@dataclass(frozen=True)
class Definition:
    """One region: labels without their side, threshold as a share of certainty, and limits."""

    labels: tuple[str, ...]
    threshold: float
    box: Box | None = None


CIRCUIT = {
    # Before the genu's front edge the anterior cingulate is "rostral"; above the callosum's body "dorsal".
    "dACC": Definition(
        ("Cingulate_Gyrus_anterior_division", "Paracingulate_Gyrus"), CORTEX, Box(y=(0, 30), z=(15, 60))
    ),
    "rACC": Definition(
        ("Cingulate_Gyrus_anterior_division", "Paracingulate_Gyrus"), CORTEX, Box(y=(30.001, 60), z=(-5, 30))
    ),
    "vmPFC": Definition(("Frontal_Medial_Cortex", "Subcallosal_Cortex"), CORTEX, Box(y=(20, 70), z=(-40, -5.001))),
    # The uncal apex, y = −21, parts anterior from posterior (Poppenk et al. 2013, Trends Cogn Sci 17, 230–240).
    "hippocampus": Definition(("Hippocampus",), NUCLEUS, Box(y=(-21, 0))),
    # The central sulcus of the insula meets its middle near y = 0.
    "insula": Definition(("Insular_Cortex",), CORTEX, Box(y=(0, 40))),
    "amygdala": Definition(("Amygdala",), NUCLEUS),
}


def circuit_labels(definition: Definition, hemisphere: str) -> tuple[str, ...]:
    """Labels with their side."""
    sides = {"both": ("Left", "Right"), "left": ("Left",), "right": ("Right",)}[hemisphere]
    return tuple(f"{side}_{label}" for label in definition.labels for side in sides)
