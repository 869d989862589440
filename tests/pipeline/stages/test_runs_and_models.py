"""Runs of one visit in one model or averaged, and models reduced from the main one: from series to files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_up_runs import CONTENT, run_of, study_of

from dcm import Posterior
from peb import Estimate, ReducedModels, average_visits
from pipeline.bids import Inventory, SeriesRun
from pipeline.execution import Unit
from pipeline.group import read_estimates
from pipeline.images import write_extraction
from pipeline.posterior_check import read_posteriors
from pipeline.results import open_dataset, open_result
from pipeline.stages import _run_study
from pipeline.stages._invert import inversion_units, invert_visits
from pipeline.stages._reduce import (
    best_reduced_models,
    check_units,
    check_visits,
    reduce_visits,
    reduction_units,
)
from pipeline.stages._result_paths import ResultPaths
from pipeline.stages._run_study import StudyStages
from pipeline.study import Study

VISIT = "sub-01_ses-1"


class Told:
    """What became of the units."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.files: list[Path] = []

    def done(self, unit: Unit, outputs: Sequence[Path]) -> None:
        self.files += outputs

    def failed(self, unit: Unit, reason: str) -> None:
        self.reasons.append(reason)


def study_with(**changes: Any) -> Study:
    quick = {"integrator": "bilinear", "starts": 1}
    return study_of(dcm=CONTENT["dcm"] | quick | changes)


def series(folder: Path, **second: Any) -> dict[str, tuple[Path, ...]]:
    """Two runs of a visit, with inputs as the study's DCM has them."""
    files = []
    for number in (1, 2):
        run = run_of("sub-01", "ses-1", "faces", seed=number)
        inputs = np.column_stack([run.conditions.sum(axis=1), run.conditions[:, 0]])
        made: dict[str, Any] = {"inputs": inputs, "input_names": ("task", "faces"), "label": f"run-{number}"}
        changed = second if number == 2 else {}
        files.append(folder / f"run-{number}.nc")
        write_extraction(files[-1], run_of("sub-01", "ses-1", "faces", seed=number, **(made | changed)))
    return {VISIT: tuple(files)}


def inverted(study: Study, folder: Path, files: dict[str, tuple[Path, ...]]) -> Told:
    told = Told()
    invert_visits(inversion_units(study, "", files, ResultPaths(folder), 16), told)
    return told


def test_runs_are_concatenated_and_models_without_a_connection_reduced(tmp_path: Path) -> None:
    study = study_with(switch={"b": {"faces": ["vmPFC <- amygdala"]}})
    files, paths = series(tmp_path), ResultPaths(tmp_path)
    told = inverted(study, tmp_path, files)
    assert told.reasons == []
    main = paths.posterior("", "main", VISIT)
    assert told.files == [main]
    full: Posterior = open_result(main)
    assert full.run_starts == (0, 120)
    assert open_dataset(main)["run"].values.tolist() == [1] * 120 + [2] * 120
    assert len(full.confound_effects) == 12  # six of each run
    (stored,), lines = read_posteriors([main], [tmp_path], "none")
    assert (lines, stored.subject.data.run_starts.tolist()) == ([], [0, 120])

    (unit,) = reduction_units(study, "", files, {VISIT: main}, paths)
    assert (unit.inputs, unit.payload.path) == ((main,), paths.out / "dcm" / "main" / "reduced" / f"{VISIT}.nc")
    reduce_visits([unit], told)
    assert told.reasons == []
    reduced: ReducedModels = open_result(unit.payload.path)
    assert (reduced.names, reduced.full_name) == (("switch-0",), "main")
    assert len(reduced.estimate("switch-0", VISIT).parameters) == len(full.names) - 1
    assert best_reduced_models({VISIT: unit.payload.path}) == ["switch-0"]

    (level,), lines = read_estimates([unit.payload.path.parent], reduced_model="switch-0")
    assert (lines, level.estimate.name, len(level.estimate.parameters)) == ([], VISIT, len(full.names) - 1)
    levels, (line,) = read_estimates([unit.payload.path])
    assert levels == []
    assert line == f"{VISIT}.nc: holds 1 reduced model; say which (--reduced-model; switch-0)"

    (check,) = check_units(study, "", files, {VISIT: unit.payload.path}, paths)
    assert check.payload.path == paths.inverted("", "switch-0", VISIT)
    check_visits([check], told)
    assert told.reasons == []
    own: Posterior = open_result(check.payload.path)
    assert own.free_energy == pytest.approx(reduced.free_energy[0], abs=1)


def test_reduced_models_are_written_for_spm_a_file_each(tmp_path: Path) -> None:
    switch = {"c": {"task": ["amygdala"]}, "b": {"faces": ["vmPFC <- amygdala"]}}
    quick = {"integrator": "bilinear", "starts": 1, "runs": "average", "switch": switch}
    study = study_of(dcm=CONTENT["dcm"] | quick, outputs={"spm": True})
    files, paths = series(tmp_path), ResultPaths(tmp_path)
    told = inverted(study, tmp_path, files)
    assert told.reasons == []
    (unit,) = reduction_units(study, "", files, {VISIT: paths.posterior("", "main", VISIT)}, paths)
    told.files.clear()
    reduce_visits([unit], told)
    assert told.reasons == []
    models = ("switch-10", "switch-01", "switch-00")
    expected = [paths.spm("", model, f"{VISIT}_run-{run}") for run in (1, 2) for model in models]
    assert told.files == [unit.payload.path, *expected]
    assert all(path.is_file() for path in expected)


