"""Datasets laid out as public ones are, by short lists of names: empty files, and tiny ones where they are read."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import nibabel as nib
import numpy as np

SCANS, STEP = 40, 2.0
EVENTS = "onset\tduration\ttrial_type\n" + "".join(f"{t}\t4\t{'ab'[t // 10 % 2]}\n" for t in range(0, 70, 10))
MOTION = [f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"]
COLUMNS = [*MOTION, *(f"{name}_derivative1" for name in MOTION), "csf", "white_matter", "framewise_displacement"]
BESIDE = "derivatives/fmriprep"  # where fMRIPrep's files lie in a dataset
TABLE = "participant_id\tsex\tage\n"
_BRACES = re.compile(r"\{([^{}]*)\}")


def plant(root: Path, patterns: Iterable[str], content: Mapping[str, str] | None = None) -> Path:
    """Files by patterns: ``sub-{01..03}/ses-{a,b}/func/*_task-x_bold.nii.gz``; * stands for ``sub-01_ses-a``.

    Images of derivatives have a header and voxels, tables of events and confounds rows, sidecars a repetition time;
    everything else is empty.

    Arguments:
        content: end of a path → its text.
    """
    for pattern in patterns:
        for path in expand(pattern):
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            head = "_".join(part for part in Path(path).parts if re.match("(sub|ses)-[^_]*$", part))
            place = place.with_name(place.name.replace("*", head))
            text = next((text for end, text in (content or {}).items() if place.as_posix().endswith(end)), None)
            place.write_bytes(_bytes_of(place.name) if text is None else text.encode())
    return root


def expand(pattern: str) -> list[str]:
    """All paths of a pattern with ``{a,b}`` and ``{01..12}``, which may lie in each other."""
    inner = _BRACES.search(pattern)
    if inner is None:
        return [pattern]
    parts = (pattern[: inner.start()] + choice + pattern[inner.end() :] for choice in _choices(inner[1]))
    return list(dict.fromkeys(path for part in parts for path in expand(part)))


def _choices(text: str) -> Iterator[str]:
    for part in text.split(","):
        first, dots, last = part.partition("..")
        if dots:
            yield from (f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1))
        else:
            yield part


def fmriprep(
    name: str, space: str = "MNI152NLin2009cAsym", confounds: str = "timeseries", within: str = ""
) -> list[str]:
    """fMRIPrep's files of runs: ``sub-{01..03}/func/*_task-x`` is whose they are, `within` the folder of them all."""
    name = f"{within}/{name}" if within else name
    folder = name.partition("/func/")[0]
    return [
        f"{folder}/anat/*_desc-preproc_T1w.nii.gz",
        f"{folder}/figures/*_desc-summary_bold.html",
        f"{name}_desc-confounds_{confounds}.tsv",
        f"{name}_desc-confounds_{confounds}.json",
        f"{name}_space-{space}_boldref.nii.gz",
        f"{name}_space-{space}_desc-brain_mask.nii.gz",
        f"{name}_space-{space}_desc-preproc_bold.json",
        f"{name}_space-{space}_desc-preproc_bold.nii.gz",
    ]


def rows(labels: str, cells: str = "F\t20") -> str:
    """A table of participants, all alike."""
    return "".join(f"{label}\t{cells}\n" for label in labels.split())


def people(count: int, *cells: str) -> str:
    """Rows of numbered participants, with cells in turn."""
    return "".join(
        f"sub-{n:02d}\t{'FM'[n % 2]}\t{20 + n}{cells[n % len(cells)] if cells else ''}\n" for n in range(1, count + 1)
    )


def _bytes_of(name: str) -> bytes:
    """What a file of this name holds."""
    if re.search(r"_space-.*_(bold|mask)\.nii\.gz$", name):
        return _image(SCANS if "_bold" in name else 0)
    if name.endswith("events.tsv"):
        return EVENTS.encode()
    if re.search(r"_desc-confounds_\w+\.tsv$", name):
        return _confounds()
    if name.endswith("_bold.json"):
        return f'{{"RepetitionTime": {STEP}}}'.encode()
    return b"{}" if name.endswith(".json") else b""


@lru_cache
def _image(scans: int) -> bytes:
    shape = (3, 3, 3, scans) if scans else (3, 3, 3)
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    voxels = 100.0 + np.arange(np.prod(shape)) % 7 if scans else np.ones(np.prod(shape))
    image = nib.Nifti1Image(voxels.reshape(shape).astype(np.float32), affine)
    image.header.set_xyzt_units("mm", "sec")
    if scans:
        image.header.set_zooms((3.0, 3.0, 3.0, STEP))
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=4)
    return gzip.compress(image.to_bytes(), mtime=0)


@lru_cache
def _confounds() -> bytes:
    values = np.random.default_rng(0).normal(scale=0.01, size=(SCANS, len(COLUMNS)))
    rows = [[f"{value:.4f}" for value in row] for row in values]
    rows[0] = [
        "n/a" if "derivative" in name or "displacement" in name else cell
        for name, cell in zip(COLUMNS, rows[0], strict=True)
    ]
    return "\n".join("\t".join(row) for row in [COLUMNS, *rows]).encode() + b"\n"
