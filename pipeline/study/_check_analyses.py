"""Group analyses, predictions and measures that lack something, contradict themselves, or say what would be ignored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from peb import DesignError, formula_columns

from ..common import did_you_mean
from ._analysis_settings import GroupAnalysis, Prediction
from ._mistakes import Keys, Mistake, check_names, names_differing_in_case
from ._study import Dcm, Study
from ._visit_selection import select_visits

RESERVED = "models"  # the folder of the comparison of alternative models; models-NAME of one DCM of several
PREDICTING = ("leave-one-out", "permute")
ANALYSES_WITH_DESIGN = ("fit", "search")

# Settings that only some analyses heed.
_ANALYSES_WITH_SETTING = {
    "sample": ("arms",),
    "smallest_effect": ("arms", "fit", "search"),
    "permutations": ("permute",),
    "reinvert": ("arms", "fit", "search"),
    "seed": ("arms", "leave-one-out", "permute"),
}

MODELS_WITH_COVARIATES = ("change-by-arm-and-covariates", "baseline")
MODELS_BY_ARM = ("change-by-arm", "change-by-arm-and-covariates", "baseline-by-arm")


def check_group(study: Study) -> Iterator[Mistake]:
    """Every mistake in `[group]` that its shape alone does not show."""
    yield from names_differing_in_case(("group",), study.group, "group analyses")
    if study.group and not study.dcms:
        yield Mistake(("group",), "group analyses are over connections, so they need [dcm]; add it", (("dcm",),))
    reserved = {f"{RESERVED}-{dcm}".lower() if dcm else RESERVED: dcm for dcm in study.dcms} | {RESERVED: ""}
    for name, analysis in study.group.items():
        path: Keys = ("group", name)
        if name.lower() in reserved:
            dcm = reserved[name.lower()]
            models = f"dcm.{dcm}.models" if dcm else "dcm.models"
            yield Mistake(path, f"{name} is what the comparison of [{models}] is called; choose another name")
        yield from _dcm_name(path, analysis, study)
        yield from _visits(path, analysis, study)
        yield from _design(path, analysis)
        yield from _options(path, analysis)
        yield from _arms(path, analysis, study)
        yield from _reinversion(path, analysis, study)
        yield from _between(path, analysis)
        yield from _fields(path, analysis, study)
        yield from _covariates(path, analysis, study)


def _options(path: Keys, analysis: GroupAnalysis) -> Iterator[Mistake]:
    predicting = analysis.analysis in PREDICTING
    if predicting and analysis.predict is None:
        yield Mistake(path, f"{analysis.analysis} lacks predict, the covariate that it is about; add it")
    if not predicting and analysis.predict is not None:
        yield Mistake((*path, "predict"), _ignored("predict", analysis.analysis, PREDICTING))
    for key, analyses in _ANALYSES_WITH_SETTING.items():
        if key in analysis.model_fields_set and analysis.analysis not in analyses:
            yield Mistake((*path, key), _ignored(key, analysis.analysis, analyses))
    if analysis.analysis == "arms" and "seed" in analysis.model_fields_set and not analysis.sample:
        yield Mistake((*path, "seed"), "would be ignored, as nothing is drawn; add sample = true, or remove it")


def _dcm_name(path: Keys, analysis: GroupAnalysis, study: Study) -> Iterator[Mistake]:
    names = [name for name in study.dcms if name]
    if analysis.dcm is not None and analysis.dcm not in names:
        there = did_you_mean(analysis.dcm, names, "DCMs") if names else "; the study has one [dcm], so remove it"
        yield Mistake((*path, "dcm"), f"{analysis.dcm!r} is no [dcm.NAME] of this study{there}", (("dcm",),))
    elif analysis.dcm is None and len(names) > 1:
        yield Mistake(path, f"does not say which DCM it is over; add dcm = one of {', '.join(names)}", (("dcm",),))


def _visits(path: Keys, analysis: GroupAnalysis, study: Study) -> Iterator[Mistake]:
    try:
        select_visits(study, analysis)
    except ValueError as error:
        where = path if analysis.of is None else (*path, "of")
        yield Mistake(where, str(error), (("sessions",),))
        return
    if analysis.of != "visits":
        return
    if analysis.analysis not in ANALYSES_WITH_DESIGN:
        text = f"{analysis.analysis} is of participants, and all visits are for {' and '.join(ANALYSES_WITH_DESIGN)}"
        yield Mistake((*path, "of"), f'{text}; take "mean", a contrast or one visit')
    if analysis.compat != "none" or analysis.between == "gaussian":
        yield Mistake((*path, "of"), "all visits are for the default group; remove compat and between, or this")


def _design(path: Keys, analysis: GroupAnalysis) -> Iterator[Mistake]:
    """A formula says all that covariates and interactions say; other analyses than fit have designs of their own."""
    if analysis.design is not None:
        for key in ("covariates", "interactions"):
            if getattr(analysis, key):
                yield Mistake((*path, key), "is written into the formula of design; keep one of the two")
        if analysis.analysis not in ANALYSES_WITH_DESIGN:
            yield Mistake((*path, "design"), _ignored("design", analysis.analysis, ANALYSES_WITH_DESIGN))
        try:
            formula_columns(analysis.design)
        except DesignError as error:
            yield Mistake((*path, "design"), str(error))
    elif analysis.contrasts and not analysis.covariates and analysis.analysis in ANALYSES_WITH_DESIGN:
        text = 'are of the levels and columns of a design; add it, such as design = "1 + group"'
        yield Mistake((*path, "contrasts"), text)
    if analysis.reference and analysis.design is None:
        yield Mistake((*path, "reference"), "is of the factors of a design, and there is none; add design")
    if analysis.contrasts and analysis.analysis not in ANALYSES_WITH_DESIGN:
        yield Mistake((*path, "contrasts"), _ignored("contrasts", analysis.analysis, ANALYSES_WITH_DESIGN))


def _arms(path: Keys, analysis: GroupAnalysis, study: Study) -> Iterator[Mistake]:
    word, names = study.participants.group_word, study.participants.group_names
    if analysis.analysis == "arms" and len(names) not in (1, 2):  # one is said elsewhere
        found = f"{len(names)} {word}s" if names else f"no {word}s"
        text = f'compares two groups, and the study has {found}; take analysis = "fit" with a design and contrasts'
        yield Mistake((*path, "analysis"), text, (("participants",),))


def _reinversion(path: Keys, analysis: GroupAnalysis, study: Study) -> Iterator[Mistake]:
    if not analysis.reinvert or analysis.analysis not in _ANALYSES_WITH_SETTING["reinvert"]:
        return
    with suppress(ValueError):  # said elsewhere
        if select_visits(study, analysis).kind != "visit":
            yield Mistake((*path, "reinvert"), "is for one session; remove it, or name a session by of")
    if analysis.compat != "none" or analysis.between == "gaussian":
        yield Mistake((*path, "reinvert"), "is for the default group; remove it, or compat and between")
    named = study.dcm_of(analysis)
    if named is not None and (named[1].noise or named[1].compat) in ("spm12", "spm25"):
        yield Mistake((*path, "reinvert"), "cannot follow SPM's scheme of the noise in [dcm]; remove one of the two")


def _between(path: Keys, analysis: GroupAnalysis) -> Iterator[Mistake]:
    if analysis.compat != "none":
        if analysis.between == "mixture":
            yield Mistake((*path, "between"), f"{analysis.compat} has SPM's Gaussian participants; remove it")
        return
    for key in ("components", "between_prior"):
        if getattr(analysis, key) is not None and analysis.between != "gaussian":
            yield Mistake((*path, key), 'is for Gaussian participants; remove it, or add between = "gaussian"')


def _ignored(key: str, analysis: str, analyses: tuple[str, ...]) -> str:
    return f"{analysis} would ignore {key}, which is for {', '.join(analyses)}; remove it"


def _fields(path: Keys, analysis: GroupAnalysis, study: Study) -> Iterator[Mistake]:
    for place, field in enumerate(analysis.fields):
        if field in analysis.fields[:place]:
            yield Mistake((*path, "fields", place), f"names {field!r} twice; name it once")
        elif (named := study.dcm_of(analysis)) and field in ("B", "C") and not _has_connections(named[1], field):
            text = f"the main model has no {field}, so there is nothing to compare; add [dcm] {field.lower()}"
            yield Mistake((*path, "fields", place), text, (("dcm",),))


def _has_connections(dcm: Dcm, field: str) -> bool:
    given = {"B": dcm.b, "C": dcm.c}[field]
    return bool(given) and any((given or {}).values())


def _covariates(path: Keys, analysis: GroupAnalysis, study: Study) -> Iterator[Mistake]:
    yield from check_names((*path, "covariates"), analysis.covariates)
    known = list(dict.fromkeys((*analysis.covariates, *filter(None, (analysis.predict,)))))
    column = study.participants.group_column
    if analysis.analysis == "arms" and column is not None and column not in known:
        known.append(column)
    for place, text in enumerate(analysis.interactions):
        here = (*path, "interactions", place)
        pair = [part.strip() for part in text.split(":")]
        if len(pair) != 2 or not all(pair) or pair[0] == pair[1]:
            yield Mistake(here, f"{text!r} is no product of two covariates; write it like '{column or 'group'}:age'")
            continue
        for name in pair:
            if name not in known:
                tip = did_you_mean(name, known, "covariates")
                yield Mistake(
                    here, f"{text!r} names {name!r}, which is no covariate of this analysis{tip}", (("participants",),)
                )


def check_predict(study: Study) -> Iterator[Mistake]:
    """Every mistake in `[predict]`, `[measures]` and `distances` that its shape alone does not show."""
    yield from names_differing_in_case(("predict",), study.predict, "predictions")
    for name, prediction in study.predict.items():
        yield from _model(("predict", name), prediction)
        yield from _sessions_and_groups(("predict", name), prediction, study)
        yield from _numbers(("predict", name), prediction)
    low, high = study.measures.rest_band
    if not 0 <= low < high:
        yield Mistake(
            ("measures", "rest_band"), f"{low:g} to {high:g} Hz is no band; give a lower and a higher frequency"
        )
    for task, how in study.tasks.items():
        for name, distance in how.distances.items():
            here: Keys = ("tasks", task, "distances", name)
            if how.rest:
                yield Mistake(here, "a rest run has no conditions; remove it, or rest = true")
                continue
            for place, condition in enumerate(distance.between):
                if how.conditions and condition not in how.conditions:
                    tip = did_you_mean(condition, list(how.conditions), "conditions")
                    yield Mistake((*here, "between", place), f"{condition!r} is no condition of this task{tip}")
            if distance.between[0] == distance.between[1]:
                yield Mistake((*here, "between"), f"names {distance.between[0]!r} twice; name two conditions")


def _model(path: Keys, prediction: Prediction) -> Iterator[Mistake]:
    if prediction.model is None and prediction.formula is None:
        yield Mistake(path, "has neither model nor formula; add model, such as 'change-by-arm'")
    if prediction.model is not None and prediction.formula is not None:
        yield Mistake((*path, "formula"), "would be ignored beside model; remove one of them")
    if prediction.formula is not None and prediction.covariates:
        yield Mistake((*path, "covariates"), "belong to a model; with a formula, write them into it")
    if prediction.formula is not None and "measures" in prediction.model_fields_set:
        yield Mistake((*path, "measures"), "belong to a model; with a formula, write them into it")
    if prediction.covariates and prediction.model is not None and prediction.model not in MODELS_WITH_COVARIATES:
        yield Mistake(
            (*path, "covariates"),
            f"{prediction.model} has none; remove them, or take {' or '.join(MODELS_WITH_COVARIATES)}",
        )
    if prediction.model == "change-by-arm-and-covariates" and not prediction.covariates:
        yield Mistake(path, "change-by-arm-and-covariates lacks covariates; add them, or take change-by-arm")


def _sessions_and_groups(path: Keys, prediction: Prediction, study: Study) -> Iterator[Mistake]:
    """Models of changes need two sessions, models by arm two groups; of several sessions two must be named."""
    sessions, groups, model = study.sessions, study.participants.group_names, prediction.model or ""
    about = (("sessions",), ("participants",))
    if sessions.pair is None and len(sessions.labels) > 1:
        yield Mistake(
            path,
            "is of two sessions of the several; name them by before and after under [sessions], beside order",
            about,
        )
    elif sessions.pair is None and model.startswith("change"):
        text = f"{model!r} is of changes, and the study has one session; take 'baseline', or a formula"
        yield Mistake((*path, "model"), text, about)
    if model in MODELS_BY_ARM and len(groups) != 2:
        text = f"{model!r} is of two groups, and the study has {len(groups) or 'none'}; take a formula"
        yield Mistake((*path, "model"), text, about)


def _numbers(path: Keys, prediction: Prediction) -> Iterator[Mistake]:
    for key in ("alphas", "measures", "covariates"):
        yield from check_names((*path, key), getattr(prediction, key))
