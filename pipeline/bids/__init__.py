"""BIDS datasets and fMRIPrep derivatives: what is there, what is missing, and the text files read and checked."""

from ._analysis_data import (
    analysis_design,
    check_groups,
    check_predictions,
    check_statistics,
    group_remarks,
    group_rows,
    level_order,
    modelled_runs,
    write_design,
)
from ._collect import collect_inventory
from ._confounds import ConfoundsError, RunConfounds, read_confounds
from ._events import ConstantModulatorError, Events, conditions_of, modulator_weights, read_events
from ._inventory import Absence, Inventory, Participant, Run, Visit, visit_label
from ._locate_files import session_folder
from ._readable_files import DataError, open_nifti
from ._scores import PARTICIPANT, SessionScores, participant_column, participant_numbers, session_pair, session_scores

__all__ = [
    "PARTICIPANT",
    "Absence",
    "ConfoundsError",
    "ConstantModulatorError",
    "DataError",
    "Events",
    "Inventory",
    "Participant",
    "Run",
    "RunConfounds",
    "SessionScores",
    "Visit",
    "analysis_design",
    "check_groups",
    "check_predictions",
    "check_statistics",
    "collect_inventory",
    "conditions_of",
    "group_remarks",
    "group_rows",
    "level_order",
    "modelled_runs",
    "modulator_weights",
    "open_nifti",
    "participant_column",
    "participant_numbers",
    "read_confounds",
    "read_events",
    "session_folder",
    "session_pair",
    "session_scores",
    "visit_label",
    "write_design",
]
