"""Patterns find files and say whose they are; files without BIDS names tell their participants apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.common import (
    PatternError,
    _file_pattern,
    fill_pattern,
    guess_patterns,
    labelled_files,
    matching_files,
)


def made(folder: Path, *names: str) -> list[Path]:
    """Empty files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return [folder / name for name in names]


def test_fields_are_the_labels_of_a_file(tmp_path: Path) -> None:
    made(tmp_path, "P02_post.csv", "P10_pre.csv", "P02_pre.csv", "notes.csv")
    found = matching_files(f"{tmp_path}/{{participant}}_{{session}}.csv")
    assert [(file.participant, file.session) for file in found] == [
        ("sub-P02", "ses-post"),
        ("sub-P02", "ses-pre"),
        ("sub-P10", "ses-pre"),
    ]


def test_what_is_in_no_field_is_taken_from_bids_names(tmp_path: Path) -> None:
    made(tmp_path, "sub-01/ses-1/func/sub-01_ses-1_task-rest_run-2_atlas-A_timeseries.tsv")
    made(tmp_path, "sub-01/ses-1/func/sub-01_ses-1_task-rest_run-2_atlas-B_timeseries.tsv")
    (file,) = matching_files(f"{tmp_path}/**/*_task-{{task}}_*_atlas-A_timeseries.tsv")
    assert dict(file.labels) == {"participant": "01", "session": "1", "task": "rest", "run": "2"}


def test_a_field_is_the_same_wherever_it_stands(tmp_path: Path) -> None:
    made(tmp_path, "sub-01/sub-01_series.npy", "sub-01/sub-02_series.npy")
    (file,) = matching_files(f"{tmp_path}/sub-{{participant}}/sub-{{participant}}_series.npy")
    assert file.path.name == "sub-01_series.npy"


def test_labels_of_a_run_fill_the_pattern_of_its_events(tmp_path: Path) -> None:
    made(tmp_path, "events/01_pre.tsv", "events/01_post.tsv")
    pattern = f"{tmp_path}/events/{{participant}}_{{session}}.tsv"
    assert [path.name for path in fill_pattern(pattern, {"participant": "01", "session": "pre"})] == ["01_pre.tsv"]
    with pytest.raises(PatternError, match=r"\{session\} of its pattern is not known"):
        fill_pattern(pattern, {"participant": "01"})


def test_run_1_of_a_run_is_run_01_of_a_pattern(tmp_path: Path) -> None:
    made(tmp_path, "events/01_01.tsv", "events/01_02.tsv")
    assert [path.name for path in fill_pattern(f"{tmp_path}/events/*_{{run}}.tsv", {"run": "1"})] == ["01_01.tsv"]


def test_a_folder_may_be_called_like_a_wildcard(tmp_path: Path) -> None:
    made(tmp_path, "study [2]/01.tsv")
    (file,) = fill_pattern(f"{tmp_path}/study [2]/{{participant}}.tsv", {"participant": "01"})
    assert file.name == "01.tsv"


@pytest.mark.parametrize("pattern", ["/data/{who}.csv", "/data/{participant.csv", "/"])
def test_a_pattern_that_says_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"field|no pattern"):
        matching_files(pattern)


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["sub-01_task-rest_bold.tsv", "sub-02_task-rest_bold.tsv"], "sub-{participant}_task-{task}_bold.tsv"),
        (["P01_pre.csv", "P01_post.csv", "P02_pre.csv", "P02_post.csv", "P03_pre.csv"], "{participant}_{session}.csv"),
        (["anna.npy", "bert.npy"], "{participant}.npy"),
        (["pre/anna.npy", "post/anna.npy", "pre/bert.npy"], "{session}/{participant}.npy"),
        (["ROI_Subject001_Condition000.mat"], "ROI_Subject{participant}_Condition000.mat"),
        (["ROI_Subject001_Session002.mat"], "ROI_Subject{participant}_Session002.mat"),
    ],
)
def test_patterns_are_guessed_from_names(tmp_path: Path, names: list[str], pattern: str) -> None:
    files = labelled_files(made(tmp_path, *names))
    assert guess_patterns(files, tmp_path) == (pattern,)
    assert {file.path for file in matching_files(f"{tmp_path}/{pattern}")} == {tmp_path / name for name in names}


def test_names_that_tell_nobody_apart_have_no_participant(tmp_path: Path) -> None:
    assert [file.participant for file in labelled_files(made(tmp_path, "a_b.csv", "c_d.csv"))] == [None, None]


def test_of_files_that_a_pattern_matches_those_of_another_run_by_their_names_are_left_out(tmp_path: Path) -> None:
    for name in ("sub-01_ses-1_events.tsv", "sub-02_ses-1_events.tsv", "sub-01_ses-2_events.tsv"):
        (tmp_path / name).touch()
    found = fill_pattern(f"{tmp_path}/*_events.tsv", {"participant": "1", "session": "2"})
    assert [path.name for path in found] == ["sub-01_ses-2_events.tsv"]


def test_links_are_followed_and_those_to_nothing_are_files_of_somebody(tmp_path: Path) -> None:
    made(tmp_path, "store/x/s.csv", "data/sub-01/s.csv", "data/.git/s.csv")
    (tmp_path / "data" / "sub-02").symlink_to(tmp_path / "store" / "x")
    (tmp_path / "data" / "sub-01" / "loop").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "sub-03").mkdir()
    (tmp_path / "data" / "sub-03" / "s.csv").symlink_to(tmp_path / "annex" / "s.csv")
    found = matching_files(f"{tmp_path}/data/**/sub-{{participant}}/s.csv")
    assert [file.participant for file in found] == ["sub-01", "sub-02", "sub-03"]


def test_patterns_of_a_whole_disk_are_refused_at_once() -> None:
    with pytest.raises(PatternError, match="goes through the whole disk; begin it with the folder"):
        matching_files("/**/*")
    with pytest.raises(PatternError, match="goes through the whole disk"):
        fill_pattern("/**/{participant}.tsv", {"participant": "01"})


def test_patterns_that_go_through_or_match_too_much_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, *(f"a/{number}.csv" for number in range(5)), "b/notes.txt")
    monkeypatch.setattr(_file_pattern, "MOST_MATCHES", 4)
    with pytest.raises(PatternError, match="matches more than 4 files; write more of their names"):
        matching_files(f"{tmp_path}/a/*.csv")
    monkeypatch.setattr(_file_pattern, "MOST_ENTRIES", 3)
    with pytest.raises(PatternError, match=r"goes through more than 3 files and folders below .*; begin it with"):
        matching_files(f"{tmp_path}/**/notes.txt")


def test_folders_are_gone_through_wherever_the_pattern_says(tmp_path: Path) -> None:
    made(tmp_path, "a/sub-01/x/y/s.csv", "a/sub-02/x/s.csv", "b/sub-03/s.csv", "s.csv")
    for pattern in ("*/**/x/**/s.csv", "*/**/x/**/**/s.csv"):
        found = matching_files(f"{tmp_path}/{pattern}")
        paths = [file.path.relative_to(tmp_path).as_posix() for file in found]
        assert paths == ["a/sub-01/x/y/s.csv", "a/sub-02/x/s.csv"]
