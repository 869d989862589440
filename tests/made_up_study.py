"""A study that never ran: extractions, posteriors, group analyses and maps, for tests of the report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from made_up_prediction import made_up_prediction
from made_up_statistics import made_up_participants
from small_models import block_inputs

from dcm import Data, Posterior, Settings, Spec, Subject, invert_cohort, prior, simulate
from peb import Estimate, PebSettings, leave_one_out, make_design
from pipeline.bids import Absence, ImageRun, Inventory, Participant, Run
from pipeline.group._arms import compare_arms
from pipeline.group._arms_report import report_arms
from pipeline.group._estimates import pair_sessions
from pipeline.group._fit import fit_group
from pipeline.group._fit_report import report_fit
from pipeline.group._group_inputs import GroupInputs
from pipeline.group._leave_one_out import report_leave_one_out
from pipeline.images import Extraction
from pipeline.measures import feature_table
from pipeline.page._analysis_report import AnalysisReport
from pipeline.predict import report_elastic_net as predicted
from pipeline.report import FailedUnit, StudyResult
from pipeline.statistics import report_statistics
from pipeline.study import Statistics, Study

HOSTILE = """sub-<script>alert("1")</script>'&"""
ARMS = ("ketamine", "midazolam")
REGIONS = {"vmPFC": (0.0, 44.0, -12.0), "amygdala": (0.0, -4.0, -20.0), "insula": (0.0, 20.0, 0.0)}
SESSIONS = ("ses-1", "ses-2")
SPEC = Spec(
    tuple(REGIONS)[:2],
    ("task", "faces"),
    np.ones((2, 2)),
    np.stack([np.zeros((2, 2)), 1 - np.eye(2)], axis=2),
    np.array([[1, 0], [1, 0]]),
)
MEASURE = "change(gppi_faces_faces-over-shapes-{}_amygdala_from_vmPFC)"
SETTINGS = PebSettings(noise_variance=1.0, between="gaussian")
QUICK = Settings(integrator="bilinear", starts=1)  # which is compiled and inverted soonest


@dataclass(frozen=True)
class Size:
    """How large the study is."""

    arms: tuple[int, int] = (4, 4)
    scans: int = 60
    repetition_time: float = 2.0


def made_up_study(folder: Path, size: Size = Size(), first: str = "sub-01") -> StudyResult:
    """Faces and rest, before and after; the last participant lacks the second session. `first` is a name of yours."""
    study = _study(folder)
    people = _people(size, first)
    visits = [(participant, session) for participant in people for session in SESSIONS][:-1]
    series = {
        f"{participant.name}_{session}": _simulated(participant, session, size, seed)
        for seed, (participant, session) in enumerate(visits)
    }
    subjects = [Subject(name, SPEC, data) for name, data in series.items()]
    posteriors = dict(zip(series, invert_cohort(subjects, QUICK), strict=True))
    assert all(isinstance(posterior, Posterior) for posterior in posteriors.values())
    faces = [
        _extraction(participant, session, "faces", series[f"{participant.name}_{session}"], size)
        for participant, session in visits
    ]
    rest = [_extraction(participant, session, "rest", None, size) for participant, session in visits]
    inventory = Inventory(
        people,
        tuple(_run(extraction, folder) for extraction in (*faces, *rest)),
        (
            Absence(people[-1].name, "ses-2", "faces", "no session ses-2 on disk; the study goes on without it"),
            Absence(people[-1].name, "ses-2", "rest", "no session ses-2 on disk; the study goes on without it"),
        ),
        (),
    )
    return StudyResult(
        study=study,
        inventory=inventory,
        extractions=(*faces, *rest),
        inverted={"": {"main": posteriors}},
        comparisons={},
        analyses=_analyses(people, posteriors),
        features=feature_table(study, inventory, (*faces, *rest), {"": posteriors}),
        statistics=report_statistics(made_up_participants(), (), Statistics(outcomes=("caps",), cohort=("age",))),
        predictions={"change": predicted(made_up_prediction(measures=4, label=MEASURE))},
        failures=(
            FailedUnit("extract", f"{people[1].name}_ses-1_task-stroop", "amygdala: 3 voxels of 40 in the mask"),
        ),
        maps=_maps(faces, folder),
        seconds={"extract": 12.0, "invert": 31.5},
        versions={"effconn": "0.1.0", "nilearn": "0.14.1", "jax": "0.10.2"},
    )


