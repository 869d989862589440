"""Contrasts by name: what they are, that they equal the closed form, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from scipy.stats import norm

from peb import (
    Design,
    DesignError,
    EffectParts,
    Estimate,
    Gaussian,
    PebSettings,
    describe_effect,
    effect_parts,
    evaluate_contrast,
    fit,
    parse_contrast,
)

N = 24


def people() -> pandas.DataFrame:
    rng = np.random.default_rng(1)
    return pandas.DataFrame(
        {
            "participant_id": [f"sub-{i:02d}" for i in range(N)],
            "drug": np.resize(["ketamine", "midazolam", "placebo"], N),
            "visit": np.repeat(["ses-1", "ses-2"], N // 2),
            "rescue": np.resize(["placebo", "none", "none", "placebo", "none"], N),
            "age": rng.normal(40, 8, N),
        }
    )


def weights(formula: str, contrast: str) -> dict[str, float]:
    design = Design.from_formula(people(), formula, reference={"drug": "placebo"})
    found = parse_contrast(contrast, design).weights
    return {name: round(float(weight), 9) for name, weight in zip(design.covariates, found, strict=True) if weight}


def test_levels_are_differences_of_columns() -> None:
    assert weights("drug + age", "ketamine - midazolam") == {"drug[ketamine]": 1, "drug[midazolam]": -1}
    assert weights("drug + age", "ketamine - placebo") == {"drug[ketamine]": 1}
    assert weights("-1 + drug", "0.5*ketamine + midazolam/2 - placebo") == {
        "drug[ketamine]": 0.5,
        "drug[midazolam]": 0.5,
        "drug[placebo]": -1,
    }


def test_a_level_is_its_mean_and_parentheses_group() -> None:
    assert weights("drug", "placebo") == {"mean": 1, "drug[ketamine]": -1 / 3, "drug[midazolam]": -1 / 3} | {
        "drug[ketamine]": round(-1 / 3, 9),
        "drug[midazolam]": round(-1 / 3, 9),
    }
    assert weights("drug", "(ketamine + midazolam)/2 - placebo") == {"drug[ketamine]": 0.5, "drug[midazolam]": 0.5}
    assert weights("drug + age", "mean") == {"mean": 1}


def test_slopes_in_levels() -> None:
    assert weights("drug * age", "ketamine:age - placebo:age") == {"drug[ketamine]×age": 1}
    assert weights("drug * age", "age") == {"age": 1}


def test_cells_of_two_factors() -> None:
    asked = "ketamine:ses-2 - ketamine:ses-1 - placebo:ses-2 + placebo:ses-1"
    assert weights("drug * visit", asked) == {"drug[ketamine]×visit[ses-2]": 1}
    assert weights("drug * visit", "ses-2 - ses-1") == {"visit[ses-2]": 1}
    assert weights("drug * visit", "`ses-2`-`ses-1`") == {"visit[ses-2]": 1}


def test_a_level_of_two_factors_is_named_with_its_own() -> None:
    asked = "drug[ketamine] - drug[placebo]"
    assert weights("drug + rescue", asked) == {"drug[ketamine]": 1}
    with pytest.raises(DesignError, match=r"placebo is a level of drug and of rescue; write drug\[placebo\]"):
        weights("drug + rescue", "ketamine - placebo")


def test_columns_of_a_design_without_a_formula() -> None:
    frame = people()
    design = Design.from_frame(frame, ["visit", "age"], plus=["ses-2"])
    found = parse_contrast("2 * visit[ses-2] + age", design)
    np.testing.assert_array_equal(found.weights, [0, 2, 1])


def test_a_contrast_is_explained() -> None:
    design = Design.from_formula(people(), "drug * age")
    assert parse_contrast("ketamine - midazolam", design).explanation == "ketamine minus midazolam, at the average age"
    found = parse_contrast("0.5*ketamine + 0.5*midazolam - placebo", design)
    assert found.explanation == "the average of ketamine and midazolam minus placebo, at the average age"
    assert parse_contrast("-0.3*ketamine", design).explanation == "−0.3 × mean of ketamine, at the average age"
    both = parse_contrast("0.5*ketamine + 0.5*midazolam", design)
    assert both.explanation == "the average of ketamine and midazolam, at the average age"
    assert parse_contrast("ketamine:age/2", design).explanation == "0.5 × change per unit of age in ketamine"
    slope = parse_contrast("ketamine:age - placebo:age", design)
    assert slope.explanation == "change per unit of age: ketamine minus placebo"


def group_of_known_participants() -> tuple[list[Estimate], Design]:
    frame, rng = people(), np.random.default_rng(3)
    prior = Gaussian(np.zeros(1), np.array([[0.5]]))
    cohort = [
        Estimate(name, ("A[a<-b]",), ("A",), prior, Gaussian(rng.normal(0.2, 0.5, 1), np.array([[0.04]])), 0.0)
        for name in frame["participant_id"]
    ]
    return cohort, Design.from_formula(frame, "drug + age")


@pytest.mark.parametrize(
    ("contrast", "parts"),
    [
        ("mean", EffectParts(())),
        ("ketamine", EffectParts((), "ketamine, at 1 mg")),
        ("ketamine - placebo", EffectParts((), "ketamine, at 1 mg", "placebo: pill")),
        (
            "0.5*ketamine + 0.5*midazolam - placebo",
            EffectParts((), "the average of ketamine, at 1 mg and midazolam", "placebo: pill"),
        ),
        ("age", EffectParts(("age",))),
        ("ketamine:age", EffectParts(("age",), "ketamine, at 1 mg")),
        ("ketamine:age - midazolam:age", EffectParts(("age",), "ketamine, at 1 mg", "midazolam")),
        ("2*ketamine - 2*placebo", None),
        ("age + ketamine - placebo", None),
    ],
)
def test_the_parts_of_an_effect_are_known_whatever_levels_are_called(contrast: str, parts: EffectParts | None) -> None:
    called = {"ketamine": "ketamine, at 1 mg", "placebo": "placebo: pill"}
    design = Design.from_formula(people().replace({"drug": called}), "drug * age")
    for short, level in called.items():
        contrast = contrast.replace(short, f"`{level}`")
    found = parse_contrast(contrast, design)
    assert design.form is not None
    assert found.canonical is not None
    assert effect_parts(design.form, found.canonical) == parts
    said = describe_effect(design.form, found.canonical, briefly=True)
    assert parts is None or found.explanation.startswith(said)


def test_the_posterior_of_a_contrast_is_the_closed_form() -> None:
    """With the spread between participants known, effects are those of a linear Gaussian model."""
    cohort, design = group_of_known_participants()
    group = fit(cohort, design, PebSettings(between="gaussian", components="none", between_ratio=4.0))
    assert design.prior is not None
    found = evaluate_contrast(group, "ketamine - 0.5*midazolam - 0.5*placebo")
    w, X = found.contrast.weights, design.matrix
    y = np.array([estimate.posterior.mean[0] for estimate in cohort]) * (1 / 0.04) / (1 / 0.04 - 1 / 0.5)
    variance = 1 / (1 / 0.04 - 1 / 0.5) + 0.5 / 4
    P0 = np.linalg.inv(design.prior.covariance * 0.5)
    C = np.linalg.inv(P0 + X.T @ X / variance)
    mean, sd = w @ C @ X.T @ y / variance, np.sqrt(w @ C @ w)
    prior_sd = np.sqrt(w @ design.prior.covariance @ w * 0.5)
    assert found.mean[0] == pytest.approx(mean, abs=1e-9)
    assert found.sd[0] == pytest.approx(sd, rel=1e-9)
    assert found.probability[0] == pytest.approx(norm.sf(0, mean, sd), abs=1e-9)
    odds = norm.pdf(0, 0, prior_sd) / norm.pdf(0, mean, sd)
    assert found.with_v_without[0] == pytest.approx(odds / (1 + odds), rel=1e-8)
    assert prior_sd**2 == pytest.approx(1.5 * 2 * 0.5)  # of levels' effects a, wᵀ (2 PC (I − 11ᵀ/3)) w


def test_a_contrast_has_intervals_a_table_and_a_verdict() -> None:
    cohort, design = group_of_known_participants()
    found = evaluate_contrast(fit(cohort, design), "ketamine - midazolam")
    assert list(found.summary().columns) == [
        "contrast", "parameter", "mean", "sd", "lower", "upper", "probability", "with_v_without",
    ]  # fmt: skip
    assert found.interval().shape == (1, 2)
    assert found.verdict(0.5).kind in ("open", "no difference")
    assert found.prior.sd[0] == pytest.approx(np.sqrt(4 * 0.5))


BAD = {
    "unknown level": ("ketamin - placebo", "no level, number or column is called 'ketamin'; did you mean ketamine"),
    "nothing": ("ketamine - ketamine", "its weights are all 0"),
    "zero": ("0*ketamine", "its weights are all 0"),
    "no slope in levels": ("ketamine:age - placebo:age", "no drug:age"),
    "no interaction": ("ketamine:ses-2 - ketamine:ses-1 - placebo:ses-2 + placebo:ses-1", "no drug:visit"),
    "two levels of one": ("ketamine:placebo", "two levels of drug"),
    "a number alone": ("2", "names no level"),
    "a number added": ("ketamine + 1", "a number by itself"),
    "a product": ("ketamine*placebo", "multiplied or divided by numbers alone"),
    "by zero": ("ketamine/0", "divided by 0"),
    "executed": ("__import__('os')", "no level, number or column is called '__import__'"),
    "unclosed": ("(ketamine - placebo", "not closed"),
    "empty": ("  ", "a contrast is a text"),
    "ends in a colon": ("ketamine:", "missing at its end"),
    "too large": ("1e400*ketamine", "too large"),
    "too large to square": ("1e200*ketamine - 1e200*placebo", "too large"),
    "too large together": ("ketamine*1e308*1e308", "too large"),
    "ends": ("ketamine -", "missing at its end"),
    "beside": ("ketamine placebo", "where nothing more"),
    "slope that is not there": ("score", "no level, number or column"),
    "deep": ("(" * 50 + "ketamine" + ")" * 50, "too deep"),
    "long": ("ketamine +" * 500, "letters; at most"),
}


@pytest.mark.parametrize("name", ["north", "mean"])
def test_a_name_of_a_level_and_of_a_column_is_refused_without_the_factor(name: str) -> None:
    levels = np.resize([name, "south"], 12)
    frame = pandas.DataFrame(
        {"participant_id": [f"sub-{i}" for i in range(12)], "site": levels, "north": np.arange(12.0) % 5}
    )
    design = Design.from_formula(frame, "site + north")
    with pytest.raises(DesignError, match=rf"{name} is (a number|the mean of all) and a level of site; write site"):
        parse_contrast(f"{name} - south", design)
    assert parse_contrast(f"site[{name}] - south", design).explanation == f"{name} minus south, at the same north"


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=list(BAD))
def test_a_bad_contrast_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(DesignError, match=said) as caught:
        weights("drug + visit + age", text)
    assert "\n" not in str(caught.value)
