"""Tables of people as their owners have them: forms, missing values, rows and columns that nothing needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Small = Any  # the conftest's SmallStudy, which tests cannot import
Spoil = Callable[[Small], Any]


def people(old: str, new: str) -> Spoil:
    return lambda small: small.edit(small.bids / "participants.tsv", old, new)


def caps(old: str, new: str) -> Spoil:
    return lambda small: small.edit(small.bids / "phenotype" / "caps5.tsv", old, new)


def appended(where: str, text: str) -> Spoil:
    def spoil(small: Small) -> None:
        path = small.bids / where
        path.write_text(path.read_text() + text)

    return spoil


def column(name: str, cell: str) -> Spoil:
    """One more column of the participants' table, its first cell another."""

    def spoil(small: Small) -> None:
        path = small.bids / "participants.tsv"
        header, *rows = path.read_text().splitlines()
        lines = [f"{header}\t{name}", *(f"{row}\t{cell if i == 0 else i}" for i, row in enumerate(rows))]
        path.write_text("\n".join(lines) + "\n")

    return spoil


def european(small: Small) -> None:
    path = small.bids / "phenotype" / "caps5.tsv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *(f"{row},0" for row in rows)]).replace("\t", ";") + "\n")


HARMLESS: dict[str, tuple[Spoil, str]] = {
    "a column of text and numbers": (column("notes", "see file; 3,4"), ""),
    "a column without a name": (column("", "x"), "participants.tsv: column 6 without a name; not read"),
    "a column twice": (column("sex", "x"), "participants.tsv has two columns called sex; neither can be used"),
    "thousands or decimals that nothing needs": (column("volume", "1,234"), ""),
    "digits of another script that nothing needs": (column("volume", "١٢"), ""),
    "a person who takes no part and has no label": (
        people("sub-06\tmidazolam", "pilot one\tn/a"),
        "line 7: participant",
    ),
    "a person who takes no part twice": (
        appended("participants.tsv", "sub-07\tNA\t\t\t\nsub-07\tNA\t\t\t\n"),
        "",
    ),
    "a score's table by its form": (european, "caps5.tsv: semicolons, decimal commas"),
    "a row about nobody in a score's table": (
        appended("phenotype/caps5.tsv", "\tses-1\t3\npilot 1\tses-1\t3\n"),
        "caps5.tsv, line 14: participant_id is empty; give every row a name (and 1 more); not used",
    ),
    "text in a score's row of a session that nothing needs": (
        appended("phenotype/caps5.tsv", "sub-01\tses-9\tlost\n"),
        "",
    ),
    "a broken score that no analysis names": (
        caps("sub-02\tses-1\t34", "sub-02\tses-1\thigh"),
        "total is 'high', where other rows hold numbers; correct it, or write n/a; no analysis uses it",
    ),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_nothing_needs_in_a_table_of_people_never_stops_a_study(case: str, small: Small) -> None:
    spoil, remark = HARMLESS[case]
    spoil(small)
    inventory = small.inventory()
    assert (inventory.errors, inventory.absences) == ((), ())
    assert len(inventory.runs) >= 20
    assert any(remark in line for line in (*inventory.remarks, *([] if remark else [""]))), inventory.remarks
    assert inventory.participants[0].scores["improvement"] == 0


@pytest.mark.parametrize("cell", ["NA", "", "nan", ".", "N/A", "#N/A"])
def test_whatever_is_written_for_a_missing_score_is_missing(small: Small, cell: str) -> None:
    people("31\tF\t4", f"31\tF\t{cell}")(small)
    inventory = small.inventory()
    assert inventory.errors == ()
    assert inventory.remarks == ("score improvement is missing for sub-02",)


def test_a_code_for_missing_is_suspected(small: Small) -> None:
    people("31\tF\t4", "31\tF\t-999")(small)
    assert small.inventory().remarks == (
        "improvement is -999 for sub-02; is it a code for missing? then leave the cell empty",
    )
