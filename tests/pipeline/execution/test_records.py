"""What stands is kept, and what does not is made again: by content, not by date."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_units import bad_data, capitals, no_disk, toy_units

from pipeline.execution import Ended, Unit, in_process, run_units, up_to_date

Run = Callable[..., list[Ended]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(
        units: list[Unit], work: Callable[..., None] = capitals, root: Path = tmp_path, **how: object
    ) -> list[Ended]:
        return run_units(units, work, folder=root / "records", workers=in_process(), **how)

    return run


def how(ended: list[Ended]) -> list[str]:
    return [one.how for one in ended]


def test_units_are_made_once(tmp_path: Path, run: Run) -> None:
    units = toy_units(tmp_path, 3)
    assert how(run(units)) == ["made"] * 3
    assert how(run(units)) == ["kept"] * 3
    assert (tmp_path / "out/2.txt").read_text() == "CONTENT 2"


def test_a_touched_input_is_read_once_and_kept(tmp_path: Path, run: Run) -> None:
    units = toy_units(tmp_path, 1)
    run(units)
    os.utime(units[0].inputs[0], (1, 1))
    record = tmp_path / "records/toy/unit-0.json"
    before = record.stat().st_mtime_ns
    assert how(run(units)) == ["kept"]
    refreshed = record.stat().st_mtime_ns
    assert refreshed > before
    assert how(run(units)) == ["kept"]
    assert record.stat().st_mtime_ns == refreshed


@pytest.mark.parametrize("spoil", ["input", "output", "output gone", "record", "record of another form", "recipe"])
def test_whatever_changed_is_made_again_and_nothing_else(tmp_path: Path, run: Run, spoil: str) -> None:
    units = toy_units(tmp_path, 2)
    run(units)
    match spoil:
        case "input":
            units[0].inputs[0].write_text("other", encoding="utf-8")
        case "output":
            (tmp_path / "out/0.txt").write_text("edited", encoding="utf-8")
        case "output gone":
            (tmp_path / "out/0.txt").unlink()
        case "record":
            (tmp_path / "records/toy/unit-0.json").write_text('{"form":', encoding="utf-8")
        case "record of another form":
            (tmp_path / "records/toy/unit-0.json").write_text('{"form": "later"}', encoding="utf-8")
        case "recipe":
            units = [toy_units(tmp_path, 1, recipe="b")[0], units[1]]
    assert up_to_date(units, tmp_path / "records") == units[1:]
    assert how(run(units)) == ["made", "kept"]
    expected = "OTHER" if spoil == "input" else "CONTENT 0"
    assert (tmp_path / "out/0.txt").read_text(encoding="utf-8") == expected


def test_all_is_made_anew_where_asked_for(tmp_path: Path, run: Run) -> None:
    units = toy_units(tmp_path, 2)
    run(units)
    assert how(run(units, again=True)) == ["made", "made"]


def test_a_moved_study_is_kept(tmp_path: Path, run: Run) -> None:
    run(toy_units(tmp_path / "here", 2), root=tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    assert how(run(toy_units(tmp_path / "there", 2), root=tmp_path / "there")) == ["kept", "kept"]


def test_bad_data_fail_at_once_in_one_line_and_the_others_go_on(tmp_path: Path, run: Run) -> None:
    ended = run(toy_units(tmp_path, 3), bad_data)
    assert how(ended) == ["made", "failed", "made"]
    assert ended[1].reason == "unit-1: its data are bad"
    assert (tmp_path / "bad.log").read_text().count("tried") == 1


def test_bad_data_in_a_batch_are_blamed_on_their_unit(tmp_path: Path, run: Run) -> None:
    assert how(run(toy_units(tmp_path, 3), bad_data, batch=3)) == ["made", "failed", "made"]


def test_an_error_that_may_pass_is_tried_three_times(tmp_path: Path, run: Run) -> None:
    assert how(run(toy_units(tmp_path, 3), no_disk)) == ["made", "made", "made"]
    assert (tmp_path / "disk.log").read_text().count("tried") == 3


def test_an_error_that_does_not_pass_fails_with_its_words(tmp_path: Path, run: Run) -> None:
    ended = run(toy_units(tmp_path, 3, pause=0.001), no_disk)
    assert how(ended) == ["made", "failed", "made"]
    assert ended[1].reason == "failed 3 times, last by OSError: no space left"


def test_a_failed_unit_is_tried_again_by_the_next_run(tmp_path: Path, run: Run) -> None:
    units = toy_units(tmp_path, 2)
    run(units, bad_data)
    assert how(run(units)) == ["kept", "made"]


def test_progress_and_ends_are_told(tmp_path: Path, run: Run) -> None:
    heard: list[tuple[int, int]] = []
    names: list[str] = []
    units = toy_units(tmp_path, 3)
    run(units[:1])
    run(units, on_progress=lambda *news: heard.append(news), on_ended=lambda one: names.append(one.unit.name))
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert names == ["unit-0", "unit-1", "unit-2"]


def test_an_input_that_is_gone_is_the_units_own_failure(tmp_path: Path, run: Run) -> None:
    units = toy_units(tmp_path, 2)
    units[0].inputs[0].unlink()
    assert how(run(units)) == ["failed", "made"]
