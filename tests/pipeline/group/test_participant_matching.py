"""Rows of a design reach the participant they are for; two files of one participant are never two participants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from pipeline.common import UsageError, natural_key
from pipeline.group._design_table import as_text_sorts
from pipeline.group._group_inputs import GroupInputs
from pipeline.group._options import GroupOptions
from pipeline.group._read_inputs import read_group_inputs

Struct = dict[str, Any]
Read = Callable[..., GroupInputs]
SAID: list[str] = []


@pytest.fixture
def save(tmp_path: Path, estimated_struct: Struct) -> Callable[..., Path]:
    """Writes SPM's estimates into a folder: name → the strength of the first connection; and the folder."""

    def write(**strengths: float) -> Path:
        for name, strength in strengths.items():
            scipy.io.savemat(
                _made(tmp_path / "results" / f"DCM_{name}.mat"), {"DCM": struct(estimated_struct, strength)}
            )
        return tmp_path / "results"

    return write


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def struct(estimated: Struct, strength: float) -> Struct:
    """The estimate with another strength of its first connection."""
    mean = estimated["Ep"] | {"A": estimated["Ep"]["A"] + 0.0}
    mean["A"][0, 0] = strength
    return estimated | {"Ep": mean}


@pytest.fixture
def read() -> Read:
    """A group read by some options; what is said is in `SAID`."""
    SAID.clear()

    def go(*paths: Path, **options: Any) -> GroupInputs:
        return read_group_inputs(GroupOptions(paths=paths, **options), SAID.append)

    return go


def design_of(folder: Path, scores: list[float]) -> Path:
    path = folder.parent / "X.mat"
    scipy.io.savemat(path, {"X": np.column_stack([np.ones(len(scores)), scores])})
    return path


def strengths(inputs: GroupInputs) -> list[float]:
    return [round(float(estimate.posterior.mean[0]), 9) for estimate in inputs.estimates]


@pytest.mark.parametrize(
    "names",
    [
        [f"sub-{i}" for i in range(1, 13)],
        [str(i) for i in range(1, 13)],
        [f"P{i}_rest" for i in range(8, 20)],
        [f"site{k}_{i}" for k in (2, 10) for i in (1, 9, 10, 11, 100, 101)],
        [f"sub-{i:02}" for i in range(1, 13)],
    ],
    ids=lambda names: names[0],
)
def test_rows_of_an_spm_design_go_to_people_in_the_order_of_their_numbers(
    save: Callable[..., Path], read: Read, names: list[str]
) -> None:
    folder = save(**{name: float(i) for i, name in enumerate(names)})
    inputs = read(folder, design=design_of(folder, [float(i) for i in range(12)]), by_order=True)
    assert [estimate.name for estimate in inputs.estimates] == names
    slope = np.polyfit(inputs.design.matrix[:, 1], strengths(inputs), 1)[0]
    assert slope == pytest.approx(1.0)


def test_who_a_row_is_for_is_said_and_stored(save: Callable[..., Path], read: Read) -> None:
    folder = save(**{f"sub-{i}": float(i) for i in range(1, 15)})
    inputs = read(folder, design=design_of(folder, [float(i) for i in range(14)]), by_order=True)
    (line,) = [line for line in SAID if "goes by order" in line]
    assert line.startswith("X.mat goes by order: row 1 for sub-1, row 2 for sub-2,")
    assert line.endswith("… row 13 for sub-13, row 14 for sub-14")
    assert inputs.order is not None
    rows = inputs.order.records().tsv().splitlines()
    assert (rows[0], rows[10], len(rows)) == ("row\tname\tfile", "10\tsub-10\tDCM_sub-10.mat", 15)


def test_a_row_for_a_change_names_both_files(save: Callable[..., Path], read: Read) -> None:
    folder = save(**{f"sub-{i}_{visit}": float(i) for i in (1, 2, 10) for visit in ("post", "pre")})
    inputs = read(folder, design=design_of(folder, [1.0, 2.0, 4.0]), by_order=True, sessions=("pre", "post"))
    assert inputs.order is not None
    assert inputs.order.records().tsv().splitlines()[3] == "3\tsub-10\tDCM_sub-10_post.mat and DCM_sub-10_pre.mat"


