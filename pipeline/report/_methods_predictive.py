"""The predictive methods in plain paragraphs: measures, statistics of scores, predictions."""

from __future__ import annotations

from peb import ALPHA

from ..common import join_words
from ..study import Measures, Prediction, Sessions, Statistics, Study
from ._study_words import StudyWords

PREDICTIVE_REFERENCES = (
    "McLaren et al. 2012, NeuroImage 61:1277 (gPPI). Gitelman et al. 2003, NeuroImage 19:200 (deconvolution). Walther "
    "et al. 2016, NeuroImage 137:188 (crossnobis distances). Zou & Hastie 2005, J. R. Stat. Soc. B 67:301 (elastic "
    "net). Friedman, Hastie & Tibshirani 2010, J. Stat. Softw. 33(1) (glmnet). Varma & Simon 2006, BMC Bioinformatics "
    "7:91 (nested cross-validation)."
)


def _preset(model: str, words: StudyWords, sessions: Sessions) -> str:
    """The terms of a model by its name."""
    earlier = sessions.labels[0] if sessions.pair is None else sessions.pair[0]
    first = "before treatment" if words.is_treated else f"in {earlier}" if earlier else ""
    terms = {
        "change": "changes of the measures",
        "change-by-arm": f"changes of the measures, the {words.group}, and their products",
        "change-by-arm-and-covariates": f"changes of the measures, covariates, the {words.group}, and products with it",
        "baseline": f"measures {first}".strip(),
        "baseline-by-arm": f"{f'measures {first}'.strip()}, the {words.group}, and their products",
    }
    return terms[model]


def predictive_methods(study: Study) -> tuple[str, ...]:
    """Measures, statistics and predictions, as far as the study has them."""
    parts = _measure_kinds(study, study.measures)
    words = StudyWords.of(study)
    each = "participant and session" if words.sessions else "participant"
    sentence = f"Imaging measures of each {each} were {join_words(parts)}."
    if study.sessions.pair is not None:
        first, second = study.sessions.pair
        sentence += f" A change is {'after minus before' if words.is_treated else f'{second} minus {first}'}."
    found = [sentence] if parts and (study.predict or study.statistics is not None or not study.dcms) else []
    if study.statistics is not None:
        found.append(_statistics_paragraph(study.statistics, words))
    if study.predict:
        found.append(_predictions_paragraph(study))
    return tuple(found)


def _measure_kinds(study: Study, settings: Measures) -> list[str]:
    """A phrase for each kind that the study has."""
    rest = [name for name, task in study.tasks.items() if task.rest]
    distances = [name for task in study.tasks.values() for name in task.distances]
    level = "deconvolved signals (as SPM12)" if settings.interaction == "neural" else "measured signals"
    parts = []
    contrasts = any(task.contrasts for task in study.tasks.values())
    if "response" in settings.kinds and contrasts:
        parts.append("mean contrast estimates of each region")
    if "gppi" in settings.kinds and contrasts and len(study.region_names) > 1:
        each = "in each direction" if settings.direction == "directed" else "averaged over both directions"
        parts.append(f"generalised psychophysiological interactions of {level}, {each}")
    if "distance" in settings.kinds and distances:
        parts.append(
            f"cross-validated Mahalanobis (crossnobis) distances between voxel patterns ({join_words(distances)})"
        )
    if "rest" in settings.kinds and rest:
        low, high = settings.rest_band
        parts.append(f"Fisher-transformed correlations at rest, band-passed from {low:g} to {high:g} Hz")
    if "dcm" in settings.kinds and study.dcm is not None:
        parts.append(f"DCM parameters ({join_words(settings.dcm_fields)})")
    return parts


def _statistics_paragraph(settings: Statistics, words: StudyWords) -> str:
    sentences = []
    if settings.outcomes:
        verb = "was" if len(settings.outcomes) == 1 else "were"
        sentences.append(
            f"{join_words(settings.outcomes)} {verb} compared by linear mixed models of "
            f"session × {words.group} with a random intercept for each participant (REML, Wald tests; statsmodels), "
            "and by the exact t test of change scores"
        )
    if settings.measures:
        sentences.append(
            "changes of measures were correlated with scores (Pearson and Spearman, bootstrap intervals from "
            f"{settings.bootstraps} samples, p adjusted after Holm over the scores of each measure)"
        )
    if settings.null_checks:
        sentences.append(f"{join_words(settings.null_checks)} served as null checks")
    if settings.cohort:
        sentences.append(f"the cohort is described by {words.group} without tests of baseline differences")
    text = "; ".join(sentences)
    return f"{text[:1].upper()}{text[1:]}."


def _predictions_paragraph(study: Study) -> str:
    words = StudyWords.of(study)
    named = [_describe_prediction(name, model, words, study.sessions) for name, model in study.predict.items()]
    within = f" within {words.group}s" if words.groups else ""
    return (
        "Scores were predicted by elastic nets (scikit-learn, with glmnet's penalties and scaling): "
        f"{'; '.join(named)}. Penalty and mixing minimise the squared error of left-out participants. Each model is "
        "judged twice: in-sample, with all steps on all participants, as such models are usually published; and "
        "nested, with all steps (adjustment for motion, imputation, products of centred columns, scaling, tuning) "
        "repeated without each participant predicted, on a coarser grid of penalties: Q² = 1 − PRESS / SS about the "
        "mean of the others. p is the share of shuffled outcomes with as high a Q². A predictor is called stable "
        "where half of the leave-one-out and of the bootstrap samples retain it, and its correlation with the "
        f"outcome{within} beats the largest of all predictors where outcomes are shuffled{within} "
        f"(p ≤ {ALPHA:g}, 999 shuffles)."
    )


def _describe_prediction(name: str, model: Prediction, words: StudyWords, sessions: Sessions) -> str:
    terms = model.formula if model.model is None else _preset(model.model, words, sessions)
    measures = "" if model.formula or model.measures == ("*",) else f" ({join_words(model.measures)})"
    covariates = f", covariates {join_words(model.covariates)}" if model.covariates else ""
    apart = "one participant left out at a time" if model.folds is None else f"{model.folds} groups left out in turn"
    motion = ", measures residualised on mean framewise displacement" if model.adjust_motion else ""
    return (
        f"{name}: {model.outcome} from {terms}{measures}{covariates}{motion}; {apart}; {model.permutations} shuffles "
        f"at most; {model.bootstraps} bootstrap samples; seed {model.seed}"
    )
