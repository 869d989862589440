"""SPM's DCM files, or a study's configuration and results → what their calibration is simulated from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dcm import SPM12_ECHO_TIME, Data, Spec

from ..bids import ImageRun, Inventory, Run, SeriesRun, group_rows, modelled_runs
from ..common import UsageError, list_names
from ..images import ExtractionFileError, read_extraction, run_design, series_path
from ..inversion import read_inputs, remark_lines
from ..results import ResultFileError, read_posterior
from ..series import extract_region_series
from ..spm import DcmFile
from ..stages import checked_inventory, posterior_path
from ..study import MAIN, Dcm, GroupAnalysis, Study, model_specs, read_study, select_visits
from ._simulation_design import (
    CalibrationDesign,
    GroupQuestion,
    RunEstimate,
    check_inputs,
    describe_noise,
    estimate_from_parts,
    estimate_from_posterior,
    participant_spread,
    pick_evenly,
)

FEWEST_FILES = 4  # that are taken for a group
USUAL_PARTICIPANTS = 20  # of a group, where fewer files are given


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
    templates = pick_evenly([data for data, _ in restored])
    for template in templates:
        check_inputs(spec, template, files[0].name)
    estimates = _read_file_estimates(files, say)
    assumptions = [line for line in dict.fromkeys(line for _, line in restored) if line]
    assumptions.append(describe_noise(estimates, ratios))
    spread, wording = participant_spread(spec, estimates)
    count = len(files)
    if count < FEWEST_FILES:
        count = USUAL_PARTICIPANTS
        assumptions.append(f"{count} participants were assumed.")
    question = GroupQuestion("mean", (count,), 1, spread, "Is the change of a connection different from 0?")
    name = files[0].name if len(files) == 1 else f"{len(files)} models such as {files[0].name}"
    return CalibrationDesign(name, spec, {}, templates, estimates, question, (*assumptions, f"A spread of {wording}."))


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


def _read_file_estimates(files: Sequence[DcmFile], say: Callable[[str], None]) -> tuple[RunEstimate, ...]:
    estimates = []
    for file in files:
        estimate = file.estimate
        if estimate is None or estimate.prediction is None or estimate.residual is None:
            continue
        try:
            estimates.append(
                estimate_from_parts(
                    file.name, estimate.mean, estimate.covariance, estimate.prediction, estimate.residual
                )
            )
        except UsageError as error:
            say(f"{error}; it is not used")
    return tuple(estimates)


def read_study_design(
    path: Path, say: Callable[[str], None], ratios: tuple[float, ...] | None = None
) -> tuple[CalibrationDesign, Study]:
    """What a study is calibrated with.

    Arguments:
        say: prints a line for what cannot be used.
        ratios: signal to noise that is asked for, if any is.

    Raises `UsageError` where the study has no DCM, or no run of it can be used.
    """
    study = read_study(path)
    if not study.dcms:
        raise UsageError(
            f"{path} has no [dcm], so that there is no model to calibrate; add one, or give DCM_*.mat files"
        )
    name, dcm = next(iter(study.dcms.items()))
    if len(study.dcms) > 1:
        say(f"of several DCMs the first, [dcm.{name}], is calibrated")
    models = dict(model_specs(dcm))
    spec = models.pop(MAIN)
    inventory = checked_inventory(study)
    runs = [run for runs in modelled_runs(study, inventory, name).values() for run in runs if not run.undriven]
    if not runs:
        raise UsageError(f"{path}: no run of {dcm.task} has events for every input, so that there is no design to take")
    templates, assumptions = _run_templates(study, dcm, runs)
    for template in templates:
        check_inputs(spec, template, str(path))
    found = _read_study_estimates(study, name, spec, runs, say)
    question, spread = _group_question(study, inventory, spec, found)
    assumptions.append(describe_noise(found, ratios))
    return CalibrationDesign(study.study.name, spec, models, templates, found, question, (*assumptions, spread)), study


def _run_templates(study: Study, dcm: Dcm, runs: list[Run]) -> tuple[tuple[Data, ...], list[str]]:
    """Runs as they were extracted, else as their events have them."""
    extracted = [run for run in runs if series_path(study.study.out, run).is_file()]
    if extracted:
        try:
            return tuple(_template_from_extraction(study, dcm, run) for run in pick_evenly(extracted)), []
        except ExtractionFileError as error:
            raise UsageError(str(error)) from error
    try:
        templates = [_template_from_events(study, dcm, run) for run in pick_evenly(runs)]
    except ValueError as error:
        raise UsageError(str(error)) from error
    return tuple(templates), ["No run is extracted yet: inputs are from the events, confounds from their tables."]


def _template_from_extraction(study: Study, dcm: Dcm, run: Run) -> Data:
    extraction = read_extraction(series_path(study.study.out, run))
    echo_time = _echo_time(dcm, extraction.echo_time, run.visit)
    return extraction.dcm_data(dcm.regions, echo_time, inputs=tuple(dcm.inputs))


def _template_from_events(study: Study, dcm: Dcm, run: Run) -> Data:
    if isinstance(run, SeriesRun):
        extraction = extract_region_series(run, study)
        return extraction.dcm_data(dcm.regions, _echo_time(dcm, None, run.visit), inputs=tuple(dcm.inputs))
    assert isinstance(run, ImageRun)
    design = run_design(run, study, dcm)
    noise = np.random.default_rng(0).standard_normal((design.scans, len(dcm.regions)))
    return Data(
        noise,
        design.inputs,
        design.bin_width,
        design.repetition_time,
        design.confounds,
        design.delays,
        _echo_time(dcm, design.echo_time, run.visit),
    )


def _echo_time(dcm: Dcm, stated: float | None, visit: str) -> float:
    if dcm.echo_time == "spm12":
        return SPM12_ECHO_TIME
    if stated is None:
        raise UsageError(
            f"{visit}: no sidecar tells the echo time; add EchoTime to it, or set [dcm] echo_time = 'spm12'"
        )
    return stated


def _read_study_estimates(
    study: Study, dcm_name: str, spec: Spec, runs: list[Run], say: Callable[[str], None]
) -> tuple[RunEstimate, ...]:
    """What the study's own inversions found, of the model as it is now."""
    found, others = [], 0
    for run in {run.visit: run for run in runs}.values():
        path = posterior_path(study, dcm_name, MAIN, run.visit)
        if not path.is_file():
            continue
        try:
            posterior, _ = read_posterior(path)
            if posterior.spec != spec:
                others += 1
                continue
            found.append(estimate_from_posterior(run.participant, posterior))
        except (ResultFileError, UsageError) as error:
            say(f"{error}; it is not used")
    if others:
        say(f"{others} results in {study.study.out} are of another model than the study's; they are not used")
    return tuple(found)


