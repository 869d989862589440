"""What cannot be written is said in one line, with place and remedy, and leaves what is there whole."""

from __future__ import annotations

import errno
import os
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from toy_units import toy_outputs, toy_units

from pipeline.cli._guard import FAILED, flush_stream, run_guarded
from pipeline.common import WriteError, _files, atomic_write, remove_unfinished_files, write_bytes, write_json
from pipeline.common._console import _Output
from pipeline.execution import CurrentProcess, Unit, UnitRecorder, run_units
from pipeline.matlab import save_mat
from pipeline.results import write_dataset

REMEDIES = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "quota",
    errno.EFBIG: "ulimit -f",
    errno.EROFS: "give a folder that can be written to",
    errno.EACCES: "the right to write there",
    errno.ENAMETOOLONG: "shorten the names",
    errno.ENOENT: "removed meanwhile",
    errno.EIO: "check the disk",
}
WRITERS = {
    "a JSON file": ("a.json", lambda path: write_json(path, {"a": 1})),
    "a NetCDF file": ("a.nc", lambda path: write_dataset(path, xr.Dataset({"a": ("x", np.zeros(3))}))),
    "a MATLAB file": ("a.mat", lambda path: save_mat(path, {"a": np.zeros((1, 1))})),
    "any file": ("a.txt", lambda path: write_bytes(path, b"a")),
}


def refuse(patch: pytest.MonkeyPatch, number: int) -> None:
    """The operating system refuses to write out a file."""

    def fsync(_: int) -> None:
        raise OSError(number, os.strerror(number))

    patch.setattr(_files.os, "fsync", fsync)


@pytest.mark.parametrize("number", REMEDIES, ids=errno.errorcode.get)
def test_a_refusal_names_place_cause_and_remedy(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, number)
    with pytest.raises(WriteError) as caught:
        write_bytes(tmp_path / "a.txt", b"a")
    assert str(caught.value).startswith(f"{tmp_path / 'a.txt'} cannot be written ({os.strerror(number)}); ")
    assert REMEDIES[number] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_leaves_what_was_there_and_nothing_beside_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, write = WRITERS[kind]
    (tmp_path / name).write_text("before", encoding="utf-8")
    refuse(monkeypatch, errno.ENOSPC)
    with pytest.raises(WriteError, match="No space left"):
        write(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == "before"


def test_a_part_of_the_path_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(WriteError, match="a part of the path is a file"):
        write_bytes(tmp_path / "a" / "b.txt", b"")


@pytest.mark.parametrize("stem", ["a" * 250, "日" * 83, "é" * 125, "🧠" * 62])
def test_the_longest_names_of_any_script_can_be_written(stem: str, tmp_path: Path) -> None:
    write_bytes(tmp_path / f"{stem}.nc", b"whole")
    assert (tmp_path / f"{stem}.nc").read_bytes() == b"whole"


def test_a_name_that_is_too_long_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="shorten the names"):
        write_bytes(tmp_path / f"{'a' * 260}.nc", b"")


def test_the_error_survives_the_way_from_another_process() -> None:
    error = WriteError("/disk/a.nc", OSError(errno.ENOSPC, "No space left on device"))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.errno, again.for_all) == (str(error), errno.ENOSPC, True)


def test_a_command_ends_with_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise WriteError("/disk/a.nc", OSError(errno.EROFS, "Read-only file system"))

    assert run_guarded(work, debug=False) == FAILED
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note:")]
    assert lines == [
        "effconn: /disk/a.nc cannot be written (Read-only file system); it is read-only; give a folder that can be "
        "written to"
    ]


def full_disk(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Writes units until the disk is full at unit-1."""
    for unit in units:
        path, _ = unit.payload
        if unit.name == "unit-1":
            raise WriteError(path, OSError(errno.ENOSPC, "No space left on device"))
        write_bytes(path, b"whole")
        recorder.done(unit, [path])


def test_a_full_disk_ends_a_run_at_once_and_what_was_finished_is_recorded(tmp_path: Path) -> None:
    units = toy_units(tmp_path, 4)
    with pytest.raises(WriteError, match="No space left"):
        run_units(units, full_disk, folder=tmp_path / "records", workers=CurrentProcess())
    assert toy_outputs(tmp_path) == {"0.txt": "whole"}
    assert [path.stem for path in (tmp_path / "records" / "toy").iterdir()] == ["unit-0"]


def test_leftovers_of_killed_writers_go_and_nothing_else(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.nc") as aside:
        aside.touch()
        left = aside.name
    names = {left, ".hidden.nc", f"x{left}", ".git", left.replace(".nc", ".nc.bak")}
    for name in names:
        (tmp_path / name).touch()
    now = (tmp_path / left).stat().st_mtime_ns
    remove_unfinished_files(tmp_path, before=now)  # it may still be written to
    assert {path.name for path in tmp_path.iterdir()} == {*names, "a.nc"}
    remove_unfinished_files(tmp_path, before=now + 1)
    assert {path.name for path in tmp_path.iterdir()} == {*names, "a.nc"} - {left}


def test_a_reader_who_goes_early_does_not_end_the_work() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        out = _Output(file=stream)
        for _ in range(3):
            out.print("a line")
        assert flush_stream(stream) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_to_a_full_disk_is_an_error_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with open("/dev/full", "w") as stream:  # noqa: PTH123 - a device, no file
        stream.write("a line")
        assert flush_stream(stream) == FAILED
    assert "standard output cannot be written (No space left on device)" in capsys.readouterr().err


@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_is_written_to_and_not_replaced(linked: bool, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    if linked:  # as /dev/stdout is
        (tmp_path / "link").symlink_to(pipe)
    write_bytes(tmp_path / ("link" if linked else "pipe"), b"content")
    assert (os.read(reader, 100), pipe.is_fifo(), len(list(tmp_path.iterdir()))) == (b"content", True, 1 + linked)
    os.close(reader)
