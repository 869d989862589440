"""VOI and SPM.mat structs as SPM saves them, small and made up."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

SCANS, BINS = 20, 16


def voi(name: str, session: int = 1, scans: int = SCANS, **changes: Any) -> dict[str, Any]:
    series = np.random.default_rng(len(name)).normal(size=(scans, 1))
    fields = {"u": series, "X0": np.ones((scans, 1)), "name": name, "Sess": float(session), "xyz": np.ones((3, 1))}
    return {key: value for key, value in (fields | changes).items() if value is not None}


def design(cells: Any, sessions: int = 1, **changes: Any) -> dict[str, Any]:
    """An SPM struct: conditions task, and faces with a modulator; session k's inputs are k where on."""
    bins = SCANS * BINS + 32
    made = np.empty((1, sessions), dtype=[("U", object)])
    for k in range(sessions):
        conditions = np.empty((1, 2), dtype=[("name", object), ("u", object), ("dt", object)])
        task, faces = np.zeros((bins, 1)), np.zeros((bins, 2))
        task[32:40] = k + 1
        faces[50:60] = [1, 0.5]
        conditions[0, 0] = (cells("task"), scipy.sparse.csc_array(task), 2 / BINS)
        conditions[0, 1] = (cells("faces", "facesxtime^1"), faces, 2 / BINS)
        made[0, k] = (conditions,)
    return {"xY": {"RT": 2.0}, "Sess": made} | changes
