"""`effconn init` writes a configuration that is right, or says what is left to fill in."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli._init import run_init
from pipeline.common import UsageError
from pipeline.study import StudyError, read_study, starter_toml, study_schema, survey_dataset
from pipeline.study._guesses import guess_arms, guess_groups
from pipeline.study._starter import toml
from pipeline.study._survey_tables import survey_participants

EVENTS = "onset\tduration\ttrial_type\n0\t20\tshapes\n20\t20\tfearful faces\n40\t1\tn/a\n"


def make_bids(
    root: Path, *, arms: tuple[str, ...] = ("placebo", "drug"), sessions: tuple[str, ...] = ("1", "2")
) -> Path:
    """A dataset of four participants with a phenotype table and names of preprocessed images."""
    root.mkdir()
    (root / "dataset_description.json").write_text('{"Name": "A \\"small\\"\\ntrial", "BIDSVersion": "1.8.0"}')
    rows = [f"sub-{n:02}\t{20 + n}\t{arms[n % len(arms)] if arms else 'F'}" for n in range(4)]
    heading = f"participant_id\tage\t{'treatment_arm' if arms else 'sex'}"
    (root / "participants.tsv").write_text("\n".join([heading, *rows]) + "\n")
    (root / "phenotype").mkdir()
    scores = ["participant_id\tsession_id\tnote\titem1\ttotal", "sub-00\tses-1\tx\t1\t40", "sub-00\tses-2\ty\tn/a\t30"]
    (root / "phenotype" / "caps5.tsv").write_text("\n".join(scores) + "\n")
    for n in range(4):
        for session in sessions or ("",):
            visit = Path(f"sub-{n:02}", f"ses-{session}") if session else Path(f"sub-{n:02}")
            make_visit(root, visit)
    return root


def make_visit(root: Path, visit: Path) -> None:
    raw, made = root / visit / "func", root / "derivatives" / "fmriprep-23" / visit / "func"
    raw.mkdir(parents=True)
    made.mkdir(parents=True)
    head = "_".join(visit.parts)
    (raw / f"{head}_task-faces_events.tsv").write_text(EVENTS)
    for task in ("faces", "rest"):
        (raw / f"{head}_task-{task}_bold.json").write_text("{}")
        (made / f"{head}_task-{task}_desc-confounds_timeseries.tsv").write_text("")
        for space in ("MNI152NLin6Asym_res-2", "T1w"):
            (made / f"{head}_task-{task}_space-{space}_desc-preproc_bold.nii.gz").write_bytes(b"")


def test_a_whole_dataset_gives_a_configuration_that_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bids = make_bids(tmp_path / "bids")
    assert run_init(bids, tmp_path / "study.toml") == 0
    study = read_study(tmp_path / "study.toml")
    assert study.study.name == 'A "small"\ntrial'
    assert study.study.bids == bids
    assert study.study.derivatives == bids / "derivatives" / "fmriprep-23"
    assert (study.study.space, study.study.resolution) == ("MNI152NLin6Asym", "2")
    assert (study.participants.arm, study.participants.arms) == ("treatment_arm", ("drug", "placebo"))
    assert (study.sessions.before, study.sessions.after) == ("ses-1", "ses-2")
    assert study.scores["improvement"].column == "total"
    assert study.scores["improvement"].table == bids / "phenotype" / "caps5.tsv"
    assert study.tasks["rest"].rest
    assert study.tasks["faces"].conditions == {"shapes": ("shapes",), "fearful-faces": ("fearful faces",)}
    assert study.tasks["faces"].contrasts == {"fearful-faces-over-shapes": "fearful-faces - shapes"}
    assert study.dcm is not None
    assert study.dcm.inputs == {"task": ("shapes", "fearful-faces"), "fearful-faces": ("fearful-faces",)}
    assert study.group["arms"].covariates == ("improvement",)
    assert '\ncompat = "none"' in (tmp_path / "study.toml").read_text()
    assert (study.compat, study.dcm.compat, study.group["arms"].compat) == ("none",) * 3
    assert "effconn check" in capsys.readouterr().err


def test_the_schema_is_beside_it_and_its_first_line_points_there(tmp_path: Path) -> None:
    run_init(make_bids(tmp_path / "bids"), tmp_path)
    first = (tmp_path / "study.toml").read_text().splitlines()[0]
    assert json.loads((tmp_path / first.removeprefix("#:schema ")).read_text()) == study_schema()


def test_the_same_dataset_gives_the_same_bytes(tmp_path: Path) -> None:
    found = survey_dataset(make_bids(tmp_path / "bids"))
    assert starter_toml(found, tmp_path) == starter_toml(survey_dataset(tmp_path / "bids"), tmp_path)


def test_what_is_in_comments_is_right_as_well(tmp_path: Path) -> None:
    text = starter_toml(survey_dataset(make_bids(tmp_path / "bids")), tmp_path)
    options = re.sub(r"^# (?=\[|\w+(\.[\w-]+)* = )", "", text, flags=re.MULTILINE)
    assert options != text
    (tmp_path / "study.toml").write_text(options)
    study = read_study(tmp_path / "study.toml")
    assert study.dcm is not None
    assert list(study.dcm.models) == ["top-down"]


@pytest.mark.parametrize(
    ("arms", "sessions", "keys"),
    [
        (("drug", "placebo"), ("drug", "placebo"), ["sessions.before", "sessions.after"]),
        (
            ("drug", "placebo"),
            ("drug", "placebo", "none"),
            ["sessions.order (entry 1)", "sessions.before", "sessions.after"],
        ),
        (("a", "b"), ("1", "2"), ["participants.arms (entry 1)", "participants.arms (entry 2)"]),
    ],
)
def test_what_cannot_be_guessed_is_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arms: tuple[str, ...],
    sessions: tuple[str, ...],
    keys: list[str],
) -> None:
    assert run_init(make_bids(tmp_path / "bids", arms=arms, sessions=sessions), tmp_path / "study.toml") == 0
    with pytest.raises(StudyError) as caught:
        read_study(tmp_path / "study.toml")
    assert [line.split(": ")[1] for line in caught.value.lines] == keys
    assert all("could not guess; fill it in" in line for line in caught.value.lines)
    assert all(line in capsys.readouterr().err for line in caught.value.lines[:1])


def started(bids: Path) -> tuple[str, dict[str, Any]]:
    """The text that init writes for a dataset, and what is in it."""
    text = starter_toml(survey_dataset(bids), bids.parent)
    return text, tomllib.loads(text)


@pytest.mark.parametrize(
    ("sessions", "order", "between"),
    [
        (("post", "pre"), ("ses-pre", "ses-post"), ("ses-pre", "ses-post")),
        (("followup", "baseline"), ("ses-baseline", "ses-followup"), ("ses-baseline", "ses-followup")),
        (("1", "10", "2"), ("ses-1", "ses-2", "ses-10"), ("ses-1", "ses-10")),
        (("week4", "week0"), ("ses-week0", "ses-week4"), ("ses-week0", "ses-week4")),
        (("M12", "M03", "BL"), ("ses-BL", "ses-M03", "ses-M12"), ("ses-BL", "ses-M12")),
        (("fu", "post", "pre"), ("ses-pre", "ses-post", "ses-fu"), ("ses-pre", "ses-post")),
        (("04A", "00A", "02A"), ("ses-00A", "ses-02A", "ses-04A"), ("ses-00A", "ses-04A")),
        (
            ("postketamine", "preketamine"),
            ("ses-preketamine", "ses-postketamine"),
            ("ses-preketamine", "ses-postketamine"),
        ),
        (("V04", "BL"), ("ses-BL", "ses-V04"), ("ses-BL", "ses-V04")),
        (("A", "B"), ("?", "?"), ("?", "?")),
        (("ketamine", "saline"), ("?", "?"), ("?", "?")),
        (("open", "eyes", "closed"), ("?",), ("?", "?")),
    ],
)
def test_the_alphabet_does_not_decide_what_comes_before(
    tmp_path: Path, sessions: tuple[str, ...], order: tuple[str, ...], between: tuple[str, str]
) -> None:
    text, content = started(make_bids(tmp_path / "bids", sessions=sessions))
    assert content["sessions"].get("order", list(order)) == list(order)
    assert ("order" in content["sessions"]) == (len(sessions) > 2)
    assert (content["sessions"]["before"], content["sessions"]["after"]) == between
    line = next(line for line in text.splitlines() if line.startswith(("before =", "order =")))
    assert "# check: order guessed from the labels" in line or ("which comes first; there are" in line and "?" in order)


@pytest.mark.parametrize("sessions", [(), ("1",)])
def test_one_visit_is_no_change(tmp_path: Path, sessions: tuple[str, ...]) -> None:
    bids = make_bids(tmp_path / "bids", sessions=sessions)
    _, content = started(bids)
    assert content.get("sessions") == ({"order": ["ses-1"]} if sessions else {})
    run_init(bids, tmp_path / "study.toml")
    assert read_study(tmp_path / "study.toml").sessions.labels == (("ses-1",) if sessions else (None,))


@pytest.mark.parametrize("arms", [(), ("drug",)])
def test_participants_of_one_kind_are_one_group(tmp_path: Path, arms: tuple[str, ...]) -> None:
    text, content = started(make_bids(tmp_path / "bids", arms=arms))
    assert content["participants"] == {}
    assert "# check: one group, as no column of participants.tsv looks like a group or an arm" in text
    assert content["group"]["mean"] == {"of": "change", "design": "1", "fields": ["B"]}


def dated(bids: Path, order: tuple[str, str], swapped: int = 0) -> Path:
    """Sessions with dates a week apart; `swapped` of the four participants have them the other way round."""
    for n in range(4):
        first, second = order[::-1] if n < swapped else order
        rows = f"session_id\tacq_time\nses-{first}\t2020-01-01T10:00:00\nses-{second}\t2020-01-08T10:00:00\n"
        (bids / f"sub-{n:02}" / f"sub-{n:02}_sessions.tsv").write_text(rows)
    return bids


def test_dates_say_which_session_comes_first_where_they_agree(tmp_path: Path) -> None:
    ketamine = make_bids(tmp_path / "bids", sessions=("ketamine", "saline"))
    _, content = started(dated(ketamine, ("saline", "ketamine")))
    assert content["sessions"] == {"before": "ses-saline", "after": "ses-ketamine"}
    text, content = started(dated(ketamine, ("saline", "ketamine"), swapped=2))
    assert content["sessions"]["before"] == "?"
    assert "dates differ from participant to participant; there are ses-ketamine, ses-saline" in text


def test_dates_that_contradict_the_labels_leave_it_open(tmp_path: Path) -> None:
    text, content = started(dated(make_bids(tmp_path / "bids", sessions=("pre", "post")), ("post", "pre")))
    assert content["sessions"]["before"] == "?"
    assert "by their labels ses-pre, ses-post follow each other, by acq_time ses-post, ses-pre" in text


def test_an_outcome_is_only_guessed_where_there_is_one_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bids = make_bids(tmp_path / "bids")
    (bids / "phenotype" / "asec.tsv").write_text("participant_id\tsession_id\tside_effects\nsub-00\tses-1\t3\n")
    text, content = started(bids)
    assert content["group"]["prediction"]["predict"] == content["predict"]["change"]["outcome"] == "?"
    assert content["group"]["arms"]["covariates"] == ["?"]
    assert set(content["scores"]) == {"asec", "caps5"}
    assert "which score is the outcome? There are asec (side_effects of asec.tsv), caps5 (total of caps5.tsv)" in text
    run_init(bids, tmp_path / "study.toml")
    assert "outcome: which score is it? There are asec" in capsys.readouterr().err


def test_a_table_of_several_scores_leaves_its_column_open(tmp_path: Path) -> None:
    bids = make_bids(tmp_path / "bids")
    (bids / "phenotype" / "caps5.tsv").write_text("participant_id\tarousal\tavoidance\nsub-00\t1\t2\n")
    text, content = started(bids)
    assert "scores" not in content
    assert content["predict"]["change"]["outcome"] == "?"
    assert 'There are ["arousal", "avoidance"]' in text


def test_of_two_columns_that_look_like_arms_none_is_taken(tmp_path: Path) -> None:
    bids = make_bids(tmp_path / "bids")
    rows = (bids / "participants.tsv").read_text().splitlines()
    groups = ["group", "patient", "patient", "control", "control"]
    (bids / "participants.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in zip(rows, groups, strict=True)))
    text, content = started(bids)
    assert content["participants"]["arm"] == "?"
    assert 'which column names each participant\'s arm? There are ["treatment_arm", "group"]' in text


def test_runs_are_told_and_are_no_sessions(tmp_path: Path) -> None:
    bids = make_bids(tmp_path / "bids", sessions=())
    for path in [*bids.rglob("*_task-faces_*")]:
        for run in (2, 10):
            path.with_name(path.name.replace("_task-faces_", f"_task-faces_run-{run}_")).write_bytes(path.read_bytes())
        path.unlink()
    text, content = started(bids)
    assert content["sessions"] == {}
    assert '# All 2 runs of a session are used; to use some of them: runs = ["2"]' in text


def test_conditions_in_a_column_of_another_name_are_proposed(tmp_path: Path) -> None:
    bids = make_bids(tmp_path / "bids")
    for path in bids.rglob("*_events.tsv"):
        path.write_text(EVENTS.replace("trial_type", "stim_type"))
    text, content = started(bids)
    assert content["tasks"]["faces"]["condition_column"] == "stim_type"
    assert content["tasks"]["faces"]["conditions"] == {"shapes": ["shapes"], "fearful-faces": ["fearful faces"]}
    assert re.search(r'condition_column = "stim_type"  # check: ', text)


def test_of_several_columns_that_may_hold_conditions_none_is_taken(tmp_path: Path) -> None:
    bids = make_bids(tmp_path / "bids")
    for path in bids.rglob("*_events.tsv"):
        path.write_text("onset\tduration\tface\tanswer\n0\t20\tsad\tyes\n20\t20\thappy\tno\n")
    text, content = started(bids)
    assert content["tasks"]["faces"] == {"condition_column": "?"}
    assert 'Which column holds the conditions? There are ["face", "answer"].' in text


def test_events_at_the_root_are_those_of_every_run(tmp_path: Path) -> None:
    bids = make_bids(tmp_path / "bids")
    for path in [*bids.rglob("*_events.tsv")]:
        path.unlink()
    (bids / "task-faces_events.tsv").write_text(EVENTS)
    assert "shapes" in started(bids)[1]["tasks"]["faces"]["conditions"]


def test_a_dataset_without_functional_data_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "bids" / "sub-01").mkdir(parents=True)
    run_init(tmp_path / "bids", tmp_path / "study.toml")
    with pytest.raises(StudyError, match="'\\?' cannot be the NAME of task-NAME"):
        read_study(tmp_path / "study.toml")


def test_nothing_is_replaced_without_force(tmp_path: Path) -> None:
    bids, file = make_bids(tmp_path / "bids"), tmp_path / "study.toml"
    file.write_text("mine")
    with pytest.raises(UsageError, match=r"study\.toml is there already; give --out another name, or --force"):
        run_init(bids, file)
    assert file.read_text() == "mine"
    assert not (tmp_path / "study.schema.json").exists()
    assert run_init(bids, file, force=True) == 0
    assert read_study(file).sessions.after == "ses-2"
    (tmp_path / "study.schema.json").write_text("{}")
    with pytest.raises(UsageError, match=r"study\.schema\.json is there already"):
        run_init(bids, tmp_path / "other.toml")


@pytest.mark.parametrize(
    ("folder", "says"),
    [("nowhere", "is not there; give the root"), ("empty", "holds no folder sub-…"), ("file", "is no")],
)
def test_what_is_no_dataset_is_refused(tmp_path: Path, folder: str, says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=says):
        run_init(tmp_path / folder, tmp_path / "study.toml")
    assert not (tmp_path / "study.toml").exists()


def test_hostile_names_stay_inside_their_quotes(tmp_path: Path) -> None:
    bids = make_bids(tmp_path / 'bids "]\n[x')
    for events in bids.rglob("*_events.tsv"):
        events.write_text('onset\tduration\ttrial_type\n0\t1\t"""]\\ # x"\n1\t1\t{{ 7 * 7 }}\n')
    (bids / "dataset_description.json").write_text(json.dumps({"Name": 'x"\n[evil]\n"\u0000\u202e{{ 7 * 7 }}'}))
    run_init(bids, tmp_path / "study.toml")
    content = tomllib.loads((tmp_path / "study.toml").read_text())
    assert "evil" not in content
    assert content["study"]["name"] == 'x"\n[evil]\n"\u202e{{ 7 * 7 }}'
    study = read_study(tmp_path / "study.toml")
    assert ("{{ 7 * 7 }}",) in study.tasks["faces"].conditions.values()
    assert study.study.bids == bids