def _study(folder: Path) -> Study:
    content: dict[str, Any] = {
        "study": {
            "name": "A trial that never was",
            "bids": folder,
            "derivatives": folder / "derivatives",
            "space": "MNI152NLin2009cAsym",
        },
        "participants": {"arms": ARMS},
        "sessions": {"before": "ses-1", "after": "ses-2"},
        "scores": {"improvement": {"column": "caps", "take": "fall"}},
        "tasks": {
            "faces": {
                "conditions": {"faces": ["fear", "neutral"], "shapes": ["shapes"]},
                "contrasts": {"faces-over-shapes": "faces - shapes"},
                "distances": {"categories": {"between": ("faces", "shapes"), "folds": "blocks"}},
            },
            "rest": {"rest": True},
        },
        "regions": {name: {"sphere": {"centre": centre, "radius": 8}} for name, centre in REGIONS.items()},
        "predict": {"change": {"outcome": "improvement", "model": "change-by-arm"}},
        "dcm": {
            "task": "faces",
            "regions": SPEC.regions,
            "inputs": {"task": ["faces", "shapes"], "faces": ["faces"]},
            "b": {"faces": ["vmPFC <- amygdala", "amygdala <- vmPFC"]},
            "c": {"task": SPEC.regions},
        },
        "group": {
            "change-by-arm": {"analysis": "arms", "covariates": ["improvement"]},
            "change": {"analysis": "fit", "covariates": ["improvement"]},
            "prediction": {"analysis": "leave-one-out", "covariates": ["improvement"], "predict": "improvement"},
        },
    }
    return Study.model_validate(content)


def _people(size: Size, first: str) -> tuple[Participant, ...]:
    rng = np.random.default_rng(3)
    names = [first, *(f"sub-{i:02d}" for i in range(2, sum(size.arms) + 1))]
    arms = [ARMS[0]] * size.arms[0] + [ARMS[1]] * size.arms[1]
    return tuple(
        Participant(name, arm, {"age": str(30 + i)}, {"improvement": float(np.round(rng.normal(12, 6), 1))})
        for i, (name, arm) in enumerate(zip(names, arms, strict=True))
    )


def _simulated(one: Participant, session: str, size: Size, seed: int) -> Data:
    rng = np.random.default_rng(seed)
    tree = SPEC.layout.to_tree(prior(SPEC).mean)
    slope = -0.03 if one.group == ARMS[0] else 0.0
    after = (session == SESSIONS[1]) * one.scores["improvement"]
    a = np.array([[0.0, 0.2], [0.25, 0.0]]) + 0.05 * rng.normal(size=(2, 2))
    b = np.zeros((2, 2, 2))
    b[1, 0, 1], b[0, 1, 1] = 0.1 + slope * after, 0.4 - 0.02 * after
    b += 0.05 * rng.normal(size=b.shape) * SPEC.b
    c = np.array([[0.8, 0.0], [1.2, 0.0]])
    planted = replace(tree, A=a, B=b, C=c)
    width = size.repetition_time / 16
    inputs = block_inputs(16 * size.scans, width)
    inputs = inputs - inputs.mean(axis=0)
    found = simulate(
        SPEC,
        planted,
        inputs,
        width,
        size.repetition_time,
        snr=float(rng.uniform(0.6, 1.8)),
        integrator="bilinear",
        seed=seed,
    )
    return replace(found.data, confounds=np.ones((size.scans, 1)))


def _extraction(one: Participant, session: str, task: str, data: Data | None, size: Size) -> Extraction:
    words = [sum(map(ord, word)) for word in (one.name, session, task)]
    rng, more = np.random.default_rng(words), np.random.default_rng([*words, 1])
    scans, n = size.scans, len(REGIONS)
    series = rng.normal(size=(scans, n))
    width = size.repetition_time / 16
    inputs = np.zeros((16 * scans, 0)) if data is None else block_inputs(16 * scans, width)
    if data is not None:
        series[:, :2] = data.bold
    time = np.arange(scans) / scans
    motion = np.cumsum(rng.normal(0, 0.05, (scans, 6)), axis=0)
    drifts = np.cos(np.pi * np.outer(np.arange(scans) + 0.5, np.arange(1, 4)) / scans)
    confounds = np.column_stack([motion, drifts, np.ones(scans)])
    names = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z", "cosine00", "cosine01", "cosine02", "constant")
    conditions = np.zeros((scans, 0)) if data is None else _smooth(inputs[::16], time)
    displacement = np.abs(rng.normal(0.12, 0.06, scans)) * rng.uniform(0.6, 1.7) + 0.3 * (rng.random(scans) < 0.03)
    displacement[0] = np.nan
    contrasts = () if data is None else ("faces-over-shapes",)
    named = () if data is None else ("shapes", "faces")
    boxes = inputs if data is None else np.column_stack([inputs[:, 0] - inputs[:, 1], inputs[:, 1]])
    return Extraction(
        participant=one.name,
        session=session,
        task=task,
        label=f"{one.name}_{session}_task-{task}",
        regions=tuple(REGIONS),
        series=series,
        means=100 + series + np.outer(np.linspace(-1, 1, scans), more.normal(size=n)),
        explained=rng.uniform(0.4, 0.8, n),
        voxels=(voxels := rng.integers(20, 90, n)),
        sizes=voxels + 10,
        sources=("probabilities in percent, up to 100, above 50",) * n,
        coverage=np.array([rng.uniform(0.25, 1.0), *rng.uniform(0.85, 1.0, n - 1)]),
        centres=np.array(list(REGIONS.values())),
        confounds=confounds,
        confound_names=names,
        inputs=inputs,
        input_names=() if data is None else SPEC.inputs,
        conditions=boxes,
        condition_names=named,
        bin_width=width,
        repetition_time=size.repetition_time,
        echo_time=0.03,
        delays=size.repetition_time / 2,
        design=np.column_stack([conditions, confounds]),
        design_names=(*named, *names),
        contrasts=contrasts,
        responses=rng.normal(0.3, 0.3, (len(contrasts), n)),
        distances=more.normal(0.1, 0.1, (0 if data is None else 1, n)),
        distance_names=() if data is None else ("categories",),
        framewise_displacement=displacement,
        censored=np.flatnonzero(np.nan_to_num(displacement) > 0.4),
        autocorrelation=0.31,
        notes=(),
    )


