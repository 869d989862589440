"""The page: everything on it, nothing from elsewhere, and no markup but our own."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from pipeline.figures._inversions import variance_figure
from pipeline.page._html import Answer, Page, PageTable, Picture, Section, render, write_page

HOSTILE = """<script>alert("1")</script><img src=x onerror='x'>&amp; {{ 7 * 7 }} 50 % ← of"""
VOID = {"meta", "path", "use", "br", "wbr"}


class Reader(HTMLParser):
    """Collects tags and attributes, and checks that what is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page() -> Page:
    figure = variance_figure([HOSTILE], np.array([[50.0]]), (HOSTILE,))
    return Page(
        title=HOSTILE,
        subtitle=HOSTILE,
        notices=((HOSTILE, HOSTILE),),
        answers=(Answer(HOSTILE, "partly", HOSTILE, (HOSTILE,)),),
        sections=(Section(HOSTILE, HOSTILE, (Picture("variance", HOSTILE, HOSTILE, figure),)),),
        tables=(PageTable(HOSTILE, HOSTILE, (HOSTILE, "n"), ((HOSTILE, "1"),), frozenset({1}), frozenset({0})),),
        facts=((HOSTILE, HOSTILE),),
        files=((HOSTILE, HOSTILE),),
        generator=HOSTILE,
    )


def test_everything_from_data_is_escaped(page: Page) -> None:
    html = render(page)
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    assert not {"script", "img", "iframe", "link"} & reader.tags
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert "{{ 7 * 7 }}" in html
    assert html.count("&lt;script&gt;") >= 15


def test_the_page_needs_nothing_from_elsewhere(page: Page) -> None:
    html = render(page)
    reader = Reader()
    reader.feed(html)
    sources = [value for name, value in reader.attributes if name in ("src", "href", "xlink:href") and value]
    assert not [source for source in sources if re.match(r"(https?:)?//", source)]
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_light_dark_phone_and_paper_are_provided_for(page: Page) -> None:
    html = render(page)
    for needed in ("prefers-color-scheme: dark", "@media print", "@media (max-width", 'name="viewport"'):
        assert needed in html


def test_cells_are_set_by_kind(page: Page) -> None:
    html = render(page)
    assert '<td class="number">1</td>' in html
    assert '<tr class="marked">' in html


def test_units_stay_with_their_numbers(page: Page) -> None:
    assert "50\u00a0%\u00a0←\u00a0of" in render(page)


def test_the_file_appears_whole(page: Page, tmp_path: Path) -> None:
    path = write_page(page, tmp_path / "new" / "index.html")
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [file.name for file in path.parent.iterdir()] == ["index.html"]
