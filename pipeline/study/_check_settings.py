"""Settings that would be ignored, or cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator

from ._inversion import inversion_settings
from ._problem import Problem
from ._study import Study

# Which part of the strategy each setting is about.
_OF = {
    "motion": "motion",
    "wm_csf": "wm_csf",
    "global_signal": "global_signal",
    "compcor": "compcor",
    "n_compcor": "compcor",
}


SHORTEST = 20.0  # s; a filter that cuts off here takes blocks and slow designs out with the drifts
LONGEST = 36_000.0  # s; no run lasts ten hours
NARROWEST, WIDEST = 1.0, 30.0  # mm, of a smoothing kernel


def check_settings(study: Study) -> Iterator[Problem]:
    """Every setting that others make useless, or that was given in another unit."""
    yield from _confounds(study)
    if study.glm.high_pass < SHORTEST:
        text = f"is {study.glm.high_pass:g} s, which takes the task out with the drifts; 1/128 Hz is high_pass = 128"
        yield Problem(("glm", "high_pass"), text)
    smoothing = study.glm.smoothing
    if smoothing is not None and not NARROWEST <= smoothing <= WIDEST:
        text = f"is {smoothing:g} mm, where {NARROWEST:g} to {WIDEST:g} is meant; it is the full width at half maximum"
        yield Problem(("glm", "smoothing"), text)
    if study.glm.high_pass > LONGEST:
        seconds = study.glm.high_pass / 1000
        text = f"is {study.glm.high_pass:g} s, longer than any run; {seconds:g} if it was in ms, {LONGEST:g} for none"
        yield Problem(("glm", "high_pass"), text)
    drawn = study.outputs.maps and any(task.contrasts for task in study.tasks.values())
    if smoothing is not None and not drawn:
        yield Problem(("glm", "smoothing"), "is of contrast maps, and none are made; remove it")
    if study.outputs.spm and study.dcm is None:
        yield Problem(("outputs", "spm"), "is of inverted models, and there is no [dcm]; remove it")
    if study.dcm is None:
        return
    try:
        starts = inversion_settings(study.dcm).starts
    except ValueError as error:  # of settings that do not go together
        yield Problem(("dcm",), str(error))
        return
    if "seed" in study.dcm.model_fields_set and starts == 1:
        yield Problem(("dcm", "seed"), "would be ignored, as one start is not drawn; raise starts, or remove it")


def _confounds(study: Study) -> Iterator[Problem]:
    """Settings of `[confounds]` that its strategy does not heed."""
    confounds = study.confounds
    for key, part in _OF.items():
        if key in confounds.model_fields_set and part not in confounds.strategy:
            text = f"would be ignored, as strategy does not name {part!r}; add it to strategy, or remove {key}"
            yield Problem(("confounds", key), text)
    for place, part in enumerate(confounds.strategy):
        if part in confounds.strategy[:place]:
            yield Problem(("confounds", "strategy", place), f"names {part!r} twice; name it once")
