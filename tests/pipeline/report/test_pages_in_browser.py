"""Pages of every kind in a real browser: whatever a user's files hold, nothing of it acts."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import made_up_table
import pytest
from browser import Seen, find_browser, look_at
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.text import Text

from pipeline.bids import Absence
from pipeline.cli._predict import read_model
from pipeline.execution import CurrentProcess
from pipeline.figures._style import literal_text
from pipeline.page._analysis_report import AnalysisReport, report_page
from pipeline.page._html import Page, render
from pipeline.predict._fit import fit_model
from pipeline.predict._prediction_report import report_elastic_net
from pipeline.report import ExtraSection, FailedUnit, StudyResult, study_page

ACT = "window.pwned=1;document.title='pwned'"
PAYLOADS = (
    f"<script>{ACT}</script>",
    f"</style></title></script><script>{ACT}</script>",
    f'"><img src=x onerror="{ACT}"><svg onload="{ACT}"><style>*{{display:none}}</style>',
    f"' onmouseover='{ACT}' onfocus='{ACT}' autofocus style='background:url(//e.example)' x='",
    f"javascript:{ACT}",
    f'<a href="javascript:{ACT}">x</a><iframe srcdoc="<script>{ACT}</script>"></iframe>',
    "<base href=//e.example><link rel=stylesheet href=//e.example><meta http-equiv=refresh content=0;url=//e.example>",
    f"]]><foreignObject><body onload={ACT}></foreignObject>{{{{7*7}}}}\x00\x1b\u202e\ud800",
)
ALL = "".join(PAYLOADS)
OURS = {"name", "anchor", "verdict", "tsv", "numeric", "marked", "sure", "contents"}  # fields that hold no user's text


def tainted(part: Any) -> Any:
    """A part of a page with all payloads after each of its texts, those in its drawings too."""
    if isinstance(part, str) and not isinstance(part, Markup):
        return part + ALL
    if isinstance(part, tuple):
        return tuple(tainted(item) for item in part)
    if isinstance(part, Figure):
        for place, text in enumerate(part.findobj(Text)):
            assert isinstance(text, Text)
            if text.get_text():
                text.set(text=literal_text(f"{text.get_text()}{PAYLOADS[place % len(PAYLOADS)]}"), fontsize=1)
        return part
    if is_dataclass(part) and not isinstance(part, type):
        return replace(
            part, **{field.name: tainted(getattr(part, field.name)) for field in fields(part) if field.name not in OURS}
        )
    return part


def analysis_page(report: AnalysisReport) -> Page:
    """An analysis' own page, as `effconn peb` and `effconn predict` write it."""
    return report_page(report, report.draw(), [(f"{payload}.tsv", payload) for payload in PAYLOADS])


def predicted(folder: Path) -> AnalysisReport:
    """`effconn predict` on a table whose participants, sessions, arms, columns and units are payloads."""
    table = [
        {
            f"{name}{PAYLOADS[0]}" if name.startswith(("gppi", "rest")) else name: (
                cell + ALL.replace("\x00", "").replace("\ud800", "") if name in ("participant_id", "arm") else cell
            )
            for name, cell in row.items()
        }
        for row in made_up_table.rows()
    ]
    path = made_up_table.write(folder, table, "people<img src=x onerror=pwned=1>.tsv")
    units = {name: {"Units": PAYLOADS[2], "Description": PAYLOADS[0], "LongName": PAYLOADS[3]} for name in table[0]}
    path.with_suffix(".json").write_text(json.dumps(units), encoding="utf-8")
    arms = tuple(dict.fromkeys(row["arm"] for row in table))
    options = made_up_table.asked(
        path, arms=arms, measures=("gppi_*", "rest_*"), permutations=2, bootstraps=2, alphas=(0.5,)
    )
    with CurrentProcess() as workers:
        return report_elastic_net(
            fit_model(read_model(options), options, folder, workers, lambda _: nullcontext(_ignore))
        )


def _ignore(done: int, total: int) -> None:
    """Progress that nobody sees."""


def hostile(result: StudyResult) -> StudyResult:
    """The study with payloads in what its configuration, its files and its failures say."""
    study = result.study.study.model_copy(update={"name": ALL, "space": f"MNI152{PAYLOADS[2]}"})
    return replace(
        result,
        study=result.study.model_copy(update={"study": study}),
        inventory=replace(
            result.inventory,
            absences=tuple(Absence(payload, payload, payload, payload) for payload in PAYLOADS),
            remarks=PAYLOADS,
        ),
        failures=tuple(FailedUnit("extract", payload, payload) for payload in PAYLOADS),
        versions={payload: payload for payload in PAYLOADS},
        maps={},
    )


@pytest.fixture(scope="module")
def seen(result: StudyResult, html: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """Every page by its name, all looked at in one start of the browser."""
    browser = find_browser()
    if browser is None:
        pytest.skip("no Chromium here; pages are not looked at in a browser")
    folder = tmp_path_factory.mktemp("pages")
    arms, left_out = (result.analyses[name] for name in ("change-by-arm", "prediction"))
    nothing = replace(result, extractions=(), inverted={}, maps={}, features=None)
    pages = {
        "run": html,
        "peb": render(analysis_page(arms)),
        "hostile-run": render(tainted(study_page(hostile(nothing), ExtraSection("x", "x", (), (), (), ())))),
        "hostile-predict": render(analysis_page(predicted(folder))),
        "hostile-peb": render(tainted(analysis_page(left_out))),
        "control": html.replace("<body", f'<body style="color: red"><p title="{ACT}"></p><img src="x"><b', 1),
    }
    return look_at(browser, pages, folder)


GOOD = ("run", "peb")
HOSTILE = ("hostile-run", "hostile-predict", "hostile-peb")


@pytest.mark.parametrize("name", GOOD + HOSTILE)
def test_nothing_on_a_page_acts_and_its_policy_refuses_nothing(seen: dict[str, Seen], name: str) -> None:
    page = seen[name].found
    assert not page["pwned"]
    assert page["live"] == []
    assert page["handlers"] == []
    assert page["repeated"] == []
    assert page["wide"] <= 0
    assert len(page["scripts"]) <= 1
    assert not [script for script in page["scripts"] if "pwned" in script]
    assert not [link for link in page["links"] if not re.match(r"#|\./|data:(text/tab-separated|image/png)", link)]
    assert seen[name].console == ()


@pytest.mark.parametrize("name", HOSTILE)
def test_payloads_are_shown_as_the_text_that_they_are(seen: dict[str, Seen], name: str) -> None:
    text = seen[name].found["text"]
    assert PAYLOADS[0] in text
    assert "\u202e" not in text


def test_the_policy_refuses_what_a_page_does_not_hold(seen: dict[str, Seen]) -> None:
    assert any("Content Security Policy" in line for line in seen["control"].console)


def test_texts_of_figures_are_found_by_searching_the_page(seen: dict[str, Seen]) -> None:
    assert "Posterior standard deviations from zero" in seen["run"].found["text"]
