"""A smaller model by reduction of a larger one, beside its own inversion."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import block_inputs

import dcm
from peb import check_reduction, is_nested

BETWEEN = 1 - np.eye(2)
FULL = dcm.Spec(["x", "y"], ["u", "m"], np.ones((2, 2)), np.stack([0 * BETWEEN, BETWEEN], axis=-1), [[1, 0], [0, 0]])
SMALL = dcm.Spec(FULL.regions, FULL.inputs, FULL.a, np.stack([0 * BETWEEN, np.tril(BETWEEN)], axis=-1), FULL.c)


@pytest.fixture(scope="module")
def inverted() -> tuple[dcm.Posterior, dcm.Posterior]:
    truth = dcm.Parameters(
        A=0.3 * np.tril(BETWEEN),
        B=FULL.b * 0.0,
        C=FULL.c * 0.5,
        D=np.zeros((2, 2, 2)),
        transit=np.zeros(2),
        decay=np.zeros(()),
        epsilon=np.zeros(()),
    )
    run = dcm.simulate(FULL, truth, block_inputs(60 * 8, 0.25), 0.25, 2.0, snr=2.0, seed=0, integrator="nonlinear")
    small, large = dcm.invert_cohort([dcm.Subject(name, spec, run.data) for name, spec in (("s", SMALL), ("l", FULL))])
    assert isinstance(small, dcm.Posterior)
    assert isinstance(large, dcm.Posterior)
    return small, large


def test_reduction_is_near_to_inversion_where_the_posterior_is_nearly_gaussian(
    inverted: tuple[dcm.Posterior, dcm.Posterior],
) -> None:
    found = check_reduction(*inverted)
    assert found.inverted == inverted[0].free_energy - inverted[1].free_energy
    assert abs(found.difference) < 0.5
    assert found.furthest < 0.5


def test_only_a_smaller_model_of_the_same_priors_is_nested(inverted: tuple[dcm.Posterior, dcm.Posterior]) -> None:
    small, large = inverted
    assert is_nested(small, large)
    assert not is_nested(large, small)
    assert not is_nested(small, small)
    with pytest.raises(ValueError, match="fewer free parameters"):
        check_reduction(large, small)