def test_a_visit_whose_posterior_is_damaged_has_no_models_and_others_have(tmp_path: Path) -> None:
    study = study_with(switch={"b": {"faces": ["vmPFC <- amygdala"]}})
    files, paths = series(tmp_path), ResultPaths(tmp_path)
    inverted(study, tmp_path, files)
    main = paths.posterior("", "main", VISIT)
    damaged = main.with_name("sub-02_ses-1.nc")
    damaged.write_bytes(main.read_bytes()[:-200])
    units = reduction_units(
        study, "", dict.fromkeys((VISIT, "sub-02_ses-1"), files[VISIT]), {"sub-02_ses-1": damaged, VISIT: main}, paths
    )
    told = Told()
    reduce_visits(units, told)
    (reason,) = told.reasons
    assert reason.startswith(f"{damaged}: is damaged")
    assert told.files == [units[1].payload.path]


def test_runs_are_averaged_and_every_run_is_kept(tmp_path: Path) -> None:
    """Their repetition times may differ."""
    slower = {"repetition_time": 2.5, "bin_width": 2.5 / 16, "delays": 1.25}
    study, files = study_with(runs="average"), series(tmp_path, **slower)
    told = inverted(study, tmp_path, files)
    assert told.reasons == []
    average, *runs = (open_result(path) for path in told.files)
    assert [path.name for path in told.files] == [f"{VISIT}.nc", f"{VISIT}_run-1.nc", f"{VISIT}_run-2.nc"]
    expected = average_visits([Estimate.from_dcm("run", run) for run in runs], "sub-01")
    np.testing.assert_allclose(average.mean[average.free], expected.posterior.mean)
    assert average.averaged_runs == 2

    found, (line,) = read_posteriors(told.files, [tmp_path], "none")
    assert [stored.name for stored in found] == [f"{VISIT}_run-1", f"{VISIT}_run-2"]
    assert line.endswith(f"{VISIT}.nc: is the average of 2 runs; give those in {told.files[1].parent}")


def test_one_model_of_runs_with_two_repetition_times_is_refused(tmp_path: Path) -> None:
    slower = {"repetition_time": 2.5, "bin_width": 2.5 / 16, "delays": 1.25}
    (reason,) = inverted(study_with(), tmp_path, series(tmp_path, **slower)).reasons
    assert "repetition times are 2 and 2.5 s" in reason
    assert reason.endswith('take runs = "average" under [dcm]')


def test_an_input_may_lack_events_in_one_run_of_those_that_are_concatenated(tmp_path: Path) -> None:
    inputs = np.column_stack([run_of("sub-01", "ses-1", "faces").conditions.sum(axis=1), np.zeros(120 * 16)])
    files = series(tmp_path, inputs=inputs)
    assert inverted(study_with(), tmp_path, files).reasons == []
    (reason,) = inverted(study_with(runs="average"), tmp_path, files).reasons
    assert reason == f"{VISIT}: input faces has no event in run 2, so that there is no model of it"


def test_a_visit_without_a_model_for_want_of_one_run_is_named(tmp_path: Path) -> None:
    runs = tuple(
        SeriesRun(
            participant="sub-01", session="ses-1", task="faces", run=run, events=None, sidecars=(),
            repetition_time=2.0, echo_time=None, reference=0.5, scans=100, series=Path("x"),
        )
        for run in ("1", "2")
    )  # fmt: skip
    said: list[str] = []
    runner: Any = SimpleNamespace(
        notify=said.append, inverts_on_gpu=lambda: False, options=SimpleNamespace(participants=())
    )
    stages = StudyStages(study_with(), Inventory((), runs, (), ()), ResultPaths(tmp_path), runner)
    assert stages.invert({runs[0].label: tmp_path / "1.nc"}) == {}
    (line,) = said
    assert f"[dcm]: {VISIT}: no model, as there are no series of {runs[1].label}" in line


def test_analyses_are_in_the_order_of_the_study_however_they_were_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"models {letter}" for letter in "hgfedcba"]
    units = {"comparison_units": names, "group_units": ["second", "first"]}
    for what, own in units.items():
        made = [Unit("group", name, {}, (), None) for name in own]
        monkeypatch.setattr(_run_study, what, lambda *given, made=made: made)
    runner: Any = SimpleNamespace(
        requested=lambda *stages: True, run=lambda stage, title, own, work: {unit.name for unit in own}
    )
    stages = StudyStages(study_with(), Inventory((), (), (), ()), ResultPaths(tmp_path), runner)
    assert stages.group({"": {"main": {VISIT: tmp_path / "1.nc"}}}, {}, {}) == (*names, "second", "first")
