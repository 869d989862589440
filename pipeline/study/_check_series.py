"""Mistakes in `[series]`, and settings of images that a study of region series would ignore."""

from __future__ import annotations

from collections.abc import Iterator

from ..common import time_problem
from ._mistakes import Mistake, names_differing_in_case
from ._study import Study

_OF_IMAGES = ("regions", "confounds")
_OF_FIRST_LEVEL = ("smoothing", "drop_scans")


def check_series_settings(study: Study) -> Iterator[Mistake]:
    """What a study lacks without `[series]`, and what is of no use beside it."""
    if study.series is None:
        if not study.regions:
            text = "the study has none; add it, or [series] (effconn init or series writes a file to start from)"
            yield Mistake(("regions",), text, (("series",),))
        if study.study.derivatives is None:
            text = "lacks 'derivatives' (fMRIPrep's output, usually BIDS/derivatives/fmriprep); add it"
            yield Mistake(("study",), text, (("series",),))
        return
    series = study.series
    yield from names_differing_in_case(("series", "regions"), series.region_columns, "regions")
    names = list(series.region_columns)
    if isinstance(series.regions, tuple) and len({*series.regions}) < len(series.regions):
        twice = next(name for name in series.regions if series.regions.count(name) > 1)
        yield Mistake(("series", "regions"), f"names {twice!r} twice; name each once")
    elif not names:
        yield Mistake(("series", "regions"), "names no region; name the columns to take")
    for name, columns in series.region_columns.items():
        if not columns:
            yield Mistake(("series", "regions", name), "names no column; name one, or several to average")
        elif len({*columns}) < len(columns):
            yield Mistake(("series", "regions", name), "names a column twice; name each once")
    if not series.patterns or not all(series.patterns):
        yield Mistake(("series", "files"), 'is empty; give a pattern, such as "series/{participant}_{session}.csv"')
    if series.repetition_time is not None and (problem := time_problem(series.repetition_time, "repetition time")):
        yield Mistake(("series", "repetition_time"), problem)
    yield from _ignored(study)


def _ignored(study: Study) -> Iterator[Mistake]:
    """Settings of images, which a study of series would not heed."""
    for part in _OF_IMAGES:
        if part in study.model_fields_set:
            yield Mistake((part,), "is of images, and the study reads [series]; remove it")
    if study.study.derivatives is not None:
        yield Mistake(("study", "derivatives"), "is of images, and the study reads [series]; remove it")
    for key in _OF_FIRST_LEVEL:
        if key in study.glm.model_fields_set:
            yield Mistake(("glm", key), "is of images, and the study reads [series]; remove it")
    for name, task in study.tasks.items():
        if task.distances:
            yield Mistake(("tasks", name, "distances"), "need voxels, and the study reads [series]; remove them")
        if task.acquisition is not None:
            text = "is of images, and the study reads [series]; make the pattern of files more particular"
            yield Mistake(("tasks", name, "acquisition"), text)
    if study.series is not None and study.series.events is not None and all(task.rest for task in study.tasks.values()):
        yield Mistake(("series", "events"), "would be ignored, as every task is rest; remove it")
    for name, dcm in study.dcms.items():
        if dcm.echo_time == "scanner":
            path = ("dcm", name, "echo_time") if name else ("dcm", "echo_time")
            yield Mistake(path, "files of series do not say an echo time; remove it")
