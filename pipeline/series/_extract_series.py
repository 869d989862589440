"""One run of region series → what the images of a run become: adjusted series, inputs, design and responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..bids import RunConfounds, SeriesRun
from ..common import release, write_json
from ..images import (
    Extraction,
    ExtractionError,
    fit_contrasts,
    model_run,
    remove_explained,
    series_path,
    sidecar_path,
    write_extraction,
)
from ..study import Glm, Study
from ._read_series import read_runs
from ._region_series import RegionSeries, SeriesError
from ._scaled_series import ScaledSeries, scaled_series, shorter_period

PACKAGES = ("effconn", "nilearn", "numpy", "scipy")
MOST_RANGE, LEAST_RANGE = 50.0, 0.05  # percent; beyond, series are hardly percent signal change


def extract_region_series(run: SeriesRun, study: Study) -> Extraction:
    """The extraction of a run whose regions' series come from a file.

    y = series in percent − X₀ X₀⁺ series, with X₀ of constant, drifts and a regressor for each scan without a value of
    its own. Nothing is whitened: the noise of a DCM has serial correlations of its own. What images alone tell (voxels,
    coverage, centres, distances) is absent.

    Raises `ExtractionError`, in one line, where nothing can be taken from it.
    """
    with threadpool_limits(limits=1):  # sums over several threads end in other last digits
        return _extract(run, study)[0]


def region_series_to_files(run: SeriesRun, study: Study, out: Path) -> list[Path]:
    """Extracts a run and writes the series and their sidecar, each whole or not at all; returns the files."""
    with threadpool_limits(limits=1):
        extraction, series, scaled = _extract(run, study)
    target, sidecar = series_path(out, run), sidecar_path(out, run)
    write_json(sidecar, _sidecar(extraction, series, scaled, study))
    write_extraction(target, extraction)
    return [target, sidecar]


def _extract(run: SeriesRun, study: Study) -> tuple[Extraction, RegionSeries, ScaledSeries]:
    assert study.series is not None
    try:
        series = read_runs(run.series)[run.position]
        scaled = scaled_series(series, study.series.region_columns, study.series.unit)
    except (SeriesError, IndexError) as error:
        raise ExtractionError(f"{run.label}: {error}") from None
    if series.scans != run.scans:
        raise ExtractionError(f"{run.label}: {run.series.name} has {series.scans} scans, {run.scans} were expected")
    model = model_run(run, study, _confounds(series, scaled), _glm(study, series))
    design = model.design
    weights, lacking = model.contrast_weights()
    effects = fit_contrasts(scaled.values, 1.0, design.matrix, weights, study.glm.noise)
    regions, count = scaled.regions, len(scaled.regions)
    adjusted = remove_explained(scaled.values, design.nuisance)
    extraction = model.extraction(
        study.dcm_inputs(run.task),
        weights,
        regions=regions,
        series=adjusted,
        means=scaled.values,
        explained=np.full(count, np.nan),
        voxels=np.zeros(count, dtype=np.int64),
        sizes=np.zeros(count, dtype=np.int64),
        sources=tuple(_sources(study.series.region_columns)),
        coverage=np.full(count, np.nan),
        centres=np.full((count, 3), np.nan),
        confounds=design.nuisance,
        responses=np.array([effect.effect for effect in effects.values()]).reshape(len(weights), count),
        distances=np.zeros((0, count)),
        distance_names=(),
        autocorrelation=0.0,
        notes=(*lacking, *series.remarks, *scaled.remarks, *_remarks(scaled, adjusted)),
    )
    return extraction, series, scaled


def _glm(study: Study, series: RegionSeries) -> Glm:
    """The settings of the first level, with as short a high-pass period as the file's own filter had."""
    return study.glm.model_copy(update={"high_pass": shorter_period(study.glm.high_pass, series.high_pass_period)})


def _confounds(series: RegionSeries, scaled: ScaledSeries) -> RunConfounds:
    displacement = series.framewise_displacement
    unknown = np.full(series.scans, np.nan)
    return RunConfounds(
        (), np.zeros((series.scans, 0)), unknown if displacement is None else displacement, (), scaled.missing
    )


def _sources(columns: Mapping[str, tuple[str | int, ...]]) -> Iterator[str]:
    for wanted in columns.values():
        listed = ", ".join(f"column {name}" if isinstance(name, int) else str(name) for name in wanted)
        yield listed if len(wanted) == 1 else f"mean of {listed}"


def _remarks(scaled: ScaledSeries, adjusted: np.ndarray) -> Iterator[str]:
    """What is unlikely of series that are said to be in percent."""
    if scaled.unit == "arbitrary":
        return
    for name, column in zip(scaled.regions, adjusted.T, strict=True):
        reach = float(np.ptp(column))
        if not LEAST_RANGE <= reach <= MOST_RANGE:
            yield (
                f"region {name}: its series ranges over {reach:.3g} %, where 1 to 10 % is usual; check [series] unit"
            )


def _sidecar(extraction: Extraction, series: RegionSeries, scaled: ScaledSeries, study: Study) -> dict[str, Any]:
    return {
        "Description": (
            "Region series read from a file, adjusted for drifts and scans without a value; inputs and design beside it"
        ),
        "Units": "arbitrary, of a range of 4" if scaled.unit == "arbitrary" else "percent signal change",
        "UnitOfFile": scaled.unit,
        "Factor": scaled.factor,
        "Kind": series.kind,
        "RepetitionTime": extraction.repetition_time,
        "SamplingFrequency": 1 / extraction.repetition_time,
        "EchoTime": extraction.echo_time,
        "HighPassPeriod": shorter_period(study.glm.high_pass, series.high_pass_period),
        "HighPassPeriodOfFile": series.high_pass_period,
        "LowPassFrequencyOfFile": series.low_pass_frequency,
        "Confounds": list(extraction.confound_names),
        "Conditions": list(extraction.condition_names),
        "Inputs": list(extraction.input_names),
        "Notes": list(extraction.notes),
        "CensoredScans": extraction.censored.tolist(),
        "Regions": {
            name: {"Source": source, "SeriesRange": span}
            for name, source, span in zip(
                extraction.regions, extraction.sources, extraction.ranges.tolist(), strict=True
            )
        },
        "Sources": [path.name for path in series.files],
        "SoftwareVersions": {package: release(package) for package in PACKAGES},
    }
