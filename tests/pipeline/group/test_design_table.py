"""A table of participants becomes a design; nobody is dropped, moved or filled in unsaid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peb import Design, DesignError
from pipeline.group._design_records import design_records
from pipeline.group._design_table import match_design, read_design, table_remarks
from pipeline.tables import TableError, read_table

NAMES = ("sub-01", "sub-02", "sub-03", "sub-04")
TABLE = (
    "participant_id\tarm\tage\timprovement\n"
    "sub-01\tketamine\t30\t8.5\n"
    "sub-02\tmidazolam\t41\t-1\n"
    "sub-03\tketamine\t25\t3e0\n"
    "sub-04\tmidazolam\t60\t+.5\n"
)


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str | bytes, name: str = "participants.tsv") -> Path:
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return tmp_path / name

    return write


Write = Callable[..., Path]


def test_columns_become_covariates(table: Write) -> None:
    design = read_design(table(TABLE), NAMES)
    assert design.covariates == ("mean", "arm[midazolam]", "age", "improvement")
    np.testing.assert_array_equal(design.matrix[:, 1], [-1, 1, -1, 1])
    np.testing.assert_allclose(design.matrix[:, 3], np.array([8.5, -1, 3, 0.5]) - 2.75)
    assert design.centres == {"age": 39.0, "improvement": 2.75}


def test_codes_of_arms_may_be_names(table: Write) -> None:
    path = table("participant_id\tarm\n" + "".join(f"{who}\t{i % 2}\n" for i, who in enumerate(NAMES)))
    design = read_design(path, NAMES, named=["arm"], plus=["0"])
    assert (design.covariates, design.kinds["arm[0]"]) == (("mean", "arm[0]"), ("1", "0"))
    assert design.matrix[:, 1].tolist() == [1, -1, 1, -1]
    assert read_design(path, NAMES).covariates == ("mean", "arm")


def test_interactions_are_of_the_centred_columns(table: Write) -> None:
    design = read_design(table(TABLE), NAMES, ["arm", "improvement"], interactions=[("arm", "improvement")])
    np.testing.assert_array_equal(design.matrix[:, 3], design.matrix[:, 1] * design.matrix[:, 2])
    assert design.covariates[3] == "arm[midazolam]×improvement"


def test_rows_follow_the_estimates(table: Write) -> None:
    design = read_design(table(TABLE), NAMES[::-1], ["age"], centre=False)
    assert design.participants == NAMES[::-1]
    assert design.matrix[:, 1].tolist() == [60, 25, 41, 30]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text + "\n\n",
        lambda text: text.replace("ketamine", '"ketamine"'),
        lambda text: text.replace("\t30", "\t 30 "),
    ],
    ids=["byte-order mark", "Windows newlines", "blank lines", "quotes", "spaces"],
)
def test_what_spreadsheets_leave_makes_no_difference(table: Write, change: Callable[[str], str | bytes]) -> None:
    plain = read_design(table(TABLE), NAMES)
    other = read_design(table(change(TABLE), "other.tsv"), NAMES)
    assert plain.covariates == other.covariates
    np.testing.assert_array_equal(plain.matrix, other.matrix)


def test_a_comma_separated_table_is_read(table: Write) -> None:
    design = read_design(table(TABLE.replace("\t", ","), "participants.csv"), NAMES, ["age"])
    assert design.centres == {"age": 39.0}


def test_a_column_that_is_not_used_may_have_gaps(table: Write) -> None:
    design = read_design(table(TABLE.replace("\t41", "\tn/a")), NAMES, ["arm"])
    assert design.covariates == ("mean", "arm[midazolam]")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=8, unique=True))
def test_numbers_come_back_exactly(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    names = [f"sub-{i}" for i in range(len(values))]
    path = tmp_path_factory.mktemp("table") / "x.tsv"
    path.write_text("participant_id\tx\n" + "".join(f"{n}\t{v!r}\n" for n, v in zip(names, values, strict=True)))
    try:
        design = read_design(path, names, centre=False)
    except DesignError:  # numbers that differ by rounding alone are constant to a design
        assert np.ptp(values) <= 1e-6 * np.abs(values).max()
    else:
        assert design.matrix[:, 1].tolist() == values


def test_who_is_on_one_side_only_is_refused_or_told(table: Write) -> None:
    names = (*NAMES[:3], "sub-09")
    with pytest.raises(TableError, match=r"no row is for sub-09; there is no estimate of sub-04; add what is missing"):
        read_design(table(TABLE), names, ["age"])
    matched = match_design(table(TABLE), names, ["age"])
    assert matched.design.participants == NAMES[:3]
    assert matched.design.centres == {"age": 32.0}
    assert (matched.without_row, matched.without_estimate) == (("sub-09",), ("sub-04",))


@pytest.mark.parametrize("read", [read_design, match_design])
@pytest.mark.parametrize(
    ("names", "text", "hint"),
    [
        (NAMES, TABLE.replace("sub-", ""), "nobody is in both; write sub-01 for 01 in the table"),
        ([name[4:] for name in NAMES], TABLE, "names lack the table's sub- in front"),
        ([f"{name}_ses-1" for name in NAMES], TABLE, "sub-01_ses-1 is one session: analyse the change"),
        ([f"{name}T1" for name in NAMES], TABLE, "sub-01T1 is one session: analyse the change"),
        ([f"post-{name}" for name in NAMES], TABLE, "post-sub-01 is one session: analyse the change"),
        (["x", "y"], TABLE, "participant_id holds sub-01, sub-02, sub-03, sub-04, the estimates are of x, y: nobody"),
    ],
)
def test_names_that_never_match_get_a_hint(
    table: Write, names: list[str], text: str, hint: str, read: Callable[..., object]
) -> None:
    with pytest.raises(TableError, match=hint):
        read(table(text), names)


@pytest.mark.parametrize("read", [read_design, match_design])
@pytest.mark.parametrize(("old", "new"), [("sub-0", "sub-"), ("sub-0", ""), ("sub-0", "sub-00")])
def test_names_that_differ_in_leading_zeros_meet_the_nearest(
    table: Write, read: Callable[..., object], old: str, new: str
) -> None:
    names = (*NAMES, "sub-10")
    text = TABLE.replace(old, new) + "sub-10\tketamine\t50\t2\n"
    with pytest.raises(TableError, match=rf"{new}1 in the table seems to be sub-01: write the same on both sides"):
        read(table(text), names)


def test_one_bare_name_gets_the_hint_too(table: Write) -> None:
    with pytest.raises(TableError, match=r"no row is for sub-03; .* write sub-03 for 03 in the table"):
        read_design(table(TABLE.replace("sub-03", "03")), NAMES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TABLE.replace("\t41", "\tn/a"), r"participants\.tsv, line 3: age is n/a; fill it in, or leave"),
        (TABLE.replace("\t41", "\t"), "line 3: age is n/a; fill it in"),
        (TABLE.replace("\t41", "\tNaN"), "line 3: age is n/a; fill it in"),
        (TABLE.replace("\t8.5", "\t8,5"), "line 2: improvement is '8,5', a number with a decimal comma; write 8.5"),
        (TABLE.replace("\t41", "\tfourty"), "line 3: age is 'fourty', where other rows hold numbers"),
        (TABLE.replace("\t41", "\tinf"), "line 3: age is 'inf', which is infinite"),
        (TABLE.replace("\t41", "\t1e999"), "line 3: age is beyond what a double holds"),
        (TABLE.replace("\t41\t-1", "\t41"), "line 3: has 3 cells, the header 4"),
        (TABLE.replace("\t41\t-1", "\t41\t-1\t5"), "line 3: has 5 cells, the header 4"),
        (TABLE.replace("sub-02", "sub-01"), "line 3: participant_id is sub-01, as in line 2"),
        (TABLE.replace("sub-02", ""), "line 3: participant_id is empty; give every row a name"),
        (TABLE.replace("age", "arm"), "line 1: has two columns called arm"),
        (TABLE.replace("age", ""), "line 1: column 3 has no name"),
        (TABLE.replace("participant_id", "subject"), "line 1: has no column 'participant_id'; it has subject, arm"),
        (TABLE.replace("ketamine", '"ketamine', 1), r"cannot be parsed \(.*\); check its quotation marks"),
        (TABLE.replace("midazolam", "pl\u00e9cebo").encode("latin-1"), "line 3: is not in UTF-8"),
        (TABLE.encode("utf-16-le"), "is not in UTF-8 .it looks like UTF-16 without its mark, or binary.; save it"),
        (b"PK\x03\x04 a spreadsheet", "is a spreadsheet, whatever its suffix says"),
        (b"", "is empty; write a header"),
        (b"\n \n", "is empty; write a header"),
    ],
)
def test_what_is_wrong_with_a_table_names_line_and_column(table: Write, text: str | bytes, says: str) -> None:
    with pytest.raises(TableError, match=says) as caught:
        read_design(table(text), NAMES)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("participants.tsv")


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text('participant_id\t\n\r"01,;. x', max_size=60).map(str.encode)))
def test_any_bytes_give_a_table_or_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("table") / "x.tsv"
    path.write_bytes(content)
    said, widths = "", set()
    try:
        table = read_table(path)
        widths = {len(row) - len(table.columns) for row in table.rows}
    except TableError as error:
        said = str(error)
    assert "\n" not in said
    assert widths <= {0}


def test_paths_that_are_no_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"absent\.tsv: does not exist"):
        read_design(tmp_path / "absent.tsv", NAMES)
    (tmp_path / "folder.tsv").mkdir()
    with pytest.raises(TableError, match=r"folder\.tsv: is a folder"):
        read_design(tmp_path / "folder.tsv", NAMES)
    with pytest.raises(TableError, match=r"x\.xlsx: is neither \.tsv nor \.csv"):
        read_design(tmp_path / "x.xlsx", NAMES)


def test_options_that_do_not_fit_are_refused(table: Write) -> None:
    path = table(TABLE)
    with pytest.raises(TableError, match="has no covariate 'weight'; it has arm, age, improvement"):
        read_design(path, NAMES, ["weight"])
    with pytest.raises(TableError, match="rows go by name, by their participant_id; leave --by-order"):
        read_design(path, NAMES, by_order=True)
    with pytest.raises(TableError, match="is to give sub-01 a row, who is among the estimates twice"):
        read_design(path, ("sub-01", *NAMES))
    with pytest.raises(DesignError, match="weight is to be centred"):
        read_design(path, NAMES, centre=["weight"])


X = np.column_stack([np.ones(4), [1.0, 2, 4, 5], [0.0, 1, 0, 1]])


@pytest.fixture
def spm_design(save_v7: Write, cells: Callable[..., np.ndarray]) -> Path:
    return save_v7("design.mat", X=X, labels=cells("Mean", "LI", "sex"))


def test_an_spm_design_goes_by_order_when_told_so(spm_design: Path) -> None:
    design = read_design(spm_design, NAMES, by_order=True)
    assert design.covariates == ("mean", "LI", "sex")
    np.testing.assert_array_equal(design.matrix[:, 1], [-2, -1, 1, 2])
    plain = read_design(spm_design, NAMES, ["sex"], by_order=True, centre=False)
    np.testing.assert_array_equal(plain.matrix, X[:, [0, 2]])


def test_an_spm_design_that_does_not_fit_is_refused(spm_design: Path, save_v7: Write) -> None:
    for options, says in (
        ({}, "has no names in its rows; say --by-order"),
        ({"by_order": True, "covariates": ["age"]}, "X has no covariate 'age'; it has LI, sex besides mean"),
    ):
        with pytest.raises(TableError, match=says):
            read_design(spm_design, NAMES, **options)  # type: ignore[arg-type]  # options by name
    with pytest.raises(TableError, match="has no names in its rows to match by"):
        match_design(spm_design, NAMES)
    with pytest.raises(TableError, match="X has 4 rows, but there are 3 estimates"):
        read_design(spm_design, NAMES[:3], by_order=True)
    for variables, says in (
        ({"Y": X}, "X is missing"),
        ({"X": X[:, 1:]}, "X has no column of ones"),
        ({"X": np.stack([X, X], axis=2)}, "X has 3 axes; give a row per participant"),
        ({"X": np.where(X == 5, np.nan, X)}, "X holds 1 NaN value"),
        ({"X": X, "labels": np.array(["mean", "age "])}, "labels must hold 3 names that differ"),
    ):
        with pytest.raises(TableError, match=says):
            read_design(save_v7("other.mat", **variables), NAMES, by_order=True)


def test_the_reference_tables_are_read(shared_data: Path) -> None:
    names = [f"sub-{i:02d}" for i in range(1, 22)]
    design = read_design(shared_data / "simulated_trial" / "participants.tsv", names)
    assert design.covariates == ("mean", "arm[midazolam]", "improvement")
    sixty = [f"sub-{i:02d}" for i in range(1, 61)]
    theirs = read_design(shared_data / "spm12_visual_language" / "design_matrix.mat", sixty, by_order=True)
    assert theirs.covariates == ("mean", "LI", "Handedness", "Gender", "Age")
    np.testing.assert_allclose(theirs.matrix[:, 1:].mean(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("unit", [1.0, 1e-7, 1e7])
def test_a_code_for_missing_among_covariates_is_suspected(table: Write, unit: float) -> None:
    cells = [20.1, 30.3, 25.7, -999 / unit]
    rows = "".join(f"{name}\t{cell * unit!r}\n" for name, cell in zip(NAMES, cells, strict=True))
    path = table(f"participant_id\tscore\n{rows}")
    remark = "score is -999 for sub-04; is it a code for missing? then leave these rows out"
    assert table_remarks(path, read_design(path, NAMES)) == (remark,)


def test_what_is_remarked_on_keeps_names_as_they_are() -> None:
    sites = [*["MR1", "MR2"] * 3, "MR1", "PET"]
    frame = pandas.DataFrame({"participant_id": [f"sub-{i}" for i in range(1, 9)], "BDI": range(8), "site": sites})
    columns, _ = design_records(Design.from_formula(frame, "BDI + site"))
    assert columns.lead == (
        "Formula: BDI + site. BDI was centred: 3.5 was subtracted; "
        "sub-8 alone is PET of site, so that PET rests on sub-8."
    )
