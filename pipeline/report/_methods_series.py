"""The methods of a study whose region series were read from files, in plain paragraphs."""

from __future__ import annotations

from ..bids import SeriesRun
from ..common import join_words
from ..study import Study
from ._study_result import StudyResult

_UNITS = {
    "percent": "Series were taken for percent signal change.",
    "raw": "Series were brought to percent of each region's mean over the scans of the run.",
    "arbitrary": (
        "The unit of the series is arbitrary; those of a run were multiplied by one number, by which they range over 4 "
        "together, so that driving inputs (C) are relative to that range and connectivity (Hz) is not."
    ),
}


def series_source(result: StudyResult) -> str:
    """Where the series come from."""
    runs = result.inventory.runs
    kinds = sorted({_KINDS.get(run.kind, "files") for run in runs if isinstance(run, SeriesRun)})
    return f"read from {join_words(kinds) or 'files'} (their extraction and denoising are those of the files)"


_KINDS = {
    "table": "tables",
    "XCP-D": "XCP-D's tables",
    "CONN": "CONN's files of regions",
    "NumPy": "NumPy arrays",
    "NetCDF": "NetCDF files",
    "effconn": "effconn's files of series",
}


def series_first_level(study: Study) -> str:
    """How the series were treated, in one paragraph."""
    assert study.series is not None
    contrasts = [f"{name} ({what})" for task in study.tasks.values() for name, what in task.contrasts.items()]
    events = any(not task.rest for task in study.tasks.values())
    noise = (
        "serial correlations were modelled as a first-order autoregressive process"
        if study.glm.noise == "ar1"
        else "serial correlations were not modelled"
    )
    model = (
        " Conditions were convolved with SPM12's canonical haemodynamic response function, and a general linear model "
        f"was fitted to each region's series (nilearn); {noise}."
        if events
        else ""
    )
    return (
        f"{_UNITS[study.series.unit]} Drifts were modelled by discrete cosines with a cut-off period of "
        f"{study.glm.high_pass:g} s, or of the files' own high-pass filter where that is shorter, so that models "
        "lose what the filter took. Scans cut out or interpolated before, or without a value, have a regressor each."
        f"{model}" + (f" Contrasts: {join_words(contrasts)}." if contrasts else "")
    )


def series_regions(study: Study) -> str:
    """Which columns the regions are."""
    assert study.series is not None
    named = []
    for name, columns in study.series.region_columns.items():
        texts = [f"column {column}" if isinstance(column, int) else column for column in columns]
        source = texts[0] if len(texts) == 1 else f"mean of {join_words(texts)}"
        named.append(name if source == name else f"{name} ({source})")
    listed = join_words(named) if len(named) <= _MOST_NAMED else f"{len(named)} columns of the files"
    return f"Regions of interest: {listed}. Their series were adjusted for drifts and these scans, and not whitened."


_MOST_NAMED = 24
