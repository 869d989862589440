"""From files to reports: what was planted is found, what is said of the study is true of it.

Every design, and region series as XCP-D and CONN lay them out; in one module, which compiles once what all share.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import effconn
from expected_examples import EXPECTED, OF_IMAGES, OF_TRIALS
from page_text import methods
from series_layouts import write_conn, write_xcpd

from pipeline.synthetic import DESIGNS, write_example

INHIBITION, EXCITATION = "B[amygdala<-vmPFC, faces]", "B[vmPFC<-amygdala, faces]"
SAYS_NOT = (*OF_IMAGES, "treatment", r"\barms?\b", r"\bgiven\b")
DRAWN = ("three-arms",)  # whose pictures are drawn; those of groups and of two sessions are in series of CONN and XCP-D


def test_every_design_is_run() -> None:
    assert [*EXPECTED, "rest"] == list(DESIGNS)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_design_goes_from_files_to_a_report_that_is_true_of_it(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    expected, design = EXPECTED[name], DESIGNS[name]
    if name not in DRAWN:
        request.getfixturevalue("blank_pictures")
    done = effconn("demo", "--design", name, *expected.options, "--out", tmp_path, "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Do the intervals of visits hold what was planted" in done.stderr, "and the other answers of the report"
    results = tmp_path / "results"

    effects = pd.read_csv(results / "tables/truth-effects.tsv", sep="\t")
    planted = effects[effects["planted"] != 0]
    assert (planted["mean"] * planted["planted"] > 0).all()
    assert (planted["verdict"] == "yes").all()
    asked = {f"{each.analysis} {each.effect}" for each in design.asked}
    assert set(effects["analysis"] + " " + effects["effect"]) == asked

    said = methods(results / "report.html")
    for pattern in expected.says:
        assert re.search(pattern, said), (pattern, said)
    for pattern in expected.says_not:
        assert not re.search(pattern, said), (pattern, said)

    facts = tmp_path / "facts.json"
    assert effconn("check", tmp_path / "study.toml", "--json", facts).returncode == 0
    found: dict[str, Any] = json.loads(facts.read_text(encoding="utf-8"))
    assert {key: tuple(part["columns"]) for key, part in found["designs"].items()} == expected.columns
    assert {key: len(part["rows"]) for key, part in found["designs"].items()} == expected.rows
    assert (len(found["visits"]), found["visits"][-1]) == expected.visits
    for visits in found["models"].values():
        assert len(visits[expected.visits[1]]) == expected.runs


@pytest.mark.usefixtures("blank_pictures")
def test_a_study_at_rest_has_no_model_and_shows_what_was_planted(tmp_path: Path) -> None:
    done = effconn("demo", "--design", "rest", "--series", "--out", tmp_path, "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    results = tmp_path / "results"
    answers = json.loads((results / "report.json").read_text(encoding="utf-8"))["answers"]
    verdicts = {answer["question"]: answer["verdict"] for answer in answers}
    assert verdicts["Is what was planted at rest found: patients minus controls?"] == "yes"
    said = methods(results / "report.html")
    assert re.search("8 patients", said)
    for pattern in (*OF_TRIALS, "session", "dynamic causal", "empirical Bayes", "[Ee]vents", "haemodynamic"):
        assert not re.search(pattern, said), (pattern, said)
    facts = tmp_path / "facts.json"
    assert effconn("check", tmp_path / "study.toml", "--json", facts).returncode == 0
    found = json.loads(facts.read_text(encoding="utf-8"))
    assert (found["designs"], found["models"], len(found["visits"])) == ({}, {}, 16)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Series before and after training, which takes 0.6 Hz from what faces change."""
    folder = tmp_path_factory.mktemp("trained")
    write_example(folder, DESIGNS["pre-post"], source="series")
    return folder


