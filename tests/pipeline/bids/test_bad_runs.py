"""What is wrong with one run is an absence with its reason; all other runs stay."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import nibabel as nib
import numpy as np
import pytest

from pipeline.bids import Inventory

Small = Any  # the conftest's SmallStudy, which tests cannot import
Spoil = Callable[[Small], Any]
Problem = Callable[[Inventory], str]
HEAD = "sub-01_ses-1_task-faces"
REST = "sub-01_ses-1_task-rest"


def removed(which: str) -> Spoil:
    return lambda small: getattr(small, which)().unlink()


def content(which: str, data: bytes) -> Spoil:
    return lambda small: getattr(small, which)().write_bytes(data)


def events(old: str, new: str) -> Spoil:
    return lambda small: small.edit(small.events(), old, new)


def sidecar(**values: Any) -> Spoil:
    return lambda small: small.sidecar().write_text(json.dumps({"RepetitionTime": 2.0} | values))


def cut(small: Small, share: float = 0.5) -> None:
    data = small.bold().read_bytes()
    small.bold().write_bytes(data[: int(len(data) * share)])


def plain_cut(small: Small) -> None:
    plain = small.bold().with_suffix("")
    plain.write_bytes(gzip.decompress(small.bold().read_bytes())[:-100])
    small.bold().unlink()


def linked_to_nothing(small: Small) -> None:
    small.bold().unlink()
    small.bold().symlink_to("../../../.git/annex/objects/x.nii.gz")


def without_place(small: Small) -> None:
    image = nib.load(small.bold())
    data = np.asarray(image.dataobj)
    other = nib.Nifti1Image(data, None)
    other.header.set_zooms((3.0, 3.0, 3.0, 2.0))
    nib.save(other, small.bold())


def complex_voxels(small: Small) -> None:
    nib.save(nib.Nifti1Image(np.ones((3, 3, 3, 40), dtype=np.complex64), np.eye(4)), small.bold())


def two_tables(small: Small) -> None:
    shutil.copy(small.confounds(), small.derived("desc-confounds_regressors.tsv"))


def other_space(small: Small) -> None:
    for path in (small.bold(), small.mask()):
        path.rename(path.with_name(path.name.replace("MNI152NLin2009cAsym", "T1w")))


def two_resolutions(small: Small) -> None:
    for path in (small.bold(), small.mask()):
        for label in "12":
            shutil.copy(path, path.with_name(path.name.replace("_desc", f"_res-{label}_desc")))
        path.unlink()


def without_column(name: str) -> Spoil:
    return lambda small: small.edit(small.confounds(), f"{name}\t", f"{name}_gone\t")


def silent_about_time(small: Small) -> None:
    """No sidecar of the participant's tells, and neither does the image."""
    small.sidecar().unlink()
    (small.bids / "task-faces_bold.json").write_text("{}")
    image = nib.load(small.bold())
    image.header["pixdim"][4] = 0
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), small.bold())


def modulated(column: str) -> Spoil:
    return lambda small: small.set("tasks.faces", modulators={"speed": {"condition": "faces", "column": column}})


def both(*spoils: Spoil) -> Spoil:
    return lambda small: [spoil(small) for spoil in spoils]


