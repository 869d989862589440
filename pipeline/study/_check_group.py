"""Group analyses that lack something, or say what would be ignored."""

from __future__ import annotations

from collections.abc import Iterator

from ._collisions import collisions
from ._lines import Keys
from ._nearest import meant
from ._problem import Problem
from ._study import GroupAnalysis, Study

RESERVED = "models"  # the folder of the comparison of alternative models
PREDICTING = ("leave-one-out", "permute")

# Settings that only some analyses heed.
_HEEDED = {
    "sample": ("arms",),
    "smallest_effect": ("arms", "fit", "search"),
    "permutations": ("permute",),
    "reinvert": ("arms", "fit", "search"),
    "seed": ("arms", "leave-one-out", "permute"),
}


def check_group(study: Study) -> Iterator[Problem]:
    """Every mistake in `[group]` that its shape alone does not show."""
    yield from collisions(("group",), study.group, "group analyses")
    if study.group and study.dcm is None:
        yield Problem(("group",), "group analyses are over connections, so they need [dcm]; add it", (("dcm",),))
    for name, analysis in study.group.items():
        path: Keys = ("group", name)
        if name.lower() == RESERVED:
            yield Problem(path, f"{name} is what the comparison of [dcm.models] is called; choose another name")
        yield from _options(path, analysis)
        yield from _reinversion(path, analysis, study)
        yield from _between(path, analysis)
        yield from _fields(path, analysis, study)
        yield from _covariates(path, analysis, study)


def _options(path: Keys, analysis: GroupAnalysis) -> Iterator[Problem]:
    predicting = analysis.analysis in PREDICTING
    if predicting and analysis.predict is None:
        yield Problem(path, f"{analysis.analysis} lacks predict, the covariate that it is about; add it")
    if not predicting and analysis.predict is not None:
        yield Problem((*path, "predict"), _ignored("predict", analysis.analysis, PREDICTING))
    for key, heeding in _HEEDED.items():
        if key in analysis.model_fields_set and analysis.analysis not in heeding:
            yield Problem((*path, key), _ignored(key, analysis.analysis, heeding))
    if analysis.analysis == "arms" and "seed" in analysis.model_fields_set and not analysis.sample:
        yield Problem((*path, "seed"), "would be ignored, as nothing is drawn; add sample = true, or remove it")


def _reinversion(path: Keys, analysis: GroupAnalysis, study: Study) -> Iterator[Problem]:
    if not analysis.reinvert or analysis.analysis not in _HEEDED["reinvert"]:
        return
    if analysis.of == "change":
        yield Problem((*path, "reinvert"), 'is for one session; remove it, or add of = "before" or "after"')
    if analysis.compat != "none" or analysis.between == "gaussian":
        yield Problem((*path, "reinvert"), "is for the default group; remove it, or compat and between")
    if study.dcm is not None and (study.dcm.noise or study.dcm.compat) in ("spm12", "spm25"):
        yield Problem((*path, "reinvert"), "cannot follow SPM's scheme of the noise in [dcm]; remove one of the two")


def _between(path: Keys, analysis: GroupAnalysis) -> Iterator[Problem]:
    if analysis.compat != "none":
        if analysis.between == "mixture":
            yield Problem((*path, "between"), f"{analysis.compat} has SPM's Gaussian participants; remove it")
        return
    for key in ("components", "between_prior"):
        if getattr(analysis, key) is not None and analysis.between != "gaussian":
            yield Problem((*path, key), 'is for Gaussian participants; remove it, or add between = "gaussian"')


def _ignored(key: str, analysis: str, heeding: tuple[str, ...]) -> str:
    return f"{analysis} would ignore {key}, which is for {', '.join(heeding)}; remove it"


def _fields(path: Keys, analysis: GroupAnalysis, study: Study) -> Iterator[Problem]:
    for place, field in enumerate(analysis.fields):
        if field in analysis.fields[:place]:
            yield Problem((*path, "fields", place), f"names {field!r} twice; name it once")
        elif study.dcm is not None and field in ("B", "C") and not _has(study, field):
            text = f"the main model has no {field}, so there is nothing to compare; add [dcm] {field.lower()}"
            yield Problem((*path, "fields", place), text, (("dcm",),))


def _has(study: Study, field: str) -> bool:
    said = study.dcm and {"B": study.dcm.b, "C": study.dcm.c}[field]
    return bool(said) and any((said or {}).values())


def _covariates(path: Keys, analysis: GroupAnalysis, study: Study) -> Iterator[Problem]:
    for place, name in enumerate(analysis.covariates):
        if name in analysis.covariates[:place]:
            yield Problem((*path, "covariates", place), f"names {name!r} twice; name it once")
    known = list(dict.fromkeys((*analysis.covariates, *filter(None, (analysis.predict,)))))
    if analysis.analysis == "arms" and study.participants.arm not in known:
        known.append(study.participants.arm)
    for place, text in enumerate(analysis.interactions):
        here = (*path, "interactions", place)
        pair = [part.strip() for part in text.split(":")]
        if len(pair) != 2 or not all(pair) or pair[0] == pair[1]:
            yield Problem(here, f"{text!r} is no product of two covariates; write it like 'arm:improvement'")
            continue
        for name in pair:
            if name not in known:
                tip = meant(name, known, "covariates")
                yield Problem(
                    here, f"{text!r} names {name!r}, which is no covariate of this analysis{tip}", (("participants",),)
                )