def test_trial_types_without_duration_are_no_conditions_and_said(tmp_path: Path) -> None:
    bids = make_bids(tmp_path / "bids")
    for events in list(bids.rglob("*_events.tsv"))[:1]:
        events.write_text(EVENTS + "50\tn/a\tbutton\n60\t-1\tpulse\n")
    run_init(bids, tmp_path / "study.toml")
    assert list(read_study(tmp_path / "study.toml").tasks["faces"].conditions) == ["shapes", "fearful-faces"]
    reported = 'not modelled, as some of their events have no onset or no duration: ["button", "pulse"]'
    assert reported in (tmp_path / "study.toml").read_text()


def test_text_of_any_kind_comes_back_from_toml() -> None:
    for text in ('"', "\\", "\x00\x1b\x7f", "\u2028\u202e\ufeff", "é 漢 \U0001f9e0", "a\r\n\tb", "'''", '"""'):
        assert tomllib.loads(f"x = {toml(text)}")["x"] == text
    no_text = toml("sub-\udcff")  # a byte of a file name that is not in UTF-8
    assert tomllib.loads(f"x = {no_text}")["x"] == "sub-\ufffd"


def test_real_data_give_a_configuration(shared_data: Path, tmp_path: Path) -> None:
    found = survey_dataset(shared_data / "piop2")
    assert found.name == "AOMIC-PIOP2"
    assert [(task.name, task.trial_types) for task in found.tasks] == [
        ("emomatching", ("control", "emotion")),
        ("restingstate", ()),
    ]
    assert found.spaces == ("MNI152NLin2009cAsym", "T1w")
    assert (found.sessions, found.table.group) == ((), None)
    run_init(shared_data / "piop2", tmp_path / "study.toml")
    assert read_study(tmp_path / "study.toml").participants.group_names == ()


