"""A small valid configuration, and what a changed one says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.study import StudyError, read_study

TEXT = """\
#:schema study.schema.json
[study]
name = "A trial"
bids = "bids"
derivatives = "bids/derivatives/fmriprep"

[participants]
arms = ["ketamine", "midazolam"]

[sessions]
before = "ses-1"
after = "ses-2"

[scores.improvement]
table = "bids/phenotype/caps5.tsv"
column = "total"
take = "fall"

[tasks.faces.conditions]
faces = ["fearful", "neutral"]
shapes = ["shapes"]
[tasks.faces.modulators.speed]
condition = "faces"
column = "response_time"
[tasks.faces.contrasts]
faces-over-shapes = "faces - shapes"

[tasks.rest]
rest = true

[confounds]
strategy = ["motion", "compcor"]
n_compcor = 6

[regions.vmPFC]
sphere = { centre = [0, 42, -12], radius = 8 }
[regions.amygdala]
mask = "masks/amygdala.nii.gz"
threshold = 0.3
[regions.hippocampus]
preset = "target-circuit"
[regions.insula]
atlas = "atlas.nii.gz"
labels = ["Insula"]
box = { y = [0, 30] }

[dcm]
task = "faces"
regions = ["vmPFC", "amygdala"]
inputs.task = ["faces", "shapes"]
inputs.faces = ["faces"]
a = ["vmPFC <- amygdala", "amygdala <- vmPFC"]
b.faces = ["vmPFC <- amygdala", "amygdala <- vmPFC"]
c.task = ["vmPFC", "amygdala"]
[dcm.models.top-down]
b.faces = ["vmPFC -> amygdala"]

[group.arms]
analysis = "arms"
covariates = ["improvement"]
interactions = ["arm:improvement"]
[group.prediction]
analysis = "leave-one-out"
predict = "improvement"
[group.chance]
analysis = "permute"
predict = "improvement"
permutations = 199
"""

Mistakes = Callable[..., tuple[str, ...]]


@pytest.fixture
def study_text() -> str:
    """A configuration in which everything is right."""
    return TEXT


@pytest.fixture
def mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mistakes:
    """What is said of a configuration: `mistakes(text)`, none where it is right."""
    monkeypatch.chdir(tmp_path)

    def read(text: str | bytes) -> tuple[str, ...]:
        Path("study.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            read_study("study.toml")
        except StudyError as error:
            return error.lines
        return ()

    return read
