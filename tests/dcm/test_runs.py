"""Runs that are concatenated: each begins at rest, its noise anew, and its confounds are its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from linear_models import FREE, POINT, REGIONS, SCANS, LinearModel, linear_density
from scipy.linalg import block_diag
from scipy.stats import multivariate_normal
from small_models import block_inputs, random_parameters, random_spec

from dcm import (
    Data,
    Posterior,
    Settings,
    Spec,
    Subject,
    concatenate_runs,
    invert,
    invert_each,
    predict_series,
    simulate,
)
from dcm._batch import make_batches
from dcm._confounds import generalised_least_squares
from dcm._forward import Integrator
from dcm._log_density import log_density, log_density_and_gradient
from dcm._schedule import schedule
from dcm._subject import prepare

GATES = np.zeros((2, 2, 2))
GATES[1, 0, 0] = 1
PLAIN = Spec(["x", "y"], ["task", "change"], np.ones((2, 2)), np.dstack([np.zeros((2, 2)), np.ones((2, 2))]), np.eye(2))
GATED = Spec(PLAIN.regions, PLAIN.inputs, PLAIN.a, PLAIN.b, PLAIN.c, GATES)
STRONG = {"C": np.array([[14.0, 0.0], [10.0, 2.0]])}


def busy_run(scans: int, shift: int, seed: int = 0) -> Data:
    """A run that ends in the middle of a block, with a delay for each region."""
    u = np.roll(block_inputs(scans * 16, 0.2), -shift, axis=0)
    u[-40:] = 1
    return Data(np.random.default_rng(seed).standard_normal((scans, 2)), u, 0.2, 3.2, delays=[0.4, 3.1])


def predictions_and_jacobians(
    spec: Spec, runs: Sequence[Data], integrator: Integrator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of every run by itself, all filled up to one size, which is compiled once."""
    settings = Settings(integrator=integrator)
    (batch,) = make_batches([prepare(Subject("x", spec, run), settings) for run in runs], settings)
    evaluate = jax.jit(batch.model.predict_with_jacobian)
    mean = jnp.asarray(spec.layout.to_vector(replace(random_parameters(spec, 1), **STRONG)))
    for k, run in enumerate(runs):
        timing = jax.tree.map(lambda leaf, k=k: jnp.asarray(leaf[k]), batch.problems.timing)
        series, jacobian = evaluate(mean, mean[np.array(batch.model.free)], timing, jnp.asarray(0.04))
        yield np.asarray(series)[: run.scans], np.asarray(jacobian)[: run.scans]


@pytest.mark.parametrize(
    ("spec", "integrator"), [(PLAIN, "bilinear"), (PLAIN, "nonlinear"), (GATED, "nonlinear")], ids=str
)
def test_nothing_of_a_run_reaches_the_next(spec: Spec, integrator: Integrator) -> None:
    runs = [busy_run(14, 0), busy_run(11, 30), busy_run(9, 77)]
    (joined,) = predictions_and_jacobians(spec, [concatenate_runs(runs)], integrator)
    alone = predictions_and_jacobians(spec, runs, integrator)
    for whole, parts in zip(joined, zip(*alone, strict=True), strict=True):
        parts = np.concatenate(parts)
        np.testing.assert_allclose(whole, parts, atol=1e-6 * np.abs(parts).max())


def test_bins_that_do_not_divide_scans_stay_with_their_run() -> None:
    """A scan of 2 s has 11.8 bins, and regions are sampled at its end."""
    rng = np.random.default_rng(0)
    runs = [Data(rng.standard_normal((n, 2)), np.full((b, 1), n), 0.17, 2.0, delays=2.0) for n, b in ((7, 82), (5, 59))]
    joined = concatenate_runs(runs)
    assert np.flatnonzero(np.diff(joined.inputs[:, 0])).tolist() == [82]  # and the second run begins with bin 83
    steps = schedule(joined)
    assert steps.last is not None
    ends = np.flatnonzero(steps.last[steps.interval])
    assert ends.tolist() == [steps.sample[6].max()]  # the last sample of the first run is read before its last step
    assert steps.sample[7].min() > ends[0]


