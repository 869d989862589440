"""Group results as a notebook shows them, and designs from and to data frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from beartype import beartype
from group_models import group as small_group
from jaxtyping import jaxtyped
from made_up_group import made_up_group
from made_up_posterior import made_up_posterior
from scipy.stats import norm

import peb
from dcm import Failure, Marginal, Posterior, Settings
from peb import Design, DesignError, Gaussian, GroupPosterior


def test_an_effect_is_found_by_covariate_and_parameter() -> None:
    group = made_up_group()
    found = group["age", "A[amygdala<-vmPFC]"]
    assert isinstance(found, Marginal)
    assert found.mean == group.mean[0, 1]
    assert found.sd == pytest.approx(group.sd[0, 1])
    assert found.probability() == group.probability[0, 1]
    same = group["age: A[amygdala<-vmPFC]"]
    assert isinstance(same, Marginal)
    assert same.mean == found.mean
    np.testing.assert_array_equal(group["age"], group.mean[:, 1])


def test_a_column_of_arms_is_found_by_the_name_that_the_table_has() -> None:
    estimates, design = small_group()
    arms = ["drug" if k % 2 else "placebo" for k in range(len(estimates))]
    by_arm = Design.from_frame(pd.DataFrame({"participant_id": design.participants, "arm": arms}))
    settings = peb.PebSettings(between="gaussian")
    named, coded = (peb.fit_each_level(estimates, by_arm, name, settings) for name in ("arm", by_arm.covariates[1]))
    assert [group.name for group in named] == ["placebo", "drug"]
    for by_name, by_code in zip(named, coded, strict=True):
        np.testing.assert_array_equal(by_name.mean, by_code.mean)


def test_an_effect_is_found_however_the_arrow_is_written() -> None:
    group = made_up_group()
    found = group["age", "A[amygdala ← vmPFC]"]
    assert isinstance(found, Marginal)
    assert found.name == "age: A[amygdala<-vmPFC]"


def test_a_group_says_what_it_is_fitted_to() -> None:
    estimates, design = small_group()
    posteriors = {name: made_up_posterior() for name in design.participants}
    for given in (posteriors, list(posteriors.values())):
        with pytest.raises(TypeError, match=r"from_dcm\(\{participant: posterior"):
            peb.fit(cast(Any, given), design)
    with pytest.raises(TypeError, match=r"dict\(zip\(names, posteriors\)\)"):
        peb.from_dcm(cast(Any, list(posteriors.values())))
    with pytest.raises(TypeError, match=r"Design\.from_frame\(table\)"):
        peb.fit(estimates, cast(Any, design.to_frame()))


def test_one_field_or_covariate_may_be_a_text() -> None:
    estimates, design = small_group()
    group = peb.fit(estimates, design, peb.PebSettings(between="gaussian"), parameters=estimates[0].parameters[0])
    assert group.parameters == estimates[0].parameters[:1]
    assert peb.compare(group, np.eye(2, 1, dtype=bool), ["with", "without"], covariates="mean").covariates == ("mean",)
    posteriors = {name: made_up_posterior() for name in ("sub-01", "sub-02")}
    assert peb.from_dcm(posteriors, "transit")[0].parameters == peb.from_dcm(posteriors, ["transit"])[0].parameters
    table = pd.DataFrame({"participant_id": ["a", "b", "c"], "age": [20, 30, 50], "site": ["x", "y", "z"]})
    assert Design.from_frame(table, "age").covariates == ("mean", "age")
    with pytest.raises(DesignError, match=r"pandas\.get_dummies"):
        Design.from_frame(table, ["site"])
    arms = pd.DataFrame({"participant_id": list("abcd"), "arm": ["ket", "t", "ket", "t"]})
    assert Design.from_frame(table, "age", centre="age").centres == {"age": pytest.approx(100 / 3)}
    assert Design.from_frame(arms, plus="ket").covariates == ("mean", "arm[ket]")


def test_a_row_without_a_participant_is_named() -> None:
    table = pd.DataFrame({"participant_id": ["a", None, "c"], "age": [20, 30, 50]})
    with pytest.raises(DesignError, match="row 1 names no participant"):
        Design.from_frame(table)


def test_an_unknown_effect_names_the_nearest() -> None:
    with pytest.raises(KeyError, match=r"age: A\[amygdala<-vmPFC\]"):
        made_up_group()["agee", "A[amygdala<-vmPFC]"]


@pytest.mark.parametrize("name", ["mean", "sd", "probability", "marginals"])
def test_what_a_group_gives_has_the_annotated_shape(name: str) -> None:
    jaxtyped(typechecker=beartype)(vars(GroupPosterior)[name].fget)(made_up_group())


@pytest.mark.parametrize("name", ["sd", "probability", "free"])
def test_what_a_gaussian_gives_has_the_annotated_shape(name: str) -> None:
    jaxtyped(typechecker=beartype)(vars(Gaussian)[name].fget)(made_up_group().posterior)


def test_intervals_of_a_group_have_the_annotated_shape() -> None:
    group = made_up_group()
    assert jaxtyped(typechecker=beartype)(GroupPosterior.interval)(group).shape == (3, 2, 2)
    assert jaxtyped(typechecker=beartype)(Gaussian.interval)(group.posterior).shape == (6, 2)


def test_the_summary_of_a_group_has_a_row_for_every_effect() -> None:
    group = made_up_group()
    table = group.summary()
    assert list(table.columns) == ["covariate", "parameter", "mean", "sd", "lower", "upper", "probability"]
    assert tuple(table["covariate"] + ": " + table["parameter"]) == group.effects
    np.testing.assert_array_equal(table["mean"], group.posterior.mean)
    np.testing.assert_allclose(table["lower"], group.interval().transpose(1, 0, 2).reshape(-1, 2)[:, 0])
    np.testing.assert_array_equal(group.to_frame()["prior_sd"], group.prior.sd)


def test_the_summary_of_a_mixture_has_its_own_intervals() -> None:
    estimates, design = small_group()
    found = peb.fit(estimates, design)
    table = found.summary(0.8)
    np.testing.assert_array_equal(table["upper"], found.interval(0.8).transpose(1, 0, 2).reshape(-1, 2)[:, 1])
    np.testing.assert_array_equal(table["probability"], found.probability.T.ravel())


def test_every_analysis_has_a_summary_and_a_short_line() -> None:
    estimates, design = small_group()
    settings = peb.PebSettings(between="gaussian")
    group = peb.fit(estimates, design, settings)
    comparison = peb.compare(group, peb.every_combination(3), [str(k) for k in range(8)])
    results = {
        "comparison": comparison,
        "families": peb.families(comparison, ["some"] * 4 + ["others"] * 4),
        "search": peb.search(group),
        "left out": peb.leave_one_out(estimates, design, settings, covariate="improvement"),
        "permutation": peb.permutation_test(estimates, design, settings, covariate="improvement", permutations=3),
        "reduction": peb.reduce(group.prior, group.posterior, *peb.switched(group.prior, np.ones((1, 6), dtype=bool))),
        "random effects": peb.random_effects(np.array([[0.0, 1.0], [2.0, 0.0]])),
        "average": comparison.average,
        "estimate": estimates[0],
        "arm": peb.arms_from_separate_groups(group, group)[0],
    }
    for name, result in results.items():
        assert len(cast(Any, result).summary()) > 0, name
        assert len(repr(result)) < 300, repr(result)
    for shown in (group, design, settings, group.marginals):
        assert len(repr(shown)) < 300, repr(shown)


def test_the_average_of_a_comparison_has_the_probability_of_each_effect() -> None:
    estimates, design = small_group()
    group = peb.fit(estimates, design, peb.PebSettings(between="gaussian"))
    found = peb.compare(group, peb.every_combination(3), [str(k) for k in range(8)])
    table = found.summary()
    own = table[table["covariate"] == "improvement"]
    np.testing.assert_array_equal(own["probability"], found.parameter_probability("improvement"))
    assert found.to_frame()["probability"].sum() == pytest.approx(1)


def test_the_probability_of_a_gaussian_is_that_of_its_marginals() -> None:
    density = Gaussian(np.array([0.3, 1.0, -1.0]), np.diag([0.25, 0.0, 0.0]))
    np.testing.assert_allclose(density.probability, [norm.cdf(0.6), 1, 0])


def test_estimates_come_from_named_posteriors() -> None:
    posterior = made_up_posterior()
    first, second = peb.from_dcm({"sub-01": posterior, "sub-02": posterior}, fields=("A",))
    assert (first.name, second.name) == ("sub-01", "sub-02")
    assert set(first.fields) == {"A"}
    assert first.free_energy == posterior.free_energy


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(), r"different modes \(spm12: a; none: b\); invert all of them alike"),
        (Settings("spm12", priors="none"), r"\(spm12: a; spm12, but priors = 'none': b\)"),
    ],
)
def test_posteriors_of_different_modes_make_no_group(settings: Settings, says: str) -> None:
    posterior = made_up_posterior()
    with pytest.raises(ValueError, match=says):
        peb.from_dcm({"a": posterior, "b": dataclasses.replace(posterior, settings=settings)})


def test_how_the_optimum_was_looked_for_makes_no_other_mode() -> None:
    posterior = made_up_posterior()
    searched = dataclasses.replace(posterior, settings=Settings("spm12", starts=8, tolerance=0.1))
    assert len(peb.from_dcm({"a": posterior, "b": searched})) == 2


def test_a_failed_inversion_is_no_estimate() -> None:
    reasons = {"b": "failed: …", "c": "no scans", "d": "failed: …"}
    failures = {name: Failure(name, reason) for name, reason in reasons.items()}
    posteriors: Mapping[str, Posterior | Failure] = {"a": made_up_posterior(), **failures}
    with pytest.raises(ValueError, match=r"^b, d: failed: …; c: no scans; leave these participants out"):
        peb.from_dcm(posteriors)


def test_models_are_compared_by_the_settled_evidence_of_posteriors() -> None:
    F = np.array([[0.0, 1.0], [3.0, 1.0], [2.0, 0.5]])
    posteriors = {
        name: [cast(Posterior, SimpleNamespace(settled_free_energy=value)) for value in column]
        for name, column in zip(("forward", "backward"), F.T, strict=True)
    }
    found = peb.random_effects(posteriors)
    np.testing.assert_array_equal(found.alpha, peb.random_effects(F).alpha)
    assert list(found.summary()["model"]) == ["forward", "backward"]
    np.testing.assert_array_equal(peb.fixed_effects(posteriors), peb.fixed_effects(F))
    with pytest.raises(ValueError, match="every model needs a posterior of every participant"):
        peb.fixed_effects({**posteriors, "third": []})


FRAME = pd.DataFrame(
    {
        "participant_id": ["sub-1", "sub-2", "sub-3", "sub-4"],
        "arm": pd.Categorical(["placebo", "drug", "drug", "placebo"]),
        "age": pd.array([30, 40, 20, 34], dtype="Int64"),
        "smoker": [True, False, True, True],
    }
)


def test_a_design_comes_from_a_data_frame() -> None:
    design = Design.from_frame(FRAME, ["arm", "age"], plus=("drug",))
    assert design.participants == ("sub-1", "sub-2", "sub-3", "sub-4")
    assert design.covariates == ("mean", "arm[drug]", "age")
    np.testing.assert_array_equal(design.matrix[:, 1], [-1, 1, 1, -1])
    np.testing.assert_array_equal(design.matrix[:, 2], [-1, 9, -11, 3])
    assert design.centres == {"age": 31}


def test_true_and_false_are_numbers_and_participants_may_be_the_index() -> None:
    design = Design.from_frame(FRAME.set_index("participant_id"), ["smoker"], participant=None, centre=False)
    assert design.participants[0] == "sub-1"
    np.testing.assert_array_equal(design.matrix[:, 1], [1, 0, 1, 1])


def test_a_design_goes_back_to_a_data_frame() -> None:
    table = Design.from_frame(FRAME).to_frame()
    assert list(table.columns) == ["participant", "mean", "arm[placebo]", "age", "smoker"]
    assert list(table["age"]) == [-1, 9, -11, 3]


@pytest.mark.parametrize("column", ["arm", "age"])
def test_a_missing_value_names_the_participant(column: str) -> None:
    frame = FRAME.astype({"arm": object})
    frame.loc[2, column] = None
    with pytest.raises(DesignError, match=f"{column} is missing for sub-3; fill it in"):
        Design.from_frame(frame)


def test_columns_that_are_not_there_or_are_dates_are_refused() -> None:
    with pytest.raises(DesignError, match="no column 'subject'; name"):
        Design.from_frame(FRAME, participant="subject")
    with pytest.raises(DesignError, match="no column sex; it has"):
        Design.from_frame(FRAME, ["sex"])
    with pytest.raises(DesignError, match="give it as numbers, such as days"):
        Design.from_frame(FRAME.assign(visit=pd.date_range("2020-01-01", periods=4)))


def table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"participant_id": ["a", "b", "c", "d"], "age": [20.0, 30.0, 25.0, 41.0], **columns})


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (table().assign(participant_id=["a", None, "c", "d"]), "row 1 names no participant"),
        (pd.concat([table(), table()[["age"]]], axis=1), "two columns called age"),
        (table().iloc[:0], "no participant"),
        (table(age=[np.inf, 1.0, 2.0, 3.0]), "age is missing for a"),
        ({"participant_id": ["a"]}, "made of a data frame, not of a dict"),
    ],
)
def test_a_frame_that_is_no_design_is_named(frame: Any, told: str) -> None:
    with pytest.raises(DesignError, match=told):
        Design.from_frame(frame)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"plus": ["drgu"]}, "'drgu' is no kind of a covariate"),
        ({"plus": ["drug", "placebo"]}, "holds both drug and placebo"),
        ({"interactions": ["ab"]}, "pairs of covariates"),
        ({"interactions": ("age", "arm")}, "pairs of covariates"),
        ({"covariates": [["age"]]}, "has no column"),
    ],
)
def test_options_of_a_design_that_say_nothing_are_named(options: dict[str, Any], told: str) -> None:
    with pytest.raises(DesignError, match=told):
        Design.from_frame(table(arm=["drug", "placebo"] * 2), **options)


def test_one_name_may_be_a_text_where_names_are_asked_for() -> None:
    design = Design.from_frame(table(arm=["drug", "x"] * 2), centre="age", plus="drug")
    assert (list(design.centres), design.kinds) == (["age"], {"arm[drug]": ("x", "drug")})


@pytest.mark.parametrize("values", [np.arange(4) + 1j, np.arange(4).astype("datetime64[D]")])
def test_a_covariate_of_no_real_numbers_is_refused(values: np.ndarray) -> None:
    with pytest.raises(DesignError, match="give it as numbers"):
        peb.make_design("abcd", {"age": values})


def test_masked_values_are_missing() -> None:
    with pytest.raises(DesignError, match="age is missing for d"):
        peb.make_design("abcd", {"age": np.ma.masked_greater([1.0, 2.0, 3.0, 9.0], 5.0)})


def test_participants_may_be_numbers() -> None:
    estimates = peb.from_dcm(cast(Any, {1: made_up_posterior(), 2: made_up_posterior()}))
    design = peb.make_design(cast(Any, [1, 2]), {})
    assert tuple(estimate.name for estimate in estimates) == design.participants == ("1", "2")


def test_fields_of_a_generator_serve_every_participant() -> None:
    posteriors = {"a": made_up_posterior(), "b": made_up_posterior()}
    found = peb.from_dcm(posteriors, cast(Any, (field for field in ["A"])))
    assert found[0].parameters == found[1].parameters == peb.from_dcm(posteriors, ["A"])[0].parameters


def test_fields_are_found_however_the_arrow_is_written() -> None:
    (found,) = peb.from_dcm({"a": made_up_posterior()}, ["A[vmPFC ← amygdala]"])
    assert found.parameters == ("A[vmPFC<-amygdala]",)


def test_posteriors_whose_a_is_not_the_same_quantity_are_no_group() -> None:
    centred = dataclasses.replace(made_up_posterior(), centre_inputs=True)
    with pytest.raises(ValueError, match="inputs were centred for b alone"):
        peb.from_dcm({"a": made_up_posterior(), "b": centred})


@pytest.mark.parametrize("odd", [None, 3, "posterior"])
def test_what_is_no_posterior_is_named(odd: Any) -> None:
    with pytest.raises(TypeError, match="b: a posterior is one of"):
        peb.from_dcm({"a": made_up_posterior(), "b": odd})


def test_a_posterior_that_is_not_finite_is_named() -> None:
    broken = dataclasses.replace(made_up_posterior(), mean=made_up_posterior().mean * np.nan)
    with pytest.raises(ValueError, match="b: a Gaussian must have a finite mean"):
        peb.from_dcm({"a": made_up_posterior(), "b": broken})


@pytest.mark.parametrize("key", [3, None, ["age"], ("a", "b", "c")])
def test_a_key_of_the_wrong_kind_is_no_effect(key: Any) -> None:
    with pytest.raises(KeyError, match="no effect or covariate"):
        made_up_group()[key]
