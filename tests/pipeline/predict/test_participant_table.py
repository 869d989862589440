"""Tables of participants as they are: who is in a model, with which values, and what is reported of it."""

from __future__ import annotations

from pathlib import Path

import made_up_table as made
import numpy as np
import pytest

from pipeline.predict import PredictOptions, read_model_data
from pipeline.tables import TableError


def number(table: made.Rows, participant: str, session: str, column: str) -> float:
    row = next(row for row in table if (row["participant_id"], row["session"]) == (participant, session))
    return float(row[column])


@pytest.mark.parametrize("take", ["change", "fall", "before", "after"])
def test_a_factor_is_what_it_says_of_both_sessions(tmp_path: Path, take: str) -> None:
    table = made.rows()
    found = read_model_data(made.asked(made.write(tmp_path, table), formula=f"{take}(gppi_a)", outcome="after(rest_a)"))
    for participant, value in zip(found.predictors.participants, found.predictors.values[:, 0], strict=True):
        before, after = (number(table, participant, session, "gppi_a") for session in ("pre", "post"))
        assert value == {"change": after - before, "fall": before - after, "before": before, "after": after}[take]


def test_the_order_of_rows_changes_nothing_but_the_order_of_people(tmp_path: Path) -> None:
    table = made.rows()
    mixed = [table[i] for i in np.random.default_rng(1).permutation(len(table))]
    one, other = (
        read_model_data(made.asked(made.write(tmp_path, rows, name), model="change-by-arm"))
        for rows, name in ((table, "one.tsv"), (mixed, "other.tsv"))
    )
    places = [other.predictors.participants.index(participant) for participant in one.predictors.participants]
    np.testing.assert_array_equal(one.predictors.values, other.predictors.values[places])
    np.testing.assert_array_equal(one.outcome.values, other.outcome.values[places])


def test_the_first_arm_is_plus_one(tmp_path: Path) -> None:
    path = made.write(tmp_path, made.rows())
    one = read_model_data(made.asked(path, model="change-by-arm"))
    other = read_model_data(made.asked(path, model="change-by-arm", arms=("placebo", "drug")))
    assert one.arms == ("drug", "placebo")
    assert one.arm is not None
    assert other.arm is not None
    np.testing.assert_array_equal(one.arm, [1, -1] * 6)
    np.testing.assert_array_equal(other.arm, -one.arm)
    np.testing.assert_array_equal(one.predictors.values[:, one.predictors.place("arm")], one.arm)


def test_a_model_without_the_arm_keeps_who_has_none(tmp_path: Path) -> None:
    table = made.with_cells(lambda i, row: {"arm": "n/a"} if i < 2 else {})
    path = made.write(tmp_path, table)
    plain, by_arm = read_model_data(made.asked(path)), read_model_data(made.asked(path, model="change-by-arm"))
    assert len(plain.predictors.participants) == made.PARTICIPANTS
    assert plain.arms is None
    assert by_arm.excluded == ("sub-01: no arm",)


def test_who_lacks_what_a_model_needs_is_named_with_the_reason(tmp_path: Path) -> None:
    table = made.with_cells(lambda i, row: {"score": ""} if i == 0 else {"gppi_a": "n/a"} if i == 4 else {})
    blank = {"gppi_a": "n/a", "gppi_b": "n/a", "rest_a": "n/a"}
    table = [{**row, **blank} if row["participant_id"] == "sub-06" else row for row in table]
    table = [row for row in table if (row["participant_id"], row["session"]) != ("sub-02", "post")]
    found = read_model_data(made.asked(made.write(tmp_path, table)))
    assert found.excluded == (
        "sub-01: no fall(score)",
        "sub-02: no fall(score) (no row of post)",
        "sub-06: no value of any measure",
    )
    assert np.isnan(found.predictors.values).sum() == 1


def test_text_of_two_kinds_becomes_plus_and_minus_one(tmp_path: Path) -> None:
    table = made.rows()
    found = read_model_data(made.asked(made.write(tmp_path, table), formula="sex + change(gppi_a)"))
    sex = {row["participant_id"]: row["sex"] for row in table}
    expected = [1.0 if sex[participant] == "M" else -1.0 for participant in found.predictors.participants]
    np.testing.assert_array_equal(found.predictors.values[:, 0], expected)
    assert "sex is text: F counts as −1, M as +1." in found.notices


