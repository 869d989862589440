"""From VOIs and SPM.mat to a page: `specify`, `invert` in SPM's mode, `peb fit`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from command_line import effconn
from series_study import SCANS, TR, B, events, task_series

from pipeline.images import cosine_drifts

Save = Callable[..., Path]
BINS = 16
GROUPS = ("patients", "controls")
CHANGE = {"patients": 0.8, "controls": 0.0}  # Hz, of what faces change
MODEL = """\
[dcm]
regions = ["vmPFC", "amygdala"]
inputs.task = ["faces", "shapes"]
inputs.faces = ["faces"]
a = "full"
b.faces = ["vmPFC <- amygdala", "amygdala <- vmPFC"]
c.task = ["vmPFC", "amygdala"]
delays = 0.75
"""


def first_level(cells: Any) -> dict[str, Any]:
    """The SPM struct of a session: its inputs begin 32 bins before the first scan."""
    conditions = np.empty((1, 2), dtype=[("name", object), ("u", object), ("dt", object)])
    shown, width = events(), TR / BINS
    for place, name in enumerate(("faces", "shapes")):
        course = np.zeros((SCANS * BINS + 32, 1))
        for onset in shown["onset"][shown["trial_type"] == name]:
            course[32 + round(onset / width) : 32 + round((onset + 12.0) / width)] = 1
        conditions[0, place] = (cells(name), scipy.sparse.csc_array(course), width)
    session = np.empty((1, 1), dtype=[("U", object)])
    session[0, 0] = (conditions,)
    return {"xY": {"RT": TR}, "Sess": session}


@pytest.mark.usefixtures("blank_pictures")
def test_a_group_of_vois_is_specified_inverted_and_compared(save_v7: Save, cells: Any, tmp_path: Path) -> None:
    participants = [(f"sub-{number:02d}", GROUPS[number % 2]) for number in range(1, 9)]
    drifts = np.column_stack([np.ones(SCANS), cosine_drifts(SCANS, TR, 128.0)])
    for number, (name, group) in enumerate(participants):
        series = task_series(CHANGE[group], seed=number)
        for place, region in enumerate(("vmPFC", "amygdala")):
            own = {"u": series[:, [place]], "X0": drifts, "name": region, "Sess": 1.0, "xyz": np.full((3, 1), 2.0)}
            save_v7(f"spm/{name}/VOI_{region}_1.mat", xY=own)
        save_v7(f"spm/{name}/SPM.mat", SPM=first_level(cells))
    (tmp_path / "model.toml").write_text(MODEL, encoding="utf-8")
    table = pd.DataFrame(participants, columns=["participant_id", "group"])
    table.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)

    out, group = tmp_path / "inverted", tmp_path / "group"
    formula = ("--formula", "1 + group", "--reference", "group=controls", "--contrast", "diagnosis=patients - controls")
    design = ("--design", tmp_path / "participants.tsv", "--fields", "B", *formula)
    for command in (
        ("specify", tmp_path / "model.toml", tmp_path / "spm", "--out", tmp_path / "dcm"),
        ("invert", tmp_path / "dcm", "--compat", "spm12", "--out", out),
        ("peb", "fit", out, "--compat", "spm12", *design, "--out", group),
    ):
        done = effconn(*command)
        assert done.returncode == 0, done.stdout + done.stderr

    found = pd.read_csv(group / "contrasts.tsv", sep="\t").set_index("parameter")
    assert found["mean"][B] == pytest.approx(CHANGE["patients"] - CHANGE["controls"], abs=0.25)
    assert found["verdict"].to_dict() == {B: "yes", "B[vmPFC<-amygdala, faces]": "no difference"}
    page = (group / "group.html").read_text(encoding="utf-8")
    assert "Faces make vmPFC excite amygdala more in patients than in controls." in page
    assert "first-level results of mode spm12" in page
    assert (group / "PEB_group.mat").is_file()
