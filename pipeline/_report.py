"""A result as one self-contained HTML page: answers, pictures, tables and how it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from ._atomic import atomic_write
from ._figure_style import inline_svg

Verdict = Literal["yes", "partly", "open", "no"]


@dataclass(frozen=True)
class Answer:
    """A question, whether the result says yes, the answer in one sentence, and what it rests on."""

    question: str
    verdict: Verdict
    headline: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with a title and what to look for. `name` is a word of our own, a file name and part of ids."""

    name: str
    title: str
    caption: str
    figure: Figure

    @property
    def svg(self) -> Markup:
        """The drawing as markup; matplotlib has turned whatever text came from data into outlines."""
        return Markup(inline_svg(self.figure, self.name, self.title))


@dataclass(frozen=True)
class Section:
    """Pictures that belong together."""

    title: str
    lead: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Table:
    """Rows of text. `numeric` columns are flushed right; `marked` rows have something wrong; `sure` ones stand out."""

    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    marked: frozenset[int] = frozenset()
    sure: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Page:
    """Everything on the page, in the reader's order.

    Fields:
        title, subtitle: at its head.
        notices: what must not be overlooked, such as visits that failed; (heading, text).
        answers: what was asked and found.
        sections, tables: the evidence.
        facts: how it was made; (term, description).
        files: beside the page; (relative path, what it holds).
    """

    title: str
    subtitle: str
    answers: tuple[Answer, ...]
    sections: tuple[Section, ...]
    tables: tuple[Table, ...]
    facts: tuple[tuple[str, str], ...]
    notices: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    generator: str = field(default="effconn", kw_only=True)


def render(page: Page) -> str:
    """The page as HTML; every text from the page object is escaped."""
    environment = Environment(
        loader=PackageLoader("pipeline"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tidy"] = _tidy
    return environment.get_template("inversion.html.j2").render(page=page)


def _tidy(text: str) -> str:
    """Keeps a number with its unit and an arrow with its regions where a line would break; still to be escaped."""
    for tie in (" %", " Hz", " s;", " ← "):
        text = text.replace(tie, tie.replace(" ", "\u00a0"))
    return text


def write_page(page: Page, path: Path) -> Path:
    """The page in a file that appears when complete; its path."""
    html = render(page)
    with atomic_write(path) as aside:
        aside.write_text(html, encoding="utf-8")
    return path


def pictures(sections: Sequence[Section]) -> list[Picture]:
    """All pictures, in order."""
    return [picture for section in sections for picture in section.pictures]
