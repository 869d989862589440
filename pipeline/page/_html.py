"""A result as one self-contained HTML page: answers, pictures, tables and how it was made."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from ..common import name_parts, page_text, write_text
from ..figures import svg, themed_svg
from ..verdicts import Verdict
from ._glossary import GLOSSARY, term_linker

MOST_ROWS = 300  # of a table that a page shows; its file has all


@dataclass(frozen=True)
class Answer:
    """A question, whether the result says yes, the answer in one sentence, and what it rests on.

    `anchor` is that of the section with the evidence, where the page has one, and `source` what the link says;
    `picture` shows it at a glance.
    """

    question: str
    verdict: Verdict
    headline: str
    details: tuple[str, ...] = ()
    source: str = ""
    anchor: str = ""
    picture: Picture | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with a title and what to look for. `name` is a word of our own, a file name and part of ids.

    `figure` may be markup that `svg` made of one earlier.
    """

    name: str
    title: str
    caption: str
    figure: Figure | Markup

    @property
    def svg(self) -> Markup:
        """The drawing as markup; text that came from data is escaped in it."""
        if isinstance(self.figure, Figure):
            return Markup(themed_svg(self.document, self.name, self.title))
        return self.figure

    @cached_property
    def document(self) -> str:
        """The figure as an SVG file, drawn once; change nothing about it afterwards."""
        return svg(self.drawn)

    @property
    def drawn(self) -> Figure:
        """The figure itself; raises `TypeError` where there is only the markup of an earlier one."""
        if isinstance(self.figure, Figure):
            return self.figure
        raise TypeError(f"picture {self.name} was read from a file; its SVG and PNG lie there")


@dataclass(frozen=True)
class PageTable:
    """Rows of text. `numeric` columns are flushed right; `marked` rows have something wrong; `sure` ones stand out.

    With `tsv`, the whole table as text, it can be saved from the page as ``NAME.tsv``; `name` is a word of our own.
    """

    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    marked: frozenset[int] = frozenset()
    sure: frozenset[int] = frozenset()
    name: str = ""
    tsv: str = ""

    @property
    def shown(self) -> tuple[tuple[str, ...], ...]:
        """The rows that a page has room for."""
        return self.rows[:MOST_ROWS]

    @property
    def link(self) -> str:
        """The file as a link that holds it, base64, so that no byte of it can end the link."""
        return "data:text/tab-separated-values;charset=utf-8;base64," + base64.b64encode(self.tsv.encode()).decode()


@dataclass(frozen=True)
class Section:
    """What belongs together.

    Fields:
        title, lead: at its head.
        pictures, tables: the evidence.
        answers: that this section gives.
        notices: what must not be overlooked; (heading, text).
        parts: sections within this one, between its pictures and its tables.
        folded: sections that open when asked for: what is there to be looked up.
        anchor: where links lead; a word of our own, its own on the page.
    """

    title: str
    lead: str
    pictures: tuple[Picture, ...] = ()
    tables: tuple[PageTable, ...] = ()
    answers: tuple[Answer, ...] = ()
    notices: tuple[tuple[str, str], ...] = ()
    parts: tuple[Section, ...] = ()
    folded: tuple[Section, ...] = ()
    anchor: str = ""


@dataclass(frozen=True)
class Page:
    """Everything on the page, in the reader's order.

    Fields:
        title, subtitle: at its head.
        notices: what must not be overlooked, such as visits that failed; (heading, text).
        answers: what was asked and found.
        sections, tables: the evidence.
        methods: paragraphs to paste into a paper.
        facts: how it was made; (term, description).
        files: beside the page; (relative path, what it holds).
        contents: whether there is a list of the sections, which stays in view.
        glossary: whether terms lead to a glossary at the end.
    """

    title: str
    subtitle: str
    answers: tuple[Answer, ...]
    sections: tuple[Section, ...]
    tables: tuple[PageTable, ...]
    facts: tuple[tuple[str, str], ...]
    notices: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    methods: tuple[str, ...] = field(default=(), kw_only=True)
    contents: bool = field(default=False, kw_only=True)
    glossary: bool = field(default=False, kw_only=True)
    generator: str = field(default="effconn", kw_only=True)


def render(page: Page) -> str:
    """The page as HTML; every text from the page object is escaped, and nothing acts but the page's own script."""
    environment = Environment(
        loader=PackageLoader("pipeline.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_showable,
    )
    link_terms = term_linker() if page.glossary else escape
    environment.filters |= {
        "tidy": _tidy,
        "breakable": _breakable,
        "address": _address,
        "prose": lambda text: link_terms(page_text(_tidy(text))),
    }
    style, script = (Markup(environment.get_template(name).render()) for name in ("page.css", "copy.js"))
    script = script if page.methods else Markup()
    return environment.get_template("page.html.j2").render(
        page=page,
        glossary=GLOSSARY if page.glossary else (),
        style=style,
        script=script,
        policy=_policy(style, script),
    )


def _policy(style: str, script: str) -> str:
    """The Content-Security-Policy of a page: its own style and script by their hashes, pictures within it, no more."""
    allowed = {"default-src": "'none'", "img-src": "data:", "style-src": _hash(style)}
    if script:
        allowed["script-src"] = _hash(script)
    allowed |= {"base-uri": "'none'", "form-action": "'none'"}
    return "; ".join(f"{kind} {sources}" for kind, sources in allowed.items())


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _showable(value: Any) -> Any:
    """What a template puts into the page: text without control characters and without turns of direction."""
    return page_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _tidy(text: str) -> str:
    """Keeps a number with its unit and an arrow with its regions where a line would break; still to be escaped."""
    for tie in (" %", " Hz", " mm", " s;", " ← ", " > 0)", ") <", ") >"):
        text = text.replace(tie, tie.replace(" ", "\u00a0"))
    return text


def _breakable(text: str) -> Markup:
    """A name that may go on in the next line where one of its parts ends, not amid a word."""
    return Markup("<wbr>").join(Markup(escape(page_text(part))) for part in name_parts(text))


def _address(path: str) -> str:
    """A file beside the page as a link: never another scheme, host or query, whatever the file is called."""
    return f"./{quote(path, errors='replace')}"


def write_page(page: Page, path: Path) -> Path:
    """The page in a file that appears when complete; its path."""
    html = render(page)
    write_text(path, html)
    return path


def slug(text: str) -> str:
    """Small letters, digits and hyphens of a text from data, for file names and ids."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"


def pictures(sections: Sequence[Section]) -> list[Picture]:
    """All pictures, in order, those of sections within sections too; none of what is folded."""
    return [picture for section in sections for picture in _pictures_of(section)]


def _pictures_of(section: Section) -> Iterator[Picture]:
    yield from section.pictures
    for part in section.parts:
        yield from _pictures_of(part)
