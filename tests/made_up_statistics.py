"""Participants with scores at two sessions and a few measures, for tests of the statistics."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.bids import SessionScores
from pipeline.statistics import ParticipantScores

ARMS = ("ketamine", "midazolam")
SESSIONS = ("ses-1", "ses-2")


def made_up_participants(counts: tuple[int, int] = (11, 10), seed: int = 1, **changes: Any) -> ParticipantScores:
    """CAPS falls by 9 points more in the first arm; the last participant lacks the second session."""
    rng = np.random.default_rng(seed)
    n = sum(counts)
    arm = np.repeat([1.0, -1.0], counts)
    before = np.round(rng.normal(37, 7, n))
    after = np.round(before - 8 - 9 * (arm > 0) + rng.normal(0, 5, n))
    after[-1] = np.nan
    fall = before - after
    content: dict[str, Any] = {
        "names": tuple(f"sub-{i:02d}" for i in range(1, n + 1)),
        "arms": ARMS,
        "arm": arm,
        "sessions": SESSIONS,
        "outcomes": (SessionScores("caps", "points", before, after),),
        "subscales": {
            "caps_fall": fall,
            "avoidance_fall": np.round(0.3 * fall + rng.normal(0, 2, n)),
            "arousal_fall": np.round(rng.normal(3, 2, n)),
        },
        "null_checks": {
            "infusions": np.where(np.arange(n) < 2, 5.0, 6.0),
            "days_between": rng.integers(14, 30, n) * 1.0,
        },
        "cohort": {
            "age": np.round(rng.normal(40, 11, n)),
            "caps_before": before,
            "sex": tuple("FM"[int(male)] for male in rng.random(n) < 0.4),
        },
        "units": dict.fromkeys(("caps", "caps_before", "caps_fall", "avoidance_fall", "arousal_fall"), "points"),
    }
    return ParticipantScores(**(content | changes))


def made_up_measures(participants: ParticipantScores, seed: int = 2) -> dict[str, np.ndarray]:
    """Column → (participant, session); ``gppi_faces_amygdala_from_vmPFC`` falls with improvement."""
    rng = np.random.default_rng(seed)
    n = len(participants.names)
    start = rng.normal(0, 1, n)
    fall = np.nan_to_num(participants.subscales["caps_fall"], nan=0.0)
    motion = rng.uniform(0.08, 0.3, (n, 2))
    reported = np.column_stack([start, start - 0.12 * fall + rng.normal(0, 0.8, n)])
    return {
        "gppi_faces_amygdala_from_vmPFC": reported + 3 * motion,
        "response_faces_dACC": rng.normal(0, 1, (n, 2)),
        "motion_faces": motion,
    }


def write_measures(
    folder: Path, participants: ParticipantScores, columns: Mapping[str, np.ndarray] | None = None
) -> Path:
    """The table of measures with its sidecar; a participant without a value has n/a."""
    columns = made_up_measures(participants) if columns is None else columns
    path = folder / "features.tsv"
    rows = [
        [
            name,
            session,
            participants.arms[0 if participants.arm[i] > 0 else 1],
            *(_cell(values[i, j]) for values in columns.values()),
        ]
        for i, name in enumerate(participants.names)
        for j, session in enumerate(participants.sessions)
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["participant_id", "session", "arm", *columns])
        writer.writerows(rows)
    about = {
        name: {"Role": "motion", "Units": "mm"}
        if name.startswith("motion_")
        else {"Role": "measure", "Units": "z", "Motion": "motion_faces" if "motion_faces" in columns else ""}
        for name in columns
    }
    path.with_suffix(".json").write_text(json.dumps({"arm": {"Role": "arm"}, **about}), encoding="utf-8")
    return path


def _cell(value: float) -> str:
    return "n/a" if np.isnan(value) else repr(float(value))
