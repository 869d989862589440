"""The group analyses as people ask for them: fit, arms, leave-one-out, permutation, search, comparison."""

from ._arms import LEAST, Arms, compare_arms, with_interactions
from ._arms_page import arm_records, deliver_arms, judge_arms
from ._compare import compare_models, deliver_comparison
from ._estimates import pair_sessions
from ._estimation import fit_group
from ._fit import deliver_fit
from ._inputs import GroupInputs, GroupOptions, check_smallest_effect, group_settings, read_group
from ._leave_one_out import deliver_prediction, of_covariate, predict
from ._model_evidence import deliver_model_evidence
from ._permute import deliver_permutation, permute
from ._pictures import word
from ._reinversion import invert_again
from ._search import deliver_search, search_models

__all__ = [
    "LEAST",
    "Arms",
    "GroupInputs",
    "GroupOptions",
    "arm_records",
    "check_smallest_effect",
    "compare_arms",
    "compare_models",
    "deliver_arms",
    "deliver_comparison",
    "deliver_fit",
    "deliver_model_evidence",
    "deliver_permutation",
    "deliver_prediction",
    "deliver_search",
    "fit_group",
    "group_settings",
    "invert_again",
    "judge_arms",
    "of_covariate",
    "pair_sessions",
    "permute",
    "predict",
    "read_group",
    "search_models",
    "with_interactions",
    "word",
]
