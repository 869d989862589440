"""An example on disk: a BIDS dataset with images, or region series alone; its study.toml, and the planted truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dcm import Spec

from ..common import write_json, write_text
from ..study import SCHEMA_FILE, study_schema
from ._bids_files import make_mask, write_dataset_descriptions, write_image, write_table
from ._example_config import SERIES_FOLDER, example_text, table_suffix
from ._example_design import ExampleDesign, Source
from ._example_participants import ExampleParticipant, ExampleVisit, circuit_spec, draw_example
from ._example_truth import claim_folder, write_example_truth
from ._images import DRIFT, Brain, acquire_run, confound_columns, draw_motion, make_brain, slow_courses, sphere_mask
from ._regional_series import (
    MICROTIME_BINS,
    NOISE_SD,
    REGIONS,
    Event,
    circuit_signal,
    draw_blocks,
    draw_noise,
    inputs_of,
    resting_signal,
)
from ._run_files import DERIVATIVES, SyntheticRun
from ._study_config import MASKS, STUDY_FILE, masked_regions

SNR = (2.0, 3.0)  # range of sd(signal) / sd(noise) of a region's series, drawn for each run
VOXEL_NOISE = 3.0  # standard deviation of the noise of one voxel, in thousandths of the image's mean
INTENSITIES = (1, 2, 3, 4, 5)
README_TEXT = """\
Simulated: no person was scanned. Connectivity was drawn by chance from one seed, and images made from it; what was
drawn is in ../truth. Raw images were never made, only what fMRIPrep would have left of them, in derivatives/fmriprep.
"""


def write_example(
    folder: str | Path,
    design: ExampleDesign,
    *,
    seed: int = 0,
    source: Source = "images",
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write an example into a folder: `bids` with fMRIPrep's derivatives, or `series`; `truth`, and `study.toml`.

    Arguments:
        folder: made where missing; files of the same names are replaced.
        design: of the study; one that has only series has no images.
        seed: of everything drawn; the same seed gives the same bytes.
        source: what runs are written as.
        on_progress: called with runs written and in all.

    Returns the path of the configuration file. Raises `ValueError` where the folder holds another study or JAX is not
    in 64-bit mode.
    """
    folder = Path(folder)
    source = "series" if design.only_series else source
    claim_folder(folder, design.name, source)
    participants = draw_example(design, seed)
    visits = [(participant, visit) for participant in participants for visit in participant.visits]
    writer = _write_image_run if source == "images" else _write_series_run
    brain = make_brain() if source == "images" else None
    done = 0
    for participant, visit in visits:
        for run in range(1, design.runs + 1):
            rng = np.random.default_rng([seed, participant.number, design.session_labels.index(visit.session), run])
            files = _run_files(design, participant, visit, run)
            writer(folder, design, files, brain, *_draw_run(design, participant, visit, files, rng), rng)
            done += 1
            if on_progress is not None:
                on_progress(done, len(visits) * design.runs)
    _write_tables(folder, design, source, participants)
    write_example_truth(folder, design, participants)
    write_json(folder / SCHEMA_FILE, study_schema())
    write_text(folder / STUDY_FILE, example_text(design, source))
    return folder / STUDY_FILE


def _run_files(design: ExampleDesign, participant: ExampleParticipant, visit: ExampleVisit, run: int) -> SyntheticRun:
    time = design.slower.get(str(participant.columns.get("site")), design.repetition_time)
    return SyntheticRun(participant.name, visit.session, design.task, run if design.runs > 1 else None, time)


def _draw_run(
    design: ExampleDesign,
    participant: ExampleParticipant,
    visit: ExampleVisit,
    files: SyntheticRun,
    rng: np.random.Generator,
) -> tuple[tuple[Event, ...], np.ndarray]:
    """The events of a run, and the series of the model's regions, percent: signal and noise."""
    if design.rest:
        return (), resting_signal(design.scans, _coupling(design, str(participant.group)), rng)
    events = draw_blocks(design.scans * design.repetition_time, rng)
    if design.intensities:
        events = tuple(_with_intensity(event, rng) for event in events)
    spec = circuit_spec(design.model)
    made = _signal(design, spec, visit, files, events)
    noise = draw_noise(made.shape[0], rng, spec.n) * made.std(axis=0) / rng.uniform(*SNR)
    return events, made + noise


def _coupling(design: ExampleDesign, group: str) -> np.ndarray:
    """The correlation of the model's regions at rest in a group."""
    count = len(design.model.regions)
    return np.where(np.eye(count) > 0, 1.0, design.rest_coupling[group])