PROBLEMS: dict[str, tuple[Spoil, str]] = {
    "no image": (removed("bold"), rf"func/{HEAD}…_desc-preproc_bold\.nii\.gz is missing"),
    "no mask": (removed("mask"), r"_desc-brain_mask\.nii\.gz is missing"),
    "no confounds": (removed("confounds"), rf"{HEAD}_desc-confounds_timeseries\.tsv is missing"),
    "no events": (removed("events"), rf"sub-01/ses-1/func/{HEAD}_events\.tsv is missing in the BIDS dataset"),
    "confounds twice": (two_tables, "there are .*timeseries.tsv and .*regressors.tsv; keep one"),
    "another space": (other_space, r"no image in space MNI152NLin2009cAsym; the spaces are T1w: see \[study\] space"),
    "two resolutions": (two_resolutions, r"images res-1, res-2; say which by \[study\] resolution"),
    "an empty image": (content("bold", b""), r"bold\.nii\.gz is empty \(0 bytes\)"),
    "an image cut off": (cut, r"bold\.nii\.gz is cut off: it holds [\d,]+ of 4,672 bytes"),
    "cut off in its header": (lambda small: cut(small, 0.01), r"bold\.nii\.gz (is cut off|is damaged)"),
    "a plain image cut off": (plain_cut, r"bold\.nii is cut off: it holds 4,572 of 4,672 bytes"),
    "no compression": (content("bold", b"\0" * 400), "bold.nii.gz is not compressed"),
    "no NIfTI": (content("bold", gzip.compress(b"x" * 4000)), "bold.nii.gz is no NIfTI image"),
    "garbage after the mark": (content("bold", b"\x1f\x8b" + b"\xff" * 600), "is damaged: it does not decompress"),
    "a link to nothing": (linked_to_nothing, r"bold\.nii\.gz is a link to a file that is not here; fetch it \(datalad"),
    "an annex pointer": (
        content("bold", b"/annex/objects/SHA256E-s1--ab.nii.gz\n"),
        "only stands for the data, which git-annex keeps elsewhere",
    ),
    "an lfs pointer": (content("bold", b"version https://git-lfs.github.com/spec/v1\n"), "which git-lfs keeps"),
    "a mask that is a pointer": (content("mask", b"/annex/objects/x\n"), "brain_mask.nii.gz only stands for"),
    "no place in space": (without_place, "has neither qform nor sform"),
    "complex voxels": (complex_voxels, "holds complex64 voxels"),
    "no sidecar is JSON": (content("sidecar", b"{'RepetitionTime': 2}"), r"_bold\.json, line 1 is no JSON"),
    "a sidecar that is a list": (content("sidecar", b"[2.0]"), "is no JSON object"),
    "two repetition times": (sidecar(RepetitionTime=2.5), "2.5 s by the sidecar, 2 s by the image's header"),
    "milliseconds": (sidecar(RepetitionTime=2000), "2000 s by the sidecar, 2 s by the image's header"),
    "a time that is text": (sidecar(RepetitionTime="2 s"), "RepetitionTime in the sidecar is '2 s', not a number"),
    "a time of nothing": (sidecar(RepetitionTime=0), "RepetitionTime in the sidecar is 0"),
    "a negative time": (sidecar(RepetitionTime=-2.0), "RepetitionTime in the sidecar is -2.0"),
    "slices beyond the scan": (sidecar(StartTime=3.0), "StartTime .* is 3 s, beyond the repetition time of 2 s"),
    "slices in milliseconds": (
        sidecar(StartTime=950),
        "StartTime .* is 950 s, .*; if it is in milliseconds, write 0.95",
    ),
    "empty events": (content("events", b""), r"_events\.tsv: is empty"),
    "a header without events": (content("events", b"onset\tduration\ttrial_type\n"), "has a header but no event"),
    "no trial types": (
        events("trial_type", "trial_typ"),
        "no column 'trial_type'; its conditions seem to be in 'trial_typ': write condition_column = \"trial_typ\"",
    ),
    "an onset that is text": (
        events("20\t10\tshapes", "20s\t10\tshapes"),
        "line 3: onset of shapes is '20s', where a number",
    ),
    "an onset that is n/a": (
        events("20\t10\tshapes", "n/a\t10\tshapes"),
        "line 3: onset of shapes is n/a; write seconds",
    ),
    "a duration that is n/a": (events("20\t10\tshapes", "20\tn/a\tshapes"), "line 3: duration of shapes is n/a"),
    "a negative duration": (
        events("20\t10\tshapes", "20\t-1\tshapes"),
        "line 3: duration of shapes is -1, less than 0",
    ),
    "an event past the end": (
        events("60\t10\tshapes", "80\t10\tshapes"),
        r"line 5: .*begins at 80 s, but .*ends at 80",
    ),
    "an event before the run": (events("\n0\t10\tfaces", "\n-9\t10\tfaces"), "begins at -9 s, more than a scan before"),
    "a cell too few": (events("20\t10\tshapes\t0.7", "20\t10\tshapes"), "line 3: has 3 cells, the header 4"),
    "no condition with events": (
        both(events("shapes", "forms"), events("faces", "people")),
        r"no event of faces, so no contrast faces-over-shapes, model .*; .*trial types: forms, people",
    ),
    "onsets in milliseconds": (
        both(events("20\t10", "20000\t10"), events("40\t10", "40000\t10"), events("60\t10", "60000\t10")),
        r"begins at 20000 s, .* \(and 2 more\); if onsets are in milliseconds, write 60 for 60000",
    ),
    "durations in milliseconds": (
        events("\t10\t", "\t10000\t"),
        r"line 2: the event lasts 10000 s, and the run 80 s \(and 3 more\); if durations are in milliseconds, write 10",
    ),
    "rows v scans": (
        lambda small: small.edit(small.confounds(), "\n0", "\n\n0"),
        r"timeseries\.tsv has \d\d rows, the image 40 scans",
    ),
    "confounds without motion": (without_column("trans_x"), r"has no trans_x; leave it out of \[confounds\] strategy"),
    "an old fMRIPrep": (
        both(
            lambda small: small.edit(small.confounds(), "framewise_displacement", "FramewiseDisplacement"),
            without_column("trans_x"),
        ),
        "is of an fMRIPrep before 1.2",
    ),
    "a used confound missing": (
        lambda small: blank(small, 7, "trans_x"),
        r"trans_x is missing or not finite in scan 8 \(line 9\)",
    ),
    "neither tells the time": (silent_about_time, "neither a sidecar nor the header gives the repetition time"),
}


