"""A synthetic study that is as small as one can be and still have every stage."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from pipeline.synthetic import StudyDesign, write_study

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
SIMPLE = replace(TINY, ketamine=4, missing=())
SIMPLEST = """
[measures]
kinds = ["response", "dcm"]

[predict.mechanism]
outcome = "improvement"
model = "change"
measures = ["dcm_B_*", "response_faces_task_*"]
permutations = 2
bootstraps = 2

[statistics]
outcomes = ["improvement"]
measures = ["dcm_B_*"]
subscales = ["improvement"]
bootstraps = 100
"""


def write_simple_study(folder: Path) -> Path:
    """Writes such a study where it costs least, seven participants in SPM12's mode; its study.toml."""
    file = write_study(folder, design=SIMPLE, seed=1)
    text = file.read_text(encoding="utf-8")
    text = 'compat = "spm12"\n' + text[: text.index("[group.prediction]")] + SIMPLEST
    text = text.replace('noise = "ar1"', 'noise = "ols"')
    for lines in ("contrasts.faces-over-shapes", "[tasks.faces.distances", "between ="):
        text = re.sub(rf"(?m)^{re.escape(lines)}.*\n", "", text)
    file.write_text(text, encoding="utf-8")
    return file