def test_files_in_the_order_that_a_shell_lists_them_are_remarked_on(save: Callable[..., Path], read: Read) -> None:
    folder = save(**{f"sub-{i}": float(i) for i in range(1, 13)})
    design = design_of(folder, [float(i) for i in range(12)])
    globbed = sorted(folder.glob("*.mat"))
    read(*globbed, design=design, by_order=True)
    assert any("in the order of text (sub-1, sub-10, sub-11, …), as a shell's * lists them" in line for line in SAID)
    SAID.clear()
    read(*sorted(globbed, key=lambda path: natural_key(path.name)), design=design, by_order=True)
    assert not any("shell" in line for line in SAID)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["sub-1_x", "sub-10_x", "sub-2_x"], True),  # sub-1/DCM_x.mat, sub-10/DCM_x.mat …
        (["sub-10_x", "sub-1_x", "sub-2_x"], True),  # DCM_sub-10_x.mat before DCM_sub-1_x.mat, by code point
        (["P1", "p10", "P2"], True),
        (["sub-2", "sub-1", "sub-10"], False),  # somebody's own order
        (["sub-1", "sub-2", "sub-10"], False),
        (["b", "a"], False),
    ],
)
def test_the_order_of_a_shell_is_known_in_any_collation(names: list[str], text: bool) -> None:
    assert as_text_sorts(names) == text


@pytest.mark.parametrize(
    ("between", "marks", "remedy"),
    [
        ("_", ("pre", "post"), "--change pre,post"),
        ("", ("T1", "T0"), "--change T0,T1"),
        ("-", ("run-2", "run-1"), "--change run-1,run-2"),
        ("_", ("V2", "V1"), "--change V1,V2"),
        (".", ("follow-up", "baseline"), "--change baseline,"),
        ("-", ("week4", "week0", "week12"), "two of week0, week4, week12"),
    ],
)
def test_two_files_of_one_person_are_refused_with_the_remedy(
    save: Callable[..., Path], read: Read, marks: tuple[str, ...], remedy: str, between: str
) -> None:
    folder = save(**{f"P{i}{between}{mark}": 1.0 for i in (1, 2, 10) for mark in marks})
    with pytest.raises(UsageError) as caught:
        read(folder)
    assert f"P1{between}{marks[0]}" in str(caught.value)
    assert "seem to be of one participant (and 2 more like them); " in str(caught.value)
    assert remedy in str(caught.value)
    assert "--all-different" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(read(folder, all_different=True).estimates) == 3 * len(marks)


def test_a_design_with_a_row_for_each_visit_does_not_make_them_people(save: Callable[..., Path], read: Read) -> None:
    folder = save(**{f"sub-{i}_ses-{k}": float(i) for i in (1, 2, 3) for k in (1, 2)})
    table = folder.parent / "rows.tsv"
    table.write_text(
        "participant_id\tage\n" + "".join(f"sub-{i}_ses-{k}\t{20 + i * k}\n" for i in (1, 2, 3) for k in (1, 2))
    )
    for how in ({"design": table}, {"design": design_of(folder, [1, 2, 3, 4, 5, 7]), "by_order": True}):
        with pytest.raises(UsageError, match=r"sub-1_ses-1 and sub-1_ses-2 seem to be of one participant"):
            read(folder, **how)


@pytest.mark.parametrize("name", ["sub-{i}_{mark}", "sub-{i}{mark}", "{mark}_{i}", "P{i}-{mark}", "{mark}{i}"])
@pytest.mark.parametrize("marks", [("pre", "post"), ("Pre", "POST")])
def test_changes_are_found_whatever_stands_between_person_and_visit(
    save: Callable[..., Path], read: Read, name: str, marks: tuple[str, str]
) -> None:
    values = {name.format(i=i, mark=mark): i * (2.0 if mark == marks[1] else 1.0) for i in (1, 2, 10) for mark in marks}
    inputs = read(save(**values), sessions=("pre", "post"))
    assert strengths(inputs) == [1.0, 2.0, 10.0]


