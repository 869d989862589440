"""The table on disk: read back as it was, repeated byte for byte, and described for every column."""

from __future__ import annotations

import csv
import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from made_up_runs import SESSIONS, posterior_of, predictors_of, run_of, study_of

from features import FeatureError
from pipeline.measures import WHOLE_SAMPLE, FeatureTable, feature_table, read_features, write_features


@pytest.fixture(scope="module")
def table() -> FeatureTable:
    study = study_of(measures={"kinds": ("response", "distance", "dcm")})
    people = predictors_of("ketamine", "midazolam")
    runs = [run_of(who.name, session, "faces") for who in people.participants for session in SESSIONS][:-1]
    return feature_table(study, people, runs, {"sub-01_ses-1": posterior_of(study, 1 / 3)})


def test_it_is_read_back_to_the_last_bit(table: FeatureTable, tmp_path: Path) -> None:
    write_features(table, tmp_path / "features.tsv")
    found = read_features(tmp_path / "features.tsv")
    for field in fields(FeatureTable):
        mine, theirs = getattr(table, field.name), getattr(found, field.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
        else:
            assert mine == theirs, field.name


def test_the_same_table_gives_the_same_bytes(table: FeatureTable, tmp_path: Path) -> None:
    first, second = (write_features(table, tmp_path / name / "features.tsv") for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_every_column_is_described_and_what_is_missing_is_na(table: FeatureTable, tmp_path: Path) -> None:
    path, sidecar = write_features(table, tmp_path / "features.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    described = json.loads(sidecar.read_text(encoding="utf-8"))
    assert list(rows[0])[:3] == ["participant_id", "session", "arm"]
    for name in rows[0]:
        assert described[name]["Description"]
    for one in table.columns:
        said = described[one.name]
        assert (said["Role"], said["Units"]) == (one.role, one.unit)
        assert one.measure is None or said["Motion"] in rows[0]
    assert rows[3]["response_faces_faces-over-shapes_vmPFC"] == "n/a"
    assert described[WHOLE_SAMPLE] == []
    assert described["arm"]["Levels"] == {"ketamine": "coded +1", "midazolam": "coded -1"}
    assert described["GeneratedBy"][0]["Name"] == "effconn"


def test_motion_that_nobody_has_is_not_named(tmp_path: Path) -> None:
    """A sidecar that names a column that is not there would be refused by every prediction."""
    people = predictors_of("ketamine", "midazolam")
    still = np.full(120, np.nan)
    runs = [run_of("sub-01", session, "faces", framewise_displacement=still) for session in SESSIONS]
    _, sidecar = write_features(feature_table(study_of(), people, runs, {}), tmp_path / "features.tsv")
    described = json.loads(sidecar.read_text(encoding="utf-8"))
    assert "motion_faces" not in described
    assert not any("Motion" in one for one in described.values() if isinstance(one, dict))


@pytest.mark.parametrize("damage", ["gone", "no sidecar", "cut", "another", "text in numbers", "no JSON", "a list"])
def test_what_cannot_be_read_is_an_error_with_the_file(table: FeatureTable, tmp_path: Path, damage: str) -> None:
    path, sidecar = write_features(table, tmp_path / "features.tsv")
    text = path.read_text(encoding="utf-8")
    if damage == "gone":
        path.unlink()
    elif damage == "no sidecar":
        sidecar.unlink()
    elif damage == "cut":
        path.write_text(text[: len(text) // 2], encoding="utf-8")
    elif damage == "another":
        path.write_text("participant_id\tage\nsub-01\t3\n", encoding="utf-8")
        sidecar.write_text('{"age": {"Units": "years"}}', encoding="utf-8")
    elif damage == "text in numbers":
        path.write_text(text.replace("n/a", "none"), encoding="utf-8")
    else:
        sidecar.write_text("[]" if damage == "a list" else "{", encoding="utf-8")
    with pytest.raises(FeatureError, match="again") as caught:
        read_features(path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
