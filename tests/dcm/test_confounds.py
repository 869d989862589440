"""Confounds in other units span the same and give the same answer; as SPM writes them they are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import block_inputs

from dcm import Data, Parameters, Posterior, Settings, Spec, Subject, invert_cohort, simulate
from dcm._confounds import rotate_confounds, written_by_spm

SCANS = 60
TIME = np.arange(SCANS)
COSINES = np.column_stack([np.cos(np.pi * (2 * TIME + 1) * k / (2 * SCANS)) for k in (1, 2)]) * np.sqrt(2 / SCANS)
MOVEMENT = np.cumsum(np.random.default_rng(0).standard_normal((SCANS, 2)), axis=0) / 50
X0 = np.column_stack([np.ones(SCANS), COSINES, MOVEMENT])
VARIANTS = {
    "millionth": X0 * 1e-6,
    "million": X0 * 1e6,
    "each its own": X0 * 10.0 ** np.array([-12, 6, 3, -6, 6]),
    "nanometres": np.column_stack([X0[:, :3], 1e6 * MOVEMENT]),
    "far from 0": np.column_stack([X0[:, :3], MOVEMENT + 1e4]),
    "one twice": np.column_stack([X0, 3 * X0[:, 4]]),
    "empty column": np.column_stack([X0, np.zeros(SCANS)]),
    "orthonormal": np.linalg.qr(X0)[0],
}


def test_confounds_in_other_units_give_the_same_posterior(circuit: Spec, circuit_parameters: Parameters) -> None:
    run = simulate(
        circuit, circuit_parameters, block_inputs(SCANS * 8, 0.25), 0.25, 2.0, snr=2.0, integrator="bilinear", seed=0
    ).data
    bold = run.bold + X0 @ np.random.default_rng(1).standard_normal((5, 2))
    subjects = [
        Subject(name, circuit, Data(bold, run.inputs, 0.25, 2.0, confounds))
        for name, confounds in {"as they are": X0, **VARIANTS, "empty": np.zeros((SCANS, 1)), "none": X0[:, :0]}.items()
    ]
    # `test_default_first_level` shows the same of the full equations.
    first, *others, without, none = invert_cohort(subjects, Settings(integrator="bilinear"))
    assert isinstance(first, Posterior)
    for other in others:
        assert isinstance(other, Posterior)
        assert other.free_energy == pytest.approx(first.free_energy, abs=1e-4)
        assert other.mean == pytest.approx(first.mean, abs=1e-5)
        assert other.residual == pytest.approx(first.residual, abs=1e-5)
    assert isinstance(without, Posterior)
    assert np.all(without.confound_effects == 0)
    assert isinstance(none, Posterior)
    assert none.free_energy == without.free_energy


@pytest.mark.parametrize("confounds", [X0, *VARIANTS.values()], ids=["as they are", *VARIANTS])
def test_effects_of_confounds_are_per_their_own_units(confounds: np.ndarray) -> None:
    found = rotate_confounds(confounds)
    assert confounds @ found.weights == pytest.approx(found.basis, abs=1e-6)
    assert found.basis.T @ found.basis == pytest.approx(np.diag(found.power), abs=1e-6)


@pytest.mark.parametrize(
    "confounds",
    [
        np.ones((SCANS, 1)),
        np.column_stack([np.ones(SCANS) * 0.8, COSINES]),
        np.column_stack([TIME < 30, TIME >= 30]).astype(float),
    ],
    ids=["constant", "whitened constant and cosines", "two sessions"],
)
def test_confounds_as_spm_writes_them_keep_every_digit(confounds: np.ndarray) -> None:
    assert written_by_spm(confounds)
    assert rotate_confounds(confounds).basis @ rotate_confounds(confounds).basis.T == pytest.approx(
        confounds @ confounds.T, abs=1e-12
    )
