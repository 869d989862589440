"""What stands is kept, and what does not is made again: by content, not by date."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_units import bad_data, capitals, forgetful, make, meddling, no_disk, toy_outputs, toy_units

from pipeline.execution import (
    CurrentProcess,
    Unit,
    UnitOutcome,
    UnitRecorder,
    find_failures,
    find_up_to_date,
    run_units,
)

Run = Callable[..., list[UnitOutcome]]
Tries = Callable[[], Counter[str]]

SPOILS = ("input", "output", "output gone", "record", "record of another form", "record without inputs", "recipe")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(
        units: list[Unit], work: Callable[..., None] = capitals, root: Path = tmp_path, **how: object
    ) -> list[UnitOutcome]:
        return run_units(units, work, folder=root / "records", workers=CurrentProcess(), **how)

    return run


def how(ended: list[UnitOutcome]) -> list[str]:
    return [outcome.status for outcome in ended]


def spoil(folder: Path, units: list[Unit], place: int, what: str) -> None:
    """Change something about one unit; `units` is changed where its recipe is."""
    output, record = folder / f"out/{place}.txt", folder / f"records/toy/unit-{place}.json"
    match what:
        case "input":
            units[place].inputs[0].write_text("other", encoding="utf-8")
        case "output":
            output.write_text("edited", encoding="utf-8")
        case "output gone":
            output.unlink()
        case "record":
            record.write_text(record.read_text(encoding="utf-8")[:80], encoding="utf-8")
        case "record of another form":
            record.write_text('{"form": "later"}', encoding="utf-8")
        case "record without inputs":
            record.write_text(record.read_text(encoding="utf-8").replace('"inputs"', '"puts"'), encoding="utf-8")
        case "recipe":
            units[place] = toy_units(folder, place + 1, recipe="b")[place]
        case "touched":
            os.utime(units[place].inputs[0], (1, 1))
            os.utime(output, (1, 1))


def test_units_are_made_once(tmp_path: Path, run: Run) -> None:
    units = toy_units(tmp_path, 3)
    assert how(run(units)) == ["made"] * 3
    ended = run(units)
    assert how(ended) == ["kept"] * 3
    assert ended[2].outputs == (tmp_path / "out/2.txt",)
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


@pytest.mark.parametrize("what", SPOILS)
def test_whatever_changed_is_made_again_and_nothing_else(tmp_path: Path, run: Run, what: str) -> None:
    units = toy_units(tmp_path, 2)
    run(units)
    spoil(tmp_path, units, 0, what)
    assert find_up_to_date(units, tmp_path / "records") == units[1:]
    assert how(run(units)) == ["made", "kept"]
    expected = "OTHER" if what == "input" else "CONTENT 0"
    assert (tmp_path / "out/0.txt").read_text(encoding="utf-8") == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([*SPOILS, "touched", "nothing"]), min_size=4, max_size=4), st.integers(1, 4))
def test_after_any_changes_the_files_are_as_if_all_were_made_now(changes: list[str], batch: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        units = toy_units(folder, len(changes))
        run_units(units, capitals, folder=folder / "records", workers=CurrentProcess())
        for place, what in enumerate(changes):
            spoil(folder, units, place, what)
        ended = run_units(units, capitals, folder=folder / "records", workers=CurrentProcess(), batch=batch)
        assert how(ended) == ["kept" if what in ("touched", "nothing") else "made" for what in changes]
        expected = {f"{i}.txt": "OTHER" if what == "input" else f"CONTENT {i}" for i, what in enumerate(changes)}
        assert toy_outputs(folder) == expected


def test_all_is_made_anew_where_asked_for(tmp_path: Path, run: Run) -> None:
    units = toy_units(tmp_path, 2)
    run(units)
    assert how(run(units, force=True)) == ["made", "made"]


def test_what_could_not_be_made_anew_does_not_pass_for_it(tmp_path: Path, run: Run) -> None:
    units = toy_units(tmp_path, 3, pause=0.001)
    run(units)
    assert how(run(units, no_disk, force=True, batch=3)) == ["made", "failed", "made"]
    assert find_up_to_date(units, tmp_path / "records") == [units[0], units[2]]


def test_a_moved_study_is_kept(tmp_path: Path, run: Run) -> None:
    run(toy_units(tmp_path / "here", 2), root=tmp_path / "here")
    shutil.move(tmp_path / "here", tmp_path / "there")
    ended = run(toy_units(tmp_path / "there", 2), root=tmp_path / "there")
    assert how(ended) == ["kept", "kept"]
    assert ended[0].outputs == (tmp_path / "there/out/0.txt",)


def test_a_copied_study_with_new_dates_is_kept(tmp_path: Path, run: Run) -> None:
    run(toy_units(tmp_path / "here", 2), root=tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there", copy_function=shutil.copyfile)
    assert how(run(toy_units(tmp_path / "there", 2), root=tmp_path / "there")) == ["kept", "kept"]


def test_results_may_be_a_link_to_another_disk(tmp_path: Path, run: Run) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "study").mkdir()
    (tmp_path / "study/out").symlink_to(tmp_path / "elsewhere")
    units = toy_units(tmp_path / "study", 2)
    assert how(run(units, root=tmp_path / "study")) == ["made", "made"]
    ended = run(units, root=tmp_path / "study")
    assert how(ended) == ["kept", "kept"]
    assert ended[0].outputs == (tmp_path / "study/out/0.txt",)


def test_a_study_reached_by_a_link_is_kept(tmp_path: Path, run: Run) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "study")
    units = toy_units(tmp_path / "study", 1)
    assert how(run(units, root=tmp_path / "link")) == ["made"]
    assert how(run(toy_units(tmp_path / "link", 1), root=tmp_path / "study")) == ["kept"]


def test_a_record_holds_no_place_and_no_date_of_the_run(tmp_path: Path, run: Run) -> None:
    run(toy_units(tmp_path, 1))
    assert str(tmp_path) not in (tmp_path / "records/toy/unit-0.json").read_text(encoding="utf-8")


def test_an_input_that_changes_meanwhile_is_told(tmp_path: Path, run: Run) -> None:
    (ended,) = run(toy_units(tmp_path, 1), meddling)
    assert ended.status == "failed"
    assert ended.reason.endswith("in/0.txt changed while it was worked on; run again once nobody writes to it")
    assert find_up_to_date(toy_units(tmp_path, 1), tmp_path / "records") == []


def test_bad_data_fail_at_once_in_one_line_and_the_others_go_on(tmp_path: Path, run: Run, tries: Tries) -> None:
    ended = run(toy_units(tmp_path, 3), bad_data)
    assert how(ended) == ["made", "failed", "made"]
    assert ended[1].reason == "unit-1: its data are bad"
    assert tries()["unit-1"] == 1


def test_bad_data_in_a_batch_are_blamed_on_their_unit(tmp_path: Path, run: Run, tries: Tries) -> None:
    assert how(run(toy_units(tmp_path, 3), bad_data, batch=3)) == ["made", "failed", "made"]
    assert tries() == {"unit-0": 1, "unit-1": 2, "unit-2": 1}  # with its batch, and alone


def test_an_error_that_may_pass_is_tried_three_times(tmp_path: Path, run: Run, tries: Tries) -> None:
    assert how(run(toy_units(tmp_path, 3), no_disk)) == ["made", "made", "made"]
    assert tries() == {"unit-0": 1, "unit-1": 3, "unit-2": 1}


def test_an_error_that_does_not_pass_fails_with_its_words(tmp_path: Path, run: Run, tries: Tries) -> None:
    ended = run(toy_units(tmp_path, 3, pause=0.001), no_disk)
    assert how(ended) == ["made", "failed", "made"]
    assert ended[1].reason == "failed 3 times, last by OSError: no space left"
    assert tries()["unit-1"] == 3


def test_a_failed_unit_is_tried_again_by_the_next_run(tmp_path: Path, run: Run) -> None:
    units = toy_units(tmp_path, 2)
    run(units, bad_data)
    assert how(run(units)) == ["kept", "made"]


def test_a_work_function_that_does_not_report_a_unit_is_our_bug_and_named(tmp_path: Path, run: Run) -> None:
    (ended,) = run(toy_units(tmp_path, 1), forgetful)
    assert "did not report ['unit-0']" in ended.reason


def test_progress_and_ends_are_told(tmp_path: Path, run: Run) -> None:
    heard: list[tuple[int, int]] = []
    names: list[str] = []
    units = toy_units(tmp_path, 3)
    run(units[:1])
    run(units, on_progress=lambda *news: heard.append(news), on_outcome=lambda one: names.append(one.unit.name))
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert names == ["unit-0", "unit-1", "unit-2"]


def test_an_input_that_is_gone_is_the_units_own_failure(tmp_path: Path, run: Run) -> None:
    units = toy_units(tmp_path, 2)
    units[0].inputs[0].unlink()
    ended = run(units)
    assert how(ended) == ["failed", "made"]
    assert str(units[0].inputs[0]) in ended[0].reason


def test_what_a_failed_unit_left_before_is_gone(tmp_path: Path, run: Run) -> None:
    run(toy_units(tmp_path, 2))
    ended = run(toy_units(tmp_path, 2, recipe="b"), bad_data)
    assert how(ended) == ["made", "failed"]
    assert not (tmp_path / "out/1.txt").exists()
    assert find_failures(toy_units(tmp_path, 2), tmp_path / "records")[0][1] == "unit-1: its data are bad"
    assert how(run(toy_units(tmp_path, 2))) == ["made", "made"]
    assert find_failures(toy_units(tmp_path, 2), tmp_path / "records") == []


def test_what_another_recipe_left_is_gone(tmp_path: Path, run: Run) -> None:
    def twice(units: Sequence[Unit], recorder: UnitRecorder) -> None:
        capitals(units, recorder)
        more = tmp_path / "out/more.txt"
        more.write_text("more", encoding="utf-8")
        recorder.done(units[0], [units[0].payload[0], more])

    run(toy_units(tmp_path, 1), twice)
    run(toy_units(tmp_path, 1, recipe="b"))
    assert not (tmp_path / "out/more.txt").exists()
    assert (tmp_path / "out/0.txt").exists()


@pytest.mark.parametrize("moment", ["before", "during"])
def test_an_input_that_is_removed_is_named_with_a_remedy_and_the_others_go_on(
    moment: str, tmp_path: Path, run: Run
) -> None:
    units = toy_units(tmp_path, 3)
    lost = units[1].inputs[0]

    def removing(some: Sequence[Unit], recorder: UnitRecorder) -> None:
        for unit in some:
            if unit.name == "unit-1":
                lost.unlink()
            unit.payload[0].parent.mkdir(exist_ok=True)
            make(unit, recorder)

    if moment == "before":
        lost.unlink()
    ended = run(units, capitals if moment == "before" else removing)
    assert how(ended) == ["made", "failed", "made"]
    assert ended[1].reason == f"{lost} was removed while it was needed; put it back and run again"
    lost.write_text("content 1", encoding="utf-8")
    assert how(run(units)) == ["kept", "made", "kept"]


@pytest.mark.parametrize("moment", [1, 2**32], ids=["past", "future"])
def test_a_clock_that_was_wrong_makes_nothing_again(moment: int, tmp_path: Path, run: Run) -> None:
    units = toy_units(tmp_path, 2)
    run(units)
    for path in [*tmp_path.glob("in/*.txt"), *tmp_path.glob("out/*.txt"), *tmp_path.glob("records/toy/*")]:
        os.utime(path, (moment, moment))
    assert how(run(units)) == ["kept"] * 2
    units[0].inputs[0].write_text("CONTENT 0", encoding="utf-8")  # as long as it was
    os.utime(units[0].inputs[0], (moment + 1, moment + 1))
    assert how(run(units)) == ["made", "kept"]
