"""Tables of region series, and what BIDS derivatives such as XCP-D's have beside them: sidecar, outliers, motion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ..common import COMMA_NUMBER, JsonError, name_entities, read_json, time_problem
from ..tables import Table, TableError, read_table
from ._region_series import RegionSeries, SeriesError, Unit

LARGEST = 512 * 2**20  # bytes
INDEX_NAMES = ("index", "scan", "scans", "volume", "vol", "frame", "tr", "timepoint")
TIME_NAMES = ("time", "time_s", "times", "seconds", "t")
RUN_ENTITIES = ("sub", "ses", "task", "acq", "ce", "rec", "dir", "run", "echo")  # that tell one run from another
OUTLIERS, MOTION = "outliers.tsv", "motion.tsv"
DISPLACEMENT = "framewise_displacement"
_XCPD_MARKS = ("atlas", "seg")


def read_table_series(path: Path) -> RegionSeries:
    """Series in a table: scans in rows, regions in columns; BIDS derivatives with what lies beside them.

    Raises `SeriesError` or `TableError`.
    """
    _check_size(path)
    table = read_table(path, header=None)
    if not table.rows:
        raise SeriesError(path, "has a header but no scan; give a row for every scan")
    names, spacing = list(table.columns), None
    if len(names) > 1 and names[0].lower() in (*INDEX_NAMES, *TIME_NAMES):
        spacing = _even_spacing(table, names[0])
        names = names[1:] if spacing is not None else names
    if table.repeated & set(names):
        raise SeriesError(path, f"has two columns called {min(table.repeated)}; give each region its own name")
    values = np.column_stack([_numbers(table, name) for name in names])
    in_seconds = spacing is not None and table.columns[0].lower() in TIME_NAMES and spacing != 1
    series = RegionSeries(
        path,
        "table",
        values,
        tuple(names),
        name_entities(path),
        repetition_time=spacing if in_seconds else None,
        remarks=tuple(remark for remark in table.remarks if "without a name" not in remark),  # pandas' index
        files=(path,),
    )
    return _with_neighbours(series) if path.name.endswith("_timeseries.tsv") else series


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError:
        return  # what is wrong is said by whoever opens it
    if size > LARGEST:
        raise SeriesError(path, f"is larger than any table of series ({size / 2**20:,.0f} MiB); give one run a file")


def _numbers(table: Table, name: str) -> Float[np.ndarray, "scan"]:
    try:
        return table.numbers(name)
    except TableError as error:
        if not any(COMMA_NUMBER.fullmatch(cell) or _is_number(cell) for cell in table.column(name)):
            raise SeriesError(
                table.path, f"column {name} holds text; give series alone, a column for every region"
            ) from None
        raise error


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _even_spacing(table: Table, name: str) -> float | None:
    """The step of a column that counts scans or seconds; None where it does neither."""
    try:
        values = table.numbers(name)
    except TableError:
        return None
    steps = np.diff(values)
    if not steps.size or not (steps > 0).all() or np.ptp(steps) > 1e-3 * steps[0]:
        return None
    return float(np.round(steps.mean(), 6))


def _with_neighbours(series: RegionSeries) -> RegionSeries:
    """What the sidecar, the table of outliers and the table of motion say."""
    sidecars = _sidecars(series.path)
    facts: dict[str, Any] = {}
    for sidecar in reversed(sidecars):
        facts |= _content(sidecar)
    outliers, motion = _neighbour(series.path, OUTLIERS), _neighbour(series.path, MOTION)
    marked = any(mark in series.entities for mark in _XCPD_MARKS)
    is_xcpd = marked and (outliers is not None or "SoftwareFilters" in facts or "stat" in series.entities)
    values: Float[np.ndarray, "scan region"] = series.values
    estimated: tuple[int, ...] = ()
    lines: list[str] = []
    files = [*series.files, *sidecars]
    if outliers is not None:
        values, estimated, lines = _with_all_scans(series, outliers)
        files.append(outliers)
    displacement = None
    if motion is not None and (displacement := _displacement(motion, len(values))) is not None:
        files.append(motion)
    high, low = _filters(facts)
    return RegionSeries(
        series.path,
        "XCP-D" if is_xcpd else series.kind,
        values,
        series.regions,
        series.entities,
        _repetition_time(series, facts),
        _unit(facts, is_xcpd),
        estimated,
        high,
        low,
        displacement,
        (*series.remarks, *lines),
        tuple(files),
    )


def _sidecars(path: Path) -> list[Path]:
    """JSON files that describe the run: that of the series, then that of the images they were taken from."""
    own = path.with_suffix(".json")
    run = _run_part(path)
    images = sorted(path.parent.glob(f"{_escaped(run)}_*_bold.json"))
    denoised = [
        image for image in images if name_entities(image).get("desc", "") in ("denoised", "residual", "preproc")
    ]
    return [found for found in (own, *denoised[:1]) if found.is_file()]


def _content(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except JsonError as error:
        raise SeriesError(path, f"{error}; correct it, or take it away") from None
    return found if isinstance(found, dict) else {}


def _neighbour(path: Path, name: str) -> Path | None:
    """The table of the same run with another suffix, such as ``sub-01_task-rest_run-1_outliers.tsv``."""
    run = _run_part(path)
    alike = [path.parent / f"{run}_{name}", *sorted(path.parent.glob(f"{_escaped(run)}_desc-*_{name}"))]
    return next((found for found in alike if found.is_file()), None)


def _run_part(path: Path) -> str:
    """The head of a file's name that tells its run."""
    entities = name_entities(path)
    return "_".join(f"{key}-{label}" for key, label in entities.items() if key in RUN_ENTITIES)


