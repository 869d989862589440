"""A table of confounds before it is read in full: its columns against the strategy, its rows against the image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..study import Confounds
from ._confound_names import COMPCOR, DISPLACEMENT
from ._confounds import check_columns, check_rows
from ._readable import head_of, read_sidecar

_ODD = re.compile(rb"[^0-9eE+.\-\t\r\n]|\t(?=[\t\r\n])")  # anything but numbers, and cells without one
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 begins


def check_confounds(path: Path, settings: Confounds, scans: int) -> tuple[bool, list[str]]:
    """Whether only reading a table in full tells if it can be used, as cells are missing or its form is not fMRIPrep's;
    and remarks.

    Raises `ConfoundsError` where it has other rows than the image has scans, or lacks what the strategy needs.
    """
    head_of(path)
    content = path.read_bytes().rstrip()
    if "compcor" in settings.strategy:
        read_sidecar(path.with_suffix(".json"))  # tells which component is of which mask
    header_end = content.find(b"\n")
    header = content[: max(header_end, 0)].decode("utf-8-sig", errors="replace").rstrip("\r").split("\t")
    if content.startswith(_WIDE) or len(header) == 1 or b"," in content:
        return True, []
    check_rows(path, content.count(b"\n"), scans)
    check_columns(path, header, settings)
    second = max(content.find(b"\n", header_end + 1), 0)  # the end of the first scan's row, which lacks derivatives
    unsure = _ODD.search(content, second) is not None
    if DISPLACEMENT not in header:
        return unsure, [*_few(header, settings), f"{path.name} has no {DISPLACEMENT}; motion is unknown"]
    return unsure, [*_few(header, settings)]


def _few(header: list[str], settings: Confounds) -> Iterator[str]:
    """That there are fewer components than are asked for; fMRIPrep keeps as many as explain half of the variance."""
    if "compcor" in settings.strategy:
        for prefixes in COMPCOR[settings.compcor]:
            count = sum(name.startswith(prefixes) for name in header)
            if count < settings.n_compcor:
                yield f"there are {count} components {prefixes[0]}*, fewer than n_compcor = {settings.n_compcor}"
