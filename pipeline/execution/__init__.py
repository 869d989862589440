"""Work that survives being killed: units with records of what made them, in one process, many, or on a cluster."""

from ._lock import RECORDS_FOLDER, lock_folder
from ._run_units import find_failures, find_up_to_date, open_workers, run_units
from ._unit import Unit, UnitOutcome, UnitRecorder, WorkFunction
from ._workers import CurrentProcess, Workers

__all__ = [
    "RECORDS_FOLDER",
    "CurrentProcess",
    "Unit",
    "UnitOutcome",
    "UnitRecorder",
    "WorkFunction",
    "Workers",
    "find_failures",
    "find_up_to_date",
    "lock_folder",
    "open_workers",
    "run_units",
]