def _escaped(text: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", text)


def _with_all_scans(
    series: RegionSeries, outliers: Path
) -> tuple[Float[np.ndarray, "scan region"], tuple[int, ...], list[str]]:
    """Series with every scan there was: what was cut out is NaN, what was interpolated is an estimate.

    Raises `SeriesError` where the table of outliers is of another number of scans.
    """
    table = read_table(outliers)
    column = DISPLACEMENT if DISPLACEMENT in table.columns else table.columns[0]
    marked = table.numbers(column) > 0
    scans, flagged = marked.size, int(marked.sum())
    rows = series.scans
    if rows == scans:
        line = f"{flagged} scans that {outliers.name} marks are estimates; each has a regressor of its own"
        return series.values, tuple(np.flatnonzero(marked).tolist()), [line] if flagged else []
    if rows != scans - flagged:
        raise SeriesError(
            series.path,
            f"has {rows} scans, but {outliers.name} has {scans}, {flagged} of them outliers; give files of one run",
        )
    values = np.full((scans, series.values.shape[1]), np.nan)
    values[~marked] = series.values
    line = f"{flagged} scans that were cut out have their place again, and a regressor of their own each"
    return values, (), [line]


def _displacement(motion: Path, scans: int) -> Float[np.ndarray, "scan"] | None:
    table = read_table(motion)
    if DISPLACEMENT not in table.columns or len(table.rows) != scans:
        return None
    return table.numbers(DISPLACEMENT)


def _filters(facts: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Period of the high-pass and frequency of the low-pass filter, as XCP-D writes them; None where there is none."""
    named = facts.get("SoftwareFilters")
    settings = {
        key.lower(): value
        for step in (named.values() if isinstance(named, dict) else ())
        if isinstance(step, dict)
        for key, value in step.items()
        if isinstance(value, int | float) and value > 0
    }
    high = next((value for key, value in settings.items() if key.startswith("high-pass cutoff")), None)
    low = next((value for key, value in settings.items() if key.startswith("low-pass cutoff")), None)
    return None if high is None else 1 / float(high), None if low is None else float(low)


def _repetition_time(series: RegionSeries, facts: Mapping[str, Any]) -> float | None:
    found = facts.get("RepetitionTime")
    if found is None and isinstance(frequency := facts.get("SamplingFrequency"), int | float) and frequency > 0:
        found = 1 / frequency
    if found is None:
        return series.repetition_time
    if not isinstance(found, int | float):
        raise SeriesError(series.path, f"RepetitionTime of its sidecar is {found!r}; write seconds")
    if problem := time_problem(found, "repetition time"):
        raise SeriesError(series.path, f"the repetition time of its sidecar {problem}")
    return float(found)


def _unit(facts: Mapping[str, Any], is_xcpd: bool) -> Unit | None:
    said = str(facts.get("Units", "")).lower()
    if said.startswith(("percent", "%")):
        return "percent"
    return "arbitrary" if is_xcpd else None  # residuals of images in scanner units, whose mean is gone
