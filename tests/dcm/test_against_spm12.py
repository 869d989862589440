"""Held against SPM12 itself: three real participants of the reference cohort (skipped where it is absent)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from dcm import Data, Parameters, Settings, Spec, Subject, invert_cohort, predict_series

PARTICIPANTS = ["01", "13", "26"]


def dense(value: object) -> np.ndarray:
    return np.asarray(value.todense() if hasattr(value, "todense") else value, dtype=float)


@pytest.fixture(scope="module")
def cohort(shared_data: Path) -> list[tuple[Subject, dict[str, object], Parameters]]:
    members = []
    for name in PARTICIPANTS:
        path = shared_data / "spm12_visual_language" / "estimated" / f"DCM_sub-{name}.mat"
        stored = scipy.io.loadmat(path, simplify_cells=True)["DCM"]
        spec = Spec(stored["Y"]["name"], stored["U"]["name"], stored["a"], stored["b"], stored["c"])
        Y, U, Ep = stored["Y"], stored["U"], stored["Ep"]
        data = Data(Y["y"], U["u"], U["dt"], Y["dt"], Y["X0"], stored["delays"])
        estimate = Parameters(
            A=dense(Ep["A"]),
            B=dense(Ep["B"]),
            C=dense(Ep["C"]),
            D=np.zeros((4, 4, 4)),
            transit=dense(Ep["transit"]).ravel(),
            decay=dense(Ep["decay"]).reshape(()),
            epsilon=dense(Ep["epsilon"]).reshape(()),
        )
        members.append((Subject(name, spec, data), stored, estimate))
    return members


def test_prediction_at_spm_estimates(cohort: list[tuple[Subject, dict[str, object], Parameters]]) -> None:
    for subject, stored, estimate in cohort:
        got = predict_series(
            subject.spec, estimate, subject.data.prepared(True)[0], derivatives="spm", integrator="bilinear"
        )
        assert np.abs(got - stored["y"]).max() < 1e-9 * np.ptp(stored["y"])


def test_same_path_and_free_energy_with_spm_derivatives(
    cohort: list[tuple[Subject, dict[str, object], Parameters]],
) -> None:
    posteriors = invert_cohort([subject for subject, _, _ in cohort], Settings("spm12", derivatives="spm"))
    for posterior, (_, stored, estimate) in zip(posteriors, cohort, strict=True):
        assert posterior.free_energy == pytest.approx(stored["F"], abs=1e-3)
        for field in ("A", "B", "C"):
            assert np.allclose(getattr(posterior.parameters, field), getattr(estimate, field), atol=1e-3)
