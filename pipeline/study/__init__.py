"""The study's configuration: one TOML file → a checked `Study`."""

from ._analysis_settings import Distance, GroupAnalysis, MeasureKind, Measures, Prediction, PresetModel, Statistics
from ._check_analyses import MODELS_BY_ARM, MODELS_WITH_COVARIATES
from ._check_sections import circuit_region
from ._expressions import formula_names, is_used_in_analyses, parse_connection, parse_contrast
from ._guesses import guess_arms, guess_contrast, is_control, likely_condition_columns
from ._model_file import SpecifiedDcm, read_model_file
from ._model_specs import (
    MAIN,
    describe_inversion,
    inversion_settings,
    inverted_models,
    make_spec,
    model_spec,
    model_specs,
    reduced_models,
    switched_models,
)
from ._read_study import StudyError, is_atlas_file, read_study
from ._schema import PLACEHOLDER, SCHEMA_FILE, study_schema
from ._series_settings import Series
from ._starter import describe_guesses, starter_toml
from ._study import (
    TARGET_CIRCUIT,
    Box,
    Confounds,
    Dcm,
    Glm,
    Modulator,
    Participants,
    Region,
    Score,
    Sessions,
    Sphere,
    Structure,
    Study,
    Task,
)
from ._survey import DatasetSurvey, survey_dataset
from ._survey_tasks import SurveyedTask
from ._toml_text import toml_key, toml_names, toml_text
from ._visit_selection import VisitSelection, describe_selection, select_visits

__all__ = [
    "MAIN",
    "MODELS_BY_ARM",
    "MODELS_WITH_COVARIATES",
    "PLACEHOLDER",
    "SCHEMA_FILE",
    "TARGET_CIRCUIT",
    "Box",
    "Confounds",
    "DatasetSurvey",
    "Dcm",
    "Distance",
    "Glm",
    "GroupAnalysis",
    "MeasureKind",
    "Measures",
    "Modulator",
    "Participants",
    "Prediction",
    "PresetModel",
    "Region",
    "Score",
    "Series",
    "Sessions",
    "SpecifiedDcm",
    "Sphere",
    "Statistics",
    "Structure",
    "Study",
    "StudyError",
    "SurveyedTask",
    "Task",
    "VisitSelection",
    "circuit_region",
    "describe_guesses",
    "describe_inversion",
    "describe_selection",
    "formula_names",
    "guess_arms",
    "guess_contrast",
    "inversion_settings",
    "inverted_models",
    "is_atlas_file",
    "is_control",
    "is_used_in_analyses",
    "likely_condition_columns",
    "make_spec",
    "model_spec",
    "model_specs",
    "parse_connection",
    "parse_contrast",
    "read_model_file",
    "read_study",
    "reduced_models",
    "select_visits",
    "starter_toml",
    "study_schema",
    "survey_dataset",
    "switched_models",
    "toml_key",
    "toml_names",
    "toml_text",
]
