"""The simulated trial whose truth is known, from SPM files to the comparison of its arms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import dcm
from peb import Estimate, PebSettings, SamplingSettings, leave_one_out
from pipeline.group._arms import ArmAnalysis, compare_arms, sampling_warnings
from pipeline.group._arms_report import arm_records, judge_arms
from pipeline.group._design_table import read_design
from pipeline.group._estimates import pair_sessions
from pipeline.group._group_inputs import GroupInputs
from pipeline.spm import read_dcms

TOP_DOWN = "amygdala ← vmPFC (faces)"


@pytest.fixture(scope="module")
def inputs(shared_data: Path) -> GroupInputs:
    """Both sessions of 21 participants, inverted, as changes of B."""
    folder = shared_data / "simulated_trial"
    files, errors = read_dcms(sorted(folder.glob("*.mat")))
    assert not errors
    subjects = [dcm.Subject(file.name, file.spec, file.data, None, file.centre_inputs) for file in files]
    inverted = dcm.invert_cohort(subjects, dcm.Settings(starts=1))  # the first of the three starts wins everywhere
    found = [posterior for posterior in inverted if isinstance(posterior, dcm.Posterior)]
    assert len(found) == 42
    estimates = [Estimate.from_dcm(file.name, result) for file, result in zip(files, found, strict=True)]
    changes, lines = pair_sessions(estimates)
    assert not lines
    names = [change.name for change in changes]
    design = read_design(folder / "participants.tsv", names, interactions=[("arm", "improvement")])
    return GroupInputs(
        tuple(changes), design, files[0].spec, ("B",), PebSettings(between="gaussian"), ("ses-1", "ses-2"), (), ()
    )


@pytest.fixture(scope="module")
def arms(inputs: GroupInputs) -> ArmAnalysis:
    return compare_arms(inputs, "arm", SamplingSettings(warmup=300, draws=500))


def test_the_planted_interaction_has_the_right_sign_by_both_models(inputs: GroupInputs, arms: ArmAnalysis) -> None:
    rows = [
        row
        for row in arm_records(inputs, arms, judge_arms(inputs, arms)).rows
        if row["connection"] == TOP_DOWN and row["covariate"] == "improvement"
    ]
    assert len(rows) == 2
    for row in rows:
        assert row["difference"] < -0.01
        assert row["first"] < -0.015
        assert abs(row["second"]) < 0.01


def test_nuts_and_laplace_agree(arms: ArmAnalysis) -> None:
    assert arms.sampled is not None
    beside = arms.sampled.compare(arms.group)
    assert np.abs(beside.shift).max() < 0.1
    assert np.abs(beside.sd_ratio - 1).max() < 0.15
    assert arms.sampled.divergences == 0
    assert sampling_warnings(arms) == ()


def test_improvement_is_told_by_the_change_in_connectivity(inputs: GroupInputs) -> None:
    """It was planted on one connection in both arms, on the other under ketamine."""
    found = leave_one_out(
        inputs.estimates, inputs.design, PebSettings(between="gaussian"), covariate="improvement", parameters=["B"]
    )
    assert found.correlation > 0.3
