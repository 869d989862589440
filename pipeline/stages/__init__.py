"""The stages of a study: extract, invert, group, measure, statistics, predict, report; each does what is not done yet
and leaves files."""

from ._layout import Layout, features_path, posterior_path
from ._options import STAGES, RunOptions, Stage
from ._preflight import checked_inventory, preflight
from ._run import StudyRun, run_study
from ._stages import Beside

__all__ = [
    "STAGES",
    "Beside",
    "Layout",
    "RunOptions",
    "Stage",
    "StudyRun",
    "checked_inventory",
    "features_path",
    "posterior_path",
    "preflight",
    "run_study",
]
