"""How questions about a group are answered: every cut-off, one function for each kind of evidence, and the words."""

from ._counted import judge_coverage, judge_fits, judge_means, judge_model_choice, judge_power
from ._covariates import CovariateVerdict, judge_covariate, judge_difference, undecided
from ._group import EACH_KIND, Apart, judge_group, shuffled_note
from ._question import Question, question_of
from ._rule import (
    EVIDENCE_LINES,
    RETAINED,
    EffectsVerdict,
    Verdict,
    has_passed,
    has_settled,
    is_stable,
    judge_effects,
    judge_model,
    judge_p_value,
    judge_prediction,
    sure_above,
)
from ._words import asked_words, model_rule_words, p_rule_words, rule_words, size_words, verdict_headline

__all__ = [
    "EACH_KIND",
    "EVIDENCE_LINES",
    "RETAINED",
    "Apart",
    "CovariateVerdict",
    "EffectsVerdict",
    "Question",
    "Verdict",
    "asked_words",
    "has_passed",
    "has_settled",
    "is_stable",
    "judge_covariate",
    "judge_coverage",
    "judge_difference",
    "judge_effects",
    "judge_fits",
    "judge_group",
    "judge_means",
    "judge_model",
    "judge_model_choice",
    "judge_p_value",
    "judge_power",
    "judge_prediction",
    "model_rule_words",
    "p_rule_words",
    "question_of",
    "rule_words",
    "shuffled_note",
    "size_words",
    "sure_above",
    "undecided",
    "verdict_headline",
]
