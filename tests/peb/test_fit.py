"""The group fit: what it recovers, what it refuses, and that levels stack."""

from __future__ import annotations

import group_models
import numpy as np
import pytest

from peb import Design, Gaussian, GroupStatus, PebError, PebSettings, fit


def test_planted_effects_are_within_their_intervals() -> None:
    """A 90 % interval holds the truth nine times out of ten; over 20 groups × 6 effects, between 80 and 97 %."""
    effects = np.array([[0.4, -0.2, 0.0], [0.0, 0.3, -0.3]])
    held = []
    for seed in range(20):
        estimates, design = group_models.group(effects=effects, seed=seed)
        found = fit(estimates, design, PebSettings(between="gaussian"))
        held.append(np.abs(found.mean.T - effects) < 1.645 * found.sd.T)
    assert 0.80 < np.mean(held) < 0.97


def test_a_sure_first_level_gives_the_regression_of_its_means() -> None:
    estimates, design = group_models.group(effects=np.array([[0.5, 0.0, -0.4], [0.2, 0.1, 0.0]]))
    sharp = [
        type(estimate)(
            estimate.name,
            estimate.parameters,
            estimate.fields,
            Gaussian(np.zeros(3), np.eye(3) * 1e6),
            _sharp(estimate.posterior),
            0.0,
        )
        for estimate in estimates
    ]
    wide = Gaussian(np.zeros(6), np.eye(6) * 1e6)
    found = fit(sharp, design, PebSettings(between="gaussian", prior=wide, noise_variance=100.0, between_ratio=1e7))
    means = np.array([estimate.posterior.mean for estimate in sharp])
    expected = np.linalg.lstsq(design.matrix, means, rcond=None)[0]
    np.testing.assert_allclose(found.mean.T, expected, atol=1e-4)


def test_participants_are_matched_by_name_not_by_order() -> None:
    estimates, design = group_models.group()
    straight = fit(estimates, design)
    shuffled = fit(estimates[::-1], design)
    np.testing.assert_array_equal(straight.posterior.mean, shuffled.posterior.mean)
    assert [participant.name for participant in shuffled.participants] == list(design.participants)


def test_exact_fit_ends_where_the_log_posterior_is_flat() -> None:
    estimates, design = group_models.group()
    found = fit(estimates, design, PebSettings(components="all", between="gaussian"))
    again = fit(estimates, design, PebSettings(components="all", between="gaussian", max_iterations=1000))
    np.testing.assert_array_equal(found.posterior.mean, again.posterior.mean)
    assert found.iterations < 40


def test_the_evidence_prefers_the_covariate_that_is_there() -> None:
    estimates, design = group_models.group(24, effects=np.array([[0.4, 0.0, 0.0], [0.5, 0.5, 0.5]]), between=0.1)
    without = Design(design.participants, ("mean",), design.matrix[:, :1])
    assert fit(estimates, design).free_energy > fit(estimates, without).free_energy + 3


def test_participants_are_drawn_toward_the_group() -> None:
    estimates, design = group_models.group(between=0.02)
    found = fit(estimates, design)
    before = np.std([estimate.posterior.mean for estimate in estimates], axis=0)
    after = np.std([participant.posterior.mean for participant in found.participants], axis=0)
    assert (after < before).all()


def test_parameters_outside_the_group_keep_their_prior() -> None:
    estimates, design = group_models.group()
    found = fit(estimates, design, parameters=["A"])
    assert found.parameters == group_models.PARAMETERS[:2]
    for participant, given in zip(found.participants, estimates, strict=True):
        assert participant.parameters == given.parameters
        assert participant.prior.mean[2] == given.prior.mean[2]
        assert participant.prior.covariance[2, 2] == given.prior.covariance[2, 2]


def test_none_leaves_nothing_to_estimate_between_participants() -> None:
    estimates, design = group_models.group()
    found = fit(estimates, design, PebSettings(components="none", compat="spm12"))
    assert found.noise.mean.size == 0
    np.testing.assert_allclose(found.between, np.eye(3) / 16, rtol=1e-10)


