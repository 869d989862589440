"""The study's configuration: one TOML file → a checked `Study`."""

from ._analyses import Distance, GroupAnalysis, Kind, Measures, Prediction, Preset, Statistics
from ._check_analyses import WITH_COVARIATES
from ._check_sections import circuit_region
from ._expressions import is_used, parse_connection, parse_contrast
from ._guesses import guess_arms, likely_condition_columns
from ._models import MAIN, describe_inversion, inversion_settings, make_spec, models_of, spec_of
from ._read_study import StudyError, is_file_name, read_study
from ._schema import SCHEMA_FILE, study_schema
from ._starter import guesses_in_words, starter
from ._study import (
    TARGET_CIRCUIT,
    Box,
    Confounds,
    Dcm,
    Glm,
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
from ._survey import Found, look

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
    "models_of",
    "parse_connection",
    "parse_contrast",
    "read_study",
    "spec_of",
    "starter",
    "study_schema",
]
