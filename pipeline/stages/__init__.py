"""The stages of a study: extract, invert, group, report; each does what is not done yet and leaves files."""

from ._preflight import checked_inventory, preflight
from ._run import STAGES, Beside, RunOptions, Stage, StudyRun, run_study

__all__ = ["STAGES", "Beside", "RunOptions", "Stage", "StudyRun", "checked_inventory", "preflight", "run_study"]
