"""What is measured in one run: against plain least squares and nilearn, and against what was planted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_up_runs import COUPLED, REGIONS, TR, run_of, study_of
from nilearn.connectome import ConnectivityMeasure
from nilearn.signal import clean

from pipeline.images import Extraction, spm_kernel, whitener
from pipeline.measures import measure_run, planned_measures
from pipeline.study import Study

PREFIX = "gppi_faces_faces-over-shapes_"


def ppi(**settings: Any) -> Study:
    return study_of(measures={"kinds": ("gppi",)} | settings)


def values_of(extraction: Extraction, study: Study) -> dict[str, float]:
    return {one.name: value for one, value in measure_run(extraction, study).values.items()}


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
    means = {name: np.mean([one[name] for one in found]) for name in found[0]}
    errors = {name: np.std([one[name] for one in found]) / 4 for name in found[0]}
    planted, name = COUPLED["faces"] - COUPLED["shapes"], f"{PREFIX}vmPFC_from_amygdala"
    assert abs(means[name] - planted) < 2.5 * errors[name]
    assert means[name] > 4 * errors[name]
    insula = [one for one in means if "insula" in one]
    assert len(insula) == 4
    assert all(abs(means[one]) < 3 * errors[one] for one in insula)


def test_symmetric_interactions_are_the_mean_of_both_directions() -> None:
    run = run_of("sub-01", "ses-1", "faces")
    directed, symmetric = values_of(run, ppi()), values_of(run, ppi(direction="symmetric"))
    for i, one in enumerate(REGIONS):
        for other in REGIONS[i + 1 :]:
            both = directed[f"{PREFIX}{one}_from_{other}"] + directed[f"{PREFIX}{other}_from_{one}"]
            np.testing.assert_allclose(symmetric[f"{PREFIX}{one}_with_{other}"], both / 2, rtol=1e-12)


def test_a_contrast_that_cannot_be_estimated_costs_no_other() -> None:
    run = run_of("sub-01", "ses-1", "faces")
    whole = np.column_stack([run.conditions[:, 0], 1 - run.conditions[:, 0]])  # conditions that fill the run
    kernel = spm_kernel(TR)
    tasks = np.column_stack([np.convolve(one, kernel)[: len(whole)][7::16] for one in whole.T])
    filled = replace(run, conditions=whole, design=np.column_stack([tasks, run.design[:, 2:]]))
    task = study_of().tasks["faces"].model_dump()
    contrasts = {"faces-over-shapes": "faces - shapes", "task": "0.5*faces + 0.5*shapes"}
    study = ppi().model_copy(update={"tasks": study_of(tasks={"faces": task | {"contrasts": contrasts}}).tasks})
    measured = measure_run(filled, study)
    assert {one.of for one in measured.values} == {"faces-over-shapes"}
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
    plan = {one.name for one in planned_measures(study) if one.kind != "dcm"}
    found = {one for task in ("faces", "rest") for one in values_of(run_of("sub-01", "ses-1", task), study)}
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
