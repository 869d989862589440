"""What is said of a posterior that a careful reader would want to know, and that nothing is said of a good one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up_posterior import made_up_posterior

from dcm import Data, Posterior, Settings, Spec, Subject, diagnose, prior

SCANS = 200


def good() -> Posterior:
    """Half of the variance explained, by connections within their prior; noise as the residuals have it."""
    made = made_up_posterior()
    rng = np.random.default_rng(0)
    density = prior(made.spec)
    mean = density.mean.copy()
    mean[density.free] += 0.9 * np.sqrt(np.diag(density.covariance)[density.free])
    residual = rng.normal(0, 0.5, (SCANS, 2))
    return replace(
        made,
        prior=density,
        mean=mean,
        free=density.free,
        covariance=density.covariance[np.ix_(density.free, density.free)] / 10,
        noise_mean=np.full(2, -2 * np.log(0.5)),
        autocorrelation=np.zeros(2),
        prediction=rng.normal(0, 0.5, (SCANS, 2)),
        residual=residual,
        data_scale=1.0,
        status=type(made.status).CONVERGED,
        start=0,
        start_free_energies=np.array([-100.0, -100.1, -100.2]),
        settings=Settings(),
    )


def moved(posterior: Posterior, name: str, deviations: float) -> Posterior:
    place = posterior.spec.parameter_names.index(name)
    mean = posterior.mean.copy()
    mean[place] = posterior.prior.mean[place] + deviations * np.sqrt(posterior.prior.covariance[place, place])
    return replace(posterior, mean=mean)


def test_nothing_is_said_of_a_good_one_whose_noise_is_as_large_as_real_runs_have() -> None:
    """λ = 1.4 where hE = 6: scaled series whose noise hides the signal have no other."""
    assert diagnose(good()).warnings == ()


def test_parameters_far_out_in_their_prior_are_named_with_their_values_the_furthest_first() -> None:
    one = moved(moved(good(), "A[vmPFC<-amygdala]", 2.6), "C[vmPFC<-task]", -3.2)
    found = diagnose(one)
    assert found.prior_conflict == "C[vmPFC<-task] = -3.20 (3.2 prior SD), A[vmPFC<-amygdala] = 0.66 (2.6 prior SD)"
    assert any(line.startswith("prior conflict: C[vmPFC<-task]") for line in found.warnings)
    assert diagnose(moved(good(), "C[vmPFC<-task]", 2.4)).prior_conflict == ""


def test_a_long_list_of_conflicts_is_cut() -> None:
    one = good()
    mean = one.prior.mean + 4 * np.sqrt(np.diag(one.prior.covariance))
    assert diagnose(replace(one, mean=mean)).prior_conflict.endswith(f"and {one.free.size - 3} more")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"noise_mean": np.array([2.0, 12.0])}, "the noise of amygdala has a standard deviation of 0.002, far less"),
        ({"noise_mean": np.array([4.0, 1.4])}, "the residuals of vmPFC vary up to 3."),
        ({"autocorrelation": np.array([0.9, 0.2])}, "the noise of vmPFC correlates by up to 0.90 from scan to scan"),
        ({"autocorrelation": np.array([0.8, -0.8])}, ""),
    ],
)
def test_noise_at_odds_with_its_priors_is_told_by_what_follows_from_it(changes: dict[str, object], said: str) -> None:
    one = replace(good(), **changes)  # type: ignore[arg-type]  # options by name
    if "autocorrelation" in changes:
        one = replace(one, residual=_left(one))
    lines = diagnose(one).noise_conflict
    assert [line for line in lines if line.startswith(said)] if said else lines == ()


def _left(posterior: Posterior) -> np.ndarray:
    """Residuals that vary as the noise does."""
    spread = np.exp(-posterior.noise_mean / 2) / np.sqrt(1 - posterior.autocorrelation**2)
    return posterior.residual / posterior.residual.std(axis=0) * spread


@pytest.mark.parametrize(
    ("reached", "said"),
    [
        ([-100.0, -145.0, -100.1], ""),  # found twice, and the other is hopeless
        ([-100.0, -145.0, -160.0], "3 starts reached 3 optima, the best once and 45.0 nats above the next"),
        ([-102.0, -100.0, -100.1], "3 starts reached 2 optima, the best by 2 and 2.0 nats above the next"),
        ([-100.0, -np.inf, -np.inf], ""),
        ([-100.0], ""),
    ],
)
def test_starts_are_told_of_where_they_leave_doubt_about_the_best(reached: list[float], said: str) -> None:
    found = diagnose(replace(good(), start_free_energies=np.array(reached)))
    assert found.starts_disagree == said
    assert any(line.startswith(said) for line in found.warnings) == bool(said)


def test_an_input_that_never_varies_is_named_where_the_model_uses_it() -> None:
    inputs = np.zeros((SCANS * 8, 3))
    inputs[::7, 0], inputs[:, 2] = 1.0, 1.0
    spec = Spec(("a", "b"), ("task", "idle", "constant"), np.ones((2, 2)), c=[[1, 1, 0], [0, 0, 0]])
    data = Data(np.random.default_rng(0).normal(size=(SCANS, 2)), inputs, 0.25, 2.0)
    assert Subject("one", spec, data).constant_inputs == ("idle",)
    warnings = diagnose(replace(good(), constant_inputs=("idle",))).warnings
    assert warnings == ("input idle never varies over the run; its effects are their prior",)


@pytest.mark.parametrize(
    ("settings", "gated", "centred", "mode"),
    [
        (Settings(), False, False, "none"),
        (Settings(max_iterations=64), False, False, "none"),
        (Settings(noise="white"), False, True, "none, but noise = 'white', inputs centred"),
        (Settings("spm12"), False, True, "spm12"),
        (Settings("spm12", integrator="nonlinear"), True, True, "spm12"),
        (Settings("spm12", integrator="nonlinear"), False, False, "spm12, but integrator = 'nonlinear'"),
        (Settings("spm25", priors="none", starts=2), False, False, "spm25, but priors = 'none', starts = 2"),
    ],
)
def test_a_posterior_names_its_mode_and_says_when_it_is_a_mixture(
    settings: Settings, gated: bool, centred: bool, mode: str
) -> None:
    made = replace(made_up_posterior(gated), settings=settings, centre_inputs=centred)
    assert made.mode == mode
    assert bool(made.departures) == ("but" in mode)


def test_series_in_a_unit_far_from_percent_are_told_apart_from_a_bad_model() -> None:
    in_percent = replace(good(), settings=Settings(), data_scale=0.5)
    assert not any("percent signal change" in line for line in diagnose(in_percent).warnings)
    raw = replace(in_percent, data_scale=4 / 15_000)
    assert any("range over 1.5e+04, far more than percent" in line for line in diagnose(raw).warnings)
