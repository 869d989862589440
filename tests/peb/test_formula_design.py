"""Designs from formulas: what they hold, that coding never matters, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from peb import (
    Design,
    DesignError,
    Estimate,
    Gaussian,
    PebSettings,
    SamplingSettings,
    evaluate_contrast,
    fit,
    leave_one_out,
    make_design,
    permutation_test,
    sample,
    search,
)

N = 24


def people() -> pandas.DataFrame:
    rng = np.random.default_rng(5)
    return pandas.DataFrame(
        {
            "participant_id": [f"sub-{i:02d}" for i in range(N)],
            "group": np.repeat(["controls", "patients"], [14, 10]),
            "drug": np.resize(["ketamine", "midazolam", "placebo"], N),
            "site": np.repeat(["north", "south", "west", "north"], 6),
            "age": rng.normal(40, 8, N),
            "score": rng.normal(0, 2, N),
            "female": rng.random(N) < 0.5,
            "group_01": np.repeat([0, 1], [14, 10]),
            "centre no": np.resize([1, 2, 3, 4], N),
        }
    )


def estimates(frame: pandas.DataFrame) -> list[Estimate]:
    rng = np.random.default_rng(6)
    prior = Gaussian(np.array([0.1, -0.2]), np.diag([0.25, 0.4]))
    cross = np.array([[0.05, 0.02], [0.02, 0.08]])
    effect = 0.5 * frame["group_01"].to_numpy() + 0.02 * (frame["age"].to_numpy() - 40)
    return [
        Estimate(
            name,
            ("B[a<-b, task]", "B[b<-a, task]"),
            ("B", "B"),
            prior,
            Gaussian(np.array([own, 0.2]) + rng.normal(0, 0.4, 2), cross),
            -100.0,
        )
        for name, own in zip(frame["participant_id"], effect, strict=True)
    ]


CODINGS = {
    "usual": ("group + age + site", "patients - controls"),
    "treatment, controls": ("C(group, contr.treatment('controls')) + age + site", "patients - controls"),
    "treatment, patients": ('C(group, contr.treatment("patients")) + age + site', "patients - controls"),
    "sum": ("C(group, contr.sum) + age + C(site, contr.helmert)", "patients - controls"),
    "cell means": ("-1 + group + age + site", "patients - controls"),
    "a number": ("group_01 + age + site", "group_01"),
}


@pytest.mark.parametrize("between", ["mixture", "gaussian"])
def test_contrasts_and_evidence_are_the_same_however_a_group_is_coded(between: str) -> None:
    frame, settings = people(), PebSettings(between=between)  # type: ignore[arg-type]  # parametrised as text
    cohort = estimates(frame)
    without = fit(cohort, Design.from_formula(frame, "1 + age + site"), settings).free_energy
    found = []
    for formula, asked in CODINGS.values():
        group = fit(cohort, Design.from_formula(frame, formula), settings)
        answer = evaluate_contrast(group, asked)
        age = evaluate_contrast(group, "age")
        parts = (answer.mean, answer.sd, answer.probability, answer.with_v_without, answer.interval().ravel(), age.mean)
        found.append(np.array([*np.concatenate(parts), group.free_energy - without]))
    np.testing.assert_allclose(found, np.broadcast_to(found[0], np.shape(found)), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("between", ["mixture", "gaussian"])
def test_slopes_in_three_levels_do_not_depend_on_coding(between: str) -> None:
    frame, settings = people(), PebSettings(between=between)  # type: ignore[arg-type]  # parametrised as text
    cohort = estimates(frame)
    found = []
    for formula in ("drug * age", "C(drug, contr.sum) * age", "C(drug, contr.treatment) * age", "-1 + drug + drug:age"):
        group = fit(cohort, Design.from_formula(frame, formula), settings)
        answer = evaluate_contrast(group, "ketamine:age - placebo:age")
        found.append(np.concatenate([answer.mean, answer.sd, answer.with_v_without, [group.free_energy]]))
    np.testing.assert_allclose(found, np.broadcast_to(found[0], np.shape(found)), rtol=1e-8, atol=1e-8)


def test_two_levels_and_numbers_have_the_prior_of_a_column_of_minus_one_and_one() -> None:
    frame = people()
    cohort = estimates(frame)
    older = make_design(
        frame["participant_id"],
        {"group": frame["group"].to_numpy(), "age": frame["age"].to_numpy()},
        interactions=[("group", "age")],
    )
    settings = PebSettings(between="gaussian")
    group = fit(cohort, older, settings)
    new = fit(cohort, Design.from_formula(frame, "group * age"), settings)
    assert new.free_energy == pytest.approx(group.free_energy, abs=1e-7)
    for column, asked in (("group[patients]", "patients - controls"), ("group[patients]×age", None)):
        answer = evaluate_contrast(new, asked or "patients:age - controls:age")
        np.testing.assert_allclose(answer.mean, 2 * group.marginals.mean[:, older.column(column)], atol=1e-8)


def test_levels_are_exchangeable_a_priori() -> None:
    form = Design.from_formula(people(), "drug").form
    assert form is not None
    levels = ["ketamine", "midazolam", "placebo"]
    from peb._canonical_form import Cell

    rows = np.array([form.weights_of(Cell({"drug": level}, frozenset())) for level in levels])
    covariance = rows @ np.diag(form.variance) @ rows.T
    np.testing.assert_allclose(covariance, 1 + 2 * (np.eye(3) - 1 / 3), atol=1e-12)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        apart = rows[i] - rows[j]
        assert apart @ np.diag(form.variance) @ apart == pytest.approx(4)


def test_columns_are_named_centred_and_explained() -> None:
    frame = people()
    design = Design.from_formula(frame, "1 + drug + age + female", reference={"drug": "placebo"})
    assert design.covariates == ("mean", "drug[ketamine]", "drug[midazolam]", "age", "female[True]")
    assert design.centres == {"age": pytest.approx(frame["age"].mean())}
    assert design.explanations["drug[ketamine]"] == "ketamine minus placebo, at the same age and female"
    assert design.explanations["mean"] == "mean, at the average age, averaged over drug and female"
    assert design.explanations["female[True]"] == "female True minus female False, at the same age and drug"
    assert list(design.describe()["column"]) == list(design.covariates)


def test_a_number_is_a_factor_by_its_coding_and_odd_names_stand_in_backticks() -> None:
    design = Design.from_formula(people(), "C(`centre no`)")
    assert design.covariates == ("mean", "centre no[2]", "centre no[3]", "centre no[4]")
    assert design.explanations["centre no[2]"] == "centre no 2 minus centre no 1"


def test_a_number_of_two_values_is_said_to_be_centred_halfway() -> None:
    design = Design.from_formula(people(), "group_01 + age")
    assert design.explanations["mean"] == "mean, at the average age, halfway between the values of group_01"
    assert any("group_01 was centred: 0.5 was subtracted, halfway" in line for line in design.remarks)


def test_cell_means_and_codings_say_what_they_are() -> None:
    frame = people()
    cells = Design.from_formula(frame, "-1 + group")
    assert cells.explanations == {"group[controls]": "mean of controls", "group[patients]": "mean of patients"}
    treated = Design.from_formula(frame, "C(group, contr.treatment('controls'))")
    assert treated.explanations["intercept"] == "mean of controls"
    summed = Design.from_formula(frame, "C(drug, contr.sum)")
    assert summed.explanations["drug[sum ketamine]"] == "ketamine minus the average of all"


def test_some_rows_and_some_columns_keep_their_prior() -> None:
    design = Design.from_formula(people(), "C(group, contr.treatment('controls')) + age")
    part = design.rows(design.participants[4:])
    assert part.prior is design.prior
    assert part.form is design.form
    alone = design.columns(["intercept", "age"]).prior
    assert alone is not None  # without a difference between groups, the mean of controls is that of all
    np.testing.assert_allclose(alone.mean, [1, 0], atol=1e-12)
    np.testing.assert_allclose(np.diag(alone.covariance), [1, 1 / people()["age"].var(ddof=0)], rtol=1e-9)


@pytest.mark.parametrize("between", ["mixture", "gaussian"])
def test_a_column_switched_off_is_the_model_without_it(between: str) -> None:
    frame, settings = people(), PebSettings(between=between)  # type: ignore[arg-type]  # parametrised as text
    design = Design.from_formula(frame, "C(group, contr.treatment('controls')) + age + score")
    group = fit(estimates(frame), design, settings)
    contrast = evaluate_contrast(group, "patients - controls")
    np.testing.assert_allclose(group.with_v_without[:, 1], contrast.with_v_without, rtol=1e-8)
    on = np.ones(group.posterior.mean.size, dtype=bool)
    on[group.places("group[patients]")[0]] = False
    lost = group.evidence_of(on[None])[0]
    assert 1 / (1 + np.exp(lost)) == pytest.approx(contrast.with_v_without[0], rel=1e-7)


@pytest.mark.parametrize("between", ["mixture", "gaussian"])
def test_permutation_and_search_give_the_same_for_either_coding(between: str) -> None:
    frame, settings = people(), PebSettings(between=between)  # type: ignore[arg-type]  # parametrised as text
    cohort = estimates(frame)
    found = []
    for formula in ("group + age + score", "C(group, contr.treatment('controls')) + age + score"):
        design = Design.from_formula(frame, formula)
        test = permutation_test(cohort, design, settings, covariate="group[patients]", permutations=19)
        searched = search(fit(cohort, design, settings))
        kept = dict(zip(searched.effects, searched.kept, strict=True))
        found.append((test.statistic, test.p_value, kept["group[patients]: B[a<-b, task]"]))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-6)
    assert found[0][1:] == found[1][1:]


def test_sampling_draws_from_the_same_density_as_the_fit() -> None:
    frame = people()
    cohort, design = estimates(frame), Design.from_formula(frame, "C(group, contr.treatment('controls'))")
    group = fit(cohort, design)
    drawn = sample(cohort, design, sampling=SamplingSettings(chains=2, warmup=200, draws=300))
    assert np.abs(drawn.compare(group).shift).max() < 0.35


def test_one_participant_left_out_is_predicted_by_a_number_not_by_one_of_many_levels() -> None:
    frame = people()
    cohort, design = estimates(frame), Design.from_formula(frame, "drug + age")
    assert leave_one_out(cohort, design, covariate="age", shuffles=3).covariate == "age"
    with pytest.raises(DesignError, match="more than two levels"):
        leave_one_out(cohort, design, covariate="drug[placebo]")


BAD = {  # formula or what is done to the table → what is said
    "unknown column": ("group + agee", "no column 'agee'; did you mean age?"),
    "a function": ("np.log(age)", r"np.log\(…\) is not understood"),
    "an import": ("__import__('os').system('id')", r"__import__\(…\) is not understood"),
    "an attribute call": ("age.__class__()", "is not understood"),
    "a lambda": ("(lambda: 1)()", "':' may not|is where a term|no column|is not understood|no term can end"),
    "braces": ("{age}", "'{' may not be in it"),
    "quotes": ("Q('age')", r"Q\(…\) is not understood"),
    "I()": ("I(age)", r"I\(…\) is not understood"),
    "two sides": ("age ~ group", "no left side"),
    "random effects": ("(1 | site)", "random effects"),
    "nested": ("site / group", "/ is not understood"),
    "power": ("(group + age)**2", "is not understood"),
    "power ^": ("(group + age)^2", "is not understood"),
    "a number in it": ("2*age", "of numbers only 1"),
    "one in a product": ("1:age", "stand by themselves"),
    "empty": ("", "is empty"),
    "unclosed": ("(group + age", "not closed"),
    "closed too often": ("group + age)", "no term can end"),
    "ends in +": ("group +", "missing at its end"),
    "two names": ("group age", "no term can end"),
    "backtick": ("`centre no", "backtick is not closed"),
    "huge": ("+".join(["age"] * 2000), "letters; at most"),
    "very deep": ("(" * 40 + "age" + ")" * 40, "too deep"),
    "exploding": ("*".join("(age + score + group + site + drug)" for _ in range(8)), "terms"),
    "twice": ("group + age + group", "group is in it twice"),
    "two codings": ("C(group, contr.sum) + group:age", "coded in two ways"),
    "unknown coding": ("C(group, contr.magic)", "contr.magic is not understood"),
    "coding executed": ("C(group, contr.treatment(__import__('os')))", "is not understood|takes a name"),
    "unknown reference": ("C(group, contr.treatment('contrls'))", "did you mean controls"),
    "no mean": ("-1 + age", "has no mean"),
    "nothing": ("0", "has no mean"),
    "too many columns": ("site:drug:group:female:`centre no`", "columns|nobody is"),
    "empty cell": ("group * site", "nobody is patients .group. and south|nobody is"),
    "called mean": ("mean", "no column 'mean'"),
    "participants": ("participant_id", "level of its own"),
}


@pytest.mark.parametrize(("formula", "said"), BAD.values(), ids=list(BAD))
def test_a_bad_formula_is_refused_in_one_line(formula: str, said: str) -> None:
    with pytest.raises(DesignError, match=said) as caught:
        Design.from_formula(people(), formula)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def bad_tables() -> dict[str, tuple[pandas.DataFrame, str, str]]:
    frame = people()
    return {
        "constant number": (frame.assign(age=40.0), "age", "age is constant"),
        "constant factor": (frame.assign(group="patients"), "group", "group is constant"),
        "missing": (frame.assign(age=frame["age"].where(frame.index != 3)), "age", "age is missing for sub-03"),
        "missing level": (frame.assign(group=frame["group"].where(frame.index != 5)), "group", "missing for sub-05"),
        "mixed": (frame.assign(age=[*frame["age"][1:], "old"]), "age", "numbers and text .'old' for sub-23"),
        "numbers as text": (frame.assign(age=frame["age"].map(str)), "age", "numbers as text"),
        "decimal commas": (
            frame.assign(age=frame["age"].map(lambda age: f"{age:.1f}".replace(".", ","))),
            "age",
            "as text",
        ),
        "infinite": (frame.assign(age=[np.inf, *frame["age"][1:]]), "age", "infinite for sub-00"),
        "too large to square": (frame.assign(age=frame["age"] * 1e200), "age", "give it in another unit"),
        "too small to square": (frame.assign(age=frame["age"] * 1e-200), "age", "give it in another unit"),
        "dates": (frame.assign(day=pandas.Timestamp("2020-01-01")), "day", "days from a fixed date"),
        "collinear": (frame.assign(age_z=frame["age"] / 8 - 5), "age + age_z", "age_z is a combination of .*age"),
        "nested": (frame.assign(ward=frame["site"] + "a"), "site + ward", "is a combination of"),
        "one slope": (
            frame.assign(dose=np.where(frame["drug"] == "placebo", 0.0, frame["age"])),
            "drug * dose",
            "dose is the same for everybody who is placebo",
        ),
        "named twice": (pandas.concat([frame, frame[["age"]]], axis=1), "age", "two columns called age"),
        "no participant column": (frame.drop(columns="participant_id"), "age", "no column 'participant_id'"),
        "participant twice": (frame.assign(participant_id="sub-00"), "age", "sub-00 is in the design twice"),
        "capitals": (
            frame.assign(group=["Patients", *frame["group"][1:]]),
            "group",
            "group: the levels Patients and patients differ in capitals alone; write them alike",
        ),
        "a level with brackets": (frame.assign(group=frame["group"] + "×"), "group", "stand for products"),
    }


@pytest.mark.parametrize("case", list(bad_tables()))
def test_a_bad_table_is_refused_in_one_line(case: str) -> None:
    frame, formula, said = bad_tables()[case]
    with pytest.raises(DesignError, match=said) as caught:
        Design.from_formula(frame, formula)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"reference": {"group": "patiens"}}, "no participant is 'patiens', its reference; did you mean patients"),
        ({"reference": {"age": "40"}}, "reference: age is a number"),
        ({"reference": {"site": "north"}}, "site is no factor of the formula"),
        ({"order": {"group": ["controls", "patients", "siblings"]}}, "no participant is 'siblings'"),
        ({"order": {"group": ["controls"]}}, "its order leaves patients out"),
    ],
)
def test_levels_that_nobody_has_are_refused(options: dict[str, dict[str, str]], said: str) -> None:
    with pytest.raises(DesignError, match=said):
        Design.from_formula(people(), "group + age", **options)  # type: ignore[arg-type]  # what is refused
