"""Region series of a task with known connectivity, as files that studies of series are tested with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from dcm import simulate
from pipeline.series import inputs_from_events
from pipeline.study import make_spec

SCANS, TR = 80, 1.5  # as the smallest synthetic study, whose compiled code this shares
B = "B[amygdala<-vmPFC, faces]"
TRUE = {
    "A[amygdala<-vmPFC]": 0.2,
    "A[vmPFC<-amygdala]": -0.2,
    "C[vmPFC<-task]": 0.4,
    "C[amygdala<-task]": 0.3,
}
STUDY = """
compat = "spm12"

[study]
name = "Faces, from series"

[series]
files = {files}
unit = "{unit}"
regions = {{ vmPFC = "LH_PFC_1", amygdala = "AMY" }}
{more}

[participants]
table = "participants.tsv"
arm = "arm"
arms = ["drug", "placebo"]

[sessions]
before = "ses-pre"
after = "ses-post"

[tasks.faces]
conditions.faces = ["faces"]
conditions.shapes = ["shapes"]
contrasts.faces-over-shapes = "faces - shapes"

[dcm]
task = "faces"
regions = ["vmPFC", "amygdala"]
inputs.task = ["faces", "shapes"]
inputs.faces = ["faces"]
a = "full"
b.faces = ["vmPFC <- amygdala", "amygdala <- vmPFC"]
c.task = ["vmPFC", "amygdala"]

[group.arms]
analysis = "arms"

[measures]
kinds = ["response", "gppi", "dcm"]
"""


def events() -> pd.DataFrame:
    """Blocks of 12 s, faces and shapes in turn."""
    onsets = np.arange(4.0, SCANS * TR - 12, 16.0)
    kinds = [("faces", "shapes")[position % 2] for position in range(onsets.size)]
    return pd.DataFrame({"onset": onsets, "duration": 12.0, "trial_type": kinds})


def task_series(modulation: float, seed: int, snr: float = 3.0) -> np.ndarray:
    """(scan, region) of vmPFC and amygdala in percent, whose connection faces change by `modulation` Hz."""
    inputs = inputs_from_events(events(), SCANS, TR, inputs={"task": ["faces", "shapes"], "faces": ["faces"]})
    spec = make_spec(
        ["vmPFC", "amygdala"],
        ["task", "faces"],
        b={"faces": ["vmPFC <- amygdala", "amygdala <- vmPFC"]},
        c={"task": ["vmPFC", "amygdala"]},
    )
    run = simulate(
        spec, {**TRUE, B: modulation}, inputs.to_numpy(), TR / 16, TR, snr=snr, seed=seed, delays=np.full(2, TR / 2)
    )
    return np.asarray(run.data.bold)


def write_study(folder: Path, files: str, unit: str = "percent", more: str = "") -> Path:
    """Writes the configuration, the table of participants, and events of all of them; the configuration's path."""
    text = STUDY.format(files=files, unit=unit, more=more)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder / "study.toml"


def write_participants(folder: Path, arms: dict[str, str]) -> None:
    """Writes the table of participants, by their labels, and events of all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"participant_id": list(arms), "arm": list(arms.values())})
    table.to_csv(folder / "participants.tsv", sep="\t", index=False)
    events().to_csv(folder / "task-faces_events.tsv", sep="\t", index=False)
