"""Answers, tables and pictures: one record on the terminal, on the page and on disk."""

from ._delivery import Delivery, check_out, deliver, held_out
from ._html import Answer, Page, Picture, Section, Table, pictures, write_page
from ._records import EFFECT, PROBABILITY, SPREAD, Column, Records, probability_text
from ._store import STORED, read_delivery, store_delivery

__all__ = [
    "EFFECT",
    "PROBABILITY",
    "SPREAD",
    "STORED",
    "Answer",
    "Column",
    "Delivery",
    "Page",
    "Picture",
    "Records",
    "Section",
    "Table",
    "check_out",
    "deliver",
    "held_out",
    "pictures",
    "probability_text",
    "read_delivery",
    "store_delivery",
    "write_page",
]
