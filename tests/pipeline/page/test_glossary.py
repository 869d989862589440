"""The glossary of pages and of the documentation: one source, and every linked term has its entry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.page import Page, glossary_document
from pipeline.page._glossary import GLOSSARY, GlossaryEntry, term_linker
from pipeline.page._html import render

DOCUMENT = Path(__file__).parents[3] / "docs" / "glossary.md"


def test_the_documentation_holds_the_entries_that_pages_link() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == glossary_document(), "run python docs/write_glossary.py"


def test_every_linked_term_has_its_entry_on_the_page_and_is_linked_once() -> None:
    text = (
        "The posterior mean and free energy of amygdala\u00a0←\u00a0vmPFC: Pp 0.9, P(> 0) 0.99, 90 % credible interval."
    )
    page = Page(
        "A study", text, (), (), (), (), methods=(f"{text} Settled free energy; eigenvariates.",), glossary=True
    )
    html = render(page)
    linked = re.findall(r'class="term" href="#([^"]+)"', html)
    assert {"term-posterior-mean", "term-free-energy", "term-pp", "term-to-from", "term-settled-free-energy"} <= set(
        linked
    )
    assert len(set(linked)) == len(linked)
    assert set(linked) <= set(re.findall(r'<dt id="([^"]+)"', html))


@pytest.mark.parametrize("entry", GLOSSARY, ids=lambda entry: entry.anchor)
def test_an_entry_names_a_paper_and_ends_its_sentence(entry: GlossaryEntry) -> None:
    assert re.search(r"(19|20)\d\d, ", entry.source)
    assert entry.text.endswith(".")


def test_markup_in_a_text_is_escaped_and_no_entity_is_broken() -> None:
    linked = term_linker()('<b onclick="x">Pp</b> & free energy')
    assert "<b" not in linked
    assert '&lt;b onclick=&#34;x&#34;&gt;<a class="term" href="#term-pp">Pp</a>&lt;/b&gt; &amp; ' in linked
