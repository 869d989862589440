"""Writes `docs/glossary.md` from the entries that the report links: `python docs/write_glossary.py`."""

from __future__ import annotations

from pathlib import Path

from pipeline.page import glossary_document

if __name__ == "__main__":
    Path(__file__).with_name("glossary.md").write_text(glossary_document(), encoding="utf-8")
