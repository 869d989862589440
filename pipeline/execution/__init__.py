"""Work that survives being killed: units with records of what made them, in one process, many, or on a cluster."""

from ._unit import Ended, Finish, Unit, Work

__all__ = ["Ended", "Finish", "Unit", "Work"]
