"""A table of confounds before it is read in full: its columns against the strategy, its rows against the image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..study import Confounds
from ._confounds import DISPLACEMENT, ConfoundsError
from ._readable import head_of, read_sidecar
from ._words import listed

_SUFFIXES = {
    "basic": ("",),
    "derivatives": ("", "_derivative1"),
    "power2": ("", "_power2"),
    "full": ("", "_derivative1", "_power2", "_derivative1_power2"),
}
_MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
_COMPCOR = {
    "anat_combined": (("a_comp_cor_",),),
    "anat_separated": (("a_comp_cor_", "w_comp_cor_"), ("a_comp_cor_", "c_comp_cor_")),
    "temporal": (("t_comp_cor_",),),
}
_OLDER = "FramewiseDisplacement"  # as fMRIPrep 1.0 and 1.1 wrote it


def check_confounds(path: Path, settings: Confounds, scans: int) -> tuple[bool, list[str]]:
    """Whether only reading a table in full tells if it can be used, as cells are missing in it; and remarks.

    Raises `ConfoundsError` where it has other rows than the image has scans, or lacks what the strategy needs.
    """
    head_of(path)
    content = path.read_bytes().rstrip()
    header_end = content.find(b"\n")
    header = content[: max(header_end, 0)].decode("utf-8-sig", errors="replace").rstrip("\r").split("\t")
    rows = content.count(b"\n")
    if rows != scans:
        raise ConfoundsError(f"{path.name} has {rows} rows, the image {scans} scans; they are not of one run")
    if len(header) == 1:
        raise ConfoundsError(f"{path.name} has one column, {header[0][:40]!r}; it must be separated by tabs")
    if _OLDER in header:
        raise ConfoundsError(f"{path.name} is of an fMRIPrep before 1.2; run a later one")
    absent = [*_absent(set(header), settings)]
    if absent:
        raise ConfoundsError(
            f"{path.name} has no {listed(absent)}; leave it out of [confounds] strategy, or run fMRIPrep again"
        )
    if "compcor" in settings.strategy:
        read_sidecar(path.with_suffix(".json"))  # tells which component is of which mask
    second = max(content.find(b"\n", header_end + 1), 0)  # the end of the first scan's row, which lacks derivatives
    unsure = any(content.find(letter, second) >= 0 for letter in (b"a", b"A"))  # n/a, nan, NaN, NA
    return unsure, [*_few(header, settings)]


def _few(header: list[str], settings: Confounds) -> Iterator[str]:
    """That there are fewer components than are asked for; fMRIPrep keeps as many as explain half of the variance."""
    if "compcor" in settings.strategy:
        for prefixes in _COMPCOR[settings.compcor]:
            count = sum(name.startswith(prefixes) for name in header)
            if count < settings.n_compcor:
                yield f"there are {count} components {prefixes[0]}*, fewer than n_compcor = {settings.n_compcor}"


def _absent(header: set[str], settings: Confounds) -> Iterator[str]:
    """What the strategy needs and the table lacks."""
    needed = [DISPLACEMENT]
    for part, bases, how in (
        ("motion", _MOTION, settings.motion),
        ("wm_csf", ("csf", "white_matter"), settings.wm_csf),
        ("global_signal", ("global_signal",), settings.global_signal),
    ):
        if part in settings.strategy:
            needed += [base + suffix for base in bases for suffix in _SUFFIXES[how]]
    yield from (name for name in needed if name not in header)
    if "compcor" in settings.strategy:
        for prefixes in _COMPCOR[settings.compcor]:
            if not any(name.startswith(prefixes) for name in header):
                yield prefixes[0] + "00"
        if not any(name.startswith("cosine") for name in header):
            yield "cosine00"
    if "ica_aroma" in settings.strategy and not any("aroma" in name for name in header):
        yield "aroma_motion_01"
