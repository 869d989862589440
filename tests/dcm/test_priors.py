"""Prior means and variances of SPM12 and SPM25."""

from __future__ import annotations

import numpy as np
import pytest

from dcm import Prior, Spec, prior


def density(preset: str, a: list[list[int]]) -> dict[str, tuple[float, float]]:
    spec = Spec(["x", "y"], ["u"], a, b=np.ones((2, 2, 1)), c=[[1], [0]])
    made = prior(spec, preset)  # type: ignore[arg-type]  # a str stands for one of its words
    return dict(zip(spec.parameter_names, zip(made.mean, np.diag(made.covariance), strict=True), strict=True))


def test_spm12_values() -> None:
    values = density("spm12", [[0, 1], [0, 0]])
    assert values["A[x<-y]"] == (1 / 128, 1 / 64)
    assert values["A[y<-x]"] == (0, 0)
    assert values["A[x<-x]"] == (0, 1 / 64), "the diagonal is always free"
    assert values["B[x<-y, u]"] == (0, 1)
    assert values["C[x<-u]"] == (0, 1)
    assert values["C[y<-u]"] == (0, 0)
    assert values["transit[x]"] == values["decay"] == values["epsilon"] == (0, 1 / 256)


def test_our_own_differ_from_spm12_in_two_widths() -> None:
    values, spm12 = density("none", [[0, 1], [0, 0]]), density("spm12", [[0, 1], [0, 0]])
    assert values["A[x<-y]"] == (1 / 128, 1 / 16)
    assert {name for name in values if values[name] != spm12[name]} == {"A[x<-y]"}
    spec = Spec(["x"], ["u"], [[1]], c=[[1]])
    assert (prior(spec).noise_variance, prior(spec, "spm12").noise_variance) == (1, 1 / 128)


def test_spm25_frees_the_diagonal_only_where_asked_for() -> None:
    values = density("spm25", [[1, 0], [0, 0]])
    assert values["A[x<-x]"] == (1 / 128, 1 / 64)
    assert values["A[y<-y]"] == (0, 0)


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ValueError, match="'spm12' or 'spm25'"):
        density("spm8", [[1, 0], [0, 1]])


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "not positive definite"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "must have a symmetric covariance"),
        (np.full((2, 2), np.nan), "must have a finite mean and covariance"),
        (np.eye(3), "covariance"),
    ],
)
def test_an_impossible_covariance_is_refused(covariance: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Prior(np.zeros(2), covariance)
