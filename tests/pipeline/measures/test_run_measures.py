"""The measures of one run, and the stage that makes the table of all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_runs import COUPLED, REGIONS, SESSIONS, TR, predictors_of, run_of, study_of
from nilearn.connectome import ConnectivityMeasure
from nilearn.signal import clean

from pipeline.execution import CurrentProcess, Unit, UnitOutcome, run_units
from pipeline.images import Extraction, spm_kernel, whitener, write_extraction
from pipeline.measures import measure_run, planned_measures, read_features
from pipeline.stages._measure import measure_study, measure_units
from pipeline.stages._result_paths import ResultPaths
from pipeline.study import Study

PREFIX = "gppi_faces_faces-over-shapes_"


def ppi(**settings: Any) -> Study:
    return study_of(measures={"kinds": ("gppi",)} | settings)


def values_of(extraction: Extraction, study: Study) -> dict[str, float]:
    return {measure.name: value for measure, value in measure_run(extraction, study).values.items()}


def test_bold_interactions_are_weights_of_generalised_least_squares_on_the_raw_means() -> None:
    """Series that were whitened and cleared beforehand give the same as one model of everything, with W all through."""
    run = run_of("sub-01", "ses-1", "faces", seed=3)
    found = values_of(run, ppi(interaction="bold"))
    whiten = whitener(run.autocorrelation, len(run.means))
    nuisance = run.design[:, 2:]
    for target, seed in ((0, 1), (1, 0), (2, 1)):
        cleared = np.linalg.solve(whiten, run.series[:, seed])  # the seed without confounds, as it was measured
        tasks = run.design[:, :2]
        products = (tasks - tasks.mean(axis=0)) * (cleared - cleared.mean())[:, None]
        design = np.column_stack([products, run.means[:, seed], tasks, nuisance])
        weights = np.linalg.lstsq(whiten @ design, whiten @ run.means[:, target], rcond=None)[0]
        name = f"{PREFIX}{REGIONS[target]}_from_{REGIONS[seed]}"
        np.testing.assert_allclose(found[name], weights[0] - weights[1], rtol=1e-7)


def test_the_planted_coupling_is_found_and_no_other() -> None:
    runs = [run_of("sub-01", "ses-1", "faces", seed=seed) for seed in range(16)]
    found = [values_of(run, ppi()) for run in runs]
    means = {name: np.mean([result[name] for result in found]) for name in found[0]}
    errors = {name: np.std([result[name] for result in found]) / 4 for name in found[0]}
    planted, name = COUPLED["faces"] - COUPLED["shapes"], f"{PREFIX}vmPFC_from_amygdala"
    assert abs(means[name] - planted) < 2.5 * errors[name]
    assert means[name] > 4 * errors[name]
    insula = [measure for measure in means if "insula" in measure]
    assert len(insula) == 4
    assert all(abs(means[measure]) < 3 * errors[measure] for measure in insula)


def test_symmetric_interactions_are_the_mean_of_both_directions() -> None:
    run = run_of("sub-01", "ses-1", "faces")
    directed, symmetric = values_of(run, ppi()), values_of(run, ppi(direction="symmetric"))
    for i, region in enumerate(REGIONS):
        for other in REGIONS[i + 1 :]:
            both = directed[f"{PREFIX}{region}_from_{other}"] + directed[f"{PREFIX}{other}_from_{region}"]
            np.testing.assert_allclose(symmetric[f"{PREFIX}{region}_with_{other}"], both / 2, rtol=1e-12)


def test_a_contrast_that_cannot_be_estimated_costs_no_other() -> None:
    run = run_of("sub-01", "ses-1", "faces")
    whole = np.column_stack([run.conditions[:, 0], 1 - run.conditions[:, 0]])  # conditions that fill the run
    kernel = spm_kernel(TR)
    tasks = np.column_stack([np.convolve(column, kernel)[: len(whole)][7::16] for column in whole.T])
    filled = replace(run, conditions=whole, design=np.column_stack([tasks, run.design[:, 2:]]))
    task = study_of().tasks["faces"].model_dump()
    contrasts = {"faces-over-shapes": "faces - shapes", "task": "0.5*faces + 0.5*shapes"}
    study = ppi().model_copy(update={"tasks": study_of(tasks={"faces": task | {"contrasts": contrasts}}).tasks})
    measured = measure_run(filled, study)
    assert {value.of for value in measured.values} == {"faces-over-shapes"}
    assert [line for line in measured.remarks if "no gppi of task" in line]


def test_rest_is_what_nilearn_makes_of_the_means_without_drift_columns() -> None:
    run = run_of("sub-01", "ses-1", "rest", seed=5)
    found = values_of(run, study_of(measures={"kinds": ("rest",), "rest_band": (0.01, 0.1)}))
    cleaned = clean(
        run.means,
        confounds=run.design[:, :2],
        filter="butterworth",
        high_pass=0.01,
        low_pass=0.1,
        t_r=TR,
        standardize=None,
    )
    # The correlation of an empirical covariance; the default would shrink it.
    from sklearn.covariance import EmpiricalCovariance

    (matrix,) = ConnectivityMeasure(EmpiricalCovariance(), kind="correlation", standardize=False).fit_transform(
        [cleaned]
    )
    expected = {
        f"rest_rest_{REGIONS[i]}_with_{REGIONS[j]}": np.arctanh(matrix[i, j]) for i in range(3) for j in range(i + 1, 3)
    }
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[name] for name in expected], list(expected.values()), rtol=1e-9)


def test_censored_scans_are_confounds_of_rest() -> None:
    run = run_of("sub-01", "ses-1", "rest", seed=6)
    spike = (np.arange(len(run.means)) == 40).astype(float)
    spoilt = run.means + 30 * np.outer(spike, [1, 1, -1])
    names = (run.design_names[0], "scan_41", *run.design_names[1:])
    censored = replace(
        run,
        means=spoilt,
        design=np.column_stack([run.design[:, :1], spike, run.design[:, 1:]]),
        design_names=names,
    )
    study = study_of(measures={"kinds": ("rest",)})
    plain, kept = values_of(run, study), values_of(censored, study)
    ruined = values_of(replace(run, means=spoilt), study)
    for name, value in plain.items():
        assert abs(kept[name] - value) < 0.1
        assert abs(ruined[name] - value) > 0.5


def test_every_value_has_a_planned_measure() -> None:
    study = study_of()
    plan = {measure.name for measure in planned_measures(study) if measure.kind != "dcm"}
    found = {name for task in ("faces", "rest") for name in values_of(run_of("sub-01", "ses-1", task), study)}
    assert found == plan


def test_the_same_run_gives_the_same_bits() -> None:
    first, second = (values_of(run_of("sub-01", "ses-1", "faces", seed=2), study_of()) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("scans", [5, 30])
def test_a_run_too_short_has_no_rest_and_says_so(scans: int) -> None:
    run = run_of("sub-01", "ses-1", "rest")
    measured = measure_run(replace(run, means=run.means[:scans], design=run.design[:scans]), study_of())
    assert not measured.values
    assert measured.remarks[0].startswith("sub-01_ses-1_task-rest: no rest: ")


PEOPLE = predictors_of("ketamine", "midazolam")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Extractions of faces on disk."""
    folder = tmp_path_factory.mktemp("extractions")
    for participant in PEOPLE.participants:
        for session in SESSIONS:
            run = run_of(participant.name, session, "faces")
            write_extraction(folder / f"{run.label}.nc", run)
    return folder


