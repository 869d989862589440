"""The stages of a study: extract, invert, group, measure, statistics, predict, report; each does what is not done yet
and leaves files."""

from pathlib import Path

from ..study import Study
from ._layout import Layout
from ._options import STAGES, RunOptions, Stage
from ._preflight import checked_inventory, preflight
from ._run import StudyRun, run_study
from ._stages import Beside


def features_path(study: Study) -> Path:
    """Where a study's table of measures lies."""
    return Layout(study.study.out).measures


def posterior_path(study: Study, model: str, visit: str) -> Path:
    """Where the inversion of one model of one visit lies."""
    return Layout(study.study.out).posterior(model, visit)


__all__ = [
    "STAGES",
    "Beside",
    "RunOptions",
    "Stage",
    "StudyRun",
    "checked_inventory",
    "features_path",
    "posterior_path",
    "preflight",
    "run_study",
]