def test_a_change_against_the_order_of_visits_is_said(save: Callable[..., Path], read: Read) -> None:
    folder = save(**{f"P{i}_{visit}": float(i) for i in range(1, 4) for visit in ("T1", "T2")})
    assert "T2 comes after T1 by its label" in read(folder, sessions=("T2", "T1")).notes[0]
    assert not any("by its label" in line for line in read(folder, sessions=("T1", "T2")).notes)


def test_changes_of_visits_in_folders_are_found(save: Callable[..., Path], read: Read) -> None:
    save(**{f"{visit}/DCM_sub-{i}": i * (2.0 if visit == "post" else 1.0) for i in (1, 2) for visit in ("pre", "post")})
    folders = [save() / "DCM_pre", save() / "DCM_post"]
    with pytest.raises(UsageError, match="seem to be of one participant"):
        read(*folders)
    assert strengths(read(*folders, sessions=("pre", "post"))) == [1.0, 2.0]


def gcm(path: Path, estimated: Struct, values: np.ndarray, hole: tuple[int, int] | None = None) -> Path:
    cell = np.empty(values.shape, dtype=object)
    for place in np.ndindex(*values.shape):
        cell[place] = struct(estimated, float(values[place])) if place != hole else np.zeros((0, 0))
    scipy.io.savemat(path, {"GCM": cell})
    return path


def test_a_gcm_with_several_columns_asks_which_model(tmp_path: Path, estimated_struct: Struct, read: Read) -> None:
    path = gcm(tmp_path / "GCM_x.mat", estimated_struct, np.array([[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]))
    with pytest.raises(UsageError, match=r"the GCM GCM_x is 3 × 2: its rows are participants .*--gcm-column 1 to 2"):
        read(path)
    inputs = read(path, gcm_column=2)
    assert [estimate.name for estimate in inputs.estimates] == ["GCM_x[1,2]", "GCM_x[2,2]", "GCM_x[3,2]"]
    assert strengths(inputs) == [5.0, 6.0, 7.0]
    with pytest.raises(UsageError, match=r"there is no estimate in a column 3; there are columns 1, 2"):
        read(path, gcm_column=3)


def test_what_is_wrong_in_another_column_of_a_gcm_is_in_nobody_s_way(
    tmp_path: Path, estimated_struct: Struct, read: Read
) -> None:
    path = gcm(tmp_path / "GCM_x.mat", estimated_struct, np.array([[1.0, 5.0], [2.0, 6.0]]), hole=(1, 1))
    inputs = read(path, gcm_column=1)
    assert (strengths(inputs), inputs.errors) == ([1.0, 2.0], ())
    with pytest.raises(UsageError, match="no first-level result could be read"):
        read(gcm(tmp_path / "GCM_y.mat", estimated_struct, np.array([[1.0]]), hole=(0, 0)))


def test_a_gcm_of_one_row_asks_whether_it_is_people(tmp_path: Path, estimated_struct: Struct, read: Read) -> None:
    path = gcm(tmp_path / "GCM_x.mat", estimated_struct, np.array([[1.0, 2.0, 3.0]]))
    with pytest.raises(
        UsageError, match=r"is 1 × 3.*--gcm-column 1 to 3\), or --all-different if these are 3 particip"
    ):
        read(path)
    assert strengths(read(path, all_different=True)) == [1.0, 2.0, 3.0]
    column = gcm(tmp_path / "GCM_y.mat", estimated_struct, np.array([[1.0], [2.0], [3.0]]))
    assert [estimate.name for estimate in read(column).estimates] == ["GCM_y[1]", "GCM_y[2]", "GCM_y[3]"]
    with pytest.raises(UsageError, match="no GCM here has columns"):
        read(column, gcm_column=1)