def test_an_outcome_of_two_kinds_says_how_it_is_coded(tmp_path: Path) -> None:
    found = read_model_data(made.asked(made.write(tmp_path, made.rows()), outcome="sex"))
    assert set(found.outcome.values) == {-1.0, 1.0}
    assert "sex is text: F counts as −1, M as +1." in found.notices


@pytest.mark.parametrize("take", ["fall", "change"])
def test_which_session_is_before_is_told_with_the_means_of_the_outcome(tmp_path: Path, take: str) -> None:
    table = made.with_cells(lambda i, row: {"score": f"{30 + i // 8 if row['session'] == 'pre' else 12.5}"})
    table[-1]["score"] = ""  # who has no outcome has no part in the means
    path = made.write(tmp_path, table)
    sign = {"fall": "before − after", "change": "after − before"}[take]
    (line,) = [
        notice
        for notice in read_model_data(made.asked(path, outcome=f"{take}(score)")).notices
        if "as before" in notice
    ]
    assert line == (
        f"pre counts as before and post as after: score is 30.91 on average in pre and 12.5 in post; {take}(score) is "
        f"{sign}."
    )
    swapped = read_model_data(made.asked(path, outcome=f"{take}(score)", sessions=("post", "pre"))).notices
    assert any("score is 12.5 on average in post and 30.91 in pre" in warning for warning in swapped)


def test_the_arm_is_in_a_model_only_where_a_term_names_it(tmp_path: Path) -> None:
    path = made.write(tmp_path, made.rows())
    plain, by_arm = (read_model_data(made.asked(path, model=model)) for model in ("change", "change-by-arm"))
    assert plain.arm is not None
    assert (plain.by_arm, by_arm.by_arm) == (False, True)


def test_without_a_description_columns_of_numbers_are_measures(tmp_path: Path) -> None:
    found = read_model_data(made.asked(made.write(tmp_path, made.rows()), measures=("*",)))
    assert found.predictors.names == ("change(gppi_a)", "change(gppi_b)", "change(rest_a)")
    assert any("taken as such: gppi_a, gppi_b, rest_a" in line for line in found.notices)
    assert any("no measures: age" in line for line in found.notices)


def test_an_exclamation_mark_takes_measures_out(tmp_path: Path) -> None:
    found = read_model_data(made.asked(made.write(tmp_path, made.rows()), measures=("*", "!gppi_b")))
    assert found.predictors.names == ("change(gppi_a)", "change(rest_a)")


def described(tmp_path: Path) -> Path:
    rng = np.random.default_rng(2)
    table = made.with_cells(lambda i, row: {"motion_faces": f"{rng.uniform(0.1, 0.4):.4f}"})
    path = made.write(tmp_path, table)
    measure = {"Role": "measure", "Motion": "motion_faces", "Units": "a.u."}
    made.describe(
        path,
        {
            "session": {"Levels": {"pre": "before", "post": "after"}},
            "arm": {"Role": "arm", "Levels": {"placebo": "+1", "drug": "−1"}},
            "gppi_a": measure,
            "gppi_b": measure,
            "rest_a": {"Role": "covariate"},
            "motion_faces": {"Role": "motion", "Units": "mm"},
            "score": {"Role": "outcome", "Units": "points"},
            "WholeSampleTransforms": [],
            "GeneratedBy": [{"Name": "effconn"}],
        },
    )
    return path


def test_a_description_says_what_columns_are(tmp_path: Path) -> None:
    path = described(tmp_path)
    found = read_model_data(PredictOptions(path, "fall(score)", model="change-by-arm"))
    assert found.arms == ("placebo", "drug")
    assert found.outcome.unit == "points"
    assert found.notices == ()
    columns = {column.name: column for column in found.predictors.columns}
    assert list(columns) == ["change(gppi_a)", "change(gppi_b)", "arm", "change(motion_faces)"]
    assert columns["change(gppi_a)"].motion == "change(motion_faces)"
    assert columns["change(gppi_a)"].unit == "a.u."
    assert columns["change(motion_faces)"].role == "motion"


