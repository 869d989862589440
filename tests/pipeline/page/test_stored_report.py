"""A stored analysis that cannot be shown is reported in one line, whatever in it is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.page._stored_report import AnalysisReportError, read_report

GOOD: dict[str, Any] = {
    "name": "fit",
    "title": "Effects",
    "subtitle": "A study",
    "answers": [
        {"question": "Any?", "verdict": "yes", "headline": "One.", "details": ["a"], "source": "", "anchor": ""}
    ],
    "records": [
        {
            "name": "effects",
            "title": "Effects",
            "lead": "All.",
            "columns": [{"key": "mean", "heading": "Mean", "form": "+.3f", "where": "everywhere"}],
            "rows": [{"mean": 0.25}, {"mean": None}],
            "marked": [0],
            "sure": [],
        }
    ],
    "sections": [],
    "facts": [["Release", "0.1"]],
    "notices": [],
    "summary": {},
}


def put(*keys: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: Any) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


DAMAGE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a key gone": lambda content: content.pop("answers"),
    "a title that is a list": put("title", value=["Effects"]),
    "a verdict that is none": put("answers", 0, "verdict", value="maybe"),
    "a cell that is a list": put("records", 0, "rows", 0, "mean", value=[1]),
    "a number without end": put("records", 0, "rows", 0, "mean", value=10**400),
    "a form of millions of digits": put("records", 0, "columns", 0, "form", value=".999999999f"),
    "a row without its column": put("records", 0, "rows", 1, value={}),
    "marks that are words": put("records", 0, "marked", value=["first"]),
    "a picture elsewhere": put("sections", value=[{"title": "", "lead": "", "pictures": [{"name": "../x"}]}]),
    "facts of three": put("facts", value=[["a", "b", "c"]]),
    "a summary that is a list": put("summary", value=[1]),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_one_line(tmp_path: Path, damage: Callable[[dict[str, Any]], Any]) -> None:
    content = copy.deepcopy(GOOD)
    damage(content)
    (tmp_path / "delivery.json").write_text(json.dumps(content))
    with pytest.raises(AnalysisReportError, match=r"is damaged or absent.*; run the group stage again"):
        read_report(tmp_path)


def test_what_is_whole_is_read(tmp_path: Path) -> None:
    (tmp_path / "delivery.json").write_text(json.dumps(GOOD))
    assert read_report(tmp_path).records[0].table().rows == (("+0.250",), ("–",))
