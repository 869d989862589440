"""The group analyses as people ask for them: fit, arms, leave-one-out, permutation, search, comparison."""

from ._arms import LEAST, Arms, add_arm_interactions, compare_arms
from ._arms_page import arm_records, judge_arms, report_arms
from ._compare import compare_models, report_comparison
from ._estimates import pair_sessions
from ._estimation import fit_group
from ._fit import report_fit
from ._inputs import GroupInputs, GroupOptions, check_smallest_effect, group_settings, read_group
from ._leave_one_out import include_covariate, predict_left_out, report_leave_one_out
from ._model_evidence import report_model_evidence
from ._permute import permute_covariate, report_permutation
from ._reinversion import invert_again
from ._search import report_search, search_models

__all__ = [
    "LEAST",
    "Arms",
    "GroupInputs",
    "GroupOptions",
    "add_arm_interactions",
    "arm_records",
    "check_smallest_effect",
    "compare_arms",
    "compare_models",
    "fit_group",
    "group_settings",
    "include_covariate",
    "invert_again",
    "judge_arms",
    "pair_sessions",
    "permute_covariate",
    "predict_left_out",
    "read_group",
    "report_arms",
    "report_comparison",
    "report_fit",
    "report_leave_one_out",
    "report_model_evidence",
    "report_permutation",
    "report_search",
    "search_models",
]
