"""Work that survives being killed: units with records of what made them, in one process, many, or on a cluster."""

from ._lock import RECORDS, HeldFolder, locked
from ._open import in_process, open_workers
from ._run_units import failures, run_units, up_to_date
from ._unit import Ended, Finish, Unit, Work
from ._workers import Workers

__all__ = [
    "RECORDS",
    "Ended",
    "Finish",
    "HeldFolder",
    "Unit",
    "Work",
    "Workers",
    "failures",
    "in_process",
    "locked",
    "open_workers",
    "run_units",
    "up_to_date",
]
