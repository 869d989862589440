"""BIDS datasets and fMRIPrep derivatives: what is there, what is missing, and the text files read and checked."""

from ._analysis_data import (
    GroupRows,
    analysis_design,
    check_groups,
    group_rows,
    level_order,
    modelled_runs,
    unmodelled_visits,
    write_design,
)
from ._analysis_remarks import group_remarks
from ._check_events import check_events, count_events
from ._check_scores import check_predictions, check_statistics
from ._collect import assemble_inventory, collect_inventory
from ._confounds import ConfoundsError, RunConfounds, read_confounds
from ._events import ConstantModulatorError, Events, conditions_of, modulator_weights, read_events
from ._inventory import Absence, ImageRun, Inventory, Participant, Run, SeriesRun, Visit, share_absences, visit_label
from ._locate_files import DatasetFolders, events_by_pattern, session_folder
from ._participants import StudyParticipants, read_participants
from ._readable_files import DataError, open_nifti
from ._scores import (
    PARTICIPANT,
    SessionScores,
    participant_column,
    participant_numbers,
    scored_sessions,
    session_scores,
)
from ._validate_run import RunValidation
from ._visits import read_visits

__all__ = [
    "PARTICIPANT",
    "Absence",
    "ConfoundsError",
    "ConstantModulatorError",
    "DataError",
    "DatasetFolders",
    "Events",
    "GroupRows",
    "ImageRun",
    "Inventory",
    "Participant",
    "Run",
    "RunConfounds",
    "RunValidation",
    "SeriesRun",
    "SessionScores",
    "StudyParticipants",
    "Visit",
    "analysis_design",
    "assemble_inventory",
    "check_events",
    "check_groups",
    "check_predictions",
    "check_statistics",
    "collect_inventory",
    "conditions_of",
    "count_events",
    "events_by_pattern",
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
    "read_participants",
    "read_visits",
    "scored_sessions",
    "session_folder",
    "session_scores",
    "share_absences",
    "unmodelled_visits",
    "visit_label",
    "write_design",
]
