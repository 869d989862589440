"""What is taken of each participant's visits: told by names, or by a study's tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from visit_groups import longitudinal

from peb import Estimate, average_visits, combine_visits
from pipeline.common import UsageError
from pipeline.group import VisitsAsked, parse_of
from pipeline.group._visit_estimates import gather_visits


def estimates() -> list[Estimate]:
    """Three visits of four participants; sub-03 missed the second, and sub-04 came once."""
    missed = ("sub-03_ses-2", "sub-04_ses-1", "sub-04_ses-3")
    return longitudinal(4, 3).without(*missed).estimates


def test_a_contrast_is_of_those_who_have_all_its_visits() -> None:
    found = gather_visits(estimates(), parse_of("ses-3 - 0.5*ses-1 - 0.5*ses-2"))
    named = {estimate.name: estimate for estimate in estimates()}
    assert [estimate.name for estimate in found.estimates] == ["sub-01", "sub-02"]
    own = combine_visits([named[f"sub-01_ses-{v}"] for v in (1, 2, 3)], (-0.5, -0.5, 1), "sub-01")
    np.testing.assert_allclose(found.estimates[0].posterior.mean, own.posterior.mean)
    assert found.left_out == ["sub-03: left out, there is no ses-2", "sub-04: left out, there is no ses-1, ses-3"]
    assert found.count_line([estimate.name for estimate in found.estimates]) == "2 participants, 6 visits"


def test_an_average_is_of_all_visits_that_there_are() -> None:
    found = gather_visits(estimates(), parse_of("mean"))
    assert [estimate.name for estimate in found.estimates] == ["sub-01", "sub-02", "sub-03", "sub-04"]
    own = average_visits([e for e in estimates() if e.name.startswith("sub-03")], "sub-03")
    np.testing.assert_array_equal(found.estimates[2].posterior.mean, own.posterior.mean)
    names = [estimate.name for estimate in found.estimates]
    assert found.count_line(names) == "4 participants, 9 visits; 1 has one visit only"


def test_visits_that_disagree_are_named_where_they_are_averaged() -> None:
    one, *others = estimates()
    far = replace(one, posterior=replace(one.posterior, mean=one.posterior.mean + 3))
    found = gather_visits([far, *others], parse_of("mean"))
    (remark,) = found.disagreement(found.estimates[0].fields)
    assert remark.startswith("visits disagree by more than their uncertainty (χ² = ")
    assert "those of sub-01, sub-03 by themselves): their average weighs each by its precision" in remark
    assert 'in the plain mean); of "visits" keeps them apart' in remark


def test_all_visits_stay_as_they_are_with_whose_they_are() -> None:
    found = gather_visits(estimates(), parse_of("visits"))
    assert [estimate.name for estimate in found.estimates] == [estimate.name for estimate in estimates()]
    assert found.participant_of["sub-03_ses-3"] == "sub-03"


def test_a_study_says_whose_visits_are_and_what_they_weigh() -> None:
    members = {
        "sub-01": {"sub-01_ses-1": 1.0, "sub-01_ses-2": -1.0},
        "sub-03": {"sub-03_ses-2": 1.0, "sub-03_ses-1": -1.0},
    }
    found = gather_visits(
        estimates(), VisitsAsked("contrast", "the contrast ketamine − placebo of visits", {}, members)
    )
    assert [estimate.name for estimate in found.estimates] == ["sub-01"]
    assert found.left_out == ["sub-03: left out, no result of sub-03_ses-2"]


def test_what_is_no_contrast_and_names_that_tell_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match=r"--of 'ses-1 \* ses-2' is not understood; give \"mean\""):
        parse_of("ses-1 * ses-2")
    with pytest.raises(ValueError, match="no participant has the contrast ses-8 - ses-9 of visits; results are called"):
        gather_visits(estimates(), parse_of("ses-8 - ses-9"))
    nameless = [estimate.renamed(f"x{i}abc") for i, estimate in enumerate(estimates())]
    with pytest.raises(ValueError, match="names do not tell which results are of one participant"):
        gather_visits(nameless, parse_of("mean"))
