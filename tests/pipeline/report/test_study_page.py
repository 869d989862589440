"""The report of a study: everything on one page, answers first, nothing from elsewhere and nothing that acts."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_study import ARMS, HOSTILE
from matplotlib.figure import Figure

from pipeline.page._html import Answer, Section, render
from pipeline.page._records import Column, Records
from pipeline.page._stored_report import read_report, save_report
from pipeline.report import ExtraSection, StudyResult, study_page, study_records, write_report
from pipeline.report._analysis_sections import analysis_sections, summary_answers
from pipeline.report._inversion_sections import connectivity_section, diagnose_visits

NO_ANSWERS: dict[str, Any] = {"analyses": {}, "predictions": {}, "features": None, "statistics": None}
VOID = {"meta", "path", "use", "br", "wbr", "image"}


class Reader(HTMLParser):
    """Tags, attributes, the script, and links that hold files."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.saved: dict[str, str] = {}
        self.script = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        given = {name: value or "" for name, value in attrs}
        self.attributes += given.items()
        if "download" in given:
            self.saved[given["download"]] = base64.b64decode(given["href"].split("base64,")[1]).decode()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.script += data


@pytest.fixture(scope="session")
def page(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def test_names_from_files_are_escaped_wherever_they_stand(html: str, page: Reader) -> None:
    assert page.open == []
    assert HOSTILE not in html
    assert html.count("&lt;script&gt;alert") > 5
    assert page.tags["script"] == 1
    assert "alert" not in page.script
    assert not {"img", "iframe", "link", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_the_page_needs_nothing_from_elsewhere(html: str, page: Reader) -> None:
    sources = [value for name, value in page.attributes if name in ("src", "href", "xlink:href")]
    assert not [source for source in sources if re.match(r"(https?:)?//", source)]
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    assert len(html) < 8e6


def test_every_link_within_the_page_leads_somewhere(page: Reader) -> None:
    ids = Counter(value for name, value in page.attributes if name == "id")
    assert [id_ for id_, count in ids.items() if count > 1] == []
    inside = {value[1:] for name, value in page.attributes if name.endswith("href") and value.startswith("#")}
    assert inside
    assert inside <= set(ids)


def test_every_figure_says_what_to_look_for(page: Reader) -> None:
    assert page.tags["figure"] == page.tags["figcaption"] > 20


def test_every_table_can_be_saved_from_the_page_as_it_is_on_disk(
    result: StudyResult, page: Reader, written: list[Path]
) -> None:
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in written if path.suffix == ".tsv"}
    assert page.tags["table"] == len(page.saved)
    for name in ("participants.tsv", "missing.tsv", "motion.tsv", "regions.tsv", "coverage.tsv", "fits.tsv"):
        assert page.saved[name] == on_disk[name]
    rows = list(csv.DictReader(io.StringIO(page.saved["participants.tsv"]), delimiter="\t"))
    assert rows[0]["participant_id"] == HOSTILE
    assert float(rows[0]["score_improvement"]) == result.participants[0].scores["improvement"]


def test_answers_come_first_from_symptoms_over_arms_to_single_effects(result: StudyResult, html: str) -> None:
    answers = study_page(replace(result, extractions=(), maps={})).answers
    assert answers[1].question == "Do the arms differ in the change?"
    assert [answer.source for answer in answers[:6]] == [
        "Statistics",
        "Analysis change-by-arm",
        "Analysis change-by-arm",
        "Prediction change",
        "Analysis prediction",
        "Analysis change",
    ]
    assert html.index("Do the arms differ in the change?") < html.index("<h2>Effects in units of their uncertainty")
    assert html.count("Do the arms differ in the change?") == 1


def test_what_is_missing_and_what_failed_is_named(html: str) -> None:
    assert "2 runs are missing" in html
    assert "no session ses-2 on disk" in html
    assert "3 voxels of 40" in html


def test_methods_follow_from_the_settings(result: StudyResult) -> None:
    study = result.study
    other = study.model_copy(
        update={
            "glm": study.glm.model_copy(update={"noise": "ols", "high_pass": 100.0}),
            "dcm": study.dcm and study.dcm.model_copy(update={"compat": "spm12", "starts": 8}),
        }
    )
    bare = replace(result, extractions=(), maps={}, **NO_ANSWERS)
    before, after = (
        " ".join(study_page(replace(bare, study=configuration)).methods) for configuration in (study, other)
    )
    for words in (
        "cut-off period of 128 s",
        "autoregressive",
        "mode none: the full",
        "3 starts",
        "of 1/128",
        "nilearn 0.14.1",
    ):
        assert words in before
    for words in (
        "cut-off period of 100 s",
        "mode spm12, but starts = 8: the bilinear",
        "8 starts, the best",
        "by SPM12's steps",
    ):
        assert words in after
    assert "instead of 1/128" not in after


def test_the_same_study_gives_the_same_bytes(result: StudyResult, tmp_path: Path) -> None:
    some = replace(result, analyses={}, inverted={})
    first, second = (write_report(some, tmp_path / name / "report.html") for name in "ab")
    assert [path.relative_to(tmp_path / "a") for path in first] == [path.relative_to(tmp_path / "b") for path in second]
    for item, other in zip(first, second, strict=True):
        assert item.read_bytes() == other.read_bytes()


def test_a_study_in_which_nothing_could_be_done_still_has_a_page(result: StudyResult) -> None:
    nothing = replace(result, extractions=(), inverted={}, maps={}, versions={}, **NO_ANSWERS)
    html = render(study_page(nothing))
    assert "No visit has a posterior." in html
    assert "no session ses-2 on disk" in html
    assert [record.name for record in study_records(nothing)] == ["flow", "participants", "missing"]


def test_answers_and_tables_are_there_for_programs(written: list[Path]) -> None:
    path = next(path for path in written if path.suffix == ".json")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["answers"][1]["question"] == "Do the arms differ in the change?"
    assert content["participants"][0]["participant_id"] == HOSTILE
    assert {"flow", "motion", "coverage", "responses", "fits", "connectivity"} <= set(content)


def test_stored_analyses_keep_their_ids_apart(result: StudyResult, tmp_path: Path) -> None:
    save_report(result.analyses["change"], tmp_path)
    stored = read_report(tmp_path)
    sections = analysis_sections(replace(result, analyses={"change": stored, "prediction": stored}))
    drawn = [str(picture.svg) for section in sections for part in section.parts for picture in part.pictures]
    ids = Counter(found for text in drawn for found in re.findall(r'\bid="([^"]+)"', text))
    assert max(ids.values()) == 1
    for text in drawn:
        assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)) <= {(id_, "") for id_ in ids} | {
            ("", id_) for id_ in ids
        }


