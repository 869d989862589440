"""Files of one participant are recognised by their names, and participants who are called like visits are not."""

from __future__ import annotations

import time

import pytest

from pipeline.common import (
    describe_repeated_participants,
    describe_reversed_order,
    distinguishing_visits,
    find_before_and_after,
    find_repeated_participants,
    find_visit_label,
    order_visits,
    split_visit,
)
from pipeline.common._names import remove_visit_label


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sub-01_pre", "sub-01_post"),
        ("sub-01-Pre", "SUB-01_POST"),
        ("sub-01pre", "sub-01post"),
        ("sub-pre01", "sub-post01"),
        ("PRE_01", "POST_01"),
        ("annaPre", "annaPost"),
        ("sub-01", "sub-01_post"),
        ("sub-1_pre", "sub-01_post"),
        ("sub-01_ses-1", "sub-01_ses-2"),
        ("ses-1_sub-01", "ses-2_sub-01"),
        ("sub-01_ses-pre_run-1", "sub-01_ses-pre_run-2"),
        ("sub-01_task-faces", "sub-01_task-rest"),
        ("sub-01_placebo", "sub-01_ketamine"),
        ("sub-01_dose10", "sub-01_dose20"),
        ("P01T1", "P01T2"),
        ("con01_V1", "con01_V2"),
        ("T1P01", "T2P01"),
        ("01.day1", "01.day2"),
        ("sub01 visit 1", "sub01 visit 2"),
        ("P01_S1", "P01_S2"),
        ("s01_r1", "s01_r2"),
        ("anna_t0", "anna_t1"),
        ("sub-01_baseline", "sub-01_follow-up"),
        ("P7_week0", "P7_week04"),
        ("002_S_0295_bl", "002_S_0295_m06"),
        ("01_6mo", "01_12mo"),
        ("P01_20230101", "P01_20230508"),
        ("sub-01_tp1", "sub-01_tp2"),
        ("T1_pre", "T1_post"),  # of somebody called T1
        ("GCM[1,1]", "GCM[1,2]"),  # two models of row 1
        ("GCM_pre[1]", "GCM_post[1]"),
        ("pre", "post"),
        ("sub-1", "sub-01"),
        ("01_2020-01-08", "01_2020-03-08"),
        ("P01", "P01(1)"),  # downloaded twice
        ("P01", "P01 - Copy"),
        ("P01", "P01_2"),
        ("sub-01", "sub-01b"),
    ],
)
def test_names_that_differ_in_a_visit_alone_are_of_one_person(one: str, other: str) -> None:
    assert find_repeated_participants([one, "sub-77", other]) == ((one, other),)


@pytest.mark.parametrize(
    "names",
    [
        ["patient1", "patient2"],
        ["s1", "s2"],
        ["1", "2", "10"],
        ["V1", "V2"],
        ["scan1", "scan2"],
        ["DCM_V1_V5_sub-01", "DCM_V1_V5_sub-02"],
        ["002_S_0295", "002_S_0296"],
        ["sub-01_ses-1", "sub-02_ses-1"],
        ["sub-01_pre", "sub-02_post"],
        ["sub-pre01", "sub-pre02"],
        ["sub-m01_cohort2", "sub-m02_cohort2"],
        ["con_m01", "con_m02"],
        ["siteA_sub-01", "siteB_sub-01"],
        ["sub-patient_01", "sub-patient_02"],
        ["sub-AM", "sub-BL"],  # initials
        ["GCM[1]", "GCM[2]"],
        [f"T{i}" for i in range(1, 21)],
        [f"study_T{i}" for i in range(1, 21)],
        [f"siteA_pre{i:02}" for i in range(1, 13)],
        [f"site{k}_T{i:02}" for k in (1, 2) for i in range(1, 21)],
        ["x" * 5000 + "_pre", "x" * 5000 + "_post"],  # nobody's name
    ],
    ids=lambda names: names[0][:20],
)
def test_people_who_are_called_like_visits_are_people(names: list[str]) -> None:
    assert find_repeated_participants(names) == ()


@pytest.mark.parametrize(
    ("one", "other", "visits"),
    [
        ("0{}_1", "0{}_2", ("1", "2")),
        ("anna{}_ket", "anna{}_mid", ("ket", "mid")),
        ("P{}_drug", "P{}_placebo", ("drug", "placebo")),
        ("DCM_sub-0{}_model1", "DCM_sub-0{}_model2", ("model1", "model2")),
        ("P{}_vor", "P{}_nach", ("nach", "vor")),
        ("{}a", "{}b", ("a", "b")),
        ("sub{}s1", "sub{}s2", ("s1", "s2")),
    ],
)
def test_endings_that_several_people_share_are_not_people(one: str, other: str, visits: tuple[str, ...]) -> None:
    names = [name.format(i) for i in range(1, 5) for name in (one, other)]
    groups = find_repeated_participants(names)
    assert groups == tuple(zip(names[::2], names[1::2], strict=True))
    assert distinguishing_visits(groups) == visits