@pytest.fixture(scope="module")
def diagnosed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Series of patients and controls, whose inhibition is stronger by 0.6 Hz."""
    folder = tmp_path_factory.mktemp("diagnosed")
    write_example(folder, DESIGNS["case-control"], source="series")
    return folder


def runs(folder: Path) -> Iterator[tuple[str, pd.DataFrame, Path]]:
    """The name of every run, its series, and the file of its events."""
    for path in sorted((folder / "series").glob("*_timeseries.tsv")):
        head = path.name.removesuffix("_timeseries.tsv")
        yield head, pd.read_csv(path, sep="\t"), path.with_name(f"{head}_events.tsv")


def fill_in(study: Path, answers: Mapping[str, str]) -> None:
    """Puts an answer for each line that begins so; there is one of each."""
    lines = study.read_text(encoding="utf-8").splitlines()
    for start, answer in answers.items():
        (place,) = [number for number, line in enumerate(lines) if line.startswith(start)]
        lines[place] = answer
    study.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run_study(study: Path) -> str:
    """Checks a study and runs it to its report; the Methods."""
    for command in (("check", study), ("run", study, "--jobs", "1")):
        done = effconn(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    return methods(study.parent / "results/report.html")


def test_series_of_xcp_d_show_what_training_changed(trained: Path, tmp_path: Path) -> None:
    for head, series, events in runs(trained):
        participant, session, _ = head.split("_")
        place = tmp_path / "xcp_d" / participant / session / "func"
        write_xcpd(place, head, series.to_numpy(), list(series), filters=False, repetition_time=1.5)
        shutil.copy(events, place)
    study = tmp_path / "study/study.toml"
    done = effconn("series", tmp_path / "xcp_d", "--out", study.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = {
        '# inputs.faces = ["faces"]': 'inputs.faces = ["faces"]',
        '# b.faces = ["amygdala <- vmPFC"]': 'b.faces = ["vmPFC <- amygdala", "amygdala <- vmPFC"]',
        'c.task = ["vmPFC"]  # check:': 'c.task = ["vmPFC", "amygdala"]',
        'fields = ["A"]': 'fields = ["B"]',
    }
    fill_in(study, answers)
    said = run_study(study)
    found = pd.read_csv(study.parent / "results/group/mean/effects.tsv", sep="\t").set_index("parameter")
    assert found["mean"][INHIBITION] == pytest.approx(-0.6, abs=0.3)
    assert found["verdict"].to_dict() == {INHIBITION: "yes", EXCITATION: "no difference"}
    for part in ("8 participants", "XCP-D's tables", "change from ses-pre to ses-post", "Repetition time: 1.5 s"):
        assert part in said
    assert not [pattern for pattern in SAYS_NOT if re.search(pattern, said)]


def test_series_of_conn_show_how_groups_differ(diagnosed: Path, tmp_path: Path) -> None:
    study = tmp_path / "study/study.toml"
    (tmp_path / "events").mkdir()
    for head, series, events in runs(diagnosed):
        label = f"{int(head[4:6]):03d}"
        names = ["networks.Salience.PFC (0,42,-12)", "atlas.Amygdala r"]
        write_conn(tmp_path / f"conn/ROI_Subject{label}_Condition000.mat", series.to_numpy(), names)
        shutil.copy(events, tmp_path / f"events/sub-{label}_events.tsv")
    table = pd.read_csv(diagnosed / "participants.tsv", sep="\t")
    table["participant_id"] = [f"sub-{int(label[4:]):03d}" for label in table["participant_id"]]
    study.parent.mkdir()
    table.to_csv(study.with_name("participants.tsv"), sep="\t", index=False)
    where = tmp_path / "events/sub-{participant}_events.tsv"
    done = effconn("series", tmp_path / "conn", "--out", study.parent, "--tr", "1.5", "--events", where)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = {
        "networks-Salience-PFC-0-42--12 = ": 'vmPFC = "networks.Salience.PFC (0,42,-12)"',
        "atlas-Amygdala-r = ": 'amygdala = "atlas.Amygdala r"',
        "# group = ": 'group = "diagnosis"',
        "# groups = ": 'groups = ["patients", "controls"]',
        "regions = [": 'regions = ["vmPFC", "amygdala"]',
        '# inputs.faces = ["faces"]': 'inputs.faces = ["faces"]',
        "# b.faces = [": 'b.faces = ["vmPFC <- amygdala", "amygdala <- vmPFC"]',
        "c.task = [": 'c.task = ["vmPFC", "amygdala"]',
        'fields = ["A"]': 'fields = ["B"]',
        'design = "1"': 'design = "1 + group + age"\ncontrasts.diagnosis = "patients - controls"',
    }
    fill_in(study, answers)
    said = run_study(study)
    found = pd.read_csv(study.parent / "results/group/mean/contrasts.tsv", sep="\t").set_index("parameter")
    assert found["mean"][INHIBITION] == pytest.approx(0.6, abs=0.3)
    assert found["verdict"][INHIBITION] == "yes"
    for part in ("8 patients", "8 controls", "CONN's files of regions", "vmPFC (networks.Salience.PFC (0,42,-12))"):
        assert part in said
    assert not [pattern for pattern in (*SAYS_NOT, "session") if re.search(pattern, said)]
