"""A DCM specified from VOIs is the one that SPM specifies from them, and what does not fit is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_vois import SCANS, design, voi

from dcm import Spec
from pipeline.spm import SpmFileError, VoiFileError, read_dcm, specify_dcm, write_dcm
from pipeline.study import make_spec

Save = Callable[..., Path]
REGIONS = ["left", "right2"]


@pytest.fixture
def files(save_v7: Save, cells: Any) -> tuple[list[Path], Path]:
    """Both regions in both sessions, in an order of chance, and their SPM.mat."""
    vois = [
        save_v7(f"VOI_{name}_{session}.mat", xY=voi(name, session=session))
        for name in reversed(REGIONS)
        for session in (2, 1)
    ]
    return vois, save_v7("SPM.mat", SPM=design(cells, sessions=2))


def small_spec(inputs: list[str], **parts: Any) -> Spec:
    return make_spec(REGIONS, inputs, **({"c": {inputs[0]: ["left"]}} | parts))


def test_regions_are_in_the_models_order_and_of_the_session(files: tuple[list[Path], Path]) -> None:
    file = specify_dcm(*files, small_spec(["task"]), name="sub-01", session=2)
    assert (file.name, file.spec.regions) == ("sub-01", ("left", "right2"))
    np.testing.assert_array_equal(file.data.bold[:, [0]], voi("left")["u"])
    assert file.data.inputs[:, 0].max() == 2.0  # the second session's


def test_what_is_written_is_read_as_it_was_specified(files: tuple[list[Path], Path], tmp_path: Path) -> None:
    spec = make_spec(
        REGIONS,
        ["facesxtime^1", "task"],
        a=["right2 <- left"],
        b={"facesxtime^1": ["left <- left"]},
        c={"task": ["left"]},
        d={"right2": ["right2 <- left"]},
    )
    file = specify_dcm(*files, spec, name="sub-01", delays=[0.5, 1.5], echo_time=0.03, centre_inputs=True)
    write_dcm(tmp_path / "DCM_sub-01.mat", file)
    read = read_dcm(tmp_path / "DCM_sub-01.mat")
    assert (read.spec, read.nonlinear, read.centre_inputs, read.stated_echo_time) == (spec, True, True, 0.03)
    assert read.data.delays.tolist() == [0.5, 1.5]
    np.testing.assert_array_equal(read.data.inputs, file.data.inputs)
    assert read.content["U"]["idx"].tolist() == [[2, 2], [1, 1]]  # condition and column
    assert [struct["name"] for struct in read.content["xY"]] == REGIONS
    assert read.coordinates is not None


def test_an_input_adds_up_its_conditions(files: tuple[list[Path], Path]) -> None:
    conditions = {"any": ["task", "faces"]}
    file = specify_dcm(*files, small_spec(["any"]), conditions=conditions)
    both = specify_dcm(*files, small_spec(["task", "faces"]))
    np.testing.assert_array_equal(file.data.inputs[:, 0], both.data.inputs.sum(axis=1))
    assert file.data.delays.tolist() == [1.0, 1.0]  # half a repetition time


@pytest.mark.parametrize(
    ("regions", "inputs", "session", "says"),
    [
        (["lefty", "right2"], ["task"], 1, "no VOI called 'lefty' (xY.name) in session 1; did you mean 'left'?"),
        (REGIONS, ["tusk"], 1, "SPM.Sess(1).U has no input 'tusk'; choose from 'task', 'faces', 'facesxtime^1'"),
        (REGIONS, ["task"], 3, "has no VOI of session 3; there are VOIs of session 1, 2"),
    ],
)
def test_what_the_files_lack_is_named(
    files: tuple[list[Path], Path], regions: list[str], inputs: list[str], session: int, says: str
) -> None:
    with pytest.raises(VoiFileError) as caught:
        specify_dcm(*files, make_spec(regions, inputs, c={inputs[0]: [regions[0]]}), session=session)
    assert says in str(caught.value)
    assert str(caught.value).startswith("SPM.mat: ")


def test_a_region_that_is_there_twice_is_refused(files: tuple[list[Path], Path], save_v7: Save) -> None:
    again = save_v7("VOI_left_copy.mat", xY=voi("left"))
    with pytest.raises(VoiFileError, match=r"is 'left' of session 1, as in VOI_left_1\.mat; give each region once"):
        specify_dcm([*files[0], again], files[1], small_spec(["task"]))


def test_an_input_that_is_never_on_is_refused(files: tuple[list[Path], Path], save_v7: Save, cells: Any) -> None:
    silent = design(cells)
    silent["Sess"][0, 0]["U"][0, 0]["u"] *= 0
    with pytest.raises(SpmFileError, match=r"U\.u is zero for every input that drives a region"):
        specify_dcm(files[0], save_v7("other/SPM.mat", SPM=silent), small_spec(["task"]))


def test_regions_that_were_extracted_differently_are_remarked_on(files: tuple[list[Path], Path], save_v7: Save) -> None:
    odd = save_v7("odd/VOI_left_1.mat", xY=voi("left", X0=np.arange(1.0, SCANS + 1)[:, None], Ic=3.0))
    file = specify_dcm([odd, *(path for path in files[0] if "right" in path.name)], files[1], small_spec(["task"]))
    assert any("confounds (xY.X0) of VOI_right2_1.mat are not those of VOI_left_1.mat" in line for line in file.remarks)
    assert any("adjusted for different contrasts" in line for line in file.remarks)


@pytest.mark.parametrize(("participant", "folder"), [("sub-37", "raw"), ("sub-01", "estimated")])
def test_it_is_the_file_that_spm_specified(spm_data: Path, participant: str, folder: str) -> None:
    spms = read_dcm(spm_data / folder / f"DCM_{participant}.mat")
    place = spm_data / "voi" / participant
    file = specify_dcm(
        place.glob("VOI_*.mat"), place / "SPM.mat", spms.spec, delays=3.6, echo_time=0.05, centre_inputs=True
    )
    data = file.data.prepared(centre_inputs=True)[0] if folder == "estimated" else file.data  # SPM leaves it so
    for field in ("bold", "inputs", "confounds", "delays"):
        own, theirs = getattr(data, field), getattr(spms.data, field)
        np.testing.assert_allclose(own, theirs, rtol=0, atol=1e-12 if folder == "estimated" else 0, err_msg=field)
    assert (file.data.bin_width, file.data.repetition_time) == (spms.data.bin_width, spms.data.repetition_time)
    np.testing.assert_array_equal(file.content["U"]["idx"], spms.content["U"]["idx"])
    assert (file.stated_echo_time, file.centre_inputs) == (spms.stated_echo_time, spms.centre_inputs)
    np.testing.assert_array_equal(file.coordinates, spms.coordinates)


def test_a_condition_that_the_model_does_not_use_stops_nothing(
    files: tuple[list[Path], Path], save_v7: Save, cells: Any
) -> None:
    others = [(cells("rest"), np.full((352, 1), np.nan), 0.125), (cells(), np.ones((352, 1)), 0.125)]
    others += [(cells("x"), np.ones((352, 1)), np.nan), (cells("faces"), np.ones((352, 1)), 0.125)]
    sessions = design(cells)["Sess"]
    given = sessions[0, 0][0]
    conditions = np.empty((1, 6), dtype=given.dtype)
    conditions[0, :2] = given[0]
    for place, other in enumerate(others, start=2):
        conditions[0, place] = other
    sessions[0, 0] = (conditions,)
    spm_mat = save_v7("SPM.mat", SPM={"xY": {"RT": 2.0}, "Sess": sessions})
    file = specify_dcm(files[0], spm_mat, small_spec(["task"]))
    assert file.data.inputs[:8, 0].tolist() == [1] * 8
    with pytest.raises(SpmFileError, match=r"Sess\(1\).U\(6\).name holds 'faces' twice"):
        specify_dcm(files[0], spm_mat, small_spec(["faces"]))


def test_a_voi_without_session_is_of_the_only_one(files: tuple[list[Path], Path], save_v7: Save, cells: Any) -> None:
    vois = [save_v7(f"VOI_{name}_x.mat", xY=voi(name, Sess=None)) for name in ("left", "right2")]
    spec = small_spec(["task"])
    with pytest.raises(SpmFileError, match=r"VOI_left_x.mat: xY.Sess is missing, and SPM.mat has 2 sessions"):
        specify_dcm(vois, save_v7("two/SPM.mat", SPM=design(cells, sessions=2)), spec)
    assert specify_dcm(vois, save_v7("one/SPM.mat", SPM=design(cells)), spec).data.scans == 20
