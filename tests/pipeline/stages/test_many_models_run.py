"""Sixty-four models of eight regions: from series to a report that says which connections the input changes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import effconn
from page_text import methods

from dcm import SerialNoise, simulate
from pipeline.study import make_spec

SCANS, TR, BINS = 80, 1.5, 16
REGIONS = [f"R{number}" for number in range(1, 9)]
RING = [f"{to} <- {source}" for source, to in zip(REGIONS, [*REGIONS[1:], REGIONS[0]], strict=True)]
SWITCHED = RING[:6]
CHANGED = {"B[R2<-R1, faces]": 0.8, "B[R4<-R3, faces]": -0.7, "B[R6<-R5, faces]": 0.8}  # Hz; the others are not
STUDY = f"""
[study]
name = "A ring of eight regions"

[series]
files = "series/sub-{{participant}}_task-faces.tsv"
unit = "percent"
regions = {json.dumps(REGIONS)}
events = "events.tsv"
repetition_time = {TR}

[tasks.faces]
conditions.faces = ["faces"]
conditions.shapes = ["shapes"]

[dcm]
task = "faces"
regions = {json.dumps(REGIONS)}
inputs.task = ["faces", "shapes"]
inputs.faces = ["faces"]
a = {json.dumps(RING)}
b.faces = {json.dumps(SWITCHED)}
c.task = ["R1", "R3", "R5"]
integrator = "bilinear"                    # which is compiled sooner
starts = 1
switch.b.faces = {json.dumps(SWITCHED)}

[group.mean]
fields = ["B"]

[measures]
kinds = []
"""


def write_ring(folder: Path) -> None:
    """Writes the series of four participants, one paradigm, and the study."""
    kinds = [("faces", "shapes")[block % 2] for block in range(7)]
    onsets = [4.0 + 16 * block for block in range(7)]
    events = pd.DataFrame({"onset": onsets, "duration": 12.0, "trial_type": kinds})
    events.to_csv(folder / "events.tsv", sep="\t", index=False)
    seconds = np.arange(SCANS * BINS) * TR / BINS
    on = {
        kind: np.any(
            [
                (seconds >= start) & (seconds < start + 12)
                for start, own in zip(onsets, kinds, strict=True)
                if own == kind
            ],
            0,
        )
        for kind in ("faces", "shapes")
    }
    inputs = np.column_stack([on["faces"] | on["shapes"], on["faces"]]).astype(float)
    spec = make_spec(REGIONS, ["task", "faces"], a=RING, b={"faces": SWITCHED}, c={"task": ["R1", "R3", "R5"]})
    (folder / "series").mkdir()
    for number in range(1, 5):
        random = np.random.default_rng(number)
        true = {f"A[{name.replace(' ', '')}]": 0.3 + 0.05 * random.standard_normal() for name in RING}
        true |= {f"C[{region}<-task]": 0.6 for region in ("R1", "R3", "R5")}
        true |= {name: size + 0.05 * random.standard_normal() for name, size in CHANGED.items()}
        made = simulate(spec, true, inputs, TR / BINS, TR, snr=3.0, seed=number, noise=SerialNoise())
        table = pd.DataFrame(np.asarray(made.data.bold), columns=REGIONS)
        table.to_csv(folder / f"series/sub-{number:02d}_task-faces.tsv", sep="\t", index=False)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")


@pytest.mark.usefixtures("blank_pictures")
def test_of_sixty_four_models_of_eight_regions_the_report_says_what_the_input_changes(tmp_path: Path) -> None:
    write_ring(tmp_path)
    for command in (("check", tmp_path / "study.toml"), ("run", tmp_path / "study.toml", "--jobs", "1")):
        done = effconn(*command)
        assert done.returncode == 0, done.stdout + done.stderr

    compared = tmp_path / "results/group/models"
    families = pd.read_csv(compared / "families.tsv", sep="\t").set_index("connection")
    assert [name for name, nats in families["difference"].items() if nats > 3] == list(CHANGED)
    assert (families["difference"].drop(list(CHANGED)) < -3).all()
    assert (families["with"] == 32).all()
    models = pd.read_csv(compared / "models.tsv", sep="\t").set_index("model")
    assert len(models) == 64
    assert models["log_evidence"].idxmax() == "switch-101010"
    checked = pd.read_csv(compared / "reductions.tsv", sep="\t")
    assert checked["model"][0] == "switch-101010"
    assert (checked["inverted"] - checked["reduced"]).abs().max() < 2  # nats, of four participants
    effects = pd.read_csv(tmp_path / "results/group/mean/effects.tsv", sep="\t").set_index("parameter")
    for name, size in CHANGED.items():
        assert effects["mean"][name] == pytest.approx(size, abs=0.25)
    said = methods(tmp_path / "results/report.html")
    for part in ("63 models that lack some or all of the connections that are switched", "reduced from the posterior"):
        assert part in said
    (answer,) = [
        answer["answer"]
        for answer in json.loads((tmp_path / "results/report.json").read_text(encoding="utf-8"))["answers"]
        if answer["question"] == "Which connections are there on average?"
    ]
    for words in ("R5 excite R6 more", "R3 inhibit R4 more", "R1 excite R2 more"):
        assert words in answer
