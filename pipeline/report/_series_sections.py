"""Region series that were read from files: what each region is, how the series vary, and what was remarked on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..common import join_words
from ..page import Column, Records, Section
from ._coverage import run_remarks
from ._study_result import StudyResult

REGION_COLUMNS = (
    Column("region", "Region"),
    Column("source", "Columns"),
    Column("runs", "Runs", "d"),
    Column("reach", "Range of series, median", ".3g"),
    Column("lowest", "least", ".3g"),
    Column("highest", "widest", ".3g"),
    Column("highest_run", "Widest in"),
)
UNIT_WORDS = {
    "percent": "percent signal change, as the files have it; a range of 1 to 10 % is usual",
    "raw": "percent of each region's own mean over the scans of a run; a range of 1 to 10 % is usual",
    "arbitrary": "no unit: each run was multiplied by one number, so that its regions together range over 4",
}

SERIES_UNITS = {
    "percent": "in percent signal change",
    "raw": "in percent of their mean",
    "arbitrary": "whose unit is arbitrary",
}


def region_series_section(result: StudyResult) -> Section | None:
    """What was read, region by region; None without extractions."""
    settings = result.study.series
    if settings is None or not result.extractions:
        return None
    missing = sum(run.censored.size for run in result.extractions)
    scans = sum(len(run.series) for run in result.extractions)
    gone = (
        f" {missing} of {scans} scans had no value of their own, and got a regressor each."
        if missing
        else " Every scan had a value."
    )
    return Section(
        "Region series",
        "The series were read from files; their extraction and denoising are those of the program that wrote them, and "
        f"cannot be checked here. They are in {UNIT_WORDS[settings.unit]}.{gone} Drifts were taken out.",
        tables=(series_region_records(result).table(), *run_remarks(result)),
        anchor="region-series",
    )


def series_region_records(result: StudyResult) -> Records:
    """One row a region, over all runs."""
    rows: list[dict[str, Any]] = []
    for name in result.study.region_names:
        runs = [run for run in result.ordered_runs() if name in run.regions]
        if not runs:
            continue
        reach = np.array([float(np.ptp(run.series[:, run.regions.index(name)])) for run in runs])
        rows.append(
            {
                "region": name,
                "source": join_words(list(dict.fromkeys(run.sources[run.regions.index(name)] for run in runs))),
                "runs": len(runs),
                "reach": float(np.median(reach)),
                "lowest": float(reach.min()),
                "highest": float(reach.max()),
                "highest_run": runs[int(reach.argmax())].label,
            }
        )
    return Records("regions", "Regions", "Over all runs that were used.", REGION_COLUMNS, rows)
