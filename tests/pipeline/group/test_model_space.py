"""Candidate models come from masks or a table, and say which of a group's parameters each has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dcm import Spec
from pipeline.group._comparison import order_of
from pipeline.group._model_space import ModelSpaceError, read_model_space
from pipeline.spm import DcmFile, SpmAverage, read_models
from pipeline.spm._peb_read import read_group_results
from pipeline.tables import TableError

Save = Callable[..., Path]
Cells = Callable[..., np.ndarray]
SPEC = Spec(("vmPFC", "amygdala"), ("task", "faces"), np.ones((2, 2)), np.ones((2, 2, 2)), np.eye(2))
FORWARD, BACKWARD = "B[amygdala<-vmPFC, faces]", "B[vmPFC<-amygdala, faces]"


def bare(name: str, **masks: np.ndarray) -> dict[str, Any]:
    full = {"a": np.ones((2, 2)), "b": np.zeros((2, 2, 2)), "c": np.eye(2), "d": np.zeros((2, 2, 0))}
    return full | masks | {"options": {"nonlinear": False}, "name": name}


def b(*entries: tuple[int, int, int]) -> np.ndarray:
    mask = np.zeros((2, 2, 2))
    for entry in entries:
        mask[entry] = 1
    return mask


@pytest.fixture
def three(cells: Cells) -> np.ndarray:
    return cells(bare("both", b=b((0, 1, 1), (1, 0, 1))), bare("forward", b=b((1, 0, 1))), bare("none"))


def test_masks_become_switches(save_mat_file: Save, three: np.ndarray) -> None:
    space = read_model_space(save_mat_file("space.mat", GCM=three))
    assert space.models == ("both", "forward", "none")
    on = [[True, True], [True, False], [False, False]]
    assert space.switches(["B(2,1,2)", "B(1,2,2)"]).tolist() == on
    assert space.switches([FORWARD, BACKWARD], SPEC).tolist() == on


def test_every_parameter_of_the_dcm_can_be_asked_for(save_v7: Save, three: np.ndarray) -> None:
    three[0, 2]["a"] = np.array([[0.0, 1], [0, 0]])
    space = read_model_space(save_v7("space.mat", GCM=three))
    on = space.switches(SPEC.parameter_names, SPEC)
    assert on.shape == (3, SPEC.layout.size)
    assert on[2, :4].tolist() == [True, False, True, True]  # self-connections are part of every DCM
    assert on[:, -4:].all()


def test_families_go_by_their_variables(save_v7: Save, three: np.ndarray, cells: Cells) -> None:
    path = save_v7("space.mat", GCM=three, task_family=np.array([[1.0, 1, 2]]), family=cells("yes", "yes", "no"), x=1.0)
    assert read_model_space(path).families == {"task_family": ("1", "1", "2"), "family": ("yes", "yes", "no")}


def test_models_without_a_name_or_of_one_name_are_told_apart(save_v7: Save, cells: Cells) -> None:
    models = cells(bare("x"), bare("x"), {key: value for key, value in bare("").items() if key != "name"})
    assert read_model_space(save_v7("space.mat", GCM=models)).models == ("x~1", "x~2", "model 3")


def test_a_gated_model_among_others(save_v7: Save, cells: Cells) -> None:
    gates = np.zeros((2, 2, 2))
    gates[0, 1, 0] = 1
    space = read_model_space(save_v7("space.mat", GCM=cells(bare("gated", d=gates), bare("not"))))
    assert space.switches(["D(1,2,1)"]).tolist() == [[True], [False]]


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in bare("x").items() if name != key}


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"models": np.eye(2)}, r"GCM is missing \(the file holds models\)"),
        ({"GCM": np.eye(2)}, "GCM is a 2 × 2 array, not a cell array of models"),
        ({"GCM": [bare("x"), "DCM_2.mat"]}, r"GCM\{2\} is the text 'DCM_2.mat', not a struct with masks"),
        ({"GCM": [bare("x", c=np.ones((2, 2, 2)))]}, r"GCM\{1\}\.c has 3 axes; give a mask of regions × inputs"),
        ({"GCM": [bare("x"), without("a")]}, r"GCM\{2\}\.a is missing"),
        ({"GCM": [bare("x"), bare("y", a=np.ones((3, 3)))]}, r"GCM\{2\}\.a is 3 × 3, but .* need 2 × 2"),
        ({"GCM": [bare("x", b=np.full((2, 2, 2), 0.5))]}, r"GCM\{1\}\.b holds 0\.5 where only 0 and 1 are allowed"),
        ({"GCM": [bare("x"), bare("y")], "family": np.ones((1, 3))}, "family must hold one family for each of the 2"),
        ({"GCM": [bare("x"), bare("y")], "family": np.array([[0.5, 1]])}, "family must hold one family for each"),
        ({"GCM": [bare("x"), bare("y")], "family": np.array([[np.nan, 1]])}, "family must hold one family for each"),
    ],
)
def test_what_is_wrong_with_masks_is_one_line(
    save_v7: Save, cells: Cells, variables: dict[str, Any], says: str
) -> None:
    stored = {key: cells(*value) if isinstance(value, list) else value for key, value in variables.items()}
    with pytest.raises(ModelSpaceError, match=rf"^space\.mat: {says}") as caught:
        read_model_space(save_v7("space.mat", **stored))
    assert "\n" not in str(caught.value)


def test_rows_of_participants_are_refused(save_v7: Save) -> None:
    grid = np.empty((2, 2), dtype=object)
    for index in np.ndindex(2, 2):
        grid[index] = bare("x")
    with pytest.raises(ModelSpaceError, match="keep one row, with one struct per model"):
        read_model_space(save_v7("space.mat", GCM=grid))


TABLE = f"model\t{FORWARD}\t{BACKWARD}\tfamily_direction\nboth\t1\t1\tboth\nforward\t1\t0\tone\nnone\t0\t0\tnone\n"


def test_a_table_becomes_switches_and_families(tmp_path: Path) -> None:
    (tmp_path / "space.tsv").write_text(TABLE)
    space = read_model_space(tmp_path / "space.tsv")
    assert space.models == ("both", "forward", "none")
    assert space.switches([BACKWARD, FORWARD]).tolist() == [[True, True], [False, True], [False, False]]
    assert space.switches(["B(1,2,2)", "B(2,1,2)"], SPEC)[1].tolist() == [False, True]
    assert space.families == {"family_direction": ("both", "one", "none")}


def test_switches_may_be_written_as_decimals(tmp_path: Path) -> None:
    (tmp_path / "space.tsv").write_text("model\tB(2,1,2)\tB(1,2,2)\nx\t1.0\t0.0\n")
    assert read_model_space(tmp_path / "space.tsv").switches([FORWARD, BACKWARD], SPEC).tolist() == [[True, False]]


def test_a_table_with_spms_names_serves_a_group_with_ours(tmp_path: Path) -> None:
    (tmp_path / "space.tsv").write_text("model\tB(2,1,2)\tB(1,2,2)\nx\t1\t0\n")
    assert read_model_space(tmp_path / "space.tsv").switches([BACKWARD, FORWARD], SPEC).tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TABLE.replace("model", "name"), r"space\.tsv, line 1: has no column 'model'"),
        (TABLE.replace("forward\t1", "forward\t2"), r"line 3: B\[amygdala<-vmPFC, faces\] is '2'; write 1 where"),
        (TABLE.replace("forward\t1", "both\t1"), "line 3: model is both, as in line 2"),
        (TABLE.replace("\tone", "\tn/a"), "line 3: family_direction is missing"),
        (TABLE.splitlines()[0], "has no row"),
        ("model\nx\n", "has no column of a parameter"),
        ("model\tB(1,1)\tB(1,1,1)\nx\t1\t0\n", r"has two columns for B\(1,1,1\)"),
    ],
)
def test_what_is_wrong_with_a_table_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "space.tsv").write_text(text)
    with pytest.raises(TableError, match=says) as caught:
        read_model_space(tmp_path / "space.tsv")
    assert "\n" not in str(caught.value)


def test_parameters_that_the_file_does_not_have_are_refused(tmp_path: Path, save_v7: Save, three: np.ndarray) -> None:
    (tmp_path / "space.tsv").write_text(TABLE)
    table = read_model_space(tmp_path / "space.tsv")
    with pytest.raises(ModelSpaceError, match=r"does not say which models have decay .* give it a column"):
        table.switches([FORWARD, BACKWARD, "decay"])
    with pytest.raises(ModelSpaceError, match=r"has a column B\[vmPFC<-amygdala, faces\], which is no parameter"):
        table.switches([FORWARD])
    masks = read_model_space(save_v7("space.mat", GCM=three))
    with pytest.raises(ModelSpaceError, match=r"does not say which models have B.* give the DCM"):
        masks.switches([FORWARD])


def test_spms_own_model_space_gives_the_models_it_compared(spm_data: Path) -> None:
    space = read_model_space(spm_data / "model_space.mat")
    assert set(space.families) == {"task_family", "b_dv_family", "b_lr_family"}
    found = {result.variable: result for result in read_group_results(spm_data / "peb30.mat")}
    bmc = found["bmc"]
    assert isinstance(bmc, SpmAverage)
    np.testing.assert_array_equal(space.switches(bmc.parameters), bmc.models)  # type: ignore[arg-type]  # known to be there
    (dcm,) = read_models(spm_data / "estimated" / "DCM_sub-01.mat")
    assert isinstance(dcm, DcmFile)
    ours = [dcm.spec.parameter_names[i] for i in found["PEB_B"].indices]  # type: ignore[union-attr]  # known to be there
    np.testing.assert_array_equal(space.switches(ours, dcm.spec), bmc.models)  # type: ignore[arg-type]  # known to be there


def test_which_model_is_of_which_family_is_said_where_order_decides(save_v7: Save, cells: Cells) -> None:
    models = cells(bare("x"), bare("y", b=np.zeros((2, 2, 2))))
    order = order_of(read_model_space(save_v7("space.mat", GCM=models, task_family=np.array([[2.0, 1]]))))
    assert order is not None
    assert order.line() == "space.mat goes by order: model 1 for x (task_family 2), model 2 for y (task_family 1)"
    assert order.records().tsv().splitlines()[1:] == ["1\tx (task_family 2)\tn/a", "2\ty (task_family 1)\tn/a"]
    assert order_of(read_model_space(save_v7("space.mat", GCM=models))) is None
