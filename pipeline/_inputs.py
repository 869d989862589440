"""The files that a command line names: folders opened, what cannot be read said in a line each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ._dcm_file import DcmFile, read_dcms
from ._dcm_run import EchoTime


def read_inputs(paths: Sequence[Path], echo_time: EchoTime = "spm12") -> tuple[list[DcmFile], list[str]]:
    """Every model in the files given, and in the DCM_*.mat of the folders given; and a line per error."""
    files: list[Path] = []
    lines: list[str] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if is_dcm(one))
            if not inside:
                lines.append(f"{path}: holds no DCM_*.mat; give the files themselves or another folder")
            files.extend(inside)
        else:
            files.append(path)
    read, errors = read_dcms(files, echo_time)
    return read, lines + [str(error) for error in errors]


def is_dcm(path: Path) -> bool:
    """Whether a path is a file that is called ``DCM_*.mat``."""
    return path.is_file() and path.suffix.lower() == ".mat" and path.name.upper().startswith("DCM_")
