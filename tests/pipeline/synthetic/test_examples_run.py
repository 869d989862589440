"""Every design from files to its report: what was planted is found, what is said of the study is true of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import effconn
from page_text import methods

from pipeline.synthetic import DESIGNS

OF_TRIALS = (r"\barms?\b", "treatment", r"\bgiven\b", r"\bafter\b", "randomi[sz]ed")
# Whose pictures are drawn. test_series_layouts_run.py draws those of groups and of two sessions.
DRAWN = ("three-arms",)
OF_IMAGES = ("fMRIPrep", "voxel", "eigenvariate")


@dataclass(frozen=True)
class Expected:
    """What a design's check and report must say.

    Fields:
        columns: analysis → columns of its design.
        rows: analysis → number of its rows.
        visits: how many, and the last.
        runs: of the last visit.
        says: patterns that the Methods hold.
        says_not: patterns that they do not.
    """

    columns: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]
    visits: tuple[int, str]
    says: tuple[str, ...]
    says_not: tuple[str, ...] = OF_TRIALS
    runs: int = 1
    options: tuple[str, ...] = field(default=("--series",))


EXPECTED = {
    "case-control": Expected(
        {"diagnosis": ("mean", "group[patients]", "age")},
        {"diagnosis": 16},
        (16, "sub-16"),
        ("8 patients", "8 controls"),
        (*OF_TRIALS, "session", *OF_IMAGES),
    ),
    "one-group": Expected(
        {"faces": ("mean",)},
        {"faces": 8},
        (8, "sub-08"),
        ("8 participants", "[Rr]egion series"),
        (*OF_TRIALS, *OF_IMAGES, "session", "controls"),
    ),
    "covariates": Expected(
        {"severity": ("mean", "severity", "age")}, {"severity": 12}, (12, "sub-12"), ("12 participants", "severity")
    ),
    "pre-post": Expected(
        {"training": ("mean",), "before": ("mean",)},
        {"training": 8, "before": 8},
        (16, "sub-08_ses-post"),
        ("8 participants", "ses-pre", "ses-post"),
        (r"\barms?\b", "treatment", r"\bgiven\b"),
    ),
    "three-arms": Expected(
        {"drugs": ("mean", "arm[ketamine]", "arm[midazolam]")},
        {"drugs": 18},
        (36, "sub-18_ses-2"),
        ("6 ketamine", "6 midazolam", "6 saline"),
        OF_IMAGES,
    ),
    "longitudinal": Expected(
        {"course": ("mean", "session[ses-2]", "session[ses-3]"), "late": ("mean",)},
        {"course": 25, "late": 8},
        (27, "sub-09_ses-3"),
        ("9 participants", "2 were missing"),
        (r"\barms?\b", "treatment", r"\bgiven\b"),
    ),
    "crossover": Expected(
        {"drug": ("mean", "sequence[ketamine-first]"), "visits": ("mean", "drug[ketamine]", "period")},
        {"drug": 10, "visits": 20},
        (20, "sub-10_ses-2"),
        ("10 participants", "ketamine", "placebo"),
        (r"\barms?\b", "treatment", r"\bgiven\b"),
    ),
    "multi-run": Expected(
        {"concatenated": ("mean",), "averaged": ("mean",)},
        {"concatenated": 6, "averaged": 6},
        (6, "sub-06"),
        ("6 participants", "18 runs", "concatenated", "averaged?"),
        runs=3,
    ),
    "sites": Expected(
        {"diagnosis": ("mean", "group[patients]", "site[south]")},
        {"diagnosis": 16},
        (16, "sub-16"),
        ("8 patients", r"1\.5", r"2(\.0)? s"),
    ),
    "series-only": Expected(
        {"diagnosis": ("mean", "group[patients]", "age")},
        {"diagnosis": 16},
        (16, "sub-16"),
        ("8 patients", "[Rr]egion series"),
        (*OF_TRIALS, *OF_IMAGES),
        options=(),
    ),
    "modulator": Expected(  # from images: inputs like no other's are a compilation of their own anyway
        {"intensity": ("mean",)},
        {"intensity": 8},
        (8, "sub-08"),
        ("8 participants", "intensity", "fMRIPrep", "eigenvariate"),
        (*OF_TRIALS, "session"),
        options=(),
    ),
}


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
