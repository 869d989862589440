"""Which columns of fMRIPrep's confounds a strategy takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..study import Confounds

DISPLACEMENT = "framewise_displacement"
UNSTEADY = "non_steady_state_outlier"
_SUFFIXES = {
    "basic": ("",),
    "derivatives": ("", "_derivative1"),
    "power2": ("", "_power2"),
    "full": ("", "_derivative1", "_power2", "_derivative1_power2"),
}
MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
COMPCOR = {
    "anat_combined": (("a_comp_cor_",),),
    "anat_separated": (("a_comp_cor_", "w_comp_cor_"), ("a_comp_cor_", "c_comp_cor_")),
    "temporal": (("t_comp_cor_",),),
}


def named_columns(settings: Confounds) -> Iterator[str]:
    """Columns that the strategy takes by their names."""
    for part, bases, how in (
        ("motion", MOTION, settings.motion),
        ("wm_csf", ("csf", "white_matter"), settings.wm_csf),
        ("global_signal", ("global_signal",), settings.global_signal),
    ):
        if part in settings.strategy:
            yield from (base + suffix for base in bases for suffix in _SUFFIXES[how])


def taken_columns(settings: Confounds, columns: Collection[str]) -> list[str]:
    """Those of a table's columns that the strategy is made from, in their order."""
    named = set(named_columns(settings))
    components = [one for prefixes in COMPCOR[settings.compcor] for one in prefixes]
    prefixes = ("cosine", *components) if "compcor" in settings.strategy else ()
    aroma = "ica_aroma" in settings.strategy
    return [one for one in columns if one in named or one.startswith(tuple(prefixes)) or (aroma and "aroma" in one)]


def absent_columns(settings: Confounds, columns: Collection[str]) -> Iterator[str]:
    """What a study needs and a table lacks; of components, the first."""
    yield from (name for name in named_columns(settings) if name not in columns)
    if settings.censor_above is not None and DISPLACEMENT not in columns:
        yield DISPLACEMENT
    if "compcor" in settings.strategy:
        for prefixes in COMPCOR[settings.compcor]:
            if not any(name.startswith(prefixes) for name in columns):
                yield prefixes[0] + "00"
        if not any(name.startswith("cosine") for name in columns):
            yield "cosine00"
    if "ica_aroma" in settings.strategy and not any("aroma" in name for name in columns):
        yield "aroma_motion_01"
