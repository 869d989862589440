"""Confound settings that would be ignored."""

from __future__ import annotations

from collections.abc import Iterator

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


def check_settings(study: Study) -> Iterator[Problem]:
    """Every setting of `[confounds]` that its strategy does not heed."""
    confounds = study.confounds
    for key, part in _OF.items():
        if key in confounds.model_fields_set and part not in confounds.strategy:
            text = f"would be ignored, as strategy does not name {part!r}; add it to strategy, or remove {key}"
            yield Problem(("confounds", key), text)
    for place, part in enumerate(confounds.strategy):
        if part in confounds.strategy[:place]:
            yield Problem(("confounds", "strategy", place), f"names {part!r} twice; name it once")
