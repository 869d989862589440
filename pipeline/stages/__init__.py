"""The stages of a study: extract, invert, group, measure, statistics, predict, report; each does what is not done yet
and leaves files."""

from ._preflight import (
    checked_inventory,
    count_lines,
    extent_records,
    planned_designs,
    preflight,
    run_records,
    scale_records,
)
from ._result_paths import features_path, posterior_path
from ._run_study import ExtraSectionSource, StudyRun, run_study
from ._stage_runner import STAGES, RunOptions, Stage

__all__ = [
    "STAGES",
    "ExtraSectionSource",
    "RunOptions",
    "Stage",
    "StudyRun",
    "checked_inventory",
    "count_lines",
    "extent_records",
    "features_path",
    "planned_designs",
    "posterior_path",
    "preflight",
    "run_records",
    "run_study",
    "scale_records",
]