@pytest.mark.parametrize(
    "names",
    [
        [f"{kind}_{i}" for i in range(1, 9) for kind in ("HC", "PAT")],
        [f"{i}_{kind}" for i in range(1, 9) for kind in ("HC", "PAT")],
        [f"S{site}_{i}" for i in range(1, 9) for site in (1, 2, 3)],
        [f"{i}_{arm}" for i, arm in zip(range(8), ["ket", "mid"] * 4, strict=True)],
        [f"{arm}{i}" for i in range(1, 9) for arm in ("ket", "mid")],
        ["P1", "P10", "P11"],
    ],
    ids=lambda names: names[1],
)
def test_people_of_several_sites_or_arms_are_people(names: list[str]) -> None:
    assert find_repeated_participants(names) == ()


def test_many_names_are_told_apart_in_no_time() -> None:
    start = time.process_time()
    assert len(find_repeated_participants([f"sub-{i:04}_ses-{j}" for i in range(2000) for j in (1, 2)])) == 2000
    assert time.process_time() - start < 2


def test_who_is_one_person_is_said_in_one_line_with_the_visits() -> None:
    groups = find_repeated_participants(["a1_post", "a1_pre", "a2_pre", "a2_post"])
    assert (
        describe_repeated_participants(groups)
        == "a1_post and a1_pre seem to be of one participant (and 1 more like them)"
    )
    assert distinguishing_visits(groups) == ("pre", "post")
    assert distinguishing_visits([("sub-01", "sub-01_post")]) == ()


@pytest.mark.parametrize(
    ("name", "mark", "left"),
    [
        ("sub-01_ses-1", "ses-1", "sub-01"),
        ("sub-01_ses-01", "ses-1", "sub-01"),
        ("sub-01_SES1_x", "ses-1", "sub-01_x"),
        ("01pre", "pre", "01"),
        ("Pre07", "pre", "07"),
        ("annaPre", "pre", "anna"),
        ("P01T1", "t1", "P01"),
        ("sub-01.day2", "day2", "sub-01"),
        ("GCM_pre[1]", "pre", "GCM[1]"),
        ("01_1", "1", "01"),
        ("express_01", "pre", None),
        ("sub-01_T11", "T1", None),
        ("sub-01_pre_pre", "pre", None),
    ],
)
def test_a_mark_that_is_asked_for_is_found_as_a_part_of_a_name(name: str, mark: str, left: str | None) -> None:
    assert remove_visit_label(name, mark) == left


@pytest.mark.parametrize(
    ("name", "taken"),
    [("02_1", ("1", "02")), ("01_2", ("2", "01")), ("1_1", ("1", "1")), ("2_02", ("2", "2")), ("sub-1", None)],
)
def test_of_numbers_the_last_part_is_the_visit(name: str, taken: tuple[str, str] | None) -> None:
    assert find_visit_label(name, ("1", "2")) == taken


def test_a_before_that_comes_after_by_its_label_is_said() -> None:
    assert describe_reversed_order("ses-post", "ses-pre").startswith("ses-post comes after ses-pre by its label")
    assert describe_reversed_order("T2", "T1") != ""
    assert (
        describe_reversed_order("ses-pre", "ses-post") == describe_reversed_order("ses-ketamine", "ses-midazolam") == ""
    )


@pytest.mark.parametrize(
    ("labels", "ordered"),
    [
        (["ses-post", "ses-pre"], ("ses-pre", "ses-post")),
        (["ses-1", "ses-10", "ses-2"], ("ses-1", "ses-2", "ses-10")),
        (["ses-followup", "ses-baseline"], ("ses-baseline", "ses-followup")),
        (["ses-M12", "ses-M3", "ses-BL"], ("ses-BL", "ses-M3", "ses-M12")),
        (["week1", "day3"], ("day3", "week1")),
        (["postdrug", "predrug"], ("predrug", "postdrug")),
        (["ses-drug", "ses-placebo"], None),
        (["A", "B"], None),
        (["ses-1", "ses-x"], None),
        (["1", "01"], None),
        (["off", "on"], None),
    ],
)
def test_visits_follow_each_other_by_words_and_numbers_and_never_by_the_alphabet(
    labels: list[str], ordered: tuple[str, ...] | None
) -> None:
    assert order_visits(labels) == ordered


def test_after_is_the_visit_called_so_and_not_the_last() -> None:
    assert find_before_and_after(["followup", "post", "pre"]) == ("pre", "post")
    assert find_before_and_after(["10", "9", "1"]) == ("1", "10")
    assert find_before_and_after(["pre"]) is None


def test_what_is_left_of_a_name_is_the_person() -> None:
    assert [split_visit(name).visit for name in ("sub-01_ses-1_run-2", "sub-01")] == ["ses-1 run-2", ""]