def test_series_inputs_and_confounds_are_joined_run_by_run() -> None:
    first, second = (
        busy_run(14, 0),
        replace(busy_run(11, 30, seed=1), confounds=np.column_stack([np.ones(11), np.arange(11)])),
    )
    joined = concatenate_runs([first, second])
    np.testing.assert_array_equal(joined.confounds, block_diag(first.confounds, second.confounds))
    np.testing.assert_array_equal(joined.inputs, np.concatenate([first.inputs, second.inputs]))
    np.testing.assert_allclose(joined.bold[14:], second.bold - second.bold.mean(axis=0))
    assert joined.runs == (slice(0, 14), slice(14, 25))
    three = concatenate_runs([joined, first])
    assert three.run_starts.tolist() == [0, 14, 25]
    np.testing.assert_allclose(three.bold[:25], joined.bold)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"repetition_time": 1.6, "bin_width": 0.1, "delays": 0.4},
            "repetition times are 3.2 and 1.6 s, which one DCM",
        ),
        ({"echo_time": 0.03}, "echo times are 0.04 and 0.03 s"),
        ({"bin_width": 0.4, "inputs": np.ones((88, 2))}, "bin widths are 0.2 and 0.4 s"),
        ({"bold": np.eye(11, 3), "delays": 0.4}, "they have 2 and 3 regions"),
        ({"inputs": np.ones((176, 1))}, "they have 2 and 1 inputs"),
        ({"delays": 0.8}, "sampled at other delays"),
    ],
)
def test_runs_that_differ_in_what_one_dcm_has_once_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        concatenate_runs([busy_run(14, 0), replace(busy_run(11, 30), **change)])


def test_borders_that_are_none_are_refused() -> None:
    for starts in ([0, 14], [3], [0, 5, 5], [0, 2.5], []):
        with pytest.raises(ValueError, match="run_starts must rise from 0"):
            replace(busy_run(14, 0), run_starts=starts)


def test_noise_begins_anew_with_every_run() -> None:
    """The density with dense covariances, and its gradient by differences."""
    starts = np.array([0, 11, 12])
    problem, model = replace(linear_density(), run_starts=jnp.asarray(starts)), LinearModel()
    run = np.searchsorted(starts, np.arange(SCANS), side="right")
    lag = np.abs(np.subtract.outer(np.arange(SCANS), np.arange(SCANS)))
    rho, X = np.tanh(POINT.correlation), np.asarray(problem.confounds)
    residual = np.asarray(problem.bold) - 0.7 * model.slopes @ np.asarray(problem.prior_mean + POINT.theta)
    expected = multivariate_normal(np.zeros(FREE), np.linalg.inv(problem.prior_precision)).logpdf(POINT.theta)
    expected += multivariate_normal([6, 6], np.eye(2)).logpdf(POINT.noise)
    expected += multivariate_normal([0, 0], np.eye(2) / 4).logpdf(POINT.correlation)
    for i in range(REGIONS):
        K = np.linalg.inv(np.exp(-POINT.noise[i]) * rho[i] ** lag / (1 - rho[i] ** 2) * (run[:, None] == run))
        M = X.T @ K @ X
        left = residual[:, i] - X @ np.linalg.solve(M, X.T @ K @ residual[:, i])
        degrees = SCANS - X.shape[1]
        expected += (
            np.linalg.slogdet(K)[1] - np.linalg.slogdet(M)[1] - left @ K @ left - degrees * np.log(2 * np.pi)
        ) / 2
    height, slope = jax.jit(partial(log_density_and_gradient, model, problem))(POINT)
    density = jax.jit(partial(log_density, model, problem))
    assert float(density(POINT)) == pytest.approx(expected, abs=1e-9)
    assert float(height) == pytest.approx(expected, abs=1e-9)
    for name, step in (("theta", 1e-5), ("noise", 1e-5), ("correlation", 1e-6)):
        at = getattr(POINT, name)
        for k in range(at.size):
            up, down = (density(POINT._replace(**{name: at.at[k].add(s)})) for s in (step, -step))
            assert float(getattr(slope, name)[k]) == pytest.approx(float(up - down) / 2 / step, rel=1e-5, abs=1e-5)


