"""The circuit that the tests share."""

from __future__ import annotations

import numpy as np
import pytest

from dcm import Parameters, Spec


@pytest.fixture(scope="session")
def circuit() -> Spec:
    """vmPFC and amygdala, faces modulating both connections, task driving both."""
    both = np.ones((2, 2))
    between = 1 - np.eye(2)
    return Spec(
        ["vmPFC", "amygdala"],
        ["task", "faces"],
        both,
        np.stack([np.zeros((2, 2)), between], axis=-1),
        [[1, 0], [1, 0]],
    )


@pytest.fixture(scope="session")
def circuit_parameters() -> Parameters:
    """Plausible connectivity of the circuit (Hz)."""
    return Parameters(
        A=np.array([[0.0, 0.2], [0.25, 0.0]]),
        B=np.stack([np.zeros((2, 2)), np.array([[0.0, 0.6], [-0.3, 0.0]])], axis=-1),
        C=np.array([[0.4, 0.0], [0.6, 0.0]]),
        D=np.zeros((2, 2, 2)),
        transit=np.array([0.05, -0.05]),
        decay=np.array(0.02),
        epsilon=np.array(-0.03),
    )
