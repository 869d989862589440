"""A small table of participants before and after, written as a file, to be spoilt in one place at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.predict import PredictOptions

COLUMNS = ("participant_id", "session", "arm", "age", "sex", "gppi_a", "gppi_b", "rest_a", "score")
PARTICIPANTS = 12
Rows = list[dict[str, str]]


def rows(participants: int = PARTICIPANTS, seed: int = 0) -> Rows:
    """Two rows for each: numbers that differ, text of two kinds, both arms in turn."""
    rng = np.random.default_rng(seed)
    found = []
    for participant in range(participants):
        age, sex = f"{30 + participant}", "FM"[participant % 3 == 0]
        for session in ("pre", "post"):
            values = {name: f"{rng.normal():.6f}" for name in ("gppi_a", "gppi_b", "rest_a")}
            arm = ("drug", "placebo")[participant % 2]
            own = {
                "participant_id": f"sub-{participant + 1:02d}",
                "session": session,
                "arm": arm,
                "age": age,
                "sex": sex,
            }
            found.append({**own, **values, "score": f"{20 + 3 * rng.normal():.4f}"})
    return found


def write(folder: Path, table: Rows, name: str = "participants.tsv") -> Path:
    """As a TSV; every row has the columns of the first."""
    lines = ["\t".join(table[0]), *("\t".join(row.values()) for row in table)]
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def describe(table: Path, content: Mapping[str, Any]) -> Path:
    """The description beside a table."""
    path = table.with_suffix(".json")
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def asked(table: Path, **more: Any) -> PredictOptions:
    """A sound question about such a table."""
    options: dict[str, Any] = {
        "table": table,
        "outcome": "fall(score)",
        "model": None if "formula" in more else "change",
        "measures": ("*",) if "formula" in more else ("gppi_*", "rest_a"),
        "sessions": ("pre", "post"),
        "arms": ("drug", "placebo"),
    }
    return PredictOptions(**{**options, **more})


def with_cells(change: Callable[[int, dict[str, str]], Mapping[str, str]], participants: int = PARTICIPANTS) -> Rows:
    """The rows, each changed by what a function gives for its number."""
    return [{**row, **change(number, row)} for number, row in enumerate(rows(participants))]
