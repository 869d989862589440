"""A study's configuration → what its calibration is simulated from; its results too, where there are any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dcm import SPM12_ECHO_TIME, Data, Spec

from ..bids import Inventory, Run, group_rows
from ..common import UsageError
from ..images import ExtractionFileError, read_extraction, run_design, series_path
from ..results import ResultFileError, read_posterior
from ..stages import checked_inventory, posterior_path
from ..study import MAIN, GroupAnalysis, Study, model_specs, read_study
from ._design import (
    CalibrationDesign,
    Found,
    GroupQuestion,
    check_inputs,
    evenly,
    found_in,
    noise_words,
    spread_between,
)


def read_study_design(
    path: Path, say: Callable[[str], None], ratios: tuple[float, ...] | None = None
) -> tuple[CalibrationDesign, Study]:
    """What a study is calibrated with.

    Arguments:
        say: told a line for what cannot be used.
        ratios: signal to noise that is asked for, if any is.

    Raises `UsageError` where the study has no DCM, or no run of it can be used.
    """
    study = read_study(path)
    if study.dcm is None:
        raise UsageError(
            f"{path} has no [dcm], so that there is no model to calibrate; add one, or give DCM_*.mat files"
        )
    models = dict(model_specs(study.dcm))
    spec = models.pop(MAIN)
    inventory = checked_inventory(study)
    runs = [run for run in inventory.runs if run.task == study.dcm.task and not run.undriven]
    if not runs:
        raise UsageError(
            f"{path}: no run of {study.dcm.task} has events for every input, so that there is no design to take"
        )
    frames, assumed = _frames(study, runs)
    for frame in frames:
        check_inputs(spec, frame, str(path))
    found = _found(study, spec, runs, say)
    question, spread = _question(study, inventory, spec, found)
    assumed.append(noise_words(found, ratios))
    return CalibrationDesign(study.study.name, spec, models, frames, found, question, (*assumed, spread)), study


def _frames(study: Study, runs: list[Run]) -> tuple[tuple[Data, ...], list[str]]:
    """Runs as they were extracted, else as their events have them."""
    extracted = [run for run in runs if series_path(study.study.out, run).is_file()]
    if extracted:
        try:
            return tuple(_extracted(study, run) for run in evenly(extracted)), []
        except ExtractionFileError as error:
            raise UsageError(str(error)) from error
    try:
        frames = [_from_events(study, run) for run in evenly(runs)]
    except ValueError as error:
        raise UsageError(str(error)) from error
    return tuple(frames), ["No run is extracted yet: inputs are from the events, confounds from their tables."]


def _extracted(study: Study, run: Run) -> Data:
    assert study.dcm is not None
    extraction = read_extraction(series_path(study.study.out, run))
    return extraction.dcm_data(study.dcm.regions, _echo_time(study, extraction.echo_time, run.visit))


def _from_events(study: Study, run: Run) -> Data:
    assert study.dcm is not None
    design = run_design(run, study)
    noise = np.random.default_rng(0).standard_normal((design.scans, len(study.dcm.regions)))
    return Data(
        noise,
        design.inputs,
        design.bin_width,
        design.repetition_time,
        design.confounds,
        design.delays,
        _echo_time(study, design.echo_time, run.visit),
    )


def _echo_time(study: Study, stated: float | None, visit: str) -> float:
    assert study.dcm is not None
    if study.dcm.echo_time == "spm12":
        return SPM12_ECHO_TIME
    if stated is None:
        raise UsageError(
            f"{visit}: no sidecar tells the echo time; add EchoTime to it, or set [dcm] echo_time = 'spm12'"
        )
    return stated


def _found(study: Study, spec: Spec, runs: list[Run], say: Callable[[str], None]) -> tuple[Found, ...]:
    """What the study's own inversions found, of the model as it is now."""
    found, others = [], 0
    for run in runs:
        path = posterior_path(study, MAIN, run.visit)
        if not path.is_file():
            continue
        try:
            posterior, _ = read_posterior(path)
            if posterior.spec != spec:
                others += 1
                continue
            found.append(found_in(run.participant, posterior))
        except (ResultFileError, UsageError) as error:
            say(f"{error}; it is not used")
    if others:
        say(f"{others} results in {study.study.out} are of another model than the study's; they are not used")
    return tuple(found)


def _question(study: Study, inventory: Inventory, spec: Spec, found: tuple[Found, ...]) -> tuple[GroupQuestion, str]:
    """The study's first comparison of arms, else its first analysis, else a comparison of arms over sessions."""
    analyses = [analysis for analysis in study.group.values() if analysis.analysis == "arms"] or list(
        study.group.values()
    )
    analysis = analyses[0] if analyses else GroupAnalysis(analysis="arms")
    rows = group_rows(study, inventory, analysis)
    if not rows.names and analysis.of == "change":  # nobody has both sessions
        analysis = analysis.model_copy(update={"of": "before"})
        rows = group_rows(study, inventory, analysis)
    spread, words = spread_between(spec, found)
    counts = Counter(rows.columns.get(study.participants.arm, ()))
    sizes = tuple(counts[arm] for arm in study.participants.arms)
    what = "change" if analysis.of == "change" else "connectivity"
    visits: int = 2 if analysis.of == "change" else 1
    if analysis.analysis == "arms" and min(sizes, default=0) >= 2:
        first, second = study.participants.arms
        asked = f"Does the {what} of a connection differ between {first} and {second}?"
        return GroupQuestion("arms", sizes, 2 if visits == 2 else 1, spread, asked), f"A spread of {words}."
    asked = f"Is the {what} of a connection different from 0?"
    return GroupQuestion("mean", (max(sum(sizes), 2),), 2 if visits == 2 else 1, spread, asked), f"A spread of {words}."