def _smooth(blocks: np.ndarray, time: np.ndarray) -> np.ndarray:
    kernel = np.exp(-np.arange(10) / 3.0)
    return np.column_stack([np.convolve(column, kernel)[: time.size] / kernel.sum() for column in blocks.T])


def _run(one: Extraction, folder: Path) -> Run:
    file = folder / f"{one.label}_bold.nii.gz"
    return ImageRun(
        participant=one.participant,
        session=one.session,
        task=one.task,
        run=None,
        bold=file,
        brain_mask=file,
        confounds=file,
        events=None,
        sidecars=(),
        repetition_time=one.repetition_time,
        echo_time=one.echo_time,
        reference=0.5,
        scans=len(one.series),
        shape=(1, 1, 1),
        affine=tuple(map(tuple, np.eye(4).tolist())),
    )


def _analyses(people: tuple[Participant, ...], posteriors: dict[str, Any]) -> dict[str, AnalysisReport]:
    estimates: list[Estimate] = [Estimate.from_dcm(name, posterior) for name, posterior in posteriors.items()]
    changed, notes = pair_sessions(estimates, *SESSIONS)
    by_name = {participant.name: participant for participant in people}
    names = [participant.name for participant in changed]
    arm = [by_name[name].group for name in names]
    score = [by_name[name].scores["improvement"] for name in names]

    def inputs(**columns: Any) -> GroupInputs:
        pairs = [("arm", "improvement")] if "arm" in columns else []
        design = make_design(names, columns, interactions=pairs)
        left = tuple(notes)
        return GroupInputs(tuple(changed), design, SPEC, ("B",), SETTINGS, SESSIONS, left, (), left)

    both, one = inputs(arm=arm, improvement=score), inputs(improvement=score)
    reported = leave_one_out(one.estimates, one.design, SETTINGS, covariate="improvement", parameters=one.chosen)
    return {
        "change-by-arm": report_arms(both, compare_arms(both, "arm")),
        "change": report_fit(one, *fit_group(one)),
        "prediction": report_leave_one_out(one, reported),
    }


def _maps(faces: list[Extraction], folder: Path, step: float = 8.0) -> dict[tuple[str, str], Path]:
    """Effect maps on a coarse grid: noise, and a hill at the amygdala."""
    shape, corner = (19, 24, 19), np.array([-72.0, -108.0, -60.0])
    affine = np.diag([step, step, step, 1.0])
    affine[:3, 3] = corner
    place = np.stack(np.meshgrid(*(corner[i] + step * np.arange(shape[i]) for i in range(3)), indexing="ij"), axis=-1)
    inside = (((place - [0, -18, 8]) / [70, 88, 66]) ** 2).sum(axis=-1) < 1
    hill = np.exp(-((place - [20, -4, -20]) ** 2).sum(axis=-1) / 300)
    found = {}
    for number, extraction in enumerate(faces):
        rng = np.random.default_rng(number)
        image = np.where(inside, 0.6 * hill + rng.normal(0, 0.1, shape), 0.0).astype(np.float32)
        path = folder / f"map-{number}_stat-effect_statmap.nii.gz"
        nibabel.save(nibabel.Nifti1Image(image, affine), path)
        found[extraction.label, "faces-over-shapes"] = path
    return found
