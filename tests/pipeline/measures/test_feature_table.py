"""The table of measures: its rows and columns, and the files that it is written to and read from."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from made_up_runs import REGIONS, SESSIONS, posterior_of, predictors_of, run_of, study_of

from features import FeatureError
from pipeline.bids import Inventory
from pipeline.images import Extraction
from pipeline.measures import (
    WHOLE_SAMPLE,
    FeatureTable,
    changes_of_measures,
    feature_table,
    missingness,
    planned_measures,
    read_features,
    write_features,
)
from pipeline.study import Measures, Study

STUDY = study_of()
PEOPLE = predictors_of("ketamine", "midazolam", "ketamine")


def runs_of(inventory: Inventory, tasks: Sequence[str] = ("faces", "rest")) -> list[Extraction]:
    visits = [
        (participant.name, session, task)
        for participant in inventory.participants
        for session in SESSIONS
        for task in tasks
    ]
    return [run_of(*visit, seed=seed) for seed, visit in enumerate(visits)]


@pytest.fixture(scope="module")
def runs() -> list[Extraction]:
    return runs_of(PEOPLE)


def only(*kinds: str) -> Study:
    return study_of(measures={"kinds": kinds})


@pytest.fixture(scope="module")
def table(runs: list[Extraction]) -> FeatureTable:
    posteriors = {
        f"{participant.name}_{session}": posterior_of(STUDY, 1.0)
        for participant in PEOPLE.participants
        for session in SESSIONS
    }
    return feature_table(STUDY, PEOPLE, runs, {"": posteriors})


def test_everybody_has_a_row_for_each_session_and_every_planned_measure_a_column(table: FeatureTable) -> None:
    assert list(zip(table.participants, table.sessions, strict=True)) == [
        (f"sub-0{i}", session) for i in (1, 2, 3) for session in SESSIONS
    ]
    assert table.groups == ("ketamine", "ketamine", "midazolam", "midazolam", "ketamine", "ketamine")
    assert table.measures == planned_measures(STUDY)
    assert [column.name for column in table.columns if column.role != "measure"] == [
        "motion_faces",
        "motion_rest",
        "improvement",
        "age",
    ]
    assert np.isfinite(table.values[:, : len(table.measures)]).all()


def test_a_run_that_is_not_there_leaves_its_measures_missing_and_nothing_else(
    table: FeatureTable, runs: list[Extraction]
) -> None:
    gone = next(run for run in runs if run.label == "sub-02_ses-2_task-faces")
    posteriors = {
        f"{participant.name}_{session}": posterior_of(STUDY, 1.0)
        for participant in PEOPLE.participants
        for session in SESSIONS
    }
    del posteriors["sub-02_ses-2"]
    found = feature_table(STUDY, PEOPLE, [run for run in runs if run is not gone], {"": posteriors})
    expected = table.values.copy()
    faces = [
        i
        for i, column in enumerate(table.columns)
        if (column.measure and column.measure.task == "faces") or column.name == "motion_faces"
    ]
    expected[3, faces] = np.nan
    np.testing.assert_array_equal(found.values, expected)


def test_what_a_run_cannot_give_is_missing_in_that_run_alone(runs: list[Extraction]) -> None:
    study = only("rest", "response")
    short = replace(runs[1], means=runs[1].means[:6], design=runs[1].design[:6])
    assert short.task == "rest"
    found = feature_table(study, PEOPLE, [runs[0], short, *runs[2:]], {})
    gaps = np.isnan(found.values[:, found.columns_of("measure")])
    kinds = np.array([measure.kind for measure in found.measures])
    assert gaps[0, kinds == "rest"].all()
    assert not gaps[1:].any()
    assert not gaps[:, kinds == "response"].any()
    assert any(line.startswith(f"{short.label}: no rest:") for line in found.remarks)


def test_a_distance_that_a_run_lacks_is_told_with_its_note(runs: list[Extraction]) -> None:
    note = "distance category: faces is in one half only"
    bare = replace(runs[0], distances=np.full((1, 3), np.nan), notes=(note,))
    found = feature_table(only("distance"), PEOPLE, [bare, *runs[1:]], {})
    np.testing.assert_array_equal(
        np.isnan(found.values[:, found.columns_of("measure")]).any(axis=1), [True] + [False] * 5
    )
    assert found.remarks == (f"{bare.label}: {note}",)


def test_what_nobody_has_is_no_column_but_a_remark(runs: list[Extraction]) -> None:
    faces = [run for run in runs if run.task == "faces"]
    found = feature_table(only("response", "rest"), PEOPLE, faces, {})
    assert {measure.kind for measure in found.measures} == {"response"}
    assert found.remarks == ("rest of rest: 3 measures that no participant has are left out",)


def test_visits_that_are_not_inverted_are_counted(runs: list[Extraction]) -> None:
    study = only("response", "dcm")
    found = feature_table(study, PEOPLE, runs, {"": {"sub-01_ses-1": posterior_of(study, 0.0)}})
    np.testing.assert_array_equal(np.isnan(found.column("dcm_B_faces_vmPFC_from_amygdala")), [False] + [True] * 5)
    assert [line for line in found.remarks if line.startswith("5 of 6 visits have no inverted model")]
    none = feature_table(study, PEOPLE, runs, {})
    assert {measure.kind for measure in none.measures} == {"response"}
    assert len(none.remarks) == 1


def test_scores_and_numbers_of_the_participants_stand_in_both_rows(table: FeatureTable) -> None:
    np.testing.assert_array_equal(table.column("improvement"), [10, 10, 11, 11, 12, 12])
    np.testing.assert_array_equal(table.column("age"), [30, 30, 31, 31, np.nan, np.nan])


def test_a_column_of_the_participants_does_not_take_anothers_name(runs: list[Extraction]) -> None:
    own = {"motion_faces": "1", "session": "2", "Study": "3", "Remarks": "4", "arm": "1"}
    people = tuple(replace(participant, values={**own, **participant.values}) for participant in PEOPLE.participants)
    found = feature_table(only("response"), replace(PEOPLE, participants=people), runs, {})
    names = [column.name for column in found.columns]
    assert len(set(names)) == len(names)
    assert not set(own) & set(names) - {"motion_faces"}
    assert sum("is the name of another column" in line for line in found.remarks) == 4  # the arm is where it should be


def test_motion_is_that_of_the_measures_own_run(table: FeatureTable, runs: list[Extraction]) -> None:
    assert {measure.motion for measure in table.measures} == {"motion_faces", "motion_rest"}
    expected = [np.nanmean(run.framewise_displacement) for run in runs if run.task == "rest"]
    np.testing.assert_allclose(table.column("motion_rest"), expected, rtol=1e-14)


def test_parameters_of_the_dcm_are_posterior_means_of_the_fields_asked_for() -> None:
    study = study_of(measures={"kinds": ("dcm",), "dcm_fields": ("A", "B", "C")})
    posterior = posterior_of(study, 2.0)
    found = feature_table(study, PEOPLE, [], {"": {"sub-01_ses-1": posterior}})
    values = dict(zip([column.name for column in found.columns], found.values[0], strict=True))
    tree = posterior.parameters
    assert values["dcm_A_vmPFC_from_amygdala"] == tree.A[0, 1]
    assert values["dcm_A_amygdala_from_amygdala"] == tree.A[1, 1]
    assert values["dcm_B_faces_vmPFC_from_amygdala"] == tree.B[0, 1, 1]
    assert values["dcm_C_task_amygdala"] == tree.C[1, 0]
    assert len(found.measures) == 4 + 1 + 1
    assert {measure.unit for measure in found.measures if measure.of == "A"} == {"Hz", "log scale of -0.5 Hz"}


def test_names_that_would_be_one_are_an_error() -> None:
    regions = {name: {"sphere": {"centre": (0, 0, 0), "radius": 8}} for name in ("a", "a_with_b", "b_with_c", "c")}
    study = study_of(regions=regions, dcm=None, measures={"kinds": ("rest",)})
    with pytest.raises(FeatureError, match="two measures would be called rest_rest_a_with_b_with_c"):
        planned_measures(study)


def test_kinds_choose_the_columns() -> None:
    for kind in Measures().kinds:
        assert {measure.kind for measure in planned_measures(only(kind))} == {kind}
    symmetric = planned_measures(study_of(measures={"kinds": ("gppi",), "direction": "symmetric"}))
    directed = planned_measures(only("gppi"))
    pairs = len(REGIONS) * (len(REGIONS) - 1)
    assert (len(directed), len(symmetric)) == (pairs, pairs // 2)
    assert directed[0].name == "gppi_faces_faces-over-shapes_vmPFC_from_amygdala"
    assert symmetric[0].name == "gppi_faces_faces-over-shapes_vmPFC_with_amygdala"


def test_changes_are_after_less_before(table: FeatureTable) -> None:
    found = changes_of_measures(table)
    assert found.participants == ("sub-01", "sub-02", "sub-03")
    assert found.groups == ("ketamine", "midazolam", "ketamine")
    width = len(table.measures)
    np.testing.assert_array_equal(found.values, table.values[1::2, :width] - table.values[::2, :width])


def test_missingness_counts_people_by_session_and_arm(table: FeatureTable) -> None:
    values = table.values.copy()
    values[1, 0] = values[2, 0] = np.nan  # ses-2 of a first, ses-1 of a second arm's
    rows = missingness(replace(table, values=values)).rows
    reported = {key: rows[0][key] for key in ("before", "after", "first_arm", "second_arm")}
    assert reported == {"before": 1, "after": 1, "first_arm": 1, "second_arm": 1}
    assert rows[0]["share"] == 2 / 3
    assert rows[1]["share"] == 0


@pytest.fixture(scope="module")
def features() -> FeatureTable:
    study = study_of(measures={"kinds": ("response", "distance", "dcm")})
    people = predictors_of("ketamine", "midazolam")
    runs = [run_of(participant.name, session, "faces") for participant in people.participants for session in SESSIONS][
        :-1
    ]
    return feature_table(study, people, runs, {"": {"sub-01_ses-1": posterior_of(study, 1 / 3)}})


def test_it_is_read_back_to_the_last_bit(features: FeatureTable, tmp_path: Path) -> None:
    write_features(features, tmp_path / "features.tsv")
    found = read_features(tmp_path / "features.tsv")
    for field in fields(FeatureTable):
        mine, theirs = getattr(features, field.name), getattr(found, field.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
        else:
            assert mine == theirs, field.name


def test_the_same_table_gives_the_same_bytes(features: FeatureTable, tmp_path: Path) -> None:
    first, second = (write_features(features, tmp_path / name / "features.tsv") for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_every_column_is_described_and_what_is_missing_is_na(features: FeatureTable, tmp_path: Path) -> None:
    path, sidecar = write_features(features, tmp_path / "features.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    described = json.loads(sidecar.read_text(encoding="utf-8"))
    assert list(rows[0])[:3] == ["participant_id", "session", "arm"]
    for name in rows[0]:
        assert described[name]["Description"]
    for column in features.columns:
        said = described[column.name]
        assert (said["Role"], said["Units"]) == (column.role, column.unit)
        assert column.measure is None or said["Motion"] in rows[0]
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
    assert not any("Motion" in description for description in described.values() if isinstance(description, dict))


@pytest.mark.parametrize("damage", ["gone", "no sidecar", "cut", "another", "text in numbers", "no JSON", "a list"])
def test_what_cannot_be_read_is_an_error_with_the_file(features: FeatureTable, tmp_path: Path, damage: str) -> None:
    path, sidecar = write_features(features, tmp_path / "features.tsv")
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