def test_what_is_extra_comes_right_after_the_summary(result: StudyResult) -> None:
    few = Records("truth", "Truth", "As planted.", (Column("what", "What"),), [{"what": HOSTILE}])
    extra = ExtraSection(
        "Found beside what was planted",
        "Simulated.",
        (Answer("Was it found?", "yes", "It was."),),
        (Section("Truth by arm", ""),),
        (few, replace(few, name="long", title="Long", rows=few.rows * 40)),
        (("Simulated data.", "No patient's."),),
    )
    bare = replace(result, extractions=(), maps={}, **NO_ANSWERS)
    page = study_page(bare, extra)
    assert page.sections[0].title == "Found beside what was planted"
    assert [section.title for section in page.sections[0].folded] == ["Long"]
    assert page.notices[0] == ("Simulated data.", "No patient's.")
    assert HOSTILE not in render(page)


def test_both_arms_are_told_apart_by_more_than_colour(result: StudyResult) -> None:
    from pipeline.report._group_plots import group_marks

    first, second = group_marks(result)
    assert (first.group, second.group) == ARMS
    assert first.marker != second.marker


def test_a_connection_that_both_kinds_of_model_know_has_their_answers_side_by_side(result: StudyResult) -> None:
    (records,) = (record for record in study_records(result) if record.name == "causal-predictive")
    assert {row["connection"].split(" (")[0] for row in records.rows} == {"amygdala ← vmPFC"}
    assert {row["road"] for row in records.rows} == {"causal (DCM, PEB)", "predictive (elastic net)"}
    alone = replace(result, predictions={})
    assert "causal-predictive" not in [record.name for record in study_records(alone)]


@pytest.mark.parametrize("name", ["left_amygdala_from_vmPFC", "amygdala_from_vmPFC-left", "amygdala_from_vmPFC_left"])
def test_a_region_whose_name_holds_anothers_is_not_that_one(result: StudyResult, name: str) -> None:
    predictor = {"predictor": f"change(gppi_faces_faces-over-shapes_{name})"}
    report = result.predictions["change"]
    tables = [replace(record, rows=[{**row, **predictor} for row in record.rows]) for record in report.records]
    other = {**result.study.regions, "left_amygdala": result.study.regions["amygdala"]}
    alone = replace(
        result,
        study=result.study.model_copy(update={"regions": other}),
        predictions={"change": replace(report, records=tuple(tables))},
    )
    assert "causal-predictive" not in [record.name for record in study_records(alone)]


def test_predictions_and_statistics_have_sections_of_their_own(html: str) -> None:
    assert 'id="predict-0-change"' in html
    assert 'id="statistics"' in html
    assert 'id="measures"' in html


def test_the_first_answer_has_a_picture_of_what_it_names(result: StudyResult) -> None:
    arms = replace(result, statistics=None)
    first, *others = study_page(arms).answers
    assert first.picture is not None
    assert first.picture.title.rpartition(": ")[0] in first.headline
    assert [other.picture for other in others] == [None] * len(others)


def test_answers_to_one_question_say_which_model_they_are_about(result: StudyResult) -> None:
    both = replace(result, predictions={"change": result.predictions["change"], "again": result.predictions["change"]})
    asked = [answer.question for answer in summary_answers(both, {"": diagnose_visits(both)})]
    assert len(set(asked)) == len(asked)
    assert [question for question in asked if question.endswith(("(Prediction change)", "(Prediction again)"))]


def test_matrices_of_arms_and_sessions_have_one_scale_of_colours(
    result: StudyResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    scales = []

    def drawn(*arguments: object, scale: np.ndarray) -> Figure:
        scales.append(tuple(scale))
        return Figure()

    monkeypatch.setattr("pipeline.report._inversion_sections.matrix_figure", drawn)
    section = connectivity_section(result)
    assert section is not None
    assert len(scales) == 4
    assert len(set(scales)) == 1
    assert f"deepest at {scales[0][0]:.2g} Hz" in section.lead


def test_agreement_of_both_kinds_of_model_is_not_called_confirmation(html: str) -> None:
    assert "more credible" not in html
    assert "no independent confirmation" in html