@pytest.fixture
def series(written: Path, tmp_path: Path) -> dict[str, Path]:
    """Run label → file, of one's own."""
    shutil.copytree(written, tmp_path / "series")
    return {path.stem: path for path in sorted((tmp_path / "series").iterdir())}


def work(study: Study, series: dict[str, Path], folder: Path) -> list[UnitOutcome]:
    units: Sequence[Unit] = measure_units(study, PEOPLE, series, {}, ResultPaths(folder / "out"))
    return run_units(units, measure_study, folder=folder / "records", workers=CurrentProcess())


def test_it_writes_the_table_its_sidecar_and_what_is_missing(series: dict[str, Path], tmp_path: Path) -> None:
    (ended,) = work(study_of(), series, tmp_path)
    assert ended.status == "made"
    tables = tmp_path / "out" / "tables"
    assert {path.name for path in ended.outputs} == {path.name for path in tables.iterdir()}
    assert {path.name for path in ended.outputs} == {"features.tsv", "features.json", "missingness.tsv"}
    found = read_features(tables / "features.tsv")
    assert found.participants == ("sub-01", "sub-01", "sub-02", "sub-02")
    assert {measure.kind for measure in found.measures} == {"response", "gppi", "distance"}


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        ({}, "kept"),
        ({"measures": {"interaction": "bold"}}, "made"),
        ({"measures": {"kinds": ("response",)}}, "made"),
        ({"outputs": {"maps": False}}, "kept"),
    ],
)
def test_what_decides_the_table_decides_whether_it_is_kept(
    series: dict[str, Path], tmp_path: Path, changes: dict[str, Any], how: str
) -> None:
    work(study_of(), series, tmp_path)
    (ended,) = work(study_of(**changes), series, tmp_path)
    assert ended.status == how


def test_another_run_makes_it_anew_and_none_makes_no_unit(series: dict[str, Path], tmp_path: Path) -> None:
    work(study_of(), series, tmp_path)
    label = next(iter(series))
    write_extraction(series[label], run_of("sub-01", "ses-1", "faces", seed=9))
    assert [outcome.status for outcome in work(study_of(), series, tmp_path)] == ["made"]
    assert not work(study_of(), {}, tmp_path)
