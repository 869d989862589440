"""A synthetic study on disk: what a scanner, fMRIPrep and a clinic would have left, and the planted truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..common import write_json, write_text
from ..study import SCHEMA_FILE, study_schema
from ._bids_files import make_mask, write_bids_tables, write_image
from ._example_truth import refuse_other_study
from ._images import Brain, acquire_run, confound_columns, draw_motion, make_brain, sphere_mask
from ._planted_truth import TRUTH_FOLDER, write_truth
from ._regional_series import Event, draw_events, faces_series, rest_series, stroop_series
from ._run_files import DERIVATIVES, SyntheticRun
from ._simulated_participants import SimulatedParticipant, draw_participants
from ._study_config import MASKS, STUDY_FILE, masked_regions, study_text
from ._study_design import SESSIONS, TASKS, StudyDesign, TaskName

UNSTEADY_SCANS = 2  # volumes at the start that are not at steady state, where there are any


@dataclass(frozen=True, eq=False)
class _Visit:
    """A participant in a session (1 or 2), with the brain of that participant."""

    design: StudyDesign
    seed: int
    participant: SimulatedParticipant
    session: int
    brain: Brain

    def run(self, task: TaskName) -> SyntheticRun:
        """The files of one run."""
        return SyntheticRun(self.participant.name, SESSIONS[self.session - 1], task, None, self.design.spacing(task))

    def is_in(self, chosen: tuple[tuple[int, int], ...]) -> bool:
        return (self.participant.number, self.session) in chosen


def write_study(
    folder: str | Path,
    *,
    design: StudyDesign = StudyDesign(),  # noqa: B008 - frozen
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a study into a folder: `bids`, with fMRIPrep's derivatives in it, `masks`, `truth` and `study.toml`.

    Arguments:
        folder: made where missing; files of the same names are replaced.
        design: who takes part, what is planted.
        seed: of everything drawn; the same seed gives the same bytes.
        on_progress: called with runs written and in all.

    Returns the path of the configuration file. Raises `ValueError` where the folder holds another
    dataset or JAX is not in 64-bit mode.
    """
    folder = Path(folder)
    refuse_other_study(folder, {})
    (folder / TRUTH_FOLDER).mkdir(parents=True, exist_ok=True)  # first: marks an unfinished study too
    participants = draw_participants(design, seed)
    write_bids_tables(folder / "bids", participants, design)
    for name in masked_regions():
        write_image(folder / MASKS / f"{name}.nii.gz", make_mask(*sphere_mask(name)))
    done = 0
    for participant in participants:
        brain = make_brain(dropout=participant.number == design.dropout)
        for session in (1, 2):
            visit = _Visit(design, seed, participant, session, brain)
            for task in TASKS:
                _remove_run(visit, task, folder / "bids")
            for task in design.acquired(participant.number, session):
                _write_run(visit, task, folder / "bids")
                done += 1
                if on_progress is not None:
                    on_progress(done, design.runs)
    write_truth(folder, participants, design)
    write_json(folder / SCHEMA_FILE, study_schema())
    write_text(folder / STUDY_FILE, study_text(design))
    return folder / STUDY_FILE


def _write_run(visit: _Visit, task: TaskName, bids: Path) -> None:
    """One run, with chances of its own: it is the same whatever other runs there are."""
    design = visit.design
    rng = np.random.default_rng([visit.seed, visit.participant.number, visit.session, TASKS.index(task)])
    events = draw_events(design, task, rng)
    series = _series(visit, task, events, rng)
    motion = draw_motion(design.scans(task), visit.is_in(design.restless), rng)
    unsteady = UNSTEADY_SCANS if visit.is_in(design.unsteady) else 0
    acquired = acquire_run(visit.brain, series, motion, design.voxel_noise, unsteady, rng)
    run = visit.run(task)
    run.write_raw(bids, events)
    columns = confound_columns(motion, acquired.tissue, design.spacing(task), unsteady)
    run.write_preprocessed(bids / DERIVATIVES, visit.brain, acquired, columns)


def _remove_run(visit: _Visit, task: TaskName, bids: Path) -> None:
    """What an earlier study in the same folder left of a run that this one does not have."""
    if task in visit.design.acquired(visit.participant.number, visit.session):
        return
    visit.run(task).remove(bids)


def _series(visit: _Visit, task: TaskName, events: tuple[Event, ...], rng: np.random.Generator) -> np.ndarray:
    participant, place = visit.participant, visit.session - 1
    if task == "faces":
        planted, responses = participant.connectivity[place], participant.responses[place]["faces"]
        return faces_series(visit.design, planted, events, responses, rng)
    if task == "stroop":
        return stroop_series(visit.design, events, participant.responses[place]["stroop"], rng)
    return rest_series(visit.design, rng)
