"""The study's configuration: one TOML file → a checked `Study`."""

from ._check_predict import WITH_COVARIATES
from ._check_regions import circuit_region
from ._condition_column import likely_condition_columns
from ._connection import parse_connection
from ._contrast import parse_contrast
from ._guess import guess_arms
from ._inversion import describe_inversion, inversion_settings
from ._look import Found, look
from ._models import MAIN, make_spec, models_of, spec_of
from ._nearest import meant, nearest
from ._places import is_file_name
from ._predictive import Distance, Kind, Measures, Prediction, Preset, Statistics
from ._read import StudyError, read_study
from ._schema import SCHEMA_FILE, study_schema
from ._starter import guesses_in_words, starter
from ._study import (
    TARGET_CIRCUIT,
    Box,
    Confounds,
    Dcm,
    Glm,
    GroupAnalysis,
    Modulator,
    Outputs,
    Participants,
    Place,
    Region,
    Score,
    Sessions,
    Sphere,
    Structure,
    Study,
    Task,
)
from ._used_names import is_used

__all__ = [
    "MAIN",
    "SCHEMA_FILE",
    "TARGET_CIRCUIT",
    "WITH_COVARIATES",
    "Box",
    "Confounds",
    "Dcm",
    "Distance",
    "Found",
    "Glm",
    "GroupAnalysis",
    "Kind",
    "Measures",
    "Modulator",
    "Outputs",
    "Participants",
    "Place",
    "Prediction",
    "Preset",
    "Region",
    "Score",
    "Sessions",
    "Sphere",
    "Statistics",
    "Structure",
    "Study",
    "StudyError",
    "Task",
    "circuit_region",
    "describe_inversion",
    "guess_arms",
    "guesses_in_words",
    "inversion_settings",
    "is_file_name",
    "is_used",
    "likely_condition_columns",
    "look",
    "make_spec",
    "meant",
    "models_of",
    "nearest",
    "parse_connection",
    "parse_contrast",
    "read_study",
    "spec_of",
    "starter",
    "study_schema",
]
