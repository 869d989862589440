"""Three levels, visits → participants → groups: against brute force, two levels, and what must not matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from visit_groups import VisitData, crossover, longitudinal, repeated_crossover

from peb import Design, Estimate, Gaussian, PebError, PebSettings, combine_visits, fit, fit_visits
from peb._visit_mixture import CLASS_SHARES, OF_MEAN, OF_VISITS, SHARE_OF_OTHERS
from peb._visit_remarks import describe_mixed_numbers
from peb._visits import default_own_effects, group_visits, own_effects


def likelihood(estimate: Estimate) -> tuple[float, float]:
    """What one visit's data say of its only connection: mean and variance."""
    precision = 1 / estimate.posterior.covariance[0, 0] - 1 / estimate.prior.covariance[0, 0]
    return float(estimate.posterior.mean[0] / estimate.posterior.covariance[0, 0] / precision), float(1 / precision)


def by_brute_force(data: VisitData, u: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """ln p(y, β | τ) at every node and β of a grid, every class of every participant summed."""
    y, s2 = np.array([likelihood(estimate) for estimate in data.estimates]).T
    visits = group_visits(data.design, data.owners)
    Z, of_term = own_effects(data.design, visits)
    X, heights = data.design.matrix, np.zeros((len(u), len(grid)))
    prior = multivariate_normal.logpdf(grid, np.zeros(X.shape[1]), np.diag(1 / (X**2).mean(axis=0)))
    for node, (tau, case) in enumerate(zip(np.exp(u[:, :3]), u[:, 3:], strict=True)):
        share = [
            1.0 if not case.size or case[0] in (0, 1 + term) else SHARE_OF_OTHERS for term in range(of_term.shape[1])
        ]
        for i in range(len(visits.participants)):
            rows = np.flatnonzero(visits.of_row == i)
            one, own = np.ones((len(rows), 1)), Z[i, : len(rows)] * (of_term @ share)
            each = []
            for of_mean, of_visits in zip(OF_MEAN, OF_VISITS, strict=True):
                W = tau[0] ** 2 * np.eye(len(rows)) + (tau[2:] ** 2).sum() * own @ own.T
                covariance = of_mean * tau[1] ** 2 * one @ one.T + of_visits * W + np.diag(s2[rows])
                off = y[rows] - grid @ X[rows].T
                each.append(multivariate_normal.logpdf(off, np.zeros(len(rows)), covariance))
            heights[node] += logsumexp(np.log(CLASS_SHARES)[:, None] + np.array(each), axis=0)
    return heights + prior


@pytest.mark.parametrize(
    "data",
    [
        longitudinal(7, 3, connections=1, seed=2, missed={2, 9}).with_covariates("mean", "time"),
        longitudinal(7, 3, connections=1, seed=2, outlier=4.0, missed={2, 9}).with_covariates("mean", "time"),
        repeated_crossover(6, "drug").with_covariates("drug", "time"),
    ],
    ids=["three visits", "an outlier", "own effects of two terms"],
)
def test_every_node_is_the_sum_over_classes_and_effects(data: VisitData) -> None:
    found = fit_visits(data.estimates, data.design, data.owners).mixture
    assert found is not None
    middle = found.weight[0] @ found.means[0]
    b = [np.linspace(centre - 2.5, centre + 2.5, 81) for centre in middle]
    grid = np.stack(np.meshgrid(*b, indexing="ij"), axis=-1).reshape(-1, 2)
    nodes = np.argsort(found.weight[0])[-200::40]
    height = by_brute_force(data, found.u[nodes], grid)
    evidence = logsumexp(height, axis=1) + np.log((b[0][1] - b[0][0]) * (b[1][1] - b[1][0]))
    # what is relative to participants' own evidence: ln N(y; 0, s² + pC) is in that of each visit here
    own = [multivariate_normal.logpdf(y, 0, s2 + 1) for y, s2 in map(likelihood, data.estimates)]
    gain = found.log_evidence[0, nodes] - evidence
    assert np.ptp(gain) < 0.1
    assert np.isfinite(sum(own))
    weight = np.exp(height - logsumexp(height, axis=1, keepdims=True))
    mean = weight @ grid
    sd = np.sqrt(weight @ grid**2 - mean**2)
    np.testing.assert_allclose(found.means[0, nodes], mean, atol=0.06 * sd.max())
    np.testing.assert_allclose(np.sqrt(np.diagonal(found.covariances[0, nodes], axis1=1, axis2=2)), sd, rtol=0.08)


def test_the_evidence_is_that_of_all_visits_together() -> None:
    """Against the sum over a grid of everything, where first levels hold ln N(y; 0, s² + pC)."""
    data = longitudinal(6, 3, connections=1, seed=5).with_covariates("mean")
    estimates = [
        replace(estimate, free_energy=float(multivariate_normal.logpdf(y, 0, s2 + 1)))
        for estimate in data.estimates
        for y, s2 in [likelihood(estimate)]
    ]
    group = fit_visits(estimates, data.design, data.owners)
    assert group.mixture is not None
    grid = np.linspace(-3, 3, 301)[:, None]
    height = by_brute_force(data, group.mixture.u, grid)
    evidence = logsumexp(height, axis=1) + np.log(0.02)
    whole = replace(group.mixture, log_evidence=evidence[None])
    assert group.free_energy == pytest.approx(whole.total, abs=0.02)


def test_two_visits_each_are_the_change_where_means_tell_nothing() -> None:
    data = crossover(16, means=8.0, error=(0.3, 0.3), seed=0)
    prior = Gaussian(np.zeros(8), np.diag([1.0] * 6 + [1e-12] * 2))
    three = fit_visits(data.estimates, data.design, data.owners, PebSettings(prior=prior))
    named = {estimate.name: estimate for estimate in data.estimates}
    owners = list(dict.fromkeys(data.owners))
    halves = [combine_visits([named[f"{own}_ses-1"], named[f"{own}_ses-2"]], (-0.5, 0.5), own) for own in owners]
    second = data.design.columns(["period", "drug"]).rows([f"{own}_ses-2" for own in owners])
    design = replace(second, participants=tuple(owners))
    two = fit(halves, design, PebSettings(prior=Gaussian(np.zeros(4), np.eye(4))))
    for covariate in ("drug", "period"):
        a, b = three.of(covariate), two.of(covariate)
        assert np.abs(a.mean - b.mean).max() < 0.02 * b.sd.min()
        np.testing.assert_allclose(a.sd, b.sd, rtol=0.02)
    at = [three.design.column(name) for name in ("drug", "period")]
    np.testing.assert_allclose(three.probability[:, at], two.probability[:, [1, 0]], atol=0.01)


def test_visits_of_those_who_have_only_one_count_between_participants() -> None:
    ratios = []
    for seed in range(4):
        data = crossover(16, seed=seed)
        single = data.without(*(f"sub-{i:02d}_ses-2" for i in range(1, 6)))
        pairs = single.without(*(f"sub-{i:02d}_ses-1" for i in range(1, 6)))
        some, fewer = (fit_visits(own.estimates, own.design, own.owners) for own in (single, pairs))
        ratios.append([some.of(name).sd / fewer.of(name).sd for name in ("drug", "sequence")])
    assert some.remarks == ("16 participants, 27 visits; 5 have one visit only",)
    assert fewer.remarks == ("11 participants, 22 visits",)
    drug, sequence = np.mean(ratios, axis=(0, 2))
    assert drug == pytest.approx(1, abs=0.05)
    assert sequence == pytest.approx(np.sqrt(11 / 16), abs=0.08)


def test_effects_that_vary_between_participants_are_less_sure_than_visits_alone_would_have_it() -> None:
    data = longitudinal(16, 5, seed=1, own=0.4)
    own = fit_visits(data.estimates, data.design, data.owners)
    none = fit_visits(data.estimates, data.design, data.owners, own=())
    assert (own.of("time").sd > 1.3 * none.of("time").sd).all()
    np.testing.assert_allclose(own.of("group").sd, none.of("group").sd, rtol=0.1)
    spread = np.exp(-(own.noise.mean + np.log(16)) / 2).reshape(3, 2)  # of visits, means, own effects; √PC is 1
    np.testing.assert_allclose(spread.mean(axis=1), [0.25, 0.5, 0.4], rtol=0.35)


@pytest.mark.parametrize(("within", "other"), [("drug", "time"), ("time", "drug")])
def test_which_effects_differ_between_participants_is_left_to_the_data(within: str, other: str) -> None:
    data = repeated_crossover(24, within)
    found = fit_visits(data.estimates, data.design, data.owners)
    known = fit_visits(data.estimates, data.design, data.owners, own=[within])
    assert found.mixture is not None
    case = np.bincount(found.mixture.u[:, 3].astype(int), weights=found.mixture.weight[0])
    assert case[1 + ["drug", "time"].index(within)] > 0.8
    np.testing.assert_allclose(found.of(within).sd, known.of(within).sd, rtol=0.15)
    assert found.of(other).sd < 0.75 * found.of(within).sd


def test_own_effects_are_those_that_data_can_tell_apart() -> None:
    two = crossover(8)
    assert own_effects(two.design, group_visits(two.design, two.owners)).columns.shape[2] == 0
    five = longitudinal(8, 5)
    visits = group_visits(five.design, five.owners)
    assert own_effects(five.design, visits).columns.shape[2] == 1  # group × time is each participant's time again
    assert default_own_effects(five.design, five.owners) == ("time",)
    drug = np.resize([1.0, -1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0], 32)
    period = np.resize(np.eye(4), (32, 4))[:, 1:]
    names = tuple(f"s{i}_{v}" for i in range(8) for v in range(4))
    columns = ("mean", "drug[a]", "period[2]", "period[3]", "period[4]")
    design = Design(names, columns, np.column_stack([np.ones(32), drug, period]))
    visits = group_visits(design, [name[:2] for name in names])
    Z = own_effects(design, visits).columns
    np.testing.assert_allclose(np.abs(Z[..., 0]), 1.0)  # a period is another at every visit: only the drug's is left
    np.testing.assert_array_equal(own_effects(design, visits, ["drug[a]", "period[2]"]).of_term, np.eye(2))
    with pytest.raises(PebError, match="mean does not differ between the visits of a participant"):
        own_effects(design, visits, ["mean"])


def test_how_a_factor_of_visits_is_coded_does_not_matter_to_own_effects() -> None:
    dose = np.resize(np.eye(3), (36, 3)).repeat(2, axis=0)[:36]
    turned = np.column_stack([np.ones(36), dose[:, 1:] @ np.array([[1.0, 0.5], [-0.25, 2.0]]) + 3])
    names = tuple(f"s{i}_{v}" for i in range(6) for v in range(6))
    owners = [name[:2] for name in names]
    shared = []
    for matrix in (np.column_stack([np.ones(36), dose[:, 1:]]), turned):
        design = Design(names, ("mean", "dose[1]", "dose[2]"), matrix)
        Z = own_effects(design, group_visits(design, owners)).columns
        shared.append(Z @ np.swapaxes(Z, 1, 2))
    np.testing.assert_allclose(*shared, atol=1e-10)


def seen_twice_on_two_of_three_drugs() -> tuple[pandas.DataFrame, list[str]]:
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    rows = [(f"s{i}_{v}", f"s{i}", pairs[i % 3][v % 2], "gh"[i % 2], float(v)) for i in range(12) for v in range(4)]
    frame = pandas.DataFrame(rows, columns=["participant_id", "owner", "drug", "group", "time"])
    return frame, frame["owner"].tolist()


@pytest.mark.parametrize(
    ("formulas", "own"),
    [
        (("drug", "-1 + drug", "C(drug, contr.sum)", "C(drug, contr.helmert)", "C(drug, contr.treatment('c'))"), 2),
        (("group * time", "-1 + group + group:time", "C(group, contr.sum) * time"), 1),
        (("drug * time", "-1 + drug + drug:time", "time + C(drug, contr.sum) * time"), 3),
    ],
)
def test_own_effects_do_not_depend_on_the_coding_of_a_formula(formulas: tuple[str, ...], own: int) -> None:
    frame, owners = seen_twice_on_two_of_three_drugs()
    shared = []
    for formula in formulas:
        design = Design.from_formula(frame, formula)
        Z = own_effects(design, group_visits(design, owners)).columns
        assert Z.shape[2] == own
        shared.append(Z @ np.swapaxes(Z, 1, 2))
    np.testing.assert_allclose(shared, np.broadcast_to(shared[0], np.shape(shared)), atol=1e-9)


def test_an_outlier_is_not_heeded_and_is_named_once() -> None:
    plain, far = (crossover(16, seed=1, outlier=outlier) for outlier in (0.0, 8.0))
    usual, found = (fit_visits(own.estimates, own.design, own.owners) for own in (plain, far))
    assert np.abs(found.of("drug").mean - usual.of("drug").mean).max() < 0.5 * usual.of("drug").sd.max()
    assert found.influence is not None
    assert found.influence[:2, 0].max() < 0.2 < 0.8 < found.influence[2:].min()
    assert [remark for remark in found.remarks if "lies so far" in remark] == [
        "sub-01 lies so far from the others that the group hardly heeds this participant in B0 (influence "
        f"{found.influence[0, 0]:.2f})"
    ]


def test_order_and_units_do_not_matter() -> None:
    data = longitudinal(8, 3, seed=4, missed={5, 11}, correlation=0.3)
    backwards = data.design.rows(data.design.participants[::-1])
    plain = fit_visits(data.estimates, data.design, data.owners)
    turned = fit_visits(data.estimates, backwards, dict(zip(data.design.participants, data.owners, strict=True)))
    np.testing.assert_allclose(turned.mean, plain.mean, atol=1e-6)
    unit = np.diag([1e3, 1e-3])
    other = [
        replace(estimate, prior=estimate.prior.transformed(unit), posterior=estimate.posterior.transformed(unit))
        for estimate in data.estimates
    ]
    scaled = replace(data.design, matrix=data.design.matrix * [1.0, 1e-4, 1e3, 1e-4])
    found = fit_visits(other, scaled, data.owners)
    np.testing.assert_allclose(found.probability, plain.probability, atol=1e-6)
    assert found.free_energy == pytest.approx(plain.free_energy, abs=1e-5)


def test_effects_that_are_switched_off_are_reduced_as_in_every_group() -> None:
    data = crossover(14, seed=6, effect=0.8)
    group = fit_visits(data.estimates, data.design, data.owners)
    on = np.ones(group.posterior.mean.size, dtype=bool)
    lost = group.evidence_lost_by_each(on, np.arange(on.size))
    patterns = ~np.eye(on.size, dtype=bool)
    np.testing.assert_allclose(-lost, group.evidence_of(patterns), atol=1e-6)
    assert group.with_v_without[0, 1] > 0.9
    assert np.argmax(lost[2:4]) == 0


def test_spm_has_a_peb_of_pebs() -> None:
    data, spm = longitudinal(8, 4, seed=2), PebSettings(compat="spm12")
    found = fit_visits(data.estimates, data.design, data.owners, spm)
    made = []
    for own in dict.fromkeys(data.owners):
        names = [name for name, owner in zip(data.design.participants, data.owners, strict=True) if owner == own]
        rows = data.design.columns(["mean", "time"]).rows(names)
        made.append(fit([e for e in data.estimates if e.name in names], rows, spm, name=own).as_estimate())
    above = data.design.columns(["mean", "group"]).rows([f"{own.name}_ses-1" for own in made]).matrix
    again = fit(made, Design(tuple(own.name for own in made), ("mean", "group"), above), spm)
    np.testing.assert_array_equal(found.posterior.mean, again.posterior.mean)
    assert found.effects[-1] == "group: time: B1"
    few = data.without("sub-01_ses-1", "sub-01_ses-2", "sub-01_ses-3")
    with pytest.raises(PebError, match=r"sub-01 has too few visits for a PEB of its own .* leave this participant out"):
        fit_visits(few.estimates, few.design, few.owners, spm)


def test_a_number_that_differs_between_participants_and_within_them_is_named() -> None:
    rng = np.random.default_rng(0)
    owners = np.repeat(np.arange(12), 3).astype(str)
    visits = tuple(f"{owner}_{i % 3}" for i, owner in enumerate(owners))
    own, time = np.repeat(rng.standard_normal(12), 3), np.tile([-1.0, 0.0, 1.0], 12)
    score = own + rng.standard_normal(36)
    columns = {"mean": np.ones(36), "time": time, "age": own, "score": score, "rest": score - np.repeat(
        score.reshape(12, 3).mean(axis=1), 3
    )}  # fmt: skip
    design = Design(visits, tuple(columns), np.column_stack(list(columns.values())))
    said = describe_mixed_numbers(design, owners.tolist())
    assert [line.split()[0] for line in said] == ["score"]


def test_visits_that_are_nobodys_and_participants_with_one_visit_each_are_refused() -> None:
    data = crossover(4)
    with pytest.raises(PebError, match="it is not said whose visit sub-04_ses-2 is"):
        fit_visits(data.estimates, data.design, dict(zip(data.design.participants[:-1], data.owners, strict=False)))
    with pytest.raises(PebError, match="8 visits need as many participants' names, not 3"):
        fit_visits(data.estimates, data.design, data.owners[:3])
    with pytest.raises(PebError, match="no participant has more than one visit"):
        fit_visits(data.estimates, data.design, data.design.participants)
