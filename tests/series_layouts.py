"""Files of region series laid out as their programs write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io


def write_xcpd(
    folder: Path,
    head: str,
    values: np.ndarray,
    names: Sequence[str],
    *,
    atlas: str = "space-MNI152NLin2009cAsym_atlas-4S156Parcels_stat-mean",
    outliers: np.ndarray | None = None,
    censored: bool = False,
    filters: bool = True,
    repetition_time: float = 2.0,
) -> Path:
    """A run as XCP-D leaves it: parcels, sidecars of series and images, outliers, motion."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = values if outliers is None or not censored else values[~outliers]
    path = folder / f"{head}_{atlas}_timeseries.tsv"
    rows = ["\t".join("n/a" if np.isnan(cell) else repr(float(cell)) for cell in row) for row in kept]
    path.write_text("\n".join(["\t".join(names), *rows]) + "\n", encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps({"Sources": ["bids:xcp_d:bold"]}), encoding="utf-8")
    about: dict[str, Any] = {"RepetitionTime": repetition_time, "TaskName": "faces"}
    if filters:
        band = {"Filter order": 2, "High-pass cutoff (Hz)": 0.01, "Low-pass cutoff (Hz)": 0.08}
        about["SoftwareFilters"] = {"Bandpass filter": band}
    image = folder / f"{head}_space-MNI152NLin2009cAsym_desc-denoised_bold.json"
    image.write_text(json.dumps(about), encoding="utf-8")
    if outliers is not None:
        lines = ["framewise_displacement", *(str(int(mark)) for mark in outliers)]
        (folder / f"{head}_outliers.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        lines = ["trans_x\tframewise_displacement", *(f"0.1\t{0.9 if mark else 0.1}" for mark in outliers)]
        (folder / f"{head}_motion.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _cells(items: Sequence[Any]) -> np.ndarray:
    cells = np.empty((1, len(items)), dtype=object)
    for place, item in enumerate(items):
        cells[0, place] = item
    return cells


def write_conn(
    path: Path,
    values: np.ndarray,
    names: Sequence[str],
    *,
    sessions: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    more: Mapping[str, Any] | None = None,
) -> Path:
    """CONN's file of regions, three tissues first."""
    rng = np.random.default_rng(1)
    scans = len(values)
    data = [rng.normal(size=(scans, width)) for width in (1, 5, 5)] + [values[:, [i]] for i in range(values.shape[1])]
    content: dict[str, Any] = {
        "data": _cells(data),
        "names": _cells(["Grey Matter", "White Matter", "CSF", *names]),
        "xyz": _cells([np.zeros((1, 3)) for _ in data]),
        "source": _cells([f"roi_{i}" for i, _ in enumerate(data)]),
        **(more or {}),
    }
    if sessions is not None:
        content["data_sessions"] = sessions[:, None].astype(float)
    if weights is not None:
        content |= {"conditionname": "faces", "conditionweights": _cells([weights[:, None], np.ones((scans, 1))])}
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, content)
    return path
