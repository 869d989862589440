"""The table of reductions against inversions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_posterior import made_up_posterior

from dcm import Posterior, prior
from pipeline.stages import _reductions as reductions


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> dict[str, Posterior]:
    """A model, and the same without its last input effect, whose posterior is the model's own marginal."""
    large = made_up_posterior()
    density = prior(large.spec)
    large = replace(large, prior=density, covariance=np.diag(np.diag(density.covariance)[large.free]) / 4)
    kept = large.free[:-1]
    covariance = density.covariance.copy()
    covariance[large.free[-1]] = 0
    small = replace(
        large,
        prior=replace(density, covariance=covariance),
        free=kept,
        covariance=large.covariance[:-1, :-1],
        settled_free_energy=large.settled_free_energy - 1.0,
    )
    every = {"large": large, "small": small}
    monkeypatch.setattr(reductions, "read_posterior", lambda path: (every[path.name], {}))
    return every


def test_a_model_that_is_nested_gets_a_row_and_others_do_not(models: dict[str, Posterior]) -> None:
    files = {name: {"sub-01_ses-1": Path(name)} for name in models}
    found = reductions.reduction_records(files)
    assert found is not None
    [row] = found.rows
    assert (row["model"], row["reduced_from"], row["visits"]) == ("small", "large", 1)
    assert row["inverted"] == pytest.approx(-1.0)
    assert row["largest_difference"] == pytest.approx(abs(row["reduced"] + 1.0))
    assert found.marked == ({0} if row["largest_difference"] > reductions.CLOSE else set())
    assert row["furthest_mean"] == pytest.approx(0, abs=1e-6)


def test_models_that_are_not_nested_have_no_table(models: dict[str, Posterior]) -> None:
    assert reductions.reduction_records({"large": {"sub-01_ses-1": Path("large")}}) is None
