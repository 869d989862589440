"""The group analyses as they are asked for: fit, arms, leave-one-out, permutation, search, comparison of models."""

from ._arms import MIN_ARM_SIZE, ArmAnalysis, compare_arms
from ._arms_report import arm_records, judge_arms, report_arms
from ._comparison import compare_models, report_comparison
from ._estimate_files import FirstLevel
from ._estimates import pair_sessions, read_estimates
from ._fit import fit_group, invert_again
from ._fit_report import report_fit
from ._group_inputs import GroupInputs
from ._leave_one_out import cross_validate_covariate, report_leave_one_out
from ._model_evidence import report_model_evidence
from ._options import (
    GroupOptions,
    add_arm_interactions,
    check_smallest_effect,
    group_settings,
    include_covariate,
    named_contrasts,
    split_pair,
)
from ._permutation import permute_covariate, report_permutation
from ._read_inputs import read_group_inputs
from ._search import report_search, search_models
from ._visit_estimates import VisitsAsked, parse_of

__all__ = [
    "MIN_ARM_SIZE",
    "ArmAnalysis",
    "FirstLevel",
    "GroupInputs",
    "GroupOptions",
    "VisitsAsked",
    "add_arm_interactions",
    "arm_records",
    "check_smallest_effect",
    "compare_arms",
    "compare_models",
    "cross_validate_covariate",
    "fit_group",
    "group_settings",
    "include_covariate",
    "invert_again",
    "judge_arms",
    "named_contrasts",
    "pair_sessions",
    "parse_of",
    "permute_covariate",
    "read_estimates",
    "read_group_inputs",
    "report_arms",
    "report_comparison",
    "report_fit",
    "report_leave_one_out",
    "report_model_evidence",
    "report_permutation",
    "report_search",
    "search_models",
    "split_pair",
]