def test_given_components_are_used_as_they_are() -> None:
    estimates, design = group_models.group()
    whole = np.eye(3)[None] * 16.0
    given = fit(estimates, design, PebSettings(components=whole, compat="spm12"))
    single = fit(estimates, design, PebSettings(components="single", compat="spm12"))
    np.testing.assert_allclose(given.posterior.mean, single.posterior.mean, atol=1e-10)


def test_a_within_design_explains_by_fewer_effects() -> None:
    estimates, design = group_models.group()
    together = np.array([[1.0], [1.0], [0.0]])
    found = fit(estimates, design, PebSettings(within=together, compat="spm12"))
    assert found.mean.shape == (1, 2)
    assert found.between.shape == (3, 3)


def test_a_group_is_an_estimate_for_the_level_above() -> None:
    groups = []
    for arm, seed in (("ketamine", 1), ("midazolam", 2)):
        estimates, design = group_models.group(seed=seed)
        groups.append(fit(estimates, design, name=arm).as_estimate())
    arms = Design(("ketamine", "midazolam"), ("mean", "arm"), np.array([[1.0, 1.0], [1.0, -1.0]]))
    top = fit(groups, arms, name="trial")
    assert top.mean.shape == (6, 2)
    assert top.effects[0] == "mean: mean: A[x<-y]"
    difference = groups[0].posterior.mean - groups[1].posterior.mean
    assert np.corrcoef(2 * top.mean[:, 1], difference)[0, 1] > 0.9


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda e, d: (e[1:], d), "there is no estimate of sub-01"),
        (lambda e, d: ([*e, e[0].renamed("sub-99")], d), "no row of the design is for sub-99"),
        (lambda e, d: ([*e[:-1], e[0]], d), "sub-01 is among the estimates twice"),
        (lambda e, d: ([], d), "no estimate to fit"),
        (lambda e, d: ([e[0].select(["B"]), *e[1:]], d), "differ in A"),
        (lambda e, d: ([_fixed(e[0]), *e[1:]], d), "fixes A"),
    ],
)
def test_estimates_and_design_that_do_not_match_are_refused(spoil, message: str) -> None:
    with pytest.raises(PebError, match=message):
        fit(*spoil(*group_models.group()))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"components": "every"}, "components must be 'single'"),
        ({"components": np.ones((1, 2, 2)), "compat": "spm12"}, "components must be"),
        ({"components": -np.eye(3)[None], "between": "gaussian"}, "positive semidefinite"),
        ({"compat": "spm8"}, "compat must be"),
        ({"compat": "exact"}, "now compat='none' with between='gaussian'"),
        ({"compat": "spm12", "between": "mixture"}, "SPM takes participants as Gaussian"),
        ({"noise_variance": 1.0}, "noise_variance is for Gaussian participants"),
        ({"within": np.eye(3)}, "within is for Gaussian participants"),
        ({"within": np.ones((2, 1)), "compat": "spm12"}, "within must be"),
        ({"within": np.ones((3, 2)), "compat": "spm25"}, "independent columns"),
        ({"prior": Gaussian(np.zeros(2), np.eye(2))}, "all 6 effects"),
        ({"max_iterations": 0}, "max_iterations must be positive"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(PebError, match=message):
        fit(*group_models.group(), PebSettings(**settings))


def test_an_unknown_field_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="its fields are A, B"):
        fit(*group_models.group(), parameters=["E"])


def _sharp(posterior: Gaussian) -> Gaussian:
    return Gaussian(posterior.mean, posterior.covariance * 1e-6)


def _fixed(one):
    covariance = np.array(one.posterior.covariance)
    covariance[0, :] = covariance[:, 0] = 0
    return type(one)(
        one.name, one.parameters, one.fields, one.prior, Gaussian(one.posterior.mean, covariance), one.free_energy
    )


def test_spm25_takes_all_its_iterations_to_where_spm12_stops() -> None:
    estimates, design = group_models.group()
    early, late = (fit(estimates, design, PebSettings(compat=mode)) for mode in ("spm12", "spm25"))  # type: ignore[arg-type]  # a str stands for one of its words
    assert early.iterations < late.iterations == PebSettings().max_iterations
    assert late.status is GroupStatus.CONVERGED
    np.testing.assert_allclose(late.mean, early.mean, atol=1e-4)