def _with_intensity(event: Event, rng: np.random.Generator) -> Event:
    return replace(event, intensity=float(rng.choice(INTENSITIES))) if event.trial_type == "faces" else event


def _signal(
    design: ExampleDesign, spec: Spec, visit: ExampleVisit, files: SyntheticRun, events: Sequence[Event]
) -> np.ndarray:
    """By the full nonlinear equations; inputs are 0 or 1 as presented, or intensities about their mean."""
    width = files.repetition_time / MICROTIME_BINS
    scans = round(design.scans * design.repetition_time / files.repetition_time)  # runs last as long everywhere
    paradigm = inputs_of(events, list(design.model.inputs.values()), scans * MICROTIME_BINS, width)
    shown = [event for event in events if event.intensity is not None]
    centre = float(np.mean([event.intensity for event in shown])) if shown else 0.0
    for column, members in enumerate(design.model.inputs.values()):
        for event in shown if "intensity" in members else ():
            first, last = round(event.onset / width), round((event.onset + event.duration) / width)
            paradigm[first:last, column] = float(event.intensity or 0.0) - centre
    return circuit_signal(spec, spec.parameters(visit.planted), paradigm, files.repetition_time)


def _write_image_run(
    folder: Path,
    design: ExampleDesign,
    files: SyntheticRun,
    brain: Brain | None,
    events: Sequence[Event],
    series: np.ndarray,
    rng: np.random.Generator,
) -> None:
    assert brain is not None
    scans = series.shape[0]
    every = NOISE_SD * draw_noise(scans, rng)
    every[:, [REGIONS.index(name) for name in design.model.regions]] = series
    motion = draw_motion(scans, False, rng)
    acquired = acquire_run(brain, every, motion, VOXEL_NOISE, 0, rng)
    files.write_raw(folder / "bids", events)
    columns = confound_columns(motion, acquired.tissue, files.repetition_time, 0)
    files.write_preprocessed(folder / "bids" / DERIVATIVES, brain, acquired, columns)


def _write_series_run(
    folder: Path,
    design: ExampleDesign,
    files: SyntheticRun,
    brain: Brain | None,
    events: Sequence[Event],
    series: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Series as denoising leaves them: slow drifts are in them."""
    del brain
    head, suffix = folder / SERIES_FOLDER / files.label, table_suffix(design)
    drift = DRIFT * slow_courses(series.shape[0]) @ rng.normal(size=(3, series.shape[1]))
    rows = (series + drift).tolist()
    write_table(head.with_name(f"{head.name}_timeseries{suffix}"), design.model.regions, rows, design.decimal_commas)
    if not design.decimal_commas:  # a spreadsheet has no sidecar
        write_json(head.with_name(f"{head.name}_timeseries.json"), {"RepetitionTime": files.repetition_time})
    if events:
        files.write_events(head.with_name(f"{head.name}_events{suffix}"), events, design.decimal_commas)


def _write_tables(
    folder: Path, design: ExampleDesign, source: Source, participants: Sequence[ExampleParticipant]
) -> None:
    """Participants and visits; with images, all of a BIDS dataset that is not about one run, and masks."""
    columns = list(participants[0].columns)
    people = [(participant.name, *(participant.columns[name] for name in columns)) for participant in participants]
    suffix = ".tsv" if source == "images" else table_suffix(design)
    place = folder / "bids" if source == "images" else folder
    _write(design, place / f"participants{suffix}", ("participant_id", *columns), people)
    visits = [visit for participant in participants for visit in participant.visits]
    own = list(visits[0].columns)
    if source == "images":
        write_dataset_descriptions(place, f"{design.title}, a synthetic study")
        write_text(place / "README", README_TEXT)
        for name in set(masked_regions()) & set(design.model.regions):
            write_image(folder / MASKS / f"{name}.nii.gz", make_mask(*sphere_mask(name)))
        for participant in participants if own else ():
            rows = [(visit.session, *visit.columns.values()) for visit in participant.visits]
            path = place / participant.name / f"{participant.name}_sessions.tsv"
            _write(design, path, ("session_id", *own), rows)
    elif own:
        rows = [(visit.participant, str(visit.session), *visit.columns.values()) for visit in visits]
        _write(design, place / f"visits{suffix}", ("participant_id", "session_id", *own), rows)


def _write(design: ExampleDesign, path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    write_table(path, header, rows, design.decimal_commas)
