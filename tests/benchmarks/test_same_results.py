"""Two recordings of results: one changed digit is found in any kind of file, and nothing else counts as a change."""

from __future__ import annotations

import gzip
import json
import stat
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from benchmarks import same_results
from benchmarks._result_commands import RECORD, record
from benchmarks._result_comparison import FileComparison, read_renames

DIGEST = "0123456789abcdef" * 4
PAGE = """<html><head><style>p { margin: 1px }</style><title>Group</title></head><body><h2>Table of effects</h2>
<p>The posterior mean is <b>0.25</b> Hz on average.</p><svg><path d="M 1 2"/><text>0.5</text></svg></body></html>"""


def make_recording(folder: Path) -> Path:
    """A recording of one command that wrote a file of every kind."""
    results = folder / "peb-fit"
    results.mkdir(parents=True)
    (folder / RECORD).write_text(json.dumps({"folder": str(folder), "shared": "/data", "commands": {"peb-fit": {}}}))
    (results / "effects.tsv").write_text("connection\tmean\nV5 ← V1\t0.25\nV1 ← V5\t-0.1\n")
    (results / "scores.csv").write_text('name,score\n"sub-01, first",3\n')
    content = {"effconn": "0.1.0", "source_sha256": DIGEST, "arms": [{"difference": 0.125, "verdict": "no difference"}]}
    content |= {"notes": ["improvement was centred: 12 was subtracted"], "seconds": {"running": 1.5}}
    (results / "group.json").write_text(json.dumps(content))
    with h5py.File(results / "group.nc", "w") as file:
        file["mean"] = np.array([0.25, np.nan, -0.0])
        file["parameter"] = np.array(["A[V5<-V1]", "A[V1<-V5]"], dtype=h5py.string_dtype())
        file.attrs["settings"] = json.dumps({"starts": 3})
    scipy.io.savemat(
        results / "PEB_group.mat", {"PEB": {"Ep": np.eye(2), "Pnames": np.array(["a", "b"], dtype=object)}}
    )
    (results / "group.html").write_text(PAGE)
    (results / "effects.svg").write_text(
        '<svg aria-label="Effects"><path d="M 1 2"/><text>effect of 0.25 Hz</text></svg>'
    )
    (results / "effects.png").write_bytes(b"\x89PNG 1")
    (results / "map.nii.gz").write_bytes(gzip.compress(b"\x00\x01", mtime=1))
    (results / "README").write_text("A synthetic study of 21 participants.\n")
    (results / "stdout.txt").write_text("Effect  Mean\nV5 ← V1  +0.25\n")
    (results / "stderr.txt").write_text(f"inverting: 1 of 3, about 2.0 s left\npage: {results}/group.html (12 s)\n")
    (results / "exit_code.txt").write_text("0\n")
    (results / ".effconn").mkdir()
    (results / ".effconn" / "record.json").write_text(json.dumps({"changed": id(folder)}))
    return folder


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return make_recording(tmp_path / "before")


@pytest.fixture
def after(tmp_path: Path) -> Path:
    return make_recording(tmp_path / "after")


@pytest.fixture
def renamed(tmp_path: Path) -> Path:
    path = tmp_path / "renamed.tsv"
    path.write_text("old\tnew\twhy\n")
    return path


def compare(before: Path, after: Path, renamed: Path) -> dict[str, FileComparison]:
    """Files of the command by their paths in its folder."""
    found, _, _ = same_results.compare(before, after, renamed)
    return {file.path.removeprefix("peb-fit/"): file for file in found}


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(results: Path) -> None:
        text = (results / name).read_text()
        assert old in text
        (results / name).write_text(text.replace(old, new))

    return change


def change_last_bit(results: Path) -> None:
    with h5py.File(results / "group.nc", "a") as file:
        file["mean"][0] = np.nextafter(0.25, 1)


def change_attribute(results: Path) -> None:
    with h5py.File(results / "group.nc", "a") as file:
        file.attrs["settings"] = json.dumps({"starts": 4})


def change_sign_of_zero(results: Path) -> None:
    with h5py.File(results / "group.nc", "a") as file:
        file["mean"][2] = 0.0


def change_coordinate(results: Path) -> None:
    with h5py.File(results / "group.nc", "a") as file:
        file["parameter"][1] = "A[V1<-V6]"


def change_field(results: Path) -> None:
    content = {"PEB": {"Ep": np.diag([1, 1 + 2e-16]), "Pnames": np.array(["a", "b"], dtype=object)}}
    scipy.io.savemat(results / "PEB_group.mat", content)


def change_cell(results: Path) -> None:
    scipy.io.savemat(
        results / "PEB_group.mat", {"PEB": {"Ep": np.eye(2), "Pnames": np.array(["a", "c"], dtype=object)}}
    )


