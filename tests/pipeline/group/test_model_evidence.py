"""Models of one study are compared by F of one mode, SPM's F is flagged, and reductions are near inversions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_posterior import made_up_posterior

from dcm import Posterior, Settings, prior
from pipeline.execution import Unit
from pipeline.group import _model_evidence as model_evidence
from pipeline.results import posterior_dataset, write_dataset
from pipeline.stages._group import ComparisonJob, compare_study_models

VISITS = [f"sub-{i:02d}_ses-1" for i in range(1, 5)]


class Told:
    """What became of the units."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.files: list[Path] = []

    def done(self, unit: Unit, files: list[Path]) -> None:
        self.files += files

    def failed(self, unit: Unit, reason: str) -> None:
        self.reasons.append(reason)


def compared(folder: Path, first: Settings, second: Settings) -> Told:
    posteriors: dict[str, dict[str, Path]] = {}
    made = made_up_posterior()
    for number, (model, settings) in enumerate((("main", first), ("other", second))):
        for place, visit in enumerate(VISITS):
            energy = -100.0 - place - 2 * number
            one = replace(made, free_energy=energy, settled_free_energy=energy, settings=settings)
            path = folder / model / f"{visit}.nc"
            write_dataset(path, posterior_dataset(one, name=visit, attrs={}))
            posteriors.setdefault(model, {})[visit] = path
    reported = Told()
    compare_study_models(
        [Unit("group", "models", {}, (), ComparisonJob(posteriors, {}, {}, folder / "models"))], reported
    )  # type: ignore[arg-type]  # only what the stage calls
    return reported


@pytest.mark.parametrize(("settings", "flagged"), [(Settings(), False), (Settings("spm12"), True)])
def test_spms_free_energies_are_flagged_where_they_are_compared(
    tmp_path: Path, settings: Settings, flagged: bool
) -> None:
    reported = compared(tmp_path, settings, settings)
    assert reported.reasons == []
    texts = [path.read_text(encoding="utf-8") for path in reported.files if path.suffix in (".json", ".html")]
    assert texts
    words = " ".join(" ".join(texts).split())
    assert (f"In mode {settings.compat} this F takes the noise for independent" in words) == flagged
    assert ("free energies of SPM's noise, at its optimum" in words) == flagged


def test_models_of_different_modes_are_not_compared(tmp_path: Path) -> None:
    (reason,) = compared(tmp_path, Settings(), Settings(noise="white")).reasons
    assert reason == (
        "models were inverted in different modes (main of sub-01_ses-1: mode none; other of sub-01_ses-1: mode none, "
        "but noise = 'white'), so that their F do not compare; run again"
    )


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
    monkeypatch.setattr(model_evidence, "read_posterior", lambda path: (every[path.name], {}))
    return every


def test_a_model_that_is_nested_gets_a_row_and_others_do_not(models: dict[str, Posterior]) -> None:
    files = {name: {"sub-01_ses-1": Path(name)} for name in models}
    found = model_evidence.reduction_records(files)
    assert found is not None
    [row] = found.rows
    assert (row["model"], row["reduced_from"], row["visits"]) == ("small", "large", 1)
    assert row["inverted"] == pytest.approx(-1.0)
    assert row["largest_difference"] == pytest.approx(abs(row["reduced"] + 1.0))
    assert found.marked == ({0} if row["largest_difference"] > model_evidence.LARGEST_REDUCTION_ERROR else set())
    assert row["furthest_mean"] == pytest.approx(0, abs=1e-6)


def test_models_that_are_not_nested_have_no_table(models: dict[str, Posterior]) -> None:
    assert model_evidence.reduction_records({"large": {"sub-01_ses-1": Path("large")}}) is None
