"""Inversion of one participant and of a mixed cohort."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from small_models import block_inputs, random_parameters, random_spec

from dcm import (
    Data,
    Failure,
    InversionError,
    Parameters,
    Posterior,
    Prior,
    Settings,
    Spec,
    Status,
    Subject,
    diagnose,
    invert,
    invert_cohort,
    invert_each,
    prior,
    simulate,
)
from dcm import _scheduler as rows
from dcm._batch import make_batches
from dcm._subject import prepare

SPM12 = Settings("spm12")


def data(
    spec: Spec, parameters: Parameters, scans: int = 200, snr: float = 3.0, seed: int = 0, confounds: int = 3
) -> Data:
    """A run; those of one model, as many scans and confounds are inverted by the same compiled code."""
    inputs = block_inputs(scans * 8, 0.25, spec.m)
    drift = np.cos(np.outer(np.arange(scans) + 0.5, np.arange(confounds)) * np.pi / scans)
    return simulate(
        spec, parameters, inputs, 0.25, 2.0, snr=snr, integrator="bilinear", seed=seed, confounds=drift
    ).data


def same(one: Posterior, other: Posterior) -> None:
    assert one.iterations == other.iterations
    assert one.free_energy == pytest.approx(other.free_energy, abs=1e-8)
    assert one.settled_free_energy == pytest.approx(other.settled_free_energy, abs=1e-8)
    assert np.allclose(one.mean, other.mean, atol=1e-8)
    assert np.allclose(one.covariance, other.covariance, atol=1e-8)
    assert np.allclose(one.prediction, other.prediction, atol=1e-8)
    assert np.allclose(one.confound_effects, other.confound_effects, atol=1e-8)


@pytest.fixture(scope="module")
def mixed(circuit: Spec, circuit_parameters: Parameters) -> list[Subject]:
    """Different scans, inputs, masks and confounds, in one batch, which has the sizes of the first."""
    small = random_spec(2, 1, 2)
    return [
        Subject("long", circuit, data(circuit, circuit_parameters)),
        Subject("short", small, data(small, random_parameters(small, 3), scans=150, seed=2, confounds=1)),
    ]


def test_a_batch_has_what_is_free_in_any_of_its_models(mixed: list[Subject]) -> None:
    one, other = (
        Spec(["x", "y"], ["u"], a, c=c) for a, c in (([[1, 1], [0, 1]], [[1], [0]]), ([[1, 0], [1, 1]], [[0], [1]]))
    )
    longer, shorter = mixed[0].data, mixed[1].data
    subjects = [
        Subject("one", one, Data(longer.bold, longer.inputs[:, :1], 0.25, 2.0)),
        Subject("other", other, Data(shorter.bold, shorter.inputs, 0.25, 2.0, shorter.confounds)),
    ]
    prepared = [prepare(subject, SPM12) for subject in subjects]
    [batch] = make_batches(prepared, SPM12)
    places = [np.array(batch.model.free)[batch.free_columns(member)] for member in range(2)]
    for own, subject in zip(places, prepared, strict=True):
        assert np.array_equal(own, subject.prior.free)
    assert set(batch.model.free) == set(places[0]) | set(places[1])
    assert set(places[0]) - set(places[1])
    assert set(places[1]) - set(places[0])


def test_a_batch_gives_what_a_loop_gives(mixed: list[Subject]) -> None:
    [_] = make_batches([prepare(subject, SPM12) for subject in mixed], SPM12)
    together = invert_cohort(mixed, SPM12)
    for alone, batched in zip(mixed, together, strict=True):
        assert isinstance(batched, Posterior)
        same(invert(alone, SPM12), batched)


def test_a_batch_of_models_of_which_neither_holds_the_other_gives_what_each_gives_beside_a_larger(
    mixed: list[Subject],
) -> None:
    larger, spec = mixed[0], mixed[0].spec
    forwards, backwards = (
        replace(larger, name=name, spec=Spec(spec.regions, spec.inputs, a, spec.b * a[..., None], c))
        for name, a, c in (
            ("forwards", np.array([[1, 0], [1, 1]]), [[1, 0], [0, 0]]),
            ("backwards", np.array([[1, 1], [0, 1]]), [[0, 0], [1, 0]]),
        )
    )
    together = invert_cohort([forwards, backwards], SPM12)
    for subject, batched in zip((forwards, backwards), together, strict=True):
        beside, _ = invert_cohort([subject, larger], SPM12)
        assert isinstance(batched, Posterior)
        assert isinstance(beside, Posterior)
        same(beside, batched)


def test_whoever_is_inverted_later_gets_the_same_bytes(mixed: list[Subject]) -> None:
    whole = invert_cohort(mixed, SPM12)
    last = len(mixed) - 1
    [(place, alone)] = invert_each(mixed, SPM12, wanted=[last])
    expected = whole[last]
    assert place == last
    assert isinstance(alone, Posterior)
    assert isinstance(expected, Posterior)
    assert alone.mean.tobytes() == expected.mean.tobytes()
    assert alone.covariance.tobytes() == expected.covariance.tobytes()
    assert alone.free_energy == expected.free_energy


def test_results_come_in_the_order_given(mixed: list[Subject]) -> None:
    forwards, backwards = invert_cohort(mixed, SPM12), invert_cohort(mixed[::-1], SPM12)
    for one, other in zip(forwards, reversed(backwards), strict=True):
        assert isinstance(one, Posterior)
        assert isinstance(other, Posterior)
        assert one.spec == other.spec
        assert one.free_energy == pytest.approx(other.free_energy, abs=1e-8)


def test_the_same_input_gives_the_same_bytes(mixed: list[Subject]) -> None:
    one, other = invert(mixed[0], SPM12), invert(mixed[0], SPM12)
    assert one.mean.tobytes() == other.mean.tobytes()
    assert one.covariance.tobytes() == other.covariance.tobytes()


def test_other_participants_and_more_starts_of_the_same_sizes_are_not_compiled_again(mixed: list[Subject]) -> None:
    invert(mixed[0], SPM12)
    before = rows.advance.jitted._cache_size()
    again = replace(mixed[0], name="again", data=replace(mixed[0].data, bold=mixed[0].data.bold[::-1]))
    invert_cohort([again, mixed[0]], replace(SPM12, starts=2))
    assert rows.advance.jitted._cache_size() == before


def test_one_bad_participant_does_not_take_the_cohort_down(mixed: list[Subject]) -> None:
    wild = replace(mixed[1], name="wild", start=np.full(mixed[1].spec.layout.size, 400.0))
    good, failed, also_good = invert_cohort([mixed[0], wild, mixed[1]], SPM12)
    assert isinstance(failed, Failure)
    assert failed.name == "wild"
    assert "starting point" in failed.reason
    assert isinstance(good, Posterior)
    assert isinstance(also_good, Posterior)


def test_what_is_no_subject_or_no_settings_is_named(mixed: list[Subject]) -> None:
    with pytest.raises(TypeError, match="a Subject is inverted, not a Data"):
        invert_cohort([mixed[0].data], SPM12)  # type: ignore[list-item]  # wrong on purpose
    with pytest.raises(TypeError, match=r"such as Settings\('spm12'\), not 'spm12'"):
        invert_cohort(mixed, "spm12")  # type: ignore[arg-type]  # wrong on purpose


def test_one_participant_alone_raises(mixed: list[Subject]) -> None:
    wild = replace(mixed[1], name="wild", start=np.full(mixed[1].spec.layout.size, 400.0))
    with pytest.raises(InversionError, match="wild: failed"):
        invert(wild, SPM12)


def test_more_starts_never_make_the_free_energy_worse(mixed: list[Subject]) -> None:
    one, several = invert(mixed[0], SPM12), invert(mixed[0], Settings("spm12", starts=4))
    assert several.free_energy >= one.free_energy - 1e-9
    assert several.start_free_energies.shape == (4,)


def test_starts_depend_on_the_seed_only(mixed: list[Subject]) -> None:
    settings = Settings("spm12", starts=3, seed=7)
    alone, _ = invert(mixed[0], settings), invert(mixed[1], settings)
    [in_company, *_] = invert_cohort(mixed[:2], settings)
    assert isinstance(in_company, Posterior)
    assert np.allclose(alone.start_free_energies, in_company.start_free_energies, atol=1e-8)


def test_too_few_iterations_are_reported(mixed: list[Subject]) -> None:
    posterior = invert(mixed[0], Settings("spm12", max_iterations=3))
    assert posterior.status is Status.MAX_ITERATIONS
    assert posterior.iterations == 3
    assert any("max_iterations" in warning for warning in diagnose(posterior).warnings)


def test_progress_counts_every_start(mixed: list[Subject]) -> None:
    seen: list[tuple[int, int]] = []
    invert_cohort(mixed[:2], Settings("spm12", starts=2), on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 4) for k in range(1, 5)]


def test_planted_connectivity_is_recovered(circuit: Spec, circuit_parameters: Parameters) -> None:
    posterior = invert(Subject("sub-01", circuit, data(circuit, circuit_parameters, snr=10.0, seed=3)), SPM12)
    planted = np.asarray(circuit.layout.to_vector(circuit_parameters))[posterior.free]
    deviation = (posterior.mean[posterior.free] - planted) / np.sqrt(np.diag(posterior.covariance))
    # The series were scaled before the inversion, which C carries; connections do not depend on it.
    rates = [i for i, name in enumerate(posterior.names) if name.startswith(("A[", "B["))]
    assert np.abs(deviation[rates]).max() < 4
    assert diagnose(posterior).explained_variance_total > 90


def test_spm_and_exact_derivatives_agree_closely(mixed: list[Subject]) -> None:
    exact, spm = invert(mixed[0], SPM12), invert(mixed[0], Settings("spm12", derivatives="spm"))
    assert spm.settled_free_energy == pytest.approx(exact.settled_free_energy, abs=0.5)


def test_spm25_ends_nearer_to_the_optimum_of_the_noise_than_spm12(mixed: list[Subject]) -> None:
    short = {mode: invert(mixed[0], Settings(mode)) for mode in ("spm12", "spm25")}  # type: ignore[arg-type]  # a str stands for one of its words
    missing = {mode: posterior.settled_free_energy - posterior.free_energy for mode, posterior in short.items()}
    assert 0 <= missing["spm25"] < 0.1 * missing["spm12"]


def test_the_nonlinear_integrator_inverts_gated_models() -> None:
    gate = np.zeros((2, 2, 2))
    gate[1, 0, 0] = 1
    spec = Spec(["x", "y"], ["u"], np.ones((2, 2)), c=[[1], [0]], d=gate)
    run = simulate(
        spec,
        random_parameters(spec, 0, 0.3),
        block_inputs(240, 0.25, 1),
        0.25,
        2.0,
        snr=5,
        seed=0,
        integrator="nonlinear",
    )
    posterior = invert(Subject("gated", spec, run.data), Settings(starts=1))
    assert "D[y<-x, x]" in posterior.names
    with pytest.raises(ValueError, match="nonlinear integrator"):
        invert(Subject("gated", spec, run.data), SPM12)


def test_correlated_priors_are_used(mixed: list[Subject]) -> None:
    one = mixed[0]
    density = prior(one.spec, "spm12")
    i, j = density.free[:2]
    covariance = density.covariance.copy()
    covariance[i, j] = covariance[j, i] = 0.9 * covariance[i, i]
    tied = invert(replace(one, prior=Prior(density.mean, covariance)), SPM12)
    assert tied.free_energy != pytest.approx(invert(one, SPM12).free_energy, abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"starts": 0}, "starts must be at least 1"),
        ({"starts": 10_000_000}, "starts must be at most 1000, as each is an inversion"),
        ({"max_iterations": 0}, "max_iterations must lie between"),
        ({"tolerance": -1.0}, "tolerance must be positive"),
        ({"integrator": "euler"}, "integrator must be"),
        ({"derivatives": "none"}, "derivatives must be"),
        ({"noise": "fixed"}, "noise must be"),
        ({"integrator": "nonlinear", "derivatives": "spm"}, "reproduces SPM12's bilinear integrator"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings(**changes)  # type: ignore[arg-type]  # options by name


def test_model_and_data_of_different_sizes_are_refused(circuit: Spec) -> None:
    wider = Data(np.random.default_rng(0).standard_normal((20, 3)), np.ones((160, 2)), 0.25, 2.0)
    with pytest.raises(ValueError, match="sub-07: the data have 3 regions"):
        Subject("sub-07", circuit, wider)


@pytest.mark.parametrize("centred", [False, True])
def test_half_of_the_variance_planted_is_half_explained(
    circuit: Spec, circuit_parameters: Parameters, centred: bool
) -> None:
    """Inputs that are not centred leave a mean in the prediction, which is no variance."""
    run = data(circuit, circuit_parameters, snr=1.0)
    posterior = invert(Subject("half", circuit, run, prior(circuit, "spm12", noise_variance=1.0), centred), SPM12)
    found = diagnose(posterior)
    assert found.explained_variance_total == pytest.approx(50, abs=4)
    assert found.explained_variance == pytest.approx(50, abs=10)


def test_series_that_the_noises_prior_takes_for_noise_are_named(circuit: Spec, circuit_parameters: Parameters) -> None:
    run = data(circuit, circuit_parameters, snr=2.0)

    def warned(scale: list[float], variance: float) -> str:
        scaled = replace(run, bold=run.bold * np.array(scale))
        return diagnose(
            invert(Subject("s", circuit, scaled, prior(circuit, "spm12", noise_variance=variance)), SPM12)
        ).small_series

    assert warned([1.0, 1.0], 1 / 128) == ""
    assert warned([0.01, 0.01], 1.0) == ""
    assert re.match(
        r"the series range over 0\.0\d+ where the noise's prior expects about 1", warned([0.01] * 2, 1 / 128)
    )
    assert warned([1.0, 0.01], 1 / 128).startswith("the series of amygdala range over")
