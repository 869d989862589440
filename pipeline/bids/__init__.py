"""BIDS datasets and fMRIPrep derivatives: what is there, what is missing, and the text files read and checked."""

from ._check_predictions import check_predictions
from ._check_statistics import check_statistics
from ._confounds import Confounds, ConfoundsError, read_confounds
from ._error import DataError
from ._events import Events, NothingToModulate, conditions_of, modulator_weights, read_events
from ._groups import GroupRows, check_groups, group_remarks, group_rows, write_design
from ._headers import open_nifti
from ._inventory import Absence, Inventory, Participant, Run
from ._session_scores import SessionScores, known_columns, person_column, person_numbers, session_scores
from ._tabular import PARTICIPANT
from ._take import take_inventory

__all__ = [
    "PARTICIPANT",
    "Absence",
    "Confounds",
    "ConfoundsError",
    "DataError",
    "Events",
    "GroupRows",
    "Inventory",
    "NothingToModulate",
    "Participant",
    "Run",
    "SessionScores",
    "check_groups",
    "check_predictions",
    "check_statistics",
    "conditions_of",
    "group_remarks",
    "group_rows",
    "known_columns",
    "modulator_weights",
    "open_nifti",
    "person_column",
    "person_numbers",
    "read_confounds",
    "read_events",
    "session_scores",
    "take_inventory",
    "write_design",
]