def test_effects_of_confounds_are_those_of_every_run_alone() -> None:
    rng = np.random.default_rng(0)
    y, X, rho = rng.standard_normal((20, 2)), rng.standard_normal((20, 2)), np.array([0.4, -0.3])
    joined = generalised_least_squares(block_diag(X[:12], X[12:]), y, rho, np.array([0, 12]))
    alone = [generalised_least_squares(X[part], y[part], rho, np.array([0])) for part in (slice(12), slice(12, 20))]
    np.testing.assert_allclose(joined, np.concatenate(alone), atol=1e-12)


class Cut(NamedTuple):
    """One run, and the same cut into two halves at rest, half a minute without input before the cut."""

    spec: Spec
    whole: Data
    halves: Data
    posterior: Posterior  # of the halves


QUICK = Settings(integrator="bilinear", starts=1)


@pytest.fixture(scope="module")
def cut() -> Cut:
    spec = Spec(
        ["x", "y"], ["task", "change"], np.ones((2, 2)), b=[[[0, 0], [0, 0]], [[0, 1], [0, 0]]], c=[[1, 0], [0, 0]]
    )
    u = block_inputs(2 * 110 * 16, 0.125)
    u[110 * 16 - 256 : 110 * 16] = 0
    true = {"A[y<-x]": 0.4, "A[x<-y]": -0.2, "B[y<-x, change]": 0.5, "C[x<-task]": 6.0}
    whole = simulate(spec, true, u, 0.125, 2.0, snr=2, seed=0, integrator="bilinear").data
    parts = [slice(0, 110), slice(110, 220)]
    halves = concatenate_runs([Data(whole.bold[p], u[p.start * 16 : p.stop * 16], 0.125, 2.0) for p in parts])
    whole = replace(whole, confounds=np.repeat(np.eye(2), 110, axis=0))
    return Cut(spec, whole, halves, invert(Subject("x", spec, halves), QUICK))


def test_runs_of_a_padded_batch_are_inverted_as_they_are_alone(cut: Cut) -> None:
    """Padded to others' sizes, whose first run is longer; not to that of one run, which is another batch."""
    others = [
        Data(np.random.default_rng(n).standard_normal((n, 2)), block_inputs(n * 16, 0.125), 0.125, 2.0)
        for n in (118, 109)
    ]
    subjects = [
        Subject(f"{n}", cut.spec, data) for n, data in enumerate((concatenate_runs(others), cut.halves, others[0]))
    ]
    ((position, found),) = invert_each(subjects, QUICK, wanted=[1])
    assert position == 1
    assert isinstance(found, Posterior)
    np.testing.assert_allclose(found.mean, cut.posterior.mean, atol=1e-6)
    assert found.free_energy == pytest.approx(cut.posterior.free_energy, abs=1e-6)
    assert cut.posterior.run_starts == (0, 110)


def test_the_halves_of_a_run_cut_at_rest_give_the_posterior_of_the_whole(cut: Cut) -> None:
    one, two = invert(Subject("x", cut.spec, cut.whole), QUICK), cut.posterior
    assert (np.abs(one.mean[one.free] - two.mean[two.free]) < one.sd / 10).all()
    np.testing.assert_allclose(two.sd, one.sd, rtol=0.05)


def test_in_spm_modes_states_run_on_over_the_border() -> None:
    spec = random_spec(2, 2, 1)
    joined = concatenate_runs([busy_run(30, 0), busy_run(30, 30)])
    settings = Settings("spm12", max_iterations=4)
    posterior, run_on = (invert(Subject("x", spec, data), settings) for data in (joined, joined.as_one_run()))
    np.testing.assert_array_equal(posterior.mean, run_on.mean)
    parameters = random_parameters(spec, 1)
    series = [predict_series(spec, parameters, data, "bilinear") for data in (joined, joined.as_one_run())]
    assert np.abs(series[0] - series[1])[30:].max() > 0.01  # which is not so where they begin anew
