"""The report of studies of other shapes than a trial's: it is made, and says nothing that is untrue of them."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from reshaped_study import reshaped

from pipeline.page._html import Page, pictures
from pipeline.report import StudyResult, study_page, study_records

SIX = tuple(f"ses-{i}" for i in range(1, 7))
NOT_OF_A_TRIAL = re.compile(r"\b(arms?|treatments?|treated|given|(?<!not )assigned)\b", re.IGNORECASE)
SHAPES: dict[str, dict[str, Any]] = {
    "one group, one session": {},
    "two groups, one session": {"groups": ("patients", "controls")},
    "six groups": {"groups": tuple("ABCDEF"), "size": 12},
    "one group, two sessions": {"sessions": ("pre", "post")},
    "two groups, three sessions": {"groups": ("patients", "controls"), "sessions": SIX[:3], "size": 4},
    "six sessions": {"sessions": SIX, "size": 3},
    "three runs": {"runs": 3, "size": 4},
    "rest alone": {"tasks": ("rest",), "size": 4},
    "no measures": {"settings": {"measures": {"kinds": []}}, "size": 4},
}


def text_of(page: Page) -> str:
    """Everything that a page says in words, glossary and table cells apart."""
    said = [page.title, page.subtitle, *page.methods]
    said += [part for answer in page.answers for part in (answer.question, answer.headline, *answer.details)]
    for section in page.sections:
        for part in (section, *section.parts, *section.folded):
            said += [
                part.title,
                part.lead,
                *(text for picture in part.pictures for text in (picture.title, picture.caption)),
            ]
    return "\n".join(said)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_study_of_any_shape_has_a_page_that_speaks_of_no_trial(result: StudyResult, shape: str) -> None:
    other = reshaped(result, **SHAPES[shape])
    page = study_page(other)
    found = NOT_OF_A_TRIAL.findall(text_of(page).replace(page.title, ""))
    assert not found
    names = Counter(picture.name for picture in pictures(page.sections))
    assert max(names.values()) == 1
    columns = {column.key for records in study_records(other) for column in records.columns}
    assert "arm" not in columns
    assert ("group" in columns) == bool(other.words.groups)


def test_one_visit_of_each_participant_has_no_change_and_no_session(result: StudyResult) -> None:
    text = text_of(study_page(reshaped(result, groups=("patients", "controls"))))
    assert not re.findall(r"\b(sessions?|before|after treatment|(?<!signal )changed?)\b", text)
    assert "8 participants, 4 patients and 4 controls" in text


def test_every_dcm_has_sections_and_tables_of_its_own(result: StudyResult) -> None:
    dcm = result.study.dcm
    assert dcm is not None
    both = {name: dcm.model_dump(exclude_unset=True) for name in ("fear", "shapes")}
    other = reshaped(result, size=4, settings={"dcm": both})
    page = study_page(other)
    anchors = [section.anchor for section in page.sections]
    assert len(set(anchors)) == len(anchors)
    assert {"fits-fear", "fits-shapes", "connectivity-fear", "connectivity-shapes"} <= set(anchors)
    assert {"Do the models explain the data (fear)?", "Do the models explain the data (shapes)?"} <= {
        answer.question for answer in page.answers
    }
    assert {"fits-fear", "fits-shapes"} <= {records.name for records in study_records(other)}


def test_three_arms_are_arms_before_and_after_treatment(result: StudyResult) -> None:
    settings = {
        "participants": {"arms": ("ketamine", "midazolam", "saline")},
        "sessions": {"before": "ses-1", "after": "ses-2"},
    }
    other = reshaped(result, groups=("ketamine", "midazolam", "saline"), size=9, settings=settings)
    text = text_of(study_page(other))
    assert "3 given ketamine, 3 given midazolam and 3 given saline, scanned before (ses-1)" in text
    assert "Is head motion alike in all arms?" in text
