"""The default inversion: its modes, where the full equations begin, and that neither company nor units change it."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm
from small_models import block_inputs, random_parameters, random_spec

from dcm import Posterior, Settings, Status, Subject, _bilinear_start, invert, invert_cohort, simulate
from dcm._flow import Curvature, Gradient, mixed_flow_step

DRIFT = np.column_stack([np.ones(60), np.linspace(0, 1, 60)])


@pytest.fixture(scope="module")
def subjects() -> list[Subject]:
    """Two runs of one model, from the full equations."""
    spec = random_spec(2, 1, 2)
    inputs = block_inputs(60 * 8, 0.25, 1)
    made = [
        simulate(
            spec,
            random_parameters(spec, k),
            inputs,
            0.25,
            2.0,
            snr=2.0,
            seed=k,
            confounds=DRIFT,
            integrator="nonlinear",
        ).data
        for k in (3, 4)
    ]
    return [Subject(name, spec, data) for name, data in zip(("one", "other"), made, strict=True)]


@pytest.fixture(scope="module")
def found(subjects: list[Subject]) -> list[Posterior]:
    results = invert_cohort(subjects)
    assert all(isinstance(result, Posterior) for result in results)
    return [result for result in results if isinstance(result, Posterior)]


def test_a_mode_decides_everything_that_is_not_given() -> None:
    assert Settings() == Settings("none")
    mode = Settings("spm12")
    assert (mode.integrator, mode.noise, mode.priors, mode.scaling, mode.starts) == (
        "bilinear",
        "spm12",
        "spm12",
        "data",
        1,
    )
    assert Settings("spm25").noise == Settings("spm25").priors == "spm25"


def test_departures_from_a_mode_are_named() -> None:
    assert Settings().departures == Settings("spm12").departures == ()
    assert Settings(noise="white", starts=8).departures == ("noise = 'white'", "starts = 8")
    assert replace(Settings("spm12"), integrator="nonlinear").departures == ("integrator = 'nonlinear'",)


@pytest.mark.parametrize("word", ["SPM12", "spm8", "", None, "exact"])
def test_an_unknown_mode_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="compat must be 'none', 'spm12' or 'spm25'"):
        Settings(word)  # type: ignore[arg-type]  # a str stands for one of its words


def test_every_start_is_counted_in_both_sets_of_equations(subjects: list[Subject]) -> None:
    seen: list[tuple[int, int]] = []
    invert_cohort(subjects, on_progress=lambda done, total: seen.append((done, total)))
    assert seen[:6] == [(k, 12) for k in range(1, 7)]
    assert seen[-1] == (12, 12)


def test_company_and_cores_change_no_bit(subjects: list[Subject], found: list[Posterior]) -> None:
    for cores in (1, 3):
        for result, other in zip(found, invert_cohort(subjects, cores=cores), strict=True):
            assert isinstance(other, Posterior)
            assert np.array_equal(result.mean, other.mean)
            assert result.free_energy == other.free_energy
    alone = invert(subjects[1])
    assert np.allclose(alone.mean, found[1].mean, atol=1e-9)
    assert alone.start_free_energies == pytest.approx(found[1].start_free_energies, abs=1e-8)


def test_free_energy_is_one_number(found: list[Posterior]) -> None:
    for result in found:
        assert result.free_energy == result.settled_free_energy == result.start_free_energies.max()
        assert result.settings == Settings()


def test_full_equations_that_fail_at_the_bilinear_optimum_begin_at_the_start(
    subjects: list[Subject], found: list[Posterior], monkeypatch: pytest.MonkeyPatch
) -> None:
    def astray(*given: object) -> _bilinear_start.BilinearStart:
        begun = begin(*given)  # type: ignore[arg-type]  # one of each type
        lost = [replace(subject, starts=np.full_like(subject.starts, 400.0)) for subject in begun.batch.prepared]
        return replace(begun, batch=replace(begun.batch, prepared=tuple(lost)))

    begin = _bilinear_start.begin_at_optima
    monkeypatch.setattr("dcm._cohort.begin_at_optima", astray)
    for result, other in zip(found, invert_cohort(subjects), strict=True):
        assert isinstance(other, Posterior)
        assert other.status is Status.CONVERGED
        assert other.free_energy == pytest.approx(result.free_energy, abs=0.5)


def test_series_in_another_unit_give_the_same_shape(subjects: list[Subject], found: list[Posterior]) -> None:
    """Scaling inside the model leaves θ as it is for series beyond 4 %, which SPM scales down."""
    loud = invert(replace(subjects[0], data=replace(subjects[0].data, bold=subjects[0].data.bold * 3)))
    assert loud.data_scale < 1
    effects = [i for i, name in enumerate(loud.names) if name.startswith("C[")]
    stronger = np.abs(loud.mean[loud.free][effects]).max() / np.abs(found[0].mean[found[0].free][effects]).max()
    assert stronger > 1.5  # three times the signal is a stronger drive, not one in other units


def test_confounds_in_other_units_change_nothing(subjects: list[Subject], found: list[Posterior]) -> None:
    X = np.column_stack([DRIFT @ [[2.0], [1.0]], 1e6 * DRIFT[:, 1]])
    one, other = found[0], invert(replace(subjects[0], data=replace(subjects[0].data, confounds=X)))
    assert one.free_energy == pytest.approx(other.free_energy, abs=1e-6)
    assert np.allclose(one.mean, other.mean, atol=1e-7)
    assert np.allclose(one.residual, other.residual, atol=1e-6)


def test_spm25s_step_is_its_flow() -> None:
    """Against the dense formula, the confounds' effects first and θ by decreasing prior variance."""
    rng = np.random.default_rng(0)
    regions, confounds, free = 2, 2, 3
    half = rng.standard_normal((8, regions * confounds + free))
    whole = half.T @ half + np.eye(7)
    cross = whole[:4, 4:].reshape(2, 2, 3)
    beta = np.diag(whole)[:4].reshape(2, 2)
    theta = whole[4:, 4:] + np.einsum("icp,icq->pq", cross, cross / beta[..., None])
    precision = theta - np.einsum("icp,icq->pq", cross, cross / beta[..., None])
    gradient = rng.standard_normal(7)
    rotation, _ = np.linalg.qr(rng.standard_normal((2, 2)))
    order = np.array([2, 0, 1])
    turn = np.zeros((7, 7))
    turn[:4, :4] = np.kron(np.eye(2), rotation)
    turn[4:, 4:] = np.eye(3)[order]
    dense = np.block([[np.diag(beta.ravel()), cross.reshape(4, 3)], [cross.reshape(4, 3).T, theta]])
    H, g = -turn @ dense @ turn.T, turn @ gradient
    lower = np.tril(H) - np.tril(H).T
    mix = np.eye(7) - lower / (8 * np.linalg.norm(lower, 2))
    expected = turn.T @ (expm(0.3 * mix @ H) - np.eye(7)) @ np.linalg.solve(H, g)
    move = mixed_flow_step(
        Gradient(jnp.asarray(gradient[4:]), jnp.asarray(gradient[:4].reshape(2, 2))),
        Curvature(jnp.asarray(precision), jnp.asarray(cross), jnp.asarray(beta)),
        jnp.asarray(0.3),
        jnp.asarray(order),
        jnp.asarray(rotation),
    )
    assert np.allclose(np.concatenate([np.ravel(move.beta), move.theta]), expected, atol=1e-10)
