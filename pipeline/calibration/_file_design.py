"""SPM's DCM files → what their calibration is simulated from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dcm import Data

from ..common import UsageError, list_names
from ..inversion import read_inputs, remark_lines
from ..spm import DcmFile
from ._design import (
    CalibrationDesign,
    Found,
    GroupQuestion,
    check_inputs,
    evenly,
    found_from,
    noise_words,
    spread_between,
)

FEWEST, USUAL_PARTICIPANTS = 4, 20  # files that are taken for a group, and how many people are where fewer are given


def read_file_design(
    paths: Sequence[Path], say: Callable[[str], None], ratios: tuple[float, ...] | None = None
) -> CalibrationDesign:
    """What DCM files are calibrated with: the model that they share.

    Arguments:
        ratios: signal to noise that is asked for, if any is.

    Raises `UsageError` where none can be read or they are of several models.
    """
    files, errors = read_inputs(paths)
    if not files:
        raise UsageError(errors[0] if len(errors) == 1 else "\n".join(["no file could be read as a DCM:", *errors]))
    for line in (*errors, *remark_lines(files)):
        say(line)
    spec = files[0].spec
    others = [file.name for file in files if file.spec != spec]
    if others:
        raise UsageError(f"of another model than {files[0].name}: {list_names(others)}; give files of one model")
    if spec.d.any():
        say(f"{files[0].name}: its gating connections (D) are drawn from their prior as all others are")
    restored = [_uncentred(file) for file in files]
    frames = evenly([data for data, _ in restored])
    for frame in frames:
        check_inputs(spec, frame, files[0].name)
    found = _found(files, say)
    assumed = [line for line in dict.fromkeys(line for _, line in restored) if line]
    assumed.append(noise_words(found, ratios))
    spread, words = spread_between(spec, found)
    count = len(files)
    if count < FEWEST:
        count = USUAL_PARTICIPANTS
        assumed.append(f"{count} participants were assumed.")
    question = GroupQuestion("mean", (count,), 1, spread, "Is the change of a connection different from 0?")
    name = files[0].name if len(files) == 1 else f"{len(files)} models such as {files[0].name}"
    return CalibrationDesign(name, spec, {}, frames, found, question, (*assumed, f"A spread of {words}."))


def _uncentred(file: DcmFile) -> tuple[Data, str]:
    """The run with its inputs' natural zero, the value they have most of the time, where SPM has centred them."""
    data = file.data
    if not file.has_centred_inputs:
        return data, ""
    inputs = data.inputs.copy()
    for column in inputs.T:
        values, counts = np.unique(column, return_counts=True)
        column -= values[counts.argmax()]
    line = "Inputs were centred in the file; the value that they have most of the time was taken for their zero."
    return replace(data, inputs=inputs), line


def _found(files: Sequence[DcmFile], say: Callable[[str], None]) -> tuple[Found, ...]:
    found = []
    for file in files:
        estimate = file.estimate
        if estimate is None or estimate.prediction is None or estimate.residual is None:
            continue
        try:
            found.append(
                found_from(file.name, estimate.mean, estimate.covariance, estimate.prediction, estimate.residual)
            )
        except UsageError as error:
            say(f"{error}; it is not used")
    return tuple(found)