def _group_question(
    study: Study, inventory: Inventory, spec: Spec, found: tuple[RunEstimate, ...]
) -> tuple[GroupQuestion, str]:
    """The study's first comparison of arms, else its first analysis, else a comparison of arms over sessions."""
    analyses = [analysis for analysis in study.group.values() if analysis.analysis == "arms"] or list(
        study.group.values()
    )
    names = study.participants.group_names
    usual = GroupAnalysis(analysis="arms" if len(names) == 2 else "fit", of=study.sessions.labels[0])
    analysis = analyses[0] if analyses else usual.model_copy(update={"of": None} if study.sessions.pair else {})
    rows = group_rows(study, inventory, analysis)
    pair = select_visits(study, analysis).pair
    if not rows.names and pair is not None:  # nobody has both sessions
        analysis = analysis.model_copy(update={"of": pair[0]})
        rows = group_rows(study, inventory, analysis)
    is_change = select_visits(study, analysis).is_change
    spread, wording = participant_spread(spec, found)
    counts = Counter(rows.columns.get(study.participants.group_column or "", ()))
    sizes = tuple(counts[name] for name in names) or (len(set(rows.participants)),)
    what = "change" if is_change else "connectivity"
    visits: int = 2 if is_change else 1
    if analysis.analysis == "arms" and len(sizes) == 2 and min(sizes) >= 2:
        first, second = names
        asked = f"Does the {what} of a connection differ between {first} and {second}?"
        return GroupQuestion("arms", sizes, 2 if visits == 2 else 1, spread, asked), f"A spread of {wording}."
    asked = f"Is the {what} of a connection different from 0?"
    return GroupQuestion(
        "mean", (max(sum(sizes), 2),), 2 if visits == 2 else 1, spread, asked
    ), f"A spread of {wording}."
