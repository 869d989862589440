"""BIDS datasets and fMRIPrep derivatives: what is there, what is missing, and the text files read and checked."""

from ._confounds import Confounds, ConfoundsError, read_confounds
from ._events import Events, conditions_of, modulator_weights, read_events
from ._groups import GroupRows, check_groups, group_remarks, group_rows, write_design
from ._inventory import Absence, Inventory, Participant, Run
from ._take import take_inventory
from ._words import DataError

__all__ = [
    "Absence",
    "Confounds",
    "ConfoundsError",
    "DataError",
    "Events",
    "GroupRows",
    "Inventory",
    "Participant",
    "Run",
    "check_groups",
    "conditions_of",
    "group_remarks",
    "group_rows",
    "modulator_weights",
    "read_confounds",
    "read_events",
    "take_inventory",
    "write_design",
]
