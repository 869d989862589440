"""VOI files and an SPM.mat make the run that the DCM specified from them holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_vois import BINS, SCANS, design, voi

from pipeline.spm import VoiFileError, read_dcm, read_vois

Save = Callable[..., Path]


def uneven(second: np.ndarray | None = None) -> dict[str, Any]:
    """One session of two conditions, the second with other bins."""
    conditions = np.empty((1, 2), dtype=[("name", object), ("u", object), ("dt", object)])
    conditions[0, 0] = ("task", np.ones((352, 1)), 2 / BINS)
    conditions[0, 1] = ("faces", np.ones((332, 1)) if second is None else second, 2 / BINS)
    return {"U": conditions}


@pytest.fixture
def files(save_mat_file: Save, cells: Any) -> tuple[list[Path], Path]:
    vois = [save_mat_file(f"VOI_{name}_1.mat", xY=voi(name)) for name in ("left", "right2")]
    return vois, save_mat_file("SPM.mat", SPM=design(cells, sessions=2))


def test_vois_and_design_become_a_run(files: tuple[list[Path], Path]) -> None:
    run = read_vois(*files, label="sub-01")
    assert (run.label, run.regions) == ("sub-01", ("left", "right2"))
    assert run.input_names == ("task", "faces", "facesxtime^1")
    assert (run.data.repetition_time, run.data.bin_width) == (2.0, 0.125)
    np.testing.assert_array_equal(run.data.bold[:, :1], voi("left")["u"])
    assert run.data.inputs[:8, 0].tolist() == [1] * 8  # the 32 leading bins are gone
    assert run.data.inputs[18:28, 2].tolist() == [0.5] * 10
    assert run.coordinates is not None


def test_a_run_is_specified_under_its_names(files: tuple[list[Path], Path]) -> None:
    run = read_vois(*files, inputs=["task"], label="sub-01")
    subject = run.specify(np.ones((2, 2)), c=[[1], [0]])
    assert (subject.name, subject.spec.regions, subject.spec.inputs) == ("sub-01", run.regions, ("task",))
    assert subject.data is run.data
    with pytest.raises(ValueError, match="mask c has shape"):
        run.specify(np.ones((2, 2)), c=np.ones((2, 3)))


def test_inputs_are_chosen_by_name_and_in_order(files: tuple[list[Path], Path]) -> None:
    run = read_vois(*files, inputs=["facesxtime^1", "task"])
    assert run.input_names == ("facesxtime^1", "task")
    assert run.data.inputs.max(axis=0).tolist() == [0.5, 1.0]


def test_the_vois_session_chooses_the_inputs(files: tuple[list[Path], Path], save_v7: Save) -> None:
    second = save_v7("VOI_left_2.mat", xY=voi("left", session=2))
    assert read_vois([second], files[1]).data.inputs[:, 0].max() == 2.0


def test_delays_and_label_have_defaults(files: tuple[list[Path], Path]) -> None:
    run = read_vois(*files)
    assert run.label == files[1].parent.name
    assert run.data.delays.tolist() == [1.0, 1.0]
    assert read_vois(*files, delays=0.5).data.delays.tolist() == [0.5, 0.5]


def test_an_unknown_input_lists_the_valid_names(files: tuple[list[Path], Path]) -> None:
    with pytest.raises(VoiFileError, match=r"SPM\.mat: .*no input 'fases'; choose from 'task', 'faces', 'facesxtime"):
        read_vois(*files, inputs=["fases"])


@pytest.mark.parametrize(
    ("second", "field", "says"),
    [
        ({"session": 2}, "xY.Sess", "is 2, but VOI_left_1.mat is of session 1"),
        ({"scans": 19}, "xY.u", "has 19 scans, but VOI_left_1.mat 20"),
        ({"name": "left"}, "xY.name", "is 'left', as in VOI_left_1.mat"),
        ({"u": None}, "xY.u", "is missing"),
        ({"u": np.full((SCANS, 1), np.nan)}, "xY.u", "20 NaN"),
        ({"u": np.ones((SCANS, 1))}, "xY.u", "is constant"),
        ({"X0": np.ones((3, 1))}, "xY.X0", "has 3 rows for 20 scans"),
        ({"Sess": "one"}, "xY.Sess", "is text"),
        ({"Sess": 1.5}, "xY.Sess", "is 1.5, not the number of a session"),
        ({"u": np.arange(2.0 * SCANS).reshape(SCANS, 2)}, "xY.u", "is 20 × 2, not one series"),
        ({"X0": np.ones((SCANS, 2, 2))}, "xY.X0", "has 3 axes, not scans × confounds"),
    ],
)
def test_vois_that_do_not_fit_are_named(
    files: tuple[list[Path], Path], save_mat_file: Save, second: dict[str, Any], field: str, says: str
) -> None:
    odd = save_mat_file("VOI_odd.mat", xY=voi(**({"name": "odd"} | second)))
    with pytest.raises(VoiFileError) as caught:
        read_vois([files[0][0], odd], files[1])
    assert (caught.value.path, caught.value.field) == (odd, field)
    assert str(caught.value).startswith(f"VOI_odd.mat: {field} ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"xY": {}}, "SPM.xY.RT is missing"),
        ({"Sess": 1.0}, "SPM.Sess is a 1 × 1 array, not structs"),
        ({"xY": {"RT": 3.0}}, "SPM.Sess.U.u has 320 bins"),
        ({"Sess": uneven()}, "SPM.Sess(1).U.u differs in length between inputs (bins: 'task' 320, 'faces' 300)"),
        ({"Sess": uneven(np.ones((352, 2, 2)))}, "SPM.Sess(1).U(2).u has 3 axes, not bins × inputs"),
        ({"xY": {"RT": -2.0}}, "SPM.Sess(1).U.dt must be one positive bin width"),
    ],
)
def test_a_bad_design_is_named(
    files: tuple[list[Path], Path], save_v7: Save, cells: Any, change: dict[str, Any], says: str
) -> None:
    path = save_v7("bad/SPM.mat", SPM=design(cells, **change))
    with pytest.raises(VoiFileError) as caught:
        read_vois(files[0], path)
    assert says in str(caught.value)


def test_a_name_or_a_place_that_cannot_be_read_stops_no_voi(files: tuple[list[Path], Path], save_v7: Save) -> None:
    odd = save_v7("VOI_odd_1.mat", xY=voi("odd") | {"name": 5.0, "xyz": "here"})
    run = read_vois([files[0][0], odd], files[1])
    assert run.regions == ("left", "odd_1")
    assert run.coordinates is None


def test_a_session_beyond_the_design_is_named(files: tuple[list[Path], Path], save_v7: Save) -> None:
    third = save_v7("VOI_left_3.mat", xY=voi("left", session=3))
    with pytest.raises(VoiFileError, match=r"has 2 sessions, but the VOIs are of session 3"):
        read_vois([third], files[1])


def test_files_of_the_wrong_kind_are_named(files: tuple[list[Path], Path], tmp_path: Path) -> None:
    vois, spm = files
    with pytest.raises(VoiFileError, match=r"SPM\.mat: is no VOI file"):
        read_vois([spm], spm)
    with pytest.raises(VoiFileError, match=r"VOI_left_1\.mat: is no SPM\.mat"):
        read_vois(vois, vois[0])
    with pytest.raises(VoiFileError, match="does not exist"):
        read_vois(vois, tmp_path / "nowhere.mat")
    with pytest.raises(ValueError, match="no VOI files"):
        read_vois([], spm)


@pytest.mark.parametrize(("participant", "folder"), [("sub-01", "estimated"), ("sub-37", "raw")])
def test_real_vois_are_what_the_dcm_was_specified_from(spm_data: Path, participant: str, folder: str) -> None:
    file = read_dcm(spm_data / folder / f"DCM_{participant}.mat")
    place = spm_data / "voi" / participant
    run = read_vois([place / f"VOI_{name}_1.mat" for name in file.spec.regions], place / "SPM.mat")
    assert (run.label, run.regions, run.input_names) == (participant, file.spec.regions, file.spec.inputs)
    ours, scale = run.data.prepared(centre_inputs=True)
    spms, _ = file.data.prepared(centre_inputs=True)
    np.testing.assert_allclose(ours.bold, spms.bold, atol=1e-14)
    np.testing.assert_allclose(ours.inputs, spms.inputs, atol=1e-13)
    np.testing.assert_array_equal(ours.confounds, spms.confounds)
    np.testing.assert_array_equal(run.coordinates, file.coordinates)
    stored = file.content["Y"].get("scale")
    assert stored is None or stored[0, 0] == pytest.approx(scale, rel=1e-14)
