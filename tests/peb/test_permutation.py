"""The permutation test: its statistic against a fit and a reduction, its p-value against a count."""

from __future__ import annotations

from dataclasses import replace

import group_models
import numpy as np
import pytest

from peb import Design, DesignError, Estimate, PebError, PebSettings, fit, make_design, reduce, switched
from peb._permutation import Permutation, permutation_test, residualised

EXACT = PebSettings(between="gaussian")
INTERACTION = "arm[placebo]×improvement"
Group = tuple[list[Estimate], Design]


@pytest.fixture(scope="module")
def trial() -> Group:
    """Improvement and, less so, arm have effects; their product has one on the last parameter only."""
    rng = np.random.default_rng(2)
    names = [f"sub-{i + 1:02d}" for i in range(16)]
    arm = np.repeat(["drug", "placebo"], 8)
    improvement = rng.normal(size=16) + (arm == "drug")
    design = make_design(names, {"arm": arm, "improvement": improvement}, interactions=[("arm", "improvement")])
    effects = np.array([[0.3, 0.0, 0.0], [0.2, 0.2, 0.0], [0.6, 0.0, 0.0], [0.0, 0.0, 0.6]])
    truth = design.matrix @ effects + 0.15 * rng.normal(size=(16, 3))
    return [group_models.estimate(name, row, rng) for name, row in zip(names, truth, strict=True)], design


def run(group: Group, covariate: str = INTERACTION, **changes: object) -> Permutation:
    """The test with few permutations; all calls share one compiled program."""
    given: dict[str, object] = {"permutations": 99, "seed": 4, **changes}
    return permutation_test(*group, EXACT, covariate=covariate, **given)  # type: ignore[arg-type]  # options by name


@pytest.fixture(scope="module")
def found(trial: Group) -> Permutation:
    return run(trial)


@pytest.mark.parametrize("effects", [None, ["B"], ["A[x<-y]", "B[y<-x, drug]"]])
def test_statistic_is_what_a_fit_and_an_exact_reduction_give(trial: Group, effects: list[str] | None) -> None:
    estimates, design = trial
    whole = fit(estimates, residualised(design, INTERACTION), EXACT)
    on = np.ones(whole.prior.mean.size, dtype=bool)
    chosen = [
        effects is None or name in effects or field in effects
        for name, field in zip(whole.parameters, whole.fields, strict=True)
    ]
    on[whole.places(INTERACTION)[chosen]] = False
    less = reduce(whole.prior, whole.posterior, *switched(whole.prior, on[None])).delta_free_energy[0]
    assert run(trial, effects=effects).statistic == pytest.approx(-less, abs=1e-7)


def test_p_counts_the_permutations_that_do_as_well(found: Permutation) -> None:
    assert found.null.shape == (99,)
    assert found.p_value == (1 + (found.null >= found.statistic - 1e-9 * abs(found.statistic)).sum()) / 100
    assert found.unfinished == 0


def test_a_permutation_is_a_fit_to_the_shuffled_residual(trial: Group, found: Permutation) -> None:
    estimates, design = trial
    matrix = residualised(design, INTERACTION).matrix.copy()
    shuffled = np.random.default_rng(4).permutation(matrix[:, 3])
    shuffled -= matrix[:, :3] @ np.linalg.lstsq(matrix[:, :3], shuffled)[0]
    matrix[:, 3] = shuffled * np.sqrt((matrix[:, 3] ** 2).sum() / (shuffled**2).sum())
    whole = fit(estimates, replace(design, matrix=matrix), EXACT)
    on = np.ones((1, whole.prior.mean.size), dtype=bool)
    on[0, whole.places(INTERACTION)] = False
    less = reduce(whole.prior, whole.posterior, *switched(whole.prior, on)).delta_free_energy[0]
    assert found.null[0] == pytest.approx(-less, abs=1e-7)


def test_effects_that_are_there_are_found_and_others_are_not(trial: Group) -> None:
    assert run(trial, effects=["B"]).p_value == 0.01
    assert run(trial, "improvement", effects=["A[x<-y]"]).p_value == 0.01
    assert run(trial, effects=["A"]).p_value > 0.1


def test_what_others_explain_of_the_covariate_does_not_matter(trial: Group, found: Permutation) -> None:
    estimates, design = trial
    matrix = design.matrix.copy()
    matrix[:, 3] += matrix[:, :3] @ [0.5, -1.0, 0.7]
    mixed = run((estimates, replace(design, matrix=matrix)))
    assert mixed.statistic == pytest.approx(found.statistic, abs=1e-6)
    assert mixed.p_value == found.p_value


def test_sign_and_unit_of_the_covariate_do_not_matter(trial: Group, found: Permutation) -> None:
    estimates, design = trial
    matrix = design.matrix * np.array([1.0, 1.0, 1.0, -60.0])
    turned = run((estimates, replace(design, matrix=matrix)))
    np.testing.assert_allclose(turned.null, found.null, atol=1e-6)


def test_the_seed_decides_the_permutations(trial: Group, found: Permutation) -> None:
    again, other = run(trial), run(trial, seed=5)
    assert again.null.tobytes() == found.null.tobytes()
    assert (other.null != found.null).any()
    assert other.statistic == found.statistic


def test_a_permutation_that_changes_nothing_counts_as_reaching_the_statistic() -> None:
    """Of two columns with one participant apart, one shuffle in twelve is the observed one, and no other is better."""
    estimates, design = group_models.group()
    odd = np.zeros(12)
    odd[0] = 1.0
    matrix = np.column_stack([np.ones(12), odd])
    estimates[0] = group_models.estimate("sub-01", np.array([3.0, -3.0, 3.0]), np.random.default_rng(0))
    found = permutation_test(
        estimates, Design(design.participants, ("mean", "odd"), matrix), EXACT, covariate="odd", permutations=199
    )
    same = np.abs(found.null - found.statistic) < 1e-6
    assert 5 <= same.sum() <= 35
    assert found.p_value == (1 + same.sum()) / 200


def test_what_cannot_be_tested_is_refused(trial: Group) -> None:
    with pytest.raises(DesignError, match="no permutation changes it"):
        run(trial, "mean")
    with pytest.raises(PebError, match="no effect is on 'C'"):
        run(trial, effects=["C"])
    with pytest.raises(PebError, match="no effect to test"):
        run(trial, effects=[])
    with pytest.raises(PebError, match="at least 1 permutation"):
        run(trial, permutations=0)
