"""Contrasts of levels from a group for each level."""

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
    arms_from_separate_groups,
    cells_of_contrast,
    evaluate_contrast,
    evaluate_contrast_by_cell,
    fit,
    fit_each_level,
    make_design,
    parse_contrast,
)

COUNTS = (9, 8, 7)


def people() -> pandas.DataFrame:
    group = np.repeat(["a", "b", "c"], COUNTS)
    names = [f"sub-{i:02d}" for i in range(group.size)]
    visit = np.resize(["first", "second"], group.size)
    age = np.random.default_rng(2).normal(40, 8, group.size)
    return pandas.DataFrame({"participant_id": names, "group": group, "visit": visit, "age": age})


def estimates(frame: pandas.DataFrame, spreads: tuple[float, ...] = (0.2, 0.2, 0.2)) -> list[Estimate]:
    rng, prior = np.random.default_rng(3), Gaussian(np.zeros(2), 2 * np.eye(2))
    sd = np.repeat(spreads, COUNTS)
    return [
        Estimate(name, ("B0", "B1"), ("B", "B"), prior, Gaussian(rng.normal(0, own, 2), 0.05 * np.eye(2)), 0.0)
        for name, own in zip(frame["participant_id"], sd, strict=True)
    ]


def test_of_two_groups_it_is_the_comparison_of_two_arms() -> None:
    frame = people()[lambda table: table["group"] != "c"].reset_index(drop=True)
    cohort = estimates(people())[: len(frame)]
    design = Design.from_formula(frame, "group", reference={"group": "b"})
    found = evaluate_contrast_by_cell(cohort, design, parse_contrast("a - b", design))
    arms = make_design(frame["participant_id"], {"group": frame["group"].to_numpy()}, plus=["a"])
    expected = arms_from_separate_groups(*fit_each_level(cohort, arms, "group[a]"))[0]
    np.testing.assert_allclose(found.mean, expected.difference.mean, atol=1e-9)
    np.testing.assert_allclose(found.density.interval(), expected.interval(), atol=1e-7)
    np.testing.assert_allclose(found.with_v_without, expected.with_v_without.difference, atol=1e-9)


def test_estimates_are_matched_with_the_design_by_name() -> None:
    frame = people()
    cohort, design = estimates(frame), Design.from_formula(frame, "group")
    asked = parse_contrast("a - c", design)
    found = [evaluate_contrast_by_cell(order, design, asked) for order in (cohort, cohort[::-1])]
    np.testing.assert_array_equal(found[0].mean, found[1].mean)
    arms = make_design(frame["participant_id"], {"visit": frame["visit"].to_numpy()})
    groups = [fit_each_level(order, arms, "visit[second]")[0] for order in (cohort, cohort[::-1])]
    np.testing.assert_array_equal(groups[0].mean, groups[1].mean)


def test_of_three_groups_moments_are_those_of_the_groups() -> None:
    frame = people()
    cohort, design = estimates(frame), Design.from_formula(frame, "group")
    pairs = {text: parse_contrast(text, design) for text in ("a", "b", "c", "0.5*a + 0.5*b - c")}
    each = {text: evaluate_contrast_by_cell(cohort, design, asked) for text, asked in pairs.items()}
    whole = each.pop("0.5*a + 0.5*b - c")
    np.testing.assert_allclose(
        whole.mean, [0.5, 0.5, -1] @ np.array([level.mean for level in each.values()]), atol=0.02
    )
    assert whole.method == "a group for each level"
    assert whole.prior.sd == pytest.approx(np.sqrt(2 * 1.5), rel=1e-9)


def test_a_level_that_spreads_more_makes_its_own_contrasts_wider_and_no_others() -> None:
    frame = people()
    design = Design.from_formula(frame, "group + age")
    wide = {}
    for text in ("a - b", "a - c"):
        asked = parse_contrast(text, design)
        cohort = estimates(frame, (0.2, 0.2, 1.5))
        wide[text] = (
            evaluate_contrast_by_cell(cohort, design, asked).sd / evaluate_contrast(fit(cohort, design), asked).sd
        )
    assert (wide["a - c"] > 1.1).all()
    assert (wide["a - b"] < 0.8).all()


def test_cells_are_those_that_a_contrast_weighs() -> None:
    frame = people()
    design = Design.from_formula(frame, "group * visit + age")
    cells = cells_of_contrast(design, parse_contrast("a:second - a:first - b:second + b:first", design))
    assert {cell.name: round(cell.weight, 9) for cell in cells} == {
        "a & first": -1, "a & second": 1, "b & first": 1, "b & second": -1,
    }  # fmt: skip
    assert sum(len(cell.rows) for cell in cells) == 17
    assert cells_of_contrast(design, parse_contrast("age", design)) == ()
    assert [cell.name for cell in cells_of_contrast(design, parse_contrast("mean", design))] == ["a", "b", "c"]


def test_a_mean_over_levels_is_as_wide_as_the_widest_makes_it() -> None:
    frame = people().iloc[:20].reset_index(drop=True)  # 9, 8, 3
    design = Design.from_formula(frame, "group")
    asked = parse_contrast("mean", design)
    cohort = estimates(people(), (0.2, 0.2, 1.5))[:20]
    found, joint = evaluate_contrast_by_cell(cohort, design, asked), evaluate_contrast(fit(cohort, design), asked)
    assert (found.sd > 1.3 * joint.sd).all()
    np.testing.assert_allclose(found.prior.sd, joint.prior.sd)
    np.testing.assert_allclose(found.prior.mean, joint.prior.mean)


def test_a_level_of_two_participants_is_too_small() -> None:
    frame = people().iloc[:19].reset_index(drop=True)
    design = Design.from_formula(frame, "group")
    with pytest.raises(DesignError, match="c has fewer than 3 participants"):
        evaluate_contrast_by_cell(estimates(people())[:19], design, parse_contrast("a - c", design))


def test_a_level_in_which_another_factor_is_constant_is_named() -> None:
    frame = people().assign(visit=lambda table: table["visit"].where(table["group"] != "c", "first"))
    design = Design.from_formula(frame, "group + visit")
    with pytest.raises(DesignError, match="among c alone, visit is constant"):
        evaluate_contrast_by_cell(estimates(frame), design, parse_contrast("a - c", design))


def test_gaussian_participants_have_groups_of_their_own_too() -> None:
    frame = people()
    cohort, design = estimates(frame), Design.from_formula(frame, "group")
    asked = parse_contrast("a - b", design)
    settings = PebSettings(between="gaussian")
    found = evaluate_contrast_by_cell(cohort, design, asked, settings)
    joint = evaluate_contrast(fit(cohort, design, settings), asked)
    np.testing.assert_allclose(found.mean, joint.mean, atol=0.02)
