"""Tables by their form, whatever their suffix, hold the numbers that were put in; p values are written in words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.tables import (
    MISSING,
    Table,
    TableError,
    missing_codes,
    p_words,
    read_table,
    shuffled_p_cell,
    shuffled_p_words,
    sidecar_units,
)

PLAIN = "participant_id\tarm\tage\tscore\nsub-01\tdrug\t30\t8.5\nsub-02\tplacebo\t41\t-1.25\nsub-03\tdrug\t25\t0.5\n"
COMMAS = PLAIN.replace(".", ",")
SEMICOLONS = COMMAS.replace("\t", ";")


def read(tmp_path: Path, content: str | bytes, name: str = "people.tsv") -> Table:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path)


FORMS: dict[str, tuple[str, str | bytes, str]] = {
    "as its suffix says": ("people.tsv", PLAIN, ""),
    "semicolons and decimal commas in a .csv": ("people.csv", SEMICOLONS, "semicolons, decimal commas"),
    "the same in a .tsv": ("people.tsv", SEMICOLONS, "semicolons, decimal commas"),
    "semicolons and points": ("people.csv", PLAIN.replace("\t", ";"), "semicolons"),
    "tabs in a .csv": ("people.csv", PLAIN, "tabs"),
    "commas in a .tsv": ("people.tsv", PLAIN.replace("\t", ","), "commas"),
    "commas in a .txt": ("people.txt", PLAIN.replace("\t", ","), "commas"),
    "tabs and decimal commas": ("people.txt", COMMAS, "decimal commas"),
    "a byte-order mark": ("people.csv", b"\xef\xbb\xbf" + SEMICOLONS.encode(), "semicolons, decimal commas"),
    "Unicode text of a spreadsheet": ("people.txt", COMMAS.encode("utf-16"), "UTF-16, decimal commas"),
    "UTF-16, big end first": ("people.tsv", b"\xfe\xff" + PLAIN.encode("utf-16-be"), "UTF-16"),
    "a spreadsheet's hint": ("people.csv", "sep=;\n" + SEMICOLONS, "semicolons, decimal commas"),
    "a comma in a heading": ("people.csv", SEMICOLONS.replace("arm", "arm, of two"), "semicolons, decimal commas"),
    "a semicolon in a quoted heading": ("people.csv", PLAIN.replace("\t", ",").replace("arm", '"arm; one"'), ""),
    "separators at the end of rows": ("people.csv", SEMICOLONS.replace("\n", ";;\n"), "semicolons, decimal commas"),
    "old newlines of spreadsheets": ("people.csv", SEMICOLONS.replace("\n", "\r\n"), "semicolons, decimal commas"),
    "row numbers of pandas": (
        "people.csv",
        "".join(
            f"{',' if i == 0 else f'{i},'}{line}\n" for i, line in enumerate(PLAIN.replace("\t", ",").splitlines())
        ),
        "",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_numbers_are_the_same_in_every_form_and_the_form_is_said(tmp_path: Path, form: str) -> None:
    name, content, said = FORMS[form]
    table = read(tmp_path, content, name)
    assert table.values("score", range(3)).tolist() == [8.5, -1.25, 0.5]
    assert table.values("age", range(3)).tolist() == [30, 41, 25]
    assert table.names("participant_id") == ("sub-01", "sub-02", "sub-03")
    assert ", ".join(table.form) == said
    assert not said or next(iter(table.remarks)) == f"{name}: {said}"


@pytest.mark.parametrize("cell", ["", "n/a", "N/A", "NA", "NaN", "nan", "#N/A", ".", "null", "NULL", "<NA>", "n.a."])
def test_whatever_is_written_for_a_missing_number_is_missing(tmp_path: Path, cell: str) -> None:
    assert read(tmp_path, PLAIN.replace("41", cell)).column("age") == ("30", MISSING, "25")


@pytest.mark.parametrize(
    ("cell", "kept"), [("null", "null"), ("none", "none"), (".", "."), ("NA", MISSING), ("", MISSING)]
)
def test_among_texts_a_word_for_nothing_may_be_a_name(tmp_path: Path, cell: str, kept: str) -> None:
    assert read(tmp_path, PLAIN.replace("placebo", cell)).column("arm") == ("drug", kept, "drug")


UNSURE: dict[str, tuple[tuple[str, str], str]] = {
    "thousands or decimals": (("1,234", "2,500"), "is '1,234', which may mean 1234 or 1.234; write 1234"),
    "commas and points in one column": (("8,5", "1.25"), "is '8,5', a number with a decimal comma; write 8.5"),
    "thousands and decimals": (("1.234,5", "8,5"), "is '1.234,5', a number with thousands separators; write 1234.5"),
    "spaces between thousands": (("1 234", "8,5"), "is '1 234', a number with thousands separators; write 1234"),
    "digits of another script": (("١٢", "8,5"), "in digits that are not 0 to 9; write 12"),
}


@pytest.mark.parametrize("case", UNSURE)
def test_what_cannot_be_told_is_refused_where_it_is_used_and_only_there(tmp_path: Path, case: str) -> None:
    (first, second), says = UNSURE[case]
    table = read(tmp_path, f"id;age;score\na;30;{first}\nb;41;{second}\n")
    assert table.values("age", [0, 1]).tolist() == [30, 41]
    with pytest.raises(TableError, match=r"people\.tsv, line 2: score ") as caught:
        table.values("score", [0, 1])
    assert says in str(caught.value)


def test_other_columns_tell_what_a_comma_is(tmp_path: Path) -> None:
    table = read(tmp_path, "id;mass;score\na;1,234;0,5\nb;2,500;1,5\n")
    np.testing.assert_array_equal(table.values("mass", [0, 1]), [1.234, 2.5])
    with pytest.raises(TableError, match=r"mass is '1,234', which may mean 1234 or 1\.234"):
        read(tmp_path, "id;mass;score\na;1,234;0.5\nb;2,500;1.5\n").values("mass", [0, 1])


def test_a_point_among_decimal_commas_may_be_one_of_thousands(tmp_path: Path) -> None:
    table = read(tmp_path, "id;mass;score\na;1.234;0,5\nb;2.500;1,5\n")
    with pytest.raises(TableError, match=r"line 2: mass is '1\.234' in a table with decimal commas, .* write 1234, or"):
        table.values("mass", [0, 1])
    assert read(tmp_path, "id;mass;score\na;1.25;0,5\nb;2.5;1,5\n").values("mass", [0, 1]).tolist() == [1.25, 2.5]


def test_commas_in_texts_stay(tmp_path: Path) -> None:
    table = read(tmp_path, "id;site;score\na;Paris, north;0,5\nb;Lyon;1,5\n")
    assert table.column("site") == ("Paris, north", "Lyon")


def test_a_repeated_name_matters_only_to_who_asks_for_it(tmp_path: Path) -> None:
    table = read(tmp_path, "id\tage\tage\tscore\na\t1\t2\t3\nb\t4\t5\t6\n")
    assert table.values("score", [0, 1]).tolist() == [3, 6]
    assert list(table.remarks) == ["people.tsv has two columns called age; neither can be used"]
    with pytest.raises(TableError, match="two columns called age; rename one"):
        table.values("age", [0, 1])


def test_row_names_of_r_are_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"R's row names\? write row\.names = FALSE"):
        read(tmp_path, "id\tage\n1\ta\t2\n2\tb\t3\n")


@pytest.mark.parametrize(("between", "called"), [("  ", "spaces"), (" ", "spaces"), ("|", "bars"), (" | ", "bars")])
def test_cells_between_spaces_or_bars_are_told_apart_and_refused(tmp_path: Path, between: str, called: str) -> None:
    with pytest.raises(TableError, match=f"people.tsv, line 1: seems to be separated by {called}; save it with tabs"):
        read(tmp_path, PLAIN.replace("\t", between))


def test_one_column_of_text_with_spaces_is_one_column(tmp_path: Path) -> None:
    assert read(tmp_path, "first model\nonly this\nor that\n").columns == ("first model",)


def test_quotation_marks_within_what_somebody_said_are_text(tmp_path: Path) -> None:
    table = read(tmp_path, 'onset\t"type"\tsaid\n\n1\t"faces"\t"yes", he said\n2\tshapes\tno\n')
    assert table.columns == ("onset", "type", "said")
    assert table.rows == (("1", "faces", '"yes", he said'), ("2", "shapes", "no"))
    assert table.lines == (3, 4)


AGES = [22.0, 31.0, 45.0, 60.0, 38.0]


@pytest.mark.parametrize("code", [-9, -99, -999, -9999, 99, 999, 9999, -77, 888])
def test_a_code_among_ages_is_found(code: float) -> None:
    assert missing_codes([*AGES, code, np.nan]) == (code,)


@pytest.mark.parametrize(
    "values",
    [AGES, [90.0, 95.0, 99.0, 97.0, 101.0], [-12.0, -9.0, 4.0, 7.0], [-999.0, -1500.0, 10.0, 800.0], [1.0, 999.0], []],
)
def test_a_value_like_the_others_is_none(values: list[float]) -> None:
    assert missing_codes(values) == ()


@pytest.mark.parametrize(
    ("value", "text"), [(0.0283, "p = 0.028"), (1e-5, "p < 0.0001"), (1.0, "p = 1.0"), (float("nan"), "p = ?")]
)
def test_p_values_in_words(value: float, text: str) -> None:
    assert p_words(value) == text


@pytest.mark.parametrize(
    ("value", "shuffles", "text"),
    [
        (0.01, 99, "p ≤ 0.01, the least that 99 shuffles can show"),
        (0.005, 199, "p ≤ 0.005, the least that 199 shuffles can show"),
        (1 / 73, 72, "p ≤ 0.014, the least that 72 shuffles can show"),
        (1 / 81, 80, "p ≤ 0.013, the least that 80 shuffles can show"),
        (1e-5, 99_999, "p ≤ 1e-05, the least that 99,999 shuffles can show"),
        (0.02, 99, "p = 0.02 by 99 shuffles"),
        (0.1, 1000, "p = 0.1 by 1,000 shuffles"),
    ],
)
def test_a_p_that_no_shuffle_reaches_is_a_bound(value: float, shuffles: int, text: str) -> None:
    assert shuffled_p_words(value, shuffles) == text


@pytest.mark.parametrize(("value", "shuffles", "text"), [(0.005, 199, "≤ 0.005"), (0.0283, 199, "0.028")])
def test_a_table_has_the_bound_too(value: float, shuffles: int, text: str) -> None:
    assert shuffled_p_cell(value, shuffles) == text


def test_units_are_those_of_the_file_beside_a_table_in_the_singular(tmp_path: Path) -> None:
    described = {"age": {"Units": "years"}, "dose": {"Units": "mg"}, "site": {"Description": "where"}, "x": 3}
    (tmp_path / "participants.json").write_text(json.dumps(described), encoding="utf-8")
    assert sidecar_units(tmp_path / "participants.tsv") == {"age": "year", "dose": "mg"}
    (tmp_path / "participants.json").write_text("[", encoding="utf-8")
    assert sidecar_units(tmp_path / "participants.tsv") == {}
