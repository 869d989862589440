"""A design shown: what every column's effect is, in words, and everybody's row."""

from __future__ import annotations

from typing import Any

from peb import Design

from ..page import Column, Records

WORDS = (
    Column("column", "Column"),
    Column("effect", "Its effect"),
    Column("smallest", "Smallest", ".3g"),
    Column("largest", "Largest", ".3g"),
)


def design_records(design: Design) -> tuple[Records, Records]:
    """The columns in words, and the matrix; neither is printed."""
    described = design.describe()
    words: list[dict[str, Any]] = described.to_dict("records")
    columns = (
        Column("participant_id", "Participant"),
        *(Column(f"column_{k}", name, ".3g") for k, name in enumerate(design.covariates)),
    )
    rows = [
        {"participant_id": name, **{f"column_{k}": float(value) for k, value in enumerate(own)}}
        for name, own in zip(design.participants, design.matrix, strict=True)
    ]
    lead = f"Formula: {design.formula}. " if design.formula else ""
    return (
        Records("columns", "What each column of the design is", f"{lead}{_remarks(design)}", WORDS, words, brief=False),
        Records("design-matrix", "Design matrix", "As it was fitted, numbers centred.", columns, rows, brief=False),
    )


def _remarks(design: Design) -> str:
    return f"{'; '.join(design.remarks)}." if design.remarks else ""


def design_summary(design: Design) -> dict[str, Any]:
    """The design, for JSON."""
    return {
        "formula": design.formula,
        "columns": list(design.covariates),
        "effects": design.explanations,
        "rows": [
            {"participant_id": name, "values": row.tolist()}
            for name, row in zip(design.participants, design.matrix, strict=True)
        ],
    }
