"""Answers, tables and pictures: one record on the terminal, on the page and on disk."""

from ._analysis_report import AnalysisReport, check_output_folder, hold_output_folder, print_and_save
from ._glossary import glossary_document
from ._html import Answer, Page, PageTable, Picture, Section, pictures, slug, write_page
from ._records import EFFECT, PROBABILITY, SPREAD, Column, Records, probability_text
from ._stored_report import REPORT_FILE, read_report, save_report

__all__ = [
    "EFFECT",
    "PROBABILITY",
    "REPORT_FILE",
    "SPREAD",
    "AnalysisReport",
    "Answer",
    "Column",
    "Page",
    "PageTable",
    "Picture",
    "Records",
    "Section",
    "check_output_folder",
    "glossary_document",
    "hold_output_folder",
    "pictures",
    "print_and_save",
    "probability_text",
    "read_report",
    "save_report",
    "slug",
    "write_page",
]
