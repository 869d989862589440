"""The files that a command line names: folders opened, what cannot be read said in a line each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..common import merge_remarks, natural_key
from ..spm import DcmFile, EchoTime, read_dcms


def read_inputs(
    paths: Sequence[Path], echo_time: EchoTime = "spm12", *, estimates: bool = True
) -> tuple[list[DcmFile], list[str]]:
    """Every model in the files given, and in the DCM_*.mat of the folders, by number; and a line per error.

    Arguments are those of `read_dcm`.
    """
    files: list[Path] = []
    lines: list[str] = []
    for path in paths:
        if path.is_dir():
            inside = sorted((one for one in path.iterdir() if is_dcm(one)), key=lambda one: natural_key(one.name))
            if not inside:
                lines.append(f"{path}: holds no DCM_*.mat; give the files themselves or another folder")
            files.extend(inside)
        else:
            files.append(path)
    read, errors = read_dcms(files, echo_time, estimates=estimates)
    return read, lines + [str(error) for error in errors]


def remark_lines(files: Sequence[DcmFile]) -> list[str]:
    """What was assumed or left out in reading, once for all files of which the same is true."""
    return merge_remarks((file.name, remark) for file in files for remark in file.remarks)


def is_dcm(path: Path) -> bool:
    """Whether a path is a file that is called ``DCM_*.mat``."""
    return path.is_file() and path.suffix.lower() == ".mat" and path.name.upper().startswith("DCM_")