def blank(small: Small, scan: int, name: str) -> None:
    rows = [line.split("\t") for line in small.confounds().read_text().splitlines()]
    rows[scan + 1][rows[0].index(name)] = "n/a"
    small.confounds().write_text("\n".join("\t".join(row) for row in rows) + "\n")


@pytest.mark.parametrize(("spoil", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_spoiled_run_is_absent_for_a_reason_and_no_other(
    spoil: Spoil, expected: str, small: Small, only: Problem
) -> None:
    spoil(small)
    inventory = small.inventory()
    problem = only(inventory)
    assert re.search(expected, problem), problem
    assert "\n" not in problem
    absence = inventory.absences[0]
    assert (absence.participant, absence.session, absence.task) == ("sub-01", "ses-1", "faces")
    assert (len(inventory.runs), inventory.errors) == (23, ())


def test_two_images_of_other_shape_are_told(small: Small, image: Callable[..., None], only: Problem) -> None:
    image(small.mask(), (3, 3, 4))
    assert "is on another grid than" in only(small.inventory())


def test_a_mask_elsewhere_in_space_is_told(small: Small, image: Callable[..., None], only: Problem) -> None:
    image(small.mask(), (3, 3, 3), affine=np.diag([3.0, 3.0, 3.01, 1.0]))
    assert "is on another grid than" in only(small.inventory())


def test_a_picture_without_time_is_no_series(small: Small, image: Callable[..., None], only: Problem) -> None:
    image(small.bold(), (3, 3, 3))
    assert "is 3 × 3 × 3, not three axes and a series of scans" in only(small.inventory())


def test_the_scanner_s_echo_time_must_be_told_where_it_is_used(small: Small) -> None:
    (small.bids / "task-faces_bold.json").write_text('{"RepetitionTime": 2.0}')
    small.set("dcm", echo_time="scanner")
    inventory = small.inventory()
    assert len(inventory.absences) == 12
    assert "no sidecar gives EchoTime, which [dcm] echo_time = 'scanner' needs" in inventory.errors[0]


def test_everything_that_is_missing_of_a_run_is_told_at_once(small: Small, only: Problem) -> None:
    for path in (small.mask(), small.confounds(), small.events()):
        path.unlink()
    assert only(small.inventory()).count("is missing") == 3


def test_a_missing_session_is_told_with_those_that_there_are(small: Small) -> None:
    shutil.rmtree(small.derivatives / "sub-02" / "ses-2")
    inventory = small.inventory()
    assert [(absence.session, absence.task) for absence in inventory.absences] == [
        ("ses-2", "faces"),
        ("ses-2", "rest"),
    ]
    assert inventory.absences[0].problem == "there is no folder sub-02/ses-2 in the derivatives (sessions: ses-1)"


def test_a_participant_without_a_folder_is_told(small: Small) -> None:
    shutil.rmtree(small.derivatives / "sub-02")
    problems = {absence.problem for absence in small.inventory().absences}
    assert problems == {"there is no folder sub-02 in the derivatives"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(small: Small, only: Problem) -> None:
    small.bold().chmod(0)
    assert "cannot be opened (Permission denied); check its permissions" in only(small.inventory())


def test_a_link_to_itself_is_told(small: Small, only: Problem) -> None:
    small.bold().unlink()
    small.bold().symlink_to(small.bold().name)
    assert "cannot be opened (Too many levels of symbolic links)" in only(small.inventory())


def test_a_folder_that_is_a_link_to_itself_is_told(small: Small) -> None:
    folder = small.derivatives / "sub-01" / "ses-1" / "func"
    shutil.rmtree(folder)
    folder.symlink_to("func")
    inventory = small.inventory()
    assert (len(inventory.runs), inventory.errors) == (22, ())
    problem = inventory.absences[0].problem
    assert problem.endswith("ses-1/func cannot be listed (Too many levels of symbolic links); check its permissions")


MODULATORS = {
    "no such column": (modulated("respons_time"), "has no column 'respons_time'; did you mean 'response_time'"),
    "text": (
        both(modulated("response_time"), lambda small: small.edit(small.events(), "0.8", "fast")),
        "line 2: response_time is 'fast', where other rows hold numbers",
    ),
}


@pytest.mark.parametrize(("spoil", "expected"), MODULATORS.values(), ids=MODULATORS)
def test_a_modulator_that_cannot_be_made_is_told(spoil: Spoil, expected: str, small: Small) -> None:
    spoil(small)
    first = small.inventory().absences[0]
    assert (first.participant, first.session) == ("sub-01", "ses-1")
    assert re.search(expected, first.problem), first.problem


def test_a_modulator_missing_in_some_events_counts_as_its_mean_and_is_remarked_on(small: Small) -> None:
    small.set("tasks.faces", modulators={"speed": {"condition": "shapes", "column": "response_time"}})
    path = small.events()
    path.write_text(path.read_text() + "70\t2\tshapes\tn/a\n")
    inventory = small.inventory()
    assert inventory.absences == ()
    assert f"{HEAD}: 1 of 3 events have no response_time; they count as its mean" in inventory.remarks


def test_remarks_of_many_runs_are_one_line(small: Small) -> None:
    for path in small.bids.glob("sub-*/ses-*/func/*_events.tsv"):
        path.write_text(path.read_text() + "75\t2\trest\tn/a\n")
    (line,) = small.inventory().remarks
    assert line.endswith("events of trial type rest are in no condition; they are not modelled")
    assert line.startswith("sub-01_ses-1_task-faces, ")
    assert "and 6 more" in line


def test_an_input_of_the_dcm_needs_one_of_its_conditions(small: Small, only: Problem) -> None:
    small.set("tasks.faces", contrasts={})
    small.edit(small.events(), "shapes", "forms")
    assert small.inventory().absences == (), "the input task has faces still"
    small.edit(small.events(), "faces", "people")
    problem = only(small.inventory())
    assert "no event of faces, so no model (its input faces), model (its input task)" in problem


def test_a_tail_beyond_the_run_and_a_head_before_it_are_remarks(small: Small) -> None:
    small.edit(small.events(), "60\t10", "75\t10")
    small.edit(small.events(), "\n0\t10", "\n-1.5\t10")
    inventory = small.inventory()
    assert inventory.absences == ()
    assert [line.partition(": ")[2] for line in inventory.remarks] == [
        "an event begins just before the first scan; it is modelled from there",
        "the last event lasts beyond the end of the run; it is cut there",
    ]


def test_mixed_repetition_times_are_remarked_on_and_kept(small: Small, image: Callable[..., None]) -> None:
    image(small.bold(), (3, 3, 3, 40), step=2.2)
    small.sidecar().write_text('{"RepetitionTime": 2.2}')
    inventory = small.inventory()
    (line,) = inventory.remarks
    assert line.startswith(f"{HEAD}: mixed repetition times: 2.2 s, where most runs of faces have 2 s")
    assert inventory.runs[0].repetition_time == 2.2


def test_the_header_tells_the_time_where_no_sidecar_does(small: Small) -> None:
    small.sidecar(REST).unlink()
    (small.bids / "task-rest_bold.json").unlink()
    inventory = small.inventory()
    assert inventory.runs[1].repetition_time == 2.0
    assert (inventory.runs[1].reference, inventory.runs[1].sidecars) == (0.5, ())
    assert inventory.remarks == (f"{REST}: no sidecar gives the repetition time; the image's own is used",)


def test_a_compressed_image_in_several_blocks_is_whole(small: Small) -> None:
    data = gzip.decompress(small.bold().read_bytes())
    small.bold().write_bytes(gzip.compress(data[:1000]) + gzip.compress(data[1000:]))
    assert small.inventory().absences == ()


def test_nothing_of_the_data_is_changed(small: Small) -> None:
    def everything() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted(small.root.rglob("*")) if path.is_file()}

    before = everything()
    small.inventory()
    assert everything() == before


def test_events_that_stand_twice_are_refused_with_both_lines(small: Small, only: Problem) -> None:
    path = small.events()
    rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*rows, *rows[1:]]), encoding="utf-8")
    problem = only(small.inventory())
    assert f"line {len(rows) + 1}: " in problem
    assert "as in line 2" in problem
    assert "would count twice; delete one of them" in problem


def test_a_run_whose_events_last_unlike_those_of_others_is_remarked_on(small: Small) -> None:
    path = small.events()
    path.write_text(path.read_text(encoding="utf-8").replace("\t10\t", "\t0\t"), encoding="utf-8")
    lines = [line for line in small.inventory().remarks if "check its events" in line]
    assert lines
    assert all(line.startswith(f"{HEAD}: 0 s of ") and "where most runs of faces have 10 s" in line for line in lines)


def test_an_empty_brain_mask_is_told_before_anything_runs(small: Small, only: Problem) -> None:
    path = small.mask()
    image = nibabel.load(path)
    nibabel.save(nibabel.Nifti1Image(np.zeros(image.shape, dtype=np.uint8), image.affine), path)
    assert "is empty: no voxel is in the mask" in only(small.inventory())
