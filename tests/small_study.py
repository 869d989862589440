"""A synthetic study that is as small as one can be and still have every stage."""

from __future__ import annotations

from pipeline.synthetic import StudyDesign

TINY = StudyDesign(
    ketamine=5,
    midazolam=3,
    faces_scans=80,
    stroop_scans=0,
    rest_scans=0,
    missing=((2, 2, "faces"),),
    restless=(),
    unsteady=(),
    dropout=None,
)