def change_image(results: Path) -> None:
    (results / "map.nii.gz").write_bytes(gzip.compress(b"\x00\x02", mtime=1))


def change_pixels(results: Path) -> None:
    (results / "effects.png").write_bytes(b"\x89PNG 2")


CHANGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "table": ("effects.tsv", replace("effects.tsv", "0.25", "0.250")),
    "comma-separated table": ("scores.csv", replace("scores.csv", ",3", ",4")),
    "column": ("effects.tsv", replace("effects.tsv", "mean", "average")),
    "JSON": ("group.json", replace("group.json", "0.125", "0.126")),
    "answer in JSON": ("group.json", replace("group.json", "no difference", "yes")),
    "number in a sentence": ("group.json", replace("group.json", "12 was", "13 was")),
    "NetCDF": ("group.nc", change_last_bit),
    "NetCDF, zero": ("group.nc", change_sign_of_zero),
    "NetCDF attribute": ("group.nc", change_attribute),
    "NetCDF coordinate": ("group.nc", change_coordinate),
    "MATLAB": ("PEB_group.mat", change_field),
    "MATLAB cell": ("PEB_group.mat", change_cell),
    "page": ("group.html", replace("group.html", "0.25", "0.26")),
    "drawing within a page": ("group.html", replace("group.html", "<text>0.5", "<text>0.6")),
    "text of a picture": ("effects.svg", replace("effects.svg", "0.25", "0.26")),
    "line of a picture": ("effects.svg", replace("effects.svg", "M 1 2", "M 1 3")),
    "pixels": ("effects.png", change_pixels),
    "image": ("map.nii.gz", change_image),
    "text": ("README", replace("README", "21", "22")),
    "printed": ("stdout.txt", replace("stdout.txt", "+0.25", "−0.25")),
    "exit code": ("exit_code.txt", replace("exit_code.txt", "0", "1")),
    "missing file": ("README", lambda results: (results / "README").unlink()),
    "new file": ("new.tsv", lambda results: (results / "new.tsv").write_text("x\n1\n") and None),
}


def test_the_same_recordings_are_identical(
    before: Path, after: Path, renamed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compare(before, after, renamed)
    assert {name for name, file in found.items() if file.outcome != "identical"} == {"stderr.txt"}  # its folder
    assert found["stderr.txt"].outcome == "masked"
    assert ".effconn/record.json" not in found
    assert same_results.main(["compare", str(before), str(after), "--renamed", str(renamed)]) == 0
    assert "differs" not in capsys.readouterr().out


@pytest.mark.parametrize("what", CHANGES)
def test_one_change_is_found_in_its_file_alone(what: str, before: Path, after: Path, renamed: Path) -> None:
    name, change = CHANGES[what]
    change(after / "peb-fit")
    found = compare(before, after, renamed)
    assert [path for path, file in found.items() if file.outcome == "differing"] == [name]


def test_a_difference_is_named_and_ends_with_1(
    before: Path, after: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_last_bit(after / "peb-fit")
    output = tmp_path / "found.json"
    assert same_results.main(["compare", str(before), str(after), "--json", str(output)]) == 1
    assert "peb-fit/group.nc differs in 1 places\n  mean: " in capsys.readouterr().out
    content = json.loads(output.read_text())
    assert [file["path"] for file in content["files"]] == ["peb-fit/group.nc"]
    assert {row["kind"]: row["differing"] for row in content["kinds"]}["NetCDF"] == 1


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("group.json", '"0.1.0"', '"0.2.0"'),
        ("group.json", DIGEST, DIGEST[::-1]),
        ("group.json", "1.5", "1.25"),
        ("stderr.txt", "about 2.0 s left", "about 1.0 s left"),
        ("stderr.txt", "(12 s)", "(1 min 2 s)"),
        ("README", "\n", " Made by effconn 0.2.0 on 2026-01-02 03:04.\n"),
    ],
)
def test_durations_versions_digests_and_times_of_day_do_not_count(
    name: str, old: str, new: str, before: Path, after: Path, renamed: Path
) -> None:
    if name == "README":
        replace(name, "\n", " Made by effconn 0.1.0 on 2025-11-12 13:14.\n")(before / "peb-fit")
    replace(name, old, new)(after / "peb-fit")
    assert compare(before, after, renamed)[name].outcome == "masked"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("group.json", "improvement was centred", "the covariate improvement was centred"),
        ("group.html", "Table of effects", "Group effects"),
        ("group.html", "The posterior mean is <b>0.25</b>", "On average, the <em>mean</em> is 0.25"),
        ("effects.svg", "effect of", "a mean effect of"),
        ("effects.svg", "Effects", "Mean effects"),
        ("stdout.txt", "Effect  Mean", "Connection  Posterior mean"),
    ],
)
def test_other_words_with_the_same_numbers_are_listed_apart(
    name: str, old: str, new: str, before: Path, after: Path, renamed: Path
) -> None:
    replace(name, old, new)(after / "peb-fit")
    found = compare(before, after, renamed)[name]
    assert found.outcome == "reworded"
    assert len(found.reworded) == 1