@pytest.mark.parametrize(
    ("arms", "names"),
    [
        (("placebo", "verum"), ("verum", "placebo")),
        (("CONTROL", "drug"), ("drug", "CONTROL")),
        (("sham stimulation", "active"), ("active", "sham stimulation")),
        (("0", "1"), ("1", "0")),
        (("ketamine-first", "placebo-first"), None),
        (("ketamine", "placebo group"), ("ketamine", "placebo group")),
        (("placebo", "control"), None),
        (("ketamine", "esketamine"), None),
        (("a", "b", "placebo"), None),
    ],
)
def test_the_reference_arm_is_told_by_its_name_alone(arms: tuple[str, ...], names: tuple[str, str] | None) -> None:
    assert guess_arms(arms) == guess_arms(arms[::-1]) == names


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        (("HC", "SCZ", "BD"), ("BD", "SCZ", "HC")),
        (("healthy", "patient"), ("patient", "healthy")),
        (("ADHD", "TD"), ("ADHD", "TD")),
        (("0", "1", "2"), ("1", "2", "0")),
        (("low", "high"), None),
        (("healthy volunteers", "patients"), ("patients", "healthy volunteers")),
        (("placebo-ketamine", "ketamine-placebo"), None),
        (("control region", "non-control"), None),
        (("control", "placebo", "drug"), None),
    ],
)
def test_the_reference_group_is_told_by_its_name_alone(groups: tuple[str, ...], names: tuple[str, ...] | None) -> None:
    assert guess_groups(groups).names == guess_groups(groups[::-1]).names == names


def test_covariates_are_offered_with_how_many_lack_them(tmp_path: Path) -> None:
    table = tmp_path / "participants.tsv"
    rows = ["participant_id\tage\tweight", "sub-1\t30\tn/a", "sub-2\tn/a\tn/a", "sub-3\t41\t70", "sub-4\t52\tn/a"]
    table.write_text("\n".join(rows) + "\n")
    assert survey_participants(table, []).covariates == ("age (1 n/a)",)


@pytest.mark.parametrize(
    ("levels", "trial"), [(("ketamine", "placebo"), True), (("ketamine-first", "placebo-first"), False)]
)
def test_orders_of_drugs_are_no_arms(tmp_path: Path, levels: tuple[str, str], trial: bool) -> None:
    table = tmp_path / "participants.tsv"
    rows = [f"sub-{number}\t{levels[number % 2]}" for number in range(8)]
    table.write_text("\n".join(["participant_id\tgroup", *rows]) + "\n")
    assert survey_participants(table, []).trial is trial