def test_motion_is_left_in_where_asked(tmp_path: Path) -> None:
    found = read_model_data(PredictOptions(described(tmp_path), "fall(score)", model="change", adjust_motion=False))
    assert [(column.name, column.motion) for column in found.predictors.columns] == [
        ("change(gppi_a)", ""),
        ("change(gppi_b)", ""),
    ]


def test_a_column_of_no_role_is_no_measure(tmp_path: Path) -> None:
    found = read_model_data(PredictOptions(described(tmp_path), "fall(score)", formula="change(*) + change(rest_a)"))
    roles = {column.name: column.role for column in found.predictors.columns if column.role != "motion"}
    assert roles == {"change(gppi_a)": "measure", "change(gppi_b)": "measure", "change(rest_a)": "covariate"}


def test_sessions_are_known_with_and_without_their_prefix(tmp_path: Path) -> None:
    table = made.with_cells(lambda i, row: {"session": f"ses-{row['session']}"})
    found = read_model_data(made.asked(made.write(tmp_path, table)))
    assert len(found.predictors.participants) == made.PARTICIPANTS


def test_a_table_of_one_row_per_person_needs_no_names(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["y,a,b", *(",".join(f"{value:.5f}" for value in row) for row in rng.normal(size=(8, 3)))]
    path = tmp_path / "wide.csv"
    path.write_text("\r\n".join(lines), encoding="utf-8-sig")
    found = read_model_data(PredictOptions(path, "y", model="baseline"))
    assert found.predictors.participants == tuple(f"row-{i + 1}" for i in range(8))
    assert found.predictors.names == ("a", "b")
    assert found.predictors.terms == (("a",), ("b",))


def test_a_score_before_treatment_may_predict_its_fall_and_this_is_told(tmp_path: Path) -> None:
    path = made.write(tmp_path, made.rows())
    found = read_model_data(made.asked(path, formula="before(score) + change(gppi_a)"))
    assert any("partly regression to the mean" in line for line in found.notices)


def test_the_real_trial_is_read_as_it_is(shared_data: Path) -> None:
    table = shared_data / "sudmex_tms" / "data2w.csv"
    found = read_model_data(
        PredictOptions(
            table,
            "fall(ccq_n)",
            model="change-by-arm-and-covariates",
            measures=("conn_dlvm", "vmpfc_cluster"),
            covariates=("age", "sex"),
            session="stage",
            sessions=("T0", "T1"),
            arm="group",
            arms=("ACTIVE", "SHAM"),
        )
    )
    assert len(found.predictors.participants) == 44
    assert found.arm is not None
    assert (found.arm == 1).sum() == 24
    first = found.predictors.participants.index("1")
    assert found.outcome.values[first] == 184 - 204
    assert found.predictors.values[first, 0] == pytest.approx(-0.122479 + 0.038607, abs=1e-12)


def test_every_predictor_of_the_simulated_table_is_found(shared_data: Path) -> None:
    found = read_model_data(PredictOptions(shared_data / "glmnet" / "simulated.csv", "improvement", formula="*"))
    assert found.predictors.values.shape == (21, 30)


def test_people_who_have_everything_in_common_are_told(tmp_path: Path) -> None:
    table = made.rows()
    other = [{**row, "participant_id": "sub-99"} for row in table[:2]]
    found = read_model_data(made.asked(made.write(tmp_path, [*table, *other])))
    assert any("sub-01 and sub-99" in line for line in found.notices)


@pytest.mark.parametrize(
    "name", ["{who}_{visit}", "{who}{visit}", "{visit}-{who}", "{who} {visit}", "{who}_ses-{visit}"]
)
@pytest.mark.parametrize("visits", [("pre", "post"), ("T0", "T1")])
def test_rows_of_one_person_are_not_two_people(tmp_path: Path, name: str, visits: tuple[str, str]) -> None:
    table = made.rows()
    for number, row in enumerate(table):
        row["participant_id"] = name.format(who=f"P{number // 2 + 1:02d}", visit=visits[number % 2])
        row["session"] = "x"
    path = made.write(tmp_path, table)
    options = {"sessions": None, "formula": "gppi_a + rest_a", "outcome": "score"}
    with pytest.raises(TableError, match=r"participant_id: .* and .* seem to be of one \w+ \(and 11 more like them\)"):
        read_model_data(made.asked(path, **options))
    assert len(read_model_data(made.asked(path, **options, all_different=True)).predictors.participants) == 24