def test_new_lines_with_numbers_are_listed_and_hide_no_other_number(before: Path, after: Path, renamed: Path) -> None:
    replace("group.html", "</body>", "<h2>Glossary</h2><p>An interval of 90 % holds the truth so often.</p></body>")(
        after / "peb-fit"
    )
    found = compare(before, after, renamed)["group.html"]
    assert [change.after for change in found.reworded] == ["Glossary / An interval of 90 % holds the truth so often."]
    replace("group.html", "0.5", "0.6")(after / "peb-fit")
    found = compare(before, after, renamed)["group.html"]
    assert [(change.before, change.after) for change in found.differing] == [("0.5", "0.6")]


def test_a_title_may_be_short_and_an_answer_may_not_change(before: Path, after: Path, renamed: Path) -> None:
    for folder, title in ((before, "Arms"), (after, "Two arms")):
        (folder / "peb-fit" / "page.json").write_text(json.dumps({"title": title, "verdict": "open"}))
    assert compare(before, after, renamed)["page.json"].outcome == "reworded"
    replace("page.json", "open", "yes")(after / "peb-fit")
    assert compare(before, after, renamed)["page.json"].outcome == "differing"


def test_markup_without_a_word_does_not_count(before: Path, after: Path, renamed: Path) -> None:
    replace("group.html", "posterior mean", '<a href="glossary.html">posterior mean</a>')(after / "peb-fit")
    assert compare(before, after, renamed)["group.html"].outcome == "masked"


def test_what_was_renamed_on_purpose_is_the_same(before: Path, after: Path, renamed: Path) -> None:
    results = after / "peb-fit"
    (results / "effects.tsv").rename(results / "group-effects.tsv")
    (results / "scores.csv").unlink()
    (results / "table.tsv").write_text("new\n1\n")
    replace("group-effects.tsv", "mean", "posterior_mean")(results)
    replace("group.json", "verdict", "answer")(results)
    replace("group.json", "no difference", "none")(results)
    replace("group.html", "Table of effects", "Effects at 90 %")(results)
    with h5py.File(results / "group.nc", "a") as file:
        file.move("mean", "posterior_mean")
    names = {
        "effects.tsv": "group-effects.tsv",
        "mean": "posterior_mean",
        "verdict": "answer",
        "no difference": "none",
        "Table of effects": "Effects at 90 %",
        "The posterior mean": "The posterior mean",  # the longest name that fits is taken
        "never met": "never met either",
    }
    lines = [f"{old}\t{new}\tplainer" for old, new in names.items()] + ["\ttable.tsv\tadded", "scores.csv\t\tdropped"]
    renamed.write_text("\n".join(["old\tnew\twhy", *lines]) + "\n")
    found, _, unused = same_results.compare(before, after, renamed)
    assert [file.path for file in found if file.outcome in ("differing", "reworded")] == []
    assert unused == ["never met"]


@pytest.mark.parametrize("line", ["old\tnew\t", "\t\tbecause"])
def test_a_rename_needs_a_name_and_a_reason(line: str, renamed: Path) -> None:
    renamed.write_text(f"old\tnew\twhy\n{line}\n")
    with pytest.raises(ValueError, match="line 2"):
        read_renames(renamed)


def test_the_renames_of_the_repository_can_be_read() -> None:
    read_renames(same_results.RENAMED)


def test_a_folder_without_a_recording_is_refused(before: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no recording"):
        same_results.main(["compare", str(before), str(tmp_path)])


def test_recording_keeps_what_is_printed_and_says_what_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$@"\necho problem >&2\nexit 3\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "data" / "piop2").mkdir(parents=True)
    content = record(tmp_path / "recording", tmp_path / "data", program, ("init-real", "check-mask"))
    folder = tmp_path / "recording" / "init-real"
    assert (folder / "stdout.txt").read_text() == "init ../data/piop2\n"
    assert (folder / "stderr.txt").read_text() == "problem\n"
    assert (folder / "exit_code.txt").read_text() == "3\n"
    assert list(content["commands"]) == ["init-real"]
    assert list(content["left_out"]) == ["check-mask"]
    assert "check-mask               left out: needs data/cases/01-mask-in-percent" in capsys.readouterr().out
